"""Every column of every table, edited past the guards, one at a time: all of it is found.

The attacker owns the database and drops its triggers, but cannot write to what others hold: the
signed heads. `test_attacks_by_name.py` has attacks that need more than one statement.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import pytest
import sqlalchemy as sa

from evidence_store import Report, Store, StoreError, comparing, lineage, reads
from evidence_store.location import File, Location, Server
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder
from evidence_store.tables import metadata
from evidence_store.verification import Given, Verification
from tests.evidence_store.builders import Bench, Clock, drop_guards
from tests.evidence_store.lived_in import BUILDS
from tests.evidence_store.stamps import Stamps
from tests.postgres import PostgresServer

TABLES: Final = {table.name: table for table in metadata.sorted_tables}
COLUMNS: Final = [
    (table.name, column.name) for table in TABLES.values() for column in table.columns
]

STATED: Final = {
    ("checkpoints", "deleted"): "holds heads that the store itself has no more",
    ("accesses", "added"): "accesses are not sealed by an entry yet",
    ("receipts", "deleted"): "receipts are newer than the last plan",
}
"""What nothing can tell from an honest store, and harms nothing: a statement says it."""

RENUMBERED: Final = "a gap in these numbers is what a transaction that was taken back leaves"
SERVER_GAPS: Final = {("remnants", "id"): RENUMBERED}
"""Edits that a server cannot tell from its own gaps, and that change nothing that can be read."""


class TakenBack(Exception):  # noqa: N818 - no error: it ends the attacker's transaction
    """Raised so that the next attack finds the store as it was."""


class World:
    """One store that has lived; each attack is taken back after the look at it."""

    def __init__(self, location: Location, held: Path, build: str) -> None:
        self.clock = Clock()
        held.mkdir()
        outside = Outside([DirectoryHolder("share", held)], [Stamps(self.clock)])
        self.store = Store.open(location, clock=self.clock, origin="annexa/test", outside=outside)
        bench = Bench(self.store, self.clock, location)
        for step in BUILDS[build]:
            step(bench)
        assert bench.problems() == []
        found = comparing.ask(outside.holders, self.store.ledger, every=True)
        self.given = Given((), tuple(found), outside.authorities)
        with self.store._database.writing() as connection:
            drop_guards(connection, on_file=isinstance(location, File))

    def attacked(self, statement: sa.Executable | None) -> Report:
        """What an auditor is told of the store with one statement run on it."""
        reports = []
        with suppress(TakenBack), self.store._database.writing() as connection:
            if statement is not None:
                done = connection.execute(statement)
                assert done.is_insert or done.rowcount == 1
            reports.append(self._report(connection))
            raise TakenBack
        (report,) = reports
        return report

    def _report(self, connection: sa.Connection) -> Report:
        try:
            reads.first_entry(connection)
            lineage.require(connection)
        except StoreError as error:  # it would not even open
            return Report((), (str(error),), {"refused": 1})
        return Verification(connection, self.store._keys, None, self.given).report()

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Every row of a table, by its key."""
        with self.store._database.reading() as connection:
            query = sa.select(TABLES[table]).order_by(*TABLES[table].primary_key)
            return [dict(row) for row in connection.execute(query).mappings()]


Opened = Callable[[str, str], World]


@pytest.fixture(scope="module")
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    """Builds each world once."""
    worlds: dict[tuple[str, str], World] = {}
    bases = []

    def world(backend: str, build: str) -> World:
        if (backend, build) not in worlds:
            folder = tmp_path_factory.mktemp("attacks")
            location: Location = File(folder / "store" / "annexa.db")
            if backend == "postgresql":
                postgres: PostgresServer = request.getfixturevalue("postgres")
                base = postgres.database()
                bases.append(base)
                location = Server(postgres.url(base.__enter__()), folder / "keys")
            worlds[backend, build] = World(location, folder / "held", build)
        return worlds[backend, build]

    yield world
    for each in worlds.values():
        each.store.close()
    for base in bases:
        base.__exit__(None, None, None)


HOW_MANY: Final = [
    pytest.param(("sqlite", "erased", 1), id="a row"),
    *(
        pytest.param((backend, build, None), id=f"every row, {build}, {backend}",
                     marks=pytest.mark.prove)
        for backend in ("sqlite", "postgresql")
        for build in BUILDS
    ),
]  # fmt: skip


@pytest.fixture(params=HOW_MANY, scope="module")
def attack(request: pytest.FixtureRequest, opened: Opened) -> Attack:
    backend, build, count = request.param
    return Attack(opened(backend, build), backend, count)


