"""The running kernel and automatic updates of a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Unread
from collectors.linux import LinuxConnection
from collectors.linux.patch import Place, patch
from collectors.linux.patch_running import (
    Automatic,
    Kernel,
    _order,
    kernel_current,
    unattended_upgrades,
)
from collectors.testing import Conformance, collect, judge

MACHINE: Place = {"container": "", "family": "debian"}
OLD, NEW = "6.1.0-18-amd64", "6.1.0-21-amd64"


def kernel(**facts: object) -> Kernel:
    base: dict[str, object] = {
        "running": NEW,
        "installed": {OLD: "2026-01-01T00:00:00+00:00", NEW: "2026-11-10T09:00:00+00:00"},
        "reboot_required": None,
        "live_patches": [],
    }
    return Kernel(id="kernel", listed=MACHINE, facts=base | facts)


LATE = {NEW: "2026-11-10T08:59:59+00:00"}
CLOUD = {"6.9.0-1-cloud-amd64": "2026-01-01T00:00:00+00:00", OLD: "2026-01-01T00:00:00+00:00"}


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (kernel(), "pass", ""),
        (kernel(running=OLD), "pass", "since 2026-11-10, limit 14 days"),
        (kernel(running=OLD, installed=LATE), "fail", f"{NEW} is installed since 2026-11-10"),
        (kernel(running=OLD, installed=LATE, live_patches=["kpatch"]), "pass", ""),
        (kernel(running=OLD, installed=CLOUD), "pass", ""),
        (kernel(reboot_required="2026-11-01T00:00:00+00:00"), "fail", "restart is required"),
        (kernel(reboot_required="2026-11-20T00:00:00+00:00"), "pass", "2026-11-20"),
        (kernel(running="6.18.44-vm", installed={}), "unknown", "6.18.44-vm"),
        (kernel(installed=Unread("EACCES", "list:/lib/modules")), "unknown", "/lib/modules"),
    ],
)
def test_kernel_current(found: Kernel, status: str, because: str) -> None:
    verdict = judge(kernel_current, found)
    assert verdict.status == status
    assert because in verdict.because


def test_the_kernel_of_a_container_belongs_to_its_host() -> None:
    found = Kernel(id="kernel", listed={"container": "docker", "family": "debian"})
    assert judge(kernel_current, found).status == "not_applicable"


def test_releases_are_ordered_as_their_distributions_do() -> None:
    releases = ["5.14.0-427.el9.x86_64", "5.14.0-427.13.1.el9_4.x86_64", "5.14.0-503.el9.x86_64"]
    assert sorted(set(releases), key=_order) == releases
    assert _order("6.1.0-9-amd64") < _order("6.1.0-10-amd64")


ON = [
    'APT::Periodic::Update-Package-Lists "1";',
    'APT::Periodic::Unattended-Upgrade "1";',
    'Unattended-Upgrade::Origins-Pattern:: "origin=Debian,label=Debian-Security";',
]


def automatic(family: str = "debian", **facts: object) -> Automatic:
    base: dict[str, object] = {
        "apt": ON,
        "unattended_upgrade": True,
        "apt_timer": True,
        "dnf": None,
        "dnf_timers": [],
    }
    listed: Place = {"container": "", "family": family}
    return Automatic(id="automatic", listed=listed, facts=base | facts)


APPLY, NOTIFY = "[commands]\napply_updates = yes\n", "[commands]\napply_updates = no\n"


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (automatic(), "pass", ""),
        (automatic(apt_timer=None), "pass", ""),
        (automatic(apt_timer=False), "fail", "timer is not enabled"),
        (automatic(unattended_upgrade=False), "fail", "not installed"),
        (automatic(apt=ON[1:]), "fail", "Update-Package-Lists is off"),
        (automatic(apt=ON[:2]), "fail", "no security origin"),
        (automatic(apt=['APT::Periodic::Enable "0";', *ON]), "fail", "Enable is 0"),
        (automatic(apt=Unread("apt-config failed")), "unknown", "apt-config"),
        (automatic("rhel"), "fail", "dnf-automatic is not installed"),
        (automatic("rhel", dnf=APPLY), "fail", "no timer"),
        (automatic("rhel", dnf=APPLY, dnf_timers=["dnf-automatic.timer"]), "pass", ""),
        (automatic("rhel", dnf=NOTIFY, dnf_timers=["dnf-automatic.timer"]), "fail", "off"),
        (automatic("rhel", dnf=NOTIFY, dnf_timers=["dnf-automatic-install.timer"]), "pass", ""),
        (automatic("suse"), "unknown", "suse"),
    ],
)
def test_unattended_upgrades(found: Automatic, status: str, because: str) -> None:
    verdict = judge(unattended_upgrades, found)
    assert verdict.status == status
    assert because in verdict.because


def test_the_kernel_and_apt_of_this_machine_are_read(this_host: LinuxConnection) -> None:
    collected = collect(this_host, (patch,))
    [read] = [r for r in collected.resources if isinstance(r, Kernel)]
    assert collected.defects == []
    assert read.running


class TestConformance(Conformance):
    collectors = (patch,)

    @pytest.fixture
    def connection(self, image: Callable[..., LinuxConnection]) -> LinuxConnection:
        return image()
