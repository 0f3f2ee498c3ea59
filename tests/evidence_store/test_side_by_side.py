"""Targets verified by several processes: the report is the same whatever their number."""

from __future__ import annotations

import multiprocessing
import os

import pytest
import sqlalchemy as sa

from evidence_store import side_by_side
from evidence_store.database import Database, database_of
from evidence_store.errors import LockedError
from evidence_store.target_verification import check
from tests.evidence_store.builders import ON_SQLITE, Bench, document, fails, part, passes, unknown

DAMAGE = (
    "UPDATE verdicts SET status = 1 WHERE status = 2",
    "UPDATE contents SET codec = codec + 1",
    "UPDATE observations SET scope = 'elsewhere' WHERE entry_id > 3",
)


@pytest.fixture
def used(bench: Bench) -> Bench:
    """Four targets, one of them with a listing that was refused."""
    for number, target in enumerate(("a", "b", "c", "d"), 1):
        found = [document(f"{target}{each}", fails()) for each in range(number)]
        bench.sweep(found, target=target, journal=b"calls")
    refused = part(complete=False, cause="denied", carried_findings=[unknown()])
    bench.sweep([document("d0", passes())], [refused], target="d")
    bench.store.checkpoint()
    return bench


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The targets that this process did itself."""
    own: list[int] = []

    def counted(*given: object) -> object:
        own.append(given[3])  # type: ignore[arg-type]  # the target
        return check(*given)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr("evidence_store.side_by_side.check", counted)
    return own


def test_two_processes_report_what_one_does(used: Bench, processes: list[int]) -> None:
    used.tamper(*DAMAGE)
    damaged = used.store.verify()
    assert len(damaged.problems) > 10
    assert sorted(processes) == [1, 2, 3, 4]
    processes.clear()
    assert used.store.verify(jobs=2) == damaged
    assert processes == []


def test_what_the_processes_cannot_see_this_one_does(
    used: Bench, processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = used.store.verify()
    processes.clear()
    kind = type(used.store._database)
    monkeypatch.setattr(kind, "view", lambda *_: "99999999-1")
    assert used.store.verify(jobs=2) == one
    assert sorted(processes) == [1, 2, 3, 4]


def test_only_a_large_store_takes_more_than_one_by_itself(
    used: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with used.store._database.reading() as connection:
        assert side_by_side._jobs(connection) == 1
        monkeypatch.setattr(side_by_side, "LARGE", 4)
        assert side_by_side._jobs(connection) == os.cpu_count()


@ON_SQLITE
def test_who_stops_it_ends_the_processes_too(used: Bench) -> None:
    class StoppedError(Exception):
        pass

    def stop(what: str, *_: object) -> None:
        if what in {"a", "b", "c", "d"}:
            raise StoppedError

    with pytest.raises(StoppedError):
        used.store.verify(stop, jobs=2)
    assert multiprocessing.active_children() == []


@ON_SQLITE
def test_a_process_sees_only_the_state_it_was_told_of(used: Bench) -> None:
    database: Database = used.store._database
    with database.reading() as connection:
        view = database.view(connection)
        assert database_of(connection) is database
    with database.seen(view) as connection, pytest.raises(sa.exc.DBAPIError, match="readonly"):
        connection.exec_driver_sql("DELETE FROM entries")
    used.sweep([document("a0", passes())], target="a")
    with pytest.raises(LockedError, match="recorded meanwhile"), database.seen(view):
        pass
