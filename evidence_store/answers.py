"""What the store answers: receipts, rows of its reads, proofs and the verifier's report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from evidence_store.model import PartKey, ResourceKey


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a unit is durable; given after COMMIT only.

    Attributes:
        entry: The entry's id.
        added: Resources that were not there before.
        changed: Resources whose content changed.
        gone: Resources that a complete listing no longer named.
        resources: Live resources after this entry.
        state_root: Merkle root over every live resource.
        verdict_root: Merkle root over every resource's findings.
        unchanged: Both roots equal the target's previous entry's.
        repeated: This unit had been recorded before; nothing was written.
    """

    entry: int
    added: int
    changed: int
    gone: int
    resources: int
    state_root: bytes
    verdict_root: bytes
    unchanged: bool
    repeated: bool = False


class FindingRow(NamedTuple):
    """One check on one resource, as it stands (a named tuple: they come by the hundred thousand).

    Attributes:
        target: The target's name.
        check_id: The check's id.
        check_version: The version that said so.
        severity: As the check declared it.
        criteria: Each criterion the verdict was bound to, as handed in; shared, do not change.
        resource_id: None for a finding on a part.
        kind: The resource's kind.
        scope: The document's own scope; of a finding on a part, the listing's.
        listing_scope: The scope of the listing: third field of the part's key.
        status: One of `STATUSES`.
        cause: Of `unknown`, one of `CAUSES`.
        reason: The check's words.
        since: When the present unbroken run of this status was first observed.
        observed_at: When the resource was last read; None if its part was never asked.
        recorded_at: When the entry that states this was recorded.
        sweep: The sweep of that entry.
        entry: The id of that entry: the target's last.
    """

    target: str
    check_id: str
    check_version: str
    severity: str
    criteria: Mapping[str, Any]
    resource_id: str | None
    kind: str
    scope: str
    listing_scope: str
    status: str
    cause: str | None
    reason: str
    since: datetime
    observed_at: datetime | None
    recorded_at: datetime
    sweep: int
    entry: int


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target with its last entry."""

    target: str
    entries: int
    last_entry: int
    last_sweep: int
    outcome: str
    recorded_at: datetime
    resources: int


@dataclass(frozen=True, slots=True)
class SweepRow:
    """A sweep: its plan, how far it came, and what it found changed."""

    sweep: int
    recorded_at: datetime
    closed_at: datetime | None
    planned: int
    recorded: int
    added: int
    changed: int
    gone: int
    plan: Mapping[str, Any]
    summary: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class OpenSweep:
    """The last sweep that was planned and not closed, with the units it still owes."""

    sweep: int
    plan: Mapping[str, Any]
    missing: tuple[str, ...]
    interrupted: Mapping[str, int]
    """Target to its last attempt, to be resumed as the next."""


@dataclass(frozen=True, slots=True)
class PartRow:
    """How well a listing is known as of an entry.

    Attributes:
        target: The target's name.
        key: Collector, kind, scope.
        state: "complete", "incomplete" or "carried" (not asked in the last entry).
        cause: Why incomplete, one of `CAUSES`.
        code: The platform's error code.
        permission: What would cure it.
        since: Unless complete: the sweep that last read it completely; None means never.
        collected: Rows that came when it was last asked.
        stated_total: The platform's own count then.
        carried: Resources kept from before because an incomplete listing did not name them.
        observed_at: When it was last asked; None means never.
        sweep: The sweep of the entry that says so.
    """

    target: str
    key: PartKey
    state: str
    cause: str | None
    code: str | None
    permission: str | None
    since: int | None
    collected: int
    stated_total: int | None
    carried: int
    observed_at: datetime | None
    sweep: int


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A stored document: `entry` is where this content was first seen in its present run.

    `erased` names members that stand as `{"erased": digest}` in the body; then `sha256`, which
    would help to guess them, is empty.
    """

    target: str
    key: ResourceKey
    body: bytes
    content_id: bytes
    sha256: bytes
    entry: int
    erased: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of a resource's content; `content_id` and `body` None: it was gone."""

    entry: int
    sweep: int
    recorded_at: datetime
    content_id: bytes | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """What happened to a resource between two sweeps: "added", "changed" or "gone"."""

    target: str
    key: ResourceKey
    what: str


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding whose status differs between two sweeps; None: there was none."""

    target: str
    key: ResourceKey
    check_id: str
    before: str | None
    after: str | None
    cause: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs between the ends of two sweeps."""

    resources: tuple[ResourceChange, ...]
    findings: tuple[FindingChange, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed tree head: `note` is a C2SP signed note."""

    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """RFC 9162 proof that a leaf is in the tree of a checkpoint."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as the ledger commits to it: `body` holds the exact bytes of the leaf.

    Attributes:
        id: The entry's id.
        kind: "key", "plan", "unit" or "close".
        target: None unless a unit.
        sweep: 0 for the key entry.
        attempt: 0 unless a unit.
        recorded_at: When it was committed.
        body: Canonical JSON.
        index: Position in the ledger; None while pending.
        proof: None while no checkpoint covers it (or where it was not asked for).
    """

    id: int
    kind: str
    target: str | None
    sweep: int
    attempt: int
    recorded_at: datetime
    body: bytes
    index: int | None
    proof: InclusionProof | None


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a salted digest, disclosed: anyone can recompute the digest without the key.

    `erased`: value and salt are gone for good and empty here; only the digest is left.
    """

    name: str
    value: bytes
    salt: bytes
    digest: bytes
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Disclosure:
    """A resource with every member opened; leave out members to withhold them, keep digests."""

    key: Member
    members: tuple[Member, ...]
    content_id: bytes


@dataclass(frozen=True, slots=True)
class VerdictItem:
    """One finding as the verdict leaf commits to it; `reason` opens its digest.

    `check_text` is what `check_digest` is over, `check` the same as a value.
    """

    check_digest: bytes
    check: Mapping[str, Any]
    status: str
    cause: str | None
    reason: Member
    check_text: bytes = b""


@dataclass(frozen=True, slots=True)
class OpenedResource:
    """A resource as the leaves of its unit commit to it, every salted value opened.

    Attributes:
        key: Where it was listed; `id` None is the listing itself.
        opened_key: Opens the key's digest.
        members: Opens the members of its document; None if there is none, or it was let go.
        content_id: What stands for the document; None for the listing itself.
        verdict: What stands for its findings.
        findings: Opens them, sorted by the check's digest.
    """

    key: ResourceKey
    opened_key: Member
    members: tuple[Member, ...] | None
    content_id: bytes | None
    verdict: bytes
    findings: tuple[VerdictItem, ...]


@dataclass(frozen=True, slots=True)
class OpenedUnit:
    """A target's entry with what it commits to, and the resources that were asked for.

    Attributes:
        entry: The entry's id.
        sweep: Its sweep.
        parts: The exact bytes of the table of parts.
        carried: By row of that table, the exact bytes of its list of carried resources.
        leaves: Key digest, content (None: no document) and verdict of every resource, sorted.
        resources: Those asked for, sorted by key digest.
    """

    entry: int
    sweep: int
    parts: bytes
    carried: Mapping[int, bytes]
    leaves: tuple[tuple[bytes, bytes | None, bytes], ...]
    resources: tuple[OpenedResource, ...]


@dataclass(frozen=True, slots=True)
class OpenedLine:
    """A line of an attachment, with its sided path to the root in the entry."""

    line: Member
    path: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class UnitLeaves:
    """The leaves under an entry's two roots, sorted by key digest."""

    entry: int
    state: tuple[tuple[bytes, bytes], ...]
    verdicts: tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing the verifier found wrong: the table and row, and what is wrong with it."""

    table: str
    row: str
    what: str


@dataclass(frozen=True, slots=True)
class Report:
    """The verifier's answer: what is wrong, what was checked, and what it cannot exclude."""

    problems: tuple[Problem, ...]
    statements: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def clean(self) -> bool:
        """Whether nothing was found wrong."""
        return not self.problems
