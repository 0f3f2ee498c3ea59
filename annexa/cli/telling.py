"""Looking for what there is to tell: the ledger, and how controls and collectors stand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from annexa.alerts import Now, Unread
    from annexa.cli.context import Context
    from annexa.operations import Operations
    from evidence_store import Store
    from evidence_store.answers import FindingRow, PartRow
    from mappings import RollUp

FAILED: Final = frozenset({"throttled", "unreachable", "partial", "malformed", "defect"})
DENIED: Final = "denied"


def look(
    context: Context,
    store: Store,
    operations: Operations,
    rows: Sequence[FindingRow] | None = None,
    rolled: RollUp | None = None,
    place: int | None = None,
) -> int:
    """Decide what is told of everything recorded since the last look; how many messages.

    Args:
        context: the configuration.
        store: the evidence.
        operations: where cursor and outbox are.
        rows: the findings in force, where the caller has them.
        rolled: the controls rolled up from them, likewise.
        place: the ledger's end before they were read; once it has moved, they are read anew, for
            another process may have told of what they do not say yet.
    """
    from annexa.alerts import Lookout  # noqa: PLC0415 - where somebody is told
    from annexa.posture import exceptions, not_judged, posture  # noqa: PLC0415

    settings = context.settings
    accepted = exceptions(settings)
    out = frozenset(not_judged(store, settings, datetime.now(UTC)))

    def now() -> Now:
        from annexa.alerts import Now  # noqa: PLC0415 - as above

        at = datetime.now(UTC)
        if rows is not None and rolled is not None and store.ledger_end()[0] == place:
            found, rolled_up = rows, rolled
        else:
            found = list(store.findings())
            rolled_up = posture(store, settings, context.framework, at, found)
        found = [row for row in found if row.target not in out]
        parts = [part for part in store.parts() if part.target not in out]
        read: dict[tuple[str, str], str] = {}
        for part in parts:
            if part.observed_at is not None:
                whose = part.target, part.key.collector
                read[whose] = max(read.get(whose, ""), part.observed_at.isoformat())
        return Now(rolled_up.controls, unread(found, parts), read, accepted)

    lookout = Lookout(
        store,
        operations,
        settings.alerts,
        context.framework,
        lambda: datetime.now(UTC),
        accepted,
        out,
    )
    return lookout.look(now)


def unread(rows: Iterable[FindingRow], parts: Iterable[PartRow]) -> list[Unread]:
    """The collectors that could not read everything, with what would cure it."""
    from annexa.alerts import Unread  # noqa: PLC0415 - as above
    from annexa.cli.listing import NEEDS  # noqa: PLC0415

    causes: dict[tuple[str, str], Counter[str]] = {}
    needs: dict[tuple[str, str], set[str]] = {}
    for part in parts:
        if part.cause is not None and part.state != "complete":
            place = part.target, part.key.collector
            causes.setdefault(place, Counter())[part.cause] += 1
            needs.setdefault(place, set()).add(part.permission or "")
    for row in rows:
        if row.status == "unknown" and row.cause is not None and row.resource_id is not None:
            place = row.target, row.check_id.rpartition(".")[0]
            causes.setdefault(place, Counter())[row.cause] += 1
            needs.setdefault(place, set()).add(row.reason.partition(NEEDS)[2])
    found = []
    for (target, collector), counts in sorted(causes.items()):
        if counts[DENIED]:
            permissions = tuple(sorted(needs.get((target, collector), set()) - {""}))
            found.append(Unread(target, collector, DENIED, permissions, counts[DENIED]))
        failed = {cause: number for cause, number in counts.items() if cause in FAILED}
        if failed:
            cause = max(failed, key=lambda each: (failed[each], each))
            found.append(Unread(target, collector, cause, (), sum(failed.values())))
    return found
