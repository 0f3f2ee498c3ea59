"""Azure virtual machines and disks: do they start trusted, and who can take their data?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collectors import (
    Cause,
    Collector,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.azure.backup import ProtectedItem
from collectors.azure.rows import GraphRow, flag, word
from collectors.azure.site import GRAPH_READ
from collectors.azure.target import AzureTarget

vm = Collector("azure.vm", title="Azure virtual machines", reads_from="Microsoft.Compute")

SECURITY = "properties.securityProfile."


class VirtualMachine(GraphRow, kind="azure.virtual_machine"):
    """A virtual machine."""

    type_name = "microsoft.compute/virtualmachines"
    action = "Microsoft.Compute/virtualMachines/read"
    keeps = (
        "identity.type",
        f"{SECURITY}encryptionAtHost",
        f"{SECURITY}securityType",
        f"{SECURITY}uefiSettings.secureBootEnabled",
        f"{SECURITY}uefiSettings.vTpmEnabled",
        "properties.osProfile.linuxConfiguration.disablePasswordAuthentication",
        "properties.storageProfile.osDisk.osType",
    )


class Disk(GraphRow, kind="azure.managed_disk"):
    """A managed disk."""

    type_name = "microsoft.compute/disks"
    action = "Microsoft.Compute/disks/read"
    keeps = ("properties.networkAccessPolicy", "properties.publicNetworkAccess")


@vm.resources(VirtualMachine, Disk, permission=(GRAPH_READ, VirtualMachine.action, Disk.action))
def machines(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every virtual machine and managed disk."""
    yield from target.graph(VirtualMachine, Disk)


@vm.check(VirtualMachine, "medium", remediation="Turn on encryption at host of the machine.")
def encryption_at_host(machine: VirtualMachine, scene: Scene) -> Verdict:
    """Disks and caches are encrypted on the host already."""
    del scene
    held = machine.properties.get("securityProfile") or {}
    on = flag(held.get("encryptionAtHost"), "encryptionAtHost")
    return passes() if on else fails("encryption at host is off")


@vm.check(
    VirtualMachine, "low", remediation="Use trusted launch with secure boot and a virtual TPM."
)
def trusted_launch(machine: VirtualMachine, scene: Scene) -> Verdict:
    """Only signed software starts the machine."""
    del scene
    held = machine.properties.get("securityProfile") or {}
    uefi = held.get("uefiSettings") or {}
    wrong = []
    if word(held.get("securityType")) not in {"trustedlaunch", "confidentialvm"}:
        wrong.append("no trusted launch")
    if not flag(uefi.get("secureBootEnabled"), "secureBootEnabled"):
        wrong.append("secure boot is off")
    if not flag(uefi.get("vTpmEnabled"), "vTpmEnabled"):
        wrong.append("no virtual TPM")
    return fails(", ".join(wrong)) if wrong else passes()


@vm.check(VirtualMachine, "medium", remediation="Turn off password authentication of the machine.")
def linux_ssh_key_only(machine: VirtualMachine, scene: Scene) -> Verdict:
    """Linux machines are made without a password for signing in."""
    del scene
    profile = machine.properties.get("osProfile") or {}
    linux = profile.get("linuxConfiguration")
    if linux is None:
        return not_applicable("not made as a Linux machine by Azure")
    off = flag(linux.get("disablePasswordAuthentication"), "disablePasswordAuthentication")
    return passes() if off else fails("passwords are accepted")


@vm.check(VirtualMachine, "low", remediation="Give the machine a managed identity.")
def managed_identity(machine: VirtualMachine, scene: Scene) -> Verdict:
    """The machine has an identity of its own, so it needs no stored credential."""
    del scene
    kind = word((machine.listed.get("identity") or {}).get("type"))
    return passes(kind) if kind not in {"", "none"} else fails("no managed identity")


@vm.check(
    VirtualMachine,
    "high",
    remediation="Protect the machine by a backup policy.",
    also=(ProtectedItem,),
)
def backup_enabled(machine: VirtualMachine, scene: Scene) -> Verdict:
    """The machine is backed up by Azure Backup."""
    found = [
        item
        for item in scene.all(ProtectedItem)
        if word(item.properties.get("sourceResourceId")) == machine.id
    ]
    if not found:
        return fails("no Recovery Services vault has it")
    states = sorted({word(item.properties.get("protectionState")) for item in found})
    if "protected" in states:
        return passes()
    if "" in states:
        return unknown(Cause.PARTIAL, "the state of its protection is not told")
    if "irpending" in states:
        return fails("the first backup is still to be made")
    return fails(f"protection is {', '.join(states)}")


@vm.check(Disk, "medium", remediation="Turn off public network access to the disk's export.")
def disk_no_public_export(disk: Disk, scene: Scene) -> Verdict:
    """The disk's data cannot be downloaded from any network."""
    del scene
    if word(disk.properties.get("publicNetworkAccess")) == "disabled":
        return passes("public network access is off")
    policy = word(disk.properties.get("networkAccessPolicy")) or "allowall"
    return fails("any network may export it") if policy == "allowall" else passes(policy)
