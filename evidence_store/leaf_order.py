"""In which order entries may stand in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class LeafOrder:
    """Follows the ledger leaf by leaf.

    With one writer at a time, numbers are drawn, committed and placed in one order. With many, an
    entry with a lower number may be committed, and therefore placed, later; but never among what
    waits for each other: the ledger's own entries, one target's units, and a sweep's plan, units
    and end.
    """

    def __init__(self, bodies: Mapping[int, Mapping[str, Any]], *, one_writer: bool) -> None:
        self._bodies = bodies
        self._one_writer = one_writer
        self._last: dict[str, int] = {}
        self._planned: set[int] = set()
        self._closed: set[int] = set()

    def seen(self, target: str, entry: int) -> None:
        """Go on after an entry that is proven to stand where it should."""
        line = "" if self._one_writer else target
        self._last[line] = max(self._last.get(line, 0), entry)

    def wrong(self, entry: int) -> Iterator[str]:
        """What is wrong with this entry as the next leaf."""
        body = self._bodies.get(entry, {})
        kind, sweep = body.get("kind"), body.get("sweep", 0)
        line = "" if self._one_writer else body.get("target", "")
        if not self._last and kind != "key":
            yield "is the first and no key"
        last = self._last.get(line, 0)
        if entry <= last:
            yield f"entry {entry} stands after entry {last}"
        self._last[line] = max(last, entry)
        if kind == "plan":
            self._planned.add(sweep)
        elif kind in {"unit", "close"}:
            if sweep not in self._planned:
                yield f"entry {entry} stands before the plan of sweep {sweep}"
            if kind == "unit" and sweep in self._closed:
                yield f"entry {entry} stands after the end of sweep {sweep}"
        if kind == "close":
            self._closed.add(sweep)
