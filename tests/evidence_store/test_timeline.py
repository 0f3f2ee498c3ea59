"""The history of a resource and of a finding, how often it was confirmed, and what was missed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from evidence_store import NotFoundError, PartKey, ResourceKey
from evidence_store.timeline import confirmations, gaps
from tests.evidence_store.builders import T0, document, fails, part, passes, unknown

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench

KEY = ResourceKey("aws.s3.bucket", "", "a")
PART = PartKey("aws.s3", "aws.s3.bucket", "")
CHECK = "aws.s3.bucket_public_access_blocked"
DAY = timedelta(days=1)


def refused(bench: Bench) -> None:
    bench.clock.forward(days=1)
    sweep = bench.begin("prod")
    asked = part(
        complete=False,
        cause="denied",
        carried_findings=[unknown()],
        observed_at=bench.clock().isoformat(),
    )
    bench.unit(sweep, [], [asked])
    bench.store.close_sweep(sweep, {})


def not_asked(bench: Bench) -> None:
    bench.clock.forward(days=1)
    sweep = bench.begin("prod")
    bench.unit(sweep, [], [part(asked=False)])
    bench.store.close_sweep(sweep, {})


@pytest.fixture
def lived(bench: Bench) -> Bench:
    """Eight days: nothing, on, on, refused, not asked, off and failing, gone, on again."""
    bench.sweep([document("b")])
    bench.sweep([document("a", passes()), document("b")])
    bench.sweep([document("a", passes()), document("b")])
    refused(bench)
    not_asked(bench)
    bench.sweep([document("a", fails(), versioning="off"), document("b")])
    bench.sweep([document("b")])
    bench.sweep([document("a", passes()), document("b")])
    return bench


def test_a_resource_is_followed_through_every_entry(lived: Bench) -> None:
    seen = lived.store.sightings("prod", KEY)
    assert [each.state for each in seen] == [
        "read", "read", "carried", "not asked", "read", "gone", "read",
    ]  # fmt: skip
    days = [each.observed_at and (each.observed_at - T0).days for each in seen]
    assert days == [2, 3, 4, None, 6, 7, 8]
    assert len(lived.store.sightings("prod", KEY, T0 + 4 * DAY)) == 3


def test_confirmations_say_how_often_and_until_when(lived: Bench) -> None:
    found = confirmations(lived.store.sightings("prod", KEY))
    told = [(c.content is None, (c.first - T0).days, (c.last - T0).days, c.times) for c in found]
    assert told == [(False, 2, 3, 2), (False, 6, 6, 1), (True, 7, 7, 1), (False, 8, 8, 1)]
    assert found[0].content == found[3].content


def test_a_finding_is_followed_through_its_changes(lived: Bench) -> None:
    runs = lived.store.finding_history("prod", KEY, CHECK)
    assert [(run.status, run.cause, (run.since - T0).days) for run in runs] == [
        ("pass", None, 2),
        ("unknown", "denied", 4),
        ("fail", None, 6),
        (None, None, 7),
        ("pass", None, 8),
    ]
    assert runs[2].reason == "off: BlockPublicAcls"
    assert len(lived.store.finding_history("prod", KEY, CHECK, T0 + 4 * DAY)) == 2
    assert lived.store.finding_history("prod", KEY, "aws.s3.nothing") == []


def test_gaps_are_stretches_without_a_complete_reading(lived: Bench) -> None:
    readings = lived.store.readings("prod", PART)
    assert [each.state for each in readings[3:5]] == ["incomplete", "carried"]
    found = gaps(readings, T0 + DAY, T0 + 8 * DAY, 2 * DAY)
    assert [(gap.start - T0, gap.end - T0) for gap in found] == [(3 * DAY, 6 * DAY)]
    assert found[0].length == 3 * DAY
    wider = gaps(readings, T0 - 9 * DAY, T0 + 20 * DAY, 2 * DAY)
    assert [(gap.start - T0).days for gap in wider] == [-9, 3, 8]
    inside = gaps(readings, T0 + 4 * DAY, T0 + 5 * DAY, 2 * DAY)
    assert [(gap.start - T0, gap.end - T0) for gap in inside] == [(4 * DAY, 5 * DAY)]
    assert gaps([], T0, T0 + DAY, timedelta(hours=1)) != []


def test_what_never_was_has_no_history(lived: Bench) -> None:
    for target, key in (("prod", KEY._replace(id="z")), ("elsewhere", KEY)):
        with pytest.raises(NotFoundError):
            lived.store.sightings(target, key)
