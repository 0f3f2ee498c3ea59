"""One call at a time, done properly: deadline, rate, retries, and a journal line for each try."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from sys import intern
from typing import Protocol, TypeVar

from collectors.model import CallError, Cause

Answer = TypeVar("Answer")

NOTHING: Mapping[str, object] = {}
"""The parameters of a call without any: there can be a hundred thousand of them."""

TRIES = 4
"""Tries of a call that fails for a passing reason; throttled calls are bounded by the deadline."""


class ThrottledError(Exception):
    """The platform asked for patience; `after` is its own number of seconds, if it gave one."""

    def __init__(self, code: str, after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.after = after


class PassingError(Exception):
    """A failure that may pass by itself: a broken connection, a server error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Clock(Protocol):
    """Time as the engine sees it, so that tests can hand in their own."""

    def now(self) -> datetime:
        """The aware UTC time."""

    def monotonic(self) -> float:
        """Seconds that never run backwards."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(frozen=True)
class Place:
    """Where a call goes: rates are kept per service and scope of one target.

    `rate` and `burst` are the service's own, in calls per second and calls, where the platform
    allows less of it than of others.
    """

    service: str
    scope: str
    rate: float | None = None
    burst: float | None = None


class TokenBucket:
    """A rate that yields: a throttle cuts it by a quarter, 5 % of it return each second."""

    def __init__(self, rate: float, burst: float, clock: Clock) -> None:
        self._full = self._rate = rate
        self._burst = self._tokens = burst
        self._clock = clock
        self._seen = clock.monotonic()
        self._cut = float("-inf")
        self._lock = threading.Lock()

    def take(self) -> float:
        """Reserve one call; the seconds to wait before it may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            passed, self._seen = now - self._seen, now
            self._rate = min(self._full, self._rate + 0.05 * self._full * passed)
            self._tokens = min(self._burst, self._tokens + passed * self._rate) - 1
            return max(0.0, -self._tokens / self._rate)

    def throttled(self) -> None:
        """The platform refused: slow down, at most once a second."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._cut > 1:
                self._rate = max(0.5, self._rate * 0.75)
                self._cut = now


@dataclass
class Note:
    """What the platform said beside its answer; the sender fills it in."""

    status: int | None = None
    request_id: str = ""
    server_date: str = ""
    rows: int | None = None
    total: int | None = None


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One try of one call: the completeness-and-accuracy record behind each evidence item.

    `collector` and `listing` (a scope) name the listing it was made for, `resource` the resource
    whose fact it fetched; a call that is made for the whole target names none of them.
    """

    operation: str
    parameters: Mapping[str, object]
    service: str
    scope: str
    page: int
    outcome: str
    status: int | None
    request_id: str
    server_date: str
    started: str
    ended: str
    rows: int | None
    total: int | None
    collector: str = ""
    listing: str = ""
    resource: str | None = None


@dataclass
class Journal:
    """The lines of one unit, in the order in which their calls ended."""

    lines: list[JournalLine] = field(default_factory=list)
    throttled: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, line: JournalLine) -> None:
        """Keep a line."""
        with self._lock:
            self.lines.append(line)
            self.throttled += line.outcome == "throttled"

    def document(self) -> list[dict[str, object]]:
        """The lines as they are stored."""
        return [asdict(line) for line in self.in_order()]

    def in_order(self) -> list[JournalLine]:
        """The lines, sorted by when they began."""
        with self._lock:
            return sorted(self.lines, key=lambda line: (line.started, line.operation, line.page))


