"""AWS IAM: the kinds of resource that are read, and the facts about them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, cast

from collectors import Absent, CallError, Cause, FactUnknown, Resource, Unread, fact, known
from collectors.aws.iam_report import REPORT_PERMISSIONS, ReportRow
from collectors.aws.paging import rows

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_iam.type_defs import (  # noqa: F401 - ruff does not read Resource["…"]
        GroupDetailTypeDef,
        ManagedPolicyDetailTypeDef,
        OpenIDConnectProviderListEntryTypeDef,
        PasswordPolicyTypeDef,
        RoleDetailTypeDef,
        SAMLProviderListEntryTypeDef,
        ServerCertificateMetadataTypeDef,
        UserDetailTypeDef,
    )
    from mypy_boto3_sso_admin import SSOAdminClient
    from mypy_boto3_sso_admin.type_defs import InstanceMetadataTypeDef

MOVING = (
    "generated",
    "password_last_used",
    *(f"access_key_{n}_last_used_{what}" for n in (1, 2) for what in ("date", "region", "service")),
)
"""Columns of the credential report that move by use alone."""

NOT_THE_MANAGEMENT_ACCOUNT = "AccountNotManagementOrDelegatedAdministrator"
NO_ORGANIZATION = "OrganizationNotFound"
NO_TRUSTED_ACCESS = "ServiceAccessNotEnabled"
NOT_ALL_FEATURES = "OrganizationNotInAllFeaturesMode"


class MfaUser(TypedDict):
    """Whose device it is; nothing else about the user is kept, least of all when it was used."""

    Arn: str


class MfaDevice(TypedDict):
    """A virtual MFA device without its seed, as `VirtualMFADevice` names the fields."""

    SerialNumber: str
    User: MfaUser


class IamAccount(Resource[dict[str, str]], kind="aws.iam.account"):
    """The account as IAM sees it: root user, password rule, federation."""

    volatile = tuple(f"facts.root_report.{name}" for name in MOVING)

    @fact("iam:GetAccountSummary")
    def summary(self, api: IAMClient) -> Mapping[str, int]:
        """Numbers about the account; those about the root user are 0 or 1."""
        return cast("Mapping[str, int]", api.get_account_summary()["SummaryMap"])

    @fact("iam:GetAccountPasswordPolicy", absent="NoSuchEntity")
    def password_policy(self, api: IAMClient) -> PasswordPolicyTypeDef | None:
        """The rule for the passwords of IAM users."""
        return api.get_account_password_policy()["PasswordPolicy"]

    @fact("iam:ListVirtualMFADevices")
    def virtual_mfa_devices(self, api: IAMClient) -> list[MfaDevice]:
        """The virtual MFA devices in use, the root user's among them; never a seed."""
        found = rows(api.list_virtual_mfa_devices, "VirtualMFADevices", AssignmentStatus="Assigned")
        return [
            {"SerialNumber": d["SerialNumber"], "User": {"Arn": d.get("User", {}).get("Arn", "")}}
            for d in found
        ]

    @fact("iam:ListSAMLProviders")
    def saml_providers(self, api: IAMClient) -> list[SAMLProviderListEntryTypeDef]:
        """Identity Center adds one to every account it gives access to."""
        return api.list_saml_providers()["SAMLProviderList"]

    @fact("iam:ListOpenIDConnectProviders")
    def oidc_providers(self, api: IAMClient) -> list[OpenIDConnectProviderListEntryTypeDef]:
        """The issuers whose tokens roles may trust."""
        return api.list_open_id_connect_providers()["OpenIDConnectProviderList"]

    @fact("sso:ListInstances", reads_from="sso-admin")
    def identity_center(self, api: SSOAdminClient) -> list[InstanceMetadataTypeDef]:
        """The IAM Identity Center instances visible in the target's region."""
        return list(rows(api.list_instances, "Instances", marker="NextToken"))

    @fact(
        "iam:ListOrganizationsFeatures",
        absent=(
            NOT_THE_MANAGEMENT_ACCOUNT,
            NO_ORGANIZATION,
            NO_TRUSTED_ACCESS,
            NOT_ALL_FEATURES,
            *(
                f"{code}Exception"
                for code in (
                    NOT_THE_MANAGEMENT_ACCOUNT,
                    NO_ORGANIZATION,
                    NO_TRUSTED_ACCESS,
                    NOT_ALL_FEATURES,
                )
            ),
        ),
    )
    def organization_features(self, api: IAMClient) -> list[str] | None:
        """What the organisation manages centrally; only its management account is told."""
        return list(api.list_organizations_features().get("EnabledFeatures", []))

    @fact(*REPORT_PERMISSIONS)
    def root_report(self, _: IAMClient) -> ReportRow:
        """The root user's row of the credential report, which the listing read once."""
        return given(self, "root_report")

    @property
    def federated(self) -> bool:
        """Whether people can sign in through an identity provider."""
        return any(known(lambda: bool(self.saml_providers), lambda: bool(self.identity_center)))

    @property
    def why_no_organization_features(self) -> str:
        """The code with which ListOrganizationsFeatures was answered, without `Exception`."""
        value = self.facts.get("organization_features")
        return value.code.removesuffix("Exception") if isinstance(value, Absent) else ""


