"""Time that passes only while somebody sleeps."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

from collectors import Caller, SystemClock

START = datetime(2026, 11, 24, tzinfo=UTC)


class FakeClock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000)

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


def eager_caller(seconds: float = 30) -> Caller:
    """A caller on the machine's clock that waits only as long as it is told to."""
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    return Caller(clock, deadline, threading.Event(), rate=None, jitter=lambda _: 0.0)


def patient_caller(seconds: float = 3600) -> Caller:
    """A caller on a fake clock: waits of minutes take no time."""
    clock = FakeClock()
    deadline = clock.monotonic() + seconds
    return Caller(clock, deadline, threading.Event(), rate=None, jitter=lambda most: most)