class Caller:
    """Sends the calls of one unit.

    Args:
        clock: time, also for the journal.
        deadline: monotonic second after which nothing new is sent.
        cancelled: set when the operator stops the sweep; waiting calls end at once.
        rate: calls per second per service and scope; None for reads that need no limit.
        burst: calls that may be sent at once after a pause.
    """

    def __init__(
        self,
        clock: Clock,
        deadline: float,
        cancelled: threading.Event,
        *,
        rate: float | None = 50,
        burst: float = 50,
        jitter: Callable[[float], float] = lambda most: random.uniform(0, most),  # noqa: S311
    ) -> None:
        self.clock = clock
        self.journal = Journal()
        self._deadline = deadline
        self._cancelled = cancelled
        self._rate = rate
        self._burst = burst
        self._jitter = jitter
        self._made_for = threading.local()
        self._buckets: dict[Place, TokenBucket] = {}
        self._lock = threading.Lock()

    @contextmanager
    def made_for(self, collector: str, listing: str, resource: str | None = None) -> Iterator[None]:
        """Let the journal say what this thread's calls are made for."""
        self._made_for.names = (collector, listing, resource)
        try:
            yield
        finally:
            self._made_for.names = ("", "", None)

    def call(
        self,
        operation: str,
        send: Callable[[Note], Answer],
        *,
        place: Place,
        parameters: Mapping[str, object] | None = None,
        page: int = 1,
    ) -> Answer:
        """Send one call and return its answer.

        `send` raises `ThrottledError`, `PassingError` or a final `CallError`. Throttled tries go
        on until the deadline, passing failures up to `TRIES`.

        Raises:
            CallError: the call was refused, or no answer came in time.
        """
        tries = 0
        throttles = 0
        while True:
            self._wait_for_turn(place, throttled=throttles > 0)
            note, started = Note(), self.clock.now()
            try:
                answer = send(note)
            except ThrottledError as error:
                self._note("throttled", operation, place, parameters, page, note, started)
                throttles += 1
                self._bucket_throttled(place)
                self._pause(self._backoff(throttles, error.after), Cause.THROTTLED, error.code)
            except PassingError as error:
                self._note(error.code, operation, place, parameters, page, note, started)
                tries += 1
                if tries >= TRIES:
                    raise CallError(Cause.UNREACHABLE, error.code, str(error)) from error
                self._pause(self._backoff(tries, None), Cause.UNREACHABLE, error.code)
            except CallError as error:
                self._note(error.code, operation, place, parameters, page, note, started)
                raise
            except Exception as error:
                name = type(error).__name__
                self._note(name, operation, place, parameters, page, note, started)
                raise
            else:
                self._note("ok", operation, place, parameters, page, note, started)
                return answer

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self._deadline - self.clock.monotonic()

    def check(self, cause: Cause = Cause.UNREACHABLE, code: str = "deadline") -> None:
        """Raise where nothing more may be sent: the sweep was stopped or the time is up."""
        if self._cancelled.is_set():
            raise CallError(Cause.NOT_ASKED, "stopped", "the sweep was stopped before this call")
        if self.clock.monotonic() >= self._deadline:
            raise CallError(cause, code, "the target's deadline passed before this call")

    def _wait_for_turn(self, place: Place, *, throttled: bool) -> None:
        cause = Cause.THROTTLED if throttled else Cause.UNREACHABLE
        self.check(cause)
        bucket = self._bucket(place)
        if bucket and (seconds := bucket.take()):
            self._pause(seconds, cause, "deadline")

    def _bucket(self, place: Place) -> TokenBucket | None:
        rates = [rate for rate in (self._rate, place.rate) if rate is not None]
        if not rates:
            return None
        with self._lock:
            if place not in self._buckets:
                burst = self._burst if place.burst is None else min(self._burst, place.burst)
                self._buckets[place] = TokenBucket(min(rates), burst, self.clock)
            return self._buckets[place]

    def _bucket_throttled(self, place: Place) -> None:
        if bucket := self._bucket(place):
            bucket.throttled()

    def _backoff(self, count: int, after: float | None) -> float:
        """Seconds to wait; from the second time on never none, whatever the platform says."""
        longest = min(8.0, 0.1 * 2 ** min(count, 8))
        least = longest / 8 if count > 1 else 0.0
        if after is not None:
            return max(least, after) + self._jitter(0.25)
        return max(least, self._jitter(longest))

    def _pause(self, seconds: float, cause: Cause, code: str) -> None:
        """Wait in short steps, so that a stop is felt at once; give up where no time is left."""
        until = self.clock.monotonic() + seconds
        if until > self._deadline:
            raise CallError(cause, code, "the target's deadline would pass while waiting")
        while (left := until - self.clock.monotonic()) > 0:
            self.check(cause, code)
            self.clock.sleep(min(left, 0.5))

    def _note(  # noqa: PLR0917 - a journal line has this many parts
        self,
        outcome: str,
        operation: str,
        place: Place,
        parameters: Mapping[str, object] | None,
        page: int,
        note: Note,
        started: datetime,
    ) -> None:
        collector, listing, resource = getattr(self._made_for, "names", ("", "", None))
        self.journal.add(
            JournalLine(
                operation=operation,
                parameters=dict(parameters) if parameters else NOTHING,
                service=place.service,
                scope=place.scope,
                page=page,
                outcome=outcome,
                status=note.status,
                request_id=note.request_id,
                server_date=intern(note.server_date),
                started=started.isoformat(timespec="milliseconds"),
                ended=self.clock.now().isoformat(timespec="milliseconds"),
                rows=note.rows,
                total=note.total,
                collector=collector,
                listing=listing,
                resource=resource,
            )
        )