class User(Resource["UserDetailTypeDef"], kind="aws.iam.user"):
    """An IAM user with groups, attached and inline policies."""

    volatile = tuple(f"facts.report.{name}" for name in MOVING)

    @fact(*REPORT_PERMISSIONS)
    def report(self, _: IAMClient) -> ReportRow:
        """The user's row of the credential report, which the listing read once."""
        return given(self, "report")

    @property
    def has_password(self) -> bool:
        """Whether the user can sign in to the console."""
        return self.report["password_enabled"] == "true"  # noqa: S105 - a column's value


class Group(Resource["GroupDetailTypeDef"], kind="aws.iam.group"):
    """A group of IAM users with its policies."""


class Role(Resource["RoleDetailTypeDef"], kind="aws.iam.role"):
    """A role with its trust policy and its policies."""

    volatile = ("listed.RoleLastUsed",)

    @property
    def service_linked(self) -> bool:
        """Whether an AWS service owns it: nobody else can use or change it."""
        return self.listed["Path"].startswith("/aws-service-role/")


class Policy(Resource[dict[str, Any]], kind="aws.iam.policy"):
    """A policy the organisation wrote: a managed one (as listed), or an inline one of a holder.

    An inline policy is listed as `{PolicyName, PolicyDocument, Holder}`.
    """

    @property
    def inline(self) -> bool:
        """Whether it is part of one user, group or role."""
        return "Holder" in self.listed

    @property
    def document(self) -> object:
        """The document in force."""
        if self.inline:
            return self.listed["PolicyDocument"]
        return default_document(cast("ManagedPolicyDetailTypeDef", self.listed), self.id)


class AwsPolicy(Resource["ManagedPolicyDetailTypeDef"], kind="aws.iam.aws_policy"):
    """A policy that AWS wrote and keeps current, attached here."""

    @property
    def document(self) -> object:
        """The document in force."""
        return default_document(self.listed, self.id)


class AccessKey(Resource[dict[str, str]], kind="aws.iam.access_key"):
    """An access key as the credential report tells of it; the report names no key ids."""

    volatile = tuple(f"listed.last_used_{what}" for what in ("date", "region", "service"))


class ServerCertificate(
    Resource["ServerCertificateMetadataTypeDef"], kind="aws.iam.server_certificate"
):
    """A TLS certificate kept in IAM."""


def given(resource: Resource[Any], name: str) -> ReportRow:
    """The row that the listing handed to a resource; raises where it could not be read."""
    value = resource.facts.get(name)
    if isinstance(value, Unread):
        raise CallError(value.cause, value.code, permission=value.permission)
    return cast("ReportRow", value)


def default_document(policy: ManagedPolicyDetailTypeDef, name: str) -> object:
    """The document of the version in force; unknown where the answer left it out."""
    for version in policy.get("PolicyVersionList", []):
        if version.get("IsDefaultVersion") and "Document" in version:
            return version["Document"]
    raise FactUnknown(Unread(f"{name} came without its document", "", Cause.PARTIAL))
