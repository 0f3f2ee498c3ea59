"""Microsoft Defender for Cloud: is it on, is somebody told, and is its advice followed?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from collectors import (
    Collector,
    MalformedError,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.azure.rows import GraphRow, flag, objects, word
from collectors.azure.site import GRAPH_READ
from collectors.azure.subscription import Subscription
from collectors.azure.target import AzureTarget

defender = Collector(
    "azure.defender", title="Microsoft Defender for Cloud", reads_from="Microsoft.Security"
)

PLANS: Final = (
    "AppServices",
    "Arm",
    "Containers",
    "CosmosDbs",
    "KeyVaults",
    "OpenSourceRelationalDatabases",
    "SqlServerVirtualMachines",
    "SqlServers",
    "StorageAccounts",
    "VirtualMachines",
)


class DefenderPlan(GraphRow, kind="azure.defender_plan"):
    """A plan of Defender for Cloud in a subscription."""

    type_name = "microsoft.security/pricings"
    action = "Microsoft.Security/pricings/read"
    keeps = (
        "properties.pricingTier",
        "properties.subPlan",
        "properties.extensions.name",
        "properties.extensions.isEnabled",
    )

    @property
    def on(self) -> bool:
        """Whether it is paid for, which is what turns it on."""
        return word(self.properties.get("pricingTier")) == "standard"

    def extension(self, name: str) -> bool:
        """Whether an extension of the plan is on."""
        return self.on and any(
            word(each.get("name")) == name.lower()
            and bool(flag(each.get("isEnabled"), "extensions.isEnabled"))
            for each in objects(self.properties.get("extensions"), "extensions")
        )


class Assessment(GraphRow, kind="azure.assessment"):
    """What Defender for Cloud thinks of one resource."""

    type_name = "microsoft.security/assessments"
    action = "Microsoft.Security/assessments/read"
    keeps = (
        "properties.displayName",
        "properties.metadata.severity",
        "properties.resourceDetails.Id",
        "properties.status.code",
        "properties.status.cause",
        "properties.status.firstEvaluationDate",
        "properties.status.statusChangeDate",
    )


@defender.resources(
    DefenderPlan, Assessment, permission=(GRAPH_READ, DefenderPlan.action, Assessment.action)
)
def plans(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every plan of every subscription, and every assessment."""
    yield from target.graph(
        DefenderPlan,
        Assessment,
        table="securityresources",
        # Plans of single machines have the same type; those of subscriptions are meant.
        where=f"type =~ '{Assessment.type_name}' or id !contains '/resourcegroups/'",
    )


def _plans(sub: Subscription, scene: Scene) -> dict[str, DefenderPlan]:
    return {
        word(plan.listed.get("name")): plan
        for plan in scene.all(DefenderPlan)
        if plan.scope == sub.scope
    }


@defender.check(
    Subscription,
    "high",
    remediation="Turn on the plans of Defender for Cloud that the baseline names.",
    also=(DefenderPlan,),
)
def plans_enabled(
    sub: Subscription, scene: Scene, *, plans: tuple[str, ...] = criterion(PLANS, "plans")
) -> Verdict:
    """The plans of Defender for Cloud that are chosen are on in the subscription."""
    found = _plans(sub, scene)
    if not found:
        return fails("no plan is listed: the provider Microsoft.Security is not registered")
    off = [name for name in plans if name.lower() not in found or not found[name.lower()].on]
    return fails(f"off: {', '.join(off)}") if off else passes()


@defender.check(
    Subscription,
    "medium",
    remediation="Turn on malware scanning on upload in the plan for storage.",
    also=(DefenderPlan,),
)
def storage_malware_scanning(sub: Subscription, scene: Scene) -> Verdict:
    """What is uploaded to storage is scanned for malware."""
    plan = _plans(sub, scene).get("storageaccounts")
    on = plan is not None and plan.extension("OnUploadMalwareScanning")
    return passes() if on else fails("scanning on upload is off")


@defender.check(
    Subscription,
    "medium",
    remediation="Turn on agentless scanning of machines in the plan for servers or posture.",
    also=(DefenderPlan,),
)
def agentless_scanning(sub: Subscription, scene: Scene) -> Verdict:
    """Machines are scanned for weaknesses without an agent."""
    found = _plans(sub, scene)
    on = [
        name
        for name in ("virtualmachines", "cloudposture")
        if name in found and found[name].extension("AgentlessVmScanning")
    ]
    return passes(f"by {', '.join(on)}") if on else fails("agentless scanning is off")


@defender.check(
    Subscription, "low", remediation="Name an address that is told of alerts of high severity."
)
def security_contact(sub: Subscription, scene: Scene) -> Verdict:
    """Somebody is told of security alerts."""
    del scene
    for contact in sub.contacts:
        held = contact.get("properties") or {}
        alerts, roles = held.get("alertNotifications"), held.get("notificationsByRole")
        if not isinstance(alerts, dict):
            raise MalformedError("a security contact does not say when it is told")
        told = contact.get("has_email") or word((roles or {}).get("state")) == "on"
        if told and word(alerts.get("state")) == "on":
            return passes(f"from severity {alerts.get('minimalSeverity')}")
    return fails("nobody is told")


@defender.check(
    Assessment,
    "medium",
    remediation="Do what the recommendation says, or exempt the resource with a reason.",
)
def recommendations_within_sla(
    assessment: Assessment, scene: Scene, *, days: int = criterion(30, "days")
) -> Verdict:
    """Recommendations of high severity are followed within the limit."""
    held = assessment.properties
    status = held.get("status") or {}
    code = word(status.get("code"))
    severity = word((held.get("metadata") or {}).get("severity"))
    if code == "notapplicable":
        return not_applicable(f"not applicable: {status.get('cause') or 'no cause given'}")
    if code == "healthy":
        return passes("followed")
    if code != "unhealthy":
        raise MalformedError("an assessment has a status that is not documented")
    if severity not in {"high", "critical"}:
        return not_applicable(f"severity {severity or 'not stated'}")
    since = status.get("statusChangeDate") or status.get("firstEvaluationDate")
    if since is None:
        return fails("open, without a date")
    began = moment(since)
    text = f"{held.get('displayName')}: open since {began:%Y-%m-%d}, limit {days} days"
    return fails(text) if scene.at - began > timedelta(days=days) else passes(text)
