"""Azure Monitor: is the activity log kept, and does somebody hear of what matters?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from collectors import (
    Collector,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    criterion,
    fails,
    passes,
)
from collectors.azure.exported import EVERYTHING, exported
from collectors.azure.rows import GraphRow, flag, objects, word
from collectors.azure.site import GRAPH_READ
from collectors.azure.subscription import Subscription
from collectors.azure.target import AzureTarget

monitor = Collector("azure.monitor", title="Azure Monitor", reads_from="Microsoft.Insights")

NEEDED: Final = ("Administrative", "Security", "Alert", "Policy")


class Workspace(GraphRow, kind="azure.log_analytics_workspace"):
    """A Log Analytics workspace."""

    type_name = "microsoft.operationalinsights/workspaces"
    action = "Microsoft.OperationalInsights/workspaces/read"
    keeps = ("properties.retentionInDays", "properties.sku.name")


class ActivityLogAlert(GraphRow, kind="azure.activity_log_alert"):
    """An alert on the activity log."""

    type_name = "microsoft.insights/activitylogalerts"
    action = "Microsoft.Insights/activityLogAlerts/read"
    keeps = (
        "properties.enabled",
        "properties.scopes",
        "properties.condition.allOf.field",
        "properties.condition.allOf.equals",
        "properties.condition.allOf.containsAny",
        "properties.condition.allOf.anyOf",
        "properties.actions.actionGroups.actionGroupId",
    )

    def heard(self, sub: Subscription) -> bool:
        """Whether it is on for a whole subscription and tells somebody."""
        scopes = [word(each).strip("/") for each in self.properties.get("scopes") or ()]
        groups = (self.properties.get("actions") or {}).get("actionGroups")
        return (
            flag(self.properties.get("enabled"), "enabled") is not False
            and sub.id.strip("/") in scopes
            and any(each.get("actionGroupId") for each in objects(groups, "actionGroups"))
        )

    def watches(self, **wanted: str) -> bool:
        """Whether every event with these fields sets it off, whatever else the event says."""
        for condition in objects((self.properties.get("condition") or {}).get("allOf"), "allOf"):
            choices = list(objects(condition.get("anyOf"), "anyOf")) or [condition]
            if not any(
                (value := wanted.get(word(each.get("field")).lower())) is not None
                and (
                    word(each.get("equals")) == value.lower()
                    or value.lower() in [word(one) for one in each.get("containsAny") or ()]
                )
                for each in choices
            ):
                return False
        return True


@monitor.resources(
    Workspace, ActivityLogAlert, permission=(GRAPH_READ, Workspace.action, ActivityLogAlert.action)
)
def watching(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every workspace and every alert on the activity log."""
    yield from target.graph(Workspace, ActivityLogAlert)


@monitor.check(
    Subscription,
    "critical",
    remediation="Send the categories Administrative, Security, Alert and Policy to a workspace.",
)
def activity_log_exported(sub: Subscription, scene: Scene) -> Verdict:
    """What is done to the subscription is recorded outside of it."""
    del scene
    sent = exported(sub.diagnostics)
    missing = [name for name in NEEDED if not sent & {name.lower(), EVERYTHING}]
    return fails(f"not sent: {', '.join(missing)}") if missing else passes()


@monitor.check(
    Workspace, "medium", remediation="Set the workspace's retention to the required time."
)
def workspace_retention(
    workspace: Workspace, scene: Scene, *, days: int = criterion(90, "days")
) -> Verdict:
    """The workspace keeps logs long enough; tables may differ, and are not read."""
    del scene
    kept = workspace.properties.get("retentionInDays")
    if not isinstance(kept, int):
        return fails("no retention is stated")
    text = f"{kept} days, required {days}"
    return passes(text) if kept >= days else fails(text)


def _alarm(sub: Subscription, scene: Scene, *operations: str) -> Verdict:
    """Whether alerts of the subscription cover each of these operations."""
    alerts = [each for each in scene.all(ActivityLogAlert) if each.heard(sub)]
    missing = [
        operation
        for operation in operations
        if not any(
            each.watches(category="Administrative", operationname=operation) for each in alerts
        )
    ]
    return fails(f"nobody hears of {', '.join(missing)}") if missing else passes()


ALERT: Final = "Create an alert on the activity log for these operations, with an action group."


@monitor.check(Subscription, "low", remediation=ALERT, also=(ActivityLogAlert,))
def alert_policy_assignment_changes(sub: Subscription, scene: Scene) -> Verdict:
    """Somebody is told when a policy assignment is made or deleted."""
    kind = "Microsoft.Authorization/policyAssignments"
    return _alarm(sub, scene, f"{kind}/write", f"{kind}/delete")


@monitor.check(Subscription, "medium", remediation=ALERT, also=(ActivityLogAlert,))
def alert_nsg_changes(sub: Subscription, scene: Scene) -> Verdict:
    """Somebody is told when a network security group is changed or deleted."""
    kind = "Microsoft.Network/networkSecurityGroups"
    return _alarm(sub, scene, f"{kind}/write", f"{kind}/delete")


@monitor.check(Subscription, "medium", remediation=ALERT, also=(ActivityLogAlert,))
def alert_security_solution_changes(sub: Subscription, scene: Scene) -> Verdict:
    """Somebody is told when a security solution is changed or deleted."""
    kind = "Microsoft.Security/securitySolutions"
    return _alarm(sub, scene, f"{kind}/write", f"{kind}/delete")


@monitor.check(Subscription, "low", remediation=ALERT, also=(ActivityLogAlert,))
def alert_sql_firewall_changes(sub: Subscription, scene: Scene) -> Verdict:
    """Somebody is told when a firewall rule of a SQL server is changed or deleted."""
    kind = "Microsoft.Sql/servers/firewallRules"
    return _alarm(sub, scene, f"{kind}/write", f"{kind}/delete")


@monitor.check(Subscription, "low", remediation=ALERT, also=(ActivityLogAlert,))
def alert_public_ip_changes(sub: Subscription, scene: Scene) -> Verdict:
    """Somebody is told when a public address is made or deleted."""
    kind = "Microsoft.Network/publicIPAddresses"
    return _alarm(sub, scene, f"{kind}/write", f"{kind}/delete")


@monitor.check(
    Subscription,
    "low",
    remediation="Create a service health alert for the subscription, with an action group.",
    also=(ActivityLogAlert,),
)
def alert_service_health(sub: Subscription, scene: Scene) -> Verdict:
    """Somebody is told when the service itself has trouble."""
    alerts = [each for each in scene.all(ActivityLogAlert) if each.heard(sub)]
    told = any(each.watches(category="ServiceHealth") for each in alerts)
    return passes() if told else fails("nobody is told of all service health events")
