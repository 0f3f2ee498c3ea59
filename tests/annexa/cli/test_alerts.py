"""`annexa alerts`: what people see of endpoints, messages and silences."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from annexa.alerts import messages, outbox
from annexa.cli.context import Context
from annexa.cli.duties import Duties
from annexa.operations import Lease, Operations, OperationsBook, open_operations
from evidence_store import File
from scheduler import Run
from tests.annexa.alerts.conftest import Receiver, alert, receiver
from tests.annexa.cli import world as fixed

if TYPE_CHECKING:
    from tests.annexa.cli.conftest import Shell

__all__ = ["receiver"]  # a fixture

WHY = ("--reason", "KEY-07", "--by", "J. Roth")
ENDPOINT = """
[alerts]
allow_networks = ["127.0.0.0/8"]

[[alerts.endpoints]]
name = "soc"
kind = "webhook"
url = "{url}"
allow_http = true
secrets = ["env:SOC_SECRET"]
"""


@pytest.fixture
def told(swept: Shell, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("SOC_SECRET", "whsec_" + "QUJD" * 8)
    swept.configure(fixed.SETTINGS + ENDPOINT.format(url=receiver.url))
    return swept


def operations(shell: Shell) -> Operations:
    return open_operations(File(shell.folder / "evidence.db"))


def test_a_sweep_by_hand_puts_down_what_is_told_and_says_nothing_twice(
    told: Shell,
    receiver: Receiver,
) -> None:
    told.ok("sweep")
    assert "delivered, 0 not" in told.ok("alerts", "send")
    first = {each.json["type"] for each in receiver.taken}
    assert first == {"collector.run.first_results", "collector.run.permission_lost"}
    before = len(receiver.got)
    told.clock.shift(3600)
    told.ok("sweep")
    told.ok("alerts", "send")
    assert len(receiver.got) == before
    told.worlds["web-1"].people.append({"name": "eve", "uid": 0})
    told.clock.shift(3600)
    told.ok("sweep")
    told.ok("alerts", "send")
    (got,) = receiver.got[before:]
    assert got.json["type"] == "finding.resource.failing"
    assert [row["id"] for row in got.json["data"]["resources"]] == ["eve"]
    assert got.json["data"]["control"].startswith("A.8.")


def test_who_is_erased_from_the_evidence_is_named_by_no_alert(told: Shell) -> None:
    told.ok("sweep")
    told.worlds["web-1"].people.append({"name": "evelyn", "uid": 0})
    told.clock.shift(3600)
    told.ok("sweep")
    told.ok("alerts", "silence", "--resource", "evelyn", "--for", "1d", *WHY)
    asked = ("evidence", "erase", "web-1", "evelyn", *WHY)
    counted = {"messages": 1, "conditions": 1, "silences": 1}
    dry = json.loads(told.ok(*asked, "--dry-run", "--format", "json"))
    assert dry["alerts"] == counted
    said = told.ok(*asked)
    assert "1 message, 1 condition and 1 silence of alerts name it no longer" in said
    shown = told.ok("alerts", "list", "--format", "json") + told.ok("alerts", "silences")
    assert "evelyn" not in shown
    assert "(erased)" in shown
    assert "resource evelyn" not in said
    held = b"".join(each.read_bytes() for each in told.folder.glob("evidence.db.operations*"))
    assert b"evelyn" not in held.replace(b"seve", b"").replace(b"lleve", b"")
    assert told.ok("retention", "scrub") == "the database was written anew\n"


def test_what_the_daemon_finds_is_put_down(told: Shell) -> None:
    opened = operations(told)
    lease = Lease(opened, timedelta(days=1), _clock, alone=True)
    lease.take()
    book = OperationsBook(opened, lease, _clock)
    duties = Duties(Context(), book, lambda *_: None, opened)
    due = {duty.name: duty for duty in duties.due()}
    run = Run(0, "sweep/default", _clock(), 1, 3, book.epoch, _clock())
    due["sweep/default"].work(run, threading.Event())
    with sqlite3.connect(told.folder / "evidence.db") as raw:
        raw.execute("DROP TRIGGER entries_refuses_update")
        raw.execute("UPDATE entries SET recorded_at = recorded_at + 1 WHERE id = 2")
    raw.close()
    due["verify/whole"].work(run, threading.Event())
    types = {row.type for row in messages.listed(opened)}
    opened.close()
    assert {"sweep.missed", "integrity.verification.failed"} <= types


def _clock() -> datetime:
    return datetime.now(UTC)


def test_the_doctor_says_what_is_owed_and_which_secret_is_missing(told: Shell) -> None:
    def row() -> dict[str, str]:
        rows = json.loads(told("doctor", "--offline", "--format", "json").out)
        (found,) = (each for each in rows if each["what"] == "alerts to soc")
        return dict(found)

    assert row()["state"] == "good"
    told.forget("SOC_SECRET")
    assert row()["state"] == "bad"
    assert "SOC_SECRET is not set" in row()["do"]


def put(shell: Shell, *transitions: str) -> None:
    with closing(operations(shell)) as opened, opened.writing("test") as connection:
        for each in transitions:
            outbox.put(connection, ["soc"], alert(title=each), each, datetime.now(UTC))


def test_without_an_endpoint_it_says_how_to_have_one(swept: Shell) -> None:
    assert "[[alerts.endpoints]]" in swept.ok("alerts", "list")
    assert swept("alerts", "test").code == 3


def test_a_test_event_is_marked_and_goes_out_at_once(told: Shell, receiver: Receiver) -> None:
    assert told.ok("alerts", "test").startswith("soc: delivered to 127.0.0.1:")
    (got,) = receiver.got
    assert got.json["type"] == "alert.test"
    assert got.json["data"]["title"].startswith("TEST")
    receiver.codes = [500]
    said = told("alerts", "test", "soc")
    assert (said.code, "answered 500" in said.err) == (1, True)
    assert told("alerts", "test", "sock").code == 3
    (row,) = json.loads(told("alerts", "test", "--format", "json").out)
    assert (row["endpoint"], row["delivered"]) == ("soc", True)


def test_a_secret_that_is_missing_is_said_by_its_reference(told: Shell) -> None:
    told.forget("SOC_SECRET")
    said = told("alerts", "test")
    assert said.code == 1
    assert "environment variable SOC_SECRET is not set" in said.err


def test_what_waits_is_listed_sent_and_retried(told: Shell, receiver: Receiver) -> None:
    put(told, "first", "second")
    receiver.codes = [410]
    said = told("alerts", "send")
    assert said.code == 1
    found = json.loads(told.ok("alerts", "list", "--format", "json"))
    assert [each["state"] for each in found["endpoints"]] == ["disabled"]
    dead = [each for each in found["messages"] if each["status"] == "dead"]
    assert dead[0]["error"] == "answered 410"
    assert "disabled" in told.ok("alerts", "list")
    assert told("alerts", "retry").code == 3
    assert told("alerts", "retry", "short").code == 3
    assert "configured: soc" in told("alerts", "retry", "--endpoint", "sock").err
    assert "1 message will" in told.ok("alerts", "retry", dead[0]["id"][:8])
    assert "delivered, 0 not" in told.ok("alerts", "send")
    assert {each.json["data"]["title"] for each in receiver.taken} == {"first", "second"}
    states = json.loads(told.ok("alerts", "list", "--format", "json"))["endpoints"]
    assert [(each["state"], each["pending"]) for each in states] == [("good", 0)]
    assert len(told.ok("alerts", "list", "--all", "--format", "csv").splitlines()) == 3


def test_silences_have_an_author_a_reason_and_an_end_and_are_kept(told: Shell) -> None:
    assert told("alerts", "silence", "--for", "7d", *WHY).code == 3, "it would silence everything"
    assert told("alerts", "silence", "--control", "A.8.5", *WHY).code == 3, "it has no end"
    assert told("alerts", "silence", "--control", "A.8.5", "--for", "7d").code == 3
    for name, strange in (("event", "findings.*"), ("control", "A.99.1")):
        refused = told("alerts", "silence", f"--{name}", strange, "--for", "7d", *WHY)
        assert (refused.code, f"--{name} {strange} is none there is" in refused.err) == (3, True)
    said = told.ok("alerts", "silence", "--control", "A.8.5", "--for", "7d", *WHY)
    assert said == "silence 1 until 2026-12-01 12:00 UTC: control A.8.5\n"
    told.ok("alerts", "silence", "--target", "web-1", "--for", "1h", *WHY)
    typo = told("alerts", "silence", "--check", "linux.typo.*", "--for", "1h", *WHY)
    assert (typo.code, "means none that is known yet" in typo.err) == (0, True)
    told.ok("alerts", "unsilence", "3", *WHY[2:])
    assert told.ok("alerts", "unsilence", "1", *WHY[2:]) == "silence 1 is lifted\n"
    assert told("alerts", "unsilence", "1").code == 3
    told.clock.shift(2 * 3600)
    rows = json.loads(told.ok("alerts", "silences", "--format", "json"))
    assert [(row["id"], row["state"]) for row in rows] == [
        (3, "lifted"),
        (2, "expired"),
        (1, "lifted"),
    ]
    assert rows[0]["author"] == "J. Roth"
