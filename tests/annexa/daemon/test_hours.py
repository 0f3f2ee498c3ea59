"""Daemons that are struck for hours while what they read changes: nothing twice, nothing lost.

    ANNEXA_HOURS_MINUTES=75 python -m pytest -s -m prove tests/annexa/daemon/test_hours.py

Without the variable half a minute. Leaders, senders and sweeps are killed with -9 in the middle of
their work, a leader is paused for longer than its lease, the database server crashes; images
change all the time. At the end every due time was run once or is counted, everything the ledger
says was told under one id, the store verifies, and the daemon that was never killed is as small
as in its first minutes.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, Self

import orjson
import pytest
import sqlalchemy as sa

from annexa.alerts import state
from annexa.operations import Operations, open_operations
from annexa.operations.tables import outbox, runs, schedules
from evidence_store import File, Location, Server, Store
from scheduler import ABORTED, COMPLETE
from tests.annexa.daemon import told
from tests.annexa.daemon.processes import (
    ROOT,
    Daemon,
    all_killed,
    children,
    eventually,
    refusing,
    who_connects_from,
)
from tests.annexa.daemon.receiver import SECRET, Receiver
from tests.postgres import PostgresServer

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

MINUTES = float(os.environ.get("ANNEXA_HOURS_MINUTES", "0"))
SEED = int(os.environ.get("ANNEXA_HOURS_SEED", "1"))
ENDPOINTS = ("one", "two")
SWEEPS = ("sweep/default", "sweep/amber", "sweep/refusing")
IMAGES = ("blue", "green", "amber")


@dataclass(frozen=True)
class Pace:
    """How fast all of it goes, in seconds.

    Attributes:
        lasts: until the last blow.
        every: between two sweeps of each schedule.
        blows: from one blow to the next, about.
        changes: from one change of the images to the next, about.
        lease: the daemons'.
    """

    lasts: float
    every: tuple[int, int, int]
    blows: float
    changes: float
    lease: int


SHORT = Pace(20, (12, 8, 15), 1.5, 2.0, 3)
PACE = Pace(60 * MINUTES, (45, 30, 60), 40.0, 30.0, 8) if MINUTES else SHORT


@dataclass
class Site:
    """Images that change, a platform that refuses, and daemons that share a store."""

    folder: Path
    location: Location
    platform: str
    receiver: Receiver
    chance: random.Random
    daemons: list[Daemon] = field(default_factory=list)
    struck: list[tuple[float, str, int]] = field(default_factory=list)
    names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        for each in IMAGES:
            image = self.folder / each / "etc"
            (image / "ssh").mkdir(parents=True)
            for name in ("os-release", "passwd", "group"):
                shutil.copy(f"/etc/{name}", image / name)
            (image / "ssh/sshd_config").write_text("PermitRootLogin no\n")
            (image / "profile").write_text("TMOUT=600\n")

    def start(self) -> Daemon:
        daemon = Daemon(self.folder, f"d{next(self.names)}", self.configuration)
        self.daemons.append(daemon)
        return daemon

    def configuration(self, port: int) -> str:
        where = (
            f'path = "{self.location.path}"'
            if isinstance(self.location, File)
            else f'url = "{self.location.url}"\nkeys = "{self.location.folder}"'
        )
        images = "".join(
            f'[targets.{each}]\nplatform = "linux"\nroot = "{each}"\n' for each in IMAGES
        )
        alerts = "".join(
            f'[[alerts.endpoints]]\nname = "{each}"\nkind = "webhook"\nallow_http = true\n'
            f'url = "{self.receiver.url}/{each}"\nsecrets = ["env:ANNEXA_TEST_SIGNING"]\n'
            for each in ENDPOINTS
        )
        general, amber, refusing = PACE.every
        return f"""
