"""How a host starts: is only signed code booted, and is the boot loader protected?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypedDict

from collectors import (
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    fact,
    fails,
    not_applicable,
    passes,
)
from collectors.linux.running import CONTAINER, Setting, require_running
from collectors.linux.target import LinuxTarget

boot = Collector("linux.boot", title="Start of the host")

EFI: Final = "/sys/firmware/efi"
SECURE_BOOT: Final = f"{EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
"""The firmware's variable; UEFI specification 2.10, section 3.3, globally defined variables."""

GRUB_FILES: Final = (
    "/boot/grub/grub.cfg",
    "/boot/grub/user.cfg",
    "/boot/grub2/grub.cfg",
    "/boot/grub2/user.cfg",
)
GRUB_PASSWORD: Final = re.compile(
    r"^\s*(?:password(?:_pbkdf2)?\s+\S+\s+|GRUB2_PASSWORD=)\S", re.MULTILINE
)
"""How GRUB's configuration (info grub, Authentication) and RHEL's user.cfg set a password."""

SYSTEMD_BOOT: Final = ("/boot/loader/loader.conf", "/boot/efi/loader/loader.conf")


class Loader(TypedDict):
    """The boot loader's name, and whether it refuses to change what is booted."""

    name: str
    protected: bool


class Start(Resource[Setting], kind="linux.boot.start"):
    """What firmware and boot loader let be started."""

    @fact(f"read:{SECURE_BOOT}")
    def secure(self, host: LinuxTarget) -> str | None:
        """`on`, `off`, or None where the host was not started by UEFI."""
        require_running(host, f"read:{SECURE_BOOT}")
        if host.stat(EFI) is None:
            return None
        text = host.text(SECURE_BOOT)
        if text is None:
            return "off"  # firmware without secure boot has no such variable
        # four bytes of attributes, then one byte: 0 or 1 (kernel efivarfs.rst)
        if text[-1:] not in {"\0", "\1"}:
            raise MalformedError("the SecureBoot variable is neither 0 nor 1")
        return "on" if text[-1] == "\1" else "off"

    @fact("read:/boot/grub/grub.cfg", "read:/boot/grub2/user.cfg")
    def loader(self, host: LinuxTarget) -> Loader | None:
        """The boot loader; of a password only that there is one. None where none is known."""
        texts = [text for path in GRUB_FILES if (text := host.text(path)) is not None]
        if texts:
            return {"name": "GRUB", "protected": any(map(GRUB_PASSWORD.search, texts))}
        for path in SYSTEMD_BOOT:
            if (text := host.text(path)) is not None:
                lines = {tuple(line.split()) for line in text.splitlines()}
                closed = {("editor", word) for word in ("no", "false", "off", "0", "n", "f")}
                return {"name": "systemd-boot", "protected": bool(lines & closed)}
        return None


@boot.resources(Start, permission=CONTAINER)
def start(host: LinuxTarget) -> Iterator[Start]:
    """One per host."""
    yield Start(id="start", listed={"container": host.container()})


@boot.check(
    Start,
    "low",
    remediation="Turn on secure boot in the firmware and set a GRUB password, or `editor no`.",
)
def secure_boot(found: Start, scene: Scene) -> Verdict:
    """Secure boot is on, and the boot loader asks before it starts something else.

    GRUB is protected by a password, systemd-boot by `editor no` (loader.conf(5)). A host that
    started without UEFI cannot prove what it started, which is a failure.
    """
    del scene
    if kind := found.listed["container"]:
        return not_applicable(f"container ({kind}): its host is started, not it")
    if found.secure is None:
        return fails("started without UEFI")
    if found.secure != "on":
        return fails("secure boot is off")
    if found.loader is None:
        return passes("no boot loader that could be edited")
    if not found.loader["protected"]:
        return fails(f"{found.loader['name']} lets its entries be edited")
    return passes()
