"""Since when each control has the status it has: the record is walked back, change by change."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from annexa.posture import posture
from config import Settings
from evidence_store.answers import FindingRow
from evidence_store.interface import EvidenceStore
from mappings import ControlStatus, RollUp
from mappings import Mapping as Framework

STEPS: Final = 12
"""Changes that are looked behind at most."""

ROWS: Final = 200_000
"""Findings that are looked at in all; beyond, a large store would make a listing slow."""

JUST: Final = timedelta(microseconds=1)
"""What lies before a sweep is all that was recorded before its plan."""


@dataclass(frozen=True, slots=True)
class Since:
    """When a status began.

    Attributes:
        at: the beginning of the sweep that found it, as recorded.
        exact: False if it began before `at`, and no further back was looked.
        new: the last sweep found it.
    """

    at: datetime
    exact: bool
    new: bool

    @property
    def words(self) -> str:
        """For a narrow column."""
        return f"{'' if self.exact else 'before '}{self.at:%Y-%m-%d}{' new' if self.new else ''}"


def since(
    store: EvidenceStore,
    settings: Settings,
    framework: Framework,
    rolled: RollUp,
    rows: Sequence[FindingRow],
) -> dict[str, Since]:
    """By control; those without evidence have no beginning.

    The status is followed back through what was recorded, with the decisions in force then and
    today's mapping.
    """
    open_ = {
        control: result.status
        for control, result in rolled.controls.items()
        if result.status is not ControlStatus.NO_EVIDENCE
    }
    sweeps = [row for row in reversed(store.sweeps(rolled.at)) if row.recorded]
    begun = [row.recorded_at for row in sweeps]
    moved = [row.recorded_at for row in sweeps if row.added + row.changed + row.gone]
    found: dict[str, Since] = {}
    looked, at, changed = 0, rolled.at, None
    for _ in range(STEPS):
        further = _last_change(begun, moved, rows, at)
        if further is None or not open_ or looked > ROWS:
            break
        changed, at = further, further - JUST
        rows = list(store.findings(at))
        looked += len(rows)
        before = posture(store, settings, framework, at, rows)
        for control in [c for c, status in open_.items() if before.controls[c].status != status]:
            found[control] = Since(changed, exact=True, new=changed == begun[-1] != begun[0])
            del open_[control]
    if changed is not None:
        found |= {control: Since(changed, exact=not rows, new=False) for control in open_}
    return found


def _last_change(
    begun: Sequence[datetime],
    moved: Sequence[datetime],
    rows: Sequence[FindingRow],
    until: datetime,
) -> datetime | None:
    """The beginning of the last sweep until a time in which a resource or a status changed."""
    starts = {bisect_right(begun, row.since) for row in rows}
    changes = {begun[n - 1] for n in starts if n} | set(moved)
    return max((at for at in changes if at <= until), default=None)
