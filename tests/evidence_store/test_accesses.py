"""The log of accesses: anyone who reads can add to it, nobody can take from it unseen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evidence_store import NotFoundError, RecordError, ResourceKey
from evidence_store.decisions import Author
from evidence_store.erasing import Request
from tests.evidence_store.builders import document, passes

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench

KEY = ResourceKey("aws.s3.bucket", "", "a")


@pytest.fixture
def used(bench: Bench) -> Bench:
    bench.sweep([document("a", passes())])
    bench.store.accessed("ada@host", "shown", "prod", KEY)
    bench.clock.forward(hours=1)
    bench.store.accessed("bob@host", "exported", detail="csv, 1 findings")
    return bench


def test_accesses_are_listed_newest_first_and_sealed_with_the_next_checkpoint(used: Bench) -> None:
    rows = list(used.store.accesses())
    assert [(row.who, row.way, row.target, row.resource_id) for row in rows] == [
        ("bob@host", "exported", None, None),
        ("ada@host", "shown", "prod", "a"),
    ]
    assert [row.entry for row in rows] == [None, None]
    assert "2 accesses are not sealed by an entry yet." in used.store.verify().statements
    used.store.checkpoint()
    sealed = {row.entry for row in used.store.accesses()}
    assert [row.id for row in used.store.entries() if row.kind == "access"] == list(sealed)
    report = used.store.verify()
    assert report.clean
    assert not any("sealed" in statement for statement in report.statements)
    assert len(list(used.store.accesses(rows[1].at))) == 1


def test_the_same_tree_without_further_accesses_is_the_same_head(used: Bench) -> None:
    head = used.store.checkpoint()
    assert used.store.checkpoint() == head
    used.store.accessed("ada@host", "verified")
    assert used.store.checkpoint().size == head.size + 1


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE accesses SET who = 'nobody' WHERE id = 1",
        "UPDATE accesses SET resource_id = NULL WHERE id = 1",
        "DELETE FROM accesses WHERE id = 2",
        "DELETE FROM access_seals WHERE access_id = 1",
        "UPDATE access_seals SET entry_id = 1",
        "UPDATE accesses SET id = 9 WHERE id = 2",
    ],
)
def test_an_edit_of_a_sealed_access_is_found(used: Bench, statement: str) -> None:
    used.store.checkpoint()
    used.tamper(statement)
    assert any(problem.startswith("access") for problem in used.problems())


def test_a_name_that_is_erased_is_erased_from_the_log_too(used: Bench) -> None:
    used.store.checkpoint()
    used.store.keeping.erase(Request("prod", KEY), Author("DPO", "request 77"))
    assert list(used.store.accesses())[1].resource_id == "(erased) 1"
    assert used.problems() == []


def test_what_is_not_there_cannot_have_been_accessed(used: Bench) -> None:
    with pytest.raises(NotFoundError):
        used.store.accessed("ada@host", "shown", "prod", KEY._replace(id="z"))
    with pytest.raises(RecordError, match="'looked' is none of"):
        used.store.accessed("ada@host", "looked")
