"""Opening the operations database that belongs to a store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from annexa.operations import schema
from annexa.operations.errors import OperationsError
from annexa.operations.tables import SCHEMA
from evidence_store import File, Location, StoreError
from evidence_store.database import Database, open_database
from scheduler import BookError

if TYPE_CHECKING:
    import sqlalchemy as sa

BUSY: Final = 5.0
"""Seconds to wait for another process's transaction; none of them is long."""

PAUSED: Final = "60s"
"""A process that stands still for so long inside a transaction of ours has its session ended."""


@dataclass(frozen=True)
class Operations:
    """An open operations database."""

    database: Database

    @property
    def name(self) -> str:
        """The database as messages say it."""
        return self.database.name

    @contextmanager
    def writing(self, lock: str) -> Iterator[sa.Connection]:
        """One durable transaction; on a server, one at a time of those that name the same lock.

        A file has one writer at a time anyway.
        """
        with self._named_errors(), self.database.writing(lock) as connection:
            let_go_if_paused(connection)
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One unmoving view."""
        with self._named_errors(), self.database.reading() as connection:
            yield connection

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """The scheduler's own kind of error: what it means is that the next tick tries again."""
        try:
            yield
        except BookError:
            raise
        except StoreError as error:
            raise OperationsError(str(error)) from error

    def compact(self, *tables: str) -> None:
        """Write these tables anew, so that no free page keeps what was let go."""
        with self._named_errors():
            self.database.compact(*tables)

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def let_go_if_paused(connection: sa.Connection) -> None:
    """A process that is paused in this transaction must not hold the others up for good."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL idle_in_transaction_session_timeout = '{PAUSED}'")


def operations_file(store: Path) -> Path:
    """The file that belongs to a store in a file."""
    return store.with_name(f"{store.name}.operations")


def there_are_operations(store: Location) -> bool:
    """Whether anything can have been written yet; a server is only asked when it is opened."""
    return not isinstance(store, File) or operations_file(store.path).exists()


def open_operations(store: Location) -> Operations:
    """Open the operations database of a store, made or upgraded as needed.

    Raises:
        NewerSchemaError: If a newer release wrote it.
        StoreError: If it cannot be reached, read or written.
    """
    location = File(operations_file(store.path)) if isinstance(store, File) else store
    database = open_database(location, schema=SCHEMA, busy_seconds=BUSY)
    try:
        schema.bring_up(database)
    except BaseException:
        database.close()
        raise
    return Operations(database)
