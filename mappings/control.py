"""Rules 5 to 10: what criteria, manual evidence and provider reports make of one control."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mappings.answer import ControlStatus, Counts, CriterionStatus, CriterionUse
from mappings.declared import Reliance, Standing
from mappings.model import Phase

GOOD: Final = frozenset({CriterionStatus.MET, CriterionStatus.MET_WITH_EXCEPTIONS})
BAD: Final = frozenset({ControlStatus.NOT_MET, ControlStatus.PARTLY_MET})

_WORST_FIRST: Final = (
    ControlStatus.NOT_MET,
    ControlStatus.PARTLY_MET,
    ControlStatus.UNKNOWN,
    ControlStatus.STALE,
    ControlStatus.MET,
)
_LIMITS: Final = {
    Standing.UNUSABLE: ControlStatus.UNKNOWN,
    Standing.EXPIRED: ControlStatus.STALE,
}


@dataclass(frozen=True, slots=True)
class Automated:
    """What the direct criteria say together; status None without a population."""

    status: ControlStatus | None
    why: str
    deciding: str | None = None
    design_only: bool = False


def automated_part(  # noqa: PLR0911 - a truth table, one return per line
    direct: Sequence[CriterionUse], supporting: Sequence[CriterionUse]
) -> Automated:
    """Rules 5 to 8.

    "All not met" is read over the criteria that could be judged: beside a certain failure an
    unread criterion is no reason to call the control partly met.
    """
    having = _grouped(direct)
    failing = having[CriterionStatus.NOT_MET]
    partly = having[CriterionStatus.PARTLY_MET]
    good = having[CriterionStatus.MET] + having[CriterionStatus.MET_WITH_EXCEPTIONS]
    key = [use for use in failing if use.related.key]
    if key:
        return _decided(ControlStatus.NOT_MET, key, lambda counts: counts.failed)
    if failing:
        status = ControlStatus.PARTLY_MET if good or partly else ControlStatus.NOT_MET
        return _decided(status, failing, lambda counts: counts.failed)
    if partly:
        return _decided(ControlStatus.PARTLY_MET, partly, lambda counts: counts.excepted)
    if unread := having[CriterionStatus.UNKNOWN]:
        return _decided(ControlStatus.UNKNOWN, unread, _unknown)
    if stale := having[CriterionStatus.STALE]:
        return _decided(ControlStatus.STALE, stale, lambda counts: counts.stale)
    if good:
        in_operation = any(use.related.phase is Phase.OPERATION for use in good)
        if in_operation:
            return Automated(ControlStatus.MET, _good(good))
        return Automated(ControlStatus.PARTLY_MET, "operation is not shown", design_only=True)
    if direct:
        return Automated(None, "nothing it applies to")
    return Automated(None, "signals only" if supporting else "no source connected")


def combined(
    automated: Automated, manual: ControlStatus, relied: Reliance | None
) -> tuple[ControlStatus, str]:
    """Rules 9 and 10 over the automated part: the worse of what each part says.

    A control with a population of our own is shared, also where a report claims all of it.

    Args:
        automated: What the direct criteria say.
        manual: What manual evidence alone would say; it never moves an automated part.
        relied: What provider reports are worth, None without any.
    """
    own = automated.status
    if own is None:
        return _without_population(automated, manual, relied)
    if relied is None:
        return own, automated.why
    limit = _LIMITS.get(relied.standing, own)
    if _WORST_FIRST.index(limit) < _WORST_FIRST.index(own):
        return limit, "; ".join(relied.problems)
    return own, automated.why


def _without_population(
    automated: Automated, manual: ControlStatus, relied: Reliance | None
) -> tuple[ControlStatus, str]:
    if relied is not None and relied.standing is Standing.EXPIRED:
        return ControlStatus.STALE, "; ".join(relied.problems)
    if relied is not None and relied.standing is Standing.UNUSABLE and relied.shared:
        return ControlStatus.NO_EVIDENCE, "; ".join(relied.problems)
    if relied is not None and relied.standing is Standing.IN_FORCE and not relied.shared:
        return ControlStatus.INHERITED, f"from {', '.join(relied.providers)}"
    return manual, _by_hand(manual, automated)


def _by_hand(status: ControlStatus, automated: Automated) -> str:
    if status is ControlStatus.ATTESTED:
        return "shown by hand only"
    if status is ControlStatus.STALE:
        return "what was shown by hand has expired"
    return automated.why


def _decided(
    status: ControlStatus, uses: Sequence[CriterionUse], weight: Callable[[Counts], int]
) -> Automated:
    """The criterion with most against it decides what is printed; of equal ones the first id."""
    use = min(uses, key=lambda use: (-weight(use.result.counts), use.result.check_id))
    result = use.result
    word = "KEY " if use.related.key and status is ControlStatus.NOT_MET else ""
    others = f" (and {len(uses) - 1} more)" if len(uses) > 1 else ""
    name = result.check_id.rpartition(".")[2]
    return Automated(status, f"{word}{name}: {result.why}{others}", result.check_id)


def _good(uses: Sequence[CriterionUse]) -> str:
    excepted = sum(use.result.counts.excepted for use in uses)
    tolerated = sum(use.result.counts.failed for use in uses)
    parts = [f"{excepted} excepted"] if excepted else []
    if tolerated:
        parts.append(f"{tolerated} tolerated")
    return ", ".join(parts) or "all met"


def _grouped(uses: Iterable[CriterionUse]) -> dict[CriterionStatus, list[CriterionUse]]:
    found: dict[CriterionStatus, list[CriterionUse]] = {status: [] for status in CriterionStatus}
    for use in uses:
        found[use.result.status].append(use)
    return found


def _unknown(counts: Counts) -> int:
    return counts.unread + counts.undecided + counts.missing
