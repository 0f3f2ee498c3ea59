"""Verification of receipts: each is what its plan named, and each sweep lies between two stamps."""

from __future__ import annotations

import bisect
import hmac
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from evidence_store import receipts
from evidence_store.canonical import parsed
from evidence_store.errors import OutsideError
from evidence_store.outside import Authority
from evidence_store.receipts import HELD, Receipt
from evidence_store.tables import checkpoints
from evidence_store.tables import receipts as table
from evidence_store.times import moment

Note = Callable[[str, object, str], None]

SKEW: Final = timedelta(minutes=5)
"""How far our clock may be from an authority's before a stored time counts as false."""


@dataclass
class Receipts:
    """Checks the table and says what the time stamps mean.

    Attributes:
        bodies: Bodies of entries by id.
        positions: Places of entries by id.
        authorities: Those that are configured, by name; a stamp of another one is not checked.
    """

    connection: sa.Connection
    secret: bytes
    bodies: Mapping[int, Mapping[str, Any]]
    positions: Mapping[int, int]
    authorities: Mapping[str, Authority]
    problem: Note
    statements: list[str] = field(default_factory=list)
    verified: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def check(self) -> int:
        """Check everything; return the number of receipts."""
        notes = dict(
            self.connection.execute(sa.select(checkpoints.c.size, checkpoints.c.note)).all()
        )
        seals = self.connection.execute(
            sa.select(table.c.size, table.c.kind, table.c.name, table.c.seal)
        )
        sealed = {(size, kind, name): seal for size, kind, name, seal in seals}
        unchecked: Counter[str] = Counter()
        found = receipts.kept(self.connection)
        for each in found:
            where = f"{each.size} {each.kind} {each.name}"
            key = (each.size, receipts.KIND.get(each.kind, 0), each.name)
            if not hmac.compare_digest(sealed.get(key, b""), receipts.seal(self.secret, each)):
                self.problem("receipts", where, "was edited: its seal does not fit")
            if each.size not in notes:
                self.problem("receipts", where, "is for a head that is not there")
            elif each.kind == HELD:
                self._held(where, each)
            elif not self._stamped(where, each, notes[each.size].encode()):
                unchecked[each.name] += 1
        for name, count in sorted(unchecked.items()):
            self.statements.append(
                f"{count} time stamps of {name} were not checked: [[store.timestamps]] names no"
                " authority of that name with its CA file."
            )
        self._named(found)
        self._times()
        return len(found)

    def _held(self, where: str, each: Receipt) -> None:
        if set(parsed(each.body)) != {"kind", "place"}:
            self.problem("receipts", where, "does not say where the head is held")

    def _stamped(self, where: str, each: Receipt, data: bytes) -> bool:
        authority = self.authorities.get(each.name)
        if authority is None:
            return False
        try:
            at = authority.stamped_at(data, each.body)
        except OutsideError as error:
            self.problem("receipts", where, str(error))
            return True
        if at != each.at:
            self.problem("receipts", where, f"says {each.at.isoformat()}, the stamp {at}")
        self.verified[sha256(each.body).hexdigest()] = each.size, at
        return True

    def _named(self, found: Sequence[Receipt]) -> None:
        """What a plan named must still be there, exactly."""
        told = {tuple(each.told) for each in found}
        named: set[tuple[Any, ...]] = set()
        for number, body in self.bodies.items():
            after = body.get("after")
            if body.get("kind") != "plan" or after is None:
                continue
            for each in map(tuple, after["receipts"]):
                named.add(each)
                if each not in told:
                    self.problem(
                        "receipts", " ".join(map(str, each[:3])),
                        f"named by the plan of sweep {body['sweep']} (entry {number}), and missing"
                        " or edited",
                    )  # fmt: skip
        waiting = len(told - named)
        if waiting:
            self.statements.append(
                f"{waiting} receipts are newer than the last plan: an edit would be found, a"
                " removal would not; the next sweep's plan names them."
            )

    def _times(self) -> None:
        """Bound every entry: after the stamps its plan names, before the first one over it."""
        over = sorted((size, at) for size, at in self.verified.values())
        earliest: list[datetime] = []
        for _, at in reversed(over):
            earliest.append(min(at, earliest[-1]) if earliest else at)
        earliest.reverse()
        sizes = [size for size, _ in over]
        lower: datetime | None = None
        sweeps: dict[int, tuple[datetime | None, datetime | None]] = {}
        for number in sorted(self.positions, key=self.positions.__getitem__):
            body = self.bodies.get(number)
            if body is None:
                continue
            for digest in body.get("after", {}).get("stamps", {}).values():
                if digest in self.verified:
                    at = self.verified[digest][1]
                    lower = max(at, lower) if lower else at
            place = bisect.bisect_right(sizes, self.positions[number])
            upper = earliest[place] if place < len(earliest) else None
            self._inside(number, moment(body["recorded"]), lower, upper)
            if sweep := body.get("sweep") if body["kind"] in {"plan", "unit", "close"} else 0:
                first = sweeps.get(sweep, (lower, None))[0]
                sweeps[sweep] = first, upper
        if self.verified:
            self._say(sweeps)

    def _inside(
        self, number: int, at: datetime, lower: datetime | None, upper: datetime | None
    ) -> None:
        if lower is not None and at < lower - SKEW:
            self.problem(
                "entries",
                number,
                f"says it was recorded at {at}, yet follows a time stamp of {lower}: its time is"
                " false",
            )
        if upper is not None and at > upper + SKEW:
            self.problem(
                "entries",
                number,
                f"says it was recorded at {at}, yet was stamped at {upper}: its time is false",
            )

    def _say(self, sweeps: Mapping[int, tuple[datetime | None, datetime | None]]) -> None:
        kinds = Counter((first is not None, last is not None) for first, last in sweeps.values())
        self.statements.append(
            f"Time, by stamps of others: {kinds[True, True]} sweeps are bounded from both sides,"
            f" {kinds[False, True]} only from above (they existed by then, and may be older),"
            f" {kinds[True, False]} only from below, {kinds[False, False]} not at all."
        )
        both = [number for number, (first, last) in sweeps.items() if first and last]
        if both:
            first, last = sweeps[max(both)]
            self.statements.append(
                f"Sweep {max(both)} lies between {first:%Y-%m-%d %H:%M:%S} UTC (the stamp its plan"
                f" names) and {last:%Y-%m-%d %H:%M:%S} UTC (the first stamp over all of it)."
            )
