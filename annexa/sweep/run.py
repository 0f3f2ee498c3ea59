"""A sweep: plan, read every target, record each as it ends, close, sign."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import orjson

from annexa import __version__
from annexa.selection import Asked, asked
from annexa.sweep.groups import expanded, left_out, resumed
from annexa.sweep.hand_over import counts, unit_record
from annexa.sweep.means import Job, Means
from annexa.sweep.pool import CAP, THREADS, Pool
from annexa.sweep.unit import Unit
from collectors import Catalog, Group, LeftOut
from evidence_store.answers import Receipt
from evidence_store.interface import EvidenceStore
from evidence_store.model import PartKey, Plan, PlannedTarget, UnitRecord

if TYPE_CHECKING:
    from evidence_store.handing_out import HandedOut

WAITING: Final = 4
"""Finished units that may wait for the recorder; further ones hold their threads back."""


class SweepError(Exception):
    """A sweep that cannot begin or go on, with what to do."""


@dataclass(frozen=True)
class Scope:
    """What the plan says about the organisation's declared scope."""

    name: str = "undeclared"
    version: str = "0"
    mapping_edition: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recorded:
    """A unit that is durable in the store."""

    unit: Unit
    receipt: Receipt
    outcome: str


@dataclass
class Result:
    """What a sweep did; `findings` counts statuses of what was judged in this run."""

    sweep: int
    recorded: list[Recorded] = field(default_factory=list)
    planned: int = 0
    left_out: Sequence[LeftOut] = ()
    calls: int = 0
    throttled: int = 0
    resources: int = 0
    stopped: bool = False
    findings: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    outside: tuple[HandedOut, ...] = ()

    def add(self, unit: Unit, record: UnitRecord) -> None:
        """Count what a unit's checks said."""
        resources, findings = counts(unit, record)
        self.resources += resources
        self.findings.update(findings)

    @property
    def complete(self) -> bool:
        """Whether everything that was planned is recorded."""
        return not self.stopped and len(self.recorded) == self.planned


