"""A statement of applicability names all 93 controls, each with its reason and approver."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from config import Applicability, ConfigError, load_applicability
from config.values import CONTROLS

STATUSES = "implemented, partly implemented, planned, not implemented"
HEADER = "control,applicable,reason,declared_status,approved_by,approved_on"
ROWS = [f"{control},yes,risk R-01,implemented,J. Roth,2026-09-01" for control in CONTROLS]


def written(folder: Path, rows: list[str], header: str = HEADER) -> Path:
    path = folder / "soa.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def refused(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load_applicability(path)
    return [message.removeprefix(str(path)) for message in error.value.messages]


def test_rows_are_read_in_the_order_of_the_standard_whatever_the_file_has(tmp_path: Path) -> None:
    rows = load_applicability(written(tmp_path, ROWS[::-1]))
    assert [row.control for row in rows] == list(CONTROLS)
    assert rows[0] == Applicability(
        "A.5.1", True, "risk R-01", "implemented", "J. Roth", dt.date(2026, 9, 1)
    )


def test_a_spreadsheets_byte_order_mark_blank_rows_and_quotes_do_no_harm(tmp_path: Path) -> None:
    first = 'A.5.1,no,"no offices, no doors",,J. Roth,2026-09-01'
    path = written(tmp_path, [first, ",,,,,", *ROWS[1:], ""], "\ufeff" + HEADER)
    assert load_applicability(path)[0].reason == "no offices, no doors"


@pytest.mark.parametrize(
    ("row", "messages"),
    [
        ("A.5.1,maybe,r,implemented,J,2026-09-01", [":2: applicable: write yes or no"]),
        (
            "A.5.1,yes,,implemented,J,2026-09-01",
            [":2: reason: is empty; an inclusion needs a reason as much as an exclusion"],
        ),
        (
            "A.5.1,no,r,implemented,J,2026-09-01",
            [":2: declared_status: must be empty for an excluded control"],
        ),
        (
            "A.5.1,yes,r,implemeted,J,2026-09-01",
            [f":2: declared_status: write one of: {STATUSES}; did you mean 'implemented'?"],
        ),
        (
            "A.5.1,yes,r,implemented,,01.09.2026",
            [":2: approved_by: is empty", ":2: approved_on: write a date such as 2026-09-01"],
        ),
        (
            "A.5.1,yes,r,implemented,J,20260901",
            [":2: approved_on: write a date such as 2026-09-01"],
        ),
        ("A.5.1,yes,r", [":2: has 3 columns instead of 6"]),
    ],
)
def test_a_wrong_row_is_named_with_its_line_and_column(
    tmp_path: Path, row: str, messages: list[str]
) -> None:
    assert refused(written(tmp_path, [row, *ROWS[1:]])) == messages


def test_unknown_repeated_and_missing_controls_are_all_named(tmp_path: Path) -> None:
    rows = [ROWS[0], ROWS[0], ROWS[1].replace("A.5.2", "A.5.200"), *ROWS[3:]]
    assert refused(written(tmp_path, rows)) == [
        ":3: control: stands on line 2 already",
        (":4: control: is no control of ISO/IEC 27001:2022 Annex A; did you mean 'A.5.20'?"),
        ": 2 of 93 controls missing: A.5.2, A.5.3",
    ]


def test_lines_are_counted_through_rows_of_several_lines(tmp_path: Path) -> None:
    first = 'A.5.1,yes,"two\nlines",implemented,J,2026-09-01'
    wrong = ROWS[1].replace("yes", "ja")
    assert refused(written(tmp_path, [first, wrong, *ROWS[2:]])) == [
        ":4: applicable: write yes or no"
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", f":1: the first row must be {HEADER}"),
        (b"control;applicable\n", f":1: the first row must be {HEADER}"),
        (b"\xff\xfe", ": is not UTF-8 text; save it as CSV UTF-8"),
        (HEADER.encode() + b'\n"x"y,', ":2: is no CSV: ',' expected after '\"'"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "soa.csv"
    path.write_bytes(content)
    assert refused(path) == [message]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "soa.csv") == [": cannot be read: No such file or directory"]
