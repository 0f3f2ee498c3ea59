"""Tables where people look, stable plain output where programs read."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

if TYPE_CHECKING:
    from rich.console import Console

STYLES: Final = {
    "pass": "green",
    "met": "green",
    "attested": "green",
    "inherited": "green",
    "fail": "bold red",
    "not met": "bold red",
    "critical": "bold red",
    "high": "red",
    "unknown": "yellow",
    "undecided": "yellow",
    "stale": "yellow",
    "partly met": "yellow",
    "not applicable": "dim",
    "excluded": "dim",
    "no evidence": "dim",
}
"""Colours are an aid, never the message: the word always stands there."""

PIPED_WIDTH: Final = 160

_UNSHOWN: Final = dict.fromkeys(
    {*range(32), *range(127, 160)} - {9, 10}, "\N{REPLACEMENT CHARACTER}"
)
"""What names may hold and a terminal would obey."""


@dataclass(frozen=True)
class Column:
    """One column: its name for programs, its heading for people.

    Attributes:
        name: the key in JSON and CSV.
        heading: above a table; "" leaves the column out of tables.
        wide: takes the room that is left and may wrap.
        right: numbers.
    """

    name: str
    heading: str = ""
    wide: bool = False
    right: bool = False


def console(*, err: bool = False) -> Console:
    """Standard output (or error) with colours where it is a terminal."""
    from rich.console import Console  # noqa: PLC0415 - only for people

    stream = sys.stderr if err else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(stderr=err, width=width, highlight=False, soft_wrap=False, emoji=False)


def say(text: str, style: str = "", *, hang: int | None = None, err: bool = False) -> None:
    """Print lines: no markup is read; a terminal wraps them by words, a pipe gets them whole.

    Args:
        text: what is said.
        style: of the whole text.
        hang: the column at which wrapped lines go on; without it, where the line itself began.
        err: on standard error.
    """
    out = console(err=err)
    if not out.is_terminal:
        out.print(text, style=style, markup=False, soft_wrap=True)
        return
    from rich.text import Text  # noqa: PLC0415 - only for people

    for line in text.split("\n"):
        begins = len(line) - len(line.lstrip())
        left = " " * (begins if hang is None else hang)
        first, *rest = Text(line, style).wrap(out, out.width)
        more = line[len(first.plain) :].lstrip() if rest else ""
        after = Text(more, style).wrap(out, max(20, out.width - len(left)))
        for part in (first, *(Text(left) + each for each in after if each.plain)):
            part.rstrip()
            out.print(part)


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its word: `1 sweep`, `3 sweeps`, `2 entries`."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def show(layout: str, columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as a table, as a JSON array, or as CSV."""
    if layout == "json":
        click.echo(json_text([{c.name: row.get(c.name) for c in columns} for row in rows]))
    elif layout == "csv":
        click.echo(csv_text(columns, rows), nl=False)
    else:
        table(columns, rows)


def table(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows as a table without lines; cells that are statuses are coloured.

    Nothing is ever cut off: where the room is too narrow for the wide columns, they stand below
    their row.
    """
    from annexa.cli.layout import laid_out  # noqa: PLC0415 - only for people

    shown = [column for column in columns if column.heading]
    cells = [[cell(row.get(column.name)) for column in shown] for row in rows]
    out = console()
    for line in laid_out(out, shown, cells, STYLES):
        out.print(line, soft_wrap=True)


def cell(value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in value)
    return str(value).translate(_UNSHOWN)


def plain(value: object) -> object:
    """A value as programs read it: times as ISO 8601 in UTC with milliseconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def json_text(value: object) -> str:
    """Indented JSON with keys in the order they were given."""
    return orjson.dumps(plain(value), option=orjson.OPT_INDENT_2).decode()


def csv_text(columns: Sequence[Column], rows: Iterable[Mapping[str, Any]]) -> str:
    """CSV with a heading; texts that a spreadsheet would run as a formula get a quote in front."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_csv_cell(row.get(column.name)) for column in columns])
    return out.getvalue()


def _csv_cell(value: object) -> object:
    value = plain(value)
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    if isinstance(value, dict):
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"}:
        return f"'{value}"
    return value
