"""The daemon: which sweep runs when, nothing else.

Due times, runs and leadership are kept in a `Book`; what a run does is handed in as a `Duty`. The
clock inside the process is APScheduler's, with one job: the tick.
"""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Final, Protocol

ATTEMPTS: Final = 3
"""How often a due time is tried before it is left as failed."""

RETRY: Final = timedelta(minutes=1)
"""After this a failed run is tried again; after five times as long, once more."""

ENDING: Final = timedelta(seconds=45)
"""How long runs have to end in good order: longer than a call may hang."""

STEP: Final = 1.0
"""Seconds between two looks at what signals asked for."""

COMPLETE, INTERRUPTED, FAILED, ABORTED = "complete", "interrupted", "failed", "aborted"
"""How a run ends: as planned; stopped in good order; with an error; with its process."""


class BookError(Exception):
    """The book cannot be read or written now; the next tick tries again."""


class LostError(BookError):
    """Another daemon leads; nothing of ours may be written any more."""


class Timing(Protocol):
    """Gives due times."""

    def next_due(self, after: datetime) -> datetime:
        """The first due time later than an instant."""


@dataclass(frozen=True)
class Ended:
    """How a run ended: one of the states above, and what to know about it."""

    state: str
    detail: str = ""


@dataclass(frozen=True)
class Line:
    """What the book holds of a duty.

    Attributes:
        name: the duty's.
        spec: its timing as text; another one gives other due times.
        slot: the due time by the timing.
        due: when it is really due: the slot with its jitter, or a later try.
        attempt: which try of the slot this will be.
        last_started: when it last began.
        last_complete: when it last began what then was completed.
    """

    name: str
    spec: str
    slot: datetime
    due: datetime
    attempt: int = 1
    last_started: datetime | None = None
    last_complete: datetime | None = None


@dataclass(frozen=True)
class Run:
    """One try of one due time.

    Attributes:
        id: the book's number; 0 until it is written.
        name: the duty's.
        slot: the due time.
        attempt: which try.
        missed: due times before this one that passed without a run, made up for by it.
        epoch: under which leadership it was begun.
        started: when.
        sweep: the number of the sweep it made, once that is known.
    """

    id: int
    name: str
    slot: datetime
    attempt: int
    missed: int
    epoch: int
    started: datetime
    sweep: int | None = None


@dataclass(frozen=True)
class Duty:
    """Something that comes due.

    Attributes:
        name: unique.
        timing: gives its due times.
        spec: the timing as text.
        work: does it; ends early, in good order, once the event is set.
        occupies: what no two runs may have at the same time, such as targets.
        jitter: a due time is put off by up to this.
        at_once: whether a new one is due at once, not only at its first due time.
        limited: whether it counts among the runs that are limited in number.
    """

    name: str
    timing: Timing
    spec: str
    work: Callable[[Run, threading.Event], Ended]
    occupies: frozenset[str] = frozenset()
    jitter: timedelta = timedelta(0)
    at_once: bool = True
    limited: bool = True

    def line(self, slot: datetime, salt: str, attempt: int = 1) -> Line:
        """The line of a due time, with its jitter: the same whenever it is worked out."""
        text = f"{salt}\0{self.name}\0{slot.isoformat()}".encode()
        share = int.from_bytes(hashlib.sha256(text).digest()[:4], "big") / 2**32
        return Line(self.name, self.spec, slot, slot + share * self.jitter, attempt)

    def following(self, slot: datetime, now: datetime) -> datetime:
        """The slot after now; after a first run at once, not one that follows on its heels."""
        after = self.timing.next_due(now)
        if self.timing.next_due(slot - timedelta(microseconds=1)) == slot:
            return after
        later = self.timing.next_due(after)
        return later if after - now < (later - after) / 2 else after

    def begin(self, line: Line, now: datetime) -> tuple[datetime, int, int]:
        """The latest slot that is due, which try of it this is, and how many were missed."""
        slot, attempt, missed = line.slot, line.attempt, 0
        while (later := self.timing.next_due(slot)) <= now:
            missed += attempt == 1  # a later try of it is no due time that nothing was done about
            slot, attempt = later, 1
        return slot, attempt, missed


