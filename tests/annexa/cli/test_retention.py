"""Retention, holds, purge and erasure as people use them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.annexa.cli import world as fixed

if TYPE_CHECKING:
    from tests.annexa.cli.conftest import Shell

WHY = ("--reason", "KEY-07", "--by", "J. Roth")
DAY = 24 * 3600


def test_periods_and_holds_are_shown(swept: Shell) -> None:
    said = swept.ok("retention", "show")
    assert "documents" in said
    assert "2557" in said
    assert "no legal hold was ever placed" in said
    swept.ok("retention", "hold", "web-1", *WHY)
    swept.ok("retention", "hold", "web-1", "toor", *WHY)
    found = json.loads(swept.ok("retention", "show", "--format", "json"))
    assert [hold["target"] for hold in found["holds"]] == ["linux/web-1"] * 2
    assert len(found["holds"][1]["resource"]) == 64
    assert "toor" not in json.dumps(found)
    assert swept.ok("retention", "lift", "1", *WHY) == "hold 1 is lifted\n"
    assert swept("retention", "lift", "1", *WHY).code == 3
    assert swept("retention", "hold", "web-1", "nobody", *WHY).code == 4
    assert swept.ok("verify")


def test_a_period_is_extended_and_never_shortened(swept: Shell) -> None:
    assert "3653 days from now on" in swept.ok("retention", "extend", "documents", "3653", *WHY)
    refused = swept("retention", "extend", "documents", "3000", *WHY)
    assert refused.code == 3
    assert "never shorter" in refused.err
    swept.configure(fixed.SETTINGS + '\n[retention]\ndocuments = "3000d"\n')
    refused = swept("retention", "purge")
    assert refused.code == 3
    assert "the ledger says 3653" in refused.err


def test_a_purge_follows_the_longer_of_ledger_and_configuration(swept: Shell) -> None:
    swept.clock.shift(1300 * DAY)
    assert "0 documents and 2 journal" in swept.ok("retention", "purge", "--dry-run")
    swept.configure(fixed.SETTINGS + '\n[retention]\njournals = "1400d"\nactivities = "1400d"\n')
    assert "0 documents and 0 journal" in swept.ok("retention", "purge", "--dry-run")
    swept.clock.shift(200 * DAY)
    found = json.loads(swept.ok("retention", "purge", "--format", "json"))
    assert found["attachments"] >= 2
    periods = json.loads(swept.ok("retention", "show", "--format", "json"))["periods"]
    assert [period["days"] for period in periods] == [2557, 1400, 1400]
    assert swept.ok("verify")


@pytest.mark.parametrize("dry", [True, False])
def test_a_person_is_erased(swept: Shell, dry: bool) -> None:
    before = swept.ok("evidence", "show", "web-1", "--format", "json")
    assert "toor" in before
    assert swept.ok("evidence", "replay")
    options = ["--dry-run"] if dry else []
    said = swept.ok("evidence", "erase", "web-1", "toor", *options, *WHY)
    assert ("would be erased" if dry else "erased, by entry") in said
    assert "Backups, exports" in said
    assert ("toor" in swept.ok("evidence", "show", "web-1", "--format", "json")) is dry
    assert ("(erased)" in swept.ok("findings", "--format", "json")) is not dry
    assert "all as stored" in swept.ok("evidence", "replay")
    assert swept.ok("verify")
    assert swept("evidence", "erase", "web-1", "toor", *WHY).code == (0 if dry else 4)


def test_a_replay_says_what_was_erased_and_never_another_verdict(swept: Shell) -> None:
    document = json.loads(swept.ok("evidence", "show", "web-1", "toor"))["document"]
    members = [f"listed.{name}" for name in document["listed"]]
    named = [word for member in members for word in ("--member", member)]
    swept.ok("evidence", "erase", "web-1", "toor", *named, *WHY)
    said = swept.ok("evidence", "replay")
    assert "not compared: erased: what the verdict rested on is gone" in said
    assert "DIFFERENT" not in said
    shown = json.loads(swept.ok("evidence", "show", "web-1", "toor"))
    assert set(shown["erased"]) == set(members)
    assert shown["sha256"] is None
