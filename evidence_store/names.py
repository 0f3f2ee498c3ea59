"""What a resource is called where its name was erased."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from evidence_store.tables import erasures, resources

PREFIX: Final = "(erased) "

# A part itself has no name either; only of an erased resource does the ledger say so.
_ERASED = (
    sa.select(sa.literal(PREFIX, sa.Text) + sa.cast(erasures.c.resource_id, sa.Text))
    .where(erasures.c.resource_id == resources.c.id, erasures.c.member == "")
    .correlate(resources)
    .scalar_subquery()
)
known_as = sa.func.coalesce(resources.c.identity, _ERASED)
"""The resource's id, `(erased) <row>` once it was erased, null for a part itself."""


def placeholder(row: int) -> str:
    """What stands for the id of the erased resource in this row."""
    return f"{PREFIX}{row}"
