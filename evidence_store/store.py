"""The store: opens the database beside its keys, and hands each request to the file that knows."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from evidence_store import (
    accesses,
    changes,
    comparing,
    entries,
    epochs,
    evidence,
    following,
    keys,
    ledger,
    lineage,
    note,
    opening,
    reads,
    receipts,
    recording,
    replay,
    rotation,
    schema,
    since,
    standing,
    sweeps,
    timeline,
    verification,
)
from evidence_store.accesses import Access
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
from evidence_store.database import Database, open_database
from evidence_store.digests import derived, key_fingerprint
from evidence_store.errors import KeyMissingError, NotAllowedError, StoreMissingError
from evidence_store.following import Step
from evidence_store.handing_out import Desk, HandedOut
from evidence_store.interface import Clock, Progress
from evidence_store.keeping import Keeping
from evidence_store.location import File, Location
from evidence_store.model import PartKey, Plan, ResourceKey, UnitRecord
from evidence_store.outside import NOBODY, Outside
from evidence_store.standing import Standing
from evidence_store.timeline import FindingRun, Reading, Sighting

if TYPE_CHECKING:
    import sqlalchemy as sa


def system_clock() -> datetime:
    """The machine's own clock."""
    return datetime.now(UTC)


Fence: TypeAlias = Callable[["sa.Connection"], None]
"""Refuses a transaction by raising: the daemon's, when another one leads by now."""

LEDGER: Final = "ledger"
SEQUENCER: Final = "sequencer"
"""Names of locks; the others are of one target or one sweep."""


def _refuse_other_keys(
    location: Location, first: Mapping[str, Any], public: bytes, found: keys.Keys
) -> None:
    told = public, first.get("digest_key")
    if told != (found.public, key_fingerprint(found.secret).hex()):
        raise KeyMissingError(
            f"{location.name}: the key files {location.keys}.* are another store's"
        )


