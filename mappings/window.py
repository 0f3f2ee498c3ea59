"""Rule 13: how one criterion stood over a window, with the gaps left in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from mappings.answer import CriterionStatus


class Lived(StrEnum):
    """The four parts a window is split into; together they are the whole window."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    NOT_OBSERVED = "not_observed"


@dataclass(frozen=True, slots=True)
class Observation:
    """The status of a criterion at an instant, as it was judged then."""

    at: datetime
    status: CriterionStatus


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch between two observations, or one in which nothing was observed.

    Attributes:
        start: Its first instant.
        end: The instant after it.
        lived: What it counts as.
        same_at_both_ends: All that is known of a stretch that counts as met; what happened inside
            was not seen.
    """

    start: datetime
    end: datetime
    lived: Lived
    same_at_both_ends: bool

    @property
    def length(self) -> timedelta:
        """From start to end."""
        return self.end - self.start


_LIVED = {
    CriterionStatus.MET: Lived.MET,
    CriterionStatus.MET_WITH_EXCEPTIONS: Lived.MET,
    CriterionStatus.PARTLY_MET: Lived.NOT_MET,
    CriterionStatus.NOT_MET: Lived.NOT_MET,
    CriterionStatus.UNKNOWN: Lived.UNKNOWN,
    CriterionStatus.STALE: Lived.UNKNOWN,
    # Nothing was there to be observed.
    CriterionStatus.NOT_APPLICABLE: Lived.NOT_OBSERVED,
}
_WORST_FIRST = (Lived.NOT_MET, Lived.UNKNOWN, Lived.NOT_OBSERVED, Lived.MET)


def over_window(
    observations: Iterable[Observation], start: datetime, end: datetime, longest: timedelta
) -> tuple[Span, ...]:
    """Split a window into spans that cover it without overlap.

    A stretch between two observations counts as the worse of its ends. One longer than `longest`,
    and whatever lies before the first or after the last observation, was not observed.

    Args:
        observations: In any order; those outside the window bound its first and last stretch.
        start: First instant of the window.
        end: The instant after it.
        longest: The longest stretch two observations can vouch for.

    Raises:
        ValueError: If the window is empty.
    """
    if start >= end:
        raise ValueError("a window ends after it starts")
    # Of two observations at one instant the worse holds, on both of its sides.
    worst_first = sorted(
        observations, key=lambda one: (_WORST_FIRST.index(_LIVED[one.status]), one.status)
    )
    at_instant: dict[datetime, Observation] = {}
    for one in worst_first:
        at_instant.setdefault(one.at, one)
    ordered = sorted(at_instant.values(), key=lambda one: one.at)
    spans: list[Span] = []
    reached = start
    for first, second in pairwise(ordered):
        begin, finish = max(first.at, start), min(second.at, end)
        if begin >= finish:
            continue
        if begin > reached:
            spans.append(Span(reached, begin, Lived.NOT_OBSERVED, same_at_both_ends=False))
        ends = {_LIVED[first.status], _LIVED[second.status]}
        lived = min(ends, key=_WORST_FIRST.index)
        if second.at - first.at > longest:
            lived = Lived.NOT_OBSERVED
        spans.append(Span(begin, finish, lived, first.status is second.status))
        reached = finish
    if reached < end:
        spans.append(Span(reached, end, Lived.NOT_OBSERVED, same_at_both_ends=False))
    return tuple(spans)


def lengths(spans: Iterable[Span]) -> dict[Lived, timedelta]:
    """How long each part lasted; the sum is the window, every part is named, also with 0."""
    found = dict.fromkeys(Lived, timedelta())
    for span in spans:
        found[span.lived] += span.length
    return found
