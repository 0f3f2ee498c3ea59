"""What a sweep shows while it runs: bars where people look, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

import click

from annexa.cli.listing import OUTCOMES
from annexa.cli.render import counted
from annexa.declared import OutOfScope
from annexa.sweep import Recorded, Unit

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LONGEST_NAME: Final = 28
"""Characters of a target's name."""

ROOM_FOR_BARS: Final = 96
"""Columns of a terminal; a narrower one shows the numbers without bars."""


class Watch:
    """Draws the units of a sweep on standard error, ten times a second on a terminal.

    Args:
        title: what is said behind the sweep's number: scope, mapping, time.
        out: the targets that are not read by decision.
    """

    def __init__(self, title: str = "", out: Sequence[OutOfScope] = ()) -> None:
        self._title = title
        self._out = out
        self._units: Sequence[Unit] = ()
        self._width = 0
        self._done = threading.Event()
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._painter: threading.Thread | None = None

    def begun(self, sweep: int, units: Sequence[Unit]) -> None:
        """The sweep has its number and its units."""
        self._units = units
        keys = [*(unit.key for unit in units), *(out.key for out in self._out)]
        names = [key.partition("/")[2] for key in keys]
        self._width = min(LONGEST_NAME, max(map(len, names), default=0))
        click.echo(f"Sweep {sweep} · {self._title}", err=True)
        for out in self._out:
            platform, _, name = out.key.partition("/")
            words = f"out of scope by decision of {out.date} ({out.reason})"
            click.echo(f"  {platform:<6} {name:<{self._width}}  {words}", err=True)
        if sys.stderr.isatty():
            self._draw()

    def recorded(self, recorded: Recorded) -> None:
        """A unit is durable."""
        if self._bars is None:
            unit = recorded.unit
            done = f"{unit.progress.parts_done}/{unit.progress.parts} parts"
            found = counted(unit.progress.resources, "resource")
            missing = _unread(unit)
            words = f"{unit.key}: {OUTCOMES[recorded.outcome]}, {done}, {found}"
            click.echo(f"{words}; unread: {missing}" if missing else words, err=True)
        else:
            self._paint()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        if self._painter:
            self._painter.join()
        if self._bars:
            self._paint()
            self._bars.stop()

    def _draw(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - only for people

        from annexa.cli.render import console  # noqa: PLC0415 - only for people

        out = console(err=True)
        bar = [BarColumn(20)] if out.width >= ROOM_FOR_BARS else []
        self._bars = Progress(
            TextColumn(f"  {{task.fields[platform]:<6}} {{task.fields[name]:<{self._width}}}"),
            *bar,
            TextColumn("{task.completed:>3}/{task.total} parts"),
            TextColumn("{task.fields[resources]:>6} resources"),
            TextColumn("[yellow]{task.fields[unread]}"),
            console=out,
        )
        for key in dict.fromkeys(unit.group or unit.key for unit in self._units):
            platform, _, name = key.partition("/")
            self._tasks[key] = self._bars.add_task(
                "", total=0, platform=platform, name=name, resources=0, unread=""
            )
        self._bars.start()
        self._painter = threading.Thread(target=self._keep_painting, daemon=True)
        self._painter.start()

    def _keep_painting(self) -> None:
        while not self._done.wait(0.1):
            self._paint()

    def _paint(self) -> None:
        for key, task in self._tasks.items():
            units = [unit for unit in self._units if key in {unit.group, unit.key}]
            if self._bars:
                self._bars.update(
                    task,
                    total=sum(unit.progress.parts for unit in units),
                    completed=sum(unit.progress.parts_done for unit in units),
                    resources=sum(unit.progress.resources for unit in units),
                    unread=_unread(*units),
                )


def _called(unit: Unit) -> str:
    """The unit's key, with what people call it."""
    return f"{unit.key} ({unit.title})" if unit.title else unit.key


def _unread(*units: Unit) -> str:
    """What was refused so far, by cause."""
    whole: Counter[str] = Counter()
    for unit in units:
        whole.update(dict(unit.progress.unread))
    return ", ".join(f"{n} {cause.replace('_', ' ')}" for cause, n in sorted(whole.items()))
