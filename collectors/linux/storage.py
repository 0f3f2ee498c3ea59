"""A host's storage: is it encrypted, mounted with care, and closed to USB sticks?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypedDict

from collectors import (
    CallError,
    Cause,
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
from collectors.linux.running import CONTAINER, Setting, kernel_text, require_running
from collectors.linux.target import LinuxTarget

storage = Collector("linux.storage", title="Storage of the host")

LSBLK: Final = ("lsblk", "-J", "-o", "NAME,TYPE,FSTYPE,MOUNTPOINT")
SHARED_FOLDERS: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - what is asked about
REMOVABLE: Final = ("/media/", "/run/media/", "/mnt/usb")
CAREFUL: Final[tuple[str, ...]] = ("nodev", "nosuid", "noexec")


class VolumeRow(TypedDict):
    """A mounted block device, and whether dm-crypt lies between it and the disk."""

    mountpoint: str
    device: str
    encrypted: bool


class MountRow(TypedDict):
    """A place where users may put files; `options` is None where it is no mount of its own."""

    path: str
    options: list[str] | None


class Volume(Resource[VolumeRow], kind="linux.storage.volume"):
    """A mounted block device or swap."""


class Mount(Resource[MountRow], kind="linux.storage.mount"):
    """A shared folder or a removable medium."""


class UsbStorage(Resource[Setting], kind="linux.storage.usb"):
    """The kernel's module for USB sticks and disks."""

    @fact("run:modprobe -n -v usb-storage")
    def would_load(self, host: LinuxTarget) -> list[str] | None:
        """What modprobe would do; None where it is not installed, empty where no such module is."""
        answer = host.run("modprobe", "-n", "-v", "usb-storage")
        if answer is None:
            return None
        if answer["code"] and "not found" not in answer.get("errors", ""):
            raise CallError(Cause.UNREACHABLE, "modprobe failed", answer.get("errors", ""))
        # `insmod /lib/modules/…` for each module, or the `install` line of modprobe.d(5)
        return [
            line.strip()
            for line in answer["text"].splitlines()
            if "usb" in line or "install" in line
        ]

    @fact("read:/proc/modules")
    def loaded(self, host: LinuxTarget) -> bool:
        """Whether the module is loaded."""
        text = kernel_text(host, "/proc/modules") or ""
        return any(line.startswith("usb_storage ") for line in text.splitlines())

    @fact("list:/sys/module")
    def present(self, host: LinuxTarget) -> bool:
        """Whether the running kernel has it, loaded or built in."""
        require_running(host, "list:/sys/module")
        return "usb_storage" in (host.names("/sys/module") or ())


@storage.resources(Volume, permission=(*CONTAINER, "run:" + " ".join(LSBLK)))
def volumes(host: LinuxTarget) -> Iterator[Volume]:
    """Every mounted block device; none in a container, whose disks belong to its host."""
    require_running(host, "run:" + " ".join(LSBLK))
    if host.container():
        return
    answer = host.run(*LSBLK)
    if answer is None or answer["code"]:
        raise CallError(Cause.UNREACHABLE, "lsblk not installed or failed")
    try:
        devices = json.loads(answer["text"])["blockdevices"]
    except (ValueError, KeyError):
        raise MalformedError("lsblk printed no JSON") from None
    rows = {row["mountpoint"]: row for row in _mounted(devices, encrypted=False)}
    for mountpoint in sorted(rows):
        yield Volume(id=mountpoint, listed=rows[mountpoint])


@storage.resources(Mount, permission=(*CONTAINER, "read:/proc/mounts"))
def mounts(host: LinuxTarget) -> Iterator[Mount]:
    """The shared folders, mounts or not, and what is mounted of removable media."""
    text = kernel_text(host, "/proc/mounts") or ""
    if host.container():
        return
    fields = [line.split() for line in text.splitlines()]
    options = {found[1]: found[3].split(",") for found in fields if len(found) > 3}
    removable = [path for path in options if path.startswith(REMOVABLE)]
    for path in sorted({*SHARED_FOLDERS, *removable}):
        mounted = options.get(path)
        kept = None if mounted is None else [word for word in CAREFUL if word in mounted]
        yield Mount(id=path, listed={"path": path, "options": kept})


@storage.resources(UsbStorage, permission=CONTAINER)
def usb_modules(host: LinuxTarget) -> Iterator[UsbStorage]:
    """The one module."""
    yield UsbStorage(id="usb-storage", listed={"container": host.container()})


@storage.check(
    Volume,
    "medium",
    remediation="Move the data to a LUKS volume, or to a disk that the platform encrypts.",
)
def encrypted(
    volume: Volume,
    scene: Scene,
    *,
    by_platform: bool = criterion(False, "whether the platform below encrypts every disk"),
) -> Verdict:
    """A mounted volume lies on LUKS or dm-crypt, or on disks that the platform encrypts.

    /boot is left out: the boot loader must read it. What the platform does cannot be seen from
    inside, so the criterion says it. Encryption inside ZFS is not seen either.
    """
    del scene
    if volume.id == "/boot" or volume.id.startswith("/boot/"):
        return not_applicable("read by the boot loader")
    if volume.listed["encrypted"]:
        return passes()
    if by_platform:
        return passes("encrypted by the platform, as the criterion says")
    return fails(f"{volume.listed['device']} is not encrypted")


@storage.check(
    Mount, "low", remediation="Mount it by its own line in /etc/fstab with nodev,nosuid,noexec."
)
def mount_options(mount: Mount, scene: Scene) -> Verdict:
    """Shared folders and removable media are mounts with nodev, nosuid and noexec."""
    del scene
    options = mount.listed["options"]
    if options is None:
        return fails("no mount of its own")
    missing = [word for word in CAREFUL if word not in options]
    return fails(f"without {', '.join(missing)}") if missing else passes()


@storage.check(
    UsbStorage,
    "low",
    remediation='Write "install usb-storage /bin/false" to /etc/modprobe.d and unload the module.',
)
def usb_storage_disabled(usb: UsbStorage, scene: Scene) -> Verdict:
    """The kernel cannot load the module for USB storage."""
    del scene
    if kind := usb.listed["container"]:
        return not_applicable(f"container ({kind}): the kernel belongs to its host")
    if usb.loaded:
        return fails("the module is loaded")
    if usb.present:
        return fails("built into the kernel")
    if usb.would_load is None:
        return fails("not disabled: modprobe is not installed, so its settings do not count")
    loads = [
        line for line in usb.would_load if not re.match(r"install (/usr)?/bin/(true|false)\b", line)
    ]
    return fails("the module can be loaded") if loads else passes()


def _mounted(devices: list[Mapping[str, Any]], *, encrypted: bool) -> Iterator[VolumeRow]:
    for device in devices:
        if device.get("type") in {"loop", "rom"} or str(device.get("name")).startswith("zram"):
            continue
        safe = encrypted or device.get("type") == "crypt"
        if mountpoint := device.get("mountpoint"):
            yield {"mountpoint": mountpoint, "device": device["name"], "encrypted": safe}
        yield from _mounted(device.get("children", []), encrypted=safe)
