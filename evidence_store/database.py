"""What the room asks of a database, and how its statements reach the one that is open.

Everything that SQLite and PostgreSQL do differently stands in `sqlite.py` and `postgres.py`; the
rest of the room hands its connection to the functions below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from evidence_store.errors import CorruptStoreError
from evidence_store.location import File, Location

if TYPE_CHECKING:
    import sqlalchemy as sa

BATCH: Final = 500
"""Rows per statement: below every database's limit of bound values."""

PIECE: Final = 5_000
"""Rows that are handed to a driver at once."""

OPTION: Final = "annexa_database"
"""The execution option by which a connection leads back to its database."""


class Database(Protocol):
    """An open database. Every method may raise a named `StoreError`."""

    engine: sa.Engine

    @property
    def location(self) -> Location:
        """Where it is."""

    @property
    def name(self) -> str:
        """The database as messages say it, without any password."""

    @property
    def one_writer(self) -> bool:
        """Whether transactions write one after the other, so that ids are committed in order."""

    def writing(
        self, *locks: str, shared: Sequence[str] = ()
    ) -> AbstractContextManager[sa.Connection]:
        """One durable transaction.

        Without names it excludes every other writer of the store. With names (`"target prod"`) it
        excludes those that name the same, and `shared` ones only those that hold the name alone.
        Where there is one writer anyway, names mean nothing.
        """

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """One unmoving view of the database."""

    def view(self, connection: sa.Connection) -> str:
        """What names the view a reading connection has, for as long as it has it."""

    def seen(self, view: str) -> AbstractContextManager[sa.Connection]:
        """The view that another process has; raises LockedError if there is a newer one only."""

    def aside(self, connection: sa.Connection) -> AbstractContextManager[sa.Connection]:
        """Where rows that all targets share are written during a transaction.

        A transaction of its own, committed at once, so that no worker waits for another's unit;
        where there is one writer anyway, the same one.
        """

    def insert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[tuple[Any, ...]],
        *,
        new_only: bool,
    ) -> None:
        """Insert rows in the table's column order; with `new_only`, those whose key is new."""

    def prepare(self, connection: sa.Connection) -> None:
        """Make what must be there before the first table."""

    def guard(self, connection: sa.Connection) -> None:
        """Make evidence append-only, and give every role its rights; done after each upgrade."""

    def compact(self, *tables: str) -> None:
        """Write these tables anew, so that no free page keeps what was let go.

        Without names those of evidence that can be emptied; a file is written anew as a whole.
        """

    def damage(self, connection: sa.Connection) -> list[str]:
        """What the database itself finds wrong with its files."""

    def close(self) -> None:
        """Close every connection."""


def open_database(
    location: Location, *, schema: str = "evidence", busy_seconds: float = 30.0
) -> Database:
    """Open the database of a location; nothing is created but, at need, an empty file.

    Args:
        location: The file or server.
        schema: On a server, the schema whose tables are meant; a file has but one.
        busy_seconds: How long to wait for another process.

    Raises:
        StoreError: If it cannot be opened, or the package a server needs is not installed.
    """
    # Imported here: one of the two is needed, and the driver of the other may not be installed.
    if isinstance(location, File):
        from evidence_store.sqlite import Sqlite  # noqa: PLC0415

        return Sqlite(location, busy_seconds)
    from evidence_store.postgres import Postgres  # noqa: PLC0415

    return Postgres(location, schema, busy_seconds)


def database_of(connection: sa.Connection) -> Database:
    """The database a connection belongs to."""
    found: Database = connection.get_execution_options()[OPTION]
    return found


def insert(connection: sa.Connection, table: sa.Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows given in the table's column order."""
    _insert(connection, table, rows, new_only=False)


def insert_new(connection: sa.Connection, table: sa.Table, rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows whose key is not there yet.

    Callers hand them over sorted: two writers that agree on an order never deadlock.
    """
    _insert(connection, table, rows, new_only=True)


def _insert(
    connection: sa.Connection, table: sa.Table, rows: Iterable[tuple[Any, ...]], *, new_only: bool
) -> None:
    """In pieces: the rows of a large unit are made as they are sent, and never all held."""
    made = iter(rows)
    while some := list(islice(made, PIECE)):
        database_of(connection).insert(connection, table, some, new_only=new_only)


def new_id(result: sa.CursorResult[Any]) -> int:
    """The id the database gave to the row just inserted."""
    key = result.inserted_primary_key
    if key is None:
        raise CorruptStoreError("the database gave no id to a new row")
    return int(key[0])


def batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Slices small enough for one statement."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]
