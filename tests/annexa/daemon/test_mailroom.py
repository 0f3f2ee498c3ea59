"""The daemon's mailroom: starts a sender where something is due, and shows what waits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from annexa.alerts import Answer, messages, outbox, settling
from annexa.cli.apart import sent
from annexa.cli.context import Context
from annexa.daemon import Mailroom, Metrics
from annexa.operations import Operations, open_operations
from evidence_store import File
from scheduler import COMPLETE, Ended
from tests.annexa.alerts.conftest import Receiver, alert, receiver

if TYPE_CHECKING:
    import pytest

__all__ = ["receiver"]  # a fixture


def put(operations: Operations) -> None:
    with operations.writing("test") as connection:
        outbox.put(connection, ["soc"], alert(), "a", datetime.now(UTC))


def within(true: Callable[[], object]) -> bool:
    pause = threading.Event()
    return any(true() or pause.wait(0.02) for _ in range(1000))


def test_a_sender_is_started_only_where_something_is_due(tmp_path: Path) -> None:
    operations, metrics = open_operations(File(tmp_path / "evidence.db")), Metrics(lambda: True)
    calls: list[int] = []

    def send(_stop: threading.Event) -> Ended:
        calls.append(1)
        (claimed,) = outbox.claim(
            operations, "l", ["soc"], datetime.now(UTC), most=8, lease=settling.CIRCUIT
        )
        settling.settle(operations, claimed, Answer(delivered=True), datetime.now(UTC), [])
        return Ended(COMPLETE)

    def shown(series: str) -> bool:
        return series in metrics.text().decode().splitlines()

    with Mailroom(operations, metrics, lambda: ["soc"], send, every=0.02):
        assert within(lambda: shown('annexa_alerts_pending{endpoint="soc"} 0.0'))
        assert calls == []
        put(operations)
        assert within(lambda: calls)
        assert within(lambda: not messages.listed(operations))
    operations.close()
    assert calls == [1]
    assert shown('annexa_alerts_dead{endpoint="soc"} 0.0')


def test_a_sender_of_a_process_of_its_own_delivers(
    tmp_path: Path,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOC_SECRET", "whsec_" + "QUJD" * 8)
    (tmp_path / "annexa.toml").write_text(
        f"""\
[store]
path = "evidence.db"
[alerts]
allow_networks = ["127.0.0.0/8"]
[[alerts.endpoints]]
name = "soc"
kind = "webhook"
url = "{receiver.url}"
allow_http = true
secrets = ["env:SOC_SECRET"]
"""
    )
    operations = open_operations(File(tmp_path / "evidence.db"))
    put(operations)
    context = Context(config=tmp_path / "annexa.toml")
    ended = sent(context, "annexa/test", threading.Event())
    assert ended == Ended(COMPLETE, "1 attempts")
    assert [each.json["source"] for each in receiver.taken] == ["urn:annexa:annexa/test"]
    assert messages.listed(operations) == []
    operations.close()
