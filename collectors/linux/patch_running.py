"""A host's patch state, continued: is the newest kernel running, do updates install themselves?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from collectors import (
    CallError,
    Cause,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.linux.patch import Place, patch
from collectors.linux.running import CONTAINER, kernel_text, modified, starts_at_boot
from collectors.linux.target import LinuxTarget

REBOOT_REQUIRED: Final = "/run/reboot-required"
"""Written by Debian's packages that need a restart; gone with it (/run is empty at boot)."""

DNF_TIMERS: Final = (
    "dnf-automatic.timer",
    "dnf-automatic-install.timer",
    "dnf5-automatic.timer",
)


class Kernel(Resource[Place], kind="linux.patch.kernel"):
    """The running kernel beside the installed ones."""

    @fact("read:/proc/sys/kernel/osrelease")
    def running(self, host: LinuxTarget) -> str | None:
        """The running kernel's release, as uname -r prints it."""
        return kernel_text(host, "/proc/sys/kernel/osrelease")

    @fact("list:/lib/modules")
    def installed(self, host: LinuxTarget) -> dict[str, str]:
        """The installed kernels with the time of their installation.

        depmod writes modules.dep when a kernel is installed (depmod(8)).
        """
        found = {}
        for name in host.names("/lib/modules") or ():
            since = modified(host, f"/lib/modules/{name}/modules.dep")
            if since:
                found[name] = since
        return found

    @fact(f"stat:{REBOOT_REQUIRED}")
    def reboot_required(self, host: LinuxTarget) -> str | None:
        """Since when the packages ask for a restart; None where they do not."""
        return modified(host, REBOOT_REQUIRED)

    @fact("list:/sys/kernel/livepatch")
    def live_patches(self, host: LinuxTarget) -> list[str]:
        """The live patches in force (kernel documentation, ABI sysfs-kernel-livepatch)."""
        names = host.names("/sys/kernel/livepatch") or ()
        enabled = {n: kernel_text(host, f"/sys/kernel/livepatch/{n}/enabled") for n in names}
        return [name for name, value in enabled.items() if value == "1"]


class Automatic(Resource[Place], kind="linux.patch.automatic"):
    """How updates install themselves."""

    @fact("run:apt-config dump")
    def apt(self, host: LinuxTarget) -> list[str] | None:
        """Apt's settings of periodic work and unattended upgrades; None without apt."""
        answer = host.run("apt-config", "dump")
        if answer is None:
            return None
        if answer["code"]:
            raise CallError(Cause.UNREACHABLE, "apt-config failed", answer.get("errors", ""))
        wanted = ("APT::Periodic::", "Unattended-Upgrade::Allowed", "Unattended-Upgrade::Origins")
        return [line for line in answer["text"].splitlines() if line.startswith(wanted)]

    @fact("stat:/usr/bin/unattended-upgrade")
    def unattended_upgrade(self, host: LinuxTarget) -> bool:
        """Whether the program that installs updates is there."""
        return host.stat("/usr/bin/unattended-upgrade") is not None

    @fact("run:systemctl show --property=UnitFileState apt-daily-upgrade.timer")
    def apt_timer(self, host: LinuxTarget) -> bool | None:
        """Whether apt's timer is enabled; None without systemd, where cron does its work."""
        return starts_at_boot(host, "apt-daily-upgrade.timer") if host.systemd() else None

    @fact("read:/etc/dnf/automatic.conf")
    def dnf(self, host: LinuxTarget) -> str | None:
        """The configuration of dnf-automatic; None where it is not installed."""
        return host.text("/etc/dnf/automatic.conf") or host.text(
            "/etc/dnf/dnf5-plugins/automatic.conf"
        )

    @fact("run:systemctl show --property=UnitFileState dnf-automatic.timer")
    def dnf_timers(self, host: LinuxTarget) -> list[str]:
        """The enabled timers of dnf-automatic."""
        return [timer for timer in DNF_TIMERS if starts_at_boot(host, timer)]


@patch.resources(Kernel, Automatic, permission=(*CONTAINER, "read:/etc/os-release"))
def mechanisms(host: LinuxTarget) -> Iterator[Kernel | Automatic]:
    """The kernel and the automatic updates: one of each per host."""
    where: Place = {"container": host.container(), "family": host.family()}
    yield Kernel(id="kernel", listed=where)
    yield Automatic(id="automatic", listed=where)


