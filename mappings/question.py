"""What a roll-up is asked: findings, populations and the organisation's own decisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are spaced and capitalised."""
    return one.casefold().split() == other.casefold().split()


@dataclass(frozen=True, slots=True)
class Judged:
    """One finding as it stands: a check's answer about a resource.

    Attributes:
        check_id: The check.
        target: The target's name, as exceptions give it.
        resource: The resource's id; "" for the listing itself (empty, or never read).
        status: `pass`, `fail`, `not_applicable` or `unknown`.
        cause: Why it is unknown; `criterion_missing` is counted apart as undecided.
        observed_at: When it was last seen, aware; None if it never was.
        interval: How often its part is scheduled to be read, if it is.
    """

    check_id: str
    target: str
    resource: str
    status: str
    cause: str | None = None
    observed_at: datetime | None = None
    interval: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Population:
    """What is in scope by the organisation's own count, against what was read.

    Attributes:
        checks: A check id, or a beginning ending in "." (`linux.`) for all checks under it.
        never_read: Names of things in scope no finding exists for; each is missing.
        declared: How many things the organisation's own register knows; 0 if it says nothing.
            They are resources for a check id and targets (hosts, accounts) for a beginning. A
            shortfall against what was seen and `never_read` is missing too.
    """

    checks: str
    never_read: tuple[str, ...] = ()
    declared: int = 0


@dataclass(frozen=True, slots=True)
class Tolerance:
    """An approved policy sentence that lets a number or share of failures stand.

    Attributes:
        check_id: The criterion.
        source: Document, version and section; without it the tolerance does not count.
        approved_at: From when it counts.
        count: How many may fail.
        share: Which share (0 to 1) of what was judged may fail. With both, the smaller holds.
    """

    check_id: str
    source: str
    approved_at: datetime
    count: int | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class AcceptedFailure:
    """An exception: a failure accepted for a time by its risk owner and a second person.

    Attributes:
        id: How it is referred to.
        checks: A check id, or a pattern with `*` and `?`.
        risk_owner: Who carries the risk.
        approved_by: Who approved it; the risk owner alone does not count.
        approved_at: It counts from here, never backwards.
        expires: It counts until just before.
        target: The target's name, or a pattern.
        resource: The resource's id, or a pattern.
        starts: If later than the approval, it counts from here.
    """

    id: str
    checks: str
    risk_owner: str
    approved_by: str
    approved_at: datetime
    expires: datetime
    target: str = "*"
    resource: str = "*"
    starts: datetime | None = None


@dataclass(frozen=True, slots=True)
class Attestation:
    """Manual evidence: a person shows something and another person has reviewed it.

    Attributes:
        control: The control's id.
        owner: Who shows it.
        observed_at: When it was so.
        expires: Until when it may be relied on.
        reviewer: Who reviewed it; the owner alone does not count.
        reviewed_at: It counts from here, never backwards.
        item: The item owed (`Manual.item`); "" covers everything owed for the control.
    """

    control: str
    owner: str
    observed_at: datetime
    expires: datetime
    reviewer: str
    reviewed_at: datetime
    item: str = ""


@dataclass(frozen=True, slots=True)
class ProviderReport:
    """A provider's assurance report from which a control, or a share of it, is inherited.

    Attributes:
        control: The control's id. A.5.23 is never inherited.
        provider: Who provides.
        services: What the report names.
        services_used: What we use of it.
        regions: Places the report names.
        regions_used: Places we use.
        covers_from: Start of the report's period.
        covers_to: End of the report's period, bridge letters included; expired after it.
        reviewed_by: Who read it on our side; "" means nobody did.
        reviewed_at: It counts from here, never backwards.
        duties_mapped: Whether our own duties in the report are mapped.
        shared: Whether a part of the control stays ours.
    """

    control: str
    provider: str
    services: frozenset[str]
    services_used: frozenset[str]
    regions: frozenset[str]
    regions_used: frozenset[str]
    covers_from: datetime
    covers_to: datetime
    reviewed_by: str = ""
    reviewed_at: datetime | None = None
    duties_mapped: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Applicability:
    """One row of a statement of applicability; of several approved ones the newest holds.

    Attributes:
        control: The control's id.
        applicable: Whether it is included.
        reason: Why it is included or excluded; an exclusion without one does not count.
        approved_at: It counts from here, never backwards.
        approved_by: Who approved; an exclusion without one does not count.
        declared: `implemented`, `partly_implemented`, `planned`, `not_implemented` or "".
    """

    control: str
    applicable: bool
    reason: str
    approved_at: datetime
    approved_by: str
    declared: str = ""


@dataclass(frozen=True)
class Question:
    """Everything a roll-up looks at, at one instant.

    Attributes:
        at: The instant T, aware.
        findings: As they stood at `at`, in any order.
        populations: What was in scope.
        tolerances: At most one in force per check; of several the strictest holds.
        exceptions: Accepted failures, also expired ones.
        attestations: Manual evidence, also expired.
        reports: Provider reports, also expired.
        applicability: Rows of all versions of the statement of applicability.
        freshness: Limits per class of evidence where they differ from `mappings.FRESHNESS`.
        excepted_share: Above this share of what was judged, exceptions make a criterion at best
            partly met.
    """

    at: datetime
    findings: Iterable[Judged] = ()
    populations: Sequence[Population] = ()
    tolerances: Sequence[Tolerance] = ()
    exceptions: Sequence[AcceptedFailure] = ()
    attestations: Sequence[Attestation] = ()
    reports: Sequence[ProviderReport] = ()
    applicability: Sequence[Applicability] = ()
    freshness: Mapping[str, timedelta] = field(default_factory=dict)
    excepted_share: float = 0.10
