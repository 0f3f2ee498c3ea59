"""What is handed to the store: the plan of a sweep, then one unit (a target in it) at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

STATUSES: Final = {"pass": 1, "fail": 2, "not_applicable": 3, "unknown": 4}
"""Every status of a finding, with the number it is stored as. 0 is kept for "ended"."""

CAUSES: Final = {
    "denied": 1,
    "throttled": 2,
    "unreachable": 3,
    "partial": 4,
    "not_licensed": 5,
    "malformed": 6,
    "defect": 7,
    "criterion_missing": 8,
    "not_asked": 9,
}
"""Every cause of `unknown`, with the number it is stored as."""

OUTCOMES: Final = ("complete", "incomplete", "failed", "interrupted")
"""How a unit ended. `interrupted` units are offered again by `open_sweep`."""


class PartKey(NamedTuple):
    """One listing of a target. A kind belongs to exactly one collector."""

    collector: str
    kind: str
    scope: str


class ResourceKey(NamedTuple):
    """A resource inside its target; `scope` is the listing's, `id` None is the part itself."""

    kind: str
    scope: str
    id: str | None


@dataclass(frozen=True, slots=True)
class CheckRef:
    """One version of one check with the criteria it was bound to; all of it is evidence."""

    id: str
    version: str
    severity: str
    criteria: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A check's answer; `cause` is set exactly when the status is `unknown`."""

    check: CheckRef
    status: str
    cause: str | None = None
    reason: str = ""


class Document(NamedTuple):
    """One resource as read, with what the checks say about it.

    Attributes:
        key: Where it was listed. Unique inside a unit.
        body: Canonical JSON of `{"facts", "id", "kind", "listed", "scope"}` (sorted keys, as
            `evidence_store.canonical` writes it), or a function that fetches it. It is
            called only when the content is new to the target. Its `scope` is the resource's own.
        sha256: Digest of exactly those bytes.
        findings: At most one per check id.
    """

    key: ResourceKey
    body: bytes | Callable[[], bytes]
    sha256: bytes
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class PartRecord:
    """How one listing went.

    Attributes:
        collector: With `kind` and `scope`, the part's key.
        kind: The kind of resource it lists.
        scope: Where it lists: a region, a subscription, or "" for the whole target.
        asked: Whether it was asked in this unit. If not, its last state stands.
        complete: Whether every page came and totals agree. Only then can a resource be gone.
        cause: Why it is incomplete, one of `CAUSES`; None when complete.
        code: The platform's own error code; of a complete part, why it could only be empty.
        permission: The permission that would cure it.
        stated_total: The platform's own count, where it states one.
        collected: Rows that came.
        observed_at: ISO 8601 with offset: when the reading ended; None if not asked.
        carried_findings: What holds now of each resource known from before that did not come in
            an incomplete listing: all `unknown`.
        findings_on_part: Findings on the listing itself, where no resource carries them. Of a part
            that was not asked they are taken only if it never was.
    """

    collector: str
    kind: str
    scope: str
    asked: bool = True
    complete: bool = True
    cause: str | None = None
    code: str | None = None
    permission: str | None = None
    stated_total: int | None = None
    collected: int = 0
    observed_at: str | None = None
    carried_findings: Sequence[Finding] = ()
    findings_on_part: Sequence[Finding] = ()

    @property
    def key(self) -> PartKey:
        """Collector, kind and scope."""
        return PartKey(self.collector, self.kind, self.scope)


@dataclass(frozen=True, slots=True)
class Lines:
    """An attachment that is given line by line, so that nobody has to hold what it says.

    Attributes:
        rows: Gives name and value of each line of an object, sorted by name, or of a list each row
            with an empty name; both canonical JSON.
        of_object: Whether it is an object.
    """

    rows: Callable[[], Iterable[tuple[bytes, bytes]]]
    of_object: bool = False


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """One target in one sweep, recorded in one transaction.

    Attributes:
        target: The target's stable name, as in the plan.
        sweep: The number `begin_sweep` gave.
        attempt: 1, then one more each time the unit is resumed in the same sweep.
        outcome: One of `OUTCOMES`.
        started: ISO 8601 with offset.
        finished: ISO 8601 with offset.
        parts: Every part asked; parts known from before and not named count as not asked.
        documents: Only keys and digests are kept in memory. Best something that can be gone through
            twice: first to see whether anything is new. A large generator is compared one by one.
        journal: The calls that were made, kept compressed as the attachment `journal`.
        activities: Volatile fields per part, kept as attachments `activity ["collector",...]`.
        provenance: Anything JSON: identity, permissions, versions, configuration digest, ...
    """

    target: str
    sweep: int
    outcome: str
    started: str
    finished: str
    parts: Sequence[PartRecord]
    documents: Iterable[Document] = ()
    journal: bytes | Lines = b""
    activities: Mapping[PartKey, bytes | Lines] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """A target the sweep is expected to record, with the number of its parts."""

    target: str
    parts: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep is going to read, written before anything is collected."""

    targets: Sequence[PlannedTarget]
    scope_name: str
    scope_version: str
    mapping_edition: str
    code_version: str
    started: str
    details: Mapping[str, Any] = field(default_factory=dict)
