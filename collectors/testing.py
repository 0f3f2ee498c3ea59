"""What a collector's tests need: judging documents by hand, collecting from a double, conformance.

Works with any test runner; a collector of your own package gets the suite by one class:

    class TestConformance(Conformance):
        collectors = (acme,)

and a fixture `connection` that gives a `Connection` to a double of the platform.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from collectors.calls import Caller, Clock, SystemClock
from collectors.collector import Collector
from collectors.documents import document_of, marker, merge, restore, split, without_secrets
from collectors.interface import Connection, Identity
from collectors.judging import Check, Scene, Verdict
from collectors.model import CallError, Cause, FactUnknown, Kind, Resource, Status, Unread
from collectors.reading import ListingRun, PartRead, read_facts

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
"""The clock of judgements in tests."""

FOREVER = 3600.0


def scene(*others: Resource[Any], at: datetime = NOW) -> Scene:
    """A scene that holds these resources; kinds not among them count as listed and empty."""
    return Scene(
        at,
        lambda kind, scope: [
            other
            for other in others
            if isinstance(other, kind) and (scope is None or other.scope == scope)
        ],
    )


def judge(
    check: Check[Kind], resource: Kind, *others: Resource[Any], at: datetime = NOW, **bound: object
) -> Verdict:
    """The verdict on a hand-made resource, with the organisation's criteria as keywords."""
    return check.judge(resource, scene(*others, at=at), bound)


@dataclass
class Collected:
    """What one pass over a target gave, without engine, threads or store."""

    identity: Identity
    parts: list[PartRead]
    resources: list[Resource[Any]]
    collectors: Sequence[Collector]
    defects: list[str] = field(default_factory=list)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def scene(self, at: datetime = NOW) -> Scene:
        """The scene of this pass; asking for an incomplete kind raises as in a real sweep."""

        def read(kind: type[Resource[Any]], scope: str | None) -> list[Resource[Any]]:
            for part in self.parts:
                if part.kind == kind.kind and part.unread and scope in {None, part.scope}:
                    raise FactUnknown(part.unread)
            return [r for r in self.resources if isinstance(r, kind) and scope in {None, r.scope}]

        return Scene(at, read)

    def without(self, permission: str) -> Collected:
        """What the pass would have given had this permission been refused, and nothing else."""
        listings = [listing for c in self.collectors for listing in c.listings]
        unlisted = {
            kind.kind for each in listings if permission in each.permissions for kind in each.kinds
        }
        why = Unread("AccessDenied", permission)
        return Collected(
            self.identity,
            [
                replace(part, collected=0, unread=why) if part.kind in unlisted else part
                for part in self.parts
            ],
            [_refused(r, permission) for r in self.resources if r.kind not in unlisted],
            self.collectors,
        )

    def findings(
        self, at: datetime = NOW, bound: Mapping[str, Mapping[str, object]] | None = None
    ) -> dict[tuple[str, str], Verdict]:
        """Every verdict by (check id, resource id); a part not listed at all stands as id ""."""
        found: dict[tuple[str, str], Verdict] = {}
        scene_ = self.scene(at)
        unread = {part.kind: part.unread for part in self.parts if part.unread}
        for check in (check for c in self.collectors for check in c.checks):
            for resource in (r for r in self.resources if r.kind == check.kind.kind):
                found[check.id, resource.id] = check.judge(
                    resource, scene_, (bound or {}).get(check.id)
                )
            if why := unread.get(check.kind.kind):
                found[check.id, ""] = Verdict(Status.UNKNOWN, why.because, why.cause)
        return found


def _refused(resource: Resource[Any], permission: str) -> Resource[Any]:
    facts = dict(resource.facts)
    for name, definition in type(resource).fact_definitions().items():
        if permission in definition.permissions:
            facts[name] = Unread("AccessDenied", permission)
    return replace(resource, facts=facts)


