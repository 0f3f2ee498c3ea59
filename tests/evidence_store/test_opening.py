from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from evidence_store import (
    CorruptStoreError,
    DiskFullError,
    KeyMissingError,
    LockedError,
    NewerSchemaError,
    ReadOnlyError,
    Store,
    StoreMissingError,
    schema,
)
from evidence_store.location import Location
from evidence_store.tables import metadata
from tests.evidence_store.builders import ON_SQLITE, Clock, document, fails, missing_guards, passes

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench


@ON_SQLITE
def test_only_the_owner_can_read_the_store_and_its_keys(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in bench.path.parent.iterdir()}
    assert {"annexa.db", "annexa.db.digest-key", "annexa.db.signing-key"} <= set(modes)
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(bench.path.parent.stat().st_mode) == 0o700


def test_the_tables_are_what_the_migrations_make(bench: Bench) -> None:
    with bench.store._database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == schema.REVISION


def test_every_evidence_table_is_guarded(bench: Bench, backend: str) -> None:
    with bench.store._database.reading() as connection:
        assert missing_guards(connection, backend) == []


@ON_SQLITE
def test_the_connection_is_durable_and_fires_triggers_on_replace(bench: Bench) -> None:
    with bench.store._database.reading() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "recursive_triggers")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "recursive_triggers": 1}


def test_a_store_keeps_its_name(bench: Bench) -> None:
    with Store.open(bench.location, clock=bench.clock, origin="annexa/other") as again:
        assert again.origin == "annexa/test"
        assert again.verifier_key == bench.store.verifier_key


def test_a_store_that_is_not_there_is_not_made_unasked(nowhere: Location, tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError, match="annexa sweep"):
        Store.open(nowhere, create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_refused(bench: Bench) -> None:
    bench.tamper("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NewerSchemaError, match=rf"9999, this one knows {schema.REVISION}.*install"):
        Store.open(bench.location)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "annexa.db"
    path.write_bytes(b"not a database, but long enough to be looked at" * 100)
    with pytest.raises(CorruptStoreError, match="not a database"):
        Store.open(path)


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "annexa.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE songs (id INTEGER)")
    with pytest.raises(CorruptStoreError, match="songs"):
        Store.open(path)


@pytest.mark.parametrize("name", ["digest-key", "signing-key"])
@pytest.mark.parametrize("damage", ["missing", "damaged", "another store's"])
def test_a_store_without_its_own_keys_is_refused(
    bench: Bench, tmp_path: Path, name: str, damage: str
) -> None:
    bench.store.close()
    key = Path(f"{bench.location.keys}.{name}")
    if damage == "missing":
        key.unlink()
    elif damage == "damaged":
        key.write_text("?")
    else:
        Store.open(tmp_path / "annexa.db").close()
        key.write_bytes(Path(f"{tmp_path / 'annexa.db'}.{name}").read_bytes())
    with pytest.raises(KeyMissingError):
        Store.open(bench.location)
    assert key.exists() is (damage != "missing")


@ON_SQLITE
def test_a_locked_store_names_who_holds_it(bench: Bench) -> None:
    code = f"""
import sqlite3, sys
c = sqlite3.connect({str(bench.path)!r}, isolation_level=None)
c.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""
    holder = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        who = str(holder.pid) if Path("/proc/self/fd").exists() else "another process"
        with pytest.raises(LockedError, match=rf"{who}.* after 0\.2 s"):
            bench.begin()
    finally:
        holder.communicate("")
    assert bench.begin() == 1


@ON_SQLITE
def test_a_full_disk_keeps_nothing_of_the_unit_and_all_before_it(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    sweep = bench.begin()

    def limit(connection: sqlite3.Connection, *_: object) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    engine = bench.store._database.engine
    engine.dispose()
    sa.event.listen(engine, "connect", limit)
    many = [
        document(f"b{number}", fails(), versioning=os.urandom(200).hex()) for number in range(400)
    ]
    with pytest.raises(DiskFullError, match="free space"):
        bench.unit(sweep, many)
    sa.event.remove(engine, "connect", limit)
    engine.dispose()
    assert bench.names() == ["a"]
    assert bench.problems() == []
    assert bench.unit(sweep, many).added == 400


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    # Below a file nobody can make a folder, root neither, whom no mode would stop.
    (tmp_path / "file").touch()
    with pytest.raises(ReadOnlyError, match=str(tmp_path)):
        Store.open(tmp_path / "file" / "annexa.db")


@ON_SQLITE
def test_a_store_that_cannot_be_written_says_so(bench: Bench) -> None:
    engine = bench.store._database.engine
    engine.dispose()

    def read_only(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    sa.event.listen(engine, "connect", read_only)
    with pytest.raises(ReadOnlyError, match="owner and mode"):
        bench.begin()


def test_two_processes_may_create_the_store_at_once(nowhere: Location) -> None:
    found = []

    def create() -> None:
        with Store.open(nowhere, clock=Clock()) as store:
            found.append(store.origin)

    threads = [threading.Thread(target=create) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_store_whose_creation_was_cut_off_is_finished_by_the_next_opening(
    nowhere: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = Path(f"{nowhere.keys}.digest-key.unfinished")

    def cut_off(_path: Path) -> None:
        unfinished.parent.mkdir(exist_ok=True)
        unfinished.write_text("half a k")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("evidence_store.keys.create", cut_off)
        with pytest.raises(KeyboardInterrupt):
            Store.open(nowhere, clock=Clock())
    with Store.open(nowhere, clock=Clock()) as store:
        assert store.verify().clean
        assert [row.kind for row in store.entries()] == ["key"]
    assert not unfinished.exists()


def test_the_package_does_not_import_the_database_until_the_store_is_used() -> None:
    code = (
        "import sys, evidence_store; print('sqlalchemy' in sys.modules, 'alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
