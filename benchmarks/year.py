"""A year of daily sweeps in SQLite: what it takes, where, and beside a row for each finding."""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.company import UNIT, Company, Make, identity, instance, thing, told
from evidence_store import Store, canonical

LEAN = {
    "numbers": "of numbers, but for the resource's id and what a failure says",
    "texts": "of texts as products keep them, with the resource's id",
    "documents": "of texts, with the resource's document as JSON in each",
}
"""Rows for each finding of each sweep, from the leanest that can be read at all."""

LEAN_TABLES = {
    "numbers": (
        (
            "CREATE TABLE findings (id INTEGER PRIMARY KEY, scan INTEGER, code INTEGER,"
            " status INTEGER, reason TEXT, resource TEXT)"
        ),
        "CREATE INDEX by_scan ON findings (scan, code, status)",
        "CREATE INDEX by_resource ON findings (resource, scan)",
    ),
    "texts": (
        (
            "CREATE TABLE findings (id BLOB PRIMARY KEY, at TEXT, scan BLOB, uid TEXT, code TEXT,"
            " status TEXT, reason TEXT, severity TEXT, resource TEXT, document TEXT)"
        ),
        "CREATE INDEX by_scan ON findings (scan, code, status)",
        "CREATE INDEX by_uid ON findings (uid, at)",
    ),
}
LEAN_TABLES["documents"] = LEAN_TABLES["texts"]


def year(asked: argparse.Namespace) -> None:
    """A year of daily sweeps at 1 % change, each of its days run, beside rows for each finding."""
    for name, make in (("of no kind a dictionary knows", thing), ("of EC2 instances", instance)):
        company = Company(asked.resources, make=make)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "annexa.db"
            with Store.open(path, clock=company.clock) as store:
                used, took = company.known_sweep(store)
                first = size_of(path)
                told("year", f"{company.count:,} documents {name}, first sweep", mb=first / 1e6,
                     cpu_us_each=used / company.count * 1e6, wall_s=took)  # fmt: skip
                for _ in range(asked.days):
                    company.change(0.01)
                    used, took = company.known_sweep(store)
                total = size_of(path)
                days = asked.days + 1
                told("year", f"{days} sweeps, {company.count // UNIT:,} targets", mb=total / 1e6,
                     mb_a_day=(total - first) / asked.days / 1e6, wall_s=took)  # fmt: skip
                for form, words in LEAN.items():
                    each = _lean(Path(folder) / f"{form}.db", form, make)
                    told("year", f"beside rows {words}", bytes_a_finding=each,
                         times_smaller=each * company.count * 3 * days / total)  # fmt: skip
                _where(path)
                _apart(company, store, path)


def _where(path: Path) -> None:
    """Where the bytes are, if this SQLite can tell."""
    with closing(sqlite3.connect(path)) as raw, suppress(sqlite3.OperationalError):
        rows = raw.execute("SELECT name, sum(pgsize), sum(ncell) FROM dbstat GROUP BY name")
        for name, size, cells in sorted(rows, key=lambda row: -row[1]):
            if size > 100_000:
                told("year", f"  {name}", mb=size / 1e6, bytes_a_row=size / cells)


def _apart(company: Company, store: Store, path: Path) -> None:
    """Journals have their own, shorter retention: what one sweep's add."""
    before = size_of(path)
    company.now += timedelta(days=1)
    sweep = company.begin(store)
    some = range(min(200, company.count // UNIT))
    for target in some:
        calls = [
            {"operation": f"Describe{n % 7}", "outcome": "ok", "status": 200,
             "request": f"{company.chance.getrandbits(128):032x}", "at": company.now.isoformat()}
            for n in range(12)
        ]  # fmt: skip
        documents = company.known_documents(target)
        company.record_documents(store, sweep, target, documents, canonical(calls))
    with closing(sqlite3.connect(path)) as raw:
        size = raw.execute("SELECT sum(length(body)) FROM attachments").fetchone()[0]
    told("year", "journals apart, 12 calls a unit", bytes_a_unit=size / len(some),
         mb_a_year=size / len(some) * (company.count // UNIT) * 365 / 1e6,
         all_grown_mb=(size_of(path) - before) / 1e6)  # fmt: skip


def size_of(path: Path) -> int:
    """Bytes of the file, with all that was written in it."""
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


def _lean(path: Path, form: str, make: Make, count: int = 50_000) -> float:
    """Bytes of a row for each finding, of one sweep: with its own check, status, resource."""
    chance = random.Random(1)  # noqa: S311 - the same every time
    with closing(sqlite3.connect(path)) as raw:
        for statement in LEAN_TABLES[form]:
            raw.execute(statement)
        scan = chance.randbytes(16)
        rows: Iterator[tuple[Any, ...]]
        if form == "numbers":
            rows = (
                (n, 365, n % 3, n % 30 == 1, "off: the setting" if n % 30 == 1 else None,
                 identity(n // 3))
                for n in range(count)
            )  # fmt: skip
        else:
            rows = (
                (chance.randbytes(16), "2026-11-23T00:00:00Z", scan,
                 f"lab.things.check_{n % 3}-{identity(n // 3)}", f"lab.things.check_{n % 3}",
                 "fail" if n % 30 == 1 else "pass", "off: the setting" if n % 30 == 1 else "",
                 "medium", identity(n // 3),
                 canonical(make(n // 3, 0)).decode() if form == "documents" else None)
                for n in range(count)
            )  # fmt: skip
        marks = ", ".join("?" * (6 if form == "numbers" else 10))
        raw.executemany(f"INSERT INTO findings VALUES ({marks})", rows)  # noqa: S608 - our own
        raw.commit()
    return path.stat().st_size / count
