"""What a daemon does now, for commands that work beside it; nothing is made or written."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from annexa.operations import schema
from annexa.operations.book import RUNNING, read_run
from annexa.operations.database import BUSY, operations_file, there_are_operations
from annexa.operations.hold import is_held
from annexa.operations.lease import NAME
from annexa.operations.tables import SCHEMA, leases, runs
from annexa.operations.times import microseconds
from evidence_store import File
from evidence_store.database import open_database

if TYPE_CHECKING:
    from evidence_store import Location
    from scheduler import Run


def under_way(store: Location) -> Sequence[Run]:
    """The runs of the daemon that leads now; none where no daemon is there.

    Raises:
        StoreError: the operations database cannot be read.
    """
    if not there_are_operations(store) or (isinstance(store, File) and not is_held(store.path)):
        return ()
    location = File(operations_file(store.path)) if isinstance(store, File) else store
    with (
        closing(open_database(location, schema=SCHEMA, busy_seconds=BUSY)) as database,
        database.reading() as connection,
    ):
        if schema.revision(connection, database.name) is None:
            return ()
        led = leases.c.epoch == runs.c.epoch
        if not isinstance(store, File):  # on a file the lock says it, whatever the lease says
            led &= leases.c.until > microseconds(_now(connection))
        query = sa.select(runs).join(leases, led & (leases.c.name == NAME))
        found = connection.execute(query.where(runs.c.state == RUNNING).order_by(runs.c.id))
        return [read_run(row) for row in found]


def _now(connection: sa.Connection) -> datetime:
    """The server's clock, by which leases end."""
    found: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return found.astimezone(UTC)
