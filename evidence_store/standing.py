"""Where the ledger stands outside its store, and what therefore can and cannot be excluded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from evidence_store import ledger, receipts
from evidence_store.canonical import parsed
from evidence_store.outside import Outside
from evidence_store.receipts import HELD, STAMPED

if TYPE_CHECKING:
    import sqlalchemy as sa

NO_OUTSIDE_COPY: Final = (
    "No outside copy of a checkpoint is held: a rollback, or a rewrite of the whole history with"
    " the store's own keys, cannot be excluded."
)


class Held(NamedTuple):
    """What a holder has; `since` None: nothing yet."""

    name: str
    kind: str
    place: str
    since: datetime | None
    size: int


class Stamp(NamedTuple):
    """The last time stamp of an authority."""

    name: str
    at: datetime
    size: int


@dataclass(frozen=True)
class Standing:
    """What the receipts say; only asking the holders shows whether it is so.

    Attributes:
        size: The newest signed head's size; 0 if there is none.
        held: Holders, configured or known from receipts, by name.
        stamps: Authorities with a time stamp, by name.
    """

    size: int
    held: tuple[Held, ...]
    stamps: tuple[Stamp, ...]

    @property
    def copies(self) -> int:
        """How many holders have any head."""
        return sum(each.since is not None for each in self.held)

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is held, where, since when, and what cannot be excluded, in words."""
        said = [_held(each, self.size) for each in self.held]
        if not self.copies:
            said.append(NO_OUTSIDE_COPY)
        said += [
            f"Time stamped by {each.name}: the first {each.size} entries existed at"
            f" {each.at:%Y-%m-%d %H:%M:%S} UTC."
            for each in self.stamps
        ]
        return tuple(said)

    @property
    def short(self) -> str:
        """One clause for a line of a summary."""
        having = [each for each in self.held if each.since is not None]
        if not having:
            return "NO outside copy: a rollback cannot be excluded"
        best = max(having, key=lambda each: each.size)
        lag = "" if best.size == self.size else f" up to entry {best.size}"
        return f"held by {best.name}{lag} since {best.since:%Y-%m-%d}"


def _held(each: Held, size: int) -> str:
    who = f"{each.name} ({each.kind} {each.place})"
    if each.since is None:
        return f"{who} is configured to hold checkpoints and has none yet."
    lag = "" if each.size == size else f"; the newest, over {size}, is not there yet"
    return (
        f"Held outside by {who} since {each.since:%Y-%m-%d}: heads up to {each.size} entries{lag}."
    )


def read(connection: sa.Connection, outside: Outside) -> Standing:
    """What the receipts say."""
    head = ledger.last_head(connection)
    held = {h.name: Held(h.name, h.kind, h.place, None, 0) for h in outside.holders}
    stamps: dict[str, Stamp] = {}
    for each in receipts.kept(connection):
        if each.kind == HELD:
            where = parsed(each.body)
            known = held.get(each.name)
            since = known.since if known and known.since else each.at
            held[each.name] = Held(each.name, where["kind"], where["place"], since, each.size)
        elif each.kind == STAMPED:
            stamps[each.name] = Stamp(each.name, each.at, each.size)
    return Standing(
        head.size if head else 0,
        tuple(held[name] for name in sorted(held)),
        tuple(stamps[name] for name in sorted(stamps)),
    )
