"""Retention, legal holds and purge: evidence goes when it may, and everyone can see why."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from evidence_store import NotFoundError, RecordError, ResourceKey, RetentionError, StoreError
from evidence_store.decisions import Author
from evidence_store.digests import Digests, key_text
from evidence_store.holds import Held
from tests.evidence_store.builders import document, fails, passes

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench

KEY = ResourceKey("aws.s3.bucket", "", "a")
ROTH = Author("J. Roth", "KEY-07, section 4")
YEARS = 365.25


@pytest.fixture
def aged(bench: Bench) -> Bench:
    """`a` was on for four years, off for four, and is on again; `b` went after the first."""
    bench.sweep([document("a", passes()), document("b", fails())], journal=b'[{"op":"first"}]')
    bench.clock.forward(days=4 * YEARS)
    bench.sweep([document("a", passes(), versioning="off")], journal=b'[{"op":"second"}]')
    bench.clock.forward(days=4 * YEARS)
    bench.sweep([document("a", passes(), versioning="later")], journal=b'[{"op":"third"}]')
    return bench


def digest_of(bench: Bench, key: ResourceKey) -> str:
    return Digests(bench.store._keys.secret, "prod").key_digest(key_text(key)).hex()


def test_retention_is_seven_years_and_can_only_become_longer(bench: Bench) -> None:
    keeping = bench.store.keeping
    assert keeping.periods()["documents"].days == 2557
    with pytest.raises(RetentionError, match=r"documents are kept 2557 days \(by default\).*never"):
        keeping.extend("documents", 2557, ROTH)
    bench.clock.forward(days=1)
    keeping.extend("documents", 3653, ROTH)
    period = keeping.periods()["documents"]
    assert (period.days, period.by, period.reason) == (3653, "J. Roth", "KEY-07, section 4")
    with pytest.raises(RetentionError, match=r"since 2026-11-02, by J. Roth"):
        keeping.extend("documents", 3000, ROTH)
    with pytest.raises(RetentionError, match="no evidence is called 'mail'"):
        keeping.extend("mail", 3000, ROTH)
    assert [row.kind for row in bench.store.entries()] == ["key", "retention"]
    assert bench.problems() == []


def test_a_decision_names_its_author_and_reason(bench: Bench) -> None:
    for author in (Author("", "why"), Author("who", " ")):
        with pytest.raises(RecordError, match="who decides it and why"):
            bench.store.keeping.hold(Held(), author)


def test_a_content_is_kept_until_seven_years_after_it_was_replaced(aged: Bench) -> None:
    keeping = aged.store.keeping
    # Nine years old, but replaced five years ago: four years after it was first seen.
    aged.clock.forward(days=YEARS)
    assert keeping.due().contents == []
    aged.clock.forward(days=2 * YEARS)  # `a` as it was at first, and `b`, which went then
    due = keeping.due()
    assert len(due.contents) == 2
    assert keeping.purge(ROTH) == (due, True)
    assert aged.names() == ["a"]
    history = aged.store.history("prod", KEY)
    assert [row.body is None for row in history] == [True, False, False]
    assert all(row.content_id for row in history)
    assert aged.problems() == []
    assert keeping.due().contents == []


def test_journals_have_their_own_retention(aged: Bench) -> None:
    keeping = aged.store.keeping
    assert [entry for entry, _ in keeping.due().attachments] == [3, 6]
    keeping.extend("journals", 2000, ROTH)
    assert [entry for entry, _ in keeping.due().attachments] == [3]
    keeping.purge(ROTH)
    with pytest.raises(NotFoundError, match="let go"):
        aged.store.attachment(3, "journal")
    assert aged.store.attachment(6, "journal") == b'[{"op":"second"}]'
    assert aged.problems() == []


def test_without_anything_due_a_purge_writes_nothing(bench: Bench) -> None:
    bench.sweep([document("a")])
    before = list(bench.store.entries())
    bench.store.keeping.purge(ROTH)
    assert list(bench.store.entries()) == before


@pytest.mark.parametrize("scope", ["everything", "target", "kind", "resource"])
def test_a_hold_outlasts_retention_until_it_is_lifted(aged: Bench, scope: str) -> None:
    keeping = aged.store.keeping
    held = {
        "everything": Held(),
        "target": Held("prod"),
        "kind": Held("prod", "aws.s3.bucket"),
        "resource": Held("prod", "aws.s3.bucket", digest_of(aged, KEY)),
    }[scope]
    hold = keeping.hold(held, Author("Counsel", "case 12"))
    keeping.hold(Held("elsewhere"), ROTH)
    aged.clock.forward(days=4 * YEARS)
    found, _ = keeping.purge(ROTH)
    assert len(found.contents) == (1 if scope == "resource" else 0)
    assert found.attachments == []
    assert found.held[hold.number] == (4 if scope == "resource" else 5)
    assert aged.problems() == []
    with pytest.raises(NotFoundError, match="no hold 9"):
        keeping.lift(9, ROTH)
    keeping.lift(hold.number, Author("Counsel", "case closed"))
    with pytest.raises(RetentionError, match=r"hold 1 was lifted on"):
        keeping.lift(hold.number, ROTH)
    assert len(keeping.purge(ROTH)[0].attachments) == 3
    assert [each.lifted_at is None for each in keeping.holds()] == [False, True]
    assert aged.problems() == []


def test_a_content_that_comes_back_after_its_purge_is_kept_again(aged: Bench) -> None:
    aged.clock.forward(days=3 * YEARS)
    aged.store.keeping.purge(ROTH)
    aged.sweep([document("a", passes())])  # as it was eleven years ago
    row = aged.store.resource("prod", "a")[0]
    assert row.body == document("a").body()  # type: ignore[operator]  # the builder's is a function
    assert row.sha256 == document("a").sha256
    assert aged.problems() == []
    aged.sweep([document("a", passes(), versioning="off")])
    aged.clock.forward(days=8 * YEARS)
    assert len(aged.store.keeping.purge(ROTH)[0].contents) == 2
    assert aged.problems() == []


def test_proofs_hold_after_a_purge(aged: Bench) -> None:
    head = aged.store.checkpoint()
    leaves = [aged.store.leaves("prod", at) for at in (None, aged.clock() - timedelta(days=10))]
    aged.clock.forward(days=3 * YEARS)
    aged.store.keeping.purge(ROTH)
    aged.store.checkpoint()
    assert leaves[0] == aged.store.leaves("prod")
    assert aged.store.verify(trusted=[head]).problems == ()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE contents SET body = digest",
        "UPDATE contents SET body = NULL, codec = 0",
        "UPDATE attachments SET body = NULL",
        "UPDATE attachments SET sha256 = NULL",
        "UPDATE resources SET identity = 'z'",
        "UPDATE resources SET identity = NULL, kind = 'x'",
        "UPDATE reasons SET reason = 'z'",
        "UPDATE attachments SET name = 'z'",
        "UPDATE observations SET content = NULL",
        "DELETE FROM contents",
        "DELETE FROM remnants",
    ],
)
def test_the_guards_allow_nothing_but_letting_go(aged: Bench, statement: str) -> None:
    aged.clock.forward(days=3 * YEARS)
    aged.store.keeping.purge(ROTH)
    aged.sweep([document("a", passes())])
    with (
        pytest.raises(StoreError, match="append-only"),
        aged.store._database.writing() as connection,
    ):
        connection.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (
            "UPDATE contents SET body = NULL",
            "its document is gone, and no entry says why",
        ),
        (
            "UPDATE attachments SET body = NULL, sha256 = NULL, size = NULL",
            "is gone, and no entry says why",
        ),
        ("UPDATE reasons SET reason = NULL", "is gone, and no entry says why"),
        ("UPDATE resources SET identity = NULL", "its name is gone, and no entry says why"),
        ("UPDATE attachments SET size = 7 WHERE body IS NULL", "both help to guess"),
        ("UPDATE contents SET body = zeroblob(1) WHERE body IS NULL", "and it is there"),
        ("INSERT INTO erasures VALUES (1, 'listed.Name', 9)", "is not what the entries say"),
        ("INSERT INTO erasures VALUES (99, '', 9)", "belongs to no resource"),
    ],
)
def test_an_empty_place_that_no_entry_explains_is_found(
    aged: Bench, statement: str, found: str
) -> None:
    aged.clock.forward(days=3 * YEARS)
    aged.store.keeping.purge(ROTH)
    assert aged.problems() == []
    aged.tamper(statement)
    assert any(found in problem for problem in aged.problems())


def test_a_purge_before_its_time_or_in_spite_of_a_hold_is_found(
    aged: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeping = aged.store.keeping
    keeping.hold(Held("prod"), ROTH)
    aged.clock.forward(days=2)
    day = keeping.periods()["documents"]._replace(days=1)
    days = dict.fromkeys(("documents", "journals", "activities"), day)
    with monkeypatch.context() as patched:
        patched.setattr("evidence_store.holds.lasting", lambda _connection: [])
        patched.setattr("evidence_store.retention.periods", lambda _connection: days)
        keeping.purge(ROTH)
    found = aged.problems()
    assert any("by other periods than the ledger's" in problem for problem in found)
    assert any("contents" in p and "before its time" in p for p in found)
    assert any("attachments" in p and "before its time" in p for p in found)
    assert any("in spite of hold 1" in problem for problem in found)


def test_a_shorter_period_written_past_the_program_is_found(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.store.keeping.extend("documents", 4000, ROTH)
    day = {"documents": bench.store.keeping.periods()["documents"]._replace(days=1)}
    with monkeypatch.context() as patched:
        patched.setattr("evidence_store.retention.periods", lambda _connection: day)
        bench.store.keeping.extend("documents", 10, ROTH)
    assert any("makes the retention of documents shorter" in p for p in bench.problems())