def collect(
    connection: Connection,
    collectors: Sequence[Collector],
    *,
    rate: float | None = None,
    clock: Clock | None = None,
) -> Collected:
    """Read everything these collectors ask for, one call after another.

    Args:
        connection: what is read.
        collectors: whose listings and facts.
        rate: calls per second; None for no limit but the platform's own.
        clock: time; one that only tests move lets no wait take any.
    """
    clock = clock or SystemClock()
    caller = Caller(clock, clock.monotonic() + FOREVER, threading.Event(), rate=rate)
    target = connection.open(caller)
    defects: list[str] = []

    def defect(error: Exception, where: str) -> None:
        defects.append(f"{where}: {error!r}")

    parts: list[PartRead] = []
    resources: list[Resource[Any]] = []
    left_out: dict[str, str] = {}
    for collector in collectors:
        for listing in collector.listings:
            with suppress(CallError):  # what the places are is then for `scopes` to say
                left_out.update(target.left_out(listing.per))
            for scope in target.scopes(listing.per):
                run = ListingRun(collector, listing, target, scope, defect)
                while not run.ended:
                    rows = run.take(500)
                    resources += [read_facts(row, collector, target, defect) for row in rows]
                parts += run.parts()
    return Collected(target.identify(), parts, resources, collectors, defects, left_out)


class Conformance:
    """What every collector must satisfy; subclass it and name the collectors."""

    collectors: ClassVar[tuple[Collector, ...]] = ()
    bound: ClassVar[Mapping[str, Mapping[str, object]]] = {}

    def test_it_reads_something_and_has_no_defect(self, connection: Connection) -> None:
        """The double must hold at least one resource, and no code may fail on it."""
        collected = collect(connection, self.collectors)
        assert collected.defects == []
        assert collected.resources, "the double holds nothing, so nothing is shown"
        assert all(part.scope for part in collected.parts), "a place has a name, if only one"

    def test_two_passes_over_an_unchanged_target_give_the_same_documents(
        self, connection: Connection
    ) -> None:
        """What moves by itself must be named volatile."""
        first, second = (_documents(collect(connection, self.collectors)) for _ in range(2))
        assert first == second

    def test_stored_documents_give_the_same_verdicts_again(self, connection: Connection) -> None:
        """Re-performance: the document is all a check needs."""
        collected = collect(connection, self.collectors)
        kinds = {kind.kind: kind for c in self.collectors for kind in c.kinds}
        again = Collected(
            collected.identity,
            collected.parts,
            [_through_json(r, kinds[r.kind]) for r in collected.resources if r.kind in kinds],
            self.collectors,
        )
        assert again.findings(bound=self.bound) == collected.findings(bound=self.bound)

    def test_a_denied_permission_only_ever_gives_unknowns(self, connection: Connection) -> None:
        """Nothing flips, nothing vanishes, and the finding names what is missing."""
        whole = collect(connection, self.collectors)
        before = whole.findings(bound=self.bound)
        for permission in sorted({p for c in self.collectors for p in c.permissions}):
            denied = whole.without(permission)
            after = denied.findings(bound=self.bound)
            for key, verdict in after.items():
                same = before.get(key)
                assert verdict == same or verdict.status is Status.UNKNOWN, (permission, key)
                if verdict != same and verdict.cause is Cause.DENIED:
                    assert permission in verdict.because, (permission, key, verdict.because)
            unread = {p.kind for p in denied.parts if not p.complete}
            for check_id, resource in before.keys() - after.keys():
                kind = _check(self.collectors, check_id).kind.kind
                assert kind in unread, (permission, check_id, resource)
                assert (check_id, "") in after, (permission, check_id)

    def test_reasons_do_not_move_with_the_clock_alone(self, connection: Connection) -> None:
        """A reason names limits and dates: a minute later an unchanged verdict reads the same."""
        collected = collect(connection, self.collectors)
        now = collected.findings(bound=self.bound)
        later = collected.findings(NOW + timedelta(minutes=1), self.bound)
        moved = {k for k in now if now[k] != later[k] and now[k].status is later[k].status}
        assert moved == set()


def _documents(collected: Collected) -> dict[tuple[str, str, str], str]:
    mark = marker(b"conformance")
    found = {}
    for resource in collected.resources:
        clean = without_secrets(document_of(resource), resource.secrets, mark)
        lasting, _ = split(clean, resource.volatile)
        text = json.dumps(lasting, sort_keys=True)
        found[resource.kind, resource.scope, resource.id] = text
    return found


def _through_json(resource: Resource[Any], kind: type[Resource[Any]]) -> Resource[Any]:
    clean = without_secrets(document_of(resource), resource.secrets, marker(b"conformance"))
    lasting, moving = split(clean, resource.volatile)
    stored, beside = json.loads(json.dumps(lasting)), json.loads(json.dumps(moving))
    return restore(kind, merge(stored, beside))


def _check(collectors: Sequence[Collector], check_id: str) -> Check[Any]:
    return next(check for c in collectors for check in c.checks if check.id == check_id)
