"""Storage of a host: are its volumes encrypted, its mounts restrained, USB storage shut out?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
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
    unknown,
)
from collectors.linux.running import CONTAINER, Setting, kernel_text
from collectors.linux.target import LinuxTarget

storage = Collector("linux.storage", title="Disks, mounts and removable media")

LSBLK: Final = ("lsblk", "-J", "-o", "NAME,TYPE,FSTYPE,MOUNTPOINT")
MOUNTS: Final = "/proc/self/mounts"
OPTIONS: Final = ("nodev", "noexec", "nosuid")
REMOVABLE: Final = ("/media/", "/run/media/", "/mnt/")
STARTS_FROM: Final = ("/boot", "/boot/efi", "/efi")
"""Where firmware and boot loader read before anything can be decrypted."""

READ_ONLY_IMAGES: Final = {"squashfs", "iso9660", "udf", "erofs"}
"""File systems of programs and discs, not of the host's data."""

MODPROBE: Final = ("/usr/lib/modprobe.d", "/lib/modprobe.d", "/run/modprobe.d", "/etc/modprobe.d")
REFUSES: Final = re.compile(
    r"^\s*install\s+usb[-_]storage\s+(?:/usr)?/bin/(?:false|true)\b", re.MULTILINE
)
"""modprobe.d(5): the command that is run instead of loading the module."""


class VolumeRow(TypedDict):
    """A mounted block device; `encrypted` where it or a device below it is a dm-crypt mapping.

    `encrypted` is None for ZFS, whose own encryption no block device shows.
    """

    device: str
    encrypted: bool | None
    container: str


class Volume(Resource[VolumeRow], kind="linux.storage.volume"):
    """What is mounted, or swapped to, from a block device."""


class MountRow(TypedDict):
    """A mount that users can write to; no options where it is not a mount of its own."""

    options: list[str] | None
    container: str


class Mount(Resource[MountRow], kind="linux.storage.mount"):
    """The folder for temporary files, and what is mounted where removable media are."""


class UsbStorage(Resource[Setting], kind="linux.storage.usb"):
    """The kernel's driver of USB disks."""

    @fact("read:/proc/modules")
    def loaded(self, host: LinuxTarget) -> bool:
        """Whether the module is loaded."""
        lines = (kernel_text(host, "/proc/modules") or "").splitlines()
        return any(line.startswith("usb_storage ") for line in lines)

    @fact("read:/lib/modules")
    def shipped(self, host: LinuxTarget) -> bool | None:
        """Whether the running kernel has the driver; None where its modules cannot be found."""
        release = kernel_text(host, "/proc/sys/kernel/osrelease") or ""
        lists = [host.text(f"/lib/modules/{release}/modules.{n}") for n in ("dep", "builtin")]
        texts = [text for text in lists if text is not None]
        return any("/usb-storage.ko" in text for text in texts) if texts else None

    @fact("list:/etc/modprobe.d")
    def refused(self, host: LinuxTarget) -> bool:
        """Whether the configuration replaces loading by a command that does nothing."""
        texts = (text for folder in MODPROBE for text in host.texts(folder, ".conf").values())
        return any(REFUSES.search(text) for text in texts)


@storage.resources(Volume, permission=(*CONTAINER, f"run:{' '.join(LSBLK)}", f"read:{MOUNTS}"))
def volumes(host: LinuxTarget) -> Iterator[Volume]:
    """Every mounted volume and swap, from lsblk; ZFS datasets from the table of mounts."""
    answer = host.run(*LSBLK)
    if answer is None or answer["code"]:
        raise CallError(Cause.UNREACHABLE, "lsblk failed", "no list of block devices")
    where = host.container()
    found: dict[str, VolumeRow] = {}
    for place, device, encrypted in _mounted(_devices(answer["text"]), encrypted=False):
        found[place] = {"device": device, "encrypted": encrypted, "container": where}
    for device, place, kind, _ in _mounts(host):
        if kind == "zfs":
            found[place] = {"device": device, "encrypted": None, "container": where}
    for place in sorted(found):
        yield Volume(id=place, listed=found[place])


