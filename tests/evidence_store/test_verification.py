from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from evidence_store import CacheError, Store, StoreError
from evidence_store.codecs import ZLIB, unpacked
from evidence_store.location import Location
from tests.evidence_store.builders import ON_SQLITE, document, fails, part, passes, unknown

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench


@pytest.fixture
def used(bench: Bench) -> Bench:
    """A store with every kind of row, sequenced and signed."""
    bench.sweep([document("a", passes()), document("b", fails())], journal=b"calls")
    bench.sweep([document("a", passes()), document("b", passes(), versioning="off")])
    refused = part(complete=False, cause="denied", carried_findings=[unknown()])
    bench.sweep([document("a", passes())], [refused], journal=b"more calls")
    bench.sweep([document("a", fails())])
    bench.store.checkpoint()
    assert bench.problems() == []
    return bench


ATTACKS = {
    "an observation deleted": "DELETE FROM observations WHERE entry_id = 3 AND resource_id = 1",
    "a tombstone deleted": "DELETE FROM observations WHERE content IS NULL",
    "a verdict flipped": "UPDATE verdicts SET status = 1 WHERE status = 2",
    "a verdict deleted": "DELETE FROM verdicts WHERE status = 2 AND entry_id = 3",
    "an ended verdict deleted": "DELETE FROM verdicts WHERE status = 0",
    "a run made longer": "UPDATE verdicts SET since = since - 86400000000 WHERE entry_id = 6",
    "an observation re-pointed": "UPDATE observations SET content ="
    " (SELECT content FROM observations WHERE entry_id = 6) WHERE entry_id = 3 AND resource_id = 1",
    "a scope moved": "UPDATE observations SET scope = 'us-east-1' WHERE entry_id = 3",
    "a resource renamed": "UPDATE resources SET identity = 'z' WHERE id = 1",
    "a reason reworded": "UPDATE reasons SET reason = 'fine'",
    "a reason deleted": "DELETE FROM reasons",
    "a check weakened": "UPDATE checks SET body = replace(body, 'high', 'low')",
    "a severity lowered": "UPDATE checks SET severity = 'low'",
    "a body replaced": "UPDATE entries SET body = (SELECT body FROM entries WHERE id = 6)"
    " WHERE id = 3",
    "a column edited": "UPDATE entries SET outcome = 'failed' WHERE id = 3",
    "a count edited": "UPDATE entries SET gone = 0 WHERE gone = 1",
    "a time edited": "UPDATE entries SET recorded_at = recorded_at - 1 WHERE id = 3",
    "a leaf edited": "UPDATE leaves SET hash = zeroblob(32) WHERE position = 2",
    "a middle leaf deleted": "DELETE FROM leaves WHERE position = 2",
    "the last leaf deleted": "DELETE FROM leaves WHERE position = 12",
    "an entry deleted": "DELETE FROM entries WHERE id = 6",
    "a plan deleted": "DELETE FROM entries WHERE id = 2",
    "a content deleted": "DELETE FROM contents WHERE digest IN"
    " (SELECT content FROM observations WHERE entry_id = 6)",
    "a table of parts deleted": "DELETE FROM part_documents",
    "an attachment deleted": "DELETE FROM attachments WHERE entry_id = 3",
    "a checkpoint edited": "UPDATE checkpoints SET note = replace(note, 'test', 'tes')",
    "the cache's content poisoned": "UPDATE current_state SET content = zeroblob(32)",
    "the cache's sha256 poisoned": "UPDATE current_state SET sha256 = zeroblob(32)",
    "the cache's findings poisoned": "UPDATE current_state SET findings ="
    " CAST(replace(findings, 'fail', 'pass') AS BLOB)",
    "the seal of what was told poisoned": "UPDATE current_seals SET told = seal",
    "the cache's since poisoned": "UPDATE current_state SET since = CAST('[1]' AS BLOB)",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_edit_past_the_guards_is_found(used: Bench, attack: str) -> None:
    used.tamper(ATTACKS[attack])
    assert used.problems() != []


def test_an_edited_body_is_found(used: Bench) -> None:
    used.tamper_body(3, b'"outcome":"complete"', b'"outcome":"completf"')
    assert "entries 3: column outcome differs from the body" in used.problems()


def test_swapped_leaves_are_found(used: Bench) -> None:
    used.tamper(
        "UPDATE leaves SET position = 100 WHERE position = 2",
        "UPDATE leaves SET position = 2 WHERE position = 3",
        "UPDATE leaves SET position = 3 WHERE position = 100",
    )
    assert any(problem.startswith("leaves") for problem in used.problems())
    assert any(problem.startswith("checkpoints") for problem in used.problems())


@pytest.mark.parametrize("table", ["contents", "part_documents", "attachments"])
def test_an_edited_document_is_found_and_named(used: Bench, table: str) -> None:
    column = "sha256" if table == "attachments" else "digest"
    with used.store._database.reading() as connection:
        digest, body = connection.exec_driver_sql(f"SELECT {column}, body FROM {table}").first()  # type: ignore[misc]  # noqa: S608 - there is one, of our own names
    edited = zlib.compress(unpacked(ZLIB, body).replace(b"a", b"e").replace(b"c", b"k"))
    statement = f"UPDATE {table} SET body = :body WHERE {column} = :digest"  # noqa: S608 - as above
    used.tamper(statement, body=edited, digest=digest)
    row = "journal" if table == "attachments" else digest.hex()[:16]
    assert any(p.startswith(table) and row in p for p in used.problems())


@pytest.mark.parametrize(("old", "new"), [(b'{"facts"', b'{ "facts"'), (b"}", b',"more":1}')])
def test_a_document_that_says_the_same_in_other_bytes_or_says_more_is_found(
    used: Bench, old: bytes, new: bytes
) -> None:
    with used.store._database.reading() as connection:
        digest, body = connection.exec_driver_sql("SELECT digest, body FROM contents").first()  # type: ignore[misc]  # there is one
    at = (text := unpacked(ZLIB, body)).rindex(old)
    edited = zlib.compress(text[:at] + new + text[at + len(old) :])
    used.tamper(
        "UPDATE contents SET body = :body WHERE digest = :digest", body=edited, digest=digest
    )
    assert any("not written as documents are" in problem for problem in used.problems())


def test_bytes_that_are_no_longer_compressed_are_a_problem_not_an_exception(used: Bench) -> None:
    used.tamper(
        "UPDATE contents SET body = zeroblob(1)", "UPDATE entries SET body = '{' WHERE id = 6"
    )
    problems = used.problems()
    assert any("cannot be read" in problem for problem in problems)
    assert any("no JSON" in problem for problem in problems)


def test_a_poisoned_cache_is_refused_and_can_be_rebuilt(used: Bench) -> None:
    known = document("a", fails())
    used.tamper("UPDATE current_state SET sha256 = :value", value=b"\1" * 32)
    with pytest.raises(CacheError, match="annexa verify"):
        used.sweep([document("a", passes())])
    assert used.store.rebuild_cache() == 1
    assert used.problems() == []
    assert used.sweep([known]).unchanged


def test_a_cache_cannot_be_made_to_hide_the_next_change(used: Bench) -> None:
    hidden = document("a", fails(), versioning="Suspended")
    used.tamper("UPDATE current_state SET sha256 = :value", value=hidden.sha256)
    with pytest.raises(CacheError):
        used.sweep([hidden])


def test_a_rollback_is_seen_with_an_outside_checkpoint_and_only_then(
    used: Bench, copied: Callable[[Bench], Location]
) -> None:
    old = copied(used)
    used.sweep([document("a", passes())])
    outside = used.store.checkpoint()
    with Store.open(old, clock=used.clock) as rolled_back:
        alone = rolled_back.verify()
        assert alone.clean
        assert any("cannot be excluded" in statement for statement in alone.statements)
        (problem,) = rolled_back.verify(trusted=[outside]).problems
        assert (problem.table, problem.row) == ("outside copy", str(outside.size))
    report = used.store.verify(trusted=[outside])
    assert report.clean
    assert not any("cannot be excluded" in statement for statement in report.statements)


def test_what_was_planned_and_not_recorded_is_stated(bench: Bench) -> None:
    sweep = bench.begin("prod", "data")
    bench.unit(sweep)
    report = bench.store.verify()
    assert report.clean
    assert f"Sweep {sweep} planned and did not record: data." in report.statements
    assert f"Sweep {sweep} was not closed." in report.statements
    assert "4 entries wait for their place in the ledger." not in report.statements
    assert "3 entries wait for their place in the ledger." in report.statements


def test_a_clock_set_back_is_stated_and_no_problem(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    bench.clock.forward(days=-3)
    bench.sweep([document("a", passes())])
    report = bench.store.verify()
    assert report.clean
    assert any("clock was set back" in statement for statement in report.statements)


def test_progress_is_told(used: Bench) -> None:
    told: list[str] = []
    used.store.verify(lambda what, _done, _all: told.append(what))
    assert {"contents", "prod", "leaves"} <= set(told)
    assert told[-1] == "done"


def test_evidence_cannot_be_changed_by_accident(used: Bench, backend: str) -> None:
    statements = ["UPDATE verdicts SET status = 1", "DELETE FROM entries"]
    if backend == "sqlite":
        statements.append("INSERT OR REPLACE INTO checkpoints SELECT size, 'x' FROM checkpoints")
    else:
        statements.append("TRUNCATE leaves")
        statements.append("INSERT INTO checkpoints SELECT * FROM checkpoints ON CONFLICT (size)"
                          " DO UPDATE SET note = 'x'")  # fmt: skip
    for statement in statements:
        with (
            pytest.raises(StoreError, match="append-only"),
            used.store._database.writing() as connection,
        ):
            connection.exec_driver_sql(statement)
    assert used.problems() == []


@ON_SQLITE
def test_a_damaged_file_is_reported_row_by_row_and_never_raises(used: Bench) -> None:
    with closing(sqlite3.connect(used.path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        query = "SELECT rootpage FROM sqlite_master WHERE name = 'observations'"
        (page,) = connection.execute(query).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    used.store.close()
    with used.path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    with Store.open(used.path, clock=used.clock) as store:
        problems = store.verify().problems
    assert any(problem.table == "file" for problem in problems)
    assert any(problem.table == "contents" for problem in problems)
