"""Mandatory access control: does SELinux or AppArmor confine what runs?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from collectors import (
    Collector,
    Resource,
    Scene,
    Verdict,
    fact,
    fails,
    known,
    not_applicable,
    passes,
)
from collectors.linux.running import CONTAINER, Setting, kernel_text
from collectors.linux.target import LinuxTarget

mac = Collector("linux.mac", title="Mandatory access control")

SELINUX: Final = "/sys/fs/selinux/enforce"
APPARMOR: Final = "/sys/kernel/security/apparmor/profiles"


class Confinement(Resource[Setting], kind="linux.mac.confinement"):
    """What the running kernel says of its two security modules."""

    @fact(f"read:{SELINUX}")
    def selinux(self, host: LinuxTarget) -> str | None:
        """`1` enforcing, `0` permissive; None where SELinux is off."""
        return kernel_text(host, SELINUX)

    @fact(f"read:{APPARMOR}")
    def apparmor(self, host: LinuxTarget) -> dict[str, list[str]] | None:
        """The loaded AppArmor profiles by mode; None where AppArmor is off."""
        if kernel_text(host, "/sys/module/apparmor/parameters/enabled") != "Y":
            return None
        modes: dict[str, list[str]] = {}
        for line in (kernel_text(host, APPARMOR) or "").splitlines():
            name, _, mode = line.rpartition(" ")
            modes.setdefault(mode.strip("()"), []).append(name)
        return {mode: sorted(names) for mode, names in sorted(modes.items())}


@mac.resources(Confinement, permission=CONTAINER)
def confinement(host: LinuxTarget) -> Iterator[Confinement]:
    """One per host."""
    yield Confinement(id="confinement", listed={"container": host.container()})


@mac.check(
    Confinement,
    "medium",
    remediation="Set SELINUX=enforcing in /etc/selinux/config, or load AppArmor's profiles.",
)
def enforcing(found: Confinement, scene: Scene) -> Verdict:
    """SELinux is enforcing, or AppArmor enforces at least one profile."""
    del scene
    if kind := found.listed["container"]:
        return not_applicable(f"container ({kind}): the kernel belongs to its host")
    for good in known(
        lambda: found.selinux == "1",
        lambda: bool((found.apparmor or {}).get("enforce")),
    ):
        if good:
            return passes()
    if found.selinux is not None:
        return fails("SELinux is permissive")
    if found.apparmor is not None:
        return fails("AppArmor enforces no profile")
    return fails("neither SELinux nor AppArmor is on")
