"""The daemon's clockwork: now, then at every interval, one sweep at a time, until told to stop."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from scheduler import serve

SOON = timedelta(seconds=0.05)


def test_it_sweeps_at_once_and_again_at_every_interval() -> None:
    stop, times = threading.Event(), list[float]()

    def sweep(_stop: threading.Event) -> None:
        times.append(time.monotonic())
        if len(times) == 3:
            stop.set()

    began = time.monotonic()
    serve(sweep, SOON, stop=stop)
    assert times[0] - began < 1
    assert len(times) >= 3


def test_no_sweep_is_joined_by_a_second_one() -> None:
    stop, running, most, done = threading.Event(), [0], [0], [0]

    def sweep(_stop: threading.Event) -> None:
        running[0] += 1
        most[0] = max(most[0], running[0])
        time.sleep(0.12)
        running[0] -= 1
        done[0] += 1
        if done[0] == 3:
            stop.set()

    serve(sweep, timedelta(seconds=0.02), stop=stop)
    assert most == [1]
    assert done[0] <= 4, "what was missed is made up for once, not once each"


def test_a_stop_reaches_the_running_sweep_and_is_waited_for() -> None:
    stop, ended = threading.Event(), threading.Event()

    def sweep(told: threading.Event) -> None:
        stop.set()
        assert told.wait(5)
        time.sleep(0.1)
        ended.set()

    serve(sweep, timedelta(hours=1), stop=stop)
    assert ended.is_set()


def test_the_next_sweep_follows_one_that_failed(caplog: pytest.LogCaptureFixture) -> None:
    stop, tries = threading.Event(), [0]

    def sweep(_stop: threading.Event) -> None:
        tries[0] += 1
        if tries[0] == 2:
            stop.set()
        raise ZeroDivisionError

    serve(sweep, SOON, stop=stop)
    assert tries[0] >= 2
    assert "ZeroDivisionError" in caplog.text


def test_the_first_sweep_can_be_later() -> None:
    stop, times = threading.Event(), list[datetime]()

    def sweep(_stop: threading.Event) -> None:
        times.append(datetime.now(UTC))
        stop.set()

    begin = datetime.now(UTC) + timedelta(seconds=0.3)
    serve(sweep, timedelta(hours=1), stop=stop, begin=begin)
    assert times[0] >= begin


def test_the_signals_handlers_are_put_back() -> None:
    stop = threading.Event()
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    serve(lambda _: stop.set(), timedelta(hours=1), stop=stop)
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_running_sweep_and_then_the_daemon(number: signal.Signals) -> None:
    code = (
        "from datetime import timedelta\nfrom scheduler import serve\n"
        "def sweep(stop):\n"
        "    print('begun', flush=True)\n"
        "    print('told' if stop.wait(20) else 'never told', flush=True)\n"
        "serve(sweep, timedelta(hours=1))\nprint('ended', flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "begun\n"
        daemon.send_signal(number)
        assert daemon.stdout.read() == "told\nended\n"
    assert daemon.returncode == 0
