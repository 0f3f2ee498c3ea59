"""A target's state from the append-only tables alone: for proofs, disclosure and the cache."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

import sqlalchemy as sa

from evidence_store import evidence, reads, remnants, state
from evidence_store.answers import Disclosure, Member, UnitLeaves, VerdictItem
from evidence_store.canonical import canonical, parsed
from evidence_store.codecs import unpacked
from evidence_store.digests import Digests, key_text, members, verdict_digest
from evidence_store.errors import NotFoundError
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.reads import CAUSE_OF, STATUS_OF
from evidence_store.state import NOT_SEALED, Known, State
from evidence_store.tables import (
    ENDED,
    ERASED,
    KINDS,
    checks,
    contents,
    current,
    entries,
    reasons,
    resources,
    targets,
    verdicts,
)


def standing(
    connection: sa.Connection, target_id: int, until: int, *, hashed: bool = False
) -> State:
    """The state of a target as of an entry; the documents' SHA-256 only if `hashed`."""
    contents_of = _contents(connection, target_id, until, hashed=hashed)
    last = evidence.latest(verdicts, until, target_id, verdicts.c.resource_id, verdicts.c.check_id)
    found: dict[int, list[tuple[int, str, str | None, str, int, str, str | None]]] = {}
    query = (
        sa.select(verdicts, reasons.c.reason.label("text"), checks.c.digest)
        .join(
            last,
            (verdicts.c.resource_id == last.c.resource_id)
            & (verdicts.c.check_id == last.c.check_id)
            & (verdicts.c.entry_id == last.c.last),
        )
        .join(checks, checks.c.id == verdicts.c.check_id)
        .outerjoin(reasons, reasons.c.digest == verdicts.c.reason)
        .where(verdicts.c.status != ENDED)
    )
    for number, check, _, status, cause, reason, since, text, digest in connection.execute(query):
        row = (check, STATUS_OF[status], CAUSE_OF[cause] if cause else None, text or "", since)
        found.setdefault(number, []).append((*row, digest.hex(), reason.hex() if reason else None))
    keys = connection.execute(
        sa.select(
            resources.c.id,
            resources.c.kind,
            resources.c.scope,
            known_as,
            resources.c.key_digest,
        ).where(resources.c.target_id == target_id)
    )
    built: State = {}
    for number, kind, scope, identity, key_digest in keys:
        if number not in contents_of and number not in found:
            continue
        rows = sorted(found.get(number, ()))
        content, plain = contents_of.get(number, (None, None))
        built[ResourceKey(kind, scope, identity)] = Known(
            number,
            key_digest,
            content,
            plain,
            verdict_digest([row[5], row[1], row[2], row[6]] for row in rows),
            canonical([row[:4] for row in rows]),
            canonical([row[4] for row in rows]),
        )
    return built


def _contents(
    connection: sa.Connection, target_id: int, until: int, *, hashed: bool
) -> dict[int, tuple[bytes, bytes | None]]:
    seen = evidence.standing_rows(until, target_id)
    kept = (remnants.CODEC, remnants.BODY) if hashed else (sa.null(), sa.null())
    query = (
        sa.select(seen.c.resource_id, contents.c.digest, *kept)
        .select_from(seen)
        .join(contents, contents.c.digest == seen.c.content)
    )
    # One that came back after its purge is whole again, beside a row that is empty for good.
    return {
        number: (
            content,
            None if body is None or codec == ERASED else sha256(unpacked(codec, body)).digest(),
        )
        for number, content, codec, body in connection.execute(query)
    }


def rebuild(connection: sa.Connection, secret: bytes) -> int:
    """Replace every target's cached state by what the append-only tables say.

    What they say is verified by `verify`, not here: the next record refuses a state that does not
    reproduce the last entry.
    """
    rows = connection.execute(sa.select(targets.c.id)).scalars().all()
    connection.execute(sa.delete(current))
    for target_id in rows:
        rebuild_target(connection, secret, target_id)
    return len(rows)


