"""Verification of remnants: the entries say which there must be, and in which order they came."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import sqlalchemy as sa

from evidence_store.codecs import ZLIB
from evidence_store.database import database_of
from evidence_store.tables import ERASED, contents, observations, remnants

Note = Callable[[str, object, str], None]


class Change(NamedTuple):
    """What an entry did to what is kept of a content or attachment: the codec left, or none."""

    entry: int
    codec: int | None


@dataclass
class Leftovers:
    """Follows each content and attachment that was let go through the entries.

    An erasure leaves the rest of a document. A purge leaves nothing, and a content that is
    observed again after one is kept whole.
    """

    connection: sa.Connection
    note: Note
    changes: dict[bytes, list[Change]] = field(default_factory=dict)

    def emptied(self, entry: int, whose: Iterable[bytes], *, kept: bool = False) -> None:
        """An entry let these go; `kept` without what it erased."""
        for each in whose:
            found = self.changes.setdefault(each, [])
            found.append(Change(entry, ERASED if kept else None))

    def check(self) -> None:
        """Compare with the rows there are."""
        self._came_back()
        rows = self.connection.execute(
            sa.select(
                remnants.c.id, remnants.c.whose, remnants.c.codec, remnants.c.body.is_(None)
            ).order_by(remnants.c.id)
        ).all()
        found: dict[bytes, list[tuple[int, bool]]] = {}
        for _, whose, codec, empty in rows:
            found.setdefault(whose, []).append((codec, empty))
        for whose in sorted(found.keys() | self.changes.keys()):
            if found.get(whose, []) != self._expected(whose):
                self.note("remnants", whose.hex()[:16], "is not what the entries say must be left")
        numbers = [row.id for row in rows]
        # A server leaves gaps where a transaction was taken back; the order stands there too.
        if database_of(self.connection).one_writer and numbers != list(range(1, len(rows) + 1)):
            self.note("remnants", "", "the numbers have gaps: rows were deleted or renumbered")

    def _came_back(self) -> None:
        """Contents observed after nothing was left of them."""
        rows = self.connection.execute(
            sa.select(observations.c.content, observations.c.entry_id)
            .join(contents, contents.c.digest == observations.c.content)
            .where(contents.c.body.is_(None))
            .order_by(observations.c.entry_id)
        )
        for whose, entry in rows:
            known = self.changes.get(whose, [])
            before = [change for change in known if change.entry < entry]
            if before and before[-1].codec is None:
                known.insert(len(before), Change(entry, ZLIB))

    def _expected(self, whose: bytes) -> list[tuple[int, bool]]:
        """Codec of each row, and whether it must be empty: all are but the last, if it stands."""
        changes = self.changes.get(whose, [])
        made = [(each.codec, True) for each in changes if each.codec is not None]
        if made and changes[-1].codec is not None:
            made[-1] = made[-1][0], False
        return made