[store]
{where}
[log]
format = "json"
{images}
[targets.refusing]
platform = "aws"
endpoint_url = "{self.platform}"
[schedule]
every = "{general}s"
[schedules.amber]
targets = ["amber"]
every = "{amber}s"
[schedules.refusing]
targets = ["refusing"]
every = "{refusing}s"
[daemon]
listen = "127.0.0.1:{port}"
lease = "{PACE.lease}s"
drain = "2s"
checkpoint = "5m"
verify_recent = "10m"
verify_whole = "25m"
[alerts]
allow_networks = ["127.0.0.0/8"]
{alerts}"""

    def change(self) -> None:
        """Make an image better or worse, in one of three ways."""
        image = self.folder / self.chance.choice(IMAGES) / "etc"
        worse = self.chance.random() < 0.5
        name, good, bad = self.chance.choice(
            (
                ("ssh/sshd_config", "PermitRootLogin no\n", "PermitRootLogin yes\n"),
                ("profile", "TMOUT=600\n", "# nothing\n"),
                ("passwd", "", "backdoor:x:0:0::/root:/bin/bash\n"),
            )
        )
        text = Path("/etc/passwd").read_text() if name == "passwd" else ""
        fresh = image / f"{name}.new"
        fresh.write_text(text + (bad if worse else good))
        fresh.replace(image / name)

    def break_in(self) -> None:
        """Make every image worse in a way that it never was."""
        for each in IMAGES:
            with (self.folder / each / "etc/passwd").open("a") as passwd:
                passwd.write("intruder:x:0:0::/root:/bin/bash\n")

    def leader(self, most: float = 90) -> Daemon:
        return eventually(lambda: next((d for d in self.daemons if d.leads), None), "a lead", most)

    def replace(self, daemon: Daemon) -> None:
        """Kill a daemon, and start another one in its place."""
        daemon.kill()
        self.daemons.remove(daemon)
        self.start()

    def senders(self) -> int:
        """How many processes speak to the receiver, at most: all that daemons have started."""
        return sum(len(children(each.process.pid)) for each in self.daemons)

    def strike(self, kind: str, exposed: int) -> None:
        self.struck.append((time.time(), kind, exposed))


@pytest.fixture
def platform() -> Iterator[str]:
    with refusing(0.7) as address:
        yield address


def test_on_a_server(
    tmp_path: Path, platform: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts = {
        "leader killed": leader_killed,
        "sender killed": sender_killed,
        "run killed": run_killed,
        "leader paused": leader_paused,
        "swept by hand": swept_by_hand,
        "server crashed": lambda site: server_crashed(site, postgres),
        "sessions ended": lambda site: sessions_ended(site, postgres),
    }
    with postgres.database(empty=True) as database:
        location = Server(postgres.url(database), tmp_path / "keys")
        try:
            hours(tmp_path, location, platform, monkeypatch, acts, number=3 if MINUTES else 2)
        finally:
            (tmp_path / "database.sql").write_text(postgres.dump(database))


def test_on_a_file(tmp_path: Path, platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    acts = {
        "leader killed": leader_killed,
        "sender killed": sender_killed,
        "run killed": run_killed,
        "leader paused": leader_paused,
        "swept by hand": swept_by_hand,
    }
    hours(tmp_path, File(tmp_path / "evidence.db"), platform, monkeypatch, acts, number=1)


# What happens to them


def leader_killed(site: Site) -> None:
    leader = site.leader()
    if len(site.daemons) > 1 and leader is site.daemons[0]:  # the one whose size is watched
        leader_paused(site)
        return
    site.strike("leader killed", len(children(leader.process.pid)))
    site.replace(leader)


def sender_killed(site: Site) -> None:
    """In the middle of a delivery: just before the receiver's answer, or just after it."""
    done = threading.Event()

    def aim(port: int) -> Callable[[], None]:
        among = [pid for each in site.daemons for pid in children(each.process.pid)]
        pid = who_connects_from(port, among)
        assert pid is not None

        def kill() -> None:
            os.kill(pid, signal.SIGKILL)
            site.strike("sender killed", 1)
            done.set()

        return kill

    site.receiver.before = site.chance.random() < 0.3
    site.receiver.aim = aim
    end = time.monotonic() + 3 * PACE.blows
    while not done.wait(PACE.changes / 2) and time.monotonic() < end:
        site.change()
    site.receiver.aim = None


def run_killed(site: Site) -> None:
    """A sweep, a look or a signing, whatever the leader does."""
    leader = site.leader()
    end = time.monotonic() + PACE.blows
    while time.monotonic() < end:
        if found := children(leader.process.pid):
            time.sleep(site.chance.random())
            with contextlib.suppress(ProcessLookupError):
                os.kill(site.chance.choice(found), signal.SIGKILL)
                site.strike("run killed", 1)
            return
        time.sleep(0.1)


