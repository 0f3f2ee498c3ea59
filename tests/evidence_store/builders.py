"""A clock that moves by hand, and short ways to make records."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from evidence_store import (
    CheckRef,
    Document,
    Finding,
    PartRecord,
    Plan,
    PlannedTarget,
    Receipt,
    ResourceKey,
    Store,
    UnitRecord,
    canonical,
)
from evidence_store.location import File, Location
from evidence_store.tables import EMPTIED, EVIDENCE, entries

T0 = datetime(2026, 11, 1, tzinfo=UTC)
PRIVATE = CheckRef("aws.s3.bucket_public_access_blocked", "1", "high", {})
VERSIONED = CheckRef("aws.s3.bucket_versioning_enabled", "1", "low", {})

ON_SQLITE = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("backend", ["postgresql"], indirect=True)

# What SQLite has and PostgreSQL has not, so that one attack runs on both.
AS_IN_SQLITE = (
    "CREATE DOMAIN blob AS bytea",
    """CREATE FUNCTION zeroblob(n int) RETURNS bytea LANGUAGE sql AS
    $$ SELECT decode(repeat('00', n), 'hex') $$""",
    """CREATE FUNCTION replace(b bytea, old text, new text) RETURNS bytea LANGUAGE sql AS
    $$ SELECT convert_to(replace(convert_from(b, 'UTF8'), old, new), 'UTF8') $$""",
)

GUARDED = {
    "sqlite": "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'",
    # 1: each row, 2: before, 8: deleted, 16: updated, 32: truncated; A: always.
    "postgresql": "SELECT relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
    " WHERE (tgname, tgtype::int) IN (('append_only', 2 + 8 + 16 + 32),"
    " ('append_only', 2 + 8 + 32), ('only_emptied', 1 + 2 + 16)) AND tgenabled = 'A'",
}


class Clock:
    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **parts: float) -> None:
        self.now += timedelta(**parts)


def document(
    name: str,
    *findings: Finding,
    versioning: str = "Enabled",
    kind: str = "aws.s3.bucket",
    scope: str = "",
    own_scope: str = "eu-west-1",
) -> Document:
    body = canonical(
        {
            "kind": kind,
            "scope": own_scope,
            "id": name,
            "listed": {"Name": name},
            "facts": {"versioning": {"Status": versioning}},
        }
    )
    key = ResourceKey(kind, scope, name)
    return Document(key, lambda: body, hashlib.sha256(body).digest(), findings)


def passes(check: CheckRef = PRIVATE, reason: str = "") -> Finding:
    return Finding(check, "pass", None, reason)


def fails(check: CheckRef = PRIVATE, reason: str = "off: BlockPublicAcls") -> Finding:
    return Finding(check, "fail", None, reason)


def unknown(check: CheckRef = PRIVATE, cause: str = "denied") -> Finding:
    return Finding(check, "unknown", cause, "s3:ListAllMyBuckets was refused")


def part(**values: Any) -> PartRecord:
    values = {"collector": "aws.s3", "kind": "aws.s3.bucket", "scope": ""} | values
    if values.get("asked", True):
        values.setdefault("observed_at", "2026-11-01T00:00:00Z")
    return PartRecord(**values)


def drop_guards(connection: sa.Connection, *, on_file: bool) -> None:
    if not on_file:
        for table in EVIDENCE:
            connection.exec_driver_sql(f"ALTER TABLE {table.name} DISABLE TRIGGER ALL")
        return
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for name in names.scalars().all():
        connection.exec_driver_sql(f"DROP TRIGGER {name}")


def missing_guards(connection: sa.Connection, backend: str) -> list[str]:
    """The tables that lack a trigger, or have one too many."""
    expected = Counter(table.name for table in EVIDENCE)
    expected += expected if backend == "sqlite" else Counter(EMPTIED.keys())
    found = Counter(connection.exec_driver_sql(GUARDED[backend]).scalars())
    return sorted((expected - found) + (found - expected))


class Bench:
    """A store being used the way a sweep uses it."""

    def __init__(self, store: Store, clock: Clock, location: Location) -> None:
        self.store = store
        self.clock = clock
        self.location = location

    @property
    def path(self) -> Path:
        """The file, in tests of SQLite only."""
        assert isinstance(self.location, File)
        return self.location.path

    def tamper(self, *statements: str, **values: object) -> None:
        """Write past the guards, as whoever owns the database can."""
        on_file = isinstance(self.location, File)
        with self.store._database.writing() as connection:
            drop_guards(connection, on_file=on_file)
            for statement in () if on_file else AS_IN_SQLITE:
                connection.exec_driver_sql(statement)
            for statement in statements:
                assert connection.execute(sa.text(statement), values).rowcount > 0, statement

    def tamper_body(self, entry: int, old: bytes, new: bytes) -> None:
        """Edit what an entry says, packed again as the store packs it."""
        with self.store._database.writing() as connection:
            drop_guards(connection, on_file=isinstance(self.location, File))
            query = sa.select(entries.c.body).where(entries.c.id == entry)
            body = connection.execute(query).scalar_one()
            assert old in body
            connection.execute(
                sa.update(entries).where(entries.c.id == entry).values(body=body.replace(old, new))
            )

    def begin(self, *targets: str) -> int:
        planned = [PlannedTarget(target, 1) for target in targets or ("prod",)]
        return self.store.begin_sweep(
            Plan(planned, "ACME", "3", "2026.11", "0.1.0", self.clock().isoformat())
        )

    def unit(
        self,
        sweep: int,
        documents: Iterable[Document] = (),
        parts: Sequence[PartRecord] | None = None,
        target: str = "prod",
        outcome: str = "complete",
        **values: Any,
    ) -> Receipt:
        now = self.clock().isoformat()
        found = [part(observed_at=now)] if parts is None else parts
        record = UnitRecord(target, sweep, outcome, now, now, found, documents, **values)
        return self.store.record(record)

    def sweep(
        self,
        documents: Iterable[Document] = (),
        parts: Sequence[PartRecord] | None = None,
        target: str = "prod",
        **values: Any,
    ) -> Receipt:
        """A whole sweep of one target, a day after the last."""
        self.clock.forward(days=1)
        sweep = self.begin(target)
        receipt = self.unit(sweep, documents, parts, target, **values)
        self.store.close_sweep(sweep, {})
        return receipt

    def statuses(self, as_of: datetime | None = None) -> Mapping[tuple[str | None, str], str]:
        rows = self.store.findings(as_of)
        return {(row.resource_id, row.check_id.rpartition(".")[2]): row.status for row in rows}

    def names(self, as_of: datetime | None = None, target: str = "prod") -> list[str | None]:
        return [row.key.id for row in self.store.documents(target, as_of)]

    def problems(self) -> list[str]:
        return [f"{p.table} {p.row}: {p.what}" for p in self.store.verify().problems]
