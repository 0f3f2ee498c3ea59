"""Real daemons on a real store: killed, paused, stopped, cut off from the database.

A minute or two each. ANNEXA_DAEMON_ROUNDS makes the rounds of the server's test more.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from annexa.operations import open_operations
from annexa.operations.tables import runs
from evidence_store import File, Location, Server, Store
from scheduler import ABORTED, COMPLETE
from tests.annexa.daemon.processes import Daemon, all_killed, eventually, refusing
from tests.postgres import PostgresServer

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(sys.platform != "linux", reason="reads a Linux host"),
]

LEASE = 3
SLOW = 2.5
"""Seconds until the slow platform refuses: long enough to be hit in the middle of a sweep."""


@pytest.fixture(scope="module")
def platform() -> Iterator[str]:
    with refusing(SLOW) as address:
        yield address


class Site:
    """A folder with an image to read, and daemons that share a store."""

    def __init__(self, folder: Path, location: Location, platform: str) -> None:
        self.folder, self.location, self.platform = folder, location, platform
        (folder / "image/etc").mkdir(parents=True)
        for name in ("os-release", "passwd", "group"):
            shutil.copy(f"/etc/{name}", folder / "image/etc" / name)
        self.daemons: list[Daemon] = []

    def start(self, name: str) -> Daemon:
        daemon = Daemon(self.folder, name, self.configuration)
        self.daemons.append(daemon)
        return daemon

    def configuration(self, port: int) -> str:
        where = (
            f'path = "{self.location.path}"'
            if isinstance(self.location, File)
            else f'url = "{self.location.url}"\nkeys = "{self.location.folder}"'
        )
        return f"""
