"""Rules 9 to 11: what the organisation decided or showed by hand, as it stands at an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from mappings.answer import ControlStatus, Hand
from mappings.question import Applicability, Attestation, ProviderReport, same_person

_IMPLEMENTED = {
    "implemented": frozenset({ControlStatus.MET}),
    "partly_implemented": frozenset({ControlStatus.PARTLY_MET}),
    "planned": frozenset({ControlStatus.NOT_MET}),
    "not_implemented": frozenset({ControlStatus.NOT_MET}),
}
_CERTAIN = frozenset({ControlStatus.MET, ControlStatus.PARTLY_MET, ControlStatus.NOT_MET})


class Standing(IntEnum):
    """Whether a provider's report can be relied on; of several providers the worst counts."""

    UNUSABLE = 0
    EXPIRED = 1
    IN_FORCE = 2


@dataclass(frozen=True, slots=True)
class Reliance:
    """What provider reports are worth for one control.

    Attributes:
        standing: The worst over all providers.
        shared: Whether a part of the control stays ours.
        providers: Sorted names.
        problems: Why a report does not count, sorted.
    """

    standing: Standing
    shared: bool
    providers: tuple[str, ...]
    problems: tuple[str, ...]


def hand(
    items: Sequence[str], attestations: Iterable[Attestation], at: datetime
) -> tuple[Hand, tuple[str, ...]]:
    """Rule 9: which items are attested, owed or expired, and what makes an attestation not count.

    Args:
        items: What is owed by hand; without any, an attestation for the whole control is one item.
        attestations: Those for this control.
        at: The instant.
    """
    problems: set[str] = set()
    in_force: set[str] = set()
    expired: set[str] = set()
    known = tuple(items) or ("control",)
    for attestation in attestations:
        if attestation.item and attestation.item not in known:
            problems.add(f"attestation for unknown item {attestation.item}")
            continue
        reviewer = attestation.reviewer.strip()
        if not reviewer or same_person(reviewer, attestation.owner):
            problems.add("attestation without a second person's review")
            continue
        if max(attestation.observed_at, attestation.reviewed_at) > at:
            continue
        covered = {attestation.item} if attestation.item else set(known)
        (in_force if at < attestation.expires else expired).update(covered)
    expired -= in_force
    owed = set(items) - in_force - expired
    return (
        Hand(tuple(sorted(in_force)), tuple(sorted(owed)), tuple(sorted(expired))),
        tuple(sorted(problems)),
    )


def by_hand_only(shown: Hand) -> ControlStatus:
    """The status of a control with nothing but manual evidence.

    Attested asks for everything owed: one of two items shown is not the control shown.
    """
    if shown.expired:
        return ControlStatus.STALE
    if shown.attested and not shown.owed:
        return ControlStatus.ATTESTED
    return ControlStatus.NO_EVIDENCE


def reliance(reports: Sequence[ProviderReport], at: datetime) -> Reliance | None:
    """Rule 10: what the reports for one control are worth, None without any.

    Of one provider's reports the best counts, of several providers the worst.
    """
    if not reports:
        return None
    best: dict[str, tuple[Standing, str]] = {}
    for report in reports:
        standing, problem = _standing(report, at)
        earlier = best.get(report.provider)
        # The better standing wins; of two equally bad ones the first problem in the alphabet.
        if earlier is None or (-standing, problem) < (-earlier[0], earlier[1]):
            best[report.provider] = (standing, problem)
    return Reliance(
        standing=min(standing for standing, _ in best.values()),
        shared=any(report.shared for report in reports),
        providers=tuple(sorted(best)),
        problems=tuple(sorted(problem for _, problem in best.values() if problem)),
    )


def _standing(report: ProviderReport, at: datetime) -> tuple[Standing, str]:
    name = f"report of {report.provider}"
    reviewed = report.reviewed_by and report.reviewed_at is not None and report.reviewed_at <= at
    if not reviewed:
        return Standing.UNUSABLE, f"{name} not reviewed"
    for word, used, named in (
        ("service", report.services_used, report.services),
        ("region", report.regions_used, report.regions),
    ):
        unnamed = sorted(used - named)
        if unnamed or not named:
            return Standing.UNUSABLE, f"{name} names no {word} {', '.join(unnamed)}".rstrip()
    if not report.duties_mapped:
        return Standing.UNUSABLE, f"{name}: our own duties are not mapped"
    if at < report.covers_from:
        return Standing.UNUSABLE, f"{name} starts later"
    if at > report.covers_to:
        return Standing.EXPIRED, f"{name} expired"
    return Standing.IN_FORCE, ""


def applicability_in_force(rows: Iterable[Applicability], at: datetime) -> Applicability | None:
    """Rule 11: the newest approved row at an instant; of two at once the one that includes."""
    approved = [row for row in rows if row.approved_at <= at]
    return max(
        approved,
        key=lambda row: (row.approved_at, row.applicable, row.reason, row.declared),
        default=None,
    )


def disagrees(declared: str, status: ControlStatus) -> bool:
    """Whether the approver's word and ours contradict; what we cannot say contradicts nothing."""
    agreeing = _IMPLEMENTED.get(declared)
    return agreeing is not None and status in _CERTAIN and status not in agreeing