@storage.resources(Mount, permission=(*CONTAINER, f"read:{MOUNTS}"))
def mounts(host: LinuxTarget) -> Iterator[Mount]:
    """The folder for temporary files always, removable media where they are mounted."""
    where = host.container()
    found: dict[str, list[str] | None] = {"/tmp": None}  # noqa: S108 - the place asked about
    for _, place, _, options in _mounts(host):
        if place == "/tmp" or place.startswith(REMOVABLE):  # noqa: S108 - the same
            found[place] = sorted({"nodev", "noexec", "nosuid", "ro"} & set(options))
    for place in sorted(found):
        yield Mount(id=place, listed={"options": found[place], "container": where})


@storage.resources(UsbStorage, permission=CONTAINER)
def usb(host: LinuxTarget) -> Iterator[UsbStorage]:
    """One per host."""
    yield UsbStorage(id="usb-storage", listed={"container": host.container()})


@storage.check(
    Volume, "medium", remediation="Move the data to a LUKS volume, or encrypt the platform's disk."
)
def encrypted(
    volume: Volume,
    scene: Scene,
    *,
    platform_encrypts: bool = criterion(False, "whether the platform encrypts the host's disks"),
) -> Verdict:
    """A mounted volume is encrypted, by the host or by the platform its disk comes from.

    Left out is what firmware and boot loader must read; the platform's encryption is seen where
    the disk is made, so here it is the organisation's word.
    """
    del scene
    row = volume.listed
    if row["container"]:
        return not_applicable(f"container ({row['container']}): the disks belong to its host")
    if volume.id in STARTS_FROM:
        return not_applicable("read before anything can be decrypted")
    if row["encrypted"]:
        return passes("encrypted by the host")
    if platform_encrypts:
        return passes("encrypted by its platform, as the criterion states")
    if row["encrypted"] is None:
        return unknown(Cause.PARTIAL, "ZFS: its own encryption is not read")
    return fails(f"{row['device']} is not encrypted")


@storage.check(
    Mount, "low", remediation="Mount it with nodev, nosuid and noexec, in /etc/fstab or tmp.mount."
)
def mount_options(mount: Mount, scene: Scene) -> Verdict:
    """Temporary files and removable media are mounts without devices, setuid and programs."""
    del scene
    row = mount.listed
    if row["container"]:
        return not_applicable(f"container ({row['container']}): its runtime mounts")
    if row["options"] is None:
        return fails("no mount of its own")
    missing = [option for option in OPTIONS if option not in row["options"]]
    return fails(f"without {', '.join(missing)}") if missing else passes()


@storage.check(
    UsbStorage,
    "low",
    remediation="Put `install usb-storage /bin/false` into /etc/modprobe.d and unload the module.",
)
def usb_storage_disabled(driver: UsbStorage, scene: Scene) -> Verdict:
    """USB disks cannot be used: their driver is not loaded and cannot be.

    `blacklist` is not enough: it leaves loading by name possible (modprobe.d(5)).
    """
    del scene
    if kind := driver.listed["container"]:
        return not_applicable(f"container ({kind}): kernel modules belong to its host")
    if driver.loaded:
        return fails("usb-storage is loaded")
    if driver.refused:
        return passes()
    if driver.shipped is None:
        return unknown(Cause.PARTIAL, "the running kernel's modules were not found")
    return fails("usb-storage can be loaded") if driver.shipped else passes("not in this kernel")


def _devices(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)["blockdevices"]
    except (ValueError, KeyError, TypeError):
        raise MalformedError("lsblk printed no JSON list of devices") from None
    return list(found)


def _mounted(
    devices: Sequence[Mapping[str, Any]], *, encrypted: bool
) -> Iterator[tuple[str, str, bool]]:
    """Place, device and encryption of what is mounted, walking from disks to what lies on them."""
    for device in devices:
        name, place = str(device.get("name")), device.get("mountpoint")
        crypt = encrypted or device.get("type") == "crypt"
        in_memory = name.startswith(("zram", "ram"))
        image = device.get("fstype") in READ_ONLY_IMAGES or device.get("type") == "rom"
        if place and not in_memory and not image:
            yield str(place), name, crypt
        yield from _mounted(device.get("children") or (), encrypted=crypt)


def _mounts(host: LinuxTarget) -> Iterator[tuple[str, str, str, list[str]]]:
    r"""Device, place, type and options of each mount; spaces are written as \040 (fstab(5))."""
    for line in (kernel_text(host, MOUNTS) or "").splitlines():
        fields = line.split()
        if len(fields) > 3:
            place = fields[1].replace("\\040", " ")
            yield fields[0], place, fields[2], fields[3].split(",")
