"""From findings to the status of every control: criteria, decisions and their combination."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar

from mappings.answer import (
    ControlResult,
    ControlStatus,
    Counts,
    CriterionResult,
    CriterionStatus,
    CriterionUse,
    RollUp,
)
from mappings.control import BAD, GOOD, automated_part, combined
from mappings.criteria import applies, judge_criteria, unknowns
from mappings.declared import (
    Reliance,
    applicability_in_force,
    by_hand_only,
    disagrees,
    hand,
    reliance,
)
from mappings.model import Mapping, Relation
from mappings.question import Applicability, Attestation, ProviderReport, Question

NEVER_INHERITED: Final = frozenset({("iso27001_2022", "A.5.23")})
"""Using cloud services is our own control; a provider's report alone never satisfies it."""

Named = TypeVar("Named", Applicability, Attestation, ProviderReport)


def roll_up(question: Question, mapping: Mapping) -> RollUp:
    """Say what can be said about every control at `question.at`.

    The answer depends on nothing but the arguments; the order of findings does not matter.

    Raises:
        ValueError: If `question.at` is naive, or a finding has a status that is none of the four.
    """
    if question.at.tzinfo is None:
        raise ValueError("the instant of a roll-up needs a time zone")
    criteria, unmapped = judge_criteria(question, mapping)
    rows = _by_control(question.applicability)
    attestations = _by_control(question.attestations)
    reports = _by_control(question.reports)
    controls = {
        control: _control(
            control,
            mapping,
            criteria,
            _Decisions(
                at=question.at,
                listed=bool(question.applicability),
                rows=rows.get(control, []),
                attestations=attestations.get(control, []),
                reports=reports.get(control, []),
            ),
        )
        for control in mapping.controls
    }
    named = rows.keys() | attestations.keys() | reports.keys()
    return RollUp(
        at=question.at,
        edition=mapping.edition.name,
        mapping_version=mapping.edition.mapping_version,
        controls=controls,
        criteria=criteria,
        unmapped=unmapped,
        unfed=tuple(
            sorted(
                {
                    population.checks
                    for population in question.populations
                    if not any(applies(population, check) for check in mapping.checks)
                }
            )
        ),
        unknown_controls=tuple(sorted(named - mapping.controls.keys())),
    )


@dataclass(frozen=True, slots=True)
class _Decisions:
    """What the organisation decided about one control."""

    at: datetime
    listed: bool
    rows: Sequence[Applicability]
    attestations: Sequence[Attestation]
    reports: Sequence[ProviderReport]


def _control(
    control: str, mapping: Mapping, criteria: dict[str, CriterionResult], said: _Decisions
) -> ControlResult:
    uses = [
        CriterionUse(criteria[check], related)
        for check, related in mapping.checks_of(control)
        if check in criteria
    ]
    direct = tuple(use for use in uses if use.related.relation is Relation.DIRECT)
    supporting = tuple(use for use in uses if use.related.relation is Relation.SUPPORTING)
    applicable = [use for use in direct if _applies(use)]
    met = [use for use in applicable if use.result.status in GOOD]
    counts = sum((use.result.counts for use in direct), Counts())
    automated = automated_part(direct, supporting)

    items = tuple(manual.item for manual in mapping.manual.get(control, ()))
    shown, remarks = hand(items, said.attestations, said.at)
    inheritable = (mapping.edition.id, control) not in NEVER_INHERITED
    relied = reliance(said.reports, said.at) if inheritable else None
    status, why = combined(automated, by_hand_only(shown), relied)

    row = applicability_in_force(said.rows, said.at)
    excluded = row is not None and not row.applicable and bool(row.reason and row.approved_by)
    flags = [
        *_applicability_flags(row, said, excluded=excluded, uses=uses, counts=counts),
        *(["design only"] if automated.design_only else []),
        *_unread_flags(status, counts),
        *(["supporting signal fails"] if any(_fails(use) for use in supporting) else []),
        *_hand_flags(len(shown.owed), len(shown.expired), excluded=excluded),
        *remarks,
        *([] if inheritable or not said.reports else ["never inherited"]),
        *_report_flags(relied),
    ]
    if excluded and row is not None:
        status, why = ControlStatus.EXCLUDED, row.reason
    declared = row.declared if row is not None else ""
    contradicted = disagrees(declared, status)
    observed = _observed(direct)
    return ControlResult(
        control=control,
        status=status,
        why=why,
        met=len(met),
        applicable=len(applicable),
        deciding=automated.deciding if status is automated.status else None,
        counts=counts,
        direct=direct,
        supporting=supporting,
        hand=shown,
        flags=(*flags, *(["disagrees"] if contradicted else [])),
        phases=tuple(sorted({use.related.phase.value for use in met})),
        applicability=row.reason if row is not None else "",
        declared=declared,
        disagrees=contradicted,
        observed_from=observed[0],
        observed_to=observed[1],
    )


def _applies(use: CriterionUse) -> bool:
    return use.result.status is not CriterionStatus.NOT_APPLICABLE


def _fails(use: CriterionUse) -> bool:
    return use.result.status is CriterionStatus.NOT_MET


def _applicability_flags(
    row: Applicability | None,
    said: _Decisions,
    *,
    excluded: bool,
    uses: Sequence[CriterionUse],
    counts: Counts,
) -> list[str]:
    if row is None:
        return ["missing from the statement of applicability"] if said.listed else []
    if row.applicable:
        return []
    if not excluded:
        return ["exclusion without reason or approval"]
    fails = any(use.result.counts.failed + use.result.counts.excepted for use in uses)
    return ["contradicts the exclusion"] if fails or counts.population else []


def _unread_flags(status: ControlStatus, counts: Counts) -> list[str]:
    """What a certain failure outranked is said all the same."""
    if status not in BAD:
        return []
    flags = [f"+ {part}" for part in unknowns(counts).split(", ") if part]
    return flags + ([f"+ {counts.stale} stale"] if counts.stale else [])


def _hand_flags(owed: int, expired: int, *, excluded: bool) -> list[str]:
    if excluded:
        return []
    flags = [f"{owed} owed by hand"] if owed else []
    return flags + ([f"{expired} expired by hand"] if expired else [])


def _report_flags(relied: Reliance | None) -> list[str]:
    if relied is None:
        return []
    shared = [f"shared with {', '.join(relied.providers)}"] if relied.shared else []
    return shared + list(relied.problems)


def _observed(uses: Sequence[CriterionUse]) -> tuple[datetime | None, datetime | None]:
    first = [use.result.observed_from for use in uses if use.result.observed_from is not None]
    last = [use.result.observed_to for use in uses if use.result.observed_to is not None]
    return min(first, default=None), max(last, default=None)


def _by_control(rows: Iterable[Named]) -> dict[str, list[Named]]:
    found: defaultdict[str, list[Named]] = defaultdict(list)
    for row in rows:
        found[row.control].append(row)
    return dict(found)
