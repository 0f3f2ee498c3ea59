"""Azure Backup: are copies made, and can an attacker or the loss of a site take them away?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
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
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.azure.rows import GraphRow, word
from collectors.azure.site import GRAPH_READ
from collectors.azure.target import AzureTarget

backup = Collector("azure.backup", title="Azure Backup", reads_from="Microsoft.RecoveryServices")

SUCCEEDED: Final = frozenset({"completed", "completedwithwarnings", "healthy"})
ELSEWHERE: Final = frozenset({"georedundant", "zoneredundant"})


class RecoveryVault(GraphRow, kind="azure.recovery_services_vault"):
    """A Recovery Services vault."""

    type_name = "microsoft.recoveryservices/vaults"
    action = "Microsoft.RecoveryServices/vaults/read"
    keeps = (
        "properties.securitySettings.softDeleteSettings.softDeleteState",
        "properties.securitySettings.immutabilitySettings.state",
        "properties.redundancySettings.standardTierStorageRedundancy",
        "properties.redundancySettings.crossRegionRestore",
    )


class ProtectedItem(GraphRow, kind="azure.protected_item"):
    """A machine, database or share that is backed up."""

    type_name = (
        "microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers/protecteditems"
    )
    action = (
        "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/read"
    )
    keeps = (
        "properties.friendlyName",
        "properties.lastBackupStatus",
        "properties.lastBackupTime",
        "properties.protectionState",
        "properties.sourceResourceId",
    )
    volatile = ("listed.properties.lastBackupTime",)


@backup.resources(RecoveryVault, permission=(GRAPH_READ, RecoveryVault.action))
def vaults(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every Recovery Services vault."""
    yield from target.graph(RecoveryVault)


@backup.resources(ProtectedItem, permission=(GRAPH_READ, ProtectedItem.action))
def items(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Everything that is backed up."""
    yield from target.graph(ProtectedItem, table="recoveryservicesresources")


@backup.check(
    RecoveryVault, "medium", remediation="Turn on soft delete and immutability of the vault."
)
def vault_soft_delete_immutable(vault: RecoveryVault, scene: Scene) -> Verdict:
    """Copies cannot be deleted before their time."""
    del scene
    held = vault.properties.get("securitySettings") or {}
    soft = word((held.get("softDeleteSettings") or {}).get("softDeleteState"))
    still = word((held.get("immutabilitySettings") or {}).get("state"))
    wrong = []
    if soft not in {"enabled", "alwayson"}:
        wrong.append(f"soft delete is {soft or 'not stated'}")
    if still not in {"unlocked", "locked"}:
        wrong.append(f"immutability is {still or 'not set'}")
    return fails("; ".join(wrong)) if wrong else passes(f"soft delete {soft}, immutability {still}")


@backup.check(RecoveryVault, "low", remediation="Choose geo or zone redundancy for the vault.")
def vault_redundancy(vault: RecoveryVault, scene: Scene) -> Verdict:
    """Copies outlive the loss of one data centre."""
    del scene
    held = vault.properties.get("redundancySettings") or {}
    kind = str(held.get("standardTierStorageRedundancy") or "not stated")
    return passes(kind) if kind.lower() in ELSEWHERE else fails(f"redundancy is {kind}")


@backup.check(ProtectedItem, "high", remediation="Repair the backup and run it again.")
def job_success(
    item: ProtectedItem, scene: Scene, *, hours: int = criterion(48, "hours")
) -> Verdict:
    """The last backup was made within the limit, and it succeeded."""
    held = item.properties
    if word(held.get("protectionState")) == "protectionstopped":
        return not_applicable("protection was stopped by decision; copies are kept")
    status = str(held.get("lastBackupStatus") or "not stated")
    if status.lower() == "inprogress":
        return unknown(Cause.PARTIAL, "a backup is being made; ask again when it has ended")
    if status.lower() not in SUCCEEDED:
        return fails(f"the last backup is {status}")
    if not held.get("lastBackupTime"):
        return fails("no backup has a time")
    made = moment(held["lastBackupTime"])
    if scene.at - made > timedelta(hours=hours):
        return fails(f"last made {made:%Y-%m-%d}, limit {hours} hours")
    return passes(f"made within {hours} hours")
