"""A finished unit as the store takes it: parts, documents, journal, activity, provenance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Final

import orjson

from annexa.sweep.provenance import provenance
from annexa.sweep.unit import Held, Reading, Unit
from collectors import Cause, Unread
from collectors.documents import without_secrets
from collectors.reading import PartRead
from evidence_store.model import Document, Lines, PartKey, PartRecord, UnitRecord

NOWHERE: Final = ""
"""The scope of a listing of which not even the places could be asked."""


def unit_record(unit: Unit, sweep: int, attempt: int, finished: datetime) -> UnitRecord:
    """What a unit hands over; listings that were stopped count as not asked."""
    parts = _parts(unit, finished)
    return UnitRecord(
        target=unit.key,
        sweep=sweep,
        attempt=attempt,
        outcome=_outcome(unit, parts),
        started=_text(unit.started),
        finished=_text(finished),
        parts=parts,
        documents=_Documents(unit),
        journal=Lines(partial(_journal, unit)),
        activities=_activities(unit),
        provenance=provenance(unit),
    )


def _outcome(unit: Unit, parts: list[PartRecord]) -> str:
    if unit.stopped:
        return "interrupted"
    if unit.refused:
        return "failed"
    return "complete" if all(part.complete for part in parts) else "incomplete"


def _journal(unit: Unit) -> Iterator[tuple[bytes, bytes]]:
    """The calls, without texts shaped like secrets: a call's parameters can hold one."""
    for line in unit.caller.journal.in_order():
        told = without_secrets(asdict(line), (), unit.means.mark)
        yield b"", orjson.dumps(told, option=orjson.OPT_SORT_KEYS)


def _finished(unit: Unit) -> list[Reading]:
    return [reading for reading in unit.readings if not reading.stopped]


def _parts(unit: Unit, finished: datetime) -> list[PartRecord]:
    """How each listing went; what could not be asked at all says why, in every known place."""
    if unit.refused and unit.refused.cause is Cause.NOT_ASKED and not unit.readings:
        return []
    read = [
        _part(unit, part, reading.observed_at)
        for reading in _finished(unit)
        for part in reading.parts
    ]
    begun = {reading.run.listing for reading in unit.readings}
    unasked = [
        _part(unit, PartRead(collector.name, kind.kind, scope, 0, None, unread), _text(finished))
        for collector, listing in unit.asked.listings
        if listing not in begun and (unread := unit.unplaced.get(listing) or unit.refused)
        for kind in listing.kinds
        for scope in _known_scopes(unit, kind.kind)
    ]
    told = read + unasked
    return told + _replaced(unit, read) + _closed(unit, told, finished)


def _closed(unit: Unit, told: list[PartRecord], finished: datetime) -> list[PartRecord]:
    """The parts known from before in places that are not asked any more.

    What was there is unknown and carried; where nothing was, nothing can have come since.
    """
    done = {part.key for part in told}
    return [
        _part(unit, _unasked(key, unit.left_out[key.scope], held=held), _text(finished))
        for key, held in sorted(unit.known.items())
        if key.scope in unit.left_out and key.kind in unit.asked.kinds and key not in done
    ]


def _unasked(key: PartKey, why: str, *, held: bool) -> PartRead:
    unread = Unread(why, "", Cause.NOT_ASKED) if held else None
    return PartRead(key.collector, key.kind, key.scope, 0, None, unread, why)


def _known_scopes(unit: Unit, kind: str) -> list[str]:
    """The places a kind was listed in before; `NOWHERE` alone where it never was."""
    scopes = {key.scope for key in unit.known if key.kind == kind}
    return sorted(scopes - {NOWHERE}) or [NOWHERE]


def _replaced(unit: Unit, read: list[PartRecord]) -> list[PartRecord]:
    """The parts that stood for unknown places, now that the places are known: nothing is there."""
    placed = {part.key._replace(scope=NOWHERE): part.observed_at for part in read}
    return [
        PartRecord(*key, collected=0, observed_at=placed[key])
        for key in sorted(unit.known.keys() & placed.keys())
    ]


def _part(unit: Unit, read: PartRead, observed_at: str) -> PartRecord:
    unread = read.unread
    carried = unit.judge.unread_findings(read.kind, unread) if unread else ()
    on_part = carried
    if unread is None and read.collected == 0:
        on_part = unit.judge.empty_findings(read.kind)
    return PartRecord(
        collector=read.collector,
        kind=read.kind,
        scope=read.scope,
        complete=unread is None,
        cause=unread.cause.value if unread else None,
        code=unread.code if unread else read.empty or None,
        permission=(unread.permission or None) if unread else None,
        stated_total=read.stated,
        collected=read.collected,
        observed_at=observed_at,
        carried_findings=carried,
        findings_on_part=on_part,
    )


@dataclass(frozen=True)
class _Documents:
    """The resources of every finished listing; bodies are fetched where they are new.

    Made as they are asked for, and again if the store has looked through them for anything new.
    """

    unit: Unit

    def __iter__(self) -> Iterator[Document]:
        get = self.unit.spool.get
        for held in _held(self.unit):
            yield Document(held.key, partial(get, held.place), held.place.sha256, held.findings)


def _held(unit: Unit) -> Iterator[Held]:
    for reading in _finished(unit):
        yield from reading.held


def counts(unit: Unit, record: UnitRecord) -> tuple[int, Counter[str]]:
    """How many resources a unit hands over, and how often its checks said what."""
    found = Counter(f.status for part in record.parts for f in part.findings_on_part)
    resources = 0
    for held in _held(unit):
        resources += 1
        found.update(finding.status for finding in held.findings)
    return resources, found


def _activities(unit: Unit) -> dict[PartKey, Lines]:
    """What moves by itself, by part, as documents of their own."""
    found: dict[PartKey, list[Held]] = {}
    for reading in _finished(unit):
        for held in (held for held in reading.held if held.place.moving):
            key = PartKey(reading.collector.name, held.key.kind, held.key.scope)
            found.setdefault(key, []).append(held)
    return {key: Lines(partial(_moving, unit, some), of_object=True) for key, some in found.items()}


def _moving(unit: Unit, some: Sequence[Held]) -> Iterator[tuple[bytes, bytes]]:
    """Each resource's id with what moves in it, by id."""
    by_id = {str(held.key.id): held for held in some}
    for name, held in sorted(by_id.items()):
        yield orjson.dumps(name), unit.spool.moving(held.place)


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")
