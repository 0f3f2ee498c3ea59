"""What programs read: CSV and JSON that are valid, sorted, and the same for the same evidence."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest

from tests.annexa.cli.conftest import Shell

COLUMNS = (
    "target", "check_id", "resource_id", "kind", "scope", "status", "cause", "reason", "severity",
    "since", "observed_at", "recorded_at", "controls",
)  # fmt: skip


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_columns_of_findings_are_a_promise(swept: Shell) -> None:
    text = swept.ok("findings", "--format", "csv")
    assert text.splitlines()[0] == ",".join(COLUMNS)
    rows: list[dict[str, Any]] = orjson.loads(swept.ok("findings", "--format", "json"))
    assert {tuple(row) for row in rows} == {COLUMNS}
    assert len(rows) == len(table(text)) == 12


def test_findings_are_sorted_and_the_same_twice(swept: Shell) -> None:
    first = swept.ok("findings", "--format", "csv")
    swept.clock.shift(86400)
    assert swept.ok("findings", "--format", "csv") == first
    keys = [(r["target"], r["check_id"], r["kind"], r["resource_id"]) for r in table(first)]
    assert keys == sorted(keys, key=lambda key: (*key[:3], key[3].removeprefix("'")))


def test_two_stores_of_the_same_evidence_give_the_same_bytes(swept: Shell) -> None:
    first = swept.ok("findings", "--format", "csv")
    swept.ok("sweep", "--store", "other.db")
    assert swept.ok("findings", "--format", "csv", "--store", "other.db") == first


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--status", "fail"], 3),
        (["--status", "fail", "--status", "unknown"], 6),
        (["--target", "db-1"], 4),
        (["--target", "linux/db-1"], 4),
        (["--collector", "linux.auth"], 4),
        (["--target", "web-1", "--collector", "linux.accounts", "--status", "pass"], 2),
    ],
)
def test_findings_can_be_narrowed(swept: Shell, arguments: list[str], count: int) -> None:
    assert len(table(swept.ok("findings", "--format", "csv", *arguments))) == count


def test_a_name_that_a_spreadsheet_would_run_is_quoted_in_csv_only(swept: Shell) -> None:
    names = {row["resource_id"] for row in table(swept.ok("findings", "--format", "csv"))}
    assert "'=cmd|' /C calc'!A0" in names
    assert not {name for name in names if name.startswith("=")}
    rows = orjson.loads(swept.ok("findings", "--format", "json"))
    assert "=cmd|' /C calc'!A0" in {row["resource_id"] for row in rows}


@pytest.mark.parametrize(
    "command",
    [
        ["sweep"], ["status"], ["controls"], ["controls", "A.8.2"], ["findings"],
        ["findings", "--by", "check"], ["explain", "1"], ["diff"], ["unknowns"], ["scope"],
        ["criteria"], ["evidence", "show", "web-1"], ["evidence", "show", "web-1", "toor"],
        ["evidence", "replay"], ["verify"], ["export"], ["collectors"], ["collectors", "--checks"],
        ["permissions", "linux"], ["doctor", "--offline"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_json_is_valid_and_alone_on_standard_output(swept: Shell, command: list[str]) -> None:
    swept.ok("sweep")
    assert orjson.loads(swept.ok(*command, "--format", "json")) is not None


@pytest.mark.parametrize(
    "command", ["status", "controls", "findings", "diff", "unknowns", "scope", "criteria", "doctor"]
)
def test_csv_has_a_heading_and_whole_rows(swept: Shell, command: str) -> None:
    swept.ok("sweep")
    more = ["--offline"] if command == "doctor" else []
    rows = list(csv.reader(io.StringIO(swept.ok(command, *more, "--format", "csv"))))
    assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize(
    "command",
    [["sweep"], ["status"], ["findings"], ["explain", "1"], ["scope"], ["verify"], ["unknowns"]],
    ids=" ".join,
)
def test_what_is_piped_has_no_colours(swept: Shell, command: list[str]) -> None:
    said = swept(*command)
    assert "\x1b" not in said.out + said.err


def test_earlier_knowledge_stands_still(swept: Shell) -> None:
    before = swept.ok("findings", "--format", "csv")
    swept.clock.shift(86400)
    swept.worlds["web-1"].people[1]["uid"] = 1001
    swept.ok("sweep")
    assert swept.ok("findings", "--format", "csv") != before
    assert swept.ok("findings", "--format", "csv", "--as-of", "2026-11-24") == before
    assert swept.ok("findings", "--format", "csv", "--as-of", "2026-11-24T12:00Z") == before
    nothing = swept.ok("findings", "--format", "csv", "--as-of", "2026-11-23")
    assert nothing == ",".join(COLUMNS) + "\n"


def test_an_export_as_csv_is_a_folder_of_tables_that_agree(swept: Shell) -> None:
    said = swept("export", "--format", "csv", "--output", "out/audit")
    assert said.code == 0
    folder = swept.folder / "out/audit"
    assert sorted(path.name for path in folder.iterdir()) == [
        "about.json",
        "controls.csv",
        "criteria.csv",
        "findings.csv",
        "parts.csv",
    ]
    assert (folder / "findings.csv").read_text() == swept.ok("findings", "--format", "csv")
    assert len(table((folder / "controls.csv").read_text())) == 93
    assert [row["state"] for row in table((folder / "parts.csv").read_text())] == ["complete"] * 4
    about = orjson.loads((folder / "about.json").read_bytes())
    assert about["organisation"] == "Acme"
    assert about["scope"] == {"name": "Web shop", "version": "3"}


def test_an_export_as_json_is_one_document_with_the_same_rows(swept: Shell) -> None:
    text = swept.ok("export", "--format", "json")
    swept.ok("export", "--format", "json", "--output", "out.json")
    assert (swept.folder / "out.json").read_text() == text
    found = orjson.loads(text)
    assert found["findings"] == orjson.loads(swept.ok("findings", "--format", "json"))
    assert len(found["controls"]) == 93


def test_an_evidence_item_says_who_when_how_and_proves_its_place(swept: Shell) -> None:
    item = orjson.loads(swept.ok("evidence", "show", "web-1", "toor"))
    assert item["document"]["listed"] == {"name": "toor", "uid": 0}
    assert len(item["sha256"]) == 64
    assert item["entry"]["provenance"]["identity"]["principal"] == "auditor@acme"
    assert item["ledger"]["size"] == 5
    assert item["ledger"]["inclusion"]
