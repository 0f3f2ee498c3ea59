"""Verification: recompute everything from the append-only tables and say what does not agree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from evidence_store import accesses, carried, merkle, strays
from evidence_store.answers import Checkpoint, Problem, Report
from evidence_store.canonical import parsed
from evidence_store.codecs import ZLIB, unpacked
from evidence_store.comparing import HeldBy
from evidence_store.database import Database, database_of
from evidence_store.digests import CHECK, Digests
from evidence_store.errors import StoreError
from evidence_store.head_verification import Heads
from evidence_store.interface import Progress
from evidence_store.keys import Keys
from evidence_store.leaf_order import LeafOrder
from evidence_store.letting_go import LettingGo
from evidence_store.outside import Authority
from evidence_store.receipt_verification import Receipts
from evidence_store.side_by_side import checked
from evidence_store.tables import (
    KINDS,
    attachments,
    checks,
    contents,
    entries,
    leaves,
    observations,
    part_documents,
    pending,
    targets,
)
from evidence_store.target_verification import BROKEN, LetGo
from evidence_store.times import microseconds, moment
from evidence_store.unit_verification import Scopes, Units


@dataclass(frozen=True)
class Given:
    """What verification is given besides the store.

    Attributes:
        trusted: Heads somebody kept.
        held: What the configured holders answered.
        authorities: Time-stamping authorities whose stamps can be checked.
        jobs: Processes that verify targets; None: one for each core if the store is large.
    """

    trusted: tuple[Checkpoint, ...] = ()
    held: tuple[HeldBy, ...] = ()
    authorities: Sequence[Authority] = ()
    jobs: int | None = 1


def verify(database: Database, keys: Keys, progress: Progress | None, given: Given) -> Report:
    """Check the whole store in one unmoving view of it."""
    with database.reading() as connection:
        return Verification(connection, keys, progress, given).report()


class Verification:
    """One run over the store; problems and statements gather as it goes."""

    def __init__(
        self,
        connection: sa.Connection,
        keys: Keys,
        progress: Progress | None,
        given: Given,
    ) -> None:
        self.connection = connection
        self.database = database_of(connection)
        self.keys = keys
        self.given = given
        self.progress: Progress = progress or (lambda _what, _done, _all: None)
        self.problems: list[Problem] = []
        self.statements: list[str] = []
        self.counts: dict[str, int] = {}
        self.scopes: dict[bytes, str | None] = {}
        """Contents that were let go to their document's scope; None where nothing is left."""
        self.let_go: set[bytes] = set()
        self.bodies: dict[int, dict[str, Any]] = {}
        self.positions: dict[int, int] = {}

    def steps(self) -> Sequence[tuple[str, Callable[[], None]]]:
        """Every check, in order, with the name it bears in problems and progress."""
        return (
            ("file", self._file),
            ("checks", self._checks),
            ("contents", self._contents),
            ("part_documents", self._part_documents),
            ("entries", self._entries),
            ("attachments", self._attachments),
            ("letting go", self._letting_go),
            ("accesses", self._accesses),
            ("units", self._units),
            ("strays", self._strays),
            ("leaves", self._leaves),
            ("checkpoints", self._checkpoints),
            ("receipts", self._receipts),
            ("sweeps", self._sweeps),
            ("parts", self._parts),
        )

    def report(self) -> Report:
        """Run every check."""
        steps = self.steps()
        for number, (name, step) in enumerate(steps):
            self.progress(name, number, len(steps))
            try:
                step()
            except BROKEN as error:
                self.problem(name, "", f"cannot be checked to the end: {error!r}")
        self.progress("done", len(steps), len(steps))
        unique = dict.fromkeys(self.problems)
        return Report(tuple(unique), tuple(self.statements), self.counts)

    def problem(self, table: str, row: object, what: str) -> None:
        """Note what is wrong."""
        self.problems.append(Problem(table, str(row), what))

    def _file(self) -> None:
        for line in self.database.damage(self.connection):
            self.problem("file", "", line)

    def _checks(self) -> None:
        for row in self.connection.execute(sa.select(checks)):
            if sha256(CHECK + row.body).digest() != row.digest:
                self.problem("checks", row.id, "the check's text is not what its digest says")
            told = parsed(row.body)
            if (told["id"], told["version"], told["severity"]) != row[1:4]:
                self.problem("checks", row.id, "columns differ from the check's text")

    def _contents(self) -> None:
        """Whose each is; the documents themselves are looked at with their target."""
        owned = sa.select(observations.c.content).where(observations.c.content.is_not(None))
        rows = self.connection.execute(
            sa.select(
                contents.c.digest,
                contents.c.codec,
                contents.c.body.is_(None).label("empty"),
                contents.c.digest.in_(owned).label("owned"),
            ).execution_options(yield_per=1000)
        )
        number = erased = 0
        for number, row in enumerate(rows, 1):  # noqa: B007 - counted
            where = row.digest.hex()[:16]
            if row.codec != ZLIB:
                self.problem("contents", where, "is of another codec")
            if not row.owned:
                self.problem("contents", where, "no observation refers to it")
            elif row.empty:
                self.scopes[row.digest] = None
                erased += 1
        self.counts["contents"] = number
        if erased:
            self.statements.append(f"{erased} contents were let go; their digests still stand.")

    def _part_documents(self) -> None:
        for row in self.connection.execute(sa.select(part_documents)):
            where = row.digest.hex()[:16]
            try:
                if sha256(unpacked(row.codec, row.body)).digest() != row.digest:
                    self.problem(
                        "part_documents", where, "the document is not what its digest says"
                    )
            except StoreError as error:
                self.problem("part_documents", where, str(error))

    def _entries(self) -> None:
        self.counts["entries"] = self.read(
            self.connection.execute(sa.select(entries).order_by(entries.c.id))
        )

    def read(self, found: Iterable[sa.Row[Any]]) -> int:
        """Check entries, given in order, against their bodies, and keep those; return how many."""
        rows = self.connection.execute(sa.select(targets.c.id, targets.c.name))
        names: dict[int, str] = dict(rows.all())
        owners: dict[int, str | None] = {0: None, **names}
        number, backwards = 0, 0
        last: dict[int, int] = {}
        for number, row in enumerate(found, 1):  # noqa: B007 - counted
            try:
                body = self.bodies[row.id] = parsed(row.body)
            except ValueError:
                self.problem("entries", row.id, "the body is no JSON")
                continue
            told = _columns(body)
            for name in sorted(told):
                column = owners.get(row.target_id, "") if name == "target" else getattr(row, name)
                if column != told[name]:
                    self.problem("entries", row.id, f"column {name} differs from the body")
            # Several workers overlap; each target's own entries, and the plans, do not.
            line = 0 if self.database.one_writer else row.target_id
            backwards += row.recorded_at < last.get(line, 0)
            last[line] = max(last.get(line, 0), row.recorded_at)
        if backwards:
            self.statements.append(
                f"{backwards} entries carry an earlier time than one before them: the clock was"
                " set back, or several machines record."
            )
        return number

    def _attachments(self) -> None:
        self.attached(self.bodies, self.connection.execute(sa.select(attachments)))

    def attached(self, of: Iterable[int], rows: Iterable[sa.Row[Any]]) -> None:
        """Check rows of attachments: all there are of these entries."""
        expected = {
            (number, name): digest
            for number, body in ((each, self.bodies.get(each, {})) for each in of)
            for name, digest in body.get("attachments", {}).items()
        }
        erased = 0
        for row in rows:
            where = f"{row.entry_id} {row.name}"
            root = expected.pop((row.entry_id, row.name), None)
            if row.codec != ZLIB:
                self.problem("attachments", where, "is of another codec")
            if root is None:
                self.problem("attachments", where, "the entry does not name it")
            if row.body is None:
                erased += 1
                continue
            try:
                text = unpacked(row.codec, row.body)
            except StoreError as error:
                self.problem("attachments", where, str(error))
                continue
            if (sha256(text).digest(), len(text)) != (row.sha256, row.size):
                self.problem("attachments", where, "the bytes are not what their digest says")
            digests = Digests(self.keys.secret, self.bodies[row.entry_id].get("target", ""))
            if root is not None and digests.attachment_root(row.name, text).hex() != root:
                self.problem("attachments", where, "its lines are not what the entry says")
        for number, name in expected:
            self.problem("attachments", f"{number} {name}", "missing")
        if erased:
            self.statements.append(f"{erased} attachments were let go; their digests still stand.")

    def _letting_go(self) -> None:
        secret = self.keys.secret
        found = LettingGo(self.connection, secret, self.bodies, self.scopes, self.problem)
        found.check()
        self.let_go = found.bare

    def _accesses(self) -> None:
        if waiting := accesses.verify(self.connection, self.bodies, self.problem):
            self.statements.append(f"{waiting} accesses are not sealed by an entry yet.")

    def _units(self) -> None:
        rows = self.connection.execute(sa.select(targets.c.id, targets.c.name))
        names: dict[int, str] = dict(rows.all())
        secret, let_go = self.keys.secret, LetGo(self.scopes, self.let_go)
        told = self.progress
        found = checked(self.connection, secret, let_go, names, self.given.jobs, told)
        self.counts |= {"targets": len(names), "observations": 0, "verdicts": 0}
        for each in found:
            self.problems += each.problems
            for name, count in each.counts.items():
                self.counts[name] += count
        scopes = Scopes(self.scopes, self.let_go)
        units = Units(self.connection, secret, self.bodies, scopes, self.problem)
        units.check_strays(set(names))

    def _strays(self) -> None:
        self.statements += strays.check(self.connection, self.bodies, self.problem)

    def _leaves(self) -> None:
        waiting = set(self.connection.scalars(sa.select(pending.c.entry_id)))
        bodies = self.connection.execute(sa.select(entries.c.id, entries.c.body))
        known: dict[int, bytes] = dict(bodies.all())
        rows = self.connection.execute(sa.select(leaves).order_by(leaves.c.position)).all()
        order = LeafOrder(self.bodies, one_writer=self.database.one_writer)
        for expected, (position, entry, digest) in enumerate(rows):
            if position != expected:
                self.problem("leaves", position, f"place {expected} is missing")
                break
            body = known.pop(entry, None)
            if body is None:
                self.problem("leaves", position, f"entry {entry} is missing")
            elif merkle.leaf(body) != digest:
                self.problem("leaves", position, f"is not the hash of entry {entry}")
            for what in order.wrong(entry):
                self.problem("leaves", position, what)
            self.positions[entry] = position
            if entry in waiting:
                self.problem("pending", entry, "is in the ledger and waiting for it")
        for entry in sorted(known.keys() - waiting):
            self.problem("entries", entry, "is neither in the ledger nor waiting for it")
        self.counts["leaves"] = len(rows)
        if waiting:
            self.statements.append(f"{len(waiting)} entries wait for their place in the ledger.")

    def _checkpoints(self) -> None:
        heads = Heads(self.connection, self.keys, self.bodies, self.positions, self.problem)
        self.counts["checkpoints"] = heads.check(self.given.trusted, self.given.held)
        self.statements += heads.statements

    def _receipts(self) -> None:
        authorities = {each.name: each for each in self.given.authorities}
        found = Receipts(
            self.connection,
            self.keys.secret,
            self.bodies,
            self.positions,
            authorities,
            self.problem,
        )
        self.counts["receipts"] = found.check()
        self.statements += found.statements

    def _sweeps(self) -> None:
        self.swept(lambda _sweep: True)

    def swept(self, wanted: Callable[[int], bool]) -> None:
        """Compare plans, units and ends; of the sweeps whose units are not all known, no word."""
        of: dict[str, dict[int, Any]] = {"plan": {}, "close": {}}
        recorded: dict[int, set[str]] = {}
        for number, body in self.bodies.items():
            kind, sweep = body.get("kind"), body.get("sweep", 0)
            if kind in of:
                of[kind][sweep] = body
            elif kind == "unit":
                recorded.setdefault(sweep, set()).add(body["target"])
                if body["target"] not in of["plan"].get(sweep, {}).get("targets", {}):
                    self.problem("entries", number, f"was not planned in sweep {sweep}")
        for sweep, plan in of["plan"].items():
            if not wanted(sweep):
                continue
            owed = sorted(set(plan["targets"]) - recorded.get(sweep, set()))
            if owed:
                self.statements.append(
                    f"Sweep {sweep} planned and did not record: {', '.join(owed)}."
                )
            if sweep not in of["close"]:
                self.statements.append(f"Sweep {sweep} was not closed.")
        if sorted(of["plan"]) != list(range(1, len(of["plan"]) + 1)):
            self.problem("entries", "", "the plan of a sweep is missing")
        self.counts["sweeps"] = sum(map(wanted, of["plan"]))

    def _parts(self) -> None:
        self.statements += carried.sentences(self.connection)


def _columns(body: dict[str, Any]) -> dict[str, Any]:
    """What an entry's columns must say, from its body."""
    told: dict[str, Any] = {
        "kind": KINDS[body["kind"]],
        "sweep": body["sweep"],
        "attempt": body.get("attempt", 0),
        "recorded_at": microseconds(moment(body["recorded"])),
        "target": body.get("target"),
    }
    for name in ("outcome", "resources", "added", "changed", "gone"):
        told[name] = body.get(name)
    for column, name in (("state_root", "state"), ("verdict_root", "verdicts")):
        told[column] = bytes.fromhex(body[name]) if name in body else None
    return told
