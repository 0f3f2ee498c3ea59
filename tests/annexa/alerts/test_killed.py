"""Processes killed with -9: two senders, one of which dies; a lookout that dies again and again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from annexa.alerts import outbox
from annexa.alerts.events import message_id
from annexa.operations import Operations
from annexa.operations.tables import outbox as table
from evidence_store import File, Location
from tests.annexa.alerts.conftest import Receiver, alert
from tests.annexa.alerts.test_looking import ONE, Watch

pytestmark = pytest.mark.prove
ROOT = Path(__file__).parents[3]
NEW, OLD = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8

OPEN = """
import sys, threading, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from annexa.alerts import outbox, settling
from annexa.operations import open_operations
from evidence_store import File, Server
place, keys = sys.argv[1:3]
where = Server(place, Path(keys)) if "://" in place else File(Path(place))
operations = open_operations(where)
clock = lambda: datetime.now(UTC)
"""
SEND = """
from annexa.alerts import Sender
from annexa.alerts.webhook import WebhookSink
from tests.annexa.alerts.conftest import LOOPBACK
settling.DELAYS = (timedelta(milliseconds=20),) * 9
settling.FAILURES = 1_000_000
sink = WebhookSink("one", sys.argv[3], [lambda: sys.argv[4], lambda: sys.argv[5]], LOOPBACK)
sender = Sender(operations, "annexa/test", {"one": sink}, clock, lease=timedelta(seconds=3))
while True:
    sender.run(threading.Event())
    time.sleep(0.05)
"""
LOOK = """
from annexa.alerts import Lookout, Now
from evidence_store import Store
from tests.annexa.alerts.test_looking import FRAMEWORK, ONE
with Store.open(where, create=False) as store:
    lookout = Lookout(store, operations, ONE, FRAMEWORK, clock)
    print("ready", flush=True)
    while True:
        lookout.look(Now)
"""


def start(program: str, location: Location, *more: str) -> subprocess.Popen[bytes]:
    on_file = isinstance(location, File)
    place = str(location.path) if on_file else location.url  # type: ignore[union-attr]
    return subprocess.Popen(
        [sys.executable, "-c", OPEN + program, place, str(location.keys), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
    )


def test_of_two_senders_one_is_killed_and_nothing_is_lost(
    location: Location, operations: Operations, receiver: Receiver
) -> None:
    receiver.every = [500, 429, 204, 204, 204, 204, 204]
    receiver.headers = {"retry-after": "0"}
    names = [f"t{n}" for n in range(200)]
    from datetime import UTC, datetime  # noqa: PLC0415 - here only

    with operations.writing("test") as connection:
        for each in names:
            outbox.put(connection, ["one"], alert(title=each, group=each), each, datetime.now(UTC))
    senders = [start(SEND, location, receiver.url, NEW, OLD) for _ in range(2)]
    began = time.monotonic()
    while len(receiver.taken) < 30 and time.monotonic() - began < 60:
        time.sleep(0.01)
    senders[0].send_signal(signal.SIGKILL)
    wanted = {message_id("one", each) for each in names}
    while time.monotonic() - began < 120:
        if {each.headers["webhook-id"] for each in receiver.taken} == wanted and not _left(
            operations
        ):
            break
        time.sleep(0.05)
    for each in senders:
        each.kill()
        each.communicate()
    ids = Counter(each.headers["webhook-id"] for each in receiver.taken)
    twice = sum(number - 1 for number in ids.values())
    print(  # noqa: T201 - what a proof found
        f"\n{operations.database.engine.dialect.name}: {len(ids)} of 200 delivered,"
        f" {len(receiver.got)} requests, {twice} duplicates, {time.monotonic() - began:.1f} s"
    )
    assert set(ids) == wanted
    assert twice <= 1, "at most the one message the killed sender had under way"
    assert not _left(operations)


def _left(operations: Operations) -> int:
    with operations.reading() as connection:
        query = sa.select(sa.func.count()).where(table.c.status != outbox.DONE)
        return int(connection.scalar(query.select_from(table)) or 0)


def test_a_lookout_that_is_killed_again_and_again_tells_everything_once(
    location: Location, operations: Operations
) -> None:
    made = Watch(location, ONE, operations)
    made.sweep("a+")
    made.look()
    chance, killed = random.Random(7), 0  # noqa: S311 - pauses
    process = start(LOOK, location)
    expected = []
    for round_ in range(40):
        failing = round_ % 4 < 2
        made.sweep("a-" if failing else "a+")
        if round_ % 4 == 0:
            expected.append(("failing", "a"))
        if round_ % 4 == 3:
            expected.append(("recovered", "a"))
        time.sleep(chance.random() / 4)
        if round_ % 3 == 0:
            process.kill()
            process.communicate()
            killed += 1
            process = start(LOOK, location)
    process.kill()
    process.communicate()
    made.look()
    print(f"\n{killed} lookouts killed, {len(made.names())} told")  # noqa: T201 - as above
    assert Counter(made.names()) == Counter(expected)
    made.store.close()