class Book(Protocol):
    """Where due times and runs are kept, by one leader at a time; any method may raise BookError.

    Every method that writes raises LostError once another daemon leads.
    """

    @property
    def epoch(self) -> int:
        """The number of our leadership; 0 while another daemon leads."""

    def lead(self) -> bool:
        """Take or keep the lead; whether we have it now."""

    def release(self) -> None:
        """Give the lead back, so that another daemon need not wait."""

    def lines(self) -> Mapping[str, Line]:
        """Every duty's line."""

    def settle(self, lines: Iterable[Line], gone: Iterable[str]) -> None:
        """Write lines of new or changed duties, and drop those of duties that are no more."""

    def begin(self, run: Run, following: Line) -> Run:
        """Write a run and the due time after it, in one; the run with its number."""

    def end(self, run: Run, ended: Ended, again: Line | None) -> None:
        """Write a run's end, and the due time of another try."""

    def orphans(self) -> Sequence[Run]:
        """Runs that were begun under an earlier leadership and never ended."""


class Watch(Protocol):
    """Is told what the scheduler does."""

    def leading(self, epoch: int) -> None:
        """We lead from now on."""

    def lost(self) -> None:
        """We led, and no longer do."""

    def unreachable(self, error: BookError) -> None:
        """The book could not be used in this tick."""

    def started(self, run: Run) -> None:
        """A run begins."""

    def ended(self, run: Run, ended: Ended, *, refused: bool) -> None:
        """A run ended; `refused` where another daemon leads by now and its end was not kept."""

    def defect(self, run: Run, error: Exception) -> None:
        """A run ended with an error nobody expected."""

    def seen(self, lines: Mapping[str, Line]) -> None:
        """The due times as they are now."""


@dataclass
class _Running:
    run: Run
    duty: Duty
    stop: threading.Event = field(default_factory=threading.Event)
    ended: Ended | None = None


def _thread(name: str, work: Callable[[], None]) -> None:
    threading.Thread(target=work, name=name, daemon=True).start()


