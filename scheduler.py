"""The daemon: which sweep runs when, nothing else."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler

Sweep = Callable[[threading.Event], None]
"""Makes one sweep; ends early, with finished parts recorded, once the event is set."""


def serve(
    sweep: Sweep,
    every: timedelta,
    *,
    stop: threading.Event | None = None,
    begin: datetime | None = None,
) -> None:
    """Sweep now and then at every interval, one at a time, until told to stop.

    A sweep that is still running when the next is due is not joined by a second one: the due times
    it covered are made up for once, when it ends. SIGTERM and SIGINT end the running sweep early.

    Args:
        sweep: makes one sweep.
        every: from one sweep's due time to the next.
        stop: ends the daemon from elsewhere in the process.
        begin: the first due time; now without it.
    """
    ended = stop or threading.Event()
    before = _on_signals(ended)
    ticker = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    ticker.add_job(
        sweep,
        "interval",
        args=[ended],
        seconds=every.total_seconds(),
        next_run_time=begin or datetime.now(UTC),
    )
    ticker.start()
    try:
        while not ended.wait(1):
            pass
    finally:
        ticker.shutdown(wait=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _on_signals(
    ended: threading.Event,
) -> dict[signal.Signals, signal.Handlers | Callable[..., object] | int | None]:
    """Stop on SIGTERM and SIGINT; returns the handlers that were there."""
    if threading.current_thread() is not threading.main_thread():
        return {}

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    return {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
