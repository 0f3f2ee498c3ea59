"""The store's contract: what a sweep writes to it and everything else reads from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from evidence_store.answers import (
    Changes,
    Checkpoint,
    Disclosure,
    DocumentRow,
    EntryRow,
    FindingRow,
    HistoryRow,
    OpenedLine,
    OpenedUnit,
    OpenSweep,
    PartRow,
    Receipt,
    Report,
    SweepRow,
    TargetRow,
    UnitLeaves,
    VerdictItem,
)
from evidence_store.model import PartKey, Plan, ResourceKey, UnitRecord

if TYPE_CHECKING:
    from evidence_store.accesses import Access
    from evidence_store.timeline import FindingRun, Reading, Sighting

if TYPE_CHECKING:
    from evidence_store.handing_out import HandedOut
    from evidence_store.standing import Standing

Clock = Callable[[], datetime]
Progress = Callable[[str, int, int], None]
"""Called with what is being checked, how many are done, and how many there are."""


class EvidenceStore(Protocol):
    """An append-only memory; `evidence_store.Store.open(path, clock=...)` gives one.

    Every `as_of` means recorded time (None: now). Every method may raise `StoreError`.
    """

    @property
    def origin(self) -> str:
        """The ledger's name, fixed when the store was created."""

    @property
    def verifier_key(self) -> str:
        """The public key in the form of the signed note: `name+hash+base64`."""

    def derive_key(self, purpose: str) -> bytes:
        """A 32-byte key of this store for one purpose, such as marking redacted secrets."""

    def begin_sweep(self, plan: Plan) -> int:
        """Write the plan and return the sweep's number."""

    def record(self, unit: UnitRecord) -> Receipt:
        """Record one unit in one transaction; repeated, it returns the first receipt."""

    def close_sweep(self, sweep: int, summary: Mapping[str, Any]) -> int:
        """Write the sweep's end and return the entry's id; repeated, the first one's."""

    def open_sweep(self) -> OpenSweep | None:
        """The last sweep, if it was planned and not closed."""

    def sequence(self) -> int:
        """Give pending entries their place in the ledger; return how many."""

    def compare_outside(self) -> None:
        """Stop where the ledger does not lead up to what others hold of it."""

    def checkpoint(self) -> Checkpoint:
        """Compare with what others hold, sequence, sign; the same tree gives the same note."""

    def hand_out(self) -> Sequence[HandedOut]:
        """Hand signed heads to their holders and have the newest stamped; failures are owed."""

    def standing(self) -> Standing:
        """Who holds heads since when, and what cannot be excluded."""

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Every signed head, smallest first."""

    def consistency(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """RFC 9162 proof that the tree of the old size is a prefix of the new one."""

    def verify(
        self,
        progress: Progress | None = None,
        trusted: Sequence[Checkpoint] = (),
        after: Checkpoint | int | None = None,
        jobs: int | None = 1,
    ) -> Report:
        """Recompute everything, or what came after a head; `trusted` are heads kept outside."""

    def rebuild_cache(self) -> int:
        """Replace the cached states from the append-only tables; return how many targets."""

    def targets(self, as_of: datetime | None = None) -> Sequence[TargetRow]:
        """Every target ever recorded, by name."""

    def sweeps(self, as_of: datetime | None = None) -> Sequence[SweepRow]:
        """Every sweep, newest first."""

    def entries(self, target: str | None = None) -> Iterator[EntryRow]:
        """Entries in order, without proofs; of one target, its units."""

    def parts(self, target: str | None = None, as_of: datetime | None = None) -> Sequence[PartRow]:
        """How well each listing is known, by target and part."""

    def findings(
        self,
        as_of: datetime | None = None,
        target: str | None = None,
        collector: str | None = None,
        *,
        in_order: bool = True,
    ) -> Iterable[FindingRow]:
        """Findings in force, sorted by target, check, kind, resource and listing scope.

        Not `in_order`, they come as they lie, and no memory is taken for the order of millions.
        """

    def documents(
        self, target: str, as_of: datetime | None = None, kind: str | None = None
    ) -> Iterator[DocumentRow]:
        """Live documents of a target, by kind, scope and id."""

    def resource(
        self, target: str, resource_id: str, as_of: datetime | None = None, kind: str | None = None
    ) -> Sequence[DocumentRow]:
        """Live documents with this id (more than one if kinds or scopes share it)."""

    def history(self, target: str, key: ResourceKey) -> Sequence[HistoryRow]:
        """Every content the resource ever had, oldest first."""

    def resources(
        self, target: str, resource_id: str, kind: str | None = None
    ) -> Sequence[tuple[ResourceKey, bytes]]:
        """Every resource a target ever had by this id, or an id that ends so, with key digests."""

    def readings(
        self, target: str, part: PartKey, as_of: datetime | None = None
    ) -> Sequence[Reading]:
        """How a listing went in each entry of its target, oldest first."""

    def sightings(
        self, target: str, key: ResourceKey, as_of: datetime | None = None
    ) -> Sequence[Sighting]:
        """A resource in each entry of its target, from the first that saw it, oldest first."""

    def finding_history(
        self, target: str, key: ResourceKey, check_id: str, as_of: datetime | None = None
    ) -> Sequence[FindingRun]:
        """Every change of what a check said of a resource, or of a listing, oldest first."""

    def accessed(
        self,
        who: str,
        way: str,
        target: str | None = None,
        key: ResourceKey | None = None,
        detail: str = "",
    ) -> None:
        """Log that evidence was read or handed out."""

    def accesses(self, as_of: datetime | None = None) -> Iterator[Access]:
        """Every access that was logged, the newest first."""

    def changes(self, sweep_a: int, sweep_b: int) -> Changes:
        """What differs between the end of one sweep and the end of a later one."""

    def entry(self, entry: int) -> EntryRow:
        """One entry with its proof under the newest checkpoint."""

    def attachment(self, entry: int, name: str) -> bytes:
        """The journal or an activity document of a unit."""

    def attachments(self, entry: int) -> Sequence[str]:
        """Names of an entry's attachments."""

    def leaves(self, target: str, as_of: datetime | None = None) -> UnitLeaves:
        """The leaves under the two roots of the target's entry."""

    def open_unit(
        self, target: str, wanted: Callable[[ResourceKey], bool], as_of: datetime | None = None
    ) -> OpenedUnit:
        """A target's entry with its leaves, and every wanted resource opened."""

    def open_lines(
        self, entry: int, name: str, wanted: Callable[[Any], bool]
    ) -> Sequence[OpenedLine]:
        """Those lines of an attachment, each with its path to the root in the entry."""

    def proven(self, numbers: Sequence[int], sweeps: Sequence[int] = ()) -> Sequence[EntryRow]:
        """These entries, the plans and ends of these sweeps, and the ledger's keys, by place.

        All carry proofs under the same newest head.
        """

    def disclose(self, target: str, key: ResourceKey, as_of: datetime | None = None) -> Disclosure:
        """Open every salted member of a resource, for a verifier without the key."""

    def disclose_findings(
        self, target: str, key: ResourceKey, as_of: datetime | None = None
    ) -> Sequence[VerdictItem]:
        """Open a resource's verdict leaf."""

    def close(self) -> None:
        """Let go of the database."""
