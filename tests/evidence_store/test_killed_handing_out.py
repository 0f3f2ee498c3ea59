"""kill -9 around the handing out of a head: the next run heals it, and nobody is alarmed."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from evidence_store import Location, Store
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder
from tests.evidence_store.builders import Bench, Clock, document, passes
from tests.evidence_store.test_crashes import OPEN, ROUNDS, output, process

KILLED = f"""{OPEN}
import os, signal
from evidence_store import handing_out, ledger
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

share, point = more
signed = ledger.note.signed
if point == "between signing and committing":
    ledger.insert = die
elif point == "between committing and publishing":
    DirectoryHolder.publish = die
elif point == "between publishing and noting the receipt":
    handing_out.Desk._keep = die
outside = Outside([DirectoryHolder("share", Path(share))])
clock = Clock()
clock.forward(days=100)
with Store.open(location, clock=clock, outside=outside) as store:
    bench = Bench(store, clock, location)
    while True:
        bench.sweep([document("a", passes(), versioning=str(clock()))])
        print("swept", flush=True)
        store.checkpoint()
        store.hand_out()
        print("handed out", flush=True)
"""
POINTS = (
    "between signing and committing",
    "between committing and publishing",
    "between publishing and noting the receipt",
)

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(os.name != "posix", reason="there is no kill -9"),
]


def healed(location: Location, share: Path) -> None:
    """The next run compares, signs and hands out as if nothing had been; the record is clean."""
    clock = Clock()
    clock.forward(days=10_000)
    holder = DirectoryHolder("share", share)
    with Store.open(location, clock=clock, outside=Outside([holder])) as store:
        store.compare_outside()
        Bench(store, clock, location).sweep([document("b", passes())])
        store.checkpoint()
        assert [each.error for each in store.hand_out() if each.error] == []
        own = {head.note for head in store.checkpoints()}
        held = {head.note for head in holder.all(store.ledger)}
        assert held <= own
        assert store.checkpoints()[-1].note in held
        report = store.verify()
        assert report.problems == ()
        assert not any("no more" in each or "lost" in each for each in report.statements)
        assert store.hand_out() == []


def begun(location: Location, share: Path) -> None:
    """A store with a first head that the share holds."""
    share.mkdir()
    outside = Outside([DirectoryHolder("share", share)])
    with Store.open(location, clock=Clock(), outside=outside) as store:
        Bench(store, Clock(), location).sweep([document("a", passes())])
        store.checkpoint()
        store.hand_out()


@pytest.mark.parametrize("point", POINTS)
def test_a_process_killed_right_there_is_healed(
    location: Location, tmp_path: Path, point: str
) -> None:
    share = tmp_path / "share"
    begun(location, share)
    with process(KILLED, location, share, point) as killed:
        assert output(killed).read() == "swept\n"
        assert killed.wait() == -signal.SIGKILL
    healed(location, share)


def test_a_process_killed_at_any_moment_is_healed(location: Location, tmp_path: Path) -> None:
    share = tmp_path / "share"
    begun(location, share)
    moments = random.Random(5)  # noqa: S311 - moments, not secrets
    for _ in range(max(2, ROUNDS // 10)):
        with process(KILLED, location, share, "anywhere") as killed:
            output(killed).readline()
            time.sleep(moments.random() / 5)
            killed.send_signal(signal.SIGKILL)
            killed.wait()
    healed(location, share)
