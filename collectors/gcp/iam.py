"""Google Cloud IAM: allow policies, as the inventory has them by content type IAM_POLICY."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from collectors import (
    Collector,
    Scene,
    Unlisted,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
)
from collectors.gcp.assets import with_policy
from collectors.gcp.refusals import UnheardType
from collectors.gcp.target import PERMISSIONS, GcpTarget
from collectors.gcp.values import CONTAINERS, PUBLIC, Asset

iam = Collector("gcp.iam", title="Google Cloud IAM", reads_from="iam")

WITH_POLICIES: Final = (
    *CONTAINERS,
    "bigquery.googleapis.com/Dataset",
    "cloudkms.googleapis.com/CryptoKey",
    "run.googleapis.com/Service",
    "storage.googleapis.com/Bucket",
)
"""The types whose policies checks ask about."""

BASIC: Final = frozenset({"roles/owner", "roles/editor"})
ORG_ADMIN: Final = "roles/resourcemanager.organizationAdmin"
ACCOUNT_ADMIN: Final = "roles/iam.serviceAccountAdmin"
ACCOUNT_USER: Final = "roles/iam.serviceAccountUser"
TOKEN_CREATOR: Final = "roles/iam.serviceAccountTokenCreator"  # noqa: S105 - a role
KMS_ADMIN: Final = "roles/cloudkms.admin"
KMS_USERS: Final = frozenset({
    "roles/cloudkms.cryptoKeyDecrypter", "roles/cloudkms.cryptoKeyEncrypter",
    "roles/cloudkms.cryptoKeyEncrypterDecrypter",
})  # fmt: skip
READING: Final = frozenset({
    "roles/viewer", "roles/browser", "roles/iam.securityReviewer", "roles/cloudasset.viewer",
    "roles/logging.viewer", "roles/logging.privateLogViewer", "roles/securitycenter.adminViewer",
    "roles/resourcemanager.organizationViewer", "roles/resourcemanager.folderViewer",
    "roles/orgpolicy.policyViewer", "roles/serviceusage.serviceUsageConsumer",
})  # fmt: skip
SHOWN: Final = 5


class Policy(Asset, kind="gcp.iam.policy"):
    """The allow policy that is set on an asset; its id is the asset's."""

    @property
    def bindings(self) -> list[dict[str, Any]]:
        """Role and members, and the condition where there is one."""
        found: list[dict[str, Any]] = self.listed["iamPolicy"].get("bindings", [])
        return found

    def grants(self, *kinds: str) -> Iterator[tuple[str, str]]:
        """Each role with each member of these kinds (`user`); of all kinds where none is named.

        Members that were deleted still stand in policies and can do nothing.
        """
        for binding in self.bindings:
            for member in binding.get("members", []):
                if not kinds or member.partition(":")[0] in kinds:
                    yield binding["role"], member

    @property
    def of_container(self) -> bool:
        """Whether it is an organisation's, a folder's or a project's."""
        return self.listed["assetType"] in CONTAINERS


@iam.resources(Policy, permission=PERMISSIONS["IAM_POLICY"])
def policies(target: GcpTarget) -> Iterator[Policy | Unlisted]:
    """Every policy that is set on what checks ask about, in one pass."""
    for found in target.assets("IAM_POLICY", WITH_POLICIES):
        if isinstance(found, UnheardType):
            yield Unlisted(Policy, found.error)
        else:
            yield with_policy(Policy, found)


def public_roles(policy: Policy | None) -> list[str]:
    """The roles that anybody on the internet, or with any Google account, has."""
    if policy is None:
        return []
    return sorted({role for role, member in policy.grants() if member in PUBLIC})


def some(found: set[str]) -> str:
    """The first few, and how many more."""
    shown = sorted(found)
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def _none(found: set[str], words: str) -> Verdict:
    return fails(f"{words}: {some(found)}") if found else passes()


def _elsewhere(policy: Policy) -> Verdict | None:
    """What is only asked of containers is not applicable to the policies of other assets."""
    return None if policy.of_container else not_applicable("not a project, folder or organisation")


@iam.check(Policy, "critical", remediation="Remove allUsers and allAuthenticatedUsers.")
def no_public_project_binding(policy: Policy, _: Scene) -> Verdict:
    """No project, folder or organisation grants anything to everybody."""
    return _elsewhere(policy) or _none(set(public_roles(policy)), "granted to everybody")


@iam.check(Policy, "high", remediation="Grant people narrower roles than Owner and Editor.")
def no_primitive_roles_for_people(policy: Policy, _: Scene) -> Verdict:
    """No person is Owner or Editor of a project, folder or organisation."""
    held = {f"{member} {role}" for role, member in policy.grants("user") if role in BASIC}
    return _elsewhere(policy) or _none(held, "basic roles")


