"""Mandatory access control of a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Absent, Unread
from collectors.linux import LinuxConnection
from collectors.linux.mac import APPARMOR, Confinement, enforcing, mac
from collectors.testing import Conformance, collect, judge
from tests.collectors.linux.scripted import read

BuildImage = Callable[..., LinuxConnection]

OFF = Absent("none")
REFUSED = Unread("EACCES", f"read:{APPARMOR}")


def confinement(selinux: object, apparmor: object, container: str = "") -> Confinement:
    facts = {"selinux": selinux, "apparmor": apparmor}
    return Confinement(id="confinement", listed={"container": container}, facts=facts)


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (confinement("1", OFF), "pass", ""),
        (confinement("1", REFUSED), "pass", ""),
        (confinement("0", OFF), "fail", "permissive"),
        (confinement("0", REFUSED), "unknown", f"read:{APPARMOR}"),
        (confinement(OFF, {"enforce": ["man"]}), "pass", ""),
        (confinement(OFF, {"enforce": ["man"], "complain": ["x"]}), "pass", ""),
        (confinement(OFF, {"complain": ["x"]}), "fail", "enforces no profile"),
        (confinement(OFF, {}), "fail", "enforces no profile"),
        (confinement(OFF, OFF), "fail", "neither"),
        (confinement(OFF, REFUSED), "unknown", f"read:{APPARMOR}"),
        (confinement(OFF, OFF, "docker"), "not_applicable", "container (docker)"),
    ],
)
def test_enforcing(found: Confinement, status: str, because: str) -> None:
    verdict = judge(enforcing, found)
    assert verdict.status == status
    assert because in verdict.because


def test_profiles_are_read_by_mode(image: BuildImage) -> None:
    files = {
        "/sys/module/apparmor/parameters/enabled": "Y\n",
        APPARMOR: "/usr/bin/man (enforce)\nlsb_release (enforce)\na b (complain)\n",
    }
    found = read(image(files), mac)["confinement"]
    assert found.facts == {
        "selinux": OFF,
        "apparmor": {"complain": ["a b"], "enforce": ["/usr/bin/man", "lsb_release"]},
    }


def test_selinux_is_read_from_its_filesystem(image: BuildImage) -> None:
    found = read(image({"/sys/fs/selinux/enforce": "1"}), mac)["confinement"]
    assert found.facts == {"selinux": "1", "apparmor": OFF}


def test_an_image_has_no_kernel_to_ask(image: BuildImage) -> None:
    [verdict] = collect(image(), (mac,)).findings().values()
    assert verdict.status == "unknown"
    assert "needs a running system" in verdict.because


class TestConformance(Conformance):
    collectors = (mac,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
