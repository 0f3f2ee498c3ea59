"""Azure subscriptions: which are there, and what is set for each as a whole?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from collectors import (
    Cause,
    Collector,
    Resource,
    Scene,
    Unlisted,
    Unread,
    Verdict,
    fact,
    fails,
    passes,
    unknown,
)
from collectors.azure.rows import Row, kept, wanted
from collectors.azure.site import (
    CONTACTS,
    DESCENDANTS_READ,
    DIAGNOSTICS,
    DIAGNOSTICS_READ,
    PERMISSIONS_READ,
    SUBSCRIPTION_READ,
)
from collectors.azure.target import AzureTarget, unproven

subscription = Collector(
    "azure.subscription", title="Azure subscriptions", reads_from="Microsoft.Resources"
)

NO_GROUPS = Unread("the management groups cannot be read", DESCENDANTS_READ).because
"""Why a question about what is set above a subscription is unknown."""

KEPT = wanted(("displayName", "state", "tags"))
SETTING = wanted(
    (
        "name",
        "properties.logs.category",
        "properties.logs.categoryGroup",
        "properties.logs.enabled",
        "properties.workspaceId",
        "properties.storageAccountId",
        "properties.eventHubAuthorizationRuleId",
        "properties.marketplacePartnerId",
    )
)
CONTACT = wanted(("name", "properties.alertNotifications", "properties.notificationsByRole"))


class Subscription(Resource[Row], kind="azure.subscription"):
    """A subscription with the management groups it is in, the nearest first."""

    @property
    def groups(self) -> list[str] | None:
        """The groups; None where they cannot be read."""
        found: list[str] | None = self.listed.get("groups")
        return found

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags, by name in lower case."""
        return {name.lower(): value for name, value in (self.listed.get("tags") or {}).items()}

    @fact(DIAGNOSTICS_READ)
    def diagnostics(self, api: AzureTarget) -> list[Row]:
        """Where its activity log goes."""
        return diagnostics(api, self.scope, self.id.strip("/"))

    @fact("Microsoft.Security/securityContacts/read")
    def contacts(self, api: AzureTarget) -> list[Row]:
        """Who is told of alerts: whether there is an address, not which."""
        found = []
        for row in api.listing(CONTACTS, self.scope, subscriptionId=self.scope):
            held = kept(row, CONTACT)
            emails = (row.get("properties") or {}).get("emails")
            found.append({**held, "has_email": bool(emails)})
        return found

    @fact(PERMISSIONS_READ)
    def our_roles(self, api: AzureTarget) -> list[Row]:
        """What the credential that reads may do in it."""
        tree = wanted(("actions", "notActions"))
        return [kept(role, tree) for role in api.roles(self.scope)]


def diagnostics(api: AzureTarget, subscription_id: str, resource_id: str) -> list[Row]:
    """The diagnostic settings of a resource."""
    found = api.listing(DIAGNOSTICS, subscription_id, resourceUri=resource_id)
    return [kept(row, SETTING) for row in found]


@subscription.resources(Subscription, permission=(SUBSCRIPTION_READ, DESCENDANTS_READ))
def subscriptions(target: AzureTarget) -> Iterator[Subscription | Unlisted]:
    """Every subscription that works; those the group has and nobody can see make it partial."""
    population = target.population()
    for number, row in sorted(population.seen.items()):
        if number not in population.asleep:
            held = population.held
            groups = None if held is None else list(held.get(number, ()))
            listed = {**kept(row, KEPT), "groups": groups}
            yield Subscription(id=f"/subscriptions/{number}", scope=number, listed=listed)
    if refused := unproven(population):
        raise refused
    target.whole()


@subscription.check(
    Subscription,
    "low",
    remediation="Put the subscription into a management group and tag it with its owner.",
)
def in_management_group(sub: Subscription, scene: Scene) -> Verdict:
    """The subscription has an owner and stands below a management group of its own."""
    del scene
    if not sub.tags.get("owner"):
        return fails("no tag 'owner'")
    if sub.groups is None:
        return unknown(Cause.DENIED, NO_GROUPS)
    if len(sub.groups) < 2:
        return fails("it stands directly below the top")
    return passes(f"in {sub.groups[0]}")
