"""Compute Engine: virtual machines and disks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from collectors import Scene, Verdict, criterion, fails, not_applicable, passes
from collectors.gcp.firewalls import compute
from collectors.gcp.values import Asset, plain

SETTINGS: Final = frozenset({
    "enable-oslogin", "enable-oslogin-2fa", "block-project-ssh-keys", "serial-port-enable",
    "serial-port-logging-enable", "enable-osconfig",
})  # fmt: skip
"""The metadata whose values are kept. All other values (start-up scripts, SSH keys, whatever an
application puts there) are dropped before anything is stored: they often are secrets."""

FULL_ACCESS: Final = "https://www.googleapis.com/auth/cloud-platform"
DEFAULT_ACCOUNT: Final = "-compute@developer.gserviceaccount.com"


def metadata(value: Any) -> dict[str, Any]:  # noqa: ANN401 - a google.protobuf.Value
    """Metadata with the values of `SETTINGS`; of everything else only the name."""
    whole = plain(value)
    items = whole.get("items") if isinstance(whole, dict) else None
    known = [each for each in items or () if isinstance(each, dict) and "key" in each]
    return {
        "items": [
            {name: each[name] for name in ("key", "value") if name in each}
            if each["key"] in SETTINGS
            else {"key": each["key"]}
            for each in known
        ]
    }


class ComputeProject(Asset, kind="gcp.compute.project"):
    """What a project sets for all of its machines."""

    asset_type = "compute.googleapis.com/Project"
    keeps = ("name", "commonInstanceMetadata", "defaultServiceAccount")

    @classmethod
    def kept(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Without the values of metadata that may be secret."""
        found = super().kept({n: v for n, v in fields.items() if n != "commonInstanceMetadata"})
        if "commonInstanceMetadata" in fields:
            found["commonInstanceMetadata"] = metadata(fields["commonInstanceMetadata"])
        return found


