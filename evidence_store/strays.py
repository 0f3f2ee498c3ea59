"""Verification of rows that nothing refers to: added by hand, or left by a recording taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import sqlalchemy as sa

from evidence_store.codecs import unpacked
from evidence_store.database import database_of
from evidence_store.errors import StoreError
from evidence_store.tables import (
    KINDS,
    checks,
    current,
    current_seals,
    entries,
    part_documents,
    pending,
    reasons,
    resources,
    targets,
    verdicts,
)

Note = Callable[[str, object, str], None]
DIGEST: Final = re.compile(rb'"([0-9a-f]{64})"')
"""A digest as bodies and part documents name it."""


def check(
    connection: sa.Connection, bodies: Mapping[int, Mapping[str, Any]], note: Note
) -> Iterator[str]:
    """Note rows that cannot be of ours; yield statements about those that can."""
    _unrecorded(connection, note)
    _caches(connection, note)
    for number in connection.scalars(sa.select(pending.c.entry_id)):
        if number not in bodies:
            note("pending", number, "waits for the ledger, and there is no such entry")
    # Targets share these rows: a server keeps them though the recording itself was taken back.
    ours = database_of(connection).one_writer
    for table, found in (("checks", _checks(connection)), ("part_documents", _parts(connection))):
        for row in found if ours else ():
            note(table, row, "nothing refers to it")
        if found and not ours:
            yield (
                f"Nothing refers to {len(found)} rows of {table}: a recording that was taken back"
                " leaves such, and so does who adds them by hand."
            )


def _unrecorded(connection: sa.Connection, note: Note) -> None:
    recorded = sa.select(entries.c.target_id).where(entries.c.kind == KINDS["unit"])
    rows = sa.select(targets.c.name).where(targets.c.id.not_in(recorded))
    for name in connection.scalars(rows):
        note("targets", name, "no entry is of it")
    given = sa.select(verdicts.c.reason).where(verdicts.c.reason.is_not(None))
    for digest in connection.scalars(
        sa.select(reasons.c.digest).where(reasons.c.digest.not_in(given))
    ):
        note("reasons", digest.hex()[:16], "no verdict gives it")


def _caches(connection: sa.Connection, note: Note) -> None:
    rows = connection.execute(
        sa.select(current.c.target_id, current.c.resource_id)
        .outerjoin(resources, resources.c.id == current.c.resource_id)
        .where(resources.c.id.is_(None) | (resources.c.target_id != current.c.target_id))
    )
    for target, resource in rows:
        note("current_state", f"target {target}, resource {resource}", "there is no such resource")
    seals = sa.select(current_seals.c.target_id).where(
        current_seals.c.target_id.not_in(sa.select(targets.c.id))
    )
    for target in connection.scalars(seals):
        note("current_seals", f"target {target}", "there is no such target")


def _checks(connection: sa.Connection) -> list[int]:
    judged = set(connection.scalars(sa.select(verdicts.c.check_id).distinct()))
    known = connection.scalars(sa.select(checks.c.id).order_by(checks.c.id))
    return [row for row in known if row not in judged]


def _parts(connection: sa.Connection) -> list[str]:
    """Part documents that neither an entry nor another one names."""
    named: set[bytes] = set()
    for body in connection.scalars(sa.select(entries.c.body).execution_options(yield_per=1000)):
        named.update(DIGEST.findall(body))
    known = []
    rows = sa.select(part_documents).execution_options(yield_per=1000)
    for digest, codec, body in connection.execute(rows):
        known.append(digest.hex())
        try:
            named.update(DIGEST.findall(unpacked(codec, body)))
        except StoreError:  # noted where the document itself is checked
            continue
    return [digest[:16] for digest in known if digest.encode() not in named]
