"""The history of a resource, and the log of who looked at evidence."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annexa.cli.history import shares
from mappings import CriterionStatus, Observation
from tests.annexa.cli.world import NOON

if TYPE_CHECKING:
    from datetime import datetime

    from tests.annexa.cli.conftest import Shell

CHECK = "linux.accounts.uid0_unique"


@pytest.fixture
def lived(swept: Shell) -> Shell:
    """`toor` failed, was confirmed so, and was mended after two days without a reading."""
    swept.clock.shift(3600)
    swept.ok("sweep")
    swept.clock.shift(2 * 24 * 3600)
    people = swept.worlds["web-1"].people
    next(person for person in people if person["name"] == "toor")["uid"] = 1001
    swept.ok("sweep")
    swept.clock.shift(1800)
    return swept


def test_the_history_of_a_resource_is_shown(lived: Shell) -> None:
    said = lived.ok("evidence", "history", "web-1", "toor", "--check", CHECK)
    assert "2026-11-24 12:00" in said
    assert "uid 0" in said
    assert "met 0 %" in said
    assert "1 gap of more than" in said


def test_the_history_is_told_to_programs_and_as_of_a_time(lived: Shell) -> None:
    words = ("evidence", "history", "web-1", "toor", "--check", CHECK, "--format", "json")
    [found] = json.loads(lived.ok(*words))
    assert [each["times"] for each in found["contents"]] == [2, 1]
    assert [run["status"] for run in found["findings"]] == ["fail", "not_applicable"]
    assert sum(share["percent"] for share in found["shares"].values()) == pytest.approx(100)
    assert sum(share["seconds"] for share in found["shares"].values()) == 49.5 * 3600
    assert found["shares"]["not_met"]["seconds"] == 3600
    assert len(found["gaps"]) == 1
    [before] = json.loads(lived.ok(*words, "--as-of", "2026-11-24T13:30Z"))
    assert [each["times"] for each in before["contents"]] == [2]
    assert [run["status"] for run in before["findings"]] == ["fail"]
    window = ("--from", "2026-11-24T12:00Z", "--to", "2026-11-24T13:00Z")
    [inside] = json.loads(lived.ok(*words, *window))
    assert inside["shares"]["not_met"]["percent"] == 100
    assert inside["gaps"] == []


def test_what_cannot_be_told_is_refused_with_what_to_do(lived: Shell) -> None:
    assert lived("evidence", "history", "web-1", "nobody").code == 4
    refused = lived("evidence", "history", "web-1", "toor", "--check", "linux.accounts.nothing")
    assert refused.code == 3
    window = ("--from", "2026-11-25", "--to", "2026-11-24")
    assert lived("evidence", "history", "web-1", "toor", *window).code == 3


statuses = st.sampled_from(CriterionStatus)
readings = st.lists(st.tuples(st.integers(-100, 500), statuses), max_size=12)


@given(readings, st.integers(1, 400), st.integers(1, 100))
def test_the_shares_of_any_window_add_up_to_everything(
    read: list[tuple[int, CriterionStatus]], length: int, longest: int
) -> None:
    def at(minute: int) -> datetime:
        return NOON + timedelta(minutes=minute)

    found = [Observation(at(minute), status) for minute, status in read]
    told = shares(found, (at(0), at(length)), timedelta(minutes=longest))
    assert sum(round(share["percent"] * 100) for share in told.values()) == 10_000
    assert sum(share["seconds"] for share in told.values()) == 60 * length
    assert all(share["percent"] >= 0 for share in told.values())


def test_who_looked_at_evidence_is_logged(swept: Shell) -> None:
    swept.configure(
        'principal = "audit@acme.example"\n' + (swept.folder / "annexa.toml").read_text()
    )
    swept.ok("evidence", "show", "web-1")
    swept.ok("evidence", "show", "web-1", "toor")
    swept.ok("evidence", "history", "web-1", "toor")
    swept.ok("evidence", "replay", "--target", "web-1")
    swept.ok("export", "--format", "json")
    swept.ok("verify")
    rows = json.loads(swept.ok("evidence", "accesses", "--format", "json"))
    assert [row["way"] for row in rows] == [
        "verified", "exported", "replayed", "shown", "shown", "listed",
    ]  # fmt: skip
    assert {row["who"] for row in rows} == {"audit@acme.example"}
    assert rows[4]["resource_id"] == "toor"
    assert rows[0]["entry"] is None
    swept.ok("sweep")
    rows = json.loads(swept.ok("evidence", "accesses", "--format", "json"))
    assert rows[0]["entry"] is not None
    assert "audit@acme.example" in swept.ok("evidence", "accesses")
    assert swept.ok("verify")


def test_listings_do_not_log(swept: Shell) -> None:
    for command in ("findings", "status", "unknowns"):
        swept.ok(command)
    assert "no access was logged yet" in swept.ok("evidence", "accesses")


def test_a_store_that_cannot_be_written_is_read_and_says_that_nobody_logged_it(
    swept: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("evidence_store.sqlite.os.access", lambda *_: False)
        said = swept("evidence", "show", "web-1", "toor")
        assert swept("verify").code == 0
    assert said.code == 0
    assert '"id": "toor"' in said.out
    assert said.err.startswith("this access was not logged: FOLDER/evidence.db: attempt to write")
    assert "no access was logged yet" in swept.ok("evidence", "accesses")
