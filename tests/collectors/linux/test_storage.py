"""Encryption, mounts and USB of a host."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from collectors import Unread
from collectors.linux import LinuxConnection
from collectors.linux.storage import (
    Mount,
    UsbStorage,
    Volume,
    _mounted,
    encrypted,
    mount_options,
    storage,
    usb_storage_disabled,
)
from collectors.testing import Conformance, judge

# As lsblk prints a laptop: a plain /boot, LUKS with LVM on it, a snap, zram
DEVICES: list[Mapping[str, Any]] = [
    {
        "name": "nvme0n1",
        "type": "disk",
        "mountpoint": None,
        "children": [
            {"name": "nvme0n1p1", "type": "part", "mountpoint": "/boot"},
            {
                "name": "nvme0n1p2",
                "type": "part",
                "fstype": "crypto_LUKS",
                "mountpoint": None,
                "children": [
                    {
                        "name": "luks",
                        "type": "crypt",
                        "mountpoint": None,
                        "children": [{"name": "root", "type": "lvm", "mountpoint": "/"}],
                    }
                ],
            },
        ],
    },
    {"name": "sdb", "type": "disk", "mountpoint": "/data"},
    {"name": "loop0", "type": "loop", "mountpoint": "/snap/core"},
    {"name": "zram0", "type": "disk", "mountpoint": "[SWAP]"},
]


def test_encryption_is_inherited_by_what_lies_on_it() -> None:
    rows = {row["mountpoint"]: row["encrypted"] for row in _mounted(DEVICES, encrypted=False)}
    assert rows == {"/boot": False, "/": True, "/data": False}


@pytest.mark.parametrize(
    ("mountpoint", "safe", "bound", "status"),
    [
        ("/", True, {}, "pass"),
        ("/data", False, {}, "fail"),
        ("[SWAP]", False, {}, "fail"),
        ("/boot", False, {}, "not_applicable"),
        ("/boot/efi", False, {}, "not_applicable"),
        ("/bootleg", False, {}, "fail"),
        ("/data", False, {"by_platform": True}, "pass"),
    ],
)
def test_encrypted(mountpoint: str, *, safe: bool, bound: dict[str, Any], status: str) -> None:
    volume = Volume(
        id=mountpoint, listed={"mountpoint": mountpoint, "device": "sda1", "encrypted": safe}
    )
    assert judge(encrypted, volume, **bound).status == status


@pytest.mark.parametrize(
    ("options", "status", "because"),
    [
        (["nodev", "nosuid", "noexec"], "pass", ""),
        (["nodev"], "fail", "without nosuid, noexec"),
        (None, "fail", "no mount"),
    ],
)
def test_mount_options(options: list[str] | None, status: str, because: str) -> None:
    mount = Mount(id="/dev/shm", listed={"path": "/dev/shm", "options": options})
    verdict = judge(mount_options, mount)
    assert verdict.status == status
    assert because in verdict.because


def usb(container: str = "", **facts: object) -> UsbStorage:
    base: dict[str, object] = {"would_load": [], "loaded": False, "present": False}
    return UsbStorage(id="usb-storage", listed={"container": container}, facts=base | facts)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (usb(), "pass"),
        (usb(would_load=["install /bin/false"]), "pass"),
        (usb(would_load=["install /usr/bin/true"]), "pass"),
        (
            usb(would_load=["insmod /lib/modules/6.1/kernel/drivers/usb/storage/usb-storage.ko"]),
            "fail",
        ),
        (usb(would_load=["install /bin/falsehood.sh"]), "fail"),
        (usb(would_load=["install /bin/false"], loaded=True), "fail"),
        (usb(present=True), "fail"),
        (usb(would_load=None), "fail"),
        (usb(would_load=Unread("modprobe failed")), "unknown"),
        (usb("docker", loaded=True), "not_applicable"),
    ],
)
def test_usb_storage_disabled(found: UsbStorage, status: str) -> None:
    assert judge(usb_storage_disabled, found).status == status


class TestConformance(Conformance):
    collectors = (storage,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
