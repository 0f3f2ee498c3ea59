"""One flat pool of threads with fair turns: a job never waits for a job, so it cannot deadlock."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Hashable
from typing import Final

from annexa.sweep.heap import share_one_heap

Job = Callable[[], None]

THREADS: Final = 32
"""Enough to fill one core with an SDK that spends 2 ms of CPU a call at 50 ms latency."""

CAP: Final = 8
"""Jobs of one group at once while other groups wait, so that a slow target holds up nobody."""


class Pool:
    """Runs jobs of several groups; each group's jobs wait in a queue of their own.

    Threads take the next job of the next group in turn. A group has at most `cap` jobs running
    while another has jobs waiting.
    """

    def __init__(self, threads: int = THREADS, cap: int = CAP) -> None:
        share_one_heap()
        self._threads = threads
        self._cap = cap
        self._turn = threading.Condition()
        self._waiting: dict[Hashable, deque[Job]] = {}
        self._order: deque[Hashable] = deque()
        self._running: Counter[Hashable] = Counter()
        self._closed = False
        self._workers: list[threading.Thread] = []

    def put(self, group: Hashable, job: Job, *, first: bool = False) -> None:
        """Queue a job; `first` puts it before the group's others, which keeps memory low."""
        with self._turn:
            if group not in self._waiting:
                self._waiting[group] = deque()
                self._order.append(group)
            queue = self._waiting[group]
            queue.appendleft(job) if first else queue.append(job)
            self._start_worker()
            self._turn.notify()

    def close(self, *, drop: bool = False) -> None:
        """End the threads once the queued jobs are run, or with `drop` without running them."""
        with self._turn:
            self._closed = True
            if drop:
                for waiting in self._waiting.values():
                    waiting.clear()
            self._turn.notify_all()

    def join(self, seconds: float | None = None) -> None:
        """Wait for every thread to end, together at most that long."""
        until = None if seconds is None else time.monotonic() + seconds
        for worker in list(self._workers):
            worker.join(None if until is None else max(0.0, until - time.monotonic()))

    def _start_worker(self) -> None:
        queued = sum(len(queue) for queue in self._waiting.values())
        if len(self._workers) < self._threads and queued + self._running.total() > len(
            self._workers
        ):
            name = f"annexa-{len(self._workers) + 1}"
            worker = threading.Thread(target=self._work, name=name, daemon=True)
            self._workers.append(worker)
            worker.start()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            group, job = taken
            try:
                job()
            finally:
                with self._turn:
                    self._running[group] -= 1
                    self._turn.notify()

    def _take(self) -> tuple[Hashable, Job] | None:
        with self._turn:
            while True:
                for _ in range(len(self._order)):
                    group = self._order[0]
                    self._order.rotate(-1)
                    if self._waiting[group] and self._may_run(group):
                        self._running[group] += 1
                        job = self._waiting[group].popleft()
                        if not self._waiting[group]:  # others may now exceed their cap
                            self._turn.notify_all()
                        return group, job
                if self._closed and not any(self._waiting.values()):
                    self._turn.notify_all()
                    return None
                self._turn.wait()

    def _may_run(self, group: Hashable) -> bool:
        if self._running[group] < self._cap:
            return True
        return not any(q for other, q in self._waiting.items() if other != group)
