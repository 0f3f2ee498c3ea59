"""`verify --since`: the head is proven, what came after it is recomputed, the rest is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence_store import Checkpoint, ResourceKey, Store, note
from evidence_store.decisions import Author
from evidence_store.erasing import Request
from evidence_store.errors import NotFoundError
from evidence_store.location import Location
from tests.evidence_store.builders import ON_SQLITE, Bench, document, fails, part, passes, unknown


@pytest.fixture
def head(bench: Bench) -> Checkpoint:
    """Two targets before the head; after it, one with changes, a refusal and a new resource."""
    bench.sweep([document("a", passes()), document("b", fails())], journal=b"calls")
    bench.sweep([document("z", passes())], target="data")
    kept = bench.store.checkpoint()
    bench.store.accessed("ann", "shown", "prod")
    bench.sweep([document("a", passes()), document("b", passes(), versioning="off")])
    refused = part(complete=False, cause="denied", carried_findings=[unknown()])
    bench.sweep([document("a", fails())], [refused], journal=b"more calls")
    bench.sweep([document("a", fails()), document("c", passes())], journal=b"calls")
    bench.store.checkpoint()
    assert bench.problems() == []
    return kept


def problems(bench: Bench, head: Checkpoint | int) -> list[str]:
    report = bench.store.verify(after=head)
    return [f"{p.table} {p.row}: {p.what}" for p in report.problems]


def test_only_what_came_after_the_head_is_recomputed(bench: Bench, head: Checkpoint) -> None:
    report = bench.store.verify(after=head)
    assert report.clean
    assert head.size == 7
    whole = bench.store.verify()
    assert report.counts["entries"] == whole.counts["entries"] - 7
    assert report.counts["targets"] == 1
    assert report.counts["contents"] == 2  # b as it became, and c
    assert "NOT looked at again: the 7 entries up to it" in report.statements[0]
    assert "targets without a newer entry" in report.statements[0]


def test_entries_that_still_wait_for_the_ledger_are_newer_than_every_head(
    bench: Bench, head: Checkpoint
) -> None:
    bench.sweep([document("q", passes())])
    last = bench.store.checkpoints()[-1]
    report = bench.store.verify(after=last)
    assert report.clean
    assert report.counts["entries"] == 3
    bench.tamper("UPDATE entries SET gone = 7 WHERE id = (SELECT max(id) - 1 FROM entries)")
    assert any("column gone" in each for each in problems(bench, head))


AFTER = {
    "an observation deleted": "DELETE FROM observations WHERE entry_id = 9",
    "a verdict flipped": "UPDATE verdicts SET status = 1 WHERE status = 2 AND entry_id > 8",
    "a run made longer": "UPDATE verdicts SET since = since - 86400000000 WHERE entry_id = 9",
    "a column edited": "UPDATE entries SET outcome = 'failed' WHERE id = 9",
    "a body replaced": "UPDATE entries SET body = (SELECT body FROM entries WHERE id = 6)"
    " WHERE id = 9",
    "an entry deleted": "DELETE FROM entries WHERE id = 9",
    "a leaf edited": "UPDATE leaves SET hash = zeroblob(32) WHERE position = 9",
    "a leaf deleted": "DELETE FROM leaves WHERE position = 9",
    "an old leaf edited": "UPDATE leaves SET hash = zeroblob(32) WHERE position = 2",
    "an attachment edited": "UPDATE attachments SET sha256 = zeroblob(32) WHERE entry_id > 9",
    "a new content deleted": "DELETE FROM contents WHERE digest IN"
    " (SELECT content FROM observations WHERE entry_id = 9)",
    "a new content emptied": "UPDATE contents SET body = NULL WHERE"
    " digest IN (SELECT content FROM observations WHERE entry_id = 9)",
    "a newer plan deleted": "DELETE FROM entries WHERE id = 8",
    "an old plan deleted": "DELETE FROM entries WHERE id = 5",
    "an access edited": "UPDATE accesses SET who = 'bob'",
    "a checkpoint edited": "UPDATE checkpoints SET note = replace(note, 'test', 'tes')",
    "the cache poisoned": "UPDATE current_state SET content = zeroblob(32)",
    "what the rest stands on edited": "DELETE FROM verdicts WHERE entry_id = 3",
    "a row for a quiet target": "INSERT INTO observations SELECT resource_id, 9, content, scope"
    " FROM observations WHERE entry_id = 6",
}


@ON_SQLITE
@pytest.mark.parametrize("attack", AFTER)
def test_an_edit_of_what_came_after_is_found(bench: Bench, head: Checkpoint, attack: str) -> None:
    bench.tamper(AFTER[attack])
    assert problems(bench, head) != []


def test_an_edited_body_is_found(bench: Bench, head: Checkpoint) -> None:
    bench.tamper_body(9, b'"outcome":"complete"', b'"outcome":"completf"')
    assert "entries 9: column outcome differs from the body" in problems(bench, head)


def test_an_edit_below_the_head_that_nothing_builds_upon_is_left_to_the_whole_verification(
    bench: Bench, head: Checkpoint
) -> None:
    bench.tamper("UPDATE entries SET outcome = 'failed' WHERE id = 6")
    assert problems(bench, head) == []
    assert bench.problems() == ["entries 6: column outcome differs from the body"]


def test_a_head_of_another_history_or_key_stops_everything(bench: Bench, head: Checkpoint) -> None:
    key = Ed25519PrivateKey.generate()
    forged = note.signed("annexa/test", head.size, head.root, key)
    assert problems(bench, forged) == ["head 7: is not signed by this ledger's key for its size"]
    other = note.signed("annexa/test", head.size, bytes(32), bench.store._keys.signing)
    assert problems(bench, other) == [
        "head 7: the first 7 leaves are others: history was rewritten"
    ]
    assert "Nothing was verified" in bench.store.verify(after=other).statements[-1]


def test_a_store_rolled_back_behind_the_head_is_told(
    bench: Bench, head: Checkpoint, copied: Callable[[Bench], Location]
) -> None:
    old = copied(bench)
    with Store.open(old, clock=bench.clock) as store:
        newer = Bench(store, bench.clock, old)
        newer.sweep([document("a", passes())])
        ahead = store.checkpoint()
    with Store.open(bench.location, clock=bench.clock) as store:
        (problem,) = store.verify(after=ahead).problems
        assert (problem.table, problem.row) == ("head", str(ahead.size))
        assert "rolled back" in problem.what
    assert ahead.size > head.size


def test_a_size_means_the_stores_own_head_and_says_what_that_is_worth(
    bench: Bench, head: Checkpoint
) -> None:
    report = bench.store.verify(after=head.size)
    assert report.clean
    assert any("That head is the store's own" in each for each in report.statements)
    with pytest.raises(NotFoundError, match="no signed head of size 3; near it: 7, 17"):
        bench.store.verify(after=3)


def test_what_was_let_go_after_the_head_is_followed(bench: Bench, head: Checkpoint) -> None:
    key = ResourceKey("aws.s3.bucket", "", "b")
    bench.store.keeping.erase(Request("prod", key, ("facts.versioning",)), Author("ann", "asked"))
    bench.store.checkpoint()
    assert bench.problems() == []
    assert problems(bench, head) == []
    bench.tamper("UPDATE contents SET body = NULL WHERE body IS NOT NULL")
    assert problems(bench, head) != []


def test_the_verifier_says_since_when_a_part_that_was_not_read_is_carried(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    refused = part(complete=False, cause="denied", carried_findings=[unknown()])
    bench.sweep([document("a", unknown())], [refused])
    said = [each for each in bench.store.verify().statements if "carried" in each]
    assert said == [
        "prod, sweep 2, not read completely (denied), carried since sweep 1: aws.s3.bucket."
    ]


def test_the_head_for_a_daily_verification_is_the_last_one_before_a_time(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    first = bench.store.checkpoint()
    between = bench.clock()
    bench.sweep([document("a", fails())])
    bench.store.checkpoint()
    assert bench.store.head_before(bench.clock()) == first.size
    assert bench.store.head_before(between) is None
    bench.clock.forward(days=1)
    assert bench.store.head_before(bench.clock()) == bench.store.checkpoints()[-1].size
