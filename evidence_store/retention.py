"""How long evidence is kept: a period per class, which can only become longer."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from evidence_store.decisions import Author, decide, made
from evidence_store.errors import RetentionError
from evidence_store.times import instant

if TYPE_CHECKING:
    import sqlalchemy as sa

DEFAULT_DAYS: Final = {"documents": 2557, "journals": 1200, "activities": 1200}
"""Seven years; the records of how it was read: a cycle of three years, and a quarter more.

Documents count from when a content stopped being any resource's present one, the others from
when they were recorded.
"""


class Period(NamedTuple):
    """How long a class is kept; `by` None is the default.

    Attributes:
        evidence: One of `DEFAULT_DAYS`.
        days: How long.
        by: Who made it that long.
        reason: Why.
        since: When that was decided.
    """

    evidence: str
    days: int
    by: str | None = None
    reason: str | None = None
    since: datetime | None = None


def periods(connection: sa.Connection) -> dict[str, Period]:
    """The period of each class, by the ledger."""
    found = {evidence: Period(evidence, days) for evidence, days in DEFAULT_DAYS.items()}
    for each in made(connection, "retention"):
        evidence, days = each.body["evidence"], each.body["days"]
        found[evidence] = Period(evidence, days, *each.author, instant(each.recorded_at))
    return found


def extend(
    connection: sa.Connection, evidence: str, days: int, author: Author, recorded: datetime
) -> Period:
    """Keep a class longer from now on.

    Raises:
        RetentionError: If there is no such class, or the period would not be longer.
    """
    known = periods(connection)
    if evidence not in known:
        raise RetentionError(f"no evidence is called {evidence!r}; there are {', '.join(known)}")
    now = known[evidence]
    if days <= now.days:
        said = f"since {now.since:%Y-%m-%d}, by {now.by}" if now.since else "by default"
        raise RetentionError(
            f"{evidence} are kept {now.days} days ({said}); a period can be made longer, never"
            f" shorter: {days} days was not accepted"
        )
    body = {"evidence": evidence, "days": days, "before": now.days}
    decide(connection, "retention", author, recorded, body)
    return Period(evidence, days, *author, recorded)
