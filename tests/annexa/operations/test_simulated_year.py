"""A year on a fake clock: every due time is run or counted, whatever happens to the daemon."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from annexa.operations import Lease, Operations, OperationsBook, open_operations
from annexa.operations.tables import runs
from annexa.operations.times import instant
from config.timing import Cron, Every
from evidence_store.location import File
from scheduler import (
    ABORTED,
    COMPLETE,
    FAILED,
    Duty,
    Ended,
    Run,
    Scheduler,
    Timing,
)
from tests.clockwork import Quiet

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2027, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TIMINGS: dict[str, Timing] = {
    "half": Every(timedelta(hours=12)),
    "night": Cron.parse("30 2 * * *", BERLIN),
    "midnight": Cron.parse("0 0 * * *", ZoneInfo("America/Los_Angeles")),
    "workday": Cron.parse("0 6 * * mon-fri", BERLIN),
    "monthly": Cron.parse("15 12 1 * *", BERLIN),
}
DOWN = (datetime(2026, 7, 6, 3, tzinfo=UTC), datetime(2026, 7, 13, 9, tzinfo=UTC))


class Killed(BaseException):
    """Stands for kill -9: nothing after it runs."""


class World:
    """A daemon on a clock that only the test moves; runs end at once, in the tick's own thread."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.now = BEGIN
        self.random = random.Random(seed)  # noqa: S311 - a repeatable year
        self.deaths: set[int] = set()
        self.began = 0
        self.failing = 0.01

    def clock(self) -> datetime:
        return self.now

    def work(self, _run: Run, _stop: object) -> Ended:
        self.began += 1
        if self.began in self.deaths:
            raise Killed
        self.now += timedelta(seconds=self.random.randint(1, 600))
        return (
            Ended(FAILED, "no network") if self.random.random() < self.failing else Ended(COMPLETE)
        )

    @contextmanager
    def daemon(self) -> Iterator[tuple[Scheduler, Operations]]:
        operations = open_operations(File(self.path))
        try:
            lease = Lease(operations, timedelta(seconds=15), self.clock, alone=True)
            scheduler = Scheduler(
                OperationsBook(operations, lease, self.clock),
                self.duties,
                clock=self.clock,
                watch=Quiet(),
                salt="acme",
                start=now,
            )
            yield scheduler, operations
        finally:
            operations.close()

    def duties(self) -> list[Duty]:
        return [
            Duty(
                name,
                timing,
                str(timing),
                self.work,
                jitter=timedelta(minutes=10),
                at_once=False,
            )
            for name, timing in TIMINGS.items()
        ]

    def live(self, until: datetime = END) -> None:
        """Dying where it was told to, and down for a week in July."""
        while self.now < until:
            try:
                with self.daemon() as (scheduler, _):
                    while self.now < until:
                        scheduler.tick()
                        self._sleep(scheduler)
            except Killed:
                self.now += timedelta(seconds=self.random.randint(5, 7200))

    def _sleep(self, scheduler: Scheduler) -> None:
        """Until something comes due: the ticks in between would change nothing."""
        lines = scheduler._book.lines().values()
        self.now = max(self.now + timedelta(seconds=5), min(line.due for line in lines))
        if DOWN[0] <= self.now < DOWN[1]:
            self.now = DOWN[1]

    def runs(self) -> list[sa.Row[tuple[object, ...]]]:
        with self.daemon() as (_, operations), operations.reading() as connection:
            return list(connection.execute(sa.select(runs).order_by(runs.c.id)))


def now(_name: str, work: Callable[[], None]) -> None:
    work()


def slots(timing: Timing, until: datetime) -> list[datetime]:
    found, at = [], BEGIN
    while (at := timing.next_due(at)) <= until:
        found.append(at)
    return found


@pytest.mark.parametrize(
    ("until", "runs_of_it", "crashes"),
    [
        pytest.param(datetime(2026, 4, 15, tzinfo=UTC), 450, 15, id="a spring with its change"),
        pytest.param(END, 1600, 50, id="a year with a week down and both", marks=pytest.mark.prove),
    ],
)
def test_every_due_time_is_run_or_counted_through_crashes_and_clock_changes(
    tmp_path: Path, until: datetime, runs_of_it: int, crashes: int
) -> None:
    world = World(tmp_path / "evidence.db", seed=4)
    world.deaths = set(world.random.sample(range(1, runs_of_it), crashes))
    world.live(until)
    rows = world.runs()
    for name, timing in TIMINGS.items():
        own = [row for row in rows if row.name == name]
        begun = {instant(row.slot) for row in own}
        missed = sum(row.missed for row in own)
        due = slots(timing, max(begun))
        assert begun <= set(due), "nothing ran that was not due"
        assert len(begun) + missed == len(due), f"{name}: every due time is run or counted"
        tries = [(row.slot, row.attempt) for row in own]
        assert len(tries) == len(set(tries))
        complete = [row.slot for row in own if row.state == COMPLETE]
        assert len(complete) == len(set(complete)), "no due time is completed twice"
    states = [row.state for row in rows]
    assert states.count(ABORTED) == crashes
    again = [row for row in rows if row.state in {ABORTED, FAILED} and row.attempt == 1]
    tried = {(row.name, row.slot) for row in rows if row.attempt == 2}
    later = [row for row in again if (row.name, row.slot) in tried]
    assert len(later) > 0.9 * len(again), "what failed or died is tried again"


def test_a_week_down_is_made_up_for_once_and_counted(tmp_path: Path) -> None:
    world = World(tmp_path / "evidence.db", seed=1)
    world.failing = 0
    world.now = datetime(2026, 7, 1, tzinfo=UTC)
    world.live(datetime(2026, 7, 20, tzinfo=UTC))
    rows = [row for row in world.runs() if row.missed]
    counted = {row.name: row.missed for row in rows}
    # 7 days and 6 hours down: 14 slots of twelve hours, 13 of them missed and one run late.
    assert counted == {"half": 13, "night": 6, "midnight": 7, "workday": 5}
    assert {instant(row.started) - DOWN[1] < timedelta(hours=1) for row in rows} == {True}


@pytest.mark.parametrize("name", ["night", "midnight"])
def test_a_day_on_which_the_clock_changes_has_one_run_too(name: str) -> None:
    timing = TIMINGS[name]
    zone = timing.zone if isinstance(timing, Cron) else UTC
    days = [slot.astimezone(zone).date() for slot in slots(timing, END)]
    assert len(days) == len(set(days))
    gaps = {(later - early).days for early, later in pairwise(days)}
    assert gaps == {1}
