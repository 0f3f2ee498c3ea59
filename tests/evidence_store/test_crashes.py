"""Crashes at random moments, of who writes and of the server: nothing acknowledged is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from evidence_store import Location, Server, Store
from tests.evidence_store.builders import ON_POSTGRESQL, Bench, Clock
from tests.postgres import PostgresServer

ROUNDS = int(os.environ.get("ANNEXA_CRASH_ROUNDS", "100"))
ROOT = Path(__file__).parents[2]
OPEN = """
import random, sys, time
from pathlib import Path
from evidence_store import File, Server, Store, UnreachableError
from tests.evidence_store.builders import Bench, Clock, document, fails, passes
where, folder, *more = sys.argv[1:]
location = Server(where, Path(folder)) if "://" in where else File(Path(where))

def until_done(do):
    while True:
        try:
            return do()
        except UnreachableError:
            time.sleep(0.02)
"""
WRITER = f"""{OPEN}
with until_done(lambda: Store.open(location, clock=Clock())) as store:
    bench = Bench(store, Clock(), location)
    while True:
        sweep = until_done(lambda: bench.begin("prod", "data"))
        for target in ("prod", "data"):
            finding = fails() if sweep % 3 else passes()
            some = [document(f"{{n}}", finding, versioning=str((n + sweep) % 7)) for n in range(60)]
            until_done(lambda: bench.unit(sweep, some, target=target))
            print(sweep, target, flush=True)
        until_done(store.sequence)
        if sweep % 2:
            until_done(store.checkpoint)
"""
WORKER = f"""{OPEN}
sweep, count, seed = map(int, more)
targets = [f"t{{n}}" for n in range(count)] * 2
random.Random(seed).shuffle(targets)
with Store.open(location, clock=Clock()) as store:
    bench = Bench(store, Clock(), location)
    for number, target in enumerate(targets):
        some = [document(f"{{n}}", passes(), versioning=target) for n in range(3)]
        receipt = bench.unit(sweep, some, target=target)
        print(target, receipt.entry, int(receipt.repeated), flush=True)
        if number % 50 == seed:
            store.sequence()
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")


@contextmanager
def process(code: str, location: Location, *more: object) -> Iterator[subprocess.Popen[str]]:
    """A process of its own at the store."""
    where = location.url if isinstance(location, Server) else str(location.path)
    arguments = [where, str(location.keys.parent), *map(str, more)]
    command = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as started:
        try:
            yield started
        finally:
            started.kill()


def output(of: subprocess.Popen[str]) -> IO[str]:
    assert of.stdout is not None
    return of.stdout


def whole(lines: list[str]) -> set[tuple[int, str]]:
    """What was acknowledged; the last line may have been cut off in the middle."""
    told = [line.split() for line in lines if line.endswith("\n")]
    return {(int(sweep), target) for sweep, target in told}


def assert_whole(location: Location, acknowledged: set[tuple[int, str]]) -> None:
    with Store.open(location, clock=Clock()) as store:
        recorded = [(row.sweep, row.target) for row in store.entries() if row.kind == "unit"]
        assert acknowledged <= set(recorded)
        assert len(recorded) == len(set(recorded))
        store.checkpoint()
        assert Bench(store, Clock(), location).problems() == []
        places = sorted(row.index for row in store.entries() if row.index is not None)
        assert places == list(range(len(list(store.entries()))))


@pytest.mark.parametrize("rounds", [2, pytest.param(ROUNDS, marks=pytest.mark.prove)])
def test_a_killed_writer_loses_nothing_it_acknowledged(location: Location, rounds: int) -> None:
    acknowledged: set[tuple[int, str]] = set()
    moments = random.Random(1)  # noqa: S311 - moments, not secrets
    for _ in range(rounds):
        with process(WRITER, location) as writer:
            lines = [output(writer).readline()]
            time.sleep(moments.random() / 5)
            writer.send_signal(signal.SIGKILL)
            lines += output(writer).readlines()
        acknowledged |= whole(lines)
    assert len(acknowledged) >= rounds
    assert_whole(location, acknowledged)


@ON_POSTGRESQL
@pytest.mark.parametrize("rounds", [2, pytest.param(ROUNDS, marks=pytest.mark.prove)])
def test_a_server_that_crashes_under_a_writer_loses_nothing_and_the_writer_goes_on(
    location: Location, postgres: PostgresServer, rounds: int
) -> None:
    moments = random.Random(3)  # noqa: S311 - moments, not secrets
    lines: list[str] = []
    with process(WRITER, location) as writer:
        lines.append(output(writer).readline())
        reader = threading.Thread(target=lambda: lines.extend(output(writer)))
        reader.start()
        for _ in range(rounds):
            before = len(lines)
            time.sleep(moments.random() / 5)
            postgres.stop_at_once()
            postgres.start()
            # One process, one store object: it must find its way back each time.
            for _ in range(600):
                if len(lines) > before + 1 or writer.poll() is not None:
                    break
                time.sleep(0.05)
            assert writer.poll() is None
            assert len(lines) > before
        writer.send_signal(signal.SIGKILL)
        reader.join()
    assert_whole(location, whole(lines))


@ON_POSTGRESQL
@pytest.mark.prove
def test_eight_workers_that_deliver_every_unit_twice_leave_one_row_of_each(
    location: Location, capsys: pytest.CaptureFixture[str]
) -> None:
    units = max(100, min(1000, ROUNDS * 5))
    with Store.open(location, clock=Clock()) as store:
        bench = Bench(store, Clock(), location)
        sweep = bench.begin(*(f"t{number}" for number in range(units)))
        began = time.perf_counter()
        workers = [process(WORKER, location, sweep, units, seed) for seed in range(8)]
        running = [worker.__enter__() for worker in workers]
        told = [output(each).read() for each in running]
        codes = [each.wait() for each in running]
        took = time.perf_counter() - began
        for worker in workers:
            worker.__exit__(None, None, None)
        receipts = [line.split() for text in told for line in text.splitlines()]
        assert codes == [0] * 8
        assert len(receipts) == 16 * units
        assert sum(repeated == "0" for _, _, repeated in receipts) == units
        assert len({(target, entry) for target, entry, _ in receipts}) == units
        store.sequence()
        for _ in range(1000):
            bench.begin()
        began = time.perf_counter()
        placed = store.sequence()
        pass_took = time.perf_counter() - began
        store.checkpoint()
        assert bench.problems() == []
    with capsys.disabled():
        sys.stdout.write(
            f"\n8 workers delivered {units} units 16 times in {took:.1f} s"
            f" ({16 * units / took:.0f} a second);"
            f" the sequencer placed {placed} entries in {pass_took:.3f} s\n"
        )
    assert pass_took < placed / 1000
