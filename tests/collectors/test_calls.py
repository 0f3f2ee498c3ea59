"""One call done properly: rates, retries, deadline, stop, and a journal line for each try."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Caller, CallError, Cause, Note, PassingError, Place, ThrottledError
from collectors.calls import TRIES, SystemClock, TokenBucket
from tests.collectors.fake_clock import FakeClock

PLACE = Place("people", "north")


def a_caller(
    clock: FakeClock, *, deadline: float = 60, rate: float | None = None
) -> tuple[Caller, threading.Event]:
    stop = threading.Event()
    caller = Caller(
        clock, clock.seconds + deadline, stop, rate=rate, burst=rate or 1, jitter=lambda most: most
    )
    return caller, stop


def failing(*errors: Exception) -> Callable[[Note], str]:
    """A send that raises these one after another and then answers."""
    left = list(errors)

    def send(note: Note) -> str:
        note.request_id = f"r{len(left)}"
        if left:
            raise left.pop(0)
        note.status = 200
        return "answer"

    return send


def outcomes(caller: Caller) -> list[str]:
    return [line.outcome for line in caller.journal.lines]


def test_an_answer_comes_back_with_a_journal_line_of_everything_about_it() -> None:
    caller, _ = a_caller(FakeClock())

    def send(note: Note) -> list[int]:
        note.status, note.request_id, note.rows, note.total = 200, "abc", 2, 7
        note.server_date = "Tue, 24 Nov 2026 00:00:00 GMT"
        return [1, 2]

    with caller.made_for("people", "north", "mia"):
        assert caller.call("List", send, place=PLACE, parameters={"Marker": "m"}, page=3) == [1, 2]
    assert caller.journal.document() == [
        {
            "operation": "List",
            "parameters": {"Marker": "m"},
            "service": "people",
            "scope": "north",
            "page": 3,
            "outcome": "ok",
            "status": 200,
            "request_id": "abc",
            "server_date": "Tue, 24 Nov 2026 00:00:00 GMT",
            "started": "2026-11-24T00:00:00.000+00:00",
            "ended": "2026-11-24T00:00:00.000+00:00",
            "rows": 2,
            "total": 7,
            "collector": "people",
            "listing": "north",
            "resource": "mia",
        }
    ]


def test_a_passing_failure_is_tried_four_times_and_no_more() -> None:
    caller, _ = a_caller(FakeClock())
    with pytest.raises(CallError) as raised:
        caller.call("List", failing(*[PassingError("reset", "x")] * 9), place=PLACE)
    assert (raised.value.cause, raised.value.code) == (Cause.UNREACHABLE, "reset")
    assert outcomes(caller) == ["reset"] * TRIES


def test_a_failure_that_passes_is_an_answer() -> None:
    caller, _ = a_caller(FakeClock())
    send = failing(*[PassingError("reset", "x")] * (TRIES - 1))
    assert caller.call("List", send, place=PLACE) == "answer"
    assert outcomes(caller) == ["reset", "reset", "reset", "ok"]


def test_a_refusal_is_final_and_tried_once() -> None:
    caller, _ = a_caller(FakeClock())
    refusal = CallError(Cause.DENIED, "AccessDenied")
    with pytest.raises(CallError) as raised:
        caller.call("List", failing(refusal), place=PLACE)
    assert raised.value is refusal
    assert outcomes(caller) == ["AccessDenied"]


def test_a_throttled_call_goes_on_until_the_deadline() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock, deadline=60)
    with pytest.raises(CallError) as raised:
        caller.call("List", failing(*[ThrottledError("SlowDown")] * 999), place=PLACE)
    assert (raised.value.cause, raised.value.code) == (Cause.THROTTLED, "SlowDown")
    assert caller.journal.throttled == len(caller.journal.lines) > TRIES
    assert clock.seconds <= 1060


def test_throttling_does_not_use_up_the_tries_of_passing_failures() -> None:
    caller, _ = a_caller(FakeClock())
    errors = [ThrottledError("SlowDown"), PassingError("reset", "x")] * (TRIES - 1)
    assert caller.call("List", failing(*errors), place=PLACE) == "answer"


@pytest.mark.parametrize("after", [0.0, 3.0, 20.0])
def test_the_platforms_own_waiting_time_is_honoured(after: float) -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock)
    caller.call("List", failing(ThrottledError("SlowDown", after)), place=PLACE)
    assert after <= clock.seconds - 1000 <= after + 0.25


def test_a_waiting_time_beyond_the_deadline_gives_up_at_once() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock, deadline=60)
    with pytest.raises(CallError) as raised:
        caller.call("List", failing(ThrottledError("SlowDown", 61)), place=PLACE)
    assert raised.value.cause is Cause.THROTTLED
    assert clock.slept == []


def test_backing_off_takes_longer_each_time_and_never_more_than_eight_seconds() -> None:
    clock = FakeClock()
    waits: list[float] = []
    caller = Caller(
        clock, 9e9, threading.Event(), rate=None, jitter=lambda most: waits.append(most) or most
    )
    caller.call("List", failing(*[ThrottledError("SlowDown")] * 10), place=PLACE)
    assert waits == sorted(waits)
    assert waits[0] == pytest.approx(0.2)
    assert waits[-1] == 8.0


def test_nothing_is_sent_after_the_deadline() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock, deadline=5)
    clock.seconds += 5
    sent: list[Note] = []
    with pytest.raises(CallError) as raised:
        caller.call("List", sent.append, place=PLACE)
    assert (raised.value.cause, raised.value.code) == (Cause.UNREACHABLE, "deadline")
    assert sent == []


def test_nothing_is_sent_after_a_stop() -> None:
    caller, stop = a_caller(FakeClock())
    stop.set()
    sent: list[Note] = []
    with pytest.raises(CallError) as raised:
        caller.call("List", sent.append, place=PLACE)
    assert (raised.value.cause, raised.value.code) == (Cause.NOT_ASKED, "stopped")
    assert sent == []


def test_a_stop_is_felt_within_half_a_second_of_a_long_wait() -> None:
    stop = threading.Event()
    clock = SystemClock()
    caller = Caller(clock, clock.monotonic() + 60, stop, rate=None)
    threading.Timer(0.1, stop.set).start()
    begun = time.monotonic()
    with pytest.raises(CallError) as raised:
        caller.call("List", failing(ThrottledError("SlowDown", 30)), place=PLACE)
    assert raised.value.cause is Cause.NOT_ASKED
    assert time.monotonic() - begun < 0.1 + 0.5 + 0.2


def test_each_place_has_a_rate_of_its_own() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock, rate=2)
    for _ in range(2):
        for scope in ("north", "south"):
            caller.call("List", failing(), place=Place("people", scope))
    assert clock.slept == []
    caller.call("List", failing(), place=PLACE)
    assert sum(clock.slept) == pytest.approx(0.5)


def test_a_rate_that_cannot_be_kept_before_the_deadline_is_unreachable() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock, deadline=0.1, rate=1)
    caller.call("List", failing(), place=PLACE)
    with pytest.raises(CallError) as raised:
        caller.call("List", failing(), place=PLACE)
    assert (raised.value.cause, raised.value.code) == (Cause.UNREACHABLE, "deadline")


def test_the_journal_is_sorted_by_when_the_calls_began() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock)

    def outer(_: Note) -> None:
        clock.sleep(1)
        caller.call("Inner", failing(), place=PLACE)

    caller.call("Outer", outer, place=PLACE)
    assert [line.operation for line in caller.journal.lines] == ["Inner", "Outer"]
    assert [line["operation"] for line in caller.journal.document()] == ["Outer", "Inner"]


STEPS = st.lists(
    st.one_of(st.just("take"), st.just("throttled"), st.floats(0, 3).map(lambda s: ("pass", s))),
    max_size=120,
)


@given(rate=st.floats(0.5, 100), burst=st.floats(1, 50), steps=STEPS)
def test_a_bucket_never_lets_through_more_than_its_burst_and_rate(
    rate: float, burst: float, steps: list[str | tuple[str, float]]
) -> None:
    clock = FakeClock()
    bucket = TokenBucket(rate, burst, clock)
    sent: list[float] = []
    for step in steps:
        if step == "take":
            sent.append(clock.seconds + bucket.take())
        elif step == "throttled":
            bucket.throttled()
        else:
            clock.sleep(float(step[1]))
    for number, at in enumerate(sorted(sent), 1):
        assert number <= burst + rate * (at - 1000) + 1e-3


@given(
    rate=st.floats(1, 100),
    throttles=st.integers(1, 30),
)
def test_a_throttled_bucket_slows_down_and_recovers(rate: float, throttles: int) -> None:
    clock = FakeClock()
    bucket = TokenBucket(rate, 1, clock)
    for _ in range(throttles):
        bucket.throttled()
        clock.sleep(1.01)
    bucket.take()
    assert bucket.take() > 0
    clock.sleep(3600)
    for _ in range(2):
        bucket.take()
    assert bucket.take() == pytest.approx(2 / rate, rel=0.01)


def test_several_throttles_within_a_second_count_once() -> None:
    clock = FakeClock()
    once, often = TokenBucket(50, 1, clock), TokenBucket(50, 1, clock)
    once.throttled()
    for _ in range(10):
        often.throttled()
    assert [once.take(), once.take()] == [often.take(), often.take()]


def test_the_machines_clock_is_aware_and_its_seconds_move_on() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(0)
    assert clock.monotonic() >= before
    assert clock.now().tzinfo is UTC


@given(
    errors=st.lists(
        st.one_of(
            st.floats(0, 100).map(lambda s: ThrottledError("SlowDown", s)),
            st.just(ThrottledError("SlowDown")),
            st.just(PassingError("reset", "x")),
        ),
        min_size=1,
    ),
    deadline=st.floats(0, 300),
    rate=st.one_of(st.none(), st.floats(0.1, 100)),
    lazy=st.booleans(),
)
def test_a_call_always_ends_by_its_deadline_whatever_the_platform_says(
    errors: list[Exception], deadline: float, rate: float | None, *, lazy: bool
) -> None:
    clock = FakeClock()
    caller = Caller(
        clock,
        1000 + deadline,
        threading.Event(),
        rate=rate,
        burst=1,
        jitter=(lambda most: most) if lazy else (lambda _: 0.0),
    )
    turn = iter(errors * 1000)

    def send(_: Note) -> None:
        raise next(turn)

    with pytest.raises(CallError):
        caller.call("List", send, place=PLACE)
    assert clock.seconds <= 1000 + deadline + 1e-6
    assert len(caller.journal.lines) < 1000


def test_a_service_that_is_allowed_less_has_a_rate_of_its_own() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock, rate=50)
    slow = Place("people", "north", rate=0.5, burst=1)
    for _ in range(3):
        caller.call("List", failing(), place=slow)
        caller.call("List", failing(), place=PLACE)
    assert sum(clock.slept) == pytest.approx(4)


def test_a_services_own_rate_counts_even_where_the_target_has_none() -> None:
    clock = FakeClock()
    caller, _ = a_caller(clock, rate=None)
    for _ in range(2):
        caller.call("List", failing(), place=Place("people", "north", rate=1, burst=1))
    assert sum(clock.slept) == pytest.approx(1)
