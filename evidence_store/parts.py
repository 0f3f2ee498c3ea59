"""The table of parts: how well each listing of a target is known, and which resources it kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from evidence_store import entries
from evidence_store.canonical import canonical
from evidence_store.errors import RecordError
from evidence_store.model import CAUSES, PartKey, PartRecord
from evidence_store.times import moment

if TYPE_CHECKING:
    import sqlalchemy as sa

FIELDS: Final = ("state", "cause", "code", "permission", "since", "collected", "total")


@dataclass(frozen=True, slots=True)
class Part:
    """One row of the table.

    Attributes:
        state: "complete", "incomplete", or "carried" when it was not asked.
        since: Unless complete, the sweep that last read it completely.
        total: The platform's own count.
        carried: Key digest in hex to the ISO time the resource was last read.
        observed: ISO time it was last asked; None means never. Stands in the entry's body.
    """

    state: str = "carried"
    cause: str | None = None
    code: str | None = None
    permission: str | None = None
    since: int | None = None
    collected: int = 0
    total: int | None = None
    carried: Mapping[str, str] = field(default_factory=dict)
    observed: str | None = None

    def observed_of(self, key_digest: bytes) -> str | None:
        """ISO time the resource was last read."""
        return self.carried.get(key_digest.hex(), self.observed)


Parts = dict[PartKey, Part]


def check(records: Sequence[PartRecord]) -> dict[tuple[str, str], PartRecord]:
    """The parts by kind and scope.

    Raises:
        RecordError: If a part is named twice or contradicts itself.
    """
    found: dict[tuple[str, str], PartRecord] = {}
    for part in records:
        where = f"part {part.collector} {part.kind} {part.scope!r}"
        if found.setdefault((part.kind, part.scope), part) is not part:
            raise RecordError(f"{where}: the same kind and scope twice in one unit")
        if not part.asked:
            continue
        if part.observed_at is None:
            raise RecordError(f"{where}: asked, but without the time of reading")
        moment(part.observed_at)
        if part.complete == (part.cause in CAUSES) or (part.complete and part.cause is not None):
            raise RecordError(f"{where}: complete={part.complete} with cause {part.cause!r}")
        if any(finding.status != "unknown" for finding in part.carried_findings):
            raise RecordError(f"{where}: a resource that was not read can only be unknown")
    return found


def advanced(
    before: Parts, asked: Iterable[PartRecord], last_sweep: int, carried: Mapping[PartKey, Any]
) -> Parts:
    """The table after a unit: the parts asked as they went, every other one carried."""
    after: Parts = {}
    for key, part in before.items():
        since = last_sweep if part.state == "complete" else part.since
        after[key] = replace(part, state="carried", since=since)
    for record in asked:
        known = after.get(record.key, Part())
        if not record.asked:
            after[record.key] = known
        elif record.complete:
            after[record.key] = _complete(record)
        else:
            after[record.key] = Part(
                "incomplete",
                record.cause,
                record.code,
                record.permission,
                known.since,
                record.collected,
                record.stated_total,
                carried.get(record.key, {}),
                record.observed_at,
            )
    return dict(sorted(after.items()))


def _complete(record: PartRecord) -> Part:
    return Part(
        "complete",
        code=record.code,
        collected=record.collected,
        total=record.stated_total,
        observed=record.observed_at,
    )


Table = tuple[bytes, dict[str, list[int]]]
"""The digest of a table, and its times of reading for the entry's body.

The times stand outside, as lists of row numbers by time, so that a table in which nothing happened
is the same document again.
"""


def all_read(records: Iterable[PartRecord]) -> Parts | None:
    """The table of parts that were all read completely; None if one was not."""
    found: Parts = {}
    for record in records:
        if not (record.asked and record.complete):
            return None
        found[record.key] = _complete(record)
    return dict(sorted(found.items()))


def table_of(read: Parts) -> Table:
    """What `keep` gives of parts that were all read completely, but nothing is stored."""
    rows, times = _rows(read, {})
    return sha256(canonical(rows)).digest(), times


def keep(connection: sa.Connection, parts: Parts) -> Table:
    """Store the table."""
    carried = {
        key: entries.keep_document(connection, sorted(part.carried.items())).hex()
        for key, part in parts.items()
        if part.carried
    }
    rows, times = _rows(parts, carried)
    return entries.keep_document(connection, rows), times


def _rows(
    parts: Parts, carried: Mapping[PartKey, str]
) -> tuple[list[dict[str, Any]], dict[str, list[int]]]:
    rows = []
    times: dict[str, list[int]] = {}
    for number, (key, part) in enumerate(parts.items()):
        row: dict[str, Any] = key._asdict()
        row |= {name: getattr(part, name) for name in FIELDS}
        row["carried"] = carried.get(key)
        rows.append(row)
        if part.observed is not None:
            times.setdefault(part.observed, []).append(number)
    return rows, times


def kept(connection: sa.Connection, body: Mapping[str, Any]) -> Parts:
    """The table of the entry with this body.

    Raises:
        CorruptStoreError: If a document of it is missing or edited.
    """
    observed = {number: time for time, rows in body["observed"].items() for number in rows}
    found: Parts = {}
    rows = entries.kept_document(connection, bytes.fromhex(body["parts"]))
    for number, row in enumerate(rows):
        carried = {}
        if row["carried"]:
            carried = dict(entries.kept_document(connection, bytes.fromhex(row["carried"])))
        key = PartKey(row["collector"], row["kind"], row["scope"])
        fields = {name: row[name] for name in FIELDS}
        found[key] = Part(**fields, carried=carried, observed=observed.get(number))
    return found
