"""Verification of one target, by itself: its documents, then its entries replayed over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store.answers import Problem
from evidence_store.canonical import canonical, parsed
from evidence_store.codecs import unpacked
from evidence_store.digests import FIELDS, Digests
from evidence_store.errors import StoreError
from evidence_store.names import known_as
from evidence_store.tables import contents, entries, observations, resources
from evidence_store.unit_verification import Scopes, Units

Note = Callable[[str, object, str], None]

BROKEN: Final = (StoreError, sa.exc.DBAPIError, ValueError, KeyError, TypeError, AttributeError)
"""What damaged rows raise while they are read; each becomes a problem."""


COLUMNS: Final = (
    contents.c.digest,
    contents.c.codec,
    contents.c.body,
    resources.c.kind,
    resources.c.scope,
    known_as.label("identity"),
)
"""What `content` asks for: the document, and the key of the resource whose it is."""

# In the order in which both tables keep them, so that nothing is sorted or collected first. Where
# a resource had a document twice it comes twice; under two resources it is wrong for one of them.
DOCUMENTS: Final = (
    sa.select(*COLUMNS)
    .select_from(resources)
    .join(observations, observations.c.resource_id == resources.c.id)
    .join(contents, contents.c.digest == observations.c.content)
    .where(resources.c.target_id == sa.bindparam("target_id"), contents.c.body.is_not(None))
    .order_by(resources.c.key_digest, observations.c.entry_id)
)
ROWS: Final = 1000
"""Documents that are fetched at a time."""


class LetGo(NamedTuple):
    """What is known of contents that were let go before targets are looked at.

    Attributes:
        scopes: Each to its document's scope; None where nothing is left of it.
        bare: Those the scope told with them went too.
    """

    scopes: Mapping[bytes, str | None]
    bare: AbstractSet[bytes]


class Found(NamedTuple):
    """What was found of a target."""

    target: int
    problems: tuple[Problem, ...]
    counts: Mapping[str, int]


def check(connection: sa.Connection, secret: bytes, let_go: LetGo, target: int, name: str) -> Found:
    """Check a target from its own rows; entries whose body cannot be read are left out."""
    problems: list[Problem] = []

    def note(table: str, row: object, what: str) -> None:
        problems.append(Problem(table, str(row), what))

    scopes = dict(let_go.scopes) | documents(connection, secret, target, name, note)
    bodies = {row.id: body for row in connection.execute(_entries(target)) if (body := _body(row))}
    units = Units(connection, secret, bodies, Scopes(scopes, let_go.bare), note)
    try:
        units.check(target, name)
    except BROKEN as error:
        note("targets", name, f"cannot be replayed: {error!r}")
    return Found(target, tuple(problems), units.counts)


def documents(
    connection: sa.Connection, secret: bytes, target: int, name: str, note: Note
) -> dict[bytes, str | None]:
    """Check each document there is of a target; what they say their scope is."""
    scopes: dict[bytes, str | None] = {}
    digests = Digests(secret, name)
    rows = connection.execute(
        DOCUMENTS, {"target_id": target}, execution_options={"yield_per": ROWS}
    )
    for row in rows:
        scopes.setdefault(row[0], None)
        content(digests, scopes, note, row)
    return scopes


def content(
    digests: Digests, scopes: MutableMapping[bytes, str | None], note: Note, row: Sequence[Any]
) -> None:
    """Check a document against its digests; keep what it says its scope is."""
    digest, codec, body, *key = row
    try:
        text = unpacked(codec, body)
        document = parsed(text)
        scopes[digest] = document["scope"]
        where = digest.hex()[:16]
        if document.keys() != FIELDS or canonical(document) != text:
            note("contents", where, "the document is not written as documents are")
        if digests.content_id(canonical(key), document) != digest:
            note("contents", where, "the document's members are not what its id says")
    except BROKEN as error:
        note("contents", digest.hex()[:16], f"cannot be read: {error}")


def _entries(target: int) -> sa.Select[Any]:
    query = sa.select(entries.c.id, entries.c.body).where(entries.c.target_id == target)
    return query.order_by(entries.c.id)


def _body(row: sa.Row[Any]) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = parsed(row.body)
    except ValueError:  # noted where the entries are read
        return None
    return found
