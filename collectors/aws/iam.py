"""AWS Identity and Access Management: what an account has, read in a handful of bulk calls.

The kinds stand in `iam_kinds`, the listings here, the questions in the other `iam_` files.
GetAccountAuthorizationDetails gives users, groups, roles and policies with all their documents;
the credential report gives every user's password, MFA devices and access keys. So an account
costs some ten requests, however many users it has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from collectors import CallError, Cause, Collector, Unread
from collectors.aws.iam_kinds import (
    AccessKey,
    AwsPolicy,
    Group,
    IamAccount,
    Policy,
    Role,
    ServerCertificate,
    User,
)
from collectors.aws.iam_report import REPORT_PERMISSIONS, Report, credential_report
from collectors.aws.paging import pages, rows

if TYPE_CHECKING:
    from mypy_boto3_iam.type_defs import ManagedPolicyDetailTypeDef

    from collectors.aws.target import AwsTarget

iam = Collector("aws.iam", title="AWS identities and access", reads_from="iam")

DOCUMENTS = frozenset({"AssumeRolePolicyDocument", "Document", "PolicyDocument"})
"""The members of an answer that are policy documents."""

DETAILS = ("User", "Group", "Role", "LocalManagedPolicy", "AWSManagedPolicy")


@iam.resources(IamAccount, permission="sts:GetCallerIdentity")
def account(target: AwsTarget) -> Iterator[IamAccount]:
    """The one account of the target."""
    identity = target.identify()
    number, partition = identity.subject, identity.principal.split(":", 2)[1]
    row = _report(target).row(f"arn:{partition}:iam::{number}:root")
    yield IamAccount(id=number, listed={"Account": number}, facts={"root_report": row})


@iam.resources(
    User, Group, Role, Policy, AwsPolicy, permission="iam:GetAccountAuthorizationDetails"
)
def principals_and_policies(
    target: AwsTarget,
) -> Iterator[User | Group | Role | Policy | AwsPolicy]:
    """One bulk reading; AWS's own policies are kept where somebody here holds them."""
    report = _report(target)
    named: set[str] = set()
    theirs: dict[str, ManagedPolicyDetailTypeDef] = {}
    ask = target.api("iam", "global").get_account_authorization_details
    for page in pages(ask, Filter=list(DETAILS), MaxItems=1000):
        users, groups, roles = (
            [with_documents(row) for row in page.get(f"{kind}DetailList", [])]
            for kind in ("User", "Group", "Role")
        )
        for user in users:
            yield User(id=user["Arn"], listed=user, facts={"report": report.row(user["Arn"])})
        for group in groups:
            yield Group(id=group["Arn"], listed=group)
        for role in roles:
            yield Role(id=role["Arn"], listed=role)
        for holder in (*users, *groups, *roles):
            yield from inline_policies(holder)
            named |= managed_policies(holder)
        for policy in page.get("Policies", []):
            if ":iam::aws:policy/" in policy["Arn"]:
                theirs[policy["Arn"]] = policy
            else:
                yield Policy(id=policy["Arn"], listed=with_documents(policy))
    for arn in sorted(named & theirs.keys()):
        yield AwsPolicy(id=arn, listed=with_documents(theirs[arn]))


@iam.resources(AccessKey, permission=REPORT_PERMISSIONS)
def access_keys(target: AwsTarget) -> Iterator[AccessKey]:
    """The keys in the credential report, the root user's among them: no further request.

    ListAccessKeys would cost one call a user and GetAccessKeyLastUsed one a key. A key younger
    than the report (four hours at most) is missed; it cannot have passed a limit in days.
    """
    for row in credential_report(target).rows.values():
        for number in (1, 2):
            key = f"access_key_{number}"
            if row[f"{key}_last_rotated"] != "N/A":
                listed = {"user": row["user"], "active": row[f"{key}_active"]} | {
                    name: row[f"{key}_{name}"]
                    for name in (
                        "last_rotated",
                        "last_used_date",
                        "last_used_region",
                        "last_used_service",
                    )
                }
                yield AccessKey(id=f"{row['arn']}/{key}", listed=listed)


@iam.resources(ServerCertificate, permission="iam:ListServerCertificates")
def server_certificates(target: AwsTarget) -> Iterator[ServerCertificate]:
    """The certificates; their private keys cannot be read."""
    ask = target.api("iam", "global").list_server_certificates
    for row in rows(ask, "ServerCertificateMetadataList"):
        yield ServerCertificate(id=row["Arn"], listed=row)


def with_documents(row: Any) -> Any:  # noqa: ANN401 - any part of an answer
    """The row with its policy documents read; IAM sends them as quoted JSON."""
    from botocore.handlers import decode_quoted_jsondoc  # noqa: PLC0415 - where AWS is read only

    if isinstance(row, list):
        return [with_documents(each) for each in row]
    if not isinstance(row, Mapping):
        return row
    return {
        name: decode_quoted_jsondoc(value)
        if name in DOCUMENTS and isinstance(value, str)
        else with_documents(value)
        for name, value in row.items()
    }


def inline_policies(holder: Mapping[str, Any]) -> Iterator[Policy]:
    """The inline policies of a user, group or role, each as a resource of its own."""
    for key in ("UserPolicyList", "GroupPolicyList", "RolePolicyList"):
        for policy in holder.get(key, []):
            name, arn = policy["PolicyName"], holder["Arn"]
            yield Policy(id=f"{arn}/inline/{name}", listed=policy | {"Holder": arn})


def managed_policies(holder: Mapping[str, Any]) -> set[str]:
    """The ARNs of its attached policies and its permissions boundary."""
    boundary = holder.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    attached = {policy["PolicyArn"] for policy in holder.get("AttachedManagedPolicies", [])}
    return attached | ({boundary} if boundary else set())


def _report(target: AwsTarget) -> Report:
    """The report, or one in which every row is unread for the reason it was refused."""
    try:
        return credential_report(target)
    except CallError as error:
        permission = error.permission or ", ".join(REPORT_PERMISSIONS)
        cured = error.permission or error.cause is Cause.DENIED
        return Report({}, Unread(error.code, permission if cured else "", error.cause))
