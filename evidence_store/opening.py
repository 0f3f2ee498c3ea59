"""Opening what an entry commits to, in bulk: for packages that are verified without the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from evidence_store import entries, ledger, merkle, reads, remnants, replay
from evidence_store.answers import (
    EntryRow,
    InclusionProof,
    Member,
    OpenedLine,
    OpenedResource,
    OpenedUnit,
    VerdictItem,
)
from evidence_store.canonical import canonical, parsed
from evidence_store.database import batches
from evidence_store.digests import Digests, key_text
from evidence_store.errors import NotFoundError
from evidence_store.model import ResourceKey
from evidence_store.state import Known
from evidence_store.tables import KINDS, checks, contents, reasons, verdicts
from evidence_store.tables import entries as entries_table

Wanted = Callable[[ResourceKey], bool]


def unit(
    connection: sa.Connection, secret: bytes, target: str, as_of: datetime | None, wanted: Wanted
) -> OpenedUnit:
    """A target's entry as of a time, with every wanted resource opened.

    Raises:
        NotFoundError: If the target has no entry then.
    """
    found = reads.units(connection, reads.cut(connection, as_of), target)
    if not found:
        raise NotFoundError(f"target {target} has no entry as of {as_of or 'now'}")
    row = found[0].row
    built = replay.standing(connection, row.target_id, row.id)
    ordered = sorted(built.items(), key=lambda item: item[1].key_digest)
    chosen = [(key, known) for key, known in ordered if wanted(key)]
    body = parsed(row.body)
    table = entries.kept_document(connection, bytes.fromhex(body["parts"]))
    return OpenedUnit(
        row.id,
        row.sweep,
        canonical(table),
        {
            number: canonical(entries.kept_document(connection, bytes.fromhex(part["carried"])))
            for number, part in enumerate(table)
            if part["carried"]
        },
        tuple((known.key_digest, known.content, known.verdict) for _, known in ordered),
        tuple(_resources(connection, Digests(secret, target), chosen, row.id)),
    )


def _resources(
    connection: sa.Connection,
    digests: Digests,
    chosen: Sequence[tuple[ResourceKey, Known]],
    until: int,
) -> Iterator[OpenedResource]:
    rows = connection.execute(sa.select(checks.c.id, checks.c.digest, checks.c.body))
    by_row = {row: (digest, body) for row, digest, body in rows}
    for some in batches(chosen):
        kept = _kept(connection, [known.content for _, known in some if known.content])
        quiet = _with_erased_reasons(connection, [known.row for _, known in some])
        for key, known in some:
            text = key_text(key)
            found = kept.get(known.content or b"")
            told = replay.erased_reasons(connection, known, until) if known.row in quiet else {}
            yield OpenedResource(
                key,
                replay.opened_key(digests, key, known),
                None if found is None else replay.opened_members(digests, text, found),
                known.content,
                known.verdict,
                _findings(digests, text, known, by_row, told),
            )


def _findings(
    digests: Digests,
    text: bytes,
    known: Known,
    by_row: dict[int, tuple[bytes, bytes]],
    told: dict[int, Member],
) -> tuple[VerdictItem, ...]:
    items = []
    for row, status, cause, reason in parsed(known.findings):
        digest, check = by_row[row]
        opened = told.get(row) or digests.reason(text, reason)
        items.append(VerdictItem(digest, parsed(check), status, cause, opened, check))
    return tuple(sorted(items, key=lambda item: item.check_digest))


def _kept(connection: sa.Connection, wanted: Sequence[bytes]) -> dict[bytes, remnants.Kept]:
    """What is kept of these contents; nothing of one that was let go."""
    rows = connection.execute(
        sa.select(contents.c.digest, remnants.CODEC, remnants.BODY).where(
            contents.c.digest.in_(wanted)
        )
    )
    return {digest: remnants.kept(codec, body) for digest, codec, body in rows if body is not None}


def _with_erased_reasons(connection: sa.Connection, rows: Sequence[int]) -> set[int]:
    """Those of the resources that have a reason of which only the digest is left."""
    query = (
        sa.select(verdicts.c.resource_id)
        .join(reasons, reasons.c.digest == verdicts.c.reason)
        .where(verdicts.c.resource_id.in_(rows), reasons.c.reason.is_(None))
    )
    return set(connection.scalars(query.distinct()))


def attachment_lines(
    connection: sa.Connection,
    secret: bytes,
    entry: int,
    name: str,
    wanted: Callable[[Any], bool],
) -> list[OpenedLine]:
    """The wanted lines of an attachment, each with its path to the root in the entry."""
    target = entries.body(connection, entry)["target"]
    found = remnants.attachment_lines(connection, entry, name)
    if found is None:
        return []
    digests = Digests(secret, target)
    opened = [
        digests.line(name, line)
        if line is not None
        else Member("line", b"", b"", digest or b"", erased=True)
        for line, digest in found.lines
    ]
    chosen = [
        index for index, line in enumerate(opened) if not line.erased and wanted(_said(line.value))
    ]
    paths = merkle.sided_paths([merkle.leaf(line.digest) for line in opened], chosen)
    return [OpenedLine(opened[index], path) for index, path in zip(chosen, paths, strict=True)]


def _said(line: bytes) -> Any:  # noqa: ANN401 - anything JSON
    """The line's value; None of an attachment that is no JSON."""
    try:
        return parsed(line)
    except ValueError:
        return None


def proven(
    connection: sa.Connection, numbers: Sequence[int], sweeps: Sequence[int] = ()
) -> list[EntryRow]:
    """These entries, what encloses the sweeps, and what names the ledger's keys, by place.

    All are proven under the newest signed head.

    Raises:
        NotFoundError: If an entry is not there, or no signed head covers it yet.
    """
    heads = ledger.heads(connection)
    size = heads[-1].size if heads else 0
    hashes = ledger.hashes(connection, size)
    named = sorted({*numbers, *_enclosing(connection, sweeps)})
    found = []
    for number in named:
        row = reads.plain_entry(connection, number)
        if row.index is None or row.index >= size:
            if number not in numbers:
                continue
            raise NotFoundError(
                f"entry {number} is under no signed head yet: the end of its sweep signs one"
            )
        path = merkle.inclusion(hashes, row.index)
        found.append(replace(row, proof=InclusionProof(row.index, path, heads[-1])))
    return sorted(found, key=lambda row: row.index or 0)


def _enclosing(connection: sa.Connection, sweeps: Sequence[int]) -> list[int]:
    """Entries of the ledger itself: plan and close of these sweeps, every key and epoch."""
    table = entries_table
    around = table.c.kind.in_((KINDS["plan"], KINDS["close"])) & table.c.sweep.in_(sweeps)
    query = sa.select(table.c.id).where(
        table.c.target_id == 0, around | table.c.kind.in_((KINDS["key"], KINDS["restore"]))
    )
    return list(connection.scalars(query))
