"""A target's present state, cached, and never believed before it reproduces the last entry."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

import sqlalchemy as sa

from evidence_store.canonical import canonical
from evidence_store.database import batches, insert
from evidence_store.errors import CacheError
from evidence_store.merkle import root_of
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.tables import current, current_seals, resources

LOAD: Final = (
    sa.select(
        resources.c.kind,
        resources.c.scope,
        known_as,
        resources.c.id,
        resources.c.key_digest,
        current.c.content,
        current.c.sha256,
        current.c.verdict,
        current.c.findings,
        current.c.since,
    )
    .join(resources, resources.c.id == current.c.resource_id)
    .where(current.c.target_id == sa.bindparam("target_id"))
)
SEAL: Final = sa.select(current_seals.c.seal).where(
    current_seals.c.target_id == sa.bindparam("target_id")
)
TOLD: Final = sa.select(current_seals.c.told).where(
    current_seals.c.target_id == sa.bindparam("target_id")
)
NOTHING: Final = bytes(32)
NOT_SEALED: Final = NOTHING
"""Stands for the seal of what was told, where nothing was since the cache was rebuilt."""


class Known(NamedTuple):
    """A resource as it stands.

    Attributes:
        row: Its row in `resources`; 0 until it has one.
        key_digest: What stands for it in the leaves.
        content: The content's id; None for a part itself.
        sha256: Of the document's bytes; None for a part itself.
        verdict: Digest of its findings, the other half of its verdict leaf.
        findings: JSON of `[check row, status, cause, reason]`, by check row.
        since: JSON of microseconds, in the same order.
    """

    row: int
    key_digest: bytes
    content: bytes | None
    sha256: bytes | None
    verdict: bytes
    findings: bytes
    since: bytes


State = dict[ResourceKey, Known]

NOBODY: Final = Known(0, b"", None, None, b"", b"[]", b"[]")
"""A resource of which nothing is known."""


def roots(state: Mapping[ResourceKey, Known]) -> tuple[bytes, bytes, int]:
    """The root over the live resources, the one over all findings, and the number of the former."""
    every = sorted(state.values(), key=lambda known: known.key_digest)
    live = [known.key_digest + known.content for known in every if known.content is not None]
    count, state_root = len(live), root_of(live)
    del live  # a million of them are a tenth of a gigabyte
    return state_root, root_of([known.key_digest + known.verdict for known in every]), count


def seal(secret: bytes, heads: tuple[bytes, bytes], state: Mapping[ResourceKey, Known]) -> bytes:
    """Bind the cache to the roots it stands for, under the store's secret.

    The roots alone do not bind a cached SHA-256 to its content, nor cached findings to their
    digest: whoever edits those could make the next change look like none.
    """
    sealed = hmac.new(secret, b"".join(heads), "sha256")
    for some in batches(sorted(state.items(), key=lambda item: item[1].key_digest)):
        fields: list[bytes] = []
        for key, known in some:
            # Each text ends where its own JSON does, so that no length is needed between them.
            fields += (
                canonical([*key, known.row]),
                known.key_digest,
                known.content or NOTHING,
                known.sha256 or NOTHING,
                known.verdict,
                known.findings,
                known.since,
            )
        sealed.update(b"".join(fields))
    return sealed.digest()


def load(connection: sa.Connection, target_id: int) -> State:
    """The cached state, unchecked."""
    rows = connection.execute(LOAD, {"target_id": target_id}).all()
    return {
        ResourceKey(kind, scope, identity): Known(
            row, key_digest, content, plain, verdict, findings, since
        )
        for kind, scope, identity, row, key_digest, content, plain, verdict, findings, since in rows
    }


def load_sealed(
    connection: sa.Connection, secret: bytes, target_id: int, heads: tuple[bytes, bytes]
) -> State | None:
    """The cached state, if it is the one sealed for these roots."""
    state = load(connection, target_id)
    found = connection.scalar(SEAL, {"target_id": target_id})
    return state if found == seal(secret, heads, state) else None


def refused(target: str, sweep: int) -> CacheError:
    """The error that says what to do about a cache that contradicts the ledger."""
    return CacheError(
        f"target {target}: the cached state does not reproduce sweep {sweep}, nothing was recorded;"
        " run `annexa verify`, and if only the cache is wrong, `annexa verify --rebuild-cache`"
    )


def save(
    connection: sa.Connection, target_id: int, changed: Collection[Known], ended: Iterable[int]
) -> None:
    """Replace the rows of what changed and drop those of what ended."""
    for some in batches([*(known.row for known in changed), *ended]):
        connection.execute(
            sa.delete(current).where(
                current.c.target_id == target_id, current.c.resource_id.in_(some)
            )
        )
    rows = (
        (
            target_id,
            known.row,
            known.content,
            known.sha256,
            known.verdict,
            known.findings,
            known.since,
        )
        for known in changed
    )
    insert(connection, current, rows)


def save_seal(connection: sa.Connection, target_id: int, value: bytes, told: bytes) -> None:
    """Replace the target's seals: of its cached state, and of what it told last."""
    connection.execute(sa.delete(current_seals).where(current_seals.c.target_id == target_id))
    insert(connection, current_seals, [(target_id, value, told)])
