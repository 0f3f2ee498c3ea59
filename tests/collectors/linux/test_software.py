"""Repositories, package integrity, listening services and insecure packages of a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Unread
from collectors.linux import LinuxConnection
from collectors.linux.software import (
    LOOPBACK,
    Listener,
    Packages,
    Repository,
    insecure_clients_absent,
    package_integrity,
    repositories_approved,
    software,
    unneeded_services_absent,
)
from collectors.testing import Conformance, collect, judge

BuildImage = Callable[..., LinuxConnection]

FILES = {
    "/etc/apt/sources.list": "# deb http://no x\ndeb http://deb.debian.org/debian bookworm main\n"
    "deb-src http://deb.debian.org/debian bookworm main\n"
    "deb [arch=amd64 trusted=yes] https://ci:hunter2@repo.example.org/apt stable main\n",
    "/etc/apt/sources.list.d/a.sources": "Types: deb deb-src\n# a comment\n"
    "URIs: http://deb.debian.org/debian\nSuites: bookworm\n bookworm-updates\n\n"
    "Types: deb\nURIs: http://off\nSuites: x\nEnabled: no\n",
    "/etc/apt/sources.list.d/b.list.disabled": "deb http://no x\n",
    "/etc/yum.repos.d/r.repo": "[base]\nbaseurl=https://mirror/base\ngpgcheck=1\n"
    "[extra]\nmetalink=https://mirror/extra\n[off]\nbaseurl=https://off\nenabled=0\n",
}


def test_repositories_of_every_form_are_found_without_their_credentials(image: BuildImage) -> None:
    collected = collect(image(FILES), (software,))
    rows = {r.id: r.listed["signed"] for r in collected.resources if isinstance(r, Repository)}
    assert rows == {
        "http://deb.debian.org/debian bookworm": True,
        "http://deb.debian.org/debian bookworm-updates": True,
        "https://repo.example.org/apt stable": False,
        "https://mirror/base": True,
        "https://mirror/extra": False,
    }


def test_a_refused_folder_makes_the_listing_incomplete(image: BuildImage) -> None:
    collected = collect(image(FILES, refused={"/etc/yum.repos.d"}), (software,))
    [part] = [p for p in collected.parts if p.kind == Repository.kind]
    assert part.unread == Unread("EACCES", "list:/etc/yum.repos.d")


@pytest.mark.parametrize(
    ("address", "signed", "status", "because"),
    [
        ("http://deb.debian.org/debian bookworm", True, "pass", ""),
        ("http://deb.debian.org/debian bookworm", False, "fail", "signature"),
        ("https://elsewhere x", True, "fail", "not approved (f)"),
    ],
)
def test_repositories_approved(address: str, *, signed: bool, status: str, because: str) -> None:
    found = Repository(id=address, listed={"address": address, "file": "f", "signed": signed})
    verdict = judge(repositories_approved, found, approved=["http://deb.debian.org/debian *"])
    assert verdict.status == status
    assert because in verdict.because


def packages(**facts: object) -> Packages:
    return Packages(id="packages", listed={"family": "debian"}, facts=facts)


@pytest.mark.parametrize(
    ("lines", "status", "because"),
    [
        ([], "pass", ""),
        (["??5?????? c /etc/hosts", "missing   c /etc/x"], "pass", ""),
        (["??5??????   /usr/bin/ls"], "fail", "/usr/bin/ls"),
        (["S.5....T.    /usr/bin/ls"], "fail", "/usr/bin/ls"),
        ([".......T.    /usr/bin/ls"], "pass", ""),
        ([".M...UG..  g /run/x"], "pass", ""),
        (["missing     /usr/bin/ls"], "fail", "/usr/bin/ls"),
        (["missing     /usr/x (Permission denied)"], "unknown", "root"),
        (["..?......    /usr/x"], "unknown", "root"),
        (["missing     /usr/x (Permission denied)", "??5??????   /usr/bin/ls"], "fail", "ls"),
        (Unread("slow reads are off", "slow = true"), "unknown", "slow"),
        (None, "unknown", "debian"),
    ],
)
def test_package_integrity(lines: object, status: str, because: str) -> None:
    verdict = judge(package_integrity, packages(altered=lines))
    assert verdict.status == status
    assert because in verdict.because


@pytest.mark.parametrize(
    ("found", "status"),
    [([], "pass"), (["telnet", "vsftpd"], "fail"), (None, "unknown"), (Unread("x"), "unknown")],
)
def test_insecure_clients_absent(found: object, status: str) -> None:
    assert judge(insecure_clients_absent, packages(insecure=found)).status == status


@pytest.mark.parametrize(
    ("port", "loopback_only", "status"),
    [(22, False, "pass"), (23, False, "fail"), (23, True, "not_applicable")],
)
def test_unneeded_services_absent(port: int, *, loopback_only: bool, status: str) -> None:
    found = Listener(
        id=f"tcp/{port}",
        listed={"protocol": "tcp", "port": port, "loopback_only": loopback_only},
    )
    assert judge(unneeded_services_absent, found, approved=["tcp/22"]).status == status


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("0100007F", True),
        ("3500007F", True),
        ("00000000", False),
        ("00000000000000000000000001000000", True),
        ("0000000000000000FFFF00000100007F", True),
        ("00000000000000000000000000000000", False),
        ("7F000001", False),
    ],
)
def test_loopback_addresses_of_the_kernel(address: str, *, loopback: bool) -> None:
    assert bool(LOOPBACK.fullmatch(address)) is loopback


def test_the_ports_and_packages_of_this_machine_are_read(this_host: LinuxConnection) -> None:
    collected = collect(this_host, (software,))
    assert collected.defects == []
    assert [part.unread for part in collected.parts] == [None, None, None]


class TestConformance(Conformance):
    collectors = (software,)

    @pytest.fixture
    def connection(self, image: BuildImage) -> LinuxConnection:
        # An image: on a shared machine ports open and close between two passes.
        return image(FILES)