@iam.check(
    Policy,
    "high",
    remediation="Give Organisation Administrator to one group of few people.",
)
def org_admin_limited(
    policy: Policy, _: Scene, *, most: int = criterion(3, "principals")
) -> Verdict:
    """Organisation Administrator is held through groups, and by few."""
    if policy.listed["assetType"] != CONTAINERS[0]:
        return not_applicable("not an organisation")
    every = {member for role, member in policy.grants() if role == ORG_ADMIN}
    held = {member for member in every if not member.startswith("deleted:")}
    direct = {member for member in held if not member.startswith("group:")}
    if direct:
        return fails(f"held directly: {some(direct)}")
    return fails(f"held by more than {most}: {some(held)}") if len(held) > most else passes()


@iam.check(Policy, "low", remediation="Grant the role to a group and put the person in it.")
def bindings_to_groups(policy: Policy, _: Scene) -> Verdict:
    """People have access through groups, not one by one."""
    people = {member for _, member in policy.grants("user")}
    return _elsewhere(policy) or _none(people, "granted to single people")


@iam.check(Policy, "high", remediation="Remove the member, or name its domain in the criterion.")
def corporate_identities_only(
    policy: Policy, _: Scene, *, domains: tuple[str, ...] = criterion("domains")
) -> Verdict:
    """Only identities of the organisation's own domains have access."""
    own = {domain.lower() for domain in domains}
    strange = {
        member
        for _, member in policy.grants("user", "group", "domain")
        if member.rpartition("@")[2].rpartition(":")[2].lower() not in own
    }
    return _none(strange, "of other domains")


@iam.check(Policy, "high", remediation="Grant the service account the roles it needs, no more.")
def sa_no_admin_roles(policy: Policy, _: Scene) -> Verdict:
    """No service account of our own is Owner, Editor or an administrator."""
    held = {
        f"{member} {role}"
        for role, member in policy.grants("serviceAccount")
        if (role in BASIC or role.lower().endswith("admin")) and _own(member)
    }
    return _elsewhere(policy) or _none(held, "administrators")


def _own(member: str) -> bool:
    """Whether a service account is one of a project's own, not one of Google's agents."""
    name, _, domain = member.removeprefix("serviceAccount:").partition("@")
    if domain == "developer.gserviceaccount.com":
        return name.endswith("-compute")
    if domain == "appspot.gserviceaccount.com":
        return True
    return domain.endswith(".iam.gserviceaccount.com") and not domain.startswith("gcp-sa-")


@iam.check(Policy, "medium", remediation="Give the two roles to different people.")
def sa_duties_separated(policy: Policy, _: Scene) -> Verdict:
    """Nobody both administers service accounts and acts as them."""
    return _elsewhere(policy) or _both(policy, {ACCOUNT_ADMIN}, {ACCOUNT_USER})


@iam.check(Policy, "medium", remediation="Give the two roles to different people.")
def kms_duties_separated(policy: Policy, _: Scene) -> Verdict:
    """Nobody both administers keys and encrypts or decrypts with them."""
    return _elsewhere(policy) or _both(policy, {KMS_ADMIN}, set(KMS_USERS))


def _both(policy: Policy, one: set[str], other: set[str]) -> Verdict:
    holders = [
        {member for role, member in policy.grants("user", "group") if role in roles}
        for roles in (one, other)
    ]
    return _none(holders[0] & holders[1], "hold both roles")


@iam.check(Policy, "medium", remediation="Grant the role on single service accounts only.")
def token_creator_not_project_wide(policy: Policy, _: Scene) -> Verdict:
    """No person may act as every service account of a project."""
    held = {
        f"{member} {role}"
        for role, member in policy.grants("user", "group")
        if role in {ACCOUNT_USER, TOKEN_CREATOR}
    }
    return _elsewhere(policy) or _none(held, "for all service accounts")


@iam.check(Policy, "medium", remediation="Grant auditors and the collector reading roles only.")
def auditor_role_read_only(
    policy: Policy,
    _: Scene,
    *,
    auditors: tuple[str, ...] = criterion("members"),
    reading: tuple[str, ...] = criterion((), "further roles"),
) -> Verdict:
    """Auditors and the collector may read only."""
    allowed = READING | set(reading)
    more = {
        f"{member} {role}"
        for role, member in policy.grants()
        if member in auditors and role not in allowed
    }
    return _none(more, "more than reading")


def audited(policy: Policy | None) -> set[str]:
    """What a policy logs of all services, without exemption: ADMIN_READ, DATA_READ, DATA_WRITE."""
    configs = policy.listed["iamPolicy"].get("auditConfigs", []) if policy else []
    return {
        each["logType"]
        for config in configs
        if config.get("service") == "allServices"
        for each in config.get("auditLogConfigs", [])
        if not each.get("exemptedMembers")
    }


def policies_above(project: Asset, scene: Scene) -> Iterator[Policy]:
    """The policies of a project and of all it is in, nearest first; not all of them have one."""
    for name in project.inside:
        found = scene.one(Policy, name)
        if found is not None:
            yield found
