"""Legal holds: what may not be let go while one lasts, whatever its age."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from evidence_store.decisions import Author, decide, made
from evidence_store.errors import NotFoundError, RetentionError
from evidence_store.times import instant

if TYPE_CHECKING:
    import sqlalchemy as sa


class Held(NamedTuple):
    """What a hold covers; None covers all of that level.

    Attributes:
        target: The target's name.
        kind: The kind of resource.
        resource: The resource's key digest in hex: its name could not be erased from the ledger.
    """

    target: str | None = None
    kind: str | None = None
    resource: str | None = None

    def covers(self, target: str, kind: str | None, resource: str | None) -> bool:
        """Whether it covers a resource; with None for both, anything recorded with the target."""
        if self.target not in {None, target}:
            return False
        if kind is None:
            return True
        return self.kind in {None, kind} and self.resource in {None, resource}


class Hold(NamedTuple):
    """A hold as recorded; `lifted_at` None: it lasts."""

    number: int
    entry: int
    held: Held
    by: str
    reason: str
    since: datetime
    lifted_at: datetime | None = None
    lifted_entry: int | None = None


def holds(connection: sa.Connection) -> list[Hold]:
    """Every hold there ever was, oldest first."""
    lifts = {each.body["hold"]: each for each in made(connection, "lift")}
    found = []
    for each in made(connection, "hold"):
        hold = Hold(
            each.number,
            each.entry,
            Held(**each.body["of"]),
            *each.author,
            instant(each.recorded_at),
        )
        if (lift := lifts.get(each.number)) is not None:
            hold = hold._replace(lifted_at=instant(lift.recorded_at), lifted_entry=lift.entry)
        found.append(hold)
    return found


def lasting(connection: sa.Connection) -> list[Hold]:
    """The holds in force."""
    return [hold for hold in holds(connection) if hold.lifted_at is None]


def place(connection: sa.Connection, held: Held, author: Author, recorded: datetime) -> Hold:
    """Hold something."""
    made_now = decide(connection, "hold", author, recorded, {"of": held._asdict()})
    return Hold(made_now.number, made_now.entry, held, *author, recorded)


def lift(connection: sa.Connection, number: int, author: Author, recorded: datetime) -> Hold:
    """End a hold.

    Raises:
        NotFoundError: If there is none of this number.
        RetentionError: If it was lifted already.
    """
    found = next((hold for hold in holds(connection) if hold.number == number), None)
    if found is None:
        raise NotFoundError(f"there is no hold {number}; list them: annexa retention show")
    if found.lifted_at is not None:
        raise RetentionError(f"hold {number} was lifted on {found.lifted_at:%Y-%m-%d}")
    lifted = decide(connection, "lift", author, recorded, {"hold": number})
    return found._replace(lifted_at=recorded, lifted_entry=lifted.entry)
