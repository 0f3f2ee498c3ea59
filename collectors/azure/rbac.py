"""Azure's roles: who rules over subscriptions, and does whoever audits them only read?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from collectors import (
    Cause,
    Collector,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    criterion,
    fails,
    passes,
    unknown,
)
from collectors.azure.granted import writes
from collectors.azure.rows import GraphRow, objects, word
from collectors.azure.site import GRAPH_READ
from collectors.azure.subscription import NO_GROUPS, Subscription
from collectors.azure.target import AzureTarget

rbac = Collector("azure.rbac", title="Azure roles", reads_from="Microsoft.Authorization")

OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
ACCESS_ADMINISTRATOR: Final = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
GROUP: Final = "/providers/microsoft.management/managementgroups/"


class RoleAssignment(GraphRow, kind="azure.role_assignment"):
    """A role that somebody holds somewhere."""

    type_name = "microsoft.authorization/roleassignments"
    action = "Microsoft.Authorization/roleAssignments/read"
    keeps = (
        "properties.principalId",
        "properties.principalType",
        "properties.roleDefinitionId",
        "properties.scope",
    )

    @property
    def role(self) -> str:
        """The role's own id."""
        return word(self.properties.get("roleDefinitionId")).rpartition("/")[2]

    def covers(self, sub: Subscription) -> bool:
        """Whether it holds in a whole subscription, there or above."""
        scope = word(self.properties.get("scope"))
        above = {f"{GROUP}{name}" for name in sub.groups or ()}
        return scope.rstrip("/") in {"", sub.id} | above


class RoleDefinition(GraphRow, kind="azure.role_definition"):
    """A role that the organisation made itself."""

    type_name = "microsoft.authorization/roledefinitions"
    action = "Microsoft.Authorization/roleDefinitions/read"
    keeps = (
        "properties.roleName",
        "properties.type",
        "properties.permissions.actions",
        "properties.permissions.notActions",
        "properties.assignableScopes",
    )


@rbac.resources(
    RoleAssignment,
    RoleDefinition,
    permission=(GRAPH_READ, RoleAssignment.action, RoleDefinition.action),
)
def roles(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every assignment, also above the subscriptions, and every role of the organisation's own."""
    yield from target.graph(
        RoleAssignment,
        RoleDefinition,
        table="authorizationresources",
        where=f"type =~ '{RoleAssignment.type_name}' or properties.type =~ 'CustomRole'",
        above=True,
    )


def _holders(sub: Subscription, scene: Scene, role: str) -> dict[str, set[str]]:
    """Who holds a role in a whole subscription, by kind of principal."""
    found: dict[str, set[str]] = {}
    for each in scene.all(RoleAssignment):
        if each.role == role and each.covers(sub):
            kind = word(each.properties.get("principalType"))
            found.setdefault(kind, set()).add(word(each.properties.get("principalId")))
    return found


@rbac.check(
    Subscription,
    "high",
    remediation="Take the role Owner from people who do not need it every day.",
    also=(RoleAssignment,),
)
def owner_count(sub: Subscription, scene: Scene, *, most: int = criterion(3, "people")) -> Verdict:
    """Few people own the subscription, by themselves or from above."""
    holders = _holders(sub, scene, OWNER)
    people, groups = holders.get("user", set()), holders.get("group", set())
    beside = f", and {len(groups)} groups, whose members Entra knows" if groups else ""
    text = f"{len(people)} people{beside}; limit {most}"
    if len(people) + len(groups) > most:
        return fails(text)
    return unknown(Cause.DENIED, NO_GROUPS) if sub.groups is None else passes(text)


@rbac.check(
    Subscription,
    "medium",
    remediation="Let whoever gives access not also operate, or the other way round.",
    also=(RoleAssignment,),
)
def assigner_and_operator_separated(sub: Subscription, scene: Scene) -> Verdict:
    """Nobody both gives access and operates in the subscription."""
    gives = _holders(sub, scene, ACCESS_ADMINISTRATOR)
    operates = _holders(sub, scene, CONTRIBUTOR)
    both = sorted(
        f"{kind} {who}" for kind in gives for who in gives[kind] & operates.get(kind, set())
    )
    if both:
        return fails(f"both: {', '.join(both)}")
    return unknown(Cause.DENIED, NO_GROUPS) if sub.groups is None else passes()


@rbac.check(
    RoleDefinition, "medium", remediation="Replace the action * by the actions that are needed."
)
def no_custom_owner_role(role: RoleDefinition, scene: Scene) -> Verdict:
    """No role of the organisation's own may do everything."""
    del scene
    name = role.properties.get("roleName")
    for each in objects(role.properties.get("permissions"), "permissions"):
        if "*" in (each.get("actions") or ()):
            return fails(f"{name} may do everything")
    return passes(f"{name}")


@rbac.check(
    Subscription, "medium", remediation="Give the credential that reads the role Reader only."
)
def auditor_role_read_only(sub: Subscription, scene: Scene) -> Verdict:
    """The credential with which this evidence was read can only read."""
    del scene
    more = writes(sub.our_roles)
    return fails(f"it may also: {', '.join(more[:10])}") if more else passes()
