"""Security updates and vendor support of a host."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from collectors import Unread
from collectors.linux import LinuxConnection
from collectors.linux.patch import (
    Release,
    Updates,
    _apt,
    _dnf,
    os_supported,
    patch,
    security_updates,
)
from collectors.linux.releases import SUPPORTED_UNTIL, supported_until
from collectors.testing import Conformance, collect, judge

BuildImage = Callable[..., LinuxConnection]

# As apt 2.6 prints it: a plain update, one from both archives, one new package, one of Ubuntu
SIMULATED = """\
Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64])
Inst libgcrypt20 [1.10.1-3] (1.10.1-3+deb12u1 Debian:12.15/oldstable, \
Debian-Security:12/oldstable-security [amd64]) []
Inst linux-image-6.1.0-42 (6.1.159-1 Debian-Security:12/oldstable-security [amd64])
Inst openssl [3.0.2-0ubuntu1] (3.0.2-0ubuntu1.18 Ubuntu:22.04/jammy-security [amd64])
Conf bash (5.2.15-2+b13 Debian:12.15/oldstable [amd64])
"""

DNF4 = """\
RHSA-2026:1234 Important/Sec. openssl-1:3.0.7-28.el9_4.x86_64
RHSA-2026:0999 Moderate/Sec.  openssl-1:3.0.7-28.el9_4.x86_64
"""
DNF5 = """\
Name                   Type     Severity   Package                 Issued
FEDORA-2026-abc        security Important  curl-8.9.1-2.fc41.x86_64 2026-11-01 01:02:03
"""


def test_only_installed_packages_with_a_security_origin_are_pending() -> None:
    assert [update["package"] for update in _apt(SIMULATED)] == ["libgcrypt20", "openssl"]


def test_dnf_lists_of_both_generations_are_read() -> None:
    package = "openssl-1:3.0.7-28.el9_4.x86_64"
    assert _dnf(DNF4) == [{"package": package, "version": "RHSA-2026:1234"}]
    assert _dnf(DNF5)[0]["published"] == "2026-11-01T00:00:00+00:00"
    assert _dnf("") == []


def updates(pending: object, lists: object) -> Updates:
    listed = Updates(id="updates", listed={"container": "", "family": "debian"})
    return Updates(id=listed.id, listed=listed.listed, facts={"pending": pending, "lists": lists})


def made(day: str, valid_until: str | None = None) -> list[dict[str, str]]:
    row = {"path": "/var/lib/apt/lists/x_InRelease", "date": f"{day}T00:53:02+00:00"}
    return [row | ({"valid_until": f"{valid_until}T00:53:02+00:00"} if valid_until else {})]


FRESH = made("2026-11-23", "2026-11-30")
UNDATED = [{"package": "openssl", "version": "3.1"}]
DENIED = Unread("EACCES", "list:/var/lib/apt/lists")


def issued(day: str) -> list[dict[str, str]]:
    return [{"package": "curl", "version": "x", "published": f"{day}T09:00:00+00:00"}]


@pytest.mark.parametrize(
    ("pending", "lists", "status", "because"),
    [
        ([], FRESH, "pass", ""),
        (UNDATED, FRESH, "fail", "pending: openssl"),
        # what old lists already announce is pending for certain
        (UNDATED, made("2025-01-01"), "fail", "openssl"),
        (UNDATED, DENIED, "fail", "openssl"),
        ([], made("2026-11-16"), "unknown", "2026-11-16, limit 7 days"),
        ([], made("2026-11-20", "2026-11-23"), "unknown", "valid until 2026-11-23"),
        ([], [], "unknown", "no package list"),
        ([], DENIED, "unknown", "apt/lists"),
        ([], [*made("2024-01-01"), *FRESH], "pass", ""),
        (issued("2026-11-10"), FRESH, "pass", ""),
        (issued("2026-11-09"), FRESH, "fail", "curl"),
        (None, FRESH, "unknown", "debian"),
        (Unread("apt-get failed"), FRESH, "unknown", "apt-get"),
    ],
)
def test_security_updates(pending: object, lists: object, status: str, because: str) -> None:
    verdict = judge(security_updates, updates(pending, lists))
    assert verdict.status == status
    assert because in verdict.because


def test_a_host_may_be_allowed_some_undated_updates() -> None:
    assert judge(security_updates, updates(UNDATED, FRESH), undated=1).status == "pass"


IN_RELEASE = """\
-----BEGIN PGP SIGNED MESSAGE-----

Suite: {suite}
Codename: bookworm
Date: Sat, 21 Nov 2026 00:53:02 UTC
Valid-Until: Sat, 28 Nov 2026 00:53:02 UTC
SHA256:
 aa 1 Suite: other-security
"""


def test_only_lists_that_announce_security_updates_count(image: BuildImage) -> None:
    lists = "/var/lib/apt/lists"
    connection = image(
        {
            f"{lists}/a_InRelease": IN_RELEASE.format(suite="oldstable-security"),
            f"{lists}/b_InRelease": IN_RELEASE.format(suite="oldstable"),
            f"{lists}/b_Packages": "",
        }
    )
    [read] = [r for r in collect(connection, (patch,)).resources if isinstance(r, Updates)]
    assert read.lists == [
        {
            "path": f"{lists}/a_InRelease",
            "date": "2026-11-21T00:53:02+00:00",
            "valid_until": "2026-11-28T00:53:02+00:00",
        }
    ]


def release(**names: str) -> Release:
    where = Release(id="release", listed={"container": "", "family": ""}).listed
    return Release(id="release", listed=where, facts={"names": names})


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (release(ID="debian", VERSION_ID="12"), "pass", "2028-06-30"),
        (release(ID="debian", VERSION_ID="11"), "fail", "2026-08-31"),
        (release(ID="debian", VERSION_ID="14"), "unknown", "debian 14"),
        (release(ID="rocky", VERSION_ID="9.4"), "pass", "rocky 9.4 is supported until 2032-05-31"),
        (release(ID="fedora", VERSION_ID="43", SUPPORT_END="2026-11-24"), "pass", ""),
        (release(ID="fedora", VERSION_ID="43", SUPPORT_END="2026-11-23"), "fail", ""),
        (release(ID="arch"), "unknown", "arch"),
        (release(), "unknown", "no os-release"),
    ],
)
def test_os_supported(found: Release, status: str, because: str) -> None:
    verdict = judge(os_supported, found)
    assert verdict.status == status
    assert because in verdict.because


def test_the_table_of_releases_holds_days_only() -> None:
    days = [day for versions in SUPPORTED_UNTIL.values() for day in versions.values()]
    assert all(date.fromisoformat(day).isoformat() == day for day in days)


def test_a_release_is_not_taken_for_another_of_the_same_major_version() -> None:
    assert supported_until({"ID": "ubuntu", "VERSION_ID": "24.11"}) is None


class TestConformance(Conformance):
    collectors = (patch,)

    @pytest.fixture
    def connection(self, image: BuildImage) -> LinuxConnection:
        lists = "/var/lib/apt/lists"
        return image({f"{lists}/a_InRelease": IN_RELEASE.format(suite="stable-security")})
