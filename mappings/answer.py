"""What a roll-up answers: per criterion and per control, with the numbers behind each word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from mappings.model import TopicControl


class CriterionStatus(StrEnum):
    """What one check says over the declared scope."""

    MET = "met"
    MET_WITH_EXCEPTIONS = "met_with_exceptions"
    PARTLY_MET = "partly_met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    STALE = "stale"
    NOT_APPLICABLE = "not_applicable"


class ControlStatus(StrEnum):
    """What we can say about a control; words about our own criteria, no audit conclusion."""

    MET = "met"
    PARTLY_MET = "partly_met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    STALE = "stale"
    ATTESTED = "attested"
    INHERITED = "inherited"
    EXCLUDED = "excluded"
    NO_EVIDENCE = "no_evidence"

    @property
    def words(self) -> str:
        """As people read it: `not met`."""
        return self.value.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Counts:
    """The population of a criterion, split; also the sum over criteria.

    Attributes:
        passed: P.
        failed: F, certain and not excepted.
        excepted: X, failing under an exception in force.
        unread: U without the undecided: what could not be read.
        undecided: U for want of a criterion the organisation has not given.
        stale: S, last seen too long ago.
        missing: M, in scope and never read.
        not_applicable: Shown, and left out of everything else.
        stale_failed: How many of `failed` were last seen too long ago; a failure does not fade.
    """

    passed: int = 0
    failed: int = 0
    excepted: int = 0
    unread: int = 0
    undecided: int = 0
    stale: int = 0
    missing: int = 0
    not_applicable: int = 0
    stale_failed: int = 0

    @property
    def judged(self) -> int:
        """P + F + X."""
        return self.passed + self.failed + self.excepted

    @property
    def population(self) -> int:
        """Everything in scope the criterion applies to."""
        return self.judged + self.unread + self.undecided + self.stale + self.missing

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.passed + other.passed,
            self.failed + other.failed,
            self.excepted + other.excepted,
            self.unread + other.unread,
            self.undecided + other.undecided,
            self.stale + other.stale,
            self.missing + other.missing,
            self.not_applicable + other.not_applicable,
            self.stale_failed + other.stale_failed,
        )


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """One check over the declared scope.

    Attributes:
        check_id: The check.
        topic: Its kind of evidence.
        status: By rules 1 to 4.
        counts: The population, split.
        why: One short phrase: "1 of 41 fails".
        allowed: How many failures the tolerance in force lets stand.
        tolerance_source: The policy sentence behind `allowed`; "" without one.
        exceptions: Ids of the exceptions that were used, sorted.
        observed_from: Oldest observation in it.
        observed_to: Newest observation in it.
    """

    check_id: str
    topic: str
    status: CriterionStatus
    counts: Counts
    why: str
    allowed: int = 0
    tolerance_source: str = ""
    exceptions: tuple[str, ...] = ()
    observed_from: datetime | None = None
    observed_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class CriterionUse:
    """A criterion as a control uses it: the result and the mapping row behind it."""

    result: CriterionResult
    related: TopicControl


@dataclass(frozen=True, slots=True)
class Hand:
    """Manual evidence of a control, never merged into the automated part.

    Attributes:
        attested: Items in force.
        owed: Items never shown.
        expired: Items that were shown and have run out.
    """

    attested: tuple[str, ...] = ()
    owed: tuple[str, ...] = ()
    expired: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """For a narrow column: `owed 2`, `expired 1`, `done`, or a dash if nothing is owed."""
        open_items = len(self.owed) + len(self.expired)
        if self.expired and not self.owed:
            return f"expired {open_items}"
        if open_items:
            return f"owed {open_items}"
        return "done" if self.attested else "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class ControlResult:
    """What we can say about one control at one instant.

    Attributes:
        control: Its id.
        status: By rules 5 to 11.
        why: One short phrase for people: "KEY bucket_policy_not_public: 1 of 41 fails".
        met: Direct criteria met, exceptions included.
        applicable: Direct criteria that apply.
        deciding: The criterion that decided, None if none did.
        counts: Sum over the direct criteria.
        direct: Criteria that take part in the status, sorted by check id.
        supporting: Criteria that are only shown, sorted by check id.
        hand: Manual evidence.
        flags: Short remarks in a fixed order: "contradicts the exclusion", "design only", ...
        phases: Phases among the met direct criteria, sorted.
        applicability: The reason in the statement of applicability in force, "" without one.
        declared: The status its approver declared there; never changed by us.
        disagrees: Whether `declared` and `status` contradict each other.
        observed_from: Oldest observation behind it.
        observed_to: Newest observation behind it.
    """

    control: str
    status: ControlStatus
    why: str
    met: int = 0
    applicable: int = 0
    deciding: str | None = None
    counts: Counts = field(default_factory=Counts)
    direct: tuple[CriterionUse, ...] = ()
    supporting: tuple[CriterionUse, ...] = ()
    hand: Hand = field(default_factory=Hand)
    flags: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    applicability: str = ""
    declared: str = ""
    disagrees: bool = False
    observed_from: datetime | None = None
    observed_to: datetime | None = None


@dataclass(frozen=True)
class RollUp:
    """All controls of a framework at one instant, in the publication's order.

    Attributes:
        at: The instant.
        edition: The publication's full name.
        mapping_version: The version of the tables used.
        controls: One result per control, none left out.
        criteria: One result per check with a population, sorted by check id.
        unmapped: Checks with findings the mapping does not know; they moved nothing.
        unfed: Populations (their `checks`) that match no mapped check; they moved nothing.
        unknown_controls: Ids named in decisions or manual evidence that the framework lacks.
    """

    at: datetime
    edition: str
    mapping_version: str
    controls: Mapping[str, ControlResult]
    criteria: Mapping[str, CriterionResult]
    unmapped: tuple[str, ...] = ()
    unfed: tuple[str, ...] = ()
    unknown_controls: tuple[str, ...] = ()

    def totals(self) -> dict[ControlStatus, int]:
        """How many controls have each status; every status is named, also with 0."""
        found = dict.fromkeys(ControlStatus, 0)
        for result in self.controls.values():
            found[result.status] += 1
        return found
