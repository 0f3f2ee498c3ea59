"""The pool: fair turns, a cap while others wait, and nothing that can hang."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from annexa.sweep.pool import Pool


class Meter:
    """Counts what runs at once, by group and in all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.done: list[str] = []

    def job(self, group: str, wait: threading.Event | None = None) -> Callable[[], None]:
        def run() -> None:
            with self._lock:
                self.running[group] += 1
                self.most[group] = max(self.most[group], self.running[group])
            if wait:
                assert wait.wait(10)
            with self._lock:
                self.running[group] -= 1
                self.done.append(group)

        return run


def finish(pool: Pool) -> None:
    pool.close()
    pool.join(10)
    assert not [t for t in pool._workers if t.is_alive()]


@given(
    threads=st.integers(1, 6),
    cap=st.integers(1, 4),
    counts=st.dictionaries(st.sampled_from("abc"), st.integers(0, 12)),
)
@settings(max_examples=40, deadline=None)
def test_every_job_is_run_once_whatever_the_sizes(
    threads: int, cap: int, counts: dict[str, int]
) -> None:
    pool, meter = Pool(threads, cap), Meter()
    for group, count in counts.items():
        for _ in range(count):
            pool.put(group, meter.job(group))
    finish(pool)
    assert Counter(meter.done) == Counter({g: n for g, n in counts.items() if n})


@given(threads=st.integers(1, 4), depth=st.integers(1, 5), width=st.integers(1, 4))
@settings(max_examples=25, deadline=None)
def test_jobs_that_queue_jobs_cannot_deadlock(threads: int, depth: int, width: int) -> None:
    pool = Pool(threads, 1)
    left = threading.Semaphore(0)

    def grow(level: int) -> None:
        for number in range(width if level else 0):
            pool.put(number, lambda: grow(level - 1), first=number % 2 == 0)
        left.release()

    pool.put("root", lambda: grow(depth if width < 3 else min(depth, 3)))
    levels = depth if width < 3 else min(depth, 3)
    for _ in range(sum(width**level for level in range(levels + 1))):
        assert left.acquire(timeout=10)
    finish(pool)


def test_groups_take_turns() -> None:
    pool, meter = Pool(1), Meter()
    hold, begun = threading.Event(), threading.Event()
    pool.put("a", lambda: (begun.set(), hold.wait(10)))  # type: ignore[arg-type, return-value]
    assert begun.wait(10)
    for _ in range(3):
        pool.put("a", meter.job("a"))
    for _ in range(3):
        pool.put("b", meter.job("b"))
    hold.set()
    finish(pool)
    assert sorted(meter.done[:2]) == sorted(meter.done[2:4]) == ["a", "b"]


def occupied(pool: Pool, threads: int) -> threading.Event:
    """Keep every thread busy until the event is set, so that what is put next has to queue."""
    hold, meter = threading.Event(), Meter()
    for number in range(threads):
        pool.put(f"keeper {number}", meter.job("keeper", hold))
    _until(lambda: meter.running["keeper"] == threads)
    return hold


def test_a_group_keeps_to_its_cap_while_others_wait_and_takes_all_when_alone() -> None:
    pool, meter = Pool(threads=4, cap=2), Meter()
    keepers = occupied(pool, 4)
    first, second = threading.Event(), threading.Event()
    for _ in range(10):
        pool.put("slow", meter.job("slow", first))
        pool.put("other", meter.job("other", second))
    keepers.set()
    _until(lambda: meter.running == {"slow": 2, "other": 2})
    second.set()
    _until(lambda: meter.running["slow"] == 4)
    first.set()
    finish(pool)
    assert meter.done.count("slow") == meter.done.count("other") == 10


def test_a_capped_group_spreads_as_soon_as_the_last_other_job_is_taken() -> None:
    """Idle threads must be woken then, not when the next job happens to end."""
    pool, meter = Pool(threads=3, cap=1), Meter()
    keepers = occupied(pool, 3)
    slow, one, two = threading.Event(), threading.Event(), threading.Event()
    for _ in range(8):
        pool.put("slow", meter.job("slow", slow))
    pool.put("other", meter.job("other", one))
    pool.put("other", meter.job("other", two))
    keepers.set()
    _until(lambda: meter.running == {"slow": 1, "other": 1})
    one.set()
    _until(lambda: meter.running == {"slow": 2, "other": 1})
    two.set()
    slow.set()
    finish(pool)


def test_a_job_put_first_runs_before_the_groups_others() -> None:
    pool = Pool(1)
    done: list[str] = []
    hold, begun = threading.Event(), threading.Event()
    pool.put("a", lambda: (begun.set(), hold.wait(10)))  # type: ignore[arg-type, return-value]
    assert begun.wait(10)
    pool.put("a", lambda: done.append("second"))
    pool.put("a", lambda: done.append("first"), first=True)
    hold.set()
    finish(pool)
    assert done == ["first", "second"]


def test_a_dropped_queue_is_not_run_and_the_threads_end() -> None:
    pool, meter = Pool(2), Meter()
    hold = threading.Event()
    for _ in range(2):
        pool.put("a", meter.job("a", hold))
    _until(lambda: meter.running["a"] == 2)
    for _ in range(10):
        pool.put("a", meter.job("a"))
    pool.close(drop=True)
    hold.set()
    pool.join(10)
    assert meter.done == ["a", "a"]


def test_joining_takes_no_longer_than_it_may() -> None:
    pool, meter = Pool(4), Meter()
    hold = threading.Event()
    for _ in range(4):
        pool.put("a", meter.job("a", hold))
    pool.close()
    pool.join(0.05)
    assert any(worker.is_alive() for worker in pool._workers)
    hold.set()
    pool.join(10)
    assert not any(worker.is_alive() for worker in pool._workers)


def _until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(2000):
        if holds():
            return
        pause.wait(0.005)
    raise AssertionError("it never came to that")
