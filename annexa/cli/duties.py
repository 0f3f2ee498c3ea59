"""What the daemon does when something comes due: sweep, sign, verify, look how controls stand."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import structlog

from annexa.cli.beside import SWEEP
from annexa.cli.context import Context
from annexa.cli.sweep import Due
from annexa.cli.sweep import run as sweep
from annexa.daemon import PlannedSweep, planned
from annexa.declared import DeclarationError
from annexa.operations import fence
from annexa.sweep import SweepError
from config.timing import Every
from evidence_store import File, StoreError
from scheduler import COMPLETE, FAILED, INTERRUPTED, Duty, Ended, LostError, Run

if TYPE_CHECKING:
    from annexa.operations import Operations, OperationsBook
    from annexa.sweep import Recorded, Result, Unit
    from evidence_store import Store
    from evidence_store.handing_out import HandedOut

Told: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Takes what a run found: about what, and values that JSON can hold."""

POSTURE: Final = timedelta(hours=1)
"""How often the controls are looked at between sweeps: evidence grows stale by itself."""

FORGET: Final = "forget"
"""The duty that drops runs of long ago from the book, once a day."""

SPREAD: Final = timedelta(minutes=30)
"""Verifications of many installations on one server need not begin in the same second."""


class Duties:
    """The daemon's duties under the configuration in force.

    Args:
        context: the configuration.
        book: where runs are kept.
        told: is told what a run found, as the daemon's watch takes it.
        operations: where alerts wait.

    Raises:
        ConfigError, DeclarationError: the configuration does not fit what is installed.
    """

    def __init__(
        self,
        context: Context,
        book: OperationsBook,
        told: Told,
        operations: Operations,
    ) -> None:
        self._book = book
        self._operations = operations
        self._told = told
        self._location = context.location
        self.context = self._checked(context)

    def _checked(self, context: Context) -> Context:
        """The context, once everything a sweep will need of it was looked at."""
        context.check_names()
        context.bound()
        planned(context.settings, context.catalog, context.at.date())
        return context

    def reload(self) -> None:
        """Take a changed configuration over, or keep the present one where it has a problem.

        Raises:
            ConfigError, DeclarationError: what is wrong with the new one.
        """
        fresh = self._checked(replace(self.context))
        if fresh.location != self._location:
            raise DeclarationError(
                f"[store] is another one than at the start ({self._location.name});"
                " restart the daemon to change it",
                ("store",),
            )
        self.context = fresh

    def due(self) -> Sequence[Duty]:
        """Everything there is to do, with its timing."""
        context = self.context
        settings = context.settings.daemon
        sweeps = planned(context.settings, context.catalog, datetime.now(UTC).date())
        return [
            *(self._sweeping(each) for each in sweeps),
            self._duty("checkpoint", settings.checkpoint, self._checkpoint, at_once=True),
            self._duty("posture", POSTURE, self._posture, at_once=True),
            self._duty("verify/recent", settings.verify_recent, self._verify_recent, SPREAD),
            self._duty("verify/whole", settings.verify_whole, self._verify_whole, SPREAD),
            self._duty(FORGET, timedelta(days=1), self._forget),
        ]

    def _sweeping(self, each: PlannedSweep) -> Duty:
        return Duty(
            name=f"{SWEEP}{each.name}",
            timing=each.schedule.timing,
            spec=each.spec,
            work=lambda run, stop: self._sweep(each, run, stop),
            occupies=frozenset(each.targets),
            jitter=each.schedule.largest_jitter,
            at_once=each.schedule.cron is None,
        )

    def _duty(
        self,
        name: str,
        every: timedelta,
        work: Callable[[Store, threading.Event], Ended],
        jitter: timedelta = timedelta(0),
        *,
        at_once: bool = False,
    ) -> Duty:
        timing = Every(every)

        def do(run: Run, stop: threading.Event) -> Ended:
            try:
                with self._store(run) as store:
                    return work(store, stop)
            except LostError:
                raise
            except StoreError as error:
                return Ended(FAILED, str(error))

        kind = frozenset({name.partition("/")[0]})
        return Duty(name, timing, str(timing), do, kind, jitter, at_once, limited=False)

    @contextmanager
    def _store(self, run: Run) -> Iterator[Store]:
        """The store, which refuses what is recorded once another daemon leads.

        The lock on a file keeps others away for as long as our process is there.
        """
        more: dict[str, Any] = {}
        if not isinstance(self._location, File):
            more["fence"] = lambda connection: fence(connection, run.epoch)
        with self.context.store(create=True, **more) as store:
            yield store

    def _sweep(self, each: PlannedSweep, run: Run, stop: threading.Event) -> Ended:
        details = {
            "schedule": each.name,
            "due": run.slot.isoformat(timespec="seconds"),
            "missed": run.missed,
        }
        due = Due(each.targets, each.collectors, {"scheduled": details})
        context = self.context
        if run.missed and run.attempt == 1:
            self._missed(each.name, run)
        steps = _Steps(lambda number: self._book.swept(run, number))
        try:
            with self._store(run) as store:
                resume = self._left_open(store, each.name, run)
                try:
                    result = sweep(context, store, steps, resume=resume, stop=stop, due=due)
                except SweepError:
                    if not resume:
                        raise
                    # What was left open cannot be gone on with: a target is no longer declared.
                    _abandon(store, lambda plan: plan.get("schedule") == each.name)
                    result = sweep(context, store, steps, stop=stop, due=due)
        except LostError:
            raise
        except (StoreError, DeclarationError, SweepError) as error:
            return Ended(FAILED, str(error))
        self._told("swept", {"calls": result.calls, "throttled": result.throttled})
        with suppress(StoreError), self._store(run) as store:  # it is looked at again soon
            self._look(store, context)
        return _ended(result)

    def _missed(self, schedule: str, run: Run) -> None:
        """Tell of due times that passed without a run."""
        from annexa.alerts import tell_at_once  # noqa: PLC0415 - where somebody is told
        from annexa.alerts.teller import missed  # noqa: PLC0415

        now = datetime.now(UTC)
        tell_at_once(
            self._operations,
            self.context.settings.alerts,
            missed(schedule, run.missed, now.isoformat(timespec="seconds")),
            f"missed\0{schedule}\0{run.slot.isoformat()}",
            now,
        )

    def _left_open(self, store: Store, schedule: str, run: Run) -> bool:
        """Whether the last sweep is an earlier try of the same due time, to be gone on with.

        Other sweeps this schedule left open are closed as abandoned: nobody will go on with them.
        """
        last = store.open_sweep()
        same = last is not None and (
            last.plan.get("details", {}).get("scheduled", {}).get("schedule") == schedule
            and run.attempt > 1
        )
        keep = last.sweep if same and last is not None else 0
        _abandon(store, lambda plan: plan.get("schedule") == schedule, keep)
        return bool(keep)

    def _checkpoint(self, store: Store, _stop: threading.Event) -> Ended:
        signed = store.checkpoint()
        _tell(store.hand_out())
        self._told("signed", {"size": signed.size})
        return Ended(COMPLETE, f"size {signed.size}")

    def _posture(self, store: Store, _stop: threading.Event) -> Ended:
        self._look(store, self.context)
        return Ended(COMPLETE)

    def _forget(self, _store: Store, _stop: threading.Event) -> Ended:
        from annexa.alerts import messages  # noqa: PLC0415 - once a day

        old = messages.forget(self._operations, datetime.now(UTC))
        return Ended(COMPLETE, f"{self._book.forget()} old runs, {old} old messages")

    def _look(self, store: Store, context: Context) -> None:
        """Say how findings and controls stand, and put down what is to be told of it."""
        from annexa.cli import telling  # noqa: PLC0415 - when needed
        from annexa.posture import posture  # noqa: PLC0415

        place, _ = store.ledger_end()
        rows = list(store.findings())
        rolled = posture(store, context.settings, context.framework, datetime.now(UTC), rows)
        controls = rolled.controls.items()
        observed = {c: e.observed_from.isoformat() for c, e in controls if e.observed_from}
        unknown = (row.cause for row in rows if row.status == "unknown")
        self._told(
            "posture",
            {
                "findings": Counter(row.status for row in rows),
                "unknowns": Counter(cause for cause in unknown if cause),
                "controls": Counter(each.status.value for _, each in controls),
                "observed": observed,
                "stale": {c: each.why for c, each in controls if each.status.value == "stale"},
            },
        )
        telling.look(context, store, self._operations, rows, rolled, place)

    def _verify_recent(self, store: Store, stop: threading.Event) -> Ended:
        """What is newer than the last whole verification, with a day to spare for its running."""
        back = self.context.settings.daemon.verify_whole + timedelta(days=1)
        after = store.head_before(datetime.now(UTC) - back)
        return self._verified("recent", lambda step: store.verify(step, after=after).problems, stop)

    def _verify_whole(self, store: Store, stop: threading.Event) -> Ended:
        return self._verified("whole", lambda step: store.verify(step).problems, stop)

    def _verified(
        self,
        name: str,
        verify: Callable[[Callable[[str, int, int], None]], Sequence[Any]],
        stop: threading.Event,
    ) -> Ended:
        from annexa.alerts import tell_at_once  # noqa: PLC0415 - where somebody is told
        from annexa.alerts.teller import verification_failed  # noqa: PLC0415

        def step(*_: object) -> None:
            if stop.is_set():
                raise _StoppedError

        try:
            problems = verify(step)
        except _StoppedError:
            return Ended(INTERRUPTED, "stopped; it begins anew")
        self._told("verified", {"name": name, "clean": not problems})
        if not problems:
            return Ended(COMPLETE)
        # The run itself was complete: trying it again would change nothing.
        first = problems[0]
        now = datetime.now(UTC)
        at = now.isoformat(timespec="seconds")
        said = f"{first.table} {first.row}: {first.what}"
        tell_at_once(
            self._operations,
            self.context.settings.alerts,
            verification_failed(name, len(problems), said, at),
            f"integrity\0{name}\0{at}",
            now,
        )
        structlog.get_logger().error(
            "integrity_verification_failed",
            verification=name,
            problems=len(problems),
            first=said,
            do="annexa verify; keep the store and its backups as they are",
        )
        return Ended(COMPLETE, f"{len(problems)} problems")


