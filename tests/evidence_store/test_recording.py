from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from evidence_store import (
    CheckRef,
    Document,
    Finding,
    Lines,
    PartKey,
    RecordError,
    ResourceKey,
    StaleSweepError,
)
from evidence_store.canonical import canonical, parsed, trimmed
from evidence_store.digests import Digests
from evidence_store.merkle import root_of
from evidence_store.tables import metadata
from tests.evidence_store.builders import PRIVATE, VERSIONED, document, fails, part, passes, unknown

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench

PRIVATE_NAME, VERSIONED_NAME = "bucket_public_access_blocked", "bucket_versioning_enabled"


def rows(bench: Bench) -> Mapping[str, int]:
    with bench.store._database.reading() as connection:
        return {
            table.name: connection.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


def test_a_complete_part_replaces_what_was_known(bench: Bench) -> None:
    first = bench.sweep([document("a", passes()), document("b", fails())])
    assert (first.added, first.changed, first.gone, first.resources) == (2, 0, 0, 2)
    second = bench.sweep([document("a", passes(), versioning="Suspended"), document("c", fails())])
    assert (second.added, second.changed, second.gone, second.resources) == (1, 1, 1, 2)
    assert bench.names() == ["a", "c"]
    assert bench.statuses() == {("a", PRIVATE_NAME): "pass", ("c", PRIVATE_NAME): "fail"}
    assert bench.problems() == []


def test_an_unchanged_sweep_adds_its_entry_and_nothing_else(bench: Bench) -> None:
    documents = [document("a", passes(), fails(VERSIONED)), document("b", fails())]
    first = bench.sweep(documents)
    before = rows(bench)
    second = bench.sweep(documents)
    after = rows(bench)
    assert second.unchanged
    assert (second.state_root, second.verdict_root) == (first.state_root, first.verdict_root)
    # The plan, the unit and the end of the sweep.
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == {
        "entries": 3,
        "pending": 3,
    }


def test_an_unchanged_document_is_not_fetched(bench: Bench) -> None:
    known = document("a", passes())
    bench.sweep([known])

    def refuse() -> bytes:
        raise AssertionError("fetched")

    assert bench.sweep([known._replace(body=refuse)]).unchanged


def test_a_verdict_can_change_while_the_state_stands(bench: Bench) -> None:
    first = bench.sweep([document("a", passes())])
    second = bench.sweep([document("a", fails())])
    assert second.state_root == first.state_root
    assert second.verdict_root != first.verdict_root
    assert not second.unchanged
    assert (second.added, second.changed, second.gone) == (0, 0, 0)
    assert bench.problems() == []


def test_a_new_version_of_a_check_is_a_change_but_breaks_no_run(bench: Bench) -> None:
    bench.sweep([document("a", fails())])
    began = bench.clock()
    newer = CheckRef(PRIVATE.id, "2", "high", {"max_age": 90})
    second = bench.sweep([document("a", fails(newer))])
    (row,) = bench.store.findings()
    assert not second.unchanged
    assert (row.check_version, row.status, row.since) == ("2", "fail", began)
    assert bench.problems() == []


def test_what_an_incomplete_listing_did_not_name_is_carried_and_unknown(bench: Bench) -> None:
    bench.sweep([document("a", passes()), document("b", passes())])
    read = bench.clock()
    refused = part(
        complete=False,
        cause="denied",
        code="AccessDenied",
        permission="s3:ListAllMyBuckets",
        carried_findings=[unknown()],
        collected=1,
        stated_total=2,
        observed_at="2026-11-03T00:00:00Z",
    )
    receipt = bench.sweep([document("b", fails(), versioning="off")], [refused])
    assert (receipt.changed, receipt.gone, receipt.resources) == (1, 0, 2)
    assert bench.statuses() == {("a", PRIVATE_NAME): "unknown", ("b", PRIVATE_NAME): "fail"}
    carried, fresh = bench.store.findings()
    assert carried.cause == "denied"
    assert carried.observed_at == read
    assert fresh.observed_at is not None
    assert fresh.observed_at.isoformat() == "2026-11-03T00:00:00+00:00"
    (row,) = bench.store.parts()
    assert (row.state, row.since, row.carried, row.permission) == (
        "incomplete",
        1,
        1,
        "s3:ListAllMyBuckets",
    )
    assert bench.problems() == []
    again = bench.sweep([document("b", fails(), versioning="off")], [refused])
    assert again.unchanged
    assert next(iter(bench.store.findings())).observed_at == read
    assert bench.problems() == []


def test_a_part_that_was_not_asked_stays_as_it_was(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    read = bench.clock()
    other = part(kind="aws.iam.user", collector="aws.iam", observed_at="2026-11-03T00:00:00Z")
    receipt = bench.sweep([document("u", fails(), kind="aws.iam.user")], [other])
    assert receipt.gone == 0
    (bucket,) = [row for row in bench.store.findings() if row.resource_id == "a"]
    assert (bucket.status, bucket.observed_at, bucket.sweep) == ("pass", read, 2)
    states = {row.key.kind: (row.state, row.since) for row in bench.store.parts()}
    assert states == {"aws.iam.user": ("complete", None), "aws.s3.bucket": ("carried", 1)}
    assert bench.problems() == []


def test_a_part_nobody_ever_asked_keeps_its_unknown_until_it_is_asked(bench: Bench) -> None:
    never = part(asked=False, findings_on_part=[unknown(cause="not_asked")])
    bench.sweep([], [never])
    (row,) = bench.store.findings()
    assert (row.resource_id, row.status, row.cause, row.observed_at) == (
        None,
        "unknown",
        "not_asked",
        None,
    )
    bench.sweep([document("a", passes())])
    assert bench.statuses() == {("a", PRIVATE_NAME): "pass"}
    # Asked once, a later "not asked" no longer speaks for it.
    bench.sweep([], [never])
    assert bench.statuses() == {("a", PRIVATE_NAME): "pass"}
    assert bench.problems() == []


def test_a_resource_that_comes_back_is_added_again(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    bench.sweep([])
    assert bench.names() == []
    assert bench.sweep([document("a", passes())]).added == 1
    (row,) = bench.store.findings()
    assert row.since == bench.clock()
    history = bench.store.history("prod", ResourceKey("aws.s3.bucket", "", "a"))
    assert [entry.body is None for entry in history] == [False, True, False]
    assert bench.problems() == []


def test_the_same_unit_twice_gives_the_first_receipt(bench: Bench) -> None:
    sweep = bench.begin()
    first = bench.unit(sweep, [document("a", passes())])
    before = rows(bench)
    second = bench.unit(sweep, [document("b", fails())])
    assert second == replace(first, repeated=True)
    assert rows(bench) == before


def test_a_resumed_unit_is_a_further_attempt(bench: Bench) -> None:
    sweep = bench.begin("prod", "data")
    bench.unit(sweep, [document("a", passes())], outcome="interrupted")
    found = bench.store.open_sweep()
    assert found is not None
    assert (found.sweep, found.missing, found.interrupted) == (sweep, ("data",), {"prod": 1})
    second = bench.unit(sweep, [document("a", passes()), document("b", fails())], attempt=2)
    assert second.added == 1
    bench.unit(sweep, target="data")
    bench.store.close_sweep(sweep, {"fail": 1})
    assert bench.store.open_sweep() is None
    assert bench.problems() == []


def test_a_sweep_behind_the_targets_last_is_refused(bench: Bench) -> None:
    older, newer = bench.begin(), bench.begin()
    bench.unit(newer, [document("a", passes())])
    with pytest.raises(StaleSweepError, match="was recorded"):
        bench.unit(older, [])
    bench.store.close_sweep(newer, {})
    with pytest.raises(StaleSweepError, match="closed"):
        bench.unit(newer, [], attempt=2)


def test_only_what_was_planned_is_recorded(bench: Bench) -> None:
    with pytest.raises(RecordError, match="never begun"):
        bench.unit(7)
    sweep = bench.begin("prod")
    with pytest.raises(RecordError, match="not in the plan"):
        bench.unit(sweep, target="other")


BODY = b'{"facts":{},"id":"a","kind":"aws.s3.bucket","listed":{},"scope":""}'


def raw(body: bytes, *findings: Finding) -> Document:
    key = ResourceKey("aws.s3.bucket", "", "a")
    return Document(key, body, hashlib.sha256(body).digest(), findings)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (raw(BODY.replace(b":", b": ", 1)), "not canonical"),
        (raw(BODY.replace(b'"a"', b'"b"')), "another kind or id"),
        (raw(b"{"), "no JSON"),
        (raw(BODY)._replace(sha256=bytes(32)), "SHA-256"),
        (raw(BODY, Finding(PRIVATE, "unknown")), "cause None"),
        (raw(BODY, Finding(PRIVATE, "pass", "denied")), "cause 'denied'"),
        (raw(BODY, Finding(PRIVATE, "fine")), "status 'fine'"),
        (raw(BODY, fails(), passes(replace(PRIVATE, version="2"))), "two findings of one check"),
        (raw(BODY, fails(), passes()), "two findings of one check"),
        (document("a", kind="aws.iam.user"), "no part that was asked"),
    ],
)
def test_what_contradicts_itself_is_refused_and_nothing_is_recorded(
    bench: Bench, wrong: Document, says: str
) -> None:
    sweep = bench.begin()
    before = rows(bench)
    with pytest.raises(RecordError, match=says):
        bench.unit(sweep, [document("x", passes()), wrong])
    # A check's own text, which all targets share, may stay: it states nothing about anyone.
    assert {**rows(bench), "checks": 0} == {**before, "checks": 0}


@pytest.mark.parametrize(
    "wrong",
    [
        [part(complete=False)],
        [part(complete=True, cause="denied")],
        [part(observed_at=None)],
        [part(), part()],
        [part(complete=False, cause="denied", carried_findings=[passes()])],
        [part(observed_at="2026-11-01T00:00:00")],
    ],
)
def test_a_part_that_contradicts_itself_is_refused(bench: Bench, wrong: list[object]) -> None:
    with pytest.raises(RecordError):
        bench.unit(bench.begin(), [], wrong)  # type: ignore[arg-type]  # parametrised as objects


def test_journal_and_activities_come_back_byte_for_byte(bench: Bench) -> None:
    key = PartKey("aws.s3", "aws.s3.bucket", "")
    receipt = bench.sweep([], journal=b"calls", activities={key: b"last used"})
    names = bench.store.attachments(receipt.entry)
    assert names == ['activity ["aws.s3","aws.s3.bucket",""]', "journal"]
    assert [bench.store.attachment(receipt.entry, name) for name in names] == [
        b"last used",
        b"calls",
    ]


def test_an_entry_commits_to_each_line_of_an_attachment_and_lets_none_be_guessed(
    bench: Bench,
) -> None:
    key, journal = PartKey("aws.s3", "aws.s3.bucket", ""), b'[{"page":1},{"page":2}]'
    receipt = bench.sweep([], journal=journal, activities={key: b'{"mia":{"seen":7}}'})
    told = parsed(bench.store.entry(receipt.entry).body)["attachments"]
    digests = Digests(bench.store._keys.secret, "prod")
    lines = [digests.line("journal", text).digest for text in (b'{"page":1}', b'{"page":2}')]
    assert told["journal"] == root_of(lines).hex()
    (name,) = set(told) - {"journal"}
    assert told[name] == root_of([digests.line(name, b'["mia",{"seen":7}]').digest]).hex()
    assert sha256(journal).hexdigest() not in told.values()


def test_equal_values_on_two_resources_do_not_show_as_equal(bench: Bench) -> None:
    bench.sweep([document("a", fails(reason="same")), document("b", fails(reason="same"))])
    keys = [ResourceKey("aws.s3.bucket", "", name) for name in "ab"]
    first, second = (bench.store.disclose("prod", key) for key in keys)
    assert {m.digest for m in first.members}.isdisjoint(m.digest for m in second.members)
    reasons = [bench.store.disclose_findings("prod", key)[0].reason for key in keys]
    assert reasons[0].value == reasons[1].value
    assert reasons[0].digest != reasons[1].digest


def test_two_checks_of_a_resource_are_told_apart(bench: Bench) -> None:
    bench.sweep([document("a", passes(), fails(VERSIONED))])
    bench.sweep([document("a", passes(VERSIONED), fails())])
    assert bench.statuses() == {("a", PRIVATE_NAME): "fail", ("a", VERSIONED_NAME): "pass"}
    assert bench.problems() == []


def test_an_attachment_given_line_by_line_is_the_one_given_whole(bench: Bench) -> None:
    calls = [{"operation": "List", "page": 1}, {"operation": "List", "page": 2}]
    moves = {"a": {"listed.Used": 1}, "b": {"listed.Used": "é"}}
    key = PartKey("aws.s3", "aws.s3.bucket", "global")
    row_by_row = Lines(lambda: [(b"", canonical(row)) for row in calls])
    by_name = Lines(lambda: [(canonical(n), canonical(v)) for n, v in moves.items()], True)
    whole = bench.sweep([], journal=canonical(calls), activities={key: canonical(moves)})
    given = bench.sweep([], journal=row_by_row, activities={key: by_name})
    names = bench.store.attachments(whole.entry)
    assert len(names) == 2
    assert names == bench.store.attachments(given.entry)
    first, second = (parsed(bench.store.entry(r.entry).body) for r in (whole, given))
    assert first["attachments"] == second["attachments"]
    for name in names:
        told = bench.store.attachment(whole.entry, name)
        assert told == bench.store.attachment(given.entry, name)
    empty = bench.sweep([], journal=Lines(list))
    assert bench.store.attachment(empty.entry, "journal") == b"[]"
    assert bench.problems() == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (Lines(lambda: [(b"", b'{"b":1,"a":2}')]), "not canonical"),
        (Lines(lambda: [(b'"b"', b"1"), (b'"a"', b"2")], True), "not sorted"),
        (Lines(lambda: [(b'"a"', b"1"), (b'"a"', b"2")], True), "not sorted"),
    ],
)
def test_an_attachment_of_another_form_is_refused(bench: Bench, lines: Lines, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        bench.sweep([], journal=lines)


def test_a_text_that_is_kept_takes_the_memory_of_its_own_length() -> None:
    tracemalloc.start()
    try:
        kept = [trimmed(canonical([number, "pass", None, ""])) for number in range(1000)]
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert parsed(kept[7]) == [7, "pass", None, ""]
    assert taken < 100 * len(kept)
