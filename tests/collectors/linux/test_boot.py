"""Secure boot and the boot loader of a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Absent, Unread
from collectors.linux import LinuxConnection
from collectors.linux.boot import SECURE_BOOT, Start, boot, secure_boot
from collectors.testing import Conformance, collect, judge
from tests.collectors.linux.scripted import read

BuildImage = Callable[..., LinuxConnection]

OFF = Absent("none")
LOCKED = {"name": "GRUB", "protected": True}
OPEN = {"name": "GRUB", "protected": False}
REFUSED = Unread("EACCES", "read:/boot/grub/grub.cfg")
HASH = "grub.pbkdf2.sha512.10000.C0FFEE.D00D"


def start(secure: object, loader: object, container: str = "") -> Start:
    facts = {"secure": secure, "loader": loader}
    return Start(id="start", listed={"container": container}, facts=facts)


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (start("on", LOCKED), "pass", ""),
        (start("on", OFF), "pass", "no boot loader"),
        (start("on", OPEN), "fail", "GRUB lets its entries be edited"),
        (start("on", REFUSED), "unknown", "read:/boot/grub/grub.cfg"),
        (start("off", REFUSED), "fail", "secure boot is off"),
        (start(OFF, LOCKED), "fail", "without UEFI"),
        (start(Unread("EACCES", "read:efivars"), LOCKED), "unknown", "read:efivars"),
        (start(OFF, OFF, "podman"), "not_applicable", "container (podman)"),
    ],
)
def test_secure_boot(found: Start, status: str, because: str) -> None:
    verdict = judge(secure_boot, found)
    assert verdict.status == status
    assert because in verdict.because


@pytest.mark.parametrize(
    ("variable", "secure"),
    [("\x06\0\0\0\1", "on"), ("\x06\0\0\0\0", "off")],
)
def test_the_firmware_variable_ends_with_its_value(
    image: BuildImage, variable: str, secure: str
) -> None:
    assert read(image({SECURE_BOOT: variable}), boot)["start"].facts["secure"] == secure


def test_uefi_without_the_variable_has_no_secure_boot(image: BuildImage) -> None:
    assert read(image({"/sys/firmware/efi/x": ""}), boot)["start"].facts["secure"] == "off"


def test_another_value_is_malformed(image: BuildImage) -> None:
    verdict = judge(secure_boot, read(image({SECURE_BOOT: "\x06\0\0\0\7"}), boot)["start"])  # type: ignore[arg-type]  # its own kind
    assert verdict.cause == "malformed"


@pytest.mark.parametrize(
    ("files", "loader"),
    [
        ({"/boot/grub/grub.cfg": f"set superusers=a\npassword_pbkdf2 a {HASH}\n"}, LOCKED),
        ({"/boot/grub2/grub.cfg": "", "/boot/grub2/user.cfg": f"GRUB2_PASSWORD={HASH}\n"}, LOCKED),
        ({"/boot/grub/grub.cfg": "menuentry x {}\n# password_pbkdf2\n"}, OPEN),
        (
            {"/boot/loader/loader.conf": "timeout 3\neditor no\n"},
            {"name": "systemd-boot", "protected": True},
        ),
        (
            {"/boot/loader/loader.conf": "timeout 3\n"},
            {"name": "systemd-boot", "protected": False},
        ),
        ({}, OFF),
    ],
)
def test_of_the_loaders_password_only_its_existence_is_kept(
    image: BuildImage, files: dict[str, str], loader: object
) -> None:
    found = read(image(files), boot)["start"]
    assert found.facts["loader"] == loader
    assert "C0FFEE" not in str(found)


def test_an_image_was_not_started(image: BuildImage) -> None:
    [verdict] = collect(image(), (boot,)).findings().values()
    assert verdict.status == "unknown"


class TestConformance(Conformance):
    collectors = (boot,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
