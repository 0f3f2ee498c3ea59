"""Verification of what came after a head: the head proves the rest unchanged, if it is proven."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from evidence_store import accesses, ledger, lineage, merkle, remnants
from evidence_store.answers import Checkpoint, Report
from evidence_store.canonical import parsed
from evidence_store.database import Database, batches
from evidence_store.decisions import kept_list
from evidence_store.digests import Digests, key_text
from evidence_store.errors import NotFoundError
from evidence_store.interface import Progress
from evidence_store.keys import Keys
from evidence_store.leaf_order import LeafOrder
from evidence_store.letting_go import LettingGo
from evidence_store.model import ResourceKey
from evidence_store.tables import (
    KINDS,
    attachments,
    checkpoints,
    contents,
    entries,
    leaves,
    observations,
    pending,
    resources,
    targets,
    verdicts,
)
from evidence_store.target_verification import BROKEN, COLUMNS, content
from evidence_store.times import microseconds
from evidence_store.unit_verification import Scopes, Units
from evidence_store.verification import Given, Verification

UNIT: Final = KINDS["unit"]
DECISIONS: Final = frozenset({"retention", "hold", "lift", "purge", "erasure"})
FRAME: Final = tuple(KINDS[kind] for kind in ("key", "restore", "plan", "close"))
"""Entries of the ledger itself that are read however old they are: they frame the newer ones."""


def verify(
    database: Database, keys: Keys, progress: Progress | None, given: Given, head: Checkpoint | int
) -> Report:
    """Check what came after a head in one unmoving view; an int is the size of one of our own.

    Raises:
        NotFoundError: If the store has no head of that size.
    """
    with database.reading() as connection:
        return Since(connection, keys, progress, given, head).report()


class Since(Verification):
    """One run over what is newer than a head."""

    def __init__(
        self,
        connection: sa.Connection,
        keys: Keys,
        progress: Progress | None,
        given: Given,
        head: Checkpoint | int,
    ) -> None:
        super().__init__(connection, keys, progress, given)
        self.own = isinstance(head, int)
        self.head = _own(connection, head) if isinstance(head, int) else head
        rows = connection.execute(sa.select(leaves).order_by(leaves.c.position)).all()
        self.places = rows
        self.positions = {entry: position for position, entry, _ in rows}
        self.waiting = set(connection.scalars(sa.select(pending.c.entry_id)))
        placed = {entry for position, entry, _ in rows if position >= self.head.size}
        self.fresh = placed | self.waiting
        self.begun: dict[int, int] = {}
        """Targets with an entry after the head, and their last one before it; 0: none."""

    def steps(self) -> Sequence[tuple[str, Callable[[], None]]]:
        """What is newer than the head, and what is small enough to be looked at whole."""
        return (
            ("checks", self._checks),
            ("entries", self._entries),
            ("leaves", self._leaves),
            ("contents", self._contents),
            ("attachments", self._attachments),
            ("letting go", self._letting_go),
            ("accesses", self._accesses),
            ("units", self._units),
            ("checkpoints", self._checkpoints),
            ("receipts", self._receipts),
            ("sweeps", self._sweeps),
            ("parts", self._parts),
        )

    def report(self) -> Report:
        """Prove the head, then run every check; nothing is built on a head that is not proven."""
        try:
            self._prove()
        except BROKEN as error:
            self.problem("head", self.head.size, f"cannot be checked: {error!r}")
        if self.problems:
            self.statements.append(
                "Nothing was verified: what this ledger has does not begin with that head. Verify"
                " all of it: annexa verify"
            )
            return Report(tuple(self.problems), tuple(self.statements), {})
        self._say()
        return super().report()

    def _prove(self) -> None:
        """The head is signed, and over the first leaves there are."""
        size = self.head.size
        if not lineage.require(self.connection).is_signed(self.head):
            self.problem("head", size, "is not signed by this ledger's key for its size")
        if [row.position for row in self.places] != list(range(len(self.places))):
            self.problem("leaves", "", "a place is missing")
        elif size > len(self.places):
            self.problem(
                "head", size, f"there are {len(self.places)} leaves: the store was rolled back"
            )
        elif merkle.root([row.hash for row in self.places[:size]]) != self.head.root:
            self.problem("head", size, f"the first {size} leaves are others: history was rewritten")

    def _say(self) -> None:
        size = self.head.size
        self.statements.append(
            f"The head over {size} entries is a prefix of this ledger: verified was what came"
            f" after it. NOT looked at again: the {size} entries up to it beyond those that name"
            " keys, plans and ends of sweeps; their changed rows, documents, reasons, attachments,"
            " accesses and what was let go of them; targets without a newer entry; and the"
            " database file as such. All of that: annexa verify"
        )
        if self.own:
            self.statements.append(
                "That head is the store's own: whoever rewrote everything before it could have"
                " signed it too. Give a head that somebody else kept: --since FILE"
            )

    def _entries(self) -> None:
        known = set(self.connection.scalars(sa.select(entries.c.id)))
        for entry in sorted(known - self.positions.keys() - self.waiting):
            self.problem("entries", entry, "is neither in the ledger nor waiting for it")
        for entry in sorted((self.positions.keys() | self.waiting) - known):
            self.problem("entries", entry, "is missing")
        rows = list(self._rows(entries, entries.c.id, sorted(self.fresh)))
        self.read(sorted([*rows, *self._framing(rows)], key=lambda row: row.id))
        self.counts["entries"] = len(rows)

    def _framing(self, rows: Sequence[sa.Row[Any]]) -> Iterator[sa.Row[Any]]:
        """Entries under the head that newer ones build upon; each is still the leaf it was."""
        swept = sorted({row.sweep for row in rows if row.kind in (UNIT, *FRAME[2:])})
        wanted = set(self.connection.scalars(sa.select(entries.c.id).where(_framing(swept))))
        under = sa.select(entries.c.id, entries.c.target_id).where(entries.c.kind == UNIT)
        rows_under = self.connection.execute(under.order_by(entries.c.id))
        last = {target: entry for entry, target in rows_under if entry not in self.fresh}
        for target in {row.target_id for row in rows if row.kind == UNIT}:
            self.begun[target] = last.get(target, 0)
        wanted |= set(self.begun.values()) - {0}
        hashes = {entry: digest for _, entry, digest in self.places}
        for row in self._rows(entries, entries.c.id, sorted(wanted - self.fresh)):
            if merkle.leaf(row.body) != hashes.get(row.id):
                self.problem("leaves", self.positions[row.id], f"is not the hash of entry {row.id}")
            yield row

    def _rows(
        self, table: sa.Table, column: sa.Column[Any], values: Sequence[int]
    ) -> Iterator[sa.Row[Any]]:
        for some in batches(values):
            yield from self.connection.execute(sa.select(table).where(column.in_(some)))

    def _leaves(self) -> None:
        bodies = self._rows(entries, entries.c.id, sorted(self.fresh))
        known = {row.id: row.body for row in bodies}
        order = LeafOrder(self.bodies, one_writer=self.database.one_writer)
        for position, entry, digest in self.places:
            if position < self.head.size:
                if entry in self.bodies:
                    list(order.wrong(entry))  # said when it was new
                elif self.database.one_writer:
                    order.seen("", entry)
                continue
            if entry in known and merkle.leaf(known[entry]) != digest:
                self.problem("leaves", position, f"is not the hash of entry {entry}")
            for what in order.wrong(entry):
                self.problem("leaves", position, what)
            if entry in self.waiting:
                self.problem("pending", entry, "is in the ledger and waiting for it")
        self.counts["leaves"] = len(self.places) - self.head.size
        if self.waiting:
            self.statements.append(
                f"{len(self.waiting)} entries wait for their place in the ledger."
            )

    def _contents(self) -> None:
        number = 0
        digests = cache(lambda name: Digests(self.keys.secret, name))
        for target, after in sorted(self.begun.items()):
            rows = self.connection.execute(
                sa.select(
                    *COLUMNS,
                    observations.c.content,
                    targets.c.name,
                )
                .select_from(observations)
                .join(resources, resources.c.id == observations.c.resource_id)
                .join(targets, targets.c.id == resources.c.target_id)
                .outerjoin(contents, contents.c.digest == observations.c.content)
                .where(
                    resources.c.target_id == target,
                    observations.c.entry_id > after,
                    observations.c.content.is_not(None),
                )
                .execution_options(yield_per=1000)
            )
            for row in rows:
                number += 1
                where = row.content.hex()[:16]
                if row.digest is None:
                    self.problem("contents", where, "is missing")
                    continue
                self.scopes.setdefault(row.digest, None)
                if row.body is None:
                    self._let_go(where, row)
                else:
                    content(digests(row.name), self.scopes, self.problem, row[: len(COLUMNS)])
        self.counts["contents"] = number

    def _let_go(self, where: str, row: Any) -> None:  # noqa: ANN401 - a row of many columns
        """A newer document of which only the rest is left, or nothing: an entry must say so."""
        named = self._named()
        if row.digest not in named:
            self.problem("contents", where, "its document is gone, and no entry says why")
        elif named[row.digest]:
            self.let_go.add(row.digest)
        left = remnants.left_of(self.connection, row.digest)
        if left is None:
            return
        key = key_text(ResourceKey(row.kind, row.scope, row.identity))
        digests = Digests(self.keys.secret, row.name)
        try:
            kept = remnants.kept(*left)
            self.scopes[row.digest] = kept.document["scope"]
            if remnants.id_of(kept, digests, key) != row.digest:
                self.problem("remnants", where, "the members left are not what its id says")
        except BROKEN as error:
            self.problem("remnants", where, f"cannot be read: {error!r}")

    def _named(self) -> dict[bytes, bool]:
        """Every content that an entry says was let go, and whether an entry left nothing of it."""
        kinds = KINDS["purge"], KINDS["erasure"]
        rows = self.connection.execute(sa.select(entries).where(entries.c.kind.in_(kinds)))
        bodies = (self.bodies.get(row.id) or parsed(row.body) for row in rows)
        found: dict[bytes, bool] = {}
        for body in bodies:
            for digest in map(bytes.fromhex, kept_list(self.connection, body["contents"])):
                found[digest] = found.get(digest, False) or body.get("members") is None
        return found

    def _attachments(self) -> None:
        numbers = sorted(self.fresh)
        self.attached(numbers, self._rows(attachments, attachments.c.entry_id, numbers))

    def _letting_go(self) -> None:
        """Decisions are rare, and build upon each other: with a new one, all are followed."""
        if not any(self.bodies.get(entry, {}).get("kind") in DECISIONS for entry in self.fresh):
            return
        rows = self.connection.execute(sa.select(entries))
        bodies = {row.id: self.bodies.get(row.id) or parsed(row.body) for row in rows}
        LettingGo(self.connection, self.keys.secret, bodies, self.scopes, self.problem).check()

    def _accesses(self) -> None:
        sealing = sa.select(entries.c.id).where(entries.c.kind == KINDS["access"])
        old = (entry for entry in self.connection.scalars(sealing) if entry not in self.fresh)
        waiting = accesses.verify(self.connection, self.bodies, self.problem, max(old, default=0))
        if waiting:
            self.statements.append(f"{waiting} accesses are not sealed by an entry yet.")

    def _units(self) -> None:
        scopes = Scopes(self.scopes, self.let_go)
        units = Units(self.connection, self.keys.secret, self.bodies, scopes, self.problem)
        rows = self.connection.execute(sa.select(targets.c.id, targets.c.name))
        names: dict[int, str] = dict(rows.all())
        for done, (target, after) in enumerate(sorted(self.begun.items())):
            name = names.get(target, str(target))
            self.progress(name, done, len(self.begun))
            try:
                units.check(target, name, after)
            except BROKEN as error:
                self.problem("targets", name, f"cannot be replayed: {error!r}")
        for table in (observations, verdicts):
            for resource, entry in self.connection.execute(
                _strays(table, min(self.fresh, default=0))
            ):
                self.problem(table.name, f"resource {resource}", f"is of no unit: entry {entry}")
        self.counts["targets"] = len(self.begun)
        self.counts |= units.counts

    def _sweeps(self) -> None:
        bodies = (self.bodies[entry] for entry in self.fresh & self.bodies.keys())
        newer = {b["sweep"] for b in bodies if b["kind"] in {"plan", "unit", "close"}}
        self.swept(lambda sweep: sweep in newer)


def _framing(swept: Sequence[int]) -> sa.ColumnElement[bool]:
    """What is read however old: the ledger's frame, and all units of these sweeps."""
    return entries.c.kind.in_(FRAME) | ((entries.c.kind == UNIT) & entries.c.sweep.in_(swept))


