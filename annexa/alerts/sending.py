"""The sender: takes what is due, tries it once, writes how it went; any number may run at once."""

from __future__ import annotations

import threading
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog

from annexa.alerts import outbox, settling
from annexa.alerts.interface import Answer, Sink
from annexa.operations import Operations

LEASE: Final = timedelta(minutes=5)
"""For so long a message is ours; an attempt over a slow mail server may take minutes."""

Clock = Callable[[], datetime]


@dataclass
class Sender:
    """Sends what is due, one message of an endpoint after the other.

    Attributes:
        operations: where the outbox is.
        source: the ledger's name.
        sinks: the endpoints we know, by name.
        clock: aware UTC.
        lease: for how long a message is claimed.
        sent: how many attempts ended how.
    """

    operations: Operations
    source: str
    sinks: Mapping[str, Sink]
    clock: Clock
    lease: timedelta = LEASE
    sent: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, stop: threading.Event) -> int:
        """Send until nothing is due any more, or until told to stop; how many attempts.

        Endpoints do not wait for each other. One of them gets one message after the other, and no
        other is claimed meanwhile: a sender that is killed leaves at most one of each whose arrival
        nobody has written down, and which waits for the claim to end.
        What one of them brings about, such as news of an endpoint that is gone, is sent as well.
        """
        before = self.sent.total()
        if not self.sinks:
            return 0
        with ThreadPoolExecutor(len(self.sinks), thread_name_prefix="annexa-alert") as pool:
            tried = -1
            while tried != self.sent.total() and not stop.is_set():
                tried = self.sent.total()
                list(pool.map(lambda name: self._endpoint(name, stop), sorted(self.sinks)))
        return self.sent.total() - before

    def _endpoint(self, name: str, stop: threading.Event) -> None:
        while not stop.is_set():
            claimed = outbox.claim(
                self.operations, self.source, [name], self.clock(), most=1, lease=self.lease
            )
            if not claimed:
                return
            self._try(claimed[0])

    def _try(self, claimed: outbox.Claimed) -> None:
        sink = self.sinks[claimed.endpoint]
        answer = self._answer(sink, claimed)
        settled = settling.settle(
            self.operations, claimed, answer, self.clock(), sorted(self.sinks)
        )
        word = settled.status if settled else "taken over"
        with self._lock:
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
        except Exception as error:  # noqa: BLE001 - one bad message must not stop all behind it
            # An error's words may hold an address or a secret; where it happened does not.
            *_, last = traceback.extract_tb(error.__traceback__)
            place = f"{Path(last.filename).name}:{last.lineno}"
            return Answer(delivered=False, error=f"defect: {type(error).__name__} in {place}")