class Instance(Asset, kind="gcp.compute.instance"):
    """A virtual machine."""

    asset_type = "compute.googleapis.com/Instance"
    keeps = (
        "name", "labels", "machineType", "metadata", "networkInterfaces", "serviceAccounts",
        "shieldedInstanceConfig", "tags", "zone", "canIpForward", "confidentialInstanceConfig",
    )  # fmt: skip

    @classmethod
    def kept(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Without the values of metadata that may be secret."""
        found = super().kept({name: v for name, v in fields.items() if name != "metadata"})
        if "metadata" in fields:
            found["metadata"] = metadata(fields["metadata"])
        return found

    def switch(self, name: str, scene: Scene | None = None) -> bool:
        """A switch of its metadata, or else, with the scene, of its project's."""
        own = _switch(self, "metadata.items", name)
        if own is not None or scene is None:
            return bool(own)
        return bool(self.of_project(name, scene))

    def of_project(self, name: str, scene: Scene) -> bool | None:
        """A switch of its project's metadata."""
        project = scene.one(ComputeProject, self.id.partition("/zones/")[0])
        return _switch(project, "commonInstanceMetadata.items", name) if project else None


def _switch(asset: Asset, path: str, name: str) -> bool | None:
    """TRUE, Y, 1 and the like; None where it is not set.

    https://docs.cloud.google.com/compute/docs/metadata/overview#boolean
    """
    for item in asset.rows(path):
        if item.get("key") == name:
            return str(item.get("value", "")).strip().lower() in {"true", "y", "yes", "1"}
    return None


REGIONAL_DISK: Final = "compute.googleapis.com/RegionDisk"
"""A disk that stands in two zones is another type of asset, with the same data."""


class Disk(Asset, kind="gcp.compute.disk"):
    """A persistent disk."""

    asset_type = "compute.googleapis.com/Disk"
    keeps = (
        "name", "labels", "zone", "region", "sizeGb", "type", "resourcePolicies",
        "diskEncryptionKey",
    )  # fmt: skip

    @classmethod
    def kept(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Of the encryption key only the name of the key in Cloud KMS."""
        found = super().kept(fields)
        key = found.pop("diskEncryptionKey", None)
        if isinstance(key, dict) and "kmsKeyName" in key:
            # The version moves with each rotation.
            named = str(key["kmsKeyName"]).partition("/cryptoKeyVersions/")[0]
            found["diskEncryptionKey"] = {"kmsKeyName": named}
        return found


@compute.check(
    Instance,
    "medium",
    remediation="Remove the external address, or label the machine as facing the internet.",
)
def instance_no_external_ip(
    instance: Instance, _: Scene, *, label: str = criterion("internet-facing=true", "label=value")
) -> Verdict:
    """Only machines labelled so have an address of the internet."""
    outside = any(
        interface.get("accessConfigs") or interface.get("ipv6AccessConfigs")
        for interface in instance.rows("networkInterfaces")
    )
    if not outside:
        return passes("no external address")
    return passes(f"labelled {label}") if instance.carries(label) else fails("external address")


@compute.check(
    Instance,
    "medium",
    also=(ComputeProject,),
    remediation="Set enable-oslogin to TRUE in the project's metadata.",
)
def instance_os_login(instance: Instance, scene: Scene) -> Verdict:
    """People sign in to machines with their own identity, by OS Login."""
    return passes() if instance.switch("enable-oslogin", scene) else fails("OS Login is off")


@compute.check(
    Instance,
    "medium",
    also=(ComputeProject,),
    remediation="Set block-project-ssh-keys to TRUE on the machine, or turn on OS Login.",
)
def instance_no_project_ssh_keys(instance: Instance, scene: Scene) -> Verdict:
    """Keys of the whole project do not open the machine."""
    if instance.switch("block-project-ssh-keys"):
        return passes("project-wide keys are blocked")
    if instance.switch("enable-oslogin", scene):
        return passes("OS Login ignores keys in metadata")
    return fails("project-wide SSH keys are accepted")


@compute.check(
    Instance,
    "low",
    also=(ComputeProject,),
    remediation="Remove serial-port-enable from the metadata.",
)
def serial_port_disabled(instance: Instance, scene: Scene) -> Verdict:
    """The interactive serial port, which no firewall guards, is off."""
    return fails("serial port is on") if instance.switch("serial-port-enable", scene) else passes()


@compute.check(Instance, "low", remediation="Turn on vTPM and integrity monitoring of Shielded VM.")
def shielded_vm(instance: Instance, _: Scene) -> Verdict:
    """The machine's boot is measured and watched."""
    wanted = {"enableVtpm": "vTPM", "enableIntegrityMonitoring": "integrity monitoring"}
    off = [
        words
        for name, words in wanted.items()
        if not instance.flag(f"shieldedInstanceConfig.{name}")
    ]
    return fails(f"off: {', '.join(off)}") if off else passes()


@compute.check(
    Instance,
    "high",
    remediation="Give the machine a service account of its own with the roles it needs.",
)
def default_sa_full_scope(instance: Instance, _: Scene) -> Verdict:
    """No machine has the default service account with access to everything."""
    for account in instance.rows("serviceAccounts"):
        email, scopes = str(account.get("email", "")), account.get("scopes") or ()
        if email.endswith(DEFAULT_ACCOUNT) and FULL_ACCESS in scopes:
            return fails("the default service account with the scope cloud-platform")
    return passes()


@compute.check(Disk, "low", remediation="Create the disk again with a key of Cloud KMS.")
def disk_cmek(
    disk: Disk, _: Scene, *, confidential: str = criterion("label=value", of=str)
) -> Verdict:
    """Disks labelled confidential are encrypted with a key of one's own."""
    if not disk.carries(confidential):
        return not_applicable(f"not labelled {confidential}")
    named = disk.text("diskEncryptionKey.kmsKeyName")
    return passes(named) if named else fails("encrypted with Google's key")


@compute.check(Disk, "medium", remediation="Attach a snapshot schedule to the disk.")
def snapshot_schedule(
    disk: Disk, _: Scene, *, backup: str = criterion("label=value", of=str)
) -> Verdict:
    """Disks labelled for backup are copied on a schedule."""
    if not disk.carries(backup):
        return not_applicable(f"not labelled {backup}")
    return passes() if disk.items("resourcePolicies") else fails("no snapshot schedule")
