"""Keep a store of the present schema for ever: `python -m tests.evidence_store.golden`.

Run once, when a release is made whose schema has no folder here yet. What is written is never
changed again: every later release must open it, upgrade it and find it whole.
"""

from __future__ import annotations

import shutil
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from evidence_store import File, Server, Store
from evidence_store.schema import REVISION
from tests.evidence_store.builders import (
    VERSIONED,
    Bench,
    Clock,
    document,
    fails,
    part,
    passes,
    unknown,
)
from tests.postgres import PostgresServer, programs

KEYS = "digest-key", "signing-key"


def use(bench: Bench) -> str:
    """Every kind of row: two targets, changes, what went, what was refused; the signed head."""
    bench.sweep([document("a", passes()), document("b", fails(), fails(VERSIONED))], journal=b"{}")
    bench.sweep([document("u", passes())], target="data")
    refused = part(complete=False, cause="denied", carried_findings=[unknown()])
    bench.sweep([document("a", passes(), versioning="off")], [refused])
    bench.sweep([document("a", fails(), versioning="off")])
    note = bench.store.checkpoint().note
    bench.sweep([document("a", passes())])  # waits for its place
    return note


def main() -> None:
    folder = Path(__file__).parent / REVISION
    if folder.exists():
        sys.exit(f"{folder.name} is kept already, and never changed")
    found = programs()
    if found is None:
        sys.exit("there is no PostgreSQL server here")
    server = PostgresServer(found)
    with tempfile.TemporaryDirectory() as made, server.database() as name:
        file = File(Path(made, "annexa.db"))
        with Store.open(file, clock=(clock := Clock()), origin="annexa/golden") as store:
            head = use(Bench(store, clock, file))
        place = Server(server.url(name), Path(made))
        for key in KEYS:  # the same keys, so that the same proofs hold
            shutil.copy(f"{file.keys}.{key}", f"{place.keys}.{key}")
        with Store.open(place, clock=(clock := Clock()), origin="annexa/golden") as store:
            assert use(Bench(store, clock, place)) == head
        folder.mkdir()
        with closing(sqlite3.connect(file.path)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        for source in (file.path, *(Path(f"{file.keys}.{key}") for key in KEYS)):
            shutil.copy(source, folder)
        (folder / "head.note").write_text(head, encoding="utf-8")
        (folder / "annexa.sql").write_text(server.dump(name), encoding="utf-8")
    server.remove()


if __name__ == "__main__":
    main()
