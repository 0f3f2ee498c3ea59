"""Rules 1 to 4: what one check says over the declared scope, from its findings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from fnmatch import translate
from typing import Final

from mappings.answer import Counts, CriterionResult, CriterionStatus
from mappings.model import FRESHNESS, Mapping
from mappings.question import AcceptedFailure, Judged, Population, Question, Tolerance, same_person

INTERVALS_TO_STALE: Final = 3
"""A thing that should have been read three times and was not is stale, whatever its class."""

CLOCK_ERROR: Final = timedelta(hours=1)
"""An observation later than the instant by more than this is no observation yet."""

UNDECIDED: Final = "criterion_missing"
_COUNTED: Final = {
    "pass": "passed",
    "fail": "excepted",
    "not_applicable": "not_applicable",
    "unknown": "unread",
}


@dataclass(slots=True)
class _Tally:
    """The population of one criterion while it is being counted."""

    numbers: Counter[str] = field(default_factory=Counter)
    resources: int = 0
    targets: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)
    oldest: datetime | None = None
    newest: datetime | None = None

    def seen(self, moment: datetime) -> None:
        if self.oldest is None or moment < self.oldest:
            self.oldest = moment
        if self.newest is None or moment > self.newest:
            self.newest = moment


@dataclass(frozen=True, slots=True)
class _Accepted:
    """An exception in force, ready to be compared."""

    id: str
    checks: re.Pattern[str]
    target: re.Pattern[str]
    resource: re.Pattern[str]


def judge_criteria(
    question: Question, mapping: Mapping
) -> tuple[dict[str, CriterionResult], tuple[str, ...]]:
    """One result per mapped check with a population, and the checks the mapping does not know.

    Raises:
        ValueError: If a status is none of the four.
    """
    tallies, unmapped = _count(question, mapping)
    missing = {
        check: _missing(check, tallies.get(check), question.populations)
        for check in sorted(mapping.checks)
    }
    results = {
        check: _result(check, tallies.get(check, _Tally()), missing[check], question, mapping)
        for check in sorted(mapping.checks)
        if check in tallies or missing[check]
    }
    return results, tuple(sorted(unmapped))


def decide(  # noqa: PLR0911 - a truth table, one return per line
    counts: Counts, allowed: int, excepted_share: float
) -> CriterionStatus:
    """Rules 2 to 4, the first that applies.

    Args:
        counts: The population, split.
        allowed: How many failures a bound tolerance lets stand; it covers nothing else.
        excepted_share: Above this share of what was judged, exceptions are too many.
    """
    if counts.failed > allowed:
        return CriterionStatus.NOT_MET
    if counts.unread + counts.undecided + counts.missing:
        return CriterionStatus.UNKNOWN
    if counts.stale:
        return CriterionStatus.STALE
    if not counts.judged:
        # Every member was found not to apply, or a complete listing was empty.
        return CriterionStatus.NOT_APPLICABLE if counts.not_applicable else CriterionStatus.UNKNOWN
    if counts.excepted and (
        counts.excepted == counts.judged
        or counts.excepted > Decimal(str(excepted_share)) * counts.judged
    ):
        return CriterionStatus.PARTLY_MET
    if counts.failed or counts.excepted:
        return CriterionStatus.MET_WITH_EXCEPTIONS
    return CriterionStatus.MET


def allowance(
    tolerances: Iterable[Tolerance], check_id: str, at: datetime, judged: int
) -> tuple[int, str]:
    """How many failures of a check may stand at an instant, and the policy sentence behind it.

    A tolerance counts from its approval and only with a source; of several the strictest holds.
    """
    found = [
        (_allowed(tolerance, judged), tolerance.source)
        for tolerance in tolerances
        if tolerance.check_id == check_id and tolerance.source and tolerance.approved_at <= at
    ]
    return min(found, default=(0, ""))


def in_force(exception: AcceptedFailure, at: datetime) -> bool:
    """Whether an exception holds: approved by a second person before, and not yet expired."""
    approver = exception.approved_by.strip()
    second_person = bool(approver) and not same_person(approver, exception.risk_owner)
    starts = max(exception.approved_at, exception.starts or exception.approved_at)
    return second_person and starts <= at < exception.expires


def _allowed(tolerance: Tolerance, judged: int) -> int:
    limits = [] if tolerance.count is None else [tolerance.count]
    if tolerance.share is not None:
        limits.append(int(Decimal(str(tolerance.share)) * judged))
    return max(0, min(limits, default=0))


def _count(question: Question, mapping: Mapping) -> tuple[dict[str, _Tally], set[str]]:
    accepted = [
        _Accepted(
            exception.id,
            _pattern(exception.checks),
            _pattern(exception.target),
            _pattern(exception.resource),
        )
        for exception in sorted(question.exceptions, key=lambda exception: exception.id)
        if in_force(exception, question.at)
    ]
    limits = {
        check: question.freshness.get(kind, FRESHNESS[kind])
        for check in mapping.checks
        for kind in (mapping.freshness_of(check),)
    }
    tallies: dict[str, _Tally] = {}
    by_check: dict[str, list[_Accepted]] = {}
    unmapped: set[str] = set()
    for finding in question.findings:
        check = finding.check_id
        limit = limits.get(check)
        if limit is None:
            unmapped.add(check)
            continue
        tally = tallies.get(check)
        if tally is None:
            tally = tallies[check] = _Tally()
            by_check[check] = [one for one in accepted if one.checks.match(check)]
        _add(tally, finding, question.at, limit, by_check[check])
    return tallies, unmapped


def _add(
    tally: _Tally, finding: Judged, at: datetime, limit: timedelta, accepted: list[_Accepted]
) -> None:
    if finding.status not in _COUNTED:
        raise ValueError(f"{finding.check_id}: {finding.status!r} is no status of a finding")
    tally.targets.add(finding.target)
    tally.resources += bool(finding.resource)
    if finding.observed_at is not None:
        tally.seen(finding.observed_at)
    if finding.interval is not None:
        limit = min(limit, INTERVALS_TO_STALE * finding.interval)
    stale = finding.observed_at is not None and at - finding.observed_at > limit
    excepted = _accepted_by(finding, accepted) if finding.status == "fail" else None
    if excepted is not None:
        tally.exceptions.add(excepted)
    place = _place(finding, at, stale=stale, excepted=excepted is not None)
    tally.numbers[place] += 1
    if stale and place == "failed":
        tally.numbers["stale_failed"] += 1


def _place(finding: Judged, at: datetime, *, stale: bool, excepted: bool) -> str:
    """Where rule 1 puts a finding, as a field of `Counts`.

    A failure does not fade: seen too long ago it stays a failure, unless an exception covers it.
    What was never seen, or only after the instant, is unread.
    """
    if finding.status == "unknown":
        return "undecided" if finding.cause == UNDECIDED else "unread"
    if finding.status == "fail" and not excepted:
        return "failed"
    if finding.observed_at is None or finding.observed_at > at + CLOCK_ERROR:
        return "unread"
    return "stale" if stale else _COUNTED[finding.status]


def _accepted_by(finding: Judged, accepted: list[_Accepted]) -> str | None:
    for one in accepted:
        if one.target.match(finding.target) and one.resource.match(finding.resource):
            return one.id
    return None


def _pattern(text: str) -> re.Pattern[str]:
    # Names hold brackets (`arn:...[0]`), so only * and ? are patterns.
    return re.compile(translate(text.replace("[", "[[]")))


def applies(population: Population, check_id: str) -> bool:
    """Whether a population counts for a check: named by id, or by a beginning ending in "."."""
    if population.checks.endswith("."):
        return check_id.startswith(population.checks)
    return check_id == population.checks


def _missing(check_id: str, tally: _Tally | None, populations: Iterable[Population]) -> int:
    """M: in scope, never read. Named things and the shortfall against the organisation's count."""
    named: set[str] = set()
    shortfall = 0
    for population in populations:
        if not applies(population, check_id):
            continue
        named.update(population.never_read)
        seen = 0
        if tally is not None:
            by_target = population.checks.endswith(".")
            seen = len(tally.targets) if by_target else tally.resources
        shortfall = max(shortfall, population.declared - seen - len(population.never_read))
    return len(named) + shortfall


