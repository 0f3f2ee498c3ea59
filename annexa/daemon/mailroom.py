"""Looks into the outbox every few seconds and starts a sender where something is due.

Every daemon does so, leading or not: senders do not disturb each other, and what one of them
claimed and did not finish is another one's after a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import structlog

from annexa.alerts import messages, outbox
from annexa.daemon.metrics import Metrics
from annexa.operations import Operations
from evidence_store import StoreError
from scheduler import COMPLETE, BookError, Ended

EVERY: Final = 5.0
"""Seconds between two looks."""

PATIENCE: Final = 60.0
"""Seconds a sender has to end in good order; what it claimed comes back after its lease."""


class Mailroom:
    """A thread that ends with the daemon.

    Args:
        operations: where the outbox is.
        metrics: shows what waits.
        endpoints: the names of those that are configured now.
        send: sends what is due until told to stop.
        every: seconds between two looks.
    """

    def __init__(
        self,
        operations: Operations,
        metrics: Metrics,
        endpoints: Callable[[], Sequence[str]],
        send: Callable[[threading.Event], Ended],
        every: float = EVERY,
    ) -> None:
        self._operations = operations
        self._metrics = metrics
        self._endpoints = endpoints
        self._send = send
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="annexa-mailroom", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._stop.wait(self._every):
            try:
                self._look()
            except (StoreError, BookError, OSError) as error:  # the next look tries again
                structlog.get_logger().warning("alerts_unreachable", reason=str(error))

    def _look(self) -> None:
        names = self._endpoints()
        if not names:
            return
        self._show(names)
        if not outbox.waiting(self._operations, datetime.now(UTC), names):
            return
        ended = self._send(self._stop)
        if ended.state != COMPLETE:
            structlog.get_logger().warning("alerts_not_sent", reason=ended.detail)
        self._show(names)

    def _show(self, names: Sequence[str]) -> None:
        known = messages.states(self._operations)
        self._metrics.alerts({name: known.get(name, messages.EndpointState()) for name in names})
