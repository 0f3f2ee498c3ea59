"""Which sweeps the configuration schedules, and what each reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from annexa import declared
from annexa.declared import DeclarationError
from collectors import Catalog
from config import Schedule, Settings
from config.settings import GENERAL
from config.suggestions import suggestion
from config.values import duration_text


@dataclass(frozen=True)
class PlannedSweep:
    """A sweep that comes due again and again.

    Attributes:
        name: the schedule's.
        schedule: when.
        targets: the keys of the targets it reads.
        collectors: names of the collectors it asks; empty for all.
    """

    name: str
    schedule: Schedule
    targets: tuple[str, ...]
    collectors: tuple[str, ...] = ()

    @property
    def spec(self) -> str:
        """When, as text; where it changes, the due times are worked out anew."""
        jitter = self.schedule.largest_jitter
        later = f", up to {duration_text(jitter)} later" if jitter else ""
        return f"{self.schedule.timing}{later}"


def planned(settings: Settings, catalog: Catalog, on: dt.date) -> Sequence[PlannedSweep]:
    """The sweeps of a day that have anything to read.

    Raises:
        DeclarationError: a schedule names a collector that is not installed.
    """
    out = settings.decided_out(on)
    every = {n: t for n, t in declared.targets(settings).items() if n not in out}
    own = {
        target
        for schedule in settings.schedules.values()
        if not schedule.collectors
        for target in schedule.targets
    }
    found = [
        PlannedSweep(
            GENERAL,
            settings.schedule,
            tuple(sorted(declared.key_of(n, t) for n, t in every.items() if n not in own)),
        )
    ]
    for name, schedule in sorted(settings.schedules.items()):
        platforms = _platforms(catalog, name, schedule.collectors)
        keys = (
            declared.key_of(short, target)
            for short, target in every.items()
            if (not schedule.targets or short in schedule.targets)
            and (not platforms or target.platform in platforms)
        )
        found.append(PlannedSweep(name, schedule, tuple(sorted(keys)), schedule.collectors))
    return [sweep for sweep in found if sweep.targets]


def _platforms(catalog: Catalog, schedule: str, collectors: Sequence[str]) -> set[str]:
    """The platforms these collectors read."""
    known = {collector.name: collector.platform for collector in catalog.collectors}
    for name in collectors:
        if name not in known:
            hint = suggestion(name, known, "; see `annexa collectors`")
            raise DeclarationError(
                f"schedule {schedule} names collector {name!r}, which is not installed{hint}",
                ("schedules", schedule, "collectors"),
            )
    return {known[name] for name in collectors}
