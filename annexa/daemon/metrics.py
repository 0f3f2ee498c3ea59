"""What the daemon measures, in Prometheus' text form; labels are schedules, controls, few words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily

from annexa import __version__

if TYPE_CHECKING:
    from annexa.alerts.messages import EndpointState
    from scheduler import Line

BUCKETS: Final = (1, 5, 15, 60, 300, 900, 1800, 3600, 7200)


class _Ages:
    """The age of each control's oldest deciding evidence, worked out when it is asked for."""

    def __init__(self) -> None:
        self.observed: Mapping[str, datetime] = {}

    def collect(self) -> Iterable[GaugeMetricFamily]:
        family = GaugeMetricFamily(
            "annexa_evidence_age_seconds",
            "Age of the oldest evidence the status of a control rests on",
            labels=["control"],
        )
        now = datetime.now(UTC)
        for control, observed in sorted(self.observed.items()):
            family.add_metric([control], max(0.0, (now - observed).total_seconds()))
        yield family


class Metrics:
    """All series of one daemon, in a registry of their own.

    Args:
        leading: whether this daemon leads.
    """

    def __init__(self, leading: Callable[[], bool]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each one
        self.registry = CollectorRegistry()
        PlatformCollector(registry=self.registry)
        ProcessCollector(registry=self.registry)
        self._ages = _Ages()
        self.registry.register(self._ages)
        self._gauge("annexa_build_info", "The release", "version").labels(__version__).set(1)
        self._gauge("annexa_scheduler_leader", "1 on the daemon that leads").set_function(
            lambda: float(leading())
        )
        self.reloaded = self._gauge(
            "annexa_config_last_reload_successful", "0 while a newer configuration is refused"
        )
        self.reloaded.set(1)
        self.runs = self._counter(
            "annexa_schedule_runs", "Runs by how they ended", "schedule", "result"
        )
        self.missed = self._counter(
            "annexa_schedule_due_times_missed", "Due times made up for by a later run", "schedule"
        )
        self.seconds = Histogram(
            "annexa_schedule_run_seconds",
            "How long runs took",
            ["schedule"],
            registry=self.registry,
            buckets=BUCKETS,
        )
        self._last = self._gauge(
            "annexa_schedule_last_success_timestamp_seconds",
            "When the last complete run began",
            "schedule",
        )
        self._due = self._gauge(
            "annexa_schedule_next_due_timestamp_seconds", "When it comes due next", "schedule"
        )
        self.running = self._gauge("annexa_schedule_running", "1 while it runs", "schedule")
        self._calls = self._counter("annexa_calls", "Calls to platforms")
        self._throttled = self._counter("annexa_calls_throttled", "Calls a platform put off")
        self._findings = self._gauge("annexa_findings", "Findings in force by status", "status")
        self._unknowns = self._gauge("annexa_unknowns", "Unknown findings by cause", "cause")
        self._controls = self._gauge("annexa_controls", "Controls by status", "status")
        self._verified = self._gauge(
            "annexa_verification_clean", "1 where the last verification was clean", "verification"
        )
        self._verified_at = self._gauge(
            "annexa_verification_timestamp_seconds", "When it last ended", "verification"
        )
        self._signed_at = self._gauge(
            "annexa_checkpoint_timestamp_seconds", "When the ledger's head was last looked after"
        )
        self._ledger_size = self._gauge("annexa_ledger_size", "Leaves under the signed head")

        self._outbox = self._gauge(
            "annexa_alerts_pending", "Alerts that wait to be delivered", "endpoint"
        )
        self._dead = self._gauge(
            "annexa_alerts_dead", "Alerts that are no longer tried", "endpoint"
        )
        self._oldest = self._gauge(
            "annexa_alerts_oldest_pending_timestamp_seconds",
            "When the oldest alert that waits was put down",
            "endpoint",
        )
        self._disabled = self._gauge(
            "annexa_alerts_endpoint_disabled", "1 where an endpoint said it is gone", "endpoint"
        )

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry)

    def due_times(self, lines: Mapping[str, Line]) -> None:
        """Show due times and successes as the book has them; duties that are gone are dropped."""
        self._due.clear()
        self._last.clear()
        for name, line in lines.items():
            self._due.labels(name).set(line.due.timestamp())
            if line.last_complete is not None:
                self._last.labels(name).set(line.last_complete.timestamp())

    def swept(self, calls: int, throttled: int) -> None:
        """Count what a sweep did."""
        self._calls.inc(calls)
        self._throttled.inc(throttled)

    def posture(
        self,
        findings: Mapping[str, int],
        unknowns: Mapping[str, int],
        controls: Mapping[str, int],
        observed: Mapping[str, datetime],
    ) -> None:
        """Show how findings and controls stand, each by status or cause."""
        _show(self._findings, findings)
        _show(self._unknowns, unknowns)
        _show(self._controls, controls)
        self._ages.observed = observed

    def alerts(self, states: Mapping[str, EndpointState]) -> None:
        """Show what waits for each endpoint."""
        _show(self._outbox, {name: each.pending for name, each in states.items()})
        _show(self._dead, {name: each.dead for name, each in states.items()})
        _show(self._disabled, {name: each.disabled is not None for name, each in states.items()})
        self._oldest.clear()
        for name, each in states.items():
            if each.oldest is not None:
                self._oldest.labels(name).set(each.oldest.timestamp())

    def signed(self, size: int) -> None:
        """The ledger's head was signed, or is so already."""
        self._signed_at.set_to_current_time()
        self._ledger_size.set(size)

    def verified(self, name: str, *, clean: bool) -> None:
        """A verification came to its end."""
        self._verified.labels(name).set(clean)
        self._verified_at.labels(name).set_to_current_time()

    def text(self) -> bytes:
        """Everything, as Prometheus reads it."""
        return generate_latest(self.registry)


def _show(gauge: Gauge, counts: Mapping[str, int]) -> None:
    gauge.clear()
    for label, count in sorted(counts.items()):
        gauge.labels(label).set(count)