def _result(
    check_id: str, tally: _Tally, missing: int, question: Question, mapping: Mapping
) -> CriterionResult:
    counts = Counts(missing=missing, **tally.numbers)
    allowed, source = allowance(question.tolerances, check_id, question.at, counts.judged)
    status = decide(counts, allowed, question.excepted_share)
    return CriterionResult(
        check_id=check_id,
        topic=mapping.checks[check_id],
        status=status,
        counts=counts,
        why=_why(status, counts, allowed, source),
        allowed=allowed,
        tolerance_source=source,
        exceptions=tuple(sorted(tally.exceptions)),
        observed_from=tally.oldest,
        observed_to=tally.newest,
    )


def _why(status: CriterionStatus, counts: Counts, allowed: int, source: str) -> str:
    of = f"of {counts.population}"
    fails = f"{counts.failed} {of} fail{'s' if counts.failed == 1 else ''}"
    if status is CriterionStatus.NOT_MET:
        return f"{fails}, {allowed} allowed by {source}" if source else fails
    if status is CriterionStatus.UNKNOWN:
        return f"{unknowns(counts)} {of}" if unknowns(counts) else "nothing was listed"
    if status is CriterionStatus.STALE:
        return f"{counts.stale} {of} last seen too long ago"
    if status is CriterionStatus.NOT_APPLICABLE:
        return "nothing it applies to"
    parts = []
    if counts.excepted:
        parts.append(f"{counts.excepted} {of} excepted")
    if counts.failed:
        parts.append(f"{fails}, {allowed} allowed by {source}")
    return "; ".join(parts) or f"{counts.passed} {of}"


def unknowns(counts: Counts) -> str:
    """The unknown part of a population in words, undecided apart: "3 unread, 1 never read"."""
    parts: ReadOnly[str, int] = {
        "unread": counts.unread,
        "never read": counts.missing,
        "undecided": counts.undecided,
    }
    return ", ".join(f"{number} {word}" for word, number in parts.items() if number)
