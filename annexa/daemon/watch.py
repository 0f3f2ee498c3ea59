"""What the scheduler does, as log events and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from annexa import logs
from annexa.daemon.metrics import Metrics
from scheduler import COMPLETE, FAILED, BookError, Ended, Line, Run


class DaemonWatch:
    """A `scheduler.Watch`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger
        self._stale: frozenset[str] = frozenset()

    def leading(self, epoch: int) -> None:
        """We lead from now on."""
        self._log().info("leading", epoch=epoch)

    def lost(self) -> None:
        """We led, and no longer do."""
        self._log().warning("lead_lost", do="nothing: another daemon goes on")

    def unreachable(self, error: BookError) -> None:
        """The operations database could not be used in this tick."""
        self._log().error("operations_unreachable", reason=str(error))

    def started(self, run: Run) -> None:
        """A run begins."""
        self._metrics.running.labels(run.name).set(1)
        self._metrics.missed.labels(run.name).inc(run.missed)
        event = {"schedule": run.name, "due": run.slot.isoformat(), "attempt": run.attempt}
        if run.missed:
            self._log().warning("due_times_missed", missed=run.missed, **event)
        self._log().info("run_started", **event)

    def ended(self, run: Run, ended: Ended, *, refused: bool) -> None:
        """A run ended."""
        result = "refused" if refused else ended.state
        self._metrics.running.labels(run.name).set(0)
        self._metrics.runs.labels(run.name, result).inc()
        seconds = (datetime.now(UTC) - run.started).total_seconds()
        self._metrics.seconds.labels(run.name).observe(max(0.0, seconds))
        log = self._log()
        tell = log.info if result == COMPLETE else log.error if result == FAILED else log.warning
        tell("run_ended", schedule=run.name, result=result, detail=ended.detail)

    def defect(self, run: Run, error: Exception) -> None:
        """A run ended with an error of our own."""
        logs.defect(error, f"schedule {run.name}")

    def told(self, about: str, said: Mapping[str, Any]) -> None:
        """A run says what it found."""
        metrics = self._metrics
        if about == "swept":
            metrics.swept(said["calls"], said["throttled"])
        elif about == "signed":
            metrics.signed(said["size"])
        elif about == "verified":
            metrics.verified(said["name"], clean=said["clean"])
        elif about == "posture":
            observed = {c: datetime.fromisoformat(at) for c, at in said["observed"].items()}
            metrics.posture(said["findings"], said["unknowns"], said["controls"], observed)
            stale: Mapping[str, str] = said["stale"]
            for control in sorted(stale.keys() - self._stale):
                self._log().warning("evidence_stale", control=control, why=stale[control])
            self._stale = frozenset(stale)

    def seen(self, lines: Mapping[str, Line]) -> None:
        """The due times as they are now."""
        self._metrics.due_times(lines)
