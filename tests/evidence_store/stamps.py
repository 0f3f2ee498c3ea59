"""An authority that stamps by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from evidence_store.errors import OutsideError
from tests.evidence_store.builders import Clock


@dataclass
class Stamps:
    """An authority by hand: its token is the time and what it is over."""

    clock: Clock
    name: str = "tsa"
    place: str = "https://tsa.example"
    down: bool = False
    shift: timedelta = timedelta()
    over: list[bytes] = field(default_factory=list)

    def stamp(self, data: bytes) -> bytes:
        if self.down:
            raise OutsideError("authority tsa: cannot be reached")
        self.over.append(data)
        return (self.clock() + self.shift).isoformat().encode() + b" " + data

    def stamped_at(self, data: bytes, response: bytes) -> datetime:
        at, _, over = response.partition(b" ")
        if over != data:
            raise OutsideError("authority tsa: the time stamp does not verify")
        return datetime.fromisoformat(at.decode())
