"""What a sweep asks for: the wanted collectors, and what their checks depend on."""

from __future__ import annotations

from annexa.sweep.selection import asked
from collectors import catalog

CATALOG = catalog(plugins=False)


def names(*wanted: str) -> set[str]:
    return {collector.name for collector, _ in asked(CATALOG, "aws", wanted).listings}


def test_everything_of_the_platform_is_asked_by_default() -> None:
    what = asked(CATALOG, "aws")
    assert {check.id for check in what.checks} == {
        check for check in CATALOG.checks if check.startswith("aws.")
    }
    assert "iam:GetAccountSummary" in what.permissions


def test_a_wanted_collector_brings_the_listings_its_checks_ask_about() -> None:
    assert names("aws.s3") == {"aws.s3", "aws.account"}


def test_every_check_on_a_listed_kind_is_judged_whoever_wrote_it() -> None:
    what = asked(CATALOG, "aws", ["aws.account"])
    assert "aws.s3.account_public_access_blocked" in {check.id for check in what.checks}


def test_kinds_that_are_done_are_left_out_unless_others_need_them() -> None:
    done = {"aws.account"}
    what = asked(CATALOG, "aws", ["aws.s3", "aws.account"], done)
    assert "aws.account" in what.kinds, "buckets are judged together with their account"
    users = asked(CATALOG, "linux", ["linux.net"], {"linux.net.interface"})
    assert "linux.net.interface" not in users.kinds
