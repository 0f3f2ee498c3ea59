"""What every unit of a sweep is read with: clock, stop signal, criteria, redaction, limits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from annexa.sweep.judging import CheckRefs
from collectors import Connection, SystemClock
from collectors.calls import Clock
from collectors.documents import Marker
from collectors.reading import Defect, ignore_defect


@dataclass(frozen=True)
class Means:
    """Handed to every unit.

    Attributes:
        refs: the checks as evidence names them, with the criteria they are bound to.
        mark: replaces secrets before anything is kept.
        clock: time.
        stop: set when the operator stops the sweep.
        defect: told of errors in collectors' and checks' own code.
        config_digest: digest of the configuration, for provenance.
        folder: where documents lie until they are recorded; None for the system's temporary one.
    """

    refs: CheckRefs
    mark: Marker
    clock: Clock = field(default_factory=SystemClock)
    stop: threading.Event = field(default_factory=threading.Event)
    defect: Defect = ignore_defect
    config_digest: str = ""
    folder: Path | None = None


@dataclass(frozen=True)
class Job:
    """One declared target with the limits the organisation set for it.

    Attributes:
        connection: the declared target.
        deadline: how long its unit may take.
        rate: calls per second per service and scope; None for no limit.
        title: what people call the target, where its key is a number.
        group: the key of the declaration that stands for it and others.
    """

    connection: Connection
    deadline: timedelta = timedelta(minutes=30)
    rate: float | None = 50
    title: str = ""
    group: str = ""
