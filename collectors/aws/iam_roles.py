"""AWS IAM, roles: who may take them on, whether they are used, what auditors' roles may do."""

from __future__ import annotations

import re
from datetime import timedelta

from collectors import (
    Cause,
    Scene,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.aws.conditions import Condition, account_in
from collectors.aws.iam import iam
from collectors.aws.iam_grants import HOLDERS, Holdings, attached, on_list
from collectors.aws.iam_kinds import Role
from collectors.aws.patterns import is_pattern
from collectors.aws.policies import Statement, boundaries, outsiders, statements

ASSUMING = ("sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
TRACKED_DAYS = 400
"""How far back IAM remembers the use of a role (RoleLastUsed, IAM API reference)."""

COGNITO = "cognito-identity.amazonaws.com"
WEB_IDENTITIES = (COGNITO, "accounts.google.com", "graph.facebook.com", "www.amazon.com")
"""The issuers a trust policy names without a provider's ARN."""

GITHUB = "token.actions.githubusercontent.com"
REPOSITORY_SUBJECT = re.compile(r"repo:[^/:*?]+/[^/:*?]+:.+|[^/:*?]+@\d+/[^/:*?]+@\d+:.+")
"""A GitHub subject that names one repository, in the older and the immutable form."""

READ_POLICIES = ("SecurityAudit", "ViewOnlyAccess")
"""AWS's job-function policies for auditors, taken as read-only by their name."""

READ_ACTION = re.compile(
    r"[a-z0-9-]+:(batchget|check|describe|detect|estimate|get|head|list|lookup|query|read|scan|"
    r"search|select|simulate|test|validate|verify|view)\w*\*?"
    r"|iam:generate(credentialreport|servicelastaccesseddetails)|sts:decodeauthorizationmessage"
)


@iam.check(
    Role,
    "critical",
    remediation="Name the trusted principals, or bound them by aws:PrincipalOrgID.",
)
def role_trust_no_wildcard(role: Role, scene: Scene) -> Verdict:
    """A role does not trust everybody.

    An external id alone bounds nobody: AWS does not treat it as a secret.
    """
    del scene
    trust = _trust(role)
    public = any(s.open_to_anyone and not boundaries(s, trust) for s in _grants(trust))
    return fails("trusts every principal of every account") if public else passes()


@iam.check(
    Role,
    "high",
    remediation="Take the account out of the trust policy, or list its supplier and demand an "
    "sts:ExternalId.",
)
def role_third_party_external_id(
    role: Role,
    scene: Scene,
    *,
    organization_accounts: tuple[str, ...] = criterion("account ids of the organisation"),
    supplier_accounts: tuple[str, ...] = criterion("account ids of known suppliers"),
) -> Verdict:
    """A role trusted by outside accounts trusts known suppliers only, and with an external id."""
    del scene
    trust = _trust(role)
    unlisted: set[str] = set()
    without: set[str] = set()
    found = False
    for grant in _grants(trust):
        theirs = outsiders(grant, trust, account_in(role.id)) - set(organization_accounts)
        found = found or bool(theirs)
        unlisted |= theirs - set(supplier_accounts)
        if not any(_demands(c, "sts:ExternalId") for c in grant.conditions):
            without |= theirs
    if not found:
        return not_applicable("trusted by no outside account")
    problems = [
        f"{what}: {', '.join(sorted(accounts))}"
        for what, accounts in (("not a supplier", unlisted), ("no external id", without))
        if accounts
    ]
    return fails("; ".join(problems)) if problems else passes()


@iam.check(
    Role,
    "high",
    remediation="Demand in the trust policy a subject that names the repository or workload.",
)
def oidc_trust_restricted(role: Role, scene: Scene) -> Verdict:
    """A role that trusts an OpenID Connect issuer is bound to named subjects.

    Everything up to a named repository, project or service account must be fixed. For GitHub the
    claims `repository` and `repository_id` do as well; for Cognito the identity pool (`aud`).
    """
    del scene
    grants = [(g, host) for g in _grants(_trust(role)) for host in _issuers(g)]
    if not grants:
        return not_applicable("trusts no OpenID Connect issuer")
    loose = sorted({host for grant, host in grants if not _names_subject(grant, host)})
    return fails(f"subject not bound: {', '.join(loose)}") if loose else passes()


@iam.check(Role, "low", remediation="Delete the role after asking its owner.")
def role_unused(role: Role, scene: Scene, *, limit: int = criterion(90, "days")) -> Verdict:
    """A role is in use; those owned by AWS's services are left out.

    A role without a recorded use counts from its creation; IAM remembers 400 days.
    """
    if role.service_linked:
        return not_applicable("owned by an AWS service")
    used = role.listed.get("RoleLastUsed", {}).get("LastUsedDate")
    since = moment(used or role.listed["CreateDate"])
    if since >= scene.at - timedelta(days=limit):
        return passes()
    if used:
        return fails(f"last used {since:%Y-%m-%d}, limit {limit} days")
    if limit > TRACKED_DAYS:
        return unknown(Cause.PARTIAL, f"IAM remembers {TRACKED_DAYS} days, limit {limit} days")
    return fails(f"no recorded use, created {since:%Y-%m-%d}, limit {limit} days")


@iam.check(
    Role,
    "medium",
    remediation="Give the role SecurityAudit or ViewOnlyAccess and take every other action away.",
    also=HOLDERS,
)
def auditor_role_read_only(
    role: Role,
    scene: Scene,
    *,
    auditor_roles: tuple[str, ...] = criterion("roles as role/path/name"),
) -> Verdict:
    """The roles of auditors and of evidence collection can only read.

    AWS's SecurityAudit and ViewOnlyAccess are taken as read-only; of everything else each allowed
    action must begin with a word of reading (Get, List, Describe, …).
    """
    if not on_list(role.id, auditor_roles):
        return not_applicable("not on the list of auditor roles")
    audit = [arn for arn in attached(role) if arn.endswith(_read_policy_names())]
    granted = Holdings(scene).statements(role, besides=audit)
    wide = any(s.not_actions for s in granted if s.allow)
    writes = {a for s in granted if s.allow for a in s.actions if not s.not_actions}
    writes = {action for action in writes if not READ_ACTION.fullmatch(action.lower())}
    if wide:
        return fails("allows all but some actions (NotAction)")
    return fails(f"more than reading: {', '.join(sorted(writes))}") if writes else passes()


def _trust(role: Role) -> tuple[Statement, ...]:
    return statements(role.listed["AssumeRolePolicyDocument"])


def _grants(trust: tuple[Statement, ...]) -> list[Statement]:
    """The Allows by which somebody can take the role on (tagging a session alone does not)."""
    return [s for s in trust if s.allow and any(s.touches(action) for action in ASSUMING)]


def _demands(condition: Condition, key: str) -> bool:
    """Whether a request must bring a fixed value of this key."""
    return (
        condition.key.lower() == key.lower()
        and condition.operator.lower() in {"stringequals", "stringlike", "stringequalsignorecase"}
        and bool(condition.values)
        and not any(value == "" or set(value) <= {"*", "?"} for value in condition.values)
    )


def _issuers(grant: Statement) -> list[str]:
    """The OpenID Connect issuers it trusts, as they stand in its condition keys."""
    federated = [p.name for p in grant.principals if p.type == "Federated"]
    providers = [n.partition(":oidc-provider/")[2] for n in federated if ":oidc-provider/" in n]
    return providers + [name for name in federated if name in WEB_IDENTITIES]


def _names_subject(grant: Statement, host: str) -> bool:
    claims = ["aud"] if host == COGNITO else ["sub"]
    if host in {"graph.facebook.com", "www.amazon.com"}:
        claims = ["app_id", "sub", "id", "user_id"]
    if host == GITHUB:
        claims += ["repository", "repository_id", "job_workflow_ref"]
    for condition in grant.conditions:
        for claim in claims:
            operator = condition.operator.lower().removeprefix("foranyvalue:")
            if _demands(
                Condition(operator, condition.key, condition.values), f"{host}:{claim}"
            ) and all(_named(host, claim, operator, value) for value in condition.values):
                return True
    return False


def _named(host: str, claim: str, operator: str, value: str) -> bool:
    """Whether one value of a claim names its subject up to the repository or workload."""
    if operator != "stringlike" or not is_pattern(value):
        return host != GITHUB or claim != "sub" or bool(REPOSITORY_SUBJECT.fullmatch(value))
    if host == GITHUB and claim == "sub":
        return bool(REPOSITORY_SUBJECT.fullmatch(value))
    head = re.split(r"[*?]|\$\{", value, maxsplit=1)[0].removeprefix("system:serviceaccount:")
    # A pattern may only begin where a part of the claim has ended, and not with the first part.
    return head.endswith(":") and head.count(":") > ("serviceaccount" not in value)


def _read_policy_names() -> tuple[str, ...]:
    paths = ("", "job-function/")
    return tuple(f":iam::aws:policy/{path}{name}" for path in paths for name in READ_POLICIES)