class Store:
    """An `EvidenceStore` in a database, with two key files that only its operator has."""

    def __init__(
        self,
        database: Database,
        location: Location,
        clock: Clock,
        found: keys.Keys,
        known: lineage.Lineage,
        *,
        outside: Outside = NOBODY,
        fence: Fence = lambda _connection: None,
    ) -> None:
        self._database = database
        self._location = location
        self._fence = fence
        self._clock = clock
        self._keys = found
        self._lineage = known
        self._outside = outside
        self._plans = recording.Plans()
        self.keeping = Keeping(database, clock, found.secret)

    @property
    def origin(self) -> str:
        """The name in its signed heads: the ledger's, with the number of a later epoch."""
        return self._lineage.last.origin

    @property
    def ledger(self) -> str:
        """The ledger's name, the same in every epoch: by it others file what they hold."""
        return self._lineage.ledger

    @classmethod
    def open(
        cls,
        location: Location | Path | str,
        *,
        clock: Clock = system_clock,
        create: bool = True,
        origin: str | None = None,
        busy_seconds: float = 30.0,
        fence: Fence = lambda _connection: None,
        outside: Outside = NOBODY,
    ) -> Self:
        """Open a store, creating or upgrading it as needed.

        Args:
            location: The database and its keys; a path means an SQLite file.
            clock: Gives the time of recording.
            create: Whether to create a store where there is none.
            origin: The ledger's name, taken at creation only; by default `annexa/<8 hex digits>`.
            busy_seconds: How long to wait for another process.
            fence: Called first in every transaction that records; what it raises refuses it.
            outside: Who holds its signed heads and stamps them.

        Raises:
            StoreMissingError: If there is none and `create` is false.
            NewerSchemaError: If a newer release wrote it.
            KeyMissingError: If a key is missing or another store's.
            StoreError: If it cannot be reached, read or written.
        """
        if isinstance(location, Path | str):
            location = File(Path(location))
        if isinstance(location, File) and not create and not location.path.exists():
            raise StoreMissingError(f"{location.name}: no store there; `annexa sweep` creates it")
        database = open_database(location, busy_seconds=busy_seconds)
        try:
            schema.bring_up(database, create=create)
            first = cls._first(database, location, clock, origin, create=create)
            with database.reading() as connection:
                known = lineage.require(connection)
            rotation.settle(location.keys, known.last.public)
            found = keys.read(location.keys)
            _refuse_other_keys(location, first, known.last.public, found)
        except BaseException:
            database.close()
            raise
        return cls(database, location, clock, found, known, outside=outside, fence=fence)

    @classmethod
    def _first(
        cls,
        database: Database,
        location: Location,
        clock: Clock,
        origin: str | None,
        *,
        create: bool,
    ) -> dict[str, Any]:
        """The body of the ledger's first entry, written where there is none."""
        with database.reading() as connection:
            first = reads.first_entry(connection)
        if first is not None:
            return first
        if not create:
            raise StoreMissingError(f"{location.name}: no store there; `annexa sweep` creates it")
        cls._name(database, location.keys, clock, origin or f"annexa/{secrets.token_hex(4)}")
        return cls._first(database, location, clock, origin, create=False)

    @staticmethod
    def _name(database: Database, beside: Path, clock: Clock, origin: str) -> None:
        """Write the ledger's first entry: its name and the keys it is bound to."""
        with database.writing() as connection:
            if reads.first_entry(connection) is not None:
                return  # another process was faster
            keys.create(beside)
            found = keys.read(beside)
            entries.write(
                connection,
                entries.Position("key", 0, 0, 0),
                clock(),
                {
                    "origin": origin,
                    "algorithm": "ed25519",
                    "public_key": found.public.hex(),
                    "digest_key": key_fingerprint(found.secret).hex(),
                },
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    @property
    def verifier_key(self) -> str:
        """The public key in the form of the signed note: `name+hash+base64`."""
        return note.verifier_key(self.origin, self._keys.public)

    @property
    def verifier_keys(self) -> Sequence[tuple[int, str]]:
        """Every key with the size that heads signed by it are larger than, the first one first."""
        return [
            (span.above, note.verifier_key(span.origin, span.public))
            for span in self._lineage.spans
        ]

    def derive_key(self, purpose: str) -> bytes:
        """A 32-byte key of this store for one purpose, such as marking redacted secrets."""
        return derived(self._keys.secret, purpose)

    @contextmanager
    def _writing(self, *locks: str, shared: Sequence[str] = ()) -> Iterator[sa.Connection]:
        """A transaction that records, if the fence lets it."""
        with self._database.writing(*locks, shared=shared) as connection:
            self._fence(connection)
            yield connection

    def begin_sweep(self, plan: Plan) -> int:
        """Write the plan and return the sweep's number."""
        with self._writing(LEDGER) as connection:
            return sweeps.begin(connection, plan, self._clock())

    def record(self, unit: UnitRecord) -> Receipt:
        """Record one unit in one transaction; repeated, it returns the first receipt."""
        own, sweep = f"target {unit.target}", f"sweep {unit.sweep}"
        with self._writing(own, shared=[sweep]) as connection:
            return recording.record(connection, self._keys.secret, unit, self._clock(), self._plans)

    def close_sweep(self, sweep: int, summary: Mapping[str, Any]) -> int:
        """Write the sweep's end and return the entry's id; repeated, the first one's."""
        with self._writing(f"sweep {sweep}", LEDGER) as connection:
            return sweeps.close(connection, sweep, summary, self._clock())

    def open_sweep(self) -> OpenSweep | None:
        """The last sweep, if it was planned and not closed."""
        with self._database.reading() as connection:
            return sweeps.still_open(connection)

    def accessed(
        self,
        who: str,
        way: str,
        target: str | None = None,
        key: ResourceKey | None = None,
        detail: str = "",
    ) -> None:
        """Log that evidence was read or handed out; `way` is one of `accesses.WAYS`.

        Raises:
            ReadOnlyError: If the store cannot be written: reading it works all the same.
        """
        with self._database.writing("accesses") as connection:
            accesses.log(connection, self._clock(), who, way, target=target, key=key, detail=detail)

    def accesses(self, as_of: datetime | None = None) -> Iterator[Access]:
        """Every access that was logged, the newest first."""
        with self._database.reading() as connection:
            yield from accesses.read(connection, as_of)

    def _seal_accesses(self) -> None:
        """Let an entry commit to the accesses since the last; who only sequences cannot."""
        with self._database.reading() as connection:
            if not accesses.unsealed(connection):
                return
        with suppress(NotAllowedError), self._writing(LEDGER) as connection:
            accesses.seal(connection, self._clock())

    def sequence(self) -> int:
        """Give pending entries their place in the ledger; return how many."""
        self._seal_accesses()
        with self._writing(SEQUENCER) as connection:
            return ledger.sequence(connection)

    def compare_outside(self) -> None:
        """Stop where the ledger does not lead up to what others hold of it.

        A holder that cannot be asked stops nothing: it is compared before it is handed the next.

        Raises:
            RolledBackError: With which holder, which sizes, and what to do.
        """
        found = comparing.ask(self._outside.holders, self._lineage.ledger, every=False)
        with self._database.reading() as connection:
            comparing.refuse(connection, lineage.require(connection), found)

    def checkpoint(self) -> Checkpoint:
        """Compare with what others hold, sequence, sign; the same tree gives the same note."""
        found = comparing.ask(self._outside.holders, self._lineage.ledger, every=False)
        self._seal_accesses()
        with self._writing(SEQUENCER) as connection:
            ledger.sequence(connection)
            self._follow(connection)
            comparing.refuse(connection, self._lineage, found)
            return ledger.checkpoint(connection, self.origin, self._keys)

    def _follow(self, connection: sa.Connection) -> None:
        """Take over a key or an epoch that another process began meanwhile."""
        self._lineage = lineage.require(connection)
        if self._lineage.last.public != self._keys.public:
            rotation.settle(self._location.keys, self._lineage.last.public)
            self._keys = keys.read(self._location.keys)

    def hand_out(self) -> Sequence[HandedOut]:
        """Hand signed heads to their holders and have the newest stamped; failures are owed."""
        desk = Desk(self._database, self._keys.secret, self._clock, self._outside)
        return desk.hand_out()

    def stamps(self, head: Checkpoint) -> Mapping[str, bytes]:
        """The time stamps of a head: RFC 3161 responses by the authority's name."""
        with self._database.reading() as connection:
            found = receipts.kept(connection)
        wanted = head.size, receipts.STAMPED
        return {each.name: each.body for each in found if (each.size, each.kind) == wanted}

    def standing(self) -> Standing:
        """Who holds heads since when, and what cannot be excluded."""
        with self._database.reading() as connection:
            return standing.read(connection, self._outside)

    def rotate_key(self) -> str:
        """Sign what there is with the old key, name a new one in the ledger; return its name."""
        self.checkpoint()
        new = rotation.make(self._location.keys)
        with self._writing() as connection:
            ledger.sequence(connection)
            self._follow(connection)
            ledger.checkpoint(connection, self.origin, self._keys)
            rotation.name(connection, self._lineage, self._keys.signing, new, self._clock())
            ledger.sequence(connection)
        with self._writing() as connection:
            self._follow(connection)
            ledger.checkpoint(connection, self.origin, self._keys)
        return self.verifier_key

    def new_epoch(self, reason: str) -> str:
        """Go on under the next epoch's name where leaves are lost that others know of.

        Raises:
            RecordError: If nobody holds a head that the ledger does not lead up to.
        """
        found = comparing.ask(self._outside.holders, self._lineage.ledger, every=True)
        with self._writing() as connection:
            ledger.sequence(connection)
            self._follow(connection)
            epochs.begin(connection, self._lineage, found, reason, self._clock())
            ledger.sequence(connection)
            self._follow(connection)
            ledger.checkpoint(connection, self.origin, self._keys)
        return self.origin

    def checkpoints(self) -> Sequence[Checkpoint]:
        """Every signed head, smallest first."""
        with self._database.reading() as connection:
            return ledger.heads(connection)

    def consistency(self, old_size: int, new_size: int) -> tuple[bytes, ...]:
        """RFC 9162 proof that the tree of the old size is a prefix of the new one."""
        with self._database.reading() as connection:
            return ledger.consistency(connection, old_size, new_size)

    def verify(
        self,
        progress: Progress | None = None,
        trusted: Sequence[Checkpoint] = (),
        after: Checkpoint | int | None = None,
        jobs: int | None = 1,
    ) -> Report:
        """Recompute everything, against what the configured holders and `trusted` heads say.

        Args:
            progress: Told what is being checked.
            trusted: Heads somebody kept.
            after: Recompute only what came after this head, or the store's own of this size.
            jobs: Processes that verify targets; None: one for each core if the store is large.

        Raises:
            NotFoundError: If the store has no head of that size.
        """
        held = comparing.ask(self._outside.holders, self._lineage.ledger, every=True)
        given = verification.Given(tuple(trusted), tuple(held), self._outside.authorities, jobs)
        if after is not None:
            return since.verify(self._database, self._keys, progress, given, after)
        return verification.verify(self._database, self._keys, progress, given)

    def head_before(self, at: datetime) -> int | None:
        """The size of the largest head that is only over entries recorded before a time."""
        with self._database.reading() as connection:
            return since.head_before(connection, at)

    def rebuild_cache(self) -> int:
        """Replace the cached states from the append-only tables; return how many targets."""
        with self._database.writing() as connection:
            return replay.rebuild(connection, self._keys.secret)

    def targets(self, as_of: datetime | None = None) -> Sequence[TargetRow]:
        """Every target ever recorded, by name."""
        with self._database.reading() as connection:
            return reads.targets(connection, as_of)

    def sweeps(self, as_of: datetime | None = None) -> Sequence[SweepRow]:
        """Every sweep, newest first."""
        with self._database.reading() as connection:
            return reads.sweeps(connection, as_of)

    def entries(self, target: str | None = None) -> Iterator[EntryRow]:
        """Entries in order, without proofs; of one target, its units."""
        with self._database.reading() as connection:
            yield from reads.entries(connection, target)

    def parts(self, target: str | None = None, as_of: datetime | None = None) -> Sequence[PartRow]:
        """How well each listing is known, by target and part."""
        with self._database.reading() as connection:
            return reads.parts(connection, target, as_of)

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
        with self._database.reading() as connection:
            yield from evidence.findings(connection, as_of, target, collector, in_order=in_order)

    def documents(
        self, target: str, as_of: datetime | None = None, kind: str | None = None
    ) -> Iterator[DocumentRow]:
        """Live documents of a target, by kind, scope and id."""
        with self._database.reading() as connection:
            yield from evidence.documents(connection, target, as_of, kind)

    def resource(
        self, target: str, resource_id: str, as_of: datetime | None = None, kind: str | None = None
    ) -> Sequence[DocumentRow]:
        """Live documents with this id (more than one if kinds or scopes share it)."""
        with self._database.reading() as connection:
            return list(evidence.documents(connection, target, as_of, kind, resource_id))

    def resources(
        self, target: str, resource_id: str, kind: str | None = None
    ) -> Sequence[tuple[ResourceKey, bytes]]:
        """Every resource a target ever had by this id, or an id that ends so, with key digests.

        Raises:
            NotFoundError: If there is none.
        """
        with self._database.reading() as connection:
            return evidence.resources_named(connection, target, resource_id, kind)

    def history(self, target: str, key: ResourceKey) -> Sequence[HistoryRow]:
        """Every content the resource ever had, oldest first."""
        with self._database.reading() as connection:
            return evidence.history(connection, target, key)

    def readings(
        self, target: str, part: PartKey, as_of: datetime | None = None
    ) -> Sequence[Reading]:
        """How a listing went in each entry of its target, oldest first."""
        with self._database.reading() as connection:
            return timeline.readings(connection, target, part, as_of)

    def sightings(
        self, target: str, key: ResourceKey, as_of: datetime | None = None
    ) -> Sequence[Sighting]:
        """A resource in each entry of its target, from the first that saw it, oldest first."""
        with self._database.reading() as connection:
            return timeline.sightings(connection, target, key, as_of)

    def finding_history(
        self, target: str, key: ResourceKey, check_id: str, as_of: datetime | None = None
    ) -> Sequence[FindingRun]:
        """Every change of what a check said of a resource, or of a listing, oldest first."""
        with self._database.reading() as connection:
            return timeline.finding_runs(connection, target, key, check_id, as_of)

    def changes(self, sweep_a: int, sweep_b: int) -> Changes:
        """What differs between the end of one sweep and the end of a later one."""
        with self._database.reading() as connection:
            return changes.between(connection, sweep_a, sweep_b)

    def following(self, place: int) -> Sequence[Step]:
        """What came after a place in the ledger, up to and with the next end of a sweep."""
        with self._database.reading() as connection:
            return following.steps(connection, place)

    def ledger_stands(self) -> Sequence[Step]:
        """What stands at the ledger's end, as if one entry for each target said all of it."""
        with self._database.reading() as connection:
            return following.standing(connection)

    def ledger_end(self) -> tuple[int, bytes]:
        """The ledger's last place and the leaf there; -1 where it has none."""
        with self._database.reading() as connection:
            return following.end(connection)

    def ledger_leaf(self, place: int) -> bytes | None:
        """The leaf at a place; None beyond the end."""
        with self._database.reading() as connection:
            return following.leaf(connection, place)

    def entry(self, entry: int) -> EntryRow:
        """One entry with its proof under the newest checkpoint."""
        with self._database.reading() as connection:
            return reads.entry(connection, entry)

    def attachment(self, entry: int, name: str) -> bytes:
        """The journal or an activity document of a unit."""
        with self._database.reading() as connection:
            return reads.attachment(connection, entry, name)

    def attachments(self, entry: int) -> Sequence[str]:
        """Names of an entry's attachments."""
        with self._database.reading() as connection:
            return reads.attachments(connection, entry)

    def leaves(self, target: str, as_of: datetime | None = None) -> UnitLeaves:
        """The leaves under the two roots of the target's entry."""
        with self._database.reading() as connection:
            return replay.leaves(connection, target, as_of)

    def open_unit(
        self, target: str, wanted: Callable[[ResourceKey], bool], as_of: datetime | None = None
    ) -> OpenedUnit:
        """A target's entry with its leaves, and every wanted resource opened."""
        with self._database.reading() as connection:
            return opening.unit(connection, self._keys.secret, target, as_of, wanted)

    def open_lines(
        self, entry: int, name: str, wanted: Callable[[Any], bool]
    ) -> Sequence[OpenedLine]:
        """Those lines of an attachment, each with its path to the root in the entry."""
        with self._database.reading() as connection:
            return opening.attachment_lines(connection, self._keys.secret, entry, name, wanted)

    def proven(self, numbers: Sequence[int], sweeps: Sequence[int] = ()) -> Sequence[EntryRow]:
        """These entries, the plans and ends of these sweeps, and the ledger's keys, by place.

        All carry proofs under the same newest head.
        """
        with self._database.reading() as connection:
            return opening.proven(connection, numbers, sweeps)

    def disclose(self, target: str, key: ResourceKey, as_of: datetime | None = None) -> Disclosure:
        """Open every salted member of a resource, for a verifier without the key."""
        with self._database.reading() as connection:
            return replay.disclose(connection, self._keys.secret, target, key, as_of)

    def disclose_findings(
        self, target: str, key: ResourceKey, as_of: datetime | None = None
    ) -> Sequence[VerdictItem]:
        """Open a resource's verdict leaf."""
        with self._database.reading() as connection:
            return replay.disclose_findings(connection, self._keys.secret, target, key, as_of)