def _strays(table: sa.Table, since: int) -> sa.Select[Any]:
    """Rows of a table of changes that claim an entry which is no unit of their target."""
    of = (entries.c.id == table.c.entry_id) & (entries.c.target_id == resources.c.target_id)
    return (
        sa.select(table.c.resource_id, table.c.entry_id)
        .outerjoin(resources, resources.c.id == table.c.resource_id)
        .outerjoin(entries, of & (entries.c.kind == UNIT))
        .where(table.c.entry_id >= since, entries.c.id.is_(None))
    )


def _own(connection: sa.Connection, size: int) -> Checkpoint:
    """The store's own head of this size."""
    found = {head.size: head for head in ledger.heads(connection)}
    if size not in found:
        near = sorted(found, key=lambda each: abs(each - size))[:5]
        raise NotFoundError(
            f"the store has no signed head of size {size}; near it:"
            f" {', '.join(map(str, sorted(near))) or 'none at all'}"
        )
    return found[size]


def head_before(connection: sa.Connection, at: datetime) -> int | None:
    """The size of the largest head that is only over entries recorded before a time."""
    first = (
        sa.select(sa.func.min(leaves.c.position))
        .join(entries, entries.c.id == leaves.c.entry_id)
        .where(entries.c.recorded_at >= microseconds(at))
    )
    end = connection.scalar(first)
    query = sa.select(sa.func.max(checkpoints.c.size))
    found: int | None = connection.scalar(
        query if end is None else query.where(checkpoints.c.size <= end)
    )
    return found
