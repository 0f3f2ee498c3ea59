"""When the daemon sweeps: the general schedule, and those of some targets and collectors."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from config.listening import LISTEN
from config.timing import Cron, Every
from config.values import Duration, Listed, Model, Place, TargetName, Text, seconds

LARGEST_JITTER = timedelta(minutes=10)


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('write a time zone such as "Europe/Berlin"') from None


def _line(value: str) -> str:
    return Cron.parse(value, ZoneInfo("UTC")).text


ZoneName = Annotated[Text, AfterValidator(_zone)]
CronLine = Annotated[Text, AfterValidator(_line)]


class Schedule(Model):
    """When the daemon sweeps."""

    every: Duration = seconds("6h")
    """The time from one sweep's start to the next; evidence three times as old is stale."""
    cron: CronLine | None = None
    """Instead of `every`: minute, hour, day, month, weekday by name, such as `30 2 * * mon-fri`."""
    zone: ZoneName | None = None
    """The time zone of `cron`, else UTC; a time skipped in spring runs an hour later, a repeated
    one once."""
    jitter: Duration | None = None
    """A due time is put off by up to this; without it a 20th of `every`, 10m at most, and none
    of `cron`."""

    @property
    def timing(self) -> Every | Cron:
        """What gives the due times."""
        if self.cron is not None:
            return Cron.parse(self.cron, ZoneInfo(self.zone or "UTC"))
        return Every(self.every)

    @property
    def largest_jitter(self) -> timedelta:
        """The most a due time is put off."""
        if self.jitter is not None:
            return self.jitter
        return timedelta(0) if self.cron is not None else min(self.every / 20, LARGEST_JITTER)

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One way to say when."""
        given = self.model_fields_set
        if self.cron is not None and "every" in given:
            yield ("cron",), "write every or cron, not both"
        if self.cron is None and self.zone is not None:
            yield ("zone",), "is the time zone of cron; an interval has none"
        if self.jitter is not None and self.jitter >= self.timing.longest_gap:
            yield ("jitter",), "is as long as the time between two sweeps"


class OwnSchedule(Schedule):
    """When some targets, or some collectors of them, are read apart from the rest."""

    targets: Annotated[tuple[TargetName, ...], Listed] = ()
    """Their names; without it, all in scope."""
    collectors: Annotated[tuple[Text, ...], Listed] = Field(default=())
    """Only these, such as `aws.iam`; the general schedule then still reads the whole target."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """It says when, and of what."""
        yield from super().contradictions()
        if not self.model_fields_set & {"every", "cron"}:
            yield ("every",), "is missing; write every or cron"
        if not self.targets and not self.collectors:
            yield ("targets",), "name targets or collectors; all of everything is [schedule]"

    def covers(self, target: str, collector: str) -> bool:
        """Whether a collector of a target, by its short name, is read on this schedule."""
        return (not self.targets or target in self.targets) and (
            not self.collectors or collector in self.collectors
        )


class Daemon(Model):
    """How the daemon runs."""

    listen: Annotated[Text, Field(pattern=r"^(off|(\[[0-9a-fA-F:]+\]|[^\s:/]+):[0-9]{1,5})$")] = (
        LISTEN
    )
    """Where `/healthz`, `/readyz` and `/metrics` are served, or `off`."""
    sweeps: int = Field(default=2, ge=1, le=16)
    """Sweeps under way at once; no target is ever in two of them."""
    drain: Duration = seconds("30s")
    """How long a sweep may go on after SIGTERM before it is ended with what it has read."""
    lease: Duration = seconds("15s")
    """PostgreSQL: another daemon takes over when the leading one was silent for so long."""
    checkpoint: Duration = seconds("15m")
    """The ledger's head is signed at every sweep's end, and this often while one is under way."""
    verify_recent: Duration = seconds("24h")
    """How often what was recorded since about the last whole verification is verified."""
    verify_whole: Duration = seconds("7d")
    """How often the whole store is verified."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """A lease that is too short is lost by a hiccup of the network."""
        if self.lease < timedelta(seconds=3):
            yield ("lease",), "is shorter than 3s"
        if self.listen != "off" and not 0 < int(self.listen.rpartition(":")[2]) <= 65_535:
            yield ("listen",), "has no port from 1 to 65535"
