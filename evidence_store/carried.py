"""What the newest evidence of each target was not read anew for, and since when it is carried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from evidence_store import reads
from evidence_store.parts import Part

if TYPE_CHECKING:
    import sqlalchemy as sa


def sentences(connection: sa.Connection) -> Iterator[str]:
    """One sentence for the parts of a target that share reason and last complete reading."""
    for unit in reads.units(connection, reads.cut(connection, None)):
        found: dict[str, list[str]] = {}
        for key, part in sorted(unit.parts.values(), key=lambda each: each[0]):
            if part.state != "complete":
                name = f"{key.kind} in {key.scope}" if key.scope else key.kind
                found.setdefault(_how(part), []).append(name)
        for how, names in sorted(found.items()):
            yield f"{unit.target}, sweep {unit.row.sweep}, {how}: {', '.join(names)}."


def _how(part: Part) -> str:
    """How a part went that was not read completely, and what is shown in its place."""
    why = " ".join(filter(None, (part.cause, part.code, part.permission)))
    asked = "not asked" if part.state == "carried" else f"not read completely ({why})"
    since = f"carried since sweep {part.since}" if part.since else "never read completely"
    return f"{asked}, {since}"