def leader_paused(site: Site) -> None:
    leader = site.leader()
    site.strike("leader paused", 0)
    leader.signal(signal.SIGSTOP)
    time.sleep(PACE.lease * (1.3 + site.chance.random()))
    leader.signal(signal.SIGCONT)


def swept_by_hand(site: Site) -> None:
    """Beside the daemon: recorded, or refused because the daemon reads the same just now."""
    command = [sys.executable, "-m", "annexa", "sweep", "--target", "amber", "--config"]
    config = site.daemons[-1].config
    done = subprocess.run([*command, str(config)], cwd=ROOT, check=False, capture_output=True)
    said = done.stderr.decode()
    assert done.returncode == 0 or "just now" in said or "out of order" in said, said
    site.strike("swept by hand", 0)


def server_crashed(site: Site, postgres: PostgresServer) -> None:
    site.strike("server crashed", site.senders())
    postgres.stop_at_once()
    time.sleep(PACE.lease * site.chance.random() * 1.5)
    postgres.start()


def sessions_ended(site: Site, postgres: PostgresServer) -> None:
    site.strike("sessions ended", site.senders())
    postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE pid <> pg_backend_pid() AND datname LIKE 'test%'"
    )


# The run


def hours(
    folder: Path,
    location: Location,
    platform: str,
    monkeypatch: pytest.MonkeyPatch,
    acts: dict[str, Callable[[Site], None]],
    number: int,
) -> None:
    monkeypatch.setenv("ANNEXA_TEST_SIGNING", SECRET)
    chance = random.Random(SEED)  # noqa: S311 - a repeatable order
    with Receiver(random.Random(SEED)) as receiver:  # noqa: S311 - as above
        site = Site(folder, location, platform, receiver, chance)
        with all_killed(site.daemons):
            for _ in range(number):
                site.start()
                site.leader()
            eventually(lambda: all(each.ready for each in site.daemons), "all ready")
            with contextlib.closing(open_operations(location)) as operations:
                eventually(lambda: _complete(operations) >= len(SWEEPS), "first sweeps")
            with Watched(site.daemons[0]) as size:
                struck(site, acts)
            eventually(lambda: any(each.leads for each in site.daemons), "a lead at the end", 120)
            for each in list(site.daemons):
                assert each.end() == 0
                site.daemons.remove(each)
            drained(site)
        keep(site, size)
        with contextlib.closing(open_operations(location)) as operations:
            due_times(operations)
        evidence(site)
        alerts(site)
        size.is_flat(killed=number == 1)


def struck(site: Site, acts: dict[str, Callable[[Site], None]]) -> None:
    """One blow after the other, in an order of chance, each kind as often as the others."""
    began = time.monotonic()
    left: list[str] = []
    threading.Thread(target=changing, args=(site, began + PACE.lasts), daemon=True).start()
    while time.monotonic() - began < PACE.lasts:
        time.sleep(PACE.blows * (0.5 + site.chance.random()))
        left = left or site.chance.sample(sorted(acts), len(acts))
        acts[left.pop()](site)
        say(
            f"{time.monotonic() - began:6.0f} s  {site.struck[-1][1] if site.struck else 'nothing'}"
        )


def changing(site: Site, end: float) -> None:
    while time.monotonic() < end:
        time.sleep(PACE.changes * (0.5 + site.chance.random()))
        site.change()


def drained(site: Site) -> None:
    """One more daemon, until all is looked at and all is sent."""
    location = site.location
    with contextlib.closing(open_operations(location)) as operations:
        _do_not_wait(operations)
        site.break_in()
        last = site.start()
        swept = _complete(operations)
        eventually(lambda: _complete(operations) >= swept + len(SWEEPS), "last sweeps", 200)
        eventually(lambda: not _waits(operations, time.time()), "what is due is sent", 400)
        assert last.end() == 0
        _do_not_wait(operations)
        eventually(lambda: not _waits(operations, None) or _sent(last), "all is sent", 900)
    site.daemons.remove(last)