class Scheduler:
    """Starts what is due, once, and keeps book of it. One lock: only one thread uses the book.

    Args:
        book: due times, runs, leadership.
        duties: what there is to do now; asked at every tick, so that it may change.
        clock: aware UTC.
        watch: is told what happens.
        salt: makes the jitter another one than that of other installations.
        at_once: how many limited runs there may be at once.
        start: runs something beside the tick; a thread each.

    Attributes:
        ticked: when the last tick ended, by the monotonic clock.
        error: why the book could not be used in the last tick, or None.
    """

    def __init__(
        self,
        book: Book,
        duties: Callable[[], Sequence[Duty]],
        *,
        clock: Callable[[], datetime],
        watch: Watch,
        salt: str = "",
        at_once: Callable[[], int] = lambda: 2,
        start: Callable[[str, Callable[[], None]], None] = _thread,
    ) -> None:
        self._book = book
        self._duties = duties
        self._clock = clock
        self._watch = watch
        self._salt = salt
        self._at_once = at_once
        self._start = start
        self._lock = threading.RLock()
        self._running: dict[str, _Running] = {}
        self._epoch = 0
        self._closing = False
        self.ticked = time.monotonic()
        self.error: BookError | None = None

    @property
    def running(self) -> Sequence[Run]:
        """The runs under way, by name."""
        return [each.run for _, each in sorted(self._running.items())]

    @property
    def leads(self) -> bool:
        """Whether we led in the last tick."""
        return bool(self._epoch)

    def tick(self) -> None:
        """Lead, write down what ended, start what is due."""
        with self._lock:
            try:
                if self._leads():
                    self._write_ends()
                    if not self._closing:
                        self._start_due()
                self.error = None
            except LostError:
                self._lose()
            except BookError as error:
                self.error = error
                self._watch.unreachable(error)
            self.ticked = time.monotonic()

    def close(self) -> None:
        """Start nothing more; ticks keep the lead until what runs has ended."""
        self._closing = True

    def stop_runs(self) -> None:
        """Tell everything that runs to end in good order."""
        for each in list(self._running.values()):
            each.stop.set()

    def release(self) -> None:
        """Give the lead back; what still runs then is another daemon's to do again."""
        with self._lock:
            try:
                if self._epoch:
                    self._write_ends()
                    self._book.release()
            except BookError as error:
                self._watch.unreachable(error)
            self._epoch = 0

    def _leads(self) -> bool:
        if not self._book.lead():
            if self._epoch:
                self._lose()
            return False
        if self._book.epoch != self._epoch:
            if self._epoch:  # lost and won again between two ticks: what runs is an orphan
                self._lose()
            self._epoch = self._book.epoch
            self._watch.leading(self._epoch)
            duties = {duty.name: duty for duty in self._duties()}
            lines = dict(self._book.lines())
            for run in self._book.orphans():
                ended = Ended(ABORTED, "its daemon ended, or lost the lead, before it did")
                again = self._again(run, ended, duties.get(run.name), lines.get(run.name))
                self._book.end(run, ended, again)
                self._watch.ended(run, ended, refused=False)
        return True

    def _lose(self) -> None:
        if self._epoch:
            self._epoch = 0
            self._watch.lost()
        self.stop_runs()
        self._refuse_ends()

    def _refuse_ends(self) -> None:
        """Forget runs of a leadership that is over: the one after it has ended them in the book."""
        for name, each in list(self._running.items()):
            if each.ended is not None and each.run.epoch != self._epoch:
                del self._running[name]
                self._watch.ended(each.run, each.ended, refused=True)

    def _write_ends(self) -> None:
        self._refuse_ends()
        ended = [(each, each.ended) for each in self._running.values() if each.ended]
        lines = dict(self._book.lines()) if ended else {}
        for each, how in ended:
            again = self._again(each.run, how, each.duty, lines.get(each.run.name))
            self._book.end(each.run, how, again)
            del self._running[each.run.name]
            self._watch.ended(each.run, how, refused=False)

    def _again(
        self, run: Run, ended: Ended, duty: Duty | None, following: Line | None
    ) -> Line | None:
        """The line for another try of a due time, unless the next one comes first anyway."""
        if ended.state == COMPLETE or duty is None or following is None:
            return None
        if run.attempt >= ATTEMPTS:
            return None
        now = self._clock()
        wait = RETRY * 5 ** (run.attempt - 1) if ended.state == FAILED else timedelta(0)
        if following.due <= now + wait:
            return None
        return Line(run.name, following.spec, run.slot, now + wait, run.attempt + 1)

    def _start_due(self) -> None:
        now = self._clock()
        duties = {duty.name: duty for duty in self._duties()}
        lines = self._settled(duties, now)
        self._watch.seen(lines)
        waiting = sorted(lines.values(), key=lambda line: (line.due, line.name))
        for line in waiting:
            if line.due > now:
                break
            duty = duties[line.name]
            if self._may_start(duty):
                self._begin(duty, line, now)

    def _settled(self, duties: Mapping[str, Duty], now: datetime) -> dict[str, Line]:
        """The lines of all duties, those of new and changed ones written."""
        lines = dict(self._book.lines())
        changed = []
        for name, duty in duties.items():
            line = lines.get(name)
            if line is not None and line.spec == duty.spec:
                continue
            if line is None and duty.at_once:
                made = Line(name, duty.spec, now, now)
            elif line is not None and line.due <= now:  # it was due before it was changed
                made = Line(name, duty.spec, line.slot, line.due, line.attempt)
            else:
                made = duty.line(duty.timing.next_due(now), self._salt)
            changed.append(made)
            lines[name] = made
        gone = sorted(lines.keys() - duties.keys())
        if changed or gone:
            self._book.settle(changed, gone)
        for name in gone:
            del lines[name]
        return lines

    def _may_start(self, duty: Duty) -> bool:
        running = self._running.values()
        if any(each.duty.name == duty.name for each in running):
            return False
        if any(duty.occupies & each.duty.occupies for each in running):
            return False
        limited = sum(each.duty.limited for each in running)
        return not duty.limited or limited < self._at_once()

    def _begin(self, duty: Duty, line: Line, now: datetime) -> None:
        slot, attempt, missed = duty.begin(line, now)
        following = duty.line(duty.following(slot, now), self._salt)
        run = self._book.begin(
            Run(0, duty.name, slot, attempt, missed, self._epoch, now), following
        )
        running = self._running[duty.name] = _Running(run, duty)
        self._watch.started(run)
        self._start(f"annexa-{duty.name}", lambda: self._work(running))

    def _work(self, running: _Running) -> None:
        try:
            running.ended = running.duty.work(running.run, running.stop)
        except LostError as error:  # writing its end says the same, and is what is acted upon
            running.ended = Ended(FAILED, str(error))
        except Exception as error:  # noqa: BLE001 - said with its trace; the others go on
            self._watch.defect(running.run, error)
            running.ended = Ended(FAILED, f"{type(error).__name__}: {error}")
        with self._lock:
            try:
                if self._epoch:
                    self._write_ends()
                else:
                    self._refuse_ends()
            except LostError:
                self._lose()
            except BookError as error:
                self._watch.unreachable(error)  # the next tick writes it


