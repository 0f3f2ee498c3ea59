"""Backup and restore on both databases: whole and verified, or nothing at all."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence_store import RolledBackError, Store, backups
from evidence_store.errors import (
    CorruptStoreError,
    KeyMissingError,
    NewerSchemaError,
    ReadOnlyError,
    StoreError,
)
from evidence_store.location import File, Location, Server
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder
from tests.evidence_store.builders import ON_POSTGRESQL, ON_SQLITE, Bench, document, fails, passes
from tests.postgres import PostgresServer


@pytest.fixture
def used(bench: Bench) -> Bench:
    bench.sweep([document("a", passes()), document("b", fails())], journal=b"calls")
    bench.sweep([document("a", fails())])
    bench.store.checkpoint()
    return bench


@pytest.fixture
def elsewhere(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Location]:
    """Another place, where nothing is; PostgreSQL's programs are on the path."""
    if backend == "sqlite":
        yield File(tmp_path / "other" / "annexa.db")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    monkeypatch.setenv("PATH", f"{postgres.programs}{os.pathsep}{os.environ['PATH']}")
    with postgres.database(empty=True) as name:
        yield Server(postgres.url(name), tmp_path / "other")


def findings(store: Store) -> list[tuple[str | None, str, str]]:
    return [(row.resource_id, row.status, row.reason) for row in store.findings()]


def test_a_backup_is_restored_elsewhere_and_goes_on(
    used: Bench, elsewhere: Location, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    told = backups.back_up(used.location, folder, used.clock)
    assert (told.ledger, told.size) == ("annexa/test", 7)
    assert backups.restore(folder, elsewhere, used.clock) == told
    with Store.open(elsewhere, clock=used.clock, create=False) as store:
        assert findings(store) == findings(used.store)
        assert store.checkpoints() == used.store.checkpoints()
        assert store.verify().clean
        other = Bench(store, used.clock, elsewhere)
        other.sweep([document("a", passes())])
        store.checkpoint()
        assert other.problems() == []
        guarded = pytest.raises(StoreError, match="append-only")
        with guarded, store._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM entries")


def test_only_its_owner_may_read_it_and_nothing_else_is_in_it(
    used: Bench, elsewhere: Location, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    told = backups.back_up(used.location, folder, used.clock)
    name = backups.NAMES[told.kind]
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    names = [backups.ABOUT, name, f"{name}.digest-key", f"{name}.signing-key"]
    assert found == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not list(tmp_path.glob("*.unfinished"))
    backups.restore(folder, elsewhere, used.clock)
    made = list(elsewhere.keys.parent.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in made} == {0o600}


def test_nothing_is_overwritten(used: Bench, elsewhere: Location, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    backups.back_up(used.location, folder, used.clock)
    with pytest.raises(ReadOnlyError, match="there already"):
        backups.back_up(used.location, folder, used.clock)
    with pytest.raises(ReadOnlyError, match="nothing is overwritten"):
        backups.restore(folder, used.location, used.clock)
    backups.restore(folder, elsewhere, used.clock)
    with pytest.raises(ReadOnlyError, match="nothing is overwritten"):
        backups.restore(folder, elsewhere, used.clock)
    assert used.problems() == []


def test_a_backup_that_is_damaged_or_lacks_a_key_leaves_nothing(
    used: Bench, elsewhere: Location, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    told = backups.back_up(used.location, folder, used.clock)
    evidence = folder / backups.NAMES[told.kind]
    for path, error, words in (
        (evidence, CorruptStoreError, "is not what was backed up"),
        (folder / f"{evidence.name}.digest-key", KeyMissingError, "cannot be proven or added to"),
        (folder / f"{evidence.name}.signing-key", KeyMissingError, "cannot be proven"),
        (folder / backups.ABOUT, CorruptStoreError, "backup"),
    ):
        kept = path.read_bytes()
        if path == evidence:
            path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        else:
            path.unlink()
        with pytest.raises(error, match=words):
            backups.restore(folder, elsewhere, used.clock)
        path.write_bytes(kept)
    about = folder / backups.ABOUT
    about.write_bytes(about.read_bytes().replace(b'"version":1', b'"version":2'))
    with pytest.raises(NewerSchemaError):
        backups.restore(folder, elsewhere, used.clock)
    assert not elsewhere.keys.parent.exists() or not list(elsewhere.keys.parent.iterdir())


def test_another_stores_key_in_it_is_refused_and_leaves_nothing(
    used: Bench, elsewhere: Location, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    told = backups.back_up(used.location, folder, used.clock)
    (folder / f"{backups.NAMES[told.kind]}.digest-key").write_text("ab" * 32)
    with pytest.raises(KeyMissingError, match="another store's"):
        backups.restore(folder, elsewhere, used.clock)
    assert not list(elsewhere.keys.parent.iterdir())
    if isinstance(elsewhere, Server):
        from evidence_store import dumping  # noqa: PLC0415 - it needs a server's driver

        assert not dumping.is_there(elsewhere)


def test_a_store_that_does_not_verify_is_not_backed_up(
    used: Bench, elsewhere: Location, tmp_path: Path
) -> None:
    used.tamper("UPDATE verdicts SET status = 1 WHERE status = 2")
    with pytest.raises(CorruptStoreError, match="does not verify"):
        backups.back_up(used.location, tmp_path / "backup", used.clock)
    assert not list(tmp_path.glob("backup*"))
    assert not elsewhere.keys.exists()


def test_a_restore_that_lacks_entries_others_know_of_opens_an_epoch(
    used: Bench, elsewhere: Location, tmp_path: Path
) -> None:
    (tmp_path / "held").mkdir()
    outside = Outside([DirectoryHolder("share", tmp_path / "held")])
    folder = tmp_path / "backup"
    backups.back_up(used.location, folder, used.clock)
    with Store.open(used.location, clock=used.clock, outside=outside) as store:
        Bench(store, used.clock, used.location).sweep([document("a", passes())])
        store.checkpoint()
        store.hand_out()
    backups.restore(folder, elsewhere, used.clock)
    with Store.open(elsewhere, clock=used.clock, outside=outside) as store:
        with pytest.raises(RolledBackError, match="annexa store new-epoch"):
            store.compare_outside()
        assert store.new_epoch("restored a backup") == "annexa/test/2"
        assert store.verify().clean


@ON_SQLITE
def test_a_backup_of_one_kind_of_database_is_not_restored_to_the_other(
    used: Bench, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    backups.back_up(used.location, folder, used.clock)
    with pytest.raises(StoreError, match="a backup of a store on sqlite"):
        backups.restore(folder, Server("postgresql:///x", tmp_path), used.clock)


@ON_SQLITE
def test_what_a_killed_run_left_is_replaced(used: Bench, tmp_path: Path) -> None:
    (tmp_path / "backup.unfinished").mkdir()
    (tmp_path / "backup.unfinished" / "evidence.db").write_bytes(b"half")
    backups.back_up(used.location, tmp_path / "backup", used.clock)
    shutil.rmtree(used.path.parent)
    left = used.path.parent.with_name("store") / f"{used.path.name}.restoring"
    left.mkdir(parents=True)
    backups.restore(tmp_path / "backup", used.location, used.clock)
    assert not left.exists()


@ON_POSTGRESQL
def test_without_the_servers_programs_it_says_what_to_install(
    used: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StoreError, match="pg_dump is not on PATH; install PostgreSQL's client"):
        backups.back_up(used.location, tmp_path / "backup", used.clock)
    assert not list(tmp_path.glob("backup*"))