class Attack:
    """One kind of attack on the rows of a world: all of them, or as many as asked for."""

    def __init__(self, world: World, backend: str, count: int | None) -> None:
        self.world = world
        self.backend = backend
        self.count = count

    def picked(self, rows: Sequence[dict[str, Any]], kind: str) -> Sequence[dict[str, Any]]:
        """Always the same ones for a kind."""
        if self.count is None or len(rows) <= self.count:
            return rows
        return random.Random(kind).sample(rows, self.count)  # noqa: S311 - no secret

    def unseen(self, name: str, done: str, statements: Sequence[sa.Executable]) -> list[str]:
        """Which of the statements an auditor would not be told of."""
        found = []
        for statement in statements:
            report = self.world.attacked(statement)
            told = STATED.get((name, done))
            stated = told is not None and any(re.search(told, line) for line in report.statements)
            if not (report.problems or report.counts.get("refused") or stated):
                found.append(str(statement.compile(compile_kwargs={"literal_binds": False}))
                             + f" {statement.compile().params}")  # fmt: skip
        return found


def other(value: object, column: sa.Column[Any]) -> object:
    """A value that is nearly the same; of keys, one that no row has."""
    unique = column.primary_key or column.name.endswith("_id") or column.name in {"sweep", "kind"}
    if isinstance(value, int) and unique:
        return value + 1000
    match value:
        case bytes():
            return value[:-1] + bytes([value[-1] ^ 1])
        case int():
            return value + 1
        case str():
            return f"{value[:-1]}{'x' if value[-1:] != 'x' else 'y'}"
    if isinstance(column.type, sa.LargeBinary):
        return b"\1" * 32
    return "x" if isinstance(column.type, sa.Text) else 1


def at(table: sa.Table, row: dict[str, Any]) -> sa.ColumnElement[bool]:
    return sa.and_(*(key == row[key.name] for key in table.primary_key))


@pytest.mark.parametrize(("name", "column"), COLUMNS)
def test_an_edited_value_is_found(attack: Attack, name: str, column: str) -> None:
    if attack.backend == "postgresql" and (name, column) in SERVER_GAPS:
        pytest.skip(SERVER_GAPS[name, column])
    table = TABLES[name]
    rows = attack.picked(attack.world.rows(name), f"{name}.{column}")
    edits = [
        sa.update(table)
        .where(at(table, row))
        .values({column: other(row[column], table.columns[column])})
        for row in rows
    ]
    assert attack.unseen(name, "edited", edits) == []


@pytest.mark.parametrize(
    ("name", "column"), [each for each in COLUMNS if TABLES[each[0]].columns[each[1]].nullable]
)
def test_an_emptied_value_is_found(attack: Attack, name: str, column: str) -> None:
    table = TABLES[name]
    full = [row for row in attack.world.rows(name) if row[column] is not None]
    rows = attack.picked(full, f"{name}.{column}")
    edits = [sa.update(table).where(at(table, row)).values({column: None}) for row in rows]
    assert attack.unseen(name, "emptied", edits) == []


@pytest.mark.parametrize("name", TABLES)
def test_a_deleted_row_is_found(attack: Attack, name: str) -> None:
    table = TABLES[name]
    rows = attack.picked(attack.world.rows(name), name)
    assert (
        attack.unseen(name, "deleted", [sa.delete(table).where(at(table, r)) for r in rows]) == []
    )


@pytest.mark.parametrize("name", TABLES)
def test_an_added_row_is_found(attack: Attack, name: str) -> None:
    """A copy of a row under another key, as plausible as a row can be."""
    table = TABLES[name]
    unique = {key.name for key in table.primary_key}
    unique |= {
        column.name
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
        for column in list(constraint.columns)[:1]
    }
    rows = attack.picked(attack.world.rows(name), name)
    added = [
        {n: other(value, table.columns[n]) if n in unique else value for n, value in row.items()}
        for row in rows
    ]
    assert attack.unseen(name, "added", [sa.insert(table).values(row) for row in added]) == []


@pytest.mark.parametrize("backend", ["sqlite", "postgresql"])
def test_an_untouched_store_gives_no_alarm_and_fills_every_table(
    opened: Opened, backend: str
) -> None:
    world = opened(backend, "erased")
    assert world.attacked(None).problems == ()
    empty = {name for name in TABLES if not world.rows(name)}
    assert empty == set()