[store]
{where}
[log]
format = "json"
[targets.image]
platform = "linux"
root = "image"
[targets.slow]
platform = "aws"
endpoint_url = "{self.platform}"
[schedule]
every = "2s"
[schedules.slow]
targets = ["slow"]
every = "4s"
[daemon]
listen = "127.0.0.1:{port}"
lease = "{LEASE}s"
drain = "1s"
"""

    def runs(self) -> list[Any]:
        operations = open_operations(self.location)
        try:
            with operations.reading() as connection:
                return list(connection.execute(sa.select(runs).order_by(runs.c.started)))
        finally:
            operations.close()

    def slow_sweep(self) -> None:
        """Wait until the slow sweep is in its middle."""
        eventually(lambda: any(d.running("sweep/slow") for d in self.daemons), "a slow sweep")
        time.sleep(SLOW / 3)

    def leader(self, *, most: float = 90) -> Daemon:
        return eventually(lambda: next((d for d in self.daemons if d.leads), None), "a lead", most)

    def check(self) -> None:
        """Nothing twice, nothing side by side, nothing lost, and evidence that verifies."""
        rows = self.runs()
        complete = [(row.name, row.slot) for row in rows if row.state == COMPLETE]
        assert len(complete) == len(set(complete)), "no due time is completed twice"
        for name in ("sweep/default", "sweep/slow"):
            own = [row for row in rows if row.name == name]
            for one, next_one in itertools.pairwise(own):
                assert one.ended is not None
                assert one.ended <= next_one.started, "no two runs of a target at once"
            tries = {(row.slot, row.attempt) for row in own}
            for row in own:
                later = [each for each in own if each.started > row.started]
                if row.state == ABORTED and row.attempt < 3 and later:
                    assert (row.slot, row.attempt + 1) in tries or later[0].slot > row.slot
        with Store.open(self.location, create=False) as store:
            assert store.verify().problems == ()
            numbers = {row.sweep for row in rows if row.sweep and row.state == COMPLETE}
            closed = {row.sweep for row in store.sweeps() if row.closed_at}
            assert numbers <= closed


@contextlib.contextmanager
def site(folder: Path, location: Location, platform: str) -> Iterator[Site]:
    made = Site(folder, location, platform)
    with all_killed(made.daemons):
        yield made


def seconds_until(what: Callable[[], Any], name: str, most: float) -> float:
    began = time.monotonic()
    eventually(what, name, most)
    return time.monotonic() - began


def test_on_a_file(tmp_path: Path, platform: str) -> None:
    with site(tmp_path, File(tmp_path / "evidence.db"), platform) as place:
        first = place.start("a")
        place.slow_sweep()
        second = place.start("b")
        assert second.process.wait(30) == 4, "one daemon per file"
        assert "one daemon per SQLite file" in second.log.read_text()
        place.daemons.remove(second)

        first.signal(signal.SIGSTOP)
        time.sleep(LEASE + 1)
        first.signal(signal.SIGCONT)
        assert eventually(lambda: first.leads, "the lead after a pause")

        place.slow_sweep()
        first.kill()
        place.daemons.remove(first)
        third = place.start("c")
        assert place.leader() is third
        # Told to end before its only call: in the middle of that, the answer would complete it.
        eventually(lambda: third.running("sweep/slow"), "a slow sweep")
        assert third.end() == 0
        assert any(row.state == "interrupted" for row in place.runs())
        place.daemons.remove(third)

        fourth = place.start("d")
        done = len([row for row in place.runs() if row.state == COMPLETE])
        eventually(
            lambda: len([r for r in place.runs() if r.state == COMPLETE]) > done + 3, "more sweeps"
        )
        assert fourth.end() == 0
        states = {row.state for row in place.runs()}
        assert {"complete", "aborted", "interrupted"} <= states
        assert "running" not in states
        place.check()


def test_on_a_server(tmp_path: Path, platform: str, postgres: PostgresServer) -> None:
    chance = random.Random(7)  # noqa: S311 - a repeatable order
    rounds = int(os.environ.get("ANNEXA_DAEMON_ROUNDS", "1"))
    names = itertools.count(1)
    with (
        postgres.database(empty=True) as database,
        site(tmp_path, Server(postgres.url(database), tmp_path / "keys"), platform) as place,
    ):
        for _ in range(2):
            place.start(f"d{next(names)}")
            place.leader()
        eventually(lambda: all(d.ready for d in place.daemons), "both ready")
        assert [d.leads for d in place.daemons].count(True) == 1
        acts = [killed, paused, ended, cut_off]
        for number in range(rounds):
            for act in acts:
                place.slow_sweep()
                act(place, postgres)
                if len(place.daemons) < 2:
                    place.start(f"d{next(names)}")
                place.leader()
                eventually(lambda: all(d.ready for d in place.daemons), "all ready")
                assert [d.leads for d in place.daemons].count(True) == 1
            chance.shuffle(acts)
            print(f"round {number + 1}: {len(place.runs())} runs")  # noqa: T201 - of a proof
        for daemon in list(place.daemons):
            assert daemon.end() == 0
        place.check()


def other(place: Site, daemon: Daemon) -> Daemon:
    return next(each for each in place.daemons if each is not daemon)


def killed(place: Site, _postgres: PostgresServer) -> None:
    """kill -9: another leads in about one lease."""
    leader = place.leader()
    heir = other(place, leader)
    leader.kill()
    place.daemons.remove(leader)
    took = seconds_until(lambda: heir.leads, "the heir's lead", LEASE + 10)
    print(f"kill -9: led again after {took:.1f} s of a {LEASE} s lease")  # noqa: T201
    assert took < LEASE + 3


def paused(place: Site, _postgres: PostgresServer) -> None:
    """SIGSTOP in the middle of a sweep: what comes after SIGCONT is refused."""
    leader = place.leader()
    heir = other(place, leader)
    leader.signal(signal.SIGSTOP)
    took = seconds_until(lambda: heir.leads, "the heir's lead", LEASE + 70)
    print(f"SIGSTOP: led again after {took:.1f} s")  # noqa: T201
    time.sleep(1)
    leader.signal(signal.SIGCONT)
    eventually(lambda: 'result="refused"' in leader.ask("/metrics")[1], "a refusal")
    assert leader.said("lead_lost")
    assert heir.leads


def ended(place: Site, _postgres: PostgresServer) -> None:
    """SIGTERM in the middle of a sweep: what was read is recorded, the lead is given back."""
    leader = place.leader()
    heir = other(place, leader)
    began = time.monotonic()
    assert leader.end() == 0
    print(f"SIGTERM: ended after {time.monotonic() - began:.1f} s")  # noqa: T201
    place.daemons.remove(leader)
    took = seconds_until(lambda: heir.leads, "the heir's lead", LEASE + 10)
    print(f"SIGTERM: led again {took:.1f} s later")  # noqa: T201


def cut_off(place: Site, postgres: PostgresServer) -> None:
    """The database is gone for a while: everybody lives, nobody is ready, then all goes on."""
    postgres.stop_at_once()
    eventually(lambda: all(d.ask("/readyz")[0] == 503 for d in place.daemons), "unready", 60)
    assert [d.ask("/healthz")[0] for d in place.daemons] == [200] * len(place.daemons)
    time.sleep(2)
    assert all(d.process.poll() is None for d in place.daemons)
    postgres.start()
    took = seconds_until(lambda: any(d.leads for d in place.daemons), "a lead", 60)
    print(f"database back: led again after {took:.1f} s")  # noqa: T201
