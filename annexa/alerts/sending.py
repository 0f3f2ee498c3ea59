"""The sender: takes what is due, tries it once, writes how it went; any number may run at once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog

from annexa.alerts import outbox
from annexa.alerts.interface import Answer, Sink
from annexa.operations import Operations

AT_ONCE: Final = 8
"""Messages under way at once, and claimed at once."""

LEASE: Final = timedelta(minutes=5)
"""Longer than an attempt can take: four steps of fifteen seconds, twice for who asks before."""

Clock = Callable[[], datetime]


@dataclass
class Sender:
    """Sends what is due, batch by batch.

    Attributes:
        operations: where the outbox is.
        source: the ledger's name.
        sinks: the endpoints we know, by name.
        clock: aware UTC.
        lease: for how long a batch is claimed.
        sent: how many attempts ended how.
    """

    operations: Operations
    source: str
    sinks: Mapping[str, Sink]
    clock: Clock
    lease: timedelta = LEASE
    sent: Counter[str] = field(default_factory=Counter)

    def run(self, stop: threading.Event) -> int:
        """Send until nothing is due any more, or until told to stop; how many attempts."""
        before = self.sent.total()
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="annexa-alert") as pool:
            while not stop.is_set() and self.batch(pool):
                pass
        return self.sent.total() - before

    def batch(self, pool: ThreadPoolExecutor) -> int:
        """Claim some, try each once; how many."""
        claimed = outbox.claim(
            self.operations,
            self.source,
            self.sinks,
            self.clock(),
            most=AT_ONCE,
            lease=self.lease,
        )
        list(pool.map(self._try, claimed))
        return len(claimed)

    def _try(self, claimed: outbox.Claimed) -> None:
        sink = self.sinks[claimed.endpoint]
        answer = self._answer(sink, claimed)
        settled = outbox.settle(self.operations, claimed, answer, self.clock(), sorted(self.sinks))
        word = settled.status if settled else "taken over"
        self.sent["delivered" if answer.delivered else word] += 1
        log = structlog.get_logger()
        tell = log.info if answer.delivered else log.warning
        tell(
            "alert_sent" if answer.delivered else "alert_not_sent",
            endpoint=claimed.endpoint,
            id=claimed.message.id,
            type=claimed.message.alert.type,
            attempt=claimed.tries,
            state=word,
            why=answer.error,
        )

    def _answer(self, sink: Sink, claimed: outbox.Claimed) -> Answer:
        from config import SecretError  # noqa: PLC0415 - with what needs it

        try:
            return sink.send(claimed.message, self.clock())
        except SecretError as error:  # says which reference, never the value
            return Answer(delivered=False, error=str(error))
