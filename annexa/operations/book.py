"""The scheduler's book in the operations database: due times and runs, written by the leader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from annexa.operations.database import Operations
from annexa.operations.errors import FencedError
from annexa.operations.lease import Lease, fence
from annexa.operations.tables import runs, schedules
from annexa.operations.times import instant, microseconds
from scheduler import COMPLETE, Ended, Line, Run

RUNNING: Final = "running"
BOOK: Final = "book"

KEPT: Final = timedelta(days=400)
"""How long ended runs are kept."""


class OperationsBook:
    """A `scheduler.Book`: everything that writes begins with the fence of our epoch."""

    def __init__(self, operations: Operations, lease: Lease, clock: Callable[[], datetime]) -> None:
        self._operations = operations
        self._lease = lease
        self._clock = clock

    @property
    def epoch(self) -> int:
        """The number of our leadership; 0 while another daemon leads."""
        return self._lease.epoch

    def lead(self) -> bool:
        """Take or keep the lead."""
        return self._lease.take()

    def release(self) -> None:
        """Give the lead back."""
        self._lease.release()

    def lines(self) -> Mapping[str, Line]:
        """Every duty's line."""
        with self._operations.reading() as connection:
            found = connection.execute(sa.select(schedules).order_by(schedules.c.name))
            return {row.name: _line(row) for row in found}

    def settle(self, lines: Iterable[Line], gone: Iterable[str]) -> None:
        """Write lines of new or changed duties, and drop those of duties that are no more."""
        with self._operations.writing(BOOK) as connection:
            fence(connection, self.epoch)
            for line in lines:
                _write(connection, line)
            connection.execute(sa.delete(schedules).where(schedules.c.name.in_(list(gone))))

    def begin(self, run: Run, following: Line) -> Run:
        """Write a run and the due time after it, in one."""
        with self._operations.writing(BOOK) as connection:
            fence(connection, run.epoch)
            values = {
                "name": run.name,
                "slot": microseconds(run.slot),
                "attempt": run.attempt,
                "missed": run.missed,
                "epoch": run.epoch,
                "holder": self._lease.holder,
                "state": RUNNING,
                "started": microseconds(run.started),
                "detail": "",
            }
            key = connection.execute(sa.insert(runs).values(values)).inserted_primary_key
            _write(connection, following)
            _note(connection, run.name, last_started=microseconds(run.started))
        number = int(key[0]) if key else 0
        return _numbered(run, number)

    def swept(self, run: Run, sweep: int) -> None:
        """Write which sweep a run makes, before its first unit is recorded."""
        with self._operations.writing(BOOK) as connection:
            fence(connection, run.epoch)
            connection.execute(sa.update(runs).where(runs.c.id == run.id).values(sweep=sweep))

    def end(self, run: Run, ended: Ended, again: Line | None) -> None:
        """Write a run's end, and the due time of another try."""
        with self._operations.writing(BOOK) as connection:
            fence(connection, self.epoch)
            now = microseconds(self._clock())
            done = connection.execute(
                sa.update(runs)
                .where(runs.c.id == run.id, runs.c.state == RUNNING)
                .values(state=ended.state, ended=now, detail=ended.detail[:2000])
            )
            if done.rowcount != 1:
                raise FencedError(f"run {run.id} of {run.name} was ended by another daemon")
            if ended.state == COMPLETE:
                _note(connection, run.name, last_complete=microseconds(run.started))
            if again is not None:
                _write(connection, again)

    def orphans(self) -> Sequence[Run]:
        """Runs that were begun under an earlier leadership and never ended."""
        query = sa.select(runs).where(runs.c.state == RUNNING, runs.c.epoch < self.epoch)
        with self._operations.reading() as connection:
            return [read_run(row) for row in connection.execute(query.order_by(runs.c.id))]

    def before(self, run: Run) -> Run | None:
        """The try before this one of the same due time."""
        if run.attempt == 1:
            return None
        query = sa.select(runs).where(
            runs.c.name == run.name,
            runs.c.slot == microseconds(run.slot),
            runs.c.attempt == run.attempt - 1,
        )
        with self._operations.reading() as connection:
            row = connection.execute(query).one_or_none()
            return None if row is None else read_run(row)

    def forget(self) -> int:
        """Drop runs that ended longer ago than they are kept; how many."""
        limit = microseconds(self._clock() - KEPT)
        with self._operations.writing(BOOK) as connection:
            fence(connection, self.epoch)
            return connection.execute(sa.delete(runs).where(runs.c.ended < limit)).rowcount


def _numbered(run: Run, number: int) -> Run:
    return Run(
        number, run.name, run.slot, run.attempt, run.missed, run.epoch, run.started, run.sweep
    )


def _write(connection: sa.Connection, line: Line) -> None:
    values: dict[str, Any] = {
        "spec": line.spec,
        "slot": microseconds(line.slot),
        "due": microseconds(line.due),
        "attempt": line.attempt,
    }
    known = sa.update(schedules).where(schedules.c.name == line.name).values(values)
    if not connection.execute(known).rowcount:
        connection.execute(sa.insert(schedules).values(name=line.name, **values))


def _note(connection: sa.Connection, name: str, **values: int) -> None:
    connection.execute(sa.update(schedules).where(schedules.c.name == name).values(**values))


def _line(row: sa.Row[Any]) -> Line:
    return Line(
        row.name,
        row.spec,
        instant(row.slot),
        instant(row.due),
        row.attempt,
        None if row.last_started is None else instant(row.last_started),
        None if row.last_complete is None else instant(row.last_complete),
    )


def read_run(row: sa.Row[Any]) -> Run:
    """A row of the table `runs`."""
    return Run(
        row.id,
        row.name,
        instant(row.slot),
        row.attempt,
        row.missed,
        row.epoch,
        instant(row.started),
        row.sweep,
    )