def serve(
    scheduler: Scheduler,
    *,
    every: timedelta,
    drain: Callable[[], timedelta],
    ready: Callable[[], None] = lambda: None,
    beat: Callable[[], None] = lambda: None,
    reload: Callable[[], None] = lambda: None,
    stopping: Callable[[], None] = lambda: None,
    stop: threading.Event | None = None,
) -> bool:
    """Tick until SIGTERM or SIGINT, then let what runs end; whether all of it did.

    SIGTERM starts nothing more and lets runs go on for the time of `drain`; then, at a second
    SIGTERM, or at SIGINT they are told to end in good order, for which they have `ENDING`.
    SIGHUP reloads.

    Args:
        scheduler: what ticks.
        every: from tick to tick.
        drain: how long runs may go on after SIGTERM.
        ready: called after the first tick.
        beat: called every second or so, for a watchdog.
        reload: called for SIGHUP.
        stopping: called when the end begins.
        stop: ends it from elsewhere in the process.
    """
    # Imported here: each run is a process of its own that needs this file, and not the ticker.
    from apscheduler.schedulers.background import BackgroundScheduler  # noqa: PLC0415

    signals = _Signals(stop or threading.Event())
    ticker = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    ticker.add_job(scheduler.tick, "interval", seconds=every.total_seconds())
    with signals.caught():
        scheduler.tick()
        ticker.start()
        try:
            ready()
            while not signals.stop.wait(STEP):
                beat()
                if signals.reload.is_set():
                    signals.reload.clear()
                    reload()
            stopping()
            scheduler.close()
            _wait(scheduler, drain(), signals.hurry, beat)
            scheduler.stop_runs()
            _wait(scheduler, ENDING, threading.Event(), beat)
        finally:
            ticker.shutdown(wait=True)
    left = bool(scheduler.running)
    scheduler.release()
    return not left


def _wait(
    scheduler: Scheduler, most: timedelta, hurry: threading.Event, beat: Callable[[], None]
) -> None:
    """Wait until nothing runs, or for a time, or until there is hurry."""
    end = time.monotonic() + most.total_seconds()
    while scheduler.running and time.monotonic() < end and not hurry.wait(0.1):
        beat()


class _Signals:
    """What signals ask for, kept until the main loop looks."""

    def __init__(self, stop: threading.Event) -> None:
        self.stop = stop
        self.hurry = threading.Event()
        self.reload = threading.Event()

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Take the signals over, and put the handlers back."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self._on)
            for name in ("SIGTERM", "SIGINT", "SIGHUP")  # Windows has no SIGHUP
            if (number := getattr(signal, name, None)) is not None
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on(self, number: int, _frame: FrameType | None) -> None:
        if number == getattr(signal, "SIGHUP", None):
            self.reload.set()
            return
        if number == signal.SIGINT or self.stop.is_set():
            self.hurry.set()
        self.stop.set()
