"""Whatever apprise knows, as text: the extra `apprise`.

Apprise opens its own connections, so that `allow_networks` does not reach them, and answers no more
than yes or no.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from annexa.alerts.interface import FIRING, RESOLVED, Answer, Message, headline, plain

LEVELS: Final = {FIRING: "failure", RESOLVED: "success"}


@dataclass(frozen=True)
class AppriseSink:
    """A service; `url` fetches its address, which holds the credential."""

    name: str
    url: Callable[[], str] = field(repr=False)
    kind: str = "apprise"
    place: str = "a service of apprise"

    def send(self, message: Message, now: datetime) -> Answer:  # noqa: ARG002 - it stamps nothing
        """Notify once."""
        try:
            import apprise  # noqa: PLC0415 - an extra
        except ImportError:
            return Answer(delivered=False, error="install annexa[apprise] to use this endpoint")
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it logs addresses
        service = apprise.Apprise()
        if not service.add(self.url()):
            return Answer(delivered=False, error="apprise does not know such an address")
        level = LEVELS.get(message.alert.status, "info")
        text = plain(message.alert)
        if not service.notify(title=headline(message.alert), body=text, notify_type=level):
            return Answer(delivered=False, error="apprise could not deliver it")
        return Answer(delivered=True)
