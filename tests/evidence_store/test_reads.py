from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evidence_store import FindingChange, NotFoundError, PartKey, ResourceChange, ResourceKey
from tests.evidence_store.builders import (
    PRIVATE,
    VERSIONED,
    document,
    fails,
    part,
    passes,
    unknown,
)

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench


def test_a_read_as_of_a_time_sees_what_was_recorded_then(bench: Bench) -> None:
    before = bench.clock()
    bench.sweep([document("a", passes()), document("b", passes())])
    first = bench.clock()
    bench.sweep([document("a", fails(), versioning="off")])
    assert list(bench.store.findings(before)) == []
    assert bench.names(first) == ["a", "b"]
    assert set(bench.statuses(first).values()) == {"pass"}
    assert bench.names() == ["a"]
    assert list(bench.statuses().values()) == ["fail"]
    assert [row.resources for row in bench.store.targets(first)] == [2]
    assert b"Enabled" in bench.store.resource("prod", "a", first)[0].body
    assert b"off" in bench.store.resource("prod", "a")[0].body
    with pytest.raises(NotFoundError):
        list(bench.store.documents("elsewhere"))


def test_since_is_when_the_unbroken_run_of_the_status_began(bench: Bench) -> None:
    began = []
    for finding in (passes(), fails(), fails(reason="off: all"), unknown(), fails()):
        bench.sweep([document("a", finding)])
        began.append(bench.clock())
    (row,) = bench.store.findings()
    assert row.since == began[4]
    as_of = {at: next(iter(bench.store.findings(at))).since for at in began}
    assert list(as_of.values()) == [began[0], began[1], began[1], began[3], began[4]]


def test_findings_are_sorted_and_can_be_narrowed(bench: Bench) -> None:
    iam = part(collector="aws.iam", kind="aws.iam.user")
    sweep = bench.begin("prod", "data")
    user = document("u", fails(VERSIONED), kind="aws.iam.user")
    bench.unit(sweep, [document("b", fails()), document("a", passes()), user], [part(), iam])
    bench.unit(sweep, [document("z", passes())], target="data")
    rows = [(row.target, row.check_id, row.resource_id) for row in bench.store.findings()]
    assert rows == [
        ("data", PRIVATE.id, "z"),
        ("prod", PRIVATE.id, "a"),
        ("prod", PRIVATE.id, "b"),
        ("prod", VERSIONED.id, "u"),
    ]
    assert [
        row.resource_id for row in bench.store.findings(target="prod", collector="aws.iam")
    ] == ["u"]
    assert list(bench.store.findings(target="elsewhere")) == []
    as_they_lie = list(bench.store.findings(in_order=False))
    assert len(as_they_lie) == len(rows)
    assert all(row in as_they_lie for row in bench.store.findings())


def test_a_finding_tells_the_documents_own_scope(bench: Bench) -> None:
    bench.sweep([document("a", passes(), own_scope="eu-central-1")])
    (row,) = bench.store.findings()
    assert (row.scope, row.listing_scope) == ("eu-central-1", "")


def test_changes_between_two_sweeps_are_told(bench: Bench) -> None:
    bench.sweep([document("a", passes()), document("b", fails()), document("d", passes())])
    bench.sweep([document("a", fails(), versioning="off")])
    bench.sweep([document("a", fails()), document("c", passes()), document("d", passes())])
    found = bench.store.changes(1, 3)
    assert found.resources == tuple(
        ResourceChange("prod", ResourceKey("aws.s3.bucket", "", name), what)
        for name, what in (("b", "gone"), ("c", "added"))
    )
    reason = "off: BlockPublicAcls"
    assert found.findings == tuple(
        FindingChange(
            "prod", ResourceKey("aws.s3.bucket", "", name), PRIVATE.id, was, now, None, why
        )
        for name, was, now, why in (
            ("a", "pass", "fail", reason),
            ("b", "fail", None, ""),
            ("c", None, "pass", ""),
        )
    )
    assert bench.store.changes(3, 3).resources == ()


def test_sweeps_tell_how_far_they_came(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    sweep = bench.begin("prod", "data")
    bench.unit(sweep, [document("b", passes())])
    newest, oldest = bench.store.sweeps()
    assert (newest.sweep, newest.planned, newest.recorded, newest.closed_at) == (2, 2, 1, None)
    assert (newest.added, newest.changed, newest.gone) == (1, 0, 1)
    assert oldest.closed_at == bench.clock()
    assert oldest.summary == {}
    assert oldest.plan["mapping"] == "2026.11"


def test_parts_tell_how_well_a_listing_is_known(bench: Bench) -> None:
    bench.sweep([], [part(stated_total=0)])
    refused = part(complete=False, cause="throttled", code="Throttling")
    bench.sweep([], [refused])
    bench.sweep([], [])
    (row,) = bench.store.parts("prod")
    assert row.key == PartKey("aws.s3", "aws.s3.bucket", "")
    assert (row.state, row.cause, row.code, row.since) == ("carried", "throttled", "Throttling", 1)


def test_entries_are_listed_with_their_exact_bytes(bench: Bench) -> None:
    receipt = bench.sweep([document("a", passes())])
    kinds = [row.kind for row in bench.store.entries()]
    assert kinds == ["key", "plan", "unit", "close"]
    (unit,) = bench.store.entries("prod")
    assert unit == bench.store.entry(receipt.entry)
    assert unit.body.startswith(b'{"added":1,"attachments":{}')
    with pytest.raises(NotFoundError):
        bench.store.entry(99)
    with pytest.raises(NotFoundError):
        bench.store.attachment(receipt.entry, "journal")
