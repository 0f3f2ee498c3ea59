"""The statement of applicability: which of the 93 controls apply, why, and who approved that."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from config.errors import ConfigError
from config.suggestions import suggestion
from config.values import CONTROLS

COLUMNS = ("control", "applicable", "reason", "declared_status", "approved_by", "approved_on")
STATUSES = ("implemented", "partly implemented", "planned", "not implemented")


@dataclass(frozen=True)
class Applicability:
    """One control's row, as its approver wrote it.

    `declared_status` is one of `STATUSES`, and empty for an excluded control. The row counts from
    `approved_on`, never backwards.
    """

    control: str
    applicable: bool
    reason: str
    declared_status: str
    approved_by: str
    approved_on: dt.date


def load_applicability(path: Path) -> tuple[Applicability, ...]:
    """Read a statement of applicability, in the order of the standard.

    Raises ConfigError with all problems, `file:line: column: message`: unknown, missing or
    repeated controls, a control without reason, an exclusion with a status, rows nobody approved.
    """
    try:
        # "utf-8-sig": spreadsheets put a byte order mark before the first column's name.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text; save it as CSV UTF-8"]) from None
    except csv.Error as error:
        raise ConfigError([f"{path}:{reader.line_num}: is no CSV: {error}"]) from None
    _, names = rows[0] if rows else (1, [])
    if tuple(names) != COLUMNS:
        raise ConfigError([f"{path}:1: the first row must be {','.join(COLUMNS)}"])
    return _read(rows[1:], path)


def _read(rows: list[tuple[int, list[str]]], path: Path) -> tuple[Applicability, ...]:
    problems: list[str] = []
    found: dict[str, Applicability] = {}
    named: dict[str, int] = {}  # the line of each control named, also where its row is wrong
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) != len(COLUMNS):
            problems.append(f"{path}:{line}: has {len(cells)} columns instead of {len(COLUMNS)}")
            named.setdefault(cells[0], line)
            continue
        row = dict(zip(COLUMNS, cells, strict=True))
        wrong = list(_wrong(row))
        if row["control"] in named:
            wrong.append(("control", f"stands on line {named[row['control']]} already"))
        named.setdefault(row["control"], line)
        problems += [f"{path}:{line}: {column}: {message}" for column, message in wrong]
        if not wrong:
            found[row["control"]] = _row(row)
    missing = [control for control in CONTROLS if control not in named]
    if missing:
        problems.append(f"{path}: {len(missing)} of 93 controls missing: {', '.join(missing)}")
    if problems:
        raise ConfigError(problems)
    return tuple(found[control] for control in CONTROLS)


def _wrong(row: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is wrong with one row: column and message."""
    if row["control"] not in CONTROLS:
        hint = suggestion(row["control"], CONTROLS)
        yield "control", f"is no control of ISO/IEC 27001:2022 Annex A{hint}"
    if row["applicable"] not in {"yes", "no"}:
        yield "applicable", "write yes or no"
    if not row["reason"]:
        yield "reason", "is empty; an inclusion needs a reason as much as an exclusion"
    status = row["declared_status"]
    if row["applicable"] == "no" and status:
        yield "declared_status", "must be empty for an excluded control"
    if row["applicable"] == "yes" and status not in STATUSES:
        hint = suggestion(status, STATUSES)
        yield "declared_status", f"write one of: {', '.join(STATUSES)}{hint}"
    if not row["approved_by"]:
        yield "approved_by", "is empty"
    if _day(row["approved_on"]) is None:
        yield "approved_on", "write a date such as 2026-09-01"


def _row(row: Mapping[str, str]) -> Applicability:
    return Applicability(
        control=row["control"],
        applicable=row["applicable"] == "yes",
        reason=row["reason"],
        declared_status=row["declared_status"],
        approved_by=row["approved_by"],
        approved_on=dt.date.fromisoformat(row["approved_on"]),
    )


def _day(text: str) -> dt.date | None:
    """A day written as 2026-09-01; the other ISO forms are no help to a reader of the file."""
    try:
        return dt.date.fromisoformat(text) if len(text) == len("2026-09-01") else None
    except ValueError:
        return None
