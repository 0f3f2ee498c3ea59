"""File integrity monitoring of a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Absent, Unread
from collectors.linux import LinuxConnection
from collectors.linux.integrity import Monitoring, file_monitoring, integrity
from collectors.testing import Conformance, collect, judge
from tests.collectors.linux.scripted import read

BuildImage = Callable[..., LinuxConnection]

NONE = Absent("none")


def aide(
    report: str = "2026-11-24T06:00:00+00:00", database: str = "2026-01-01T00:00:00+00:00"
) -> object:
    return {"database": database, "report": report}


def monitoring(aide_: object, others: object = ()) -> Monitoring:
    facts = {"aide": aide_, "others": others}
    return Monitoring(id="monitoring", listed={"distribution": "debian"}, facts=facts)


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (monitoring(aide()), "pass", "AIDE"),
        (monitoring(aide("2026-11-23T09:00:00+00:00")), "pass", "AIDE"),
        (monitoring(aide("2026-11-23T08:59:59+00:00")), "fail", "last ran 2026-11-23, limit 24"),
        (monitoring(aide("")), "fail", "no log"),
        (monitoring(aide(database="")), "fail", "no database"),
        (monitoring(aide("", ""), ["samhain"]), "unknown", "samhain: running"),
        (monitoring(NONE), "fail", "no file integrity monitoring is installed"),
        (monitoring(NONE, ["wazuh-syscheckd"]), "unknown", "wazuh-syscheckd"),
        (monitoring(NONE, Unread("hidden", "list:/proc")), "unknown", "list:/proc"),
        (monitoring(Unread("EACCES", "stat:/var/lib/aide")), "unknown", "stat:/var/lib/aide"),
    ],
)
def test_file_monitoring(found: Monitoring, status: str, because: str) -> None:
    verdict = judge(file_monitoring, found)
    assert verdict.status == status
    assert because in verdict.because


def test_the_limit_is_the_organisations() -> None:
    found = monitoring(aide("2026-11-20T09:00:00+00:00"))
    assert judge(file_monitoring, found, within=168).status == "pass"
    assert judge(file_monitoring, found, within=24).status == "fail"


@pytest.mark.parametrize(
    ("files", "facts"),
    [
        (
            {"/var/lib/aide/aide.db.gz": "x", "/var/log/aide/aide.log": "x"},
            aide("2023-11-14T22:13:20+00:00", "2023-11-14T22:13:20+00:00"),
        ),
        ({"/usr/bin/aide": "x"}, aide("", "")),
        ({}, NONE),
    ],
)
def test_aide_is_known_by_its_traces(
    image: BuildImage, files: dict[str, str], facts: object
) -> None:
    found = read(image(files), integrity, {"stat": "1700000000\n"})["monitoring"]
    assert found.facts["aide"] == facts


def test_other_monitors_are_known_by_their_processes(image: BuildImage) -> None:
    files = {"/proc/7/comm": "wazuh-syscheckd\n"[:15], "/proc/1/comm": "systemd\n"}
    found = read(image(files), integrity)["monitoring"]
    assert found.facts["others"] == ["wazuh-syscheckd"]


def test_an_image_tells_nothing_of_runs(image: BuildImage) -> None:
    [verdict] = collect(image(), (integrity,)).findings().values()
    assert verdict.cause == "not_asked"


class TestConformance(Conformance):
    collectors = (integrity,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
