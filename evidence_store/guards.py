"""The one change that guarded tables allow: a body, name or reason becomes null, for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidence_store.tables import EMPTIED

if TYPE_CHECKING:
    import sqlalchemy as sa


def emptied(table: sa.Table, same: str) -> str | None:
    """The condition under which an update of a row only empties it; None: there is none.

    Args:
        table: The guarded table.
        same: The database's comparison in which null equals null.
    """
    columns = EMPTIED.get(table.name)
    if columns is None:
        return None
    told = [f"NEW.{name} IS NULL" for name in columns]
    told += [f"NEW.{c.name} {same} OLD.{c.name}" for c in table.columns if c.name not in columns]
    return " AND ".join([f"OLD.{columns[-1]} IS NOT NULL", *told])
