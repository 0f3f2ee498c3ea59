"""A scheduler's surroundings in memory: a book, a watch that keeps what it was told, a bench."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from config.timing import Every
from scheduler import COMPLETE, BookError, Duty, Ended, Line, LostError, Run, Scheduler

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


class Quiet:
    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []
        self.lines: Mapping[str, Line] = {}

    def leading(self, epoch: int) -> None:
        self.events.append(("leading", epoch))

    def lost(self) -> None:
        self.events.append(("lost",))

    def unreachable(self, error: BookError) -> None:
        self.events.append(("unreachable", str(error)))

    def started(self, run: Run) -> None:
        self.events.append(("started", run.name))

    def ended(self, run: Run, ended: Ended, *, refused: bool) -> None:
        self.events.append(("refused" if refused else ended.state, run.name))

    def defect(self, run: Run, error: Exception) -> None:
        self.events.append(("defect", run.name, str(error)))

    def seen(self, lines: Mapping[str, Line]) -> None:
        self.lines = lines


@dataclass
class MemoryBook:
    """A book in memory; `leader` and `broken` are what the test wants the world to be."""

    leader: bool = True
    broken: bool = False
    epoch: int = 0
    known: dict[str, Line] = field(default_factory=dict)
    runs: list[tuple[Run, Ended | None]] = field(default_factory=list)
    released: bool = False

    def lead(self) -> bool:
        self._check()
        if self.leader and not self.epoch:
            self.epoch = 1 + max((run.epoch for run, _ in self.runs), default=0)
        if not self.leader:
            self.epoch = 0
        return self.leader

    def release(self) -> None:
        self._check()
        self.released = True

    def lines(self) -> Mapping[str, Line]:
        self._check()
        return self.known

    def settle(self, lines: Iterable[Line], gone: Iterable[str]) -> None:
        self._check()
        self.known |= {line.name: line for line in lines}
        for name in gone:
            del self.known[name]

    def begin(self, run: Run, following: Line) -> Run:
        self._check()
        run = replace(run, id=len(self.runs) + 1)
        self.runs.append((run, None))
        self.known[run.name] = following
        return run

    def end(self, run: Run, ended: Ended, again: Line | None) -> None:
        self._check()
        if not self.leader:
            raise LostError("another leads")
        self.runs[run.id - 1] = run, ended
        if again:
            self.known[run.name] = again

    def orphans(self) -> Sequence[Run]:
        return [run for run, ended in self.runs if ended is None and run.epoch < self.epoch]

    def _check(self) -> None:
        if self.broken:
            raise BookError("no route to host")

    @property
    def said(self) -> list[tuple[str, str, int]]:
        """Name, state and attempt of every run."""
        return [(run.name, ended.state if ended else "", run.attempt) for run, ended in self.runs]


class Bench:
    """A scheduler with a clock to be moved, whose runs wait until the test ends them."""

    def __init__(self) -> None:
        self.now = NOON
        self.book = MemoryBook()
        self.watch = Quiet()
        self.duties: list[Duty] = []
        self.waiting: list[Callable[[], None]] = []
        self.how = Ended(COMPLETE)
        self.stops: list[threading.Event] = []
        self.scheduler = self.restart()

    def restart(self) -> Scheduler:
        self.waiting.clear()
        self.book.epoch = 0
        self.scheduler = Scheduler(
            self.book,
            lambda: self.duties,
            clock=lambda: self.now,
            watch=self.watch,
            start=lambda _, work: self.waiting.append(work),
        )
        return self.scheduler

    def add(
        self, name: str, every: timedelta = HOUR, *, occupies: str = "", **more: object
    ) -> None:
        def work(_run: Run, stop: threading.Event) -> Ended:
            self.stops.append(stop)
            return self.how

        made = Duty(name, Every(every), str(every), work, frozenset(occupies))
        self.duties.append(replace(made, **more))  # type: ignore[arg-type]

    def tick(self, after: timedelta = timedelta(0)) -> None:
        self.now += after
        self.scheduler.tick()

    def end_all(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


def running(bench: Bench) -> Scheduler:
    """A scheduler on real threads."""
    return Scheduler(
        bench.book, lambda: bench.duties, clock=lambda: datetime.now(UTC), watch=bench.watch
    )
