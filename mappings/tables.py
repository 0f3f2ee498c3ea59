"""The CSV files of a framework as rows that remember their file and line."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, Final

COLUMNS: Final = {
    "controls.csv": (
        "id",
        "title",
        "theme",
        "new_in_2022",
        "control_type",
        "properties",
        "concepts",
        "capabilities",
        "domains",
    ),
    "topics.csv": ("topic", "control", "relation", "phase", "method", "key", "rationale"),
    "manual.csv": ("control", "item", "evidence", "not_shown"),
    "coverage.csv": ("control", "automation", "population", "test", "frequency"),
    "transition_2013.csv": ("control_2013", "title_2013", "control_2022", "relation"),
    "clauses.csv": ("id", "title", "amendment"),
    "freshness.csv": ("topic", "freshness"),
    "checks": ("check_id", "topic"),
}
"""The header each file must have; `checks` stands for every file in that folder."""

REQUIRED: Final = ("edition.toml", "controls.csv", "topics.csv")
"""What a framework's folder cannot do without."""


class MappingError(Exception):
    """The tables cannot be used; `problems` has one line per fault, each with file and line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a CSV file."""

    file: str
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def many(self, column: str) -> tuple[str, ...]:
        """A cell that is a list separated by semicolons."""
        return tuple(value for value in self.cells[column].split(";") if value)

    def problem(self, text: str) -> str:
        """A fault in this line, as `file:line: text`."""
        return f"{self.file}:{self.line}: {text}"


@dataclass
class Tables:
    """One framework as read, before anything is known to be right."""

    folder: str
    edition: dict[str, Any] = field(default_factory=dict)
    controls: list[Row] = field(default_factory=list)
    topics: list[Row] = field(default_factory=list)
    manual: list[Row] = field(default_factory=list)
    coverage: list[Row] = field(default_factory=list)
    transitions: list[Row] = field(default_factory=list)
    clauses: list[Row] = field(default_factory=list)
    freshness: list[Row] = field(default_factory=list)
    checks: list[Row] = field(default_factory=list)


def read_framework(folder: Traversable) -> Tables:
    """Read a framework's folder.

    Raises:
        MappingError: If a file is missing, is not UTF-8, or has another header.
    """
    missing = [name for name in REQUIRED if not folder.joinpath(name).is_file()]
    if missing:
        raise MappingError([f"{folder.name}/{name}: missing" for name in missing])
    try:
        edition = tomllib.loads(folder.joinpath("edition.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise MappingError([f"{folder.name}/edition.toml: {error}"]) from error
    return Tables(
        folder=folder.name,
        edition=edition,
        controls=_rows(folder, "controls.csv"),
        topics=_rows(folder, "topics.csv"),
        manual=_rows(folder, "manual.csv"),
        coverage=_rows(folder, "coverage.csv"),
        transitions=_rows(folder, "transition_2013.csv"),
        clauses=_rows(folder, "clauses.csv"),
    )


def read_checks(folder: Traversable) -> list[Row]:
    """The rows of every `checks/*.csv` below a folder, in order of file names; none without one.

    Raises:
        MappingError: If a file is not UTF-8 or has another header.
    """
    checks = folder.joinpath("checks")
    if not checks.is_dir():
        return []
    files = sorted(entry.name for entry in checks.iterdir() if entry.name.endswith(".csv"))
    return [row for name in files for row in _rows(checks, name, COLUMNS["checks"])]


def read_freshness(folder: Traversable) -> list[Row]:
    """The rows of `freshness.csv` in a folder; none without one.

    Raises:
        MappingError: If it is not UTF-8 or has another header.
    """
    return _rows(folder, "freshness.csv")


def _rows(folder: Traversable, name: str, columns: tuple[str, ...] | None = None) -> list[Row]:
    path = folder.joinpath(name)
    if not path.is_file():
        return []
    shown = f"{folder.name}/{name}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MappingError([f"{shown}: not UTF-8: {error.reason}"]) from error
    return list(_parse(text, shown, columns or COLUMNS[name]))


def _parse(text: str, shown: str, columns: tuple[str, ...]) -> Iterator[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = tuple(next(reader, ()))
        if header != columns:
            raise MappingError(
                [f"{shown}:1: the header is {','.join(header)}; it must be {','.join(columns)}"]
            )
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(columns):
                raise MappingError(
                    [f"{shown}:{reader.line_num}: {len(cells)} cells, {len(columns)} expected"]
                )
            values = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
            yield Row(shown, reader.line_num, values)
    except csv.Error as error:
        raise MappingError([f"{shown}:{reader.line_num}: {error}"]) from error
