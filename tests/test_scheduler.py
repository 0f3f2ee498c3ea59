"""The daemon's clockwork: what is due runs once, alone, and is written down, whatever happens."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.timing import Every
from scheduler import (
    ABORTED,
    COMPLETE,
    FAILED,
    INTERRUPTED,
    BookError,
    Duty,
    Ended,
    LostError,
    Run,
    serve,
)
from tests.clockwork import HOUR, NOON, Bench, running


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_new_duty_is_due_at_once_and_then_at_every_interval(bench: Bench) -> None:
    bench.add("a")
    bench.tick()
    bench.end_all()
    bench.tick(timedelta(minutes=59))
    assert len(bench.book.runs) == 1
    bench.tick(timedelta(minutes=1))
    bench.end_all()
    assert [run.slot for run, _ in bench.book.runs] == [NOON, NOON + HOUR]


def test_one_that_should_wait_for_its_first_due_time_does(bench: Bench) -> None:
    bench.now = NOON + timedelta(minutes=1)
    bench.add("a", at_once=False)
    bench.tick()
    assert bench.book.runs == []
    assert bench.book.known["a"].due == NOON + HOUR


def test_a_first_run_is_not_followed_by_another_on_its_heels(bench: Bench) -> None:
    bench.now = NOON - timedelta(minutes=1)
    bench.add("a")
    bench.tick()
    assert bench.book.known["a"].due == NOON + HOUR


def test_what_follows_a_due_time_that_a_late_try_makes_up_for_is_never_left_out(
    bench: Bench,
) -> None:
    bench.now = NOON - timedelta(minutes=10)
    bench.add("a")
    bench.tick()
    bench.restart()  # its first run died, and its first due time passed
    bench.tick(timedelta(minutes=50))
    assert bench.book.runs[-1][0].slot == NOON
    assert bench.book.known["a"].due == NOON + HOUR, "20 minutes later, and not an hour more"


def test_no_run_is_joined_by_a_second_one_and_what_passed_is_counted(bench: Bench) -> None:
    bench.add("a")
    bench.tick()
    for _ in range(5):
        bench.tick(HOUR)
    assert len(bench.book.runs) == 1
    bench.end_all()
    bench.tick()
    bench.end_all()
    assert [run.missed for run, _ in bench.book.runs] == [0, 4]
    assert bench.book.runs[1][0].slot == NOON + 5 * HOUR


def test_no_two_runs_have_the_same_target(bench: Bench) -> None:
    bench.add("ab", occupies="ab")
    bench.add("bc", occupies="bc")
    bench.add("c", occupies="d")
    bench.tick()
    assert [run.name for run, _ in bench.book.runs] == ["ab", "c"]
    bench.end_all()
    bench.tick()
    assert [run.name for run, _ in bench.book.runs] == ["ab", "c", "bc"]


def test_no_more_sweeps_run_at_once_than_allowed(bench: Bench) -> None:
    for name in "abcd":
        bench.add(name, occupies=name)
    bench.add("verify", limited=False)
    bench.tick()
    assert sorted(run.name for run, _ in bench.book.runs) == ["a", "b", "verify"]


def test_a_failed_run_is_tried_again_later_and_at_last_left(bench: Bench) -> None:
    bench.how = Ended(FAILED, "no route")
    bench.add("a", timedelta(days=1))
    bench.tick()
    bench.end_all()
    bench.tick(timedelta(seconds=59))
    assert len(bench.book.runs) == 1
    for wait in (timedelta(seconds=1), timedelta(minutes=5), timedelta(hours=1)):
        bench.tick(wait)
        bench.end_all()
    assert bench.book.said == [("a", FAILED, 1), ("a", FAILED, 2), ("a", FAILED, 3)]
    assert {run.slot for run, _ in bench.book.runs} == {NOON}
    bench.tick(timedelta(days=2))
    assert bench.book.said[-1] == ("a", "", 1)
    assert bench.book.runs[-1][0].missed == 0, "it was tried, so it was not missed"


def test_a_defect_is_a_failed_run_and_said(bench: Bench) -> None:
    def broken(_run: Run, _stop: threading.Event) -> Ended:
        raise ZeroDivisionError("ouch")

    bench.add("a", work=broken)
    bench.tick()
    bench.end_all()
    assert ("defect", "a", "ouch") in bench.watch.events
    assert bench.book.runs[0][1] == Ended(FAILED, "ZeroDivisionError: ouch")


def test_what_died_with_its_process_is_done_again_at_once(bench: Bench) -> None:
    bench.add("a", timedelta(days=1))
    bench.tick()
    bench.restart()
    bench.tick(timedelta(minutes=3))
    assert bench.book.said == [("a", ABORTED, 1), ("a", "", 2)]


def test_what_was_stopped_in_good_order_is_gone_on_with_after_the_start(bench: Bench) -> None:
    bench.how = Ended(INTERRUPTED)
    bench.add("a", timedelta(days=1))
    bench.tick()
    bench.scheduler.close()
    bench.scheduler.stop_runs()
    bench.end_all()
    bench.scheduler.release()
    assert bench.stops[0].is_set()
    assert bench.book.released
    bench.restart()
    bench.tick()
    assert bench.book.said == [("a", INTERRUPTED, 1), ("a", "", 2)]


def test_a_leader_that_lost_stops_what_runs_and_its_ends_are_refused(bench: Bench) -> None:
    bench.add("a")
    bench.tick()
    bench.book.leader = False
    bench.tick(HOUR)
    assert ("lost",) in bench.watch.events
    bench.end_all()
    assert bench.stops[0].is_set()
    assert ("refused", "a") in bench.watch.events
    assert bench.book.said == [("a", "", 1)]
    bench.book.leader = True
    bench.tick()
    assert bench.book.said[0] == ("a", ABORTED, 1)


def test_the_lead_lost_while_a_run_ends_is_felt_at_once(bench: Bench) -> None:
    bench.add("a")
    bench.tick()
    bench.book.leader = False
    bench.end_all()
    assert bench.watch.events[-2:] == [("lost",), ("refused", "a")]
    assert not bench.scheduler.running


def test_a_run_that_was_refused_for_want_of_the_lead_is_no_defect(bench: Bench) -> None:
    def refused(_run: Run, _stop: threading.Event) -> Ended:
        raise LostError("another daemon took the lead")

    bench.add("a", work=refused)
    bench.tick()
    bench.book.leader = False
    bench.end_all()
    assert bench.watch.events[-2:] == [("lost",), ("refused", "a")]
    assert not [event for event in bench.watch.events if event[0] == "defect"]


def test_who_does_not_lead_starts_nothing(bench: Bench) -> None:
    bench.book.leader = False
    bench.add("a")
    bench.tick()
    assert bench.book.runs == []


def test_an_end_that_could_not_be_written_is_written_when_the_book_is_back(bench: Bench) -> None:
    bench.add("a")
    bench.tick()
    bench.book.broken = True
    bench.end_all()
    bench.tick()
    assert isinstance(bench.scheduler.error, BookError)
    bench.book.broken = False
    bench.tick()
    assert bench.scheduler.error is None
    assert bench.book.said == [("a", COMPLETE, 1)]


def test_a_changed_timing_gives_a_new_due_time_and_a_removed_duty_is_forgotten(
    bench: Bench,
) -> None:
    bench.add("a")
    bench.tick()
    bench.end_all()
    bench.duties.clear()
    bench.add("a", 6 * HOUR)
    bench.tick(timedelta(minutes=1))
    assert bench.book.known["a"].due == NOON + 6 * HOUR
    bench.duties.clear()
    bench.tick()
    assert bench.book.known == {}


def test_what_was_due_when_its_timing_changed_is_still_run(bench: Bench) -> None:
    bench.add("a")
    bench.tick()
    bench.end_all()
    bench.duties.clear()
    bench.add("a", 6 * HOUR)
    bench.tick(HOUR)
    assert bench.book.runs[-1][0].slot == NOON + HOUR


@given(jitter=st.integers(0, 3600), name=st.text(min_size=1, max_size=8), salt=st.text(max_size=8))
def test_jitter_is_the_same_each_time_and_never_more_than_asked(
    jitter: int, name: str, salt: str
) -> None:
    duty = Duty(name, Every(HOUR), "", lambda *_: Ended(COMPLETE), jitter=timedelta(seconds=jitter))
    line = duty.line(NOON, salt)
    assert line == duty.line(NOON, salt)
    assert NOON <= line.due <= NOON + duty.jitter


def test_installations_do_not_all_begin_in_the_same_second() -> None:
    duty = Duty("a", Every(HOUR), "", lambda *_: Ended(COMPLETE), jitter=timedelta(minutes=10))
    assert len({duty.line(NOON, salt).due for salt in ("acme", "beta", "gamma")}) == 3


def test_it_ticks_until_stopped_and_lets_what_runs_end(bench: Bench) -> None:
    stop, ended, numbers = threading.Event(), threading.Event(), count()

    def work(_run: Run, _stop: threading.Event) -> Ended:
        next(numbers)
        stop.set()
        time.sleep(0.2)
        ended.set()
        return Ended(COMPLETE)

    bench.add("a", work=work)
    drained = serve(
        running(bench), every=timedelta(seconds=0.05), drain=lambda: 5 * HOUR, stop=stop
    )
    assert drained
    assert ended.is_set()
    assert bench.book.said == [("a", COMPLETE, 1)]
    assert bench.book.released


def test_what_takes_longer_than_the_drain_is_told_to_end_in_good_order(bench: Bench) -> None:
    stop = threading.Event()

    def work(_run: Run, told: threading.Event) -> Ended:
        stop.set()
        return Ended(INTERRUPTED if told.wait(20) else COMPLETE)

    bench.add("a", work=work)
    assert serve(
        running(bench),
        every=timedelta(seconds=0.05),
        drain=lambda: timedelta(seconds=0.1),
        stop=stop,
    )
    assert bench.book.said == [("a", INTERRUPTED, 1)]


def test_the_signals_handlers_are_put_back(bench: Bench) -> None:
    stop = threading.Event()
    stop.set()
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    serve(running(bench), every=HOUR, drain=lambda: HOUR, stop=stop)
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


PROGRAM = """
import threading
from datetime import timedelta
from scheduler import COMPLETE, INTERRUPTED, Duty, Ended, serve
from tests.clockwork import Bench, running
from config.timing import Every
def work(run, stop):
    print("begun", flush=True)
    told = stop.wait(20)
    print("told" if told else "never told", flush=True)
    return Ended(INTERRUPTED)
bench = Bench()
bench.duties.append(Duty("a", Every(timedelta(hours=1)), "", work))
said = lambda word: lambda: print(word, flush=True)
serve(running(bench), every=timedelta(seconds=0.05), drain=lambda: timedelta(seconds=DRAIN),
      reload=said("reloaded"), stopping=said("stopping"))
print("ended", flush=True)
"""


@pytest.mark.parametrize(
    ("drain", "signals", "said"),
    [
        ("0.2", [signal.SIGTERM], "stopping\ntold\nended\n"),
        ("60", [signal.SIGINT], "stopping\ntold\nended\n"),
        ("60", [signal.SIGTERM, signal.SIGTERM], "stopping\ntold\nended\n"),
        ("0.2", [signal.SIGHUP, signal.SIGTERM], "reloaded\nstopping\ntold\nended\n"),
    ],
)
def test_signals_reload_it_or_end_it(drain: str, signals: list[signal.Signals], said: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.replace("DRAIN", drain)], stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == "begun\n"
        for number in signals[:-1]:
            daemon.send_signal(number)
            time.sleep(1.2)
        daemon.send_signal(signals[-1])
        assert daemon.stdout.read() == said
    assert daemon.returncode == 0