class _StoppedError(Exception):
    """A verification was told to stop."""


class _Steps:
    """Tells the log and the book what a sweep does."""

    def __init__(self, numbered: Callable[[int], None]) -> None:
        self._numbered = numbered

    def begun(self, sweep: int, units: Sequence[Unit]) -> None:
        self._numbered(sweep)
        structlog.get_logger().info("sweep_begun", sweep=sweep, targets=len(units))

    def recorded(self, recorded: Recorded) -> None:
        structlog.get_logger().info(
            "unit_recorded",
            target=recorded.unit.key,
            outcome=recorded.outcome,
            entry=recorded.receipt.entry,
            unchanged=recorded.receipt.unchanged,
        )


def _tell(outside: Sequence[HandedOut]) -> None:
    """Log what is still owed outside; the next checkpoint tries again."""
    for each in outside:
        if each.error:
            structlog.get_logger().warning(
                "outside_owed", name=each.name, kind=each.kind, size=each.size, why=each.error
            )


def _ended(result: Result) -> Ended:
    structlog.get_logger().info(
        "sweep_ended",
        sweep=result.sweep,
        complete=result.complete,
        calls=result.calls,
        throttled=result.throttled,
        findings=dict(result.findings),
        seconds=round(result.seconds, 1),
    )
    _tell(result.outside)
    said = f"sweep {result.sweep}"
    return Ended(COMPLETE, said) if result.complete else Ended(INTERRUPTED, f"{said}, stopped")


def _abandon(store: Store, ours: Callable[[dict[str, Any]], bool], keep: int = 0) -> None:
    """Close sweeps that were left open, but for one: said in the ledger, never silently."""
    for row in store.sweeps():
        scheduled = row.plan.get("details", {}).get("scheduled", {})
        if row.closed_at is None and row.sweep != keep and ours(scheduled):
            store.close_sweep(row.sweep, {"outcome": "abandoned", "recorded": row.recorded})
