"""Silences: what nobody is told for a time, by whom and why. None is ever deleted.

A silence stops the telling, never the judging; what still fires when it ends is told then.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import orjson
import sqlalchemy as sa

from annexa.alerts import events
from annexa.operations import Operations
from annexa.operations.tables import alert_silences
from annexa.operations.times import instant, microseconds

LOCK: Final = "silences"


@dataclass(frozen=True)
class About:
    """What an event is about, as silences and endpoints look at it."""

    type: str
    control: str = ""
    target: str = ""
    check: str = ""
    resource: str = ""


@dataclass(frozen=True)
class Matcher:
    """Patterns as of file names; all that are given must fit."""

    type: str = "*"
    control: str = "*"
    target: str = "*"
    check: str = "*"
    resource: str = "*"

    def fits(self, about: About) -> bool:
        """Whether an event is meant; a target by its name with or without its platform."""
        if about.type in events.UNSILENCEABLE:
            return False
        names = (about.target, about.target.partition("/")[2])
        return (
            any(fnmatch.fnmatchcase(name, self.target) for name in names)
            and fnmatch.fnmatchcase(about.type, self.type)
            and fnmatch.fnmatchcase(about.control, self.control)
            and fnmatch.fnmatchcase(about.check, self.check)
            and fnmatch.fnmatchcase(about.resource, self.resource)
        )

    @property
    def words(self) -> str:
        """What is meant, for people."""
        said = [f"{name} {value}" for name, value in asdict(self).items() if value != "*"]
        return ", ".join(said)


@dataclass(frozen=True)
class Silence:
    """A silence as it is kept.

    Attributes:
        id: its number.
        matcher: what is silent.
        author: who decided it.
        reason: why, with a ticket if there is one.
        made: when.
        expires: when it ends by itself.
        lifted: when somebody ended it.
        lifted_by: who.
    """

    id: int
    matcher: Matcher
    author: str
    reason: str
    made: datetime
    expires: datetime
    lifted: datetime | None = None
    lifted_by: str | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is in force."""
        return self.lifted is None and self.made <= now < self.expires


def add(
    operations: Operations,
    matcher: Matcher,
    author: str,
    reason: str,
    made: datetime,
    expires: datetime,
) -> int:
    """Keep a silence; its number."""
    with operations.writing(LOCK) as connection:
        key = connection.execute(
            sa.insert(alert_silences).values(
                author=author,
                reason=reason,
                made=microseconds(made),
                expires=microseconds(expires),
                matchers=orjson.dumps(asdict(matcher)).decode(),
            )
        ).inserted_primary_key
    return int(key[0]) if key else 0


def lift(operations: Operations, number: int, by: str, now: datetime) -> bool:
    """End a silence before its time; False if there is none in force of this number."""
    with operations.writing(LOCK) as connection:
        ended = (
            sa.update(alert_silences)
            .where(
                alert_silences.c.id == number,
                alert_silences.c.lifted.is_(None),
                alert_silences.c.expires > microseconds(now),
            )
            .values(lifted=microseconds(now), lifted_by=by)
        )
        return connection.execute(ended).rowcount == 1


def kept(operations: Operations) -> Sequence[Silence]:
    """Every silence there ever was, the newest first."""
    query = sa.select(alert_silences).order_by(alert_silences.c.id.desc())
    with operations.reading() as connection:
        return [
            Silence(
                row.id,
                Matcher(**orjson.loads(row.matchers)),
                row.author,
                row.reason,
                instant(row.made),
                instant(row.expires),
                None if row.lifted is None else instant(row.lifted),
                row.lifted_by,
            )
            for row in connection.execute(query)
        ]


def silent(found: Iterable[Silence], about: About, now: datetime) -> bool:
    """Whether a silence in force means this event."""
    return any(each.holds(now) and each.matcher.fits(about) for each in found)
