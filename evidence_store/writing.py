"""Writing what a unit changed: resources, observations, verdicts, and the cached state."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from evidence_store import state
from evidence_store.canonical import parsed
from evidence_store.database import batches, insert, insert_new
from evidence_store.digests import key_text
from evidence_store.model import (
    CAUSES,
    STATUSES,
    ResourceKey,
)
from evidence_store.state import Known
from evidence_store.tables import (
    ENDED,
    observations,
    reasons,
    resources,
    verdicts,
)
from evidence_store.times import microseconds

if TYPE_CHECKING:
    from evidence_store.draft import Draft


def write_changes(
    draft: Draft, target_id: int, entry: int, changed: dict[ResourceKey, Known]
) -> None:
    """Write the rows of what changed in a unit and bring the cached state up to it."""
    give_rows(draft, target_id, changed)
    gone = [(key, known) for key, known in draft.before.items() if key not in draft.after]
    insert(
        draft.connection,
        observations,
        itertools.chain(
            (
                (now.row, entry, now.content, draft.scopes[key])
                for key, now in changed.items()
                if key in draft.scopes
            ),
            ((known.row, entry, None, None) for key, known in gone if key.id is not None),
        ),
    )
    insert_new(draft.connection, reasons, sorted(draft.reasons.items()))
    before = draft.before
    judged = ((key, before.get(key), now) for key, now in changed.items())
    let_go = ((key, known, None) for key, known in gone)
    insert(
        draft.connection,
        verdicts,
        itertools.chain.from_iterable(
            verdict_rows(draft, entry, *each) for each in itertools.chain(judged, let_go)
        ),
    )
    ended = [known.row for _, known in gone]
    state.save(draft.connection, target_id, changed.values(), ended)


def give_rows(draft: Draft, target_id: int, changed: dict[ResourceKey, Known]) -> None:
    """Find or make the rows of resources that are not in the cache."""
    fresh = {now.key_digest: key for key, now in changed.items() if now.row == 0}
    rows = ((None, target_id, *key, digest) for digest, key in sorted(fresh.items()))
    insert_new(draft.connection, resources, rows)
    for some in batches(list(fresh)):
        found = draft.connection.execute(
            sa.select(resources.c.key_digest, resources.c.id).where(
                resources.c.target_id == target_id, resources.c.key_digest.in_(some)
            )
        )
        for digest, row in found:
            key = fresh[digest]
            changed[key] = draft.after[key] = changed[key]._replace(row=row)


def verdict_rows(
    draft: Draft, entry: int, key: ResourceKey, before: Known | None, now: Known | None
) -> Iterable[tuple[Any, ...]]:
    """One row per finding that is new, different or ended."""
    if before is not None and now is not None and before.findings == now.findings:
        return
    resource = (now or before or state.NOBODY).row
    old = {finding[0]: finding for finding in parsed((before or state.NOBODY).findings)}
    if now is not None:
        text = key_text(key)
        pairs = zip(parsed(now.findings), parsed(now.since), strict=True)
        for finding, since in pairs:
            row, status, cause, reason = finding
            if old.pop(row, None) == finding:
                continue
            opened = draft.digests.reason(text, reason).digest if reason else None
            code = CAUSES[cause] if cause else None
            yield resource, row, entry, STATUSES[status], code, opened, since
    for row in old:
        yield resource, row, entry, ENDED, None, None, microseconds(draft.finished)