@patch.check(Kernel, "medium", remediation="Restart the host into its newest installed kernel.")
def kernel_current(
    kernel: Kernel, scene: Scene, *, deadline: int = criterion(14, "days after installation")
) -> Verdict:
    """The running kernel is the newest installed or live-patched, and no restart is overdue.

    Kernels of another flavour (cloud, rt, lts) are not compared.
    """
    if kind := kernel.listed["container"]:
        return not_applicable(f"container ({kind}): the kernel belongs to its host")
    running = kernel.running or ""
    same = [name for name in kernel.installed if _flavour(name) == _flavour(running)]
    newer = [name for name in same if _order(name) > _order(running)]
    waits = {kernel.installed[name]: f"{name} is installed" for name in newer}
    if kernel.live_patches:
        waits = {}
    if since := kernel.reboot_required:
        waits[since] = "a restart is required"
    if not waits:
        return passes() if same or kernel.live_patches else _no_kernel(running)
    first = min(waits, key=moment)
    reason = f"{waits[first]} since {first[:10]}, limit {deadline} days"
    late = moment(first) < scene.at - timedelta(days=deadline)
    return fails(reason) if late else passes(reason)


@patch.check(
    Automatic,
    "low",
    remediation="Install unattended-upgrades, or dnf-automatic with apply_updates, and enable it.",
)
def unattended_upgrades(automatic: Automatic, scene: Scene) -> Verdict:
    """Security updates install themselves."""
    del scene
    if kind := automatic.listed["container"]:
        return not_applicable(f"container ({kind}): it is replaced by a newer image")
    if automatic.listed["family"] == "debian":
        missing = _apt_missing(automatic)
    elif automatic.listed["family"] == "rhel":
        missing = _dnf_missing(automatic)
    else:
        family = automatic.listed["family"] or "unnamed"
        return unknown(Cause.PARTIAL, f"no reader for the updates of this family: {family}")
    return fails("; ".join(missing)) if missing else passes()


def _no_kernel(running: str) -> Verdict:
    return unknown(Cause.PARTIAL, f"{running} runs, no kernel of its kind is installed here")


def _flavour(release: str) -> str:
    found = re.search(r"-([a-z][a-z0-9-]*)$", release)
    return found[1] if found else ""


def _order(release: str) -> list[tuple[bool, int, str]]:
    """Newer sorts higher; a number is newer than a word, as in rpm's comparison."""
    parts = re.findall(r"\d+|[a-z]+", release.lower())
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _apt_missing(automatic: Automatic) -> list[str]:
    """What keeps apt from installing security updates (apt.systemd.daily, APT::Periodic)."""
    lines = [line.rstrip(";").partition(" ") for line in automatic.apt or []]
    values = {name: value.strip('"') for name, _, value in lines}
    origins = [v for n, _, v in lines if n.startswith("Unattended-Upgrade::") and n.endswith("::")]
    missing = []
    if not automatic.unattended_upgrade:
        missing.append("unattended-upgrades is not installed")
    if values.get("APT::Periodic::Enable", "1") == "0":
        missing.append("APT::Periodic::Enable is 0")
    missing += [
        f"APT::Periodic::{name} is off"
        for name in ("Unattended-Upgrade", "Update-Package-Lists")
        if values.get(f"APT::Periodic::{name}", "0") in {"0", ""}
    ]
    if automatic.unattended_upgrade and not any("security" in o.lower() for o in origins):
        missing.append("no security origin is allowed")
    if automatic.apt_timer is False:
        missing.append("apt-daily-upgrade.timer is not enabled")
    return missing


def _dnf_missing(automatic: Automatic) -> list[str]:
    """What keeps dnf-automatic from installing updates (dnf-automatic(8))."""
    if automatic.dnf is None:
        return ["dnf-automatic is not installed"]
    if not automatic.dnf_timers:
        return ["no timer of dnf-automatic is enabled"]
    applies = re.search(r"(?mi)^\s*apply_updates\s*=\s*(yes|true|1)\b", automatic.dnf)
    # dnf-automatic-install.timer installs whatever the file says.
    forced = "dnf-automatic-install.timer" in automatic.dnf_timers
    return [] if applies or forced else ["apply_updates is off"]
