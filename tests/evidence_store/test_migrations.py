"""A store of an older release is upgraded in one step, and what it says stays as it was."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import alembic.command
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from evidence_store import CorruptStoreError, File, Location, Server, Store, note, schema
from evidence_store.database import Database, open_database
from evidence_store.sqlite import PAGE
from tests.evidence_store.builders import Bench, Clock, document, drop_guards, fails, missing_guards
from tests.postgres import PostgresServer

if TYPE_CHECKING:
    from alembic.config import Config

GOLDEN = Path(__file__).parent / "golden"
OLD = sorted(folder.name for folder in GOLDEN.iterdir() if re.fullmatch(r"\d{4}", folder.name))


@pytest.fixture(params=OLD)
def golden(request: pytest.FixtureRequest, nowhere: Location, tmp_path: Path) -> Location:
    """A store as an older release left it."""
    kept = GOLDEN / request.param
    if isinstance(nowhere, Server):
        postgres: PostgresServer = request.getfixturevalue("postgres")
        postgres.execute((kept / "annexa.sql").read_text(encoding="utf-8"), nowhere.database)
        found: Location = nowhere
    else:
        found = File(tmp_path / "annexa.db")
        shutil.copy(kept / "annexa.db", found.path)
    found.keys.parent.mkdir(exist_ok=True)
    for key in ("digest-key", "signing-key"):
        shutil.copy(kept / f"annexa.db.{key}", f"{found.keys}.{key}")
    with_database(found, lambda each: revision_is(each, request.param))
    return found


def with_database(location: Location, do: Callable[[Database], object]) -> object:
    database = open_database(location)
    try:
        return do(database)
    finally:
        database.close()


def revision_is(database: Database, expected: str) -> None:
    with database.reading() as connection:
        assert schema.revision(connection, database.name) == expected


def entries_of(database: Database) -> list[tuple[int, bytes]]:
    with database.reading() as connection:
        rows = connection.exec_driver_sql("SELECT id, body FROM entries ORDER BY id").all()
    return [(number, bytes(body)) for number, body in rows]


def test_a_store_of_every_older_schema_is_upgraded_and_verifies(
    golden: Location, backend: str, request: pytest.FixtureRequest
) -> None:
    before = with_database(golden, entries_of)
    kept = GOLDEN / request.node.callspec.params["golden"] / "head.note"
    head = note.read(kept.read_text(encoding="utf-8"))
    clock = Clock()
    clock.forward(days=30)
    with Store.open(golden, clock=clock, create=False) as store:
        bench = Bench(store, clock, golden)
        report = store.verify(trusted=[head])
        assert (report.problems, store.origin) == ((), "annexa/golden")
        assert with_database(golden, entries_of) == before
        with_database(golden, lambda each: revision_is(each, schema.REVISION))
        with store._database.reading() as connection:
            assert missing_guards(connection, backend) == []
        assert bench.names() == ["a"]
        assert bench.statuses() == {
            ("a", "bucket_public_access_blocked"): "pass",
            ("u", "bucket_public_access_blocked"): "pass",
        }
        bench.sweep([document("a", fails()), document("c", fails())])
        store.checkpoint()
        assert store.verify(trusted=[head]).problems == ()


def test_a_file_keeps_the_pages_it_was_made_with(tmp_path: Path) -> None:
    found = []
    for name in (None, "0005"):
        path = tmp_path / str(name) / "annexa.db"
        if name is not None:
            shutil.copytree(GOLDEN / name, path.parent)
        with Store.open(path) as store, store._database.reading() as connection:
            found.append(connection.exec_driver_sql("PRAGMA page_size").scalar())
    assert found == [PAGE, 4096]


def test_an_upgrade_that_would_change_the_ledger_is_taken_back(
    golden: Location, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    whole = alembic.command.upgrade

    def careless(config: Config, revision: str) -> None:
        whole(config, revision)
        connection: sa.Connection = config.attributes["connection"]
        drop_guards(connection, on_file=isinstance(golden, File))
        first = "SELECT body FROM entries WHERE id = 2"
        connection.exec_driver_sql(f"UPDATE entries SET body = ({first}) WHERE id = 3")  # noqa: S608 - ours

    before = with_database(golden, entries_of)
    with monkeypatch.context() as patch:
        patch.setattr(alembic.command, "upgrade", careless)
        with pytest.raises(CorruptStoreError, match="would have changed the ledger; nothing was"):
            Store.open(golden)
    with_database(golden, lambda each: revision_is(each, request.node.callspec.params["golden"]))
    assert with_database(golden, entries_of) == before
    with Store.open(golden, create=False) as store:
        assert store.verify().clean


def test_the_revisions_are_one_line_and_the_newest_is_the_one_we_need() -> None:
    scripts = ScriptDirectory.from_config(schema.configuration())
    assert scripts.get_heads() == [schema.REVISION]
    files = sorted(path.name[:4] for path in schema.MIGRATIONS.glob("versions/0*.py"))
    assert files == [f"{number:04}" for number in range(1, len(files) + 1)]
    assert [script.revision for script in scripts.walk_revisions()] == files[::-1]


def test_every_older_schema_can_be_made_and_taken_back(nowhere: Location) -> None:
    """Only an empty store may go back; it shows that each revision is whole on both databases."""
    database = open_database(nowhere)
    schema.bring_up(database)
    config = schema.configuration()
    with database.writing() as connection:
        drop_guards(connection, on_file=isinstance(nowhere, File))
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "base")
        left = set(sa.inspect(connection).get_table_names())
        assert left == {"alembic_version"}
        alembic.command.upgrade(config, "head")
        database.guard(connection)
    revision_is(database, schema.REVISION)
    database.close()