def rebuild_target(connection: sa.Connection, secret: bytes, target_id: int) -> None:
    """Replace one target's cached state."""
    connection.execute(sa.delete(current).where(current.c.target_id == target_id))
    last = connection.execute(
        sa.select(entries.c.id, entries.c.state_root, entries.c.verdict_root)
        .where(entries.c.target_id == target_id, entries.c.kind == KINDS["unit"])
        .order_by(entries.c.sweep.desc(), entries.c.attempt.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return
    built = standing(connection, target_id, last.id, hashed=True)
    state.save(connection, target_id, built.values(), ())
    heads = last.state_root, last.verdict_root
    state.save_seal(connection, target_id, state.seal(secret, heads, built), NOT_SEALED)


def _at(connection: sa.Connection, target: str, as_of: datetime | None) -> tuple[int, State]:
    """The target's last entry, and its state then."""
    found = reads.units(connection, reads.cut(connection, as_of), target)
    if not found:
        raise NotFoundError(f"target {target} has no entry as of {as_of or 'now'}")
    row = found[0].row
    return row.id, standing(connection, row.target_id, row.id)


def leaves(connection: sa.Connection, target: str, as_of: datetime | None) -> UnitLeaves:
    """The leaves under the two roots of the target's entry."""
    entry, built = _at(connection, target, as_of)
    ordered = sorted(built.values(), key=lambda known: known.key_digest)
    return UnitLeaves(
        entry,
        tuple((known.key_digest, known.content) for known in ordered if known.content),
        tuple((known.key_digest, known.verdict) for known in ordered),
    )


def disclose(
    connection: sa.Connection,
    secret: bytes,
    target: str,
    key: ResourceKey,
    as_of: datetime | None,
) -> Disclosure:
    """Open every salted member of a resource."""
    _, known = _known(connection, target, key, as_of)
    row = connection.execute(
        sa.select(remnants.CODEC.label("codec"), remnants.BODY.label("body")).where(
            contents.c.digest == known.content
        )
    ).one_or_none()
    if known.content is None or row is None or row.body is None:
        raise NotFoundError(f"target {target}: no document is kept of {list(key)}")
    digests, text = Digests(secret, target), key_text(key)
    kept = remnants.kept(row.codec, row.body)
    opened = opened_members(digests, text, kept)
    return Disclosure(opened_key(digests, key, known), opened, known.content)


def opened_members(digests: Digests, key: bytes, kept: remnants.Kept) -> tuple[Member, ...]:
    """Every member of a document, opened unless it was erased."""
    return tuple(
        Member(name, b"", b"", kept.erased[name], erased=True)
        if name in kept.erased
        else digests.member(key, name, value)
        for name, value in sorted(members(kept.document).items())
    )


def opened_key(digests: Digests, key: ResourceKey, known: Known) -> Member:
    """The key, opened unless it was erased."""
    opened = digests.key(key_text(key))
    if opened.digest == known.key_digest:
        return opened
    return Member("key", b"", b"", known.key_digest, erased=True)


def disclose_findings(
    connection: sa.Connection,
    secret: bytes,
    target: str,
    key: ResourceKey,
    as_of: datetime | None,
) -> Sequence[VerdictItem]:
    """Open a resource's verdict leaf: hash it as `verdict_digest` does, an empty reason as null."""
    entry, known = _known(connection, target, key, as_of)
    digests, text = Digests(secret, target), key_text(key)
    rows = connection.execute(sa.select(checks.c.id, checks.c.digest, checks.c.body))
    by_row = {row: (digest, parsed(body)) for row, digest, body in rows}
    told = erased_reasons(connection, known, entry)
    items = [
        VerdictItem(*by_row[row], status, cause, told.get(row) or digests.reason(text, reason))
        for row, status, cause, reason in parsed(known.findings)
    ]
    return sorted(items, key=lambda item: item.check_digest)


def erased_reasons(connection: sa.Connection, known: Known, until: int) -> dict[int, Member]:
    """Reasons in force of which only the digest is left, by check."""
    rows = connection.execute(
        sa.select(verdicts.c.check_id, verdicts.c.reason, reasons.c.reason)
        .outerjoin(reasons, reasons.c.digest == verdicts.c.reason)
        .where(verdicts.c.resource_id == known.row, verdicts.c.entry_id <= until)
        .order_by(verdicts.c.entry_id)
    )
    last = {check: (digest, reason) for check, digest, reason in rows}
    return {
        check: Member("reason", b"", b"", digest, erased=True)
        for check, (digest, reason) in last.items()
        if digest is not None and reason is None
    }


def _known(
    connection: sa.Connection, target: str, key: ResourceKey, as_of: datetime | None
) -> tuple[int, Known]:
    entry, built = _at(connection, target, as_of)
    known = built.get(key)
    if known is None:
        raise NotFoundError(f"target {target}: {list(key)} was not there as of {as_of or 'now'}")
    return entry, known
