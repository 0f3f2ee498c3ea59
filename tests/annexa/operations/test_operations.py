"""The operations database: its schema, its lease, its book, and one daemon per file."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from annexa.operations import (
    FencedError,
    HeldError,
    Hold,
    Lease,
    Operations,
    OperationsBook,
    OperationsError,
    open_operations,
    operations_file,
    under_way,
)
from annexa.operations.tables import metadata, outbox, runs
from evidence_store import File, Location, NewerSchemaError, Store
from scheduler import COMPLETE, FAILED, Ended, Line, Run
from tests.annexa.operations.conftest import NOON, Hands

LENGTH = timedelta(seconds=15)


def leader(operations: Operations, clock: Hands) -> tuple[Lease, OperationsBook]:
    lease = Lease(operations, LENGTH, clock, alone=False)
    return lease, OperationsBook(operations, lease, clock)


def line(name: str = "a", slot: datetime = NOON) -> Line:
    return Line(name, "every 1h", slot, slot + timedelta(minutes=2))


def run(epoch: int, *, attempt: int = 1, slot: datetime = NOON) -> Run:
    return Run(0, "a", slot, attempt, 3, epoch, NOON + timedelta(minutes=3))


def test_it_lies_in_a_file_of_its_own_that_only_its_owner_may_read(tmp_path: Path) -> None:
    open_operations(File(tmp_path / "evidence.db")).close()
    file = operations_file(tmp_path / "evidence.db")
    assert file.name == "evidence.db.operations"
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not (tmp_path / "evidence.db").exists()


def test_evidence_and_operations_know_nothing_of_each_others_tables(
    location: Location, operations: Operations
) -> None:
    with Store.open(location) as store:
        assert store.verify().clean
    open_operations(location).close()
    with operations.reading() as connection:
        assert "entries" not in sa.inspect(connection).get_table_names()


def test_the_migrations_make_exactly_the_tables_of_the_code(operations: Operations) -> None:
    with operations.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_messages_that_wait_know_their_group_after_the_upgrade(tmp_path: Path) -> None:
    location = File(tmp_path / "evidence.db")
    open_operations(location).close()
    with sqlite3.connect(operations_file(location.path)) as raw:
        raw.execute("DROP INDEX outbox_by_group")
        raw.execute("DROP INDEX outbox_oldest")
        raw.execute("CREATE INDEX outbox_due ON outbox (status, next_at)")
        raw.execute("ALTER TABLE outbox DROP COLUMN grouped")
        raw.execute("UPDATE alembic_version SET version_num = '0002'")
        row = ("id", "soc", "t", '{"group": "finding/A.8.24"}', 1, 0, 0, 1, 0, "pending", None, "")
        raw.execute("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    raw.close()
    operations = open_operations(location)
    with operations.reading() as connection:
        assert connection.scalars(sa.select(outbox.c.grouped)).all() == ["finding/A.8.24"]
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    operations.close()


def test_opened_again_it_remembers(location: Location, clock: Hands) -> None:
    for expected in ({}, {"a": line()}):
        operations = open_operations(location)
        lease, book = leader(operations, clock)
        assert book.lines() == expected
        assert lease.take()
        book.settle([line()], [])
        lease.release()
        operations.close()


def test_one_of_a_newer_release_is_refused(location: Location, operations: Operations) -> None:
    with operations.writing("test") as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchemaError, match="schema 9999, this one knows 0004"):
        open_operations(location)


def test_the_tables_of_another_program_are_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(operations_file(tmp_path / "evidence.db")) as raw:
        raw.execute("CREATE TABLE wordpress (post TEXT)")
    raw.close()
    with pytest.raises(OperationsError, match="another program"):
        open_operations(File(tmp_path / "evidence.db"))


def test_a_lease_is_one_daemons_until_it_ends(operations: Operations, clock: Hands) -> None:
    (first, _), (second, _) = leader(operations, clock), leader(operations, clock)
    assert (first.take(), second.take(), first.epoch) == (True, False, 1)
    clock.forward(timedelta(seconds=10))
    assert (first.take(), second.take()) == (True, False)
    clock.forward(timedelta(seconds=14))
    assert not second.take()
    clock.forward(timedelta(seconds=2))
    assert (second.take(), second.epoch, first.take(), first.epoch) == (True, 2, False, 0)


def test_a_lease_that_was_given_back_need_not_be_waited_for(
    operations: Operations, clock: Hands
) -> None:
    (first, _), (second, _) = leader(operations, clock), leader(operations, clock)
    first.take()
    first.release()
    assert (second.take(), second.epoch) == (True, 2)


def test_who_is_alone_need_not_wait_for_the_lease_of_the_dead(
    operations: Operations, clock: Hands
) -> None:
    Lease(operations, LENGTH, clock, alone=True).take()
    after = Lease(operations, LENGTH, clock, alone=True)
    assert (after.take(), after.epoch) == (True, 2)


def test_a_leader_that_was_silent_no_longer_acts_as_one(
    operations: Operations, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, _ = leader(operations, clock)
    assert not lease.held
    lease.take()
    assert lease.held
    renewed = lease._renewed
    monkeypatch.setattr("annexa.operations.lease.time.monotonic", lambda: renewed + 13)
    assert not lease.held


def test_all_that_a_former_leader_writes_is_refused(operations: Operations, clock: Hands) -> None:
    (first, ours), (second, theirs) = leader(operations, clock), leader(operations, clock)
    first.take()
    begun = ours.begin(run(1), line(slot=NOON + timedelta(hours=1)))
    clock.forward(2 * LENGTH)
    second.take()
    with pytest.raises(FencedError, match="epoch 2, ours was 1"):
        ours.end(begun, Ended(COMPLETE), None)
    with pytest.raises(FencedError):
        ours.settle([line()], [])
    with pytest.raises(FencedError):
        ours.begin(run(1, attempt=2), line())
    with pytest.raises(FencedError):
        ours.swept(begun, 7)
    assert [each.id for each in theirs.orphans()] == [begun.id]
    theirs.end(begun, Ended(FAILED, "its daemon ended"), None)
    assert theirs.orphans() == []


def test_a_run_is_written_with_the_due_time_after_it(operations: Operations, clock: Hands) -> None:
    lease, book = leader(operations, clock)
    lease.take()
    book.settle([line()], [])
    following = line(slot=NOON + timedelta(hours=1))
    begun = book.begin(run(1), following)
    book.swept(begun, 42)
    assert book.lines()["a"].due == following.due
    assert book.lines()["a"].last_started == begun.started
    book.end(begun, Ended(COMPLETE, "sweep 42"), None)
    assert book.lines()["a"].last_complete == begun.started
    with operations.reading() as connection:
        row = connection.execute(sa.select(runs)).one()
    assert (row.state, row.sweep, row.missed, row.detail) == (COMPLETE, 42, 3, "sweep 42")


def test_nothing_is_under_way_where_no_daemon_ever_was(location: Location) -> None:
    assert not under_way(location)
    assert not isinstance(location, File) or not operations_file(location.path).exists()


def test_what_is_under_way_is_what_a_leader_that_is_there_has_begun(
    location: Location, operations: Operations, clock: Hands
) -> None:
    hold = Hold(location.path) if isinstance(location, File) else None
    (lease, book), (_, theirs) = leader(operations, clock), leader(operations, clock)
    lease.take()
    begun = book.begin(run(1), line(slot=NOON + timedelta(hours=1)))
    assert under_way(location) == [begun]

    clock.forward(2 * LENGTH)
    assert bool(under_way(location)) == bool(hold), "on a file its lock says that it is there"
    assert theirs.lead()
    assert not under_way(location), "another daemon leads, and ends it in the book"
    if hold is not None:
        hold.release()


def test_no_due_time_is_begun_twice_under_one_number(operations: Operations, clock: Hands) -> None:
    lease, book = leader(operations, clock)
    lease.take()
    book.begin(run(1), line())
    with pytest.raises(OperationsError, match=r"(?i)unique"):
        book.begin(run(1), line())
    book.begin(run(1, attempt=2), line())


def test_a_run_that_ended_does_not_end_again(operations: Operations, clock: Hands) -> None:
    lease, book = leader(operations, clock)
    lease.take()
    begun = book.begin(run(1), line())
    book.end(begun, Ended(COMPLETE), None)
    with pytest.raises(FencedError, match="ended by another daemon"):
        book.end(begun, Ended(FAILED), None)


def test_old_runs_are_forgotten_and_running_ones_are_not(
    operations: Operations, clock: Hands
) -> None:
    lease, book = leader(operations, clock)
    lease.take()
    book.end(book.begin(run(1), line()), Ended(COMPLETE), None)
    book.begin(run(1, slot=NOON + timedelta(hours=1)), line())
    clock.forward(timedelta(days=399))
    assert book.forget() == 0
    clock.forward(timedelta(days=2))
    assert book.forget() == 1


def test_one_daemon_works_on_a_file_and_the_second_is_told_who(tmp_path: Path) -> None:
    store = tmp_path / "evidence.db"
    hold = Hold(store)
    code = (
        "import sys\nfrom pathlib import Path\nfrom annexa.operations import Hold, HeldError\n"
        "try: Hold(Path(sys.argv[1]))\nexcept HeldError as error: print(error)\n"
    )
    run_it = [sys.executable, "-c", code, str(store)]
    said = subprocess.run(run_it, capture_output=True, text=True, check=True).stdout
    assert f"process {os.getpid()} on " in said
    assert "one daemon per SQLite file" in said
    hold.release()
    assert subprocess.run(run_it, capture_output=True, text=True, check=True).stdout == ""


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HeldError, match=r"file/evidence\.db\.daemon\.lock"):
        Hold(tmp_path / "file" / "evidence.db")
