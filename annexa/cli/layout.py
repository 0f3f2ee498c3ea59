"""How a table is laid out in the room there is: side by side, or what is wide below its row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

    from annexa.cli.render import Column

GAP: Final = 2
"""Blanks between columns."""

LEAST: Final = 28
"""A wide column narrower than this, and than what stands in it, is put below the row."""

INDENT: Final = 4
"""Of what stands below its row."""


def laid_out(
    console: Console,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    styles: Mapping[str, str],
) -> Iterator[Text]:
    """The lines of a table without a blank at their ends."""
    widths = _widths(columns, rows, console.width)
    if widths is None:
        yield from _stacked(console, columns, rows, styles)
        return
    lines = _Lines(console, columns, widths)
    yield from lines.of([Text(column.heading, "bold") for column in columns])
    for row in rows:
        yield from lines.of([Text(text, styles.get(text, "")) for text in row])


class _Lines:
    """Puts cells side by side, each wrapped into its column."""

    def __init__(self, console: Console, columns: Sequence[Column], widths: Sequence[int]) -> None:
        self._console = console
        self._columns = columns
        self._widths = widths

    def of(self, cells: Sequence[Text]) -> Iterator[Text]:
        """The lines of one row."""
        wrapped = [
            list(text.wrap(self._console, width)) if text.plain else []
            for text, width in zip(cells, self._widths, strict=True)
        ]
        for parts in zip_longest(*wrapped):
            line = Text()
            at = 0
            for column, width, part in zip(self._columns, self._widths, parts, strict=True):
                if part is not None and part.plain.strip():
                    part.rstrip()
                    before = width - cell_len(part.plain) if column.right else 0
                    line.append(" " * (at + before - cell_len(line.plain)))
                    line.append_text(part)
                at += width + GAP
            yield line


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], room: int
) -> list[int] | None:
    """Each column's width; None where the wide ones have not the room they need."""
    natural = [
        max(cell_len(line) for text in (column.heading, *cells) for line in text.split("\n"))
        for column, *cells in zip(columns, *rows, strict=True)
    ]
    wide = [n for n, column in enumerate(columns) if column.wide]
    left = room - GAP * (len(columns) - 1)
    left -= sum(width for width, column in zip(natural, columns, strict=True) if not column.wide)
    if left < sum(min(natural[n], LEAST) for n in wide):
        return None
    # those that need least get what they need; the others share the rest
    for count, n in enumerate(sorted(wide, key=lambda n: natural[n])):
        natural[n] = min(natural[n], max(1, left // (len(wide) - count)))
        left -= natural[n]
    return natural


def _stacked(
    console: Console,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    styles: Mapping[str, str],
) -> Iterator[Text]:
    """The narrow columns as a table, and under each row what is wide, indented.

    Where the first column is wide it is the row's title and the others follow below it.
    """
    narrow = [n for n, column in enumerate(columns) if not column.wide]
    below = [n for n, column in enumerate(columns) if column.wide]
    chosen = [columns[n] for n in narrow]
    widths = _widths(chosen, [[row[n] for n in narrow] for row in rows], console.width - INDENT)
    title = below.pop(0) if columns[0].wide else None
    if title is None and widths is not None:
        heads = [Text(column.heading, "bold") for column in chosen]
        yield from _Lines(console, chosen, widths).of(heads)
    for row in rows:
        cells = [Text(row[n], styles.get(row[n], "")) for n in narrow]
        if title is not None:
            yield from _wrapped(console, Text(row[title]), 0)
            yield from _wrapped(console, _named(columns, row, narrow), INDENT)
        elif widths is not None:
            yield from _Lines(console, chosen, widths).of(cells)
        else:
            yield from _wrapped(console, Text("  ").join(c for c in cells if c.plain), 0)
        for n in below:
            name = f"{columns[n].heading.lower()}: " if len(below) > 1 else ""
            if row[n]:
                yield from _wrapped(console, Text(f"{name}{row[n]}"), INDENT)


def _named(columns: Sequence[Column], row: Sequence[str], chosen: Sequence[int]) -> Text:
    """Narrow cells with their headings, for a row whose title stands above them."""
    return Text(" · ".join(f"{columns[n].heading.lower()} {row[n]}" for n in chosen if row[n]))


def _wrapped(console: Console, text: Text, indent: int) -> Iterator[Text]:
    left = 0
    for line in text.wrap(console, console.width - max(indent, INDENT)):
        line.rstrip()
        yield Text(" " * (left or indent)) + line
        left = max(indent, INDENT)
