"""What is so now, whatever the last entry says: controls, freshness, collectors, exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from annexa.alerts.conditions import Conditions
from annexa.alerts.controls import Controls
from annexa.alerts.expiring import Expiring
from annexa.alerts.freshness import Freshness
from annexa.alerts.reading import Reading, Unread
from annexa.alerts.teller import Teller
from mappings import AcceptedFailure, ControlResult


@dataclass(frozen=True)
class Now:
    """What is so now.

    Attributes:
        controls: every control's result.
        unread: the collectors that could not read everything.
        read: when each collector of each target was last asked, as text; by target and collector.
        exceptions: the accepted failures as declared.
    """

    controls: Mapping[str, ControlResult] = field(default_factory=dict)
    unread: Sequence[Unread] = ()
    read: Mapping[tuple[str, str], str] = field(default_factory=dict)
    exceptions: Sequence[AcceptedFailure] = ()


def compare(found: Conditions, teller: Teller, now: Now, place: int) -> None:
    """Compare what is so now with what was told, and tell what changed.

    Args:
        found: the conditions.
        teller: takes the alerts.
        now: what is so now.
        place: how far the ledger was looked at.
    """
    Controls(found, teller, place).look(now.controls)
    Freshness(found, teller).look(now.controls)
    Reading(found, teller).look(now.unread, now.read)
    Expiring(found, teller).look(now.exceptions)