class Sweep:
    """One run over the targets.

    Args:
        store: where evidence is kept; used by the calling thread only.
        catalog: what is installed.
        means: what every unit is read with.
        threads: most threads that read at once.
        cap: most jobs of one target at once while others wait.
    """

    def __init__(
        self,
        store: EvidenceStore,
        catalog: Catalog,
        means: Means,
        *,
        threads: int = THREADS,
        cap: int = CAP,
    ) -> None:
        self._store = store
        self._catalog = catalog
        self._means = means
        self._clock = means.clock
        self._threads = threads
        self._cap = cap

    def run(
        self,
        jobs: Sequence[Job],
        scope: Scope,
        *,
        collectors: Sequence[str] = (),
        watch: Callable[[Recorded], None] = lambda _: None,
        begun: Callable[[int, Sequence[Unit]], None] = lambda *_: None,
        beside: bool = False,
    ) -> Result:
        """Read all jobs as a new sweep.

        Args:
            jobs: what to read.
            scope: what the plan says about the declared scope.
            collectors: names of the collectors to ask; empty for all.
            watch: told of each unit once it is durable.
            begun: told the sweep's number and its units before the first call.
            beside: leave open sweeps alone: they are a daemon's, or it will look after them.
        """
        self._store.compare_outside()
        if not beside:
            self._abandon_open_sweep()
        started = self._clock.now()
        whole = expanded(jobs, self._means, self._earlier_plans)
        known = self._known() if collectors else {}
        units = [
            (
                job,
                asked(
                    self._catalog,
                    job.connection.platform,
                    collectors,
                    known={part.kind for part in known.get(job.connection.key, ())},
                ),
                1,
            )
            for job in whole.jobs
        ]
        plan = Plan(
            [PlannedTarget(job.connection.key, len(what.kinds)) for job, what, _ in units],
            scope.name,
            scope.version,
            scope.mapping_edition,
            __version__,
            started.isoformat(timespec="milliseconds"),
            {**scope.details, **whole.plan, "collectors": sorted(collectors)},
        )
        return self._go(self._store.begin_sweep(plan), units, watch, begun, whole.left_out)

    def resume(
        self,
        jobs: Sequence[Job],
        *,
        watch: Callable[[Recorded], None] = lambda _: None,
        begun: Callable[[int, Sequence[Unit]], None] = lambda *_: None,
    ) -> Result:
        """Go on with the sweep that was stopped: units not recorded, parts not finished.

        Raises:
            SweepError: no sweep is open, or it planned a target that is no longer declared.
        """
        self._store.compare_outside()
        unfinished = self._store.open_sweep()
        if unfinished is None:
            raise SweepError("no sweep was stopped: there is nothing to resume; run `annexa sweep`")
        details = unfinished.plan.get("details", {})
        by_key = {j.connection.key: j for j in jobs if not isinstance(j.connection, Group)}
        owed = dict.fromkeys(unfinished.missing, 1)
        owed |= {name: attempt + 1 for name, attempt in unfinished.interrupted.items()}
        for name in owed.keys() - by_key.keys():
            if job := resumed(name, jobs, details):
                by_key[name] = job
        if lost := sorted(owed.keys() - by_key.keys()):
            raise SweepError(
                f"sweep {unfinished.sweep} planned {', '.join(lost)}, which is no longer declared; "
                "declare it again, or begin a new sweep with `annexa sweep`"
            )
        wanted = tuple(details.get("collectors", ()))
        known = self._known() if wanted else {}
        units = []
        for name, attempt in sorted(owed.items()):
            done = self._finished_kinds(name, unfinished.sweep) if attempt > 1 else set()
            kinds = {part.kind for part in known.get(name, ())}
            what = asked(self._catalog, by_key[name].connection.platform, wanted, done, kinds)
            units.append((by_key[name], what, attempt))
        return self._go(unfinished.sweep, units, watch, begun, left_out(details))

    def _earlier_plans(self) -> Iterator[Mapping[str, Any]]:
        """The details of the plans so far, the newest first."""
        for row in self._store.sweeps():
            yield row.plan.get("details", {})

    def _finished_kinds(self, target: str, sweep: int) -> set[str]:
        parts = self._store.parts(target)
        return {
            part.key.kind
            for part in parts
            if (part.state == "complete" and part.sweep == sweep) or part.since == sweep
        }

    def _abandon_open_sweep(self) -> None:
        """A new sweep ends one that was stopped: said in the ledger, never silently."""
        if unfinished := self._store.open_sweep():
            self._store.close_sweep(
                unfinished.sweep,
                {
                    "outcome": "abandoned",
                    "missing": sorted(unfinished.missing),
                    "interrupted": sorted(unfinished.interrupted),
                },
            )

    def _go(
        self,
        sweep: int,
        planned: Sequence[tuple[Job, Asked, int]],
        watch: Callable[[Recorded], None],
        begun: Callable[[int, Sequence[Unit]], None],
        left_out_of_groups: Sequence[LeftOut] = (),
    ) -> Result:
        began = self._clock.monotonic()
        result = Result(sweep, planned=len(planned), left_out=left_out_of_groups)
        attempts = {job.connection.key: attempt for job, _, attempt in planned}
        units = self._units(planned)
        begun(sweep, units)
        pool = Pool(self._threads, self._cap)
        ended: queue.Queue[Unit] = queue.Queue(WAITING)
        given_up = threading.Event()

        def hand_over(unit: Unit) -> None:
            while not given_up.is_set():
                with suppress(queue.Full):
                    ended.put(unit, timeout=0.2)
                    return

        waiting = iter(units)  # as many are under way as there are threads: each holds documents
        for unit in islice(waiting, self._threads):
            unit.start(pool, hand_over)
        left = len(units)
        try:
            while left:
                unit = self._next(ended)
                left -= 1
                for another in islice(waiting, 1):
                    another.start(pool, hand_over)
                recorded = self._record(unit, sweep, attempts[unit.key], result)
                if recorded:
                    watch(recorded)
        except BaseException:
            given_up.set()
            pool.close(drop=True)
            pool.join(1)
            for unit in units:
                unit.spool.close()
            raise
        pool.close()
        pool.join(5)
        result.seconds = self._clock.monotonic() - began
        result.stopped = result.stopped or any(unit.stopped for unit in units)
        if result.complete:
            self._store.close_sweep(sweep, _summary(result))
        self._store.checkpoint()
        result.outside = tuple(self._store.hand_out())
        return result

    def _units(self, planned: Sequence[tuple[Job, Asked, int]]) -> list[Unit]:
        """The units, with what the store knows of their targets."""
        subjects, known = self._subjects(), self._known()
        return [
            Unit(
                job,
                what,
                self._means,
                subjects.get(job.connection.key),
                known.get(job.connection.key, {}),
            )
            for job, what, _ in planned
        ]

    def _known(self) -> dict[str, dict[PartKey, bool]]:
        """The parts the store has of each target, with whether they hold resources."""
        known: dict[str, dict[PartKey, bool]] = {}
        for part in self._store.parts():
            known.setdefault(part.target, {})[part.key] = bool(part.collected or part.carried)
        return known

    def _next(self, ended: queue.Queue[Unit]) -> Unit:
        """The next finished unit; waits in short steps, so that signals are felt at once."""
        while True:
            try:
                return ended.get(timeout=0.2)
            except queue.Empty:
                continue

    def _subjects(self) -> dict[str, str]:
        """The platform's id of each target, as its last entry gives it."""
        found = {}
        for row in self._store.targets():
            body = orjson.loads(self._store.entry(row.last_entry).body)
            if subject := body.get("provenance", {}).get("subject"):
                found[row.target] = str(subject)
        return found

    def _record(self, unit: Unit, sweep: int, attempt: int, result: Result) -> Recorded | None:
        result.stopped = result.stopped or unit.stopped
        result.calls += len(unit.caller.journal.lines)
        result.throttled += unit.caller.journal.throttled
        record = unit_record(unit, sweep, attempt, self._clock.now())
        try:
            if unit.stopped and not record.parts:
                return None
            receipt = self._store.record(record)
        finally:
            unit.spool.close()
        result.add(unit, record)
        unit.release()
        recorded = Recorded(unit, receipt, record.outcome)
        result.recorded.append(recorded)
        return recorded


def _summary(result: Result) -> dict[str, Any]:
    return {
        "outcome": "complete",
        "units": len(result.recorded),
        "calls": result.calls,
        "throttled": result.throttled,
        "findings": dict(sorted(result.findings.items())),
    }


def digest_of(configuration: bytes) -> str:
    """The digest by which an entry names the configuration it was made with."""
    return hashlib.sha256(configuration).hexdigest()
