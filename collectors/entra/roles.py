"""Microsoft Entra ID: who administers the tenant, for how long, and how do they become it?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from collectors import (
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
)
from collectors.entra.people import User, users
from collectors.entra.settings import Tenant
from collectors.entra.sign_in import PRIVILEGED
from collectors.entra.site import MEMBERS, ROLES
from collectors.graph import GraphTarget, Row, kept

roles = Collector("entra.roles", title="Microsoft Entra roles", reads_from="roleManagement")

GLOBAL: Final = "62e90394-69f5-4237-9190-012177145e10"
"""The role Global Administrator."""

DURATION: Final = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")


class Assignment(Resource[Row], kind="entra.role_assignment"):
    """That somebody holds a role now: a person, a group or an application."""

    @property
    def role(self) -> str:
        """The id of the role; that of a built-in one is the same in every tenant."""
        return str(self.listed.get("roleDefinitionId"))


class Group(Resource[Row], kind="entra.role_group"):
    """A group that may hold roles; there are no groups inside such groups."""

    @fact(MEMBERS)
    def members(self, api: GraphTarget) -> list[str]:
        """The ids of its members."""
        path = "GET /v1.0/groups/{group}/members"
        return sorted(row["id"] for row in api.rows(path, select=("id",), group=self.id))


class Schedule(Resource[Row], kind="entra.role_schedule"):
    """For how long somebody holds a role, and whether it was assigned or activated."""

    @property
    def role(self) -> str:
        """The id of the role."""
        return str(self.listed.get("roleDefinitionId"))


class RolePolicy(Resource[Row], kind="entra.role_policy"):
    """What is asked of somebody who activates a role; its id is the role's."""

    def rule(self, name: str) -> Mapping[str, Any]:
        """One of its rules.

        Raises:
            MalformedError: it does not have it.
        """
        found = [each for each in self.listed["rules"] if each.get("id") == name]
        if not found:
            raise MalformedError(f"the policy of the role has no rule {name}")
        first: Mapping[str, Any] = found[0]
        return first


@roles.resources(Assignment, permission=ROLES)
def assignments(target: GraphTarget) -> Iterator[Assignment]:
    """Every assignment of a role that is active."""
    names = ("principalId", "roleDefinitionId", "directoryScopeId")
    for row in target.rows("GET /v1.0/roleManagement/directory/roleAssignments", top=None):
        yield Assignment(id=row["id"], listed=kept(row, *names))


@roles.resources(Group, permission=MEMBERS)
def groups(target: GraphTarget) -> Iterator[Group]:
    """The groups that may hold roles; others cannot."""
    query = {"$filter": "isAssignableToRole eq true"}
    select = ("id", "displayName")
    for row in target.rows("GET /v1.0/groups", select=select, query=query):
        yield Group(id=row["id"], listed=kept(row, "displayName"))


@roles.resources(Schedule, permission=ROLES)
def schedules(target: GraphTarget) -> Iterator[Schedule]:
    """How long every assignment lasts; needs a licence (P2)."""
    names = ("principalId", "roleDefinitionId", "assignmentType", "memberType")
    path = "GET /v1.0/roleManagement/directory/roleAssignmentSchedules"
    for row in target.rows(path, top=None):
        ends = ((row.get("scheduleInfo") or {}).get("expiration") or {}).get("type")
        yield Schedule(id=row["id"], listed={**kept(row, *names), "expiration": ends})


@roles.resources(RolePolicy, permission=ROLES)
def role_policies(target: GraphTarget) -> Iterator[RolePolicy]:
    """What activation asks for, role by role; needs a licence (P2)."""
    query = {
        "$filter": "scopeId eq '/' and scopeType eq 'DirectoryRole'",
        "$expand": "policy($expand=rules)",
    }
    names = ("id", "enabledRules", "isExpirationRequired", "maximumDuration", "isEnabled")
    path = "GET /v1.0/policies/roleManagementPolicyAssignments"
    for row in target.rows(path, top=None, query=query):
        rules = []
        for rule in (row.get("policy") or {}).get("rules") or ():
            asked = (rule.get("setting") or {}).get("isApprovalRequired")
            more = {} if asked is None else {"isApprovalRequired": asked}
            rules.append({**kept(rule, *names), **more})
        listed = {"rules": sorted(rules, key=lambda each: str(each.get("id")))}
        yield RolePolicy(id=row["roleDefinitionId"], listed=listed)


