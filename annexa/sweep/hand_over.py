"""A finished unit as the store takes it: parts, documents, journal, activity, provenance."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import orjson

from annexa.sweep.provenance import provenance
from annexa.sweep.unit import Reading, Unit
from collectors import Cause
from collectors.reading import PartRead
from evidence_store.model import Document, PartKey, PartRecord, UnitRecord


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
        documents=_documents(unit),
        journal=orjson.dumps(unit.caller.journal.document()),
        activities=_activities(unit),
        provenance=provenance(unit),
    )


def _outcome(unit: Unit, parts: list[PartRecord]) -> str:
    if unit.stopped:
        return "interrupted"
    if unit.refused:
        return "failed"
    return "complete" if all(part.complete for part in parts) else "incomplete"


def _finished(unit: Unit) -> list[Reading]:
    return [reading for reading in unit.readings if not reading.stopped]


def _parts(unit: Unit, finished: datetime) -> list[PartRecord]:
    """How each listing went; where nothing could be asked, every listing of the target says why."""
    refused = unit.refused
    if refused and not unit.readings:
        if refused.cause is Cause.NOT_ASKED:
            return []
        reads = [
            PartRead(collector.name, kind.kind, "global", 0, None, refused)
            for collector, listing in unit.asked.listings
            for kind in listing.kinds
        ]
        return [_part(unit, read, _text(finished)) for read in reads]
    return [
        _part(unit, read, reading.observed_at)
        for reading in _finished(unit)
        for read in reading.parts
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
        code=unread.code if unread else None,
        permission=(unread.permission or None) if unread else None,
        stated_total=read.stated,
        collected=read.collected,
        observed_at=observed_at,
        carried_findings=carried,
        findings_on_part=on_part,
    )


def _documents(unit: Unit) -> list[Document]:
    """The resources of every finished listing; bodies are fetched where they are new."""
    return [
        Document(held.key, partial(unit.spool.get, held.place), held.place.sha256, held.findings)
        for reading in _finished(unit)
        for held in reading.held
    ]


def _activities(unit: Unit) -> dict[PartKey, bytes]:
    """What moves by itself, by part, as documents of their own."""
    found: dict[PartKey, dict[str, Mapping[str, Any]]] = {}
    for reading in _finished(unit):
        for held in (held for held in reading.held if held.moving):
            key = PartKey(reading.collector.name, held.key.kind, held.key.scope)
            found.setdefault(key, {})[str(held.key.id)] = held.moving
    return {key: orjson.dumps(value, option=orjson.OPT_SORT_KEYS) for key, value in found.items()}


def _text(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds")
