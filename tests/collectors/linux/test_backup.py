"""Backup jobs of a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import pytest

from collectors import Unread
from collectors.linux import LinuxConnection
from collectors.linux.backup import Jobs, agent_last_success, backup
from collectors.testing import Conformance, collect, judge
from tests.collectors.linux.scripted import read

BuildImage = Callable[..., LinuxConnection]

SHOWN = """\
Type=oneshot
Result=success
ExecMainExitTimestamp=Mon 2026-11-23 09:00:00 UTC
Id=restic.service
LoadState=loaded
ActiveState=inactive

Type=oneshot
Result=exit-code
ExecMainExitTimestamp=Tue 2026-11-24 02:00:00 UTC
Id=borg.service
LoadState=loaded
ActiveState=failed

Type=simple
Result=success
ExecMainExitTimestamp=
Id=ssh.service
LoadState=loaded
ActiveState=active

Id=gone.service
LoadState=not-found
"""


def job(result: str = "success", ended: str = "2026-11-24T02:00:00+00:00") -> dict[str, str]:
    return {"result": result, "ended": ended}


def jobs(services: object) -> Jobs:
    return Jobs(id="jobs", listed={"distribution": "debian"}, facts={"services": services})


@pytest.mark.parametrize(
    ("services", "units", "status", "because"),
    [
        ({"a.service": job()}, ["a"], "pass", ""),
        ({"a.service": job()}, ["a.service"], "pass", ""),
        ({"a.service": job(ended="2026-11-23T09:00:00+00:00")}, ["a"], "pass", ""),
        ({"a.service": job(ended="2026-11-23T08:59:59+00:00")}, ["a"], "fail", "limit 24 hours"),
        ({"a.service": job("exit-code")}, ["a"], "fail", "a: exit-code"),
        ({"a.service": job(ended="")}, ["a"], "unknown", "not ended since the host started: a"),
        ({"a.service": job()}, ["a", "b"], "fail", "no service b"),
        ({"a.service": job(ended="")}, ["a", "b"], "fail", "no service b"),
        ({}, [], "fail", "no backup job is declared"),
        ({"a.service": job(ended="yesterday")}, ["a"], "unknown", "not a time"),
        (Unread("failed"), ["a"], "unknown", "failed"),
    ],
)
def test_agent_last_success(services: object, units: list[str], status: str, because: str) -> None:
    verdict = judge(agent_last_success, jobs(services), units=units)
    assert verdict.status == status
    assert because in verdict.because


def test_which_jobs_make_the_backup_is_the_organisations_word() -> None:
    verdict = judge(agent_last_success, jobs({"a.service": job()}))
    assert verdict.cause == "criterion_missing"


def test_services_are_read_from_systemd(image: BuildImage) -> None:
    connection = image({"/run/systemd/system/x": ""})
    found = read(connection, backup, {"systemctl": SHOWN})["jobs"]
    assert found.facts["services"] == {
        "restic.service": job(ended="2026-11-23T09:00:00+00:00"),
        "borg.service": job("exit-code"),
        "ssh.service": job(ended=""),
    }


def test_without_systemd_nothing_is_known_of_jobs(image: BuildImage) -> None:
    unread = read(image(), backup)["jobs"].facts["services"]
    assert isinstance(unread, Unread)
    assert unread.cause == "partial"


def test_an_image_runs_no_jobs(image: BuildImage) -> None:
    bound = {"linux.backup.agent_last_success": {"units": ["a"]}}
    [verdict] = collect(image(), (backup,)).findings(bound=bound).values()
    assert verdict.cause == "not_asked"


class TestConformance(Conformance):
    collectors = (backup,)
    bound: ClassVar[Mapping[str, Mapping[str, object]]] = {
        "linux.backup.agent_last_success": {"units": ["restic"]}
    }

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
