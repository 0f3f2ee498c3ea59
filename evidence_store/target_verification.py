"""Verification of one target, by itself: its documents, then its entries replayed over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store.answers import Problem
from evidence_store.canonical import canonical, parsed
from evidence_store.codecs import unpacked
from evidence_store.digests import FIELDS, Digests, key_text
from evidence_store.errors import StoreError
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.tables import contents, entries, observations, resources, targets
from evidence_store.unit_verification import Scopes, Units

Note = Callable[[str, object, str], None]

BROKEN: Final = (StoreError, sa.exc.DBAPIError, ValueError, KeyError, TypeError, AttributeError)
"""What damaged rows raise while they are read; each becomes a problem."""


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
    for row in connection.execute(_documents(target).execution_options(yield_per=1000)):
        if row.body is not None:
            scopes[row.digest] = None
            content(digests, scopes, note, row)
    return scopes


def content(
    digests: Digests, scopes: MutableMapping[bytes, str | None], note: Note, row: sa.Row[Any]
) -> None:
    """Check a document against its digests; keep what it says its scope is."""
    where = row.digest.hex()[:16]
    try:
        text = unpacked(row.codec, row.body)
        document = parsed(text)
        scopes[row.digest] = document["scope"]
        if document.keys() != FIELDS or canonical(document) != text:
            note("contents", where, "the document is not written as documents are")
        key = key_text(ResourceKey(row.kind, row.scope, row.identity))
        if digests.content_id(key, document) != row.digest:
            note("contents", where, "the document's members are not what its id says")
    except BROKEN as error:
        note("contents", where, f"cannot be read: {error}")


def _documents(target: int) -> sa.Select[Any]:
    """Every content of a target, with the resource whose it is."""
    owners = (
        sa.select(observations.c.content, sa.func.min(observations.c.resource_id).label("row"))
        .join(resources, resources.c.id == observations.c.resource_id)
        .where(observations.c.content.is_not(None), resources.c.target_id == target)
        .group_by(observations.c.content)
        .subquery()
    )
    return (
        sa.select(
            contents,
            targets.c.name,
            resources.c.kind,
            resources.c.scope,
            known_as.label("identity"),
        )
        .join(owners, owners.c.content == contents.c.digest)
        .join(resources, resources.c.id == owners.c.row)
        .join(targets, targets.c.id == resources.c.target_id)
        .order_by(contents.c.digest)
    )


def _entries(target: int) -> sa.Select[Any]:
    query = sa.select(entries.c.id, entries.c.body).where(entries.c.target_id == target)
    return query.order_by(entries.c.id)


def _body(row: sa.Row[Any]) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = parsed(row.body)
    except ValueError:  # noted where the entries are read
        return None
    return found
