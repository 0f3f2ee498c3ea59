"""The clock of a host: what chrony and systemd-timesyncd say, and what is configured."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Absent, Cause, Status, Unread
from collectors.linux import LinuxConnection, LinuxTarget
from collectors.linux.clock import Clock, approved_sources, clock, synchronised
from collectors.testing import Conformance, judge

BuildImage = Callable[..., LinuxConnection]

# Printed by chronyd 4.3
LOCAL = ["7F7F0101", "", "5", "1795493581.647625921", *["0.0"] * 9, "Normal"]


def tracking(offset: str = "0.000012", leap: str = "Normal") -> list[str]:
    return ["A29FC801", "162.159.200.1", "4", "1795493581.6", offset, *LOCAL[5:13], leap]


def found(container: str = "", **facts: object) -> Clock:
    off: dict[str, object] = {
        "daemons": [],
        "chrony": Absent("daemon not running"),
        "timesyncd": Absent("daemon not running"),
        "chrony_sources": None,
        "timesyncd_sources": Absent("daemon not running"),
    }
    return Clock(id="clock", listed={"container": container}, facts=off | facts)


DENIED = Unread("needs more rights", "run:chronyc -c tracking")


@pytest.mark.parametrize(
    ("case", "status", "because"),
    [
        (found(), "fail", "no time service"),
        (found(chrony=tracking()), "pass", ""),
        (found(chrony=tracking("1.0")), "pass", ""),
        (found(chrony=tracking("-1.001")), "fail", "limit of 1 s"),
        (found(chrony=tracking(leap="Not synchronised")), "fail", "not synchronised"),
        (found(chrony=LOCAL), "fail", "not synchronised"),
        (found(chrony=["506 Cannot talk"]), "unknown", "fewer than 14"),
        (found(timesyncd={"Server": "x", "Offset": "+1.532ms"}), "pass", ""),
        (found(timesyncd={"Offset": "-1min 2.5s"}), "fail", "limit"),
        (found(timesyncd={"Server": "n/a"}), "fail", "not synchronised"),
        (found(timesyncd={"Offset": "n/a"}), "unknown", "does not tell"),
        (found(daemons=["ntpd"]), "unknown", "ntpd"),
        (found(chrony=DENIED), "unknown", "chronyc"),
        (found("docker", chrony=DENIED), "not_applicable", "host"),
    ],
)
def test_synchronised(case: Clock, status: str, because: str) -> None:
    verdict = judge(synchronised, case)
    assert verdict.status == status
    assert because in verdict.because


APPROVED = ["*.pool.ntp.org", "time?.example.org"]


@pytest.mark.parametrize(
    ("case", "status", "because"),
    [
        (found(), "fail", "no time service"),
        (found(daemons=["ntpd"]), "unknown", "ntpd"),
        (
            found(daemons=["chronyd"], chrony_sources=["pool 2.debian.pool.ntp.org iburst"]),
            "pass",
            "",
        ),
        (found(daemons=["chronyd"], chrony_sources=["server time1.example.org"]), "fail", "than 4"),
        (found(daemons=["chronyd"], chrony_sources=["server 10.0.0.1"]), "fail", "10.0.0.1"),
        (found(daemons=["chronyd"], chrony_sources=[]), "fail", "fewer than 4"),
        (
            found(
                daemons=["systemd-timesyncd"],
                timesyncd_sources={"SystemNTPServers": "", "FallbackNTPServers": "ntp.ubuntu.com"},
            ),
            "fail",
            "ntp.ubuntu.com",
        ),
        (found(daemons=Unread("hidden", "list:/proc")), "unknown", "list:/proc"),
    ],
)
def test_approved_sources(case: Clock, status: str, because: str) -> None:
    verdict = judge(approved_sources, case, approved=APPROVED)
    assert verdict.status == status
    assert because in verdict.because


def test_without_an_approved_list_the_sources_are_undecided() -> None:
    assert judge(approved_sources, found()).cause is Cause.CRITERION_MISSING


def test_sources_are_found_through_includes(
    image: BuildImage, open_host: Callable[[LinuxConnection], LinuxTarget]
) -> None:
    host = open_host(
        image(
            {
                "/etc/chrony/chrony.conf": "# pool no\nconfdir /etc/chrony/conf.d /nowhere\n"
                "sourcedir /etc/chrony/sources.d\ninclude /etc/more/*.inc\nPool a iburst\n",
                "/etc/chrony/conf.d/b.conf": "server b\ninclude /etc/chrony/chrony.conf\n",
                "/etc/chrony/conf.d/not.txt": "server no\n",
                "/etc/chrony/sources.d/c.sources": "server c\n",
                "/etc/more/d.inc": "peer d\nserver\n",
            }
        )
    )
    lines = Clock.fact_definitions()["chrony_sources"].call(found(), host)
    assert set(lines) == {"pool a iburst", "server b", "server c", "peer d"}


def test_a_refused_include_is_unread_not_empty(image: BuildImage) -> None:
    from collectors.testing import collect  # noqa: PLC0415 - used once

    connection = image(
        {"/etc/chrony.conf": "sourcedir /etc/secret\n", "/etc/secret/a.sources": "server a\n"},
        refused={"/etc/secret"},
    )
    [read] = collect(connection, (clock,)).resources
    assert read.facts["chrony_sources"] == Unread("EACCES", "list:/etc/secret")


def test_the_clock_of_a_container_belongs_to_its_host() -> None:
    verdict = judge(approved_sources, found("lxc"), approved=APPROVED)
    assert verdict.status is Status.NOT_APPLICABLE


class TestConformance(Conformance):
    collectors = (clock,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