def holders(scene: Scene, role: str) -> list[str]:
    """Who holds a role in the whole tenant, by themselves or in a group."""
    found: set[str] = set()
    for each in scene.all(Assignment):
        if each.role == role and each.listed.get("directoryScopeId") == "/":
            holder = str(each.listed.get("principalId"))
            group = scene.one(Group, holder)
            found |= {holder} if group is None else set(group.members)
    return sorted(found)


@roles.check(
    Tenant,
    "high",
    remediation="Keep two to four global administrators, with accounts of the cloud only.",
    also=(Assignment, Group, User),
)
def global_admin_count(
    tenant: Tenant,
    scene: Scene,
    *,
    least: int = criterion(2, "holders"),
    most: int = criterion(4, "holders"),
) -> Verdict:
    """There are a few global administrators, and none comes from the local directory."""
    del tenant
    found = holders(scene, GLOBAL)
    accounts = [user for each in found if (user := scene.one(User, each))]
    synced = [each.id for each in accounts if each.listed.get("onPremisesSyncEnabled")]
    wrong = []
    if not least <= len(found) <= most:
        wrong.append(f"{len(found)} holders, limits {least} and {most}: {', '.join(found)}")
    if synced:
        wrong.append(f"from the local directory: {', '.join(synced)}")
    return fails("; ".join(wrong)) if wrong else passes(", ".join(found))


@roles.check(
    Schedule,
    "high",
    remediation="Make the holder eligible for the role, to be activated when it is needed.",
)
def no_permanent_privileged_assignment(
    schedule: Schedule,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Nobody but the emergency accounts holds a privileged role for good."""
    del scene
    if schedule.role not in PRIVILEGED:
        return not_applicable("not a privileged role")
    name = PRIVILEGED[schedule.role]
    kind = schedule.listed.get("assignmentType")
    if kind == "Activated":
        return passes(f"{name}, activated for a time")
    if kind != "Assigned":
        raise MalformedError("assignmentType has a value we do not know")
    if schedule.listed.get("principalId") in break_glass:
        return passes(f"{name}, an emergency account")
    if schedule.listed.get("expiration") in {"afterDateTime", "afterDuration"}:
        return passes(f"{name}, for a time")
    return fails(f"{name} for good")


def hours(duration: object) -> float:
    """The hours of a duration (`PT8H`, `P1D`).

    Raises:
        MalformedError: it is none.
    """
    found = DURATION.fullmatch(str(duration))
    if not found or not any(found.groups()):
        raise MalformedError("maximumDuration is no duration")
    days, whole, minutes = (int(each or 0) for each in found.groups())
    return days * 24 + whole + minutes / 60


@roles.check(
    RolePolicy,
    "medium",
    remediation="Ask for MFA, a reason and an approval when the role is activated, for some hours.",
)
def pim_activation_settings(
    policy: RolePolicy, scene: Scene, *, longest: int = criterion(8, "hours")
) -> Verdict:
    """Who activates a privileged role needs MFA, a reason and an approval, for a time."""
    del scene
    if policy.id not in PRIVILEGED:
        return not_applicable("not a privileged role")
    asked = set(policy.rule("Enablement_EndUser_Assignment").get("enabledRules") or ())
    context = policy.rule("AuthenticationContext_EndUser_Assignment").get("isEnabled")
    wrong = []
    if "MultiFactorAuthentication" not in asked and context is not True:
        wrong.append("no MFA")
    if "Justification" not in asked:
        wrong.append("no reason")
    if policy.rule("Approval_EndUser_Assignment").get("isApprovalRequired") is not True:
        wrong.append("no approval")
    last = hours(policy.rule("Expiration_EndUser_Assignment").get("maximumDuration"))
    if last > longest:
        wrong.append(f"for {last:g} hours, limit {longest}")
    name = PRIVILEGED[policy.id]
    return fails(f"{name}: {', '.join(wrong)}") if wrong else passes(name)


@users.check(
    User,
    "medium",
    remediation="Take roles and licences from accounts that are disabled.",
    also=(Assignment, Group),
)
def disabled_have_no_sessions_or_roles(user: User, scene: Scene) -> Verdict:
    """Disabled accounts hold neither roles nor licences."""
    if user.enabled:
        return not_applicable("the account is enabled")
    held = [each for each in scene.all(Assignment) if each.listed.get("principalId") == user.id]
    if held:
        return fails("still holds a role")
    if any(user.id in each.members for each in scene.all(Group)):
        return fails("still in a group that may hold roles")
    return fails("still has a licence") if user.listed.get("assignedLicenses") else passes()