def _do_not_wait(operations: Operations) -> None:
    """In the short run: what senders that have ended had claimed, or put off, is due at once."""
    if not MINUTES:
        with operations.writing("test") as connection:
            connection.execute(sa.update(outbox).values(lease_until=0, next_at=0))


def _sent(daemon: Daemon) -> bool:
    """Send what is due by hand; never enough by itself."""
    command = [sys.executable, "-m", "annexa", "alerts", "send", "--config", str(daemon.config)]
    subprocess.run(command, cwd=ROOT, check=False, capture_output=True)  # 1: not yet taken
    time.sleep(5)
    return False


def _waits(operations: Operations, now: float | None) -> int:
    due = sa.true() if now is None else outbox.c.next_at <= int(now * 1e6)
    return _count(operations, outbox, (outbox.c.status == "pending") & due)


def _complete(operations: Operations) -> int:
    """How many sweeps of a schedule were complete."""
    return _count(operations, runs, (runs.c.state == COMPLETE) & runs.c.name.in_(SWEEPS))


def _count(operations: Operations, table: sa.Table, what: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(what)
    with operations.reading() as connection:
        return int(connection.scalar(query) or 0)


# What is looked at in the end


def keep(site: Site, size: Watched) -> None:
    """Write down what was seen, for those who want to look closer."""
    seen = {
        "struck": site.struck,
        "taken": [(each.at, each.endpoint, each.event) for each in site.receiver.taken],
        "size": size.seen,
    }
    (site.folder / "seen.json").write_bytes(orjson.dumps(seen))


def due_times(operations: Operations) -> None:
    """No due time is run twice, none is neither run nor counted, no two runs at once."""
    with operations.reading() as connection:
        rows = connection.execute(sa.select(runs).order_by(runs.c.started, runs.c.id)).all()
        following = {row.name: row.slot for row in connection.execute(sa.select(schedules))}
    states, number, missed = Counter(row.state for row in rows), 0, 0
    assert not states["running"]
    for name, every in zip(SWEEPS, PACE.every, strict=True):
        own = [row for row in rows if row.name == name]
        complete = [row.slot for row in own if row.state == COMPLETE]
        assert len(complete) == len(set(complete)), f"{name}: a due time is completed twice"
        for one, after in itertools.pairwise(own):
            assert one.ended <= after.started, f"{name}: two runs at once"
            if one.state == ABORTED and one.attempt < 3:
                again = (after.slot, after.attempt) == (one.slot, one.attempt + 1)
                assert again or after.slot > one.slot
        step = every * 1_000_000
        grid = {row.slot for row in own if row.slot % step == 0}
        counted = sum(row.missed for row in own)
        # The first is due at once; a due time that follows on its heels is left out.
        second = next(row for row in own if row.slot % step == 0)
        first = second.slot - second.missed * step
        assert first - own[0].slot < 2 * step
        told_of = "\n".join(f"{r.slot / 1e6:.1f} {r.attempt} {r.missed} {r.state}" for r in own)
        owed = (following[name] - first) // step
        assert len(grid) + counted == owed, f"{name}: lost due times\n{told_of}"
        number += len(grid)
        missed += counted
    tries = max(row.attempt for row in rows)
    say(f"runs {len(rows)}: {dict(states)}; due times of sweeps: {number} run, {missed} counted as")
    say(f"  missed, none twice, none lost; at most {tries} tries; {_led(rows)} leaderships")


def _led(rows: list[Any]) -> int:
    return len({row.epoch for row in rows})


def evidence(site: Site) -> None:
    """The store verifies, from within and by the command."""
    command = [sys.executable, "-m", "annexa", "verify", "--config"]
    config = next(site.folder.glob("d*.toml"))
    done = subprocess.run([*command, str(config)], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    with Store.open(site.location, create=False) as store:
        assert store.verify().problems == ()
        sweeps = list(store.sweeps())
    say(f"{len(sweeps)} sweeps, {sum(row.closed_at is None for row in sweeps)} left open; verified")


def alerts(site: Site) -> None:
    """Everything the ledger says was told, to everybody, under one id."""
    receiver = site.receiver
    assert receiver.unsigned == []
    with (
        Store.open(site.location, create=False) as store,
        contextlib.closing(open_operations(site.location)) as operations,
    ):
        cursor = state.cursor(operations)
        assert cursor is not None
        assert store.following(cursor.place) == []
        expected = told.changes(store)
        dead = _count(operations, outbox, outbox.c.status == "dead")
    for endpoint in ENDPOINTS:
        once = {each.id: each for each in receiver.taken if each.endpoint == endpoint}
        found = told.told(each.event for each in once.values())
        assert found == expected, (endpoint, found - expected, expected - found)
    for number, group in itertools.groupby(
        sorted(receiver.taken, key=lambda each: each.id), key=lambda each: each.id
    ):
        bodies = {each.body for each in group}
        assert len(bodies) == 1, f"{number}: another body under the same id"
    repeated = receiver.repeated()
    blows = Counter(kind for _, kind, _ in site.struck)
    messages = len({each.id for each in receiver.taken})
    kinds = Counter(kind for kind, *_ in expected.elements())
    say(f"blows {sum(blows.values())}: {dict(sorted(blows.items()))}")
    say(f"{dict(kinds)} findings, all told to both endpoints in {messages} messages")
    say(f"{receiver.requests} requests, {sum(repeated.values())} duplicates, {dead} dead")
    assert kinds["failing"], "nothing was to be told"
    assert not dead
    say(_delays(receiver))
    one_duplicate_a_blow(site, repeated)


def _delays(receiver: Receiver) -> str:
    """How long messages took from being put down to being accepted for the first time."""
    took: dict[str, float] = {}
    for each in receiver.taken:
        put = datetime.fromisoformat(each.event["time"]).timestamp()
        took.setdefault(each.id, each.at - put)
    all_, late = sorted(took.values()), [each for each in took.values() if each > 60]
    return (
        f"accepted after {median(all_):.1f} s (median), {all_[int(len(all_) * 0.95)]:.1f} s (95 %),"
        f" {all_[-1]:.0f} s at most; {len(late)} after more than a minute"
    )


def one_duplicate_a_blow(site: Site, repeated: dict[str, int]) -> None:
    """A message comes twice only where its sender was struck: one of each endpoint at most."""
    blamed: Counter[float] = Counter()
    for number in repeated:
        times = [each.at for each in site.receiver.taken if each.id == number]
        for at in times[:-1]:
            near = [blow for blow in site.struck if blow[2] and -1 <= blow[0] - at <= 30]
            assert near, f"{number}: came twice, and nothing had happened"
            blamed[min(near)[0]] += 1
    assert all(count <= len(ENDPOINTS) for count in blamed.values()), blamed


class Watched:
    """A process whose memory, descriptors and threads are written down while it lives."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: list[tuple[float, int, int]] = []

    def __enter__(self) -> Self:
        self._began = time.monotonic(), _cpu(self._daemon.process.pid)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.seconds = time.monotonic() - self._began[0]
        with contextlib.suppress(OSError):
            self.cpu = _cpu(self._daemon.process.pid) - self._began[1]
        self._thread.join()

    def _run(self) -> None:
        pid = self._daemon.process.pid
        while not self._stop.wait(PACE.lasts / 200):
            with contextlib.suppress(OSError, KeyError):  # it was killed
                status = dict(
                    line.split(":", 1)
                    for line in Path(f"/proc/{pid}/status").read_text().splitlines()
                )
                files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
                rss = int(status["VmRSS"].split()[0]) / 1024
                self.seen.append((rss, files, int(status["Threads"])))

    def is_flat(self, *, killed: bool) -> None:
        """The last quarter is as the second one, give or take what a run takes meanwhile."""
        if killed:
            return
        quarter = len(self.seen) // 4
        parts = [self.seen[quarter : 2 * quarter], self.seen[-quarter:]]
        early, late = ([median(each) for each in zip(*part, strict=True)] for part in parts)
        say(f"the daemon never killed: RSS {early[0]:.1f} → {late[0]:.1f} MB, descriptors"
            f" {early[1]:.0f} → {late[1]:.0f}, threads {early[2]:.0f} → {late[2]:.0f};"
            f" {100 * self.cpu / self.seconds:.2f} % of a core itself")  # fmt: skip
        assert late[0] < early[0] + 10
        assert late[1] <= early[1] + 6
        assert late[2] <= early[2] + 4


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what a proof found
