"""A running host made of an image's files and of what its tools are scripted to print."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from collectors import Caller, CallError, Cause, Collector, Resource, SystemClock
from collectors.linux import LinuxConnection, LinuxTarget, Output
from collectors.linux.disk import Disk
from collectors.reading import ListingRun, read_facts

Tools = Mapping[str, str | int | None]
"""What each tool prints, by its name or whole command; a number is the code it fails with."""


class ScriptedHost(LinuxTarget):
    """Counts as running; tools that are not scripted are not installed."""

    def __init__(self, connection: LinuxConnection, tools: Tools) -> None:
        clock = SystemClock()
        caller = Caller(clock, clock.monotonic() + 60, threading.Event(), rate=None)
        super().__init__(connection, caller, connection.disk or Disk(connection.root))
        self._tools = tools

    @property
    def live(self) -> bool:
        return True

    def run(self, tool: str, *arguments: str, seconds: float = 20) -> Output | None:
        del seconds
        words = " ".join((tool, *arguments))
        printed = self._tools.get(words, self._tools.get(tool))
        if printed is None:
            return None
        if isinstance(printed, int):
            return {"code": printed, "text": "", "errors": "failed"}
        if printed == "refused":
            raise CallError(Cause.DENIED, "needs more rights", permission=f"run:{words}")
        return {"code": 0, "text": printed}


def read(
    connection: LinuxConnection, collector: Collector, tools: Tools | None = None
) -> dict[str, Resource[Any]]:
    """Everything the collector reads of such a host, by resource id; no listing may fail."""
    host = ScriptedHost(connection, tools or {})
    found: dict[str, Resource[Any]] = {}
    for listing in collector.listings:
        run = ListingRun(collector, listing, host, "host")
        rows = run.take(10_000)
        assert all(part.complete for part in run.parts()), run.parts()
        found |= {row.id: read_facts(row, collector, host) for row in rows}
    return found
