"""What a sweep asks for: the wanted collectors, and what their checks depend on."""

from __future__ import annotations

import pytest

from annexa.cli.collectors import described
from annexa.selection import asked
from collectors import catalog
from tests.acme import CATALOG as ACME

CATALOG = catalog(plugins=False)
PERSON, TEAM = "acme.people.person", "acme.teams.team"


def names(*wanted: str) -> set[str]:
    return {collector.name for collector, _ in asked(CATALOG, "aws", wanted).listings}


def test_everything_of_the_platform_is_asked_by_default() -> None:
    what = asked(CATALOG, "aws")
    assert {check.id for check in what.checks} == {
        check for check in CATALOG.checks if check.startswith("aws.")
    }
    assert "iam:GetAccountSummary" in what.permissions


def test_a_wanted_collector_brings_the_listings_its_checks_ask_about() -> None:
    assert names("aws.kms") == {"aws.kms", "aws.iam"}
    assert names("aws.s3") == {"aws.s3", "aws.account", "aws.cloudtrail"}
    assert names("aws.ec2") == {"aws.ec2"}


def test_other_collectors_checks_about_what_is_read_are_asked_where_that_takes_no_more() -> None:
    what = asked(CATALOG, "aws", ["aws.account"])
    found = {check.id for check in what.checks}
    assert "aws.s3.account_public_access_blocked" in found
    assert "aws.cloudwatch.alarm_root_usage" not in found
    assert what.kinds == {"aws.account.account", "aws.account.region"}


def test_checks_that_were_asked_before_are_asked_again_whatever_they_take() -> None:
    before = asked(CATALOG, "aws").kinds
    again = asked(CATALOG, "aws", ["aws.account"], known=before)
    assert "aws.cloudwatch.alarm_root_usage" in {check.id for check in again.checks}
    first = asked(CATALOG, "aws", ["aws.account"])
    assert asked(CATALOG, "aws", ["aws.account"], known=first.kinds) == first


def test_kinds_that_are_done_are_left_out_unless_others_need_them() -> None:
    done = {"aws.account.account"}
    what = asked(CATALOG, "aws", ["aws.s3", "aws.account"], done)
    assert "aws.account.account" in what.kinds, "buckets are judged together with their account"
    users = asked(CATALOG, "linux", ["linux.net"], {"linux.net.interface"})
    assert "linux.net.interface" not in users.kinds


@pytest.mark.parametrize(
    ("wanted", "done", "kinds"),
    [
        ((), (), {PERSON, TEAM}),
        (("acme.teams",), (), {TEAM}),
        (("acme.people",), (), {PERSON, TEAM}),
        ((), (TEAM,), {PERSON, TEAM}),
        ((), (PERSON,), {TEAM}),
        ((), (PERSON, TEAM), set()),
        (("acme.teams",), (TEAM,), set()),
    ],
)
def test_what_is_asked_is_what_is_wanted_not_done_or_needed(
    wanted: tuple[str, ...], done: tuple[str, ...], kinds: set[str]
) -> None:
    assert asked(ACME, "acme", wanted, done).kinds == kinds


def test_another_platforms_collectors_are_not_asked() -> None:
    assert asked(ACME, "aws").listings == ()


def test_the_checks_are_those_of_the_asked_kinds_by_id() -> None:
    ids = [check.id for check in asked(ACME, "acme").checks]
    assert ids == sorted(ACME.checks)
    assert [check.id for check in asked(ACME, "acme", ["acme.teams"]).checks] == [
        "acme.teams.has_lead"
    ]


def test_the_permissions_are_those_of_listings_and_facts() -> None:
    assert asked(ACME, "acme").permissions == [
        "people:history",
        "people:key",
        "people:list",
        "teams:list",
    ]
    assert asked(ACME, "acme", ["acme.teams"]).permissions == ["teams:list"]


def test_every_collector_is_told_with_kinds_and_with_what_reading_it_needs() -> None:
    rows = {each.name: described(CATALOG, each) for each in CATALOG}
    assert [name for name, row in rows.items() if not row["kinds"] or not row["permissions"]] == []
    assert rows["gcp.storage"] == {
        "collector": "gcp.storage",
        "title": "Cloud Storage buckets",
        "kinds": 1,
        "checks": 8,
        "permissions": 2,
        "listed_by": ["gcp.asset"],
    }
    assert rows["gcp.asset"]["listed_by"] == []
