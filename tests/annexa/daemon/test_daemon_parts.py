"""What surrounds the scheduler: planned sweeps, probes and metrics over real sockets, systemd."""

from __future__ import annotations

import datetime as dt
import socket
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from annexa.daemon import DaemonWatch, Endpoints, Metrics, notify, planned
from annexa.declared import DeclarationError
from annexa.operations import OperationsError
from collectors import Catalog, Collector
from config import ConfigError, Settings
from config.load import parse
from scheduler import COMPLETE, FAILED, Ended, Line, Run

TODAY = dt.date(2026, 11, 25)
CATALOG = Catalog(
    (
        Collector("aws.iam", title="Identities", reads_from="AWS"),
        Collector("linux.auth", title="Sign-in", reads_from="host"),
    )
)
TARGETS = """
[targets.prod]
platform = "aws"
account = "111122223333"
[targets.old]
platform = "aws"
account = "777788889999"
[targets.web]
platform = "linux"
[[scope.out]]
target = "old"
reason = "suspended"
author = "J. Roth"
date = 2026-10-05
"""


def settings(text: str) -> Settings:
    return parse(TARGETS + text, Path("annexa.toml"), {"HOME": "/nowhere"})


def sweeps(text: str) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], str]]:
    return {
        each.name: (each.targets, each.collectors, each.spec)
        for each in planned(settings(text), CATALOG, TODAY)
    }


def test_without_schedules_everything_in_scope_is_read_together() -> None:
    assert sweeps("") == {
        "default": (("aws/prod", "linux/web"), (), "every 6h, up to 10m later"),
    }


def test_a_target_with_its_own_schedule_leaves_the_general_one() -> None:
    assert sweeps('[schedules.web]\ntargets = ["web"]\ncron = "0 6 * * *"') == {
        "default": (("aws/prod",), (), "every 6h, up to 10m later"),
        "web": (("linux/web",), (), "0 6 * * * UTC"),
    }


def test_a_collector_with_its_own_schedule_is_read_where_its_platform_is() -> None:
    assert sweeps('[schedules.keys]\ncollectors = ["aws.iam"]\nevery = "1h"') == {
        "default": (("aws/prod", "linux/web"), (), "every 6h, up to 10m later"),
        "keys": (("aws/prod",), ("aws.iam",), "every 1h, up to 3m later"),
    }


def test_a_schedule_with_nothing_left_to_read_is_none() -> None:
    assert list(sweeps('[schedules.old]\ntargets = ["old"]\nevery = "1h"')) == ["default"]


def test_a_collector_that_is_not_installed_is_named_with_one_that_is() -> None:
    with pytest.raises(DeclarationError, match=r"'aws\.ian'.*did you mean 'aws\.iam'"):
        sweeps('[schedules.keys]\ncollectors = ["aws.ian"]\nevery = "1h"')


def get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


class Probes:
    alive = True
    ready = True


@pytest.fixture
def probes() -> Probes:
    return Probes()


@pytest.fixture
def port(probes: Probes) -> Iterator[int]:
    metrics = Metrics(lambda: True)
    endpoints = Endpoints(
        "127.0.0.1:0",
        lambda: (probes.alive, {"alive": probes.alive}),
        lambda: (probes.ready, {"ready": probes.ready}),
        metrics.text,
    )
    yield endpoints.port
    endpoints.close()


def test_the_probes_answer_as_the_daemon_is(port: int, probes: Probes) -> None:
    assert get(port, "/healthz") == (200, b'{"alive":true}')
    assert get(port, "/readyz?verbose") == (200, b'{"ready":true}')
    probes.alive = probes.ready = False
    assert get(port, "/healthz") == (503, b'{"alive":false}')
    assert get(port, "/readyz") == (503, b'{"ready":false}')
    assert get(port, "/etc/passwd")[0] == 404


def test_a_client_that_sends_nothing_holds_nobody_up(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)):
        began = time.monotonic()
        assert get(port, "/healthz")[0] == 200
        assert time.monotonic() - began < 2


def test_an_address_that_is_taken_is_said_in_words(port: int) -> None:
    with pytest.raises(ConfigError, match="Address already in use"):
        Endpoints(f"127.0.0.1:{port}", lambda: (True, {}), lambda: (True, {}), lambda: b"")


def series(metrics: Metrics) -> dict[tuple[str, ...], float]:
    """Every value of ours as Prometheus' own parser reads it."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(metrics.text().decode())
        for sample in family.samples
        if sample.name.startswith("annexa_")
    }


def run(missed: int = 0) -> Run:
    return Run(1, "sweep/default", datetime.now(UTC), 1, missed, 1, datetime.now(UTC))


def test_runs_due_times_and_leadership_are_measured() -> None:
    metrics = Metrics(lambda: True)
    watch = DaemonWatch(metrics)
    with structlog.testing.capture_logs() as said:
        watch.leading(3)
        watch.started(run(missed=4))
        watch.ended(run(), Ended(COMPLETE), refused=False)
        watch.ended(run(), Ended(FAILED, "no route"), refused=False)
        watch.ended(run(), Ended(COMPLETE), refused=True)
        watch.unreachable(OperationsError("no route"))
    at = datetime(2026, 11, 25, 12, tzinfo=UTC)
    line = Line("sweep/default", "", at, at + timedelta(minutes=1), last_complete=at)
    watch.seen({"sweep/default": line})
    found = series(metrics)
    assert found["annexa_scheduler_leader",] == 1
    assert found["annexa_schedule_due_times_missed_total", "sweep/default"] == 4
    for result in ("complete", "failed", "refused"):
        assert found["annexa_schedule_runs_total", result, "sweep/default"] == 1
    assert found["annexa_schedule_next_due_timestamp_seconds", "sweep/default"] == (
        at.timestamp() + 60
    )
    last = "annexa_schedule_last_success_timestamp_seconds"
    assert found[last, "sweep/default"] == at.timestamp()
    watch.seen({})
    assert (last, "sweep/default") not in series(metrics)
    events = [(each["log_level"], each["event"]) for each in said]
    assert ("warning", "due_times_missed") in events
    assert ("error", "operations_unreachable") in events


def test_systemd_is_told_by_the_socket_it_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
    ):
        systemd.bind(f"{folder}/notify")
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/notify")
        notify("READY=1", "STATUS=well")
        assert systemd.recv(100) == b"READY=1\nSTATUS=well"
        monkeypatch.setenv("NOTIFY_SOCKET", f"{folder}/nobody")
        notify("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    notify("READY=1")


def test_the_answers_are_json(port: int) -> None:
    said: Any = orjson.loads(get(port, "/healthz")[1])
    assert said == {"alive": True}
