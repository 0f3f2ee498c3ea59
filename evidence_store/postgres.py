"""PostgreSQL: many writers at once, on any number of machines."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from evidence_store import roles
from evidence_store.database import OPTION
from evidence_store.errors import (
    CorruptStoreError,
    DiskFullError,
    DriverMissingError,
    LockedError,
    NotAllowedError,
    ReadOnlyError,
    RecordError,
    StoreError,
    UnreachableError,
)
from evidence_store.guards import emptied
from evidence_store.location import Server
from evidence_store.tables import CACHES, EMPTIED, EVIDENCE

try:
    import psycopg
except ImportError as error:
    raise DriverMissingError(
        "a store on PostgreSQL needs the package psycopg, which is not installed:"
        " uv tool install 'annexa[postgres]', or pip install 'annexa[postgres]'"
    ) from error

DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
ROWS: Final = 5_000
"""Rows per INSERT: their arrays stay in the megabytes."""

STORE: Final = "store"
"""The lock every writer shares, and a writer that names none holds alone."""

STANDS_STILL: Final = "5min"
"""A writer that stands still for so long has its session ended: it holds locks others need."""

LOCK_TIMEOUT: Final = "55P03"
UNREACHABLE: Final = (
    UnreachableError,
    "nothing is half recorded; check server, address and account, then run it again",
)
AGAIN: Final = LockedError, "nothing was recorded, run it again"
DAMAGED: Final = CorruptStoreError, "restore the database from a backup"
# By SQLSTATE or its first two letters: https://www.postgresql.org/docs/current/errcodes-appendix.html
CURES: Final[Mapping[str, tuple[type[StoreError], str]]] = {
    "08": UNREACHABLE,  # the connection
    "22": (RecordError, "nothing was recorded"),  # a value no column can hold
    "25006": (ReadOnlyError, "name the primary server, not a standby, and a writable database"),
    "25P03": (
        UnreachableError,
        "this process stood still inside a transaction; nothing was recorded, run it again",
    ),
    "28": UNREACHABLE,  # the account
    "3D": UNREACHABLE,  # the database
    "40": AGAIN,  # two transactions in each other's way
    "42501": (
        NotAllowedError,
        "the account lacks a role for this: `annexa store roles` prints what each may do",
    ),
    "53100": (DiskFullError, "free space on the server's volume, then run it again"),
    "53300": UNREACHABLE,  # too many connections
    "57P01": UNREACHABLE,  # the server was stopped, the session ended
    "57P02": UNREACHABLE,  # the server crashed
    "57P03": UNREACHABLE,  # the server is starting
    "58": (StoreError, "check the server's volume, then run `annexa verify`"),
    "XX001": DAMAGED,
    "XX002": DAMAGED,
}

# A client that vanished without a word is noticed within a minute, and its locks are freed; the
# `off` of a hasty administrator would make an acknowledged unit a matter of luck.
SETTINGS: Final = """
SELECT set_config('search_path', %s, false), set_config('lock_timeout', %s, false),
    set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_count', '3', false),
    set_config('tcp_keepalives_interval', '10', false),
    set_config('synchronous_commit', CASE current_setting('synchronous_commit')
        WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)
"""
HOLDERS: Final = """
SELECT DISTINCT coalesce(nullif(a.application_name, ''), 'a session') || ' (server process '
    || a.pid || ')'
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()
    AND l.pid <> pg_backend_pid() ORDER BY 1
"""


class Postgres:
    """A `Database` on a server, its tables in a schema of their own."""

    one_writer: Final = False

    def __init__(self, location: Server, schema: str, busy_seconds: float) -> None:
        self.location = location
        self.name = location.name
        self.schema = schema
        self._busy = busy_seconds
        self.engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self._connect,
            isolation_level="AUTOCOMMIT",
            pool_pre_ping=True,  # a server restarted in between is not noticed otherwise
            use_native_hstore=False,
            hide_parameters=True,
            execution_options={OPTION: self},
        )

    def _connect(self) -> psycopg.Connection[Any]:
        password = self.location.password
        connection = psycopg.connect(
            self.location.url,
            autocommit=True,
            password=password() if password else None,
            client_encoding="UTF8",
            connect_timeout=10,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
            fallback_application_name=f"annexa, process {os.getpid()} on {socket.gethostname()}",
        )
        milliseconds = str(int(self._busy * 1000))
        try:
            connection.execute(SETTINGS, (self.schema, milliseconds))
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def writing(self, *locks: str, shared: Sequence[str] = ()) -> Iterator[sa.Connection]:
        """One durable transaction that holds its locks from its start.

        Advisory locks rather than rows: a row can only be locked by who may update it, and nobody
        who records may update evidence. They also hold what has no row yet.
        """
        alone = locks or (STORE,)
        together = (STORE, *shared) if locks else ()
        with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED") as connection:
            takes = [_LET_GO, *(f"pg_advisory_xact_lock_shared({_KEY})" for _ in together)]
            takes += [f"pg_advisory_xact_lock({_KEY})" for _ in alone]
            names = (f"{self.schema} {name}" for name in (*together, *alone))
            connection.exec_driver_sql(f"SELECT {', '.join(takes)}", (STANDS_STILL, *names))
            yield connection
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One unmoving view of the store."""
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with self._transaction(begin) as connection:
            try:
                yield connection
            finally:
                _roll_back(connection)

    def view(self, connection: sa.Connection) -> str:
        """A snapshot that other sessions can take over while this one has it."""
        return str(connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar())

    @contextmanager
    def seen(self, view: str) -> Iterator[sa.Connection]:
        """The snapshot another session has."""
        with self.reading() as connection:
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{view}'")
            yield connection

    @contextmanager
    def aside(self, connection: sa.Connection) -> Iterator[sa.Connection]:  # noqa: ARG002 - it is the other one
        """A transaction of its own, committed at once."""
        with self._transaction("BEGIN ISOLATION LEVEL READ COMMITTED") as own:
            yield own
            own.exec_driver_sql("COMMIT")

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sa.Connection]:
        with self._named_errors(), self.engine.connect() as connection:
            connection.exec_driver_sql(begin)
            try:
                yield connection
            except BaseException as error:
                if isinstance(error, Exception):
                    _roll_back(connection)
                else:  # cut off within a statement, perhaps: its answer must not meet the next one
                    connection.invalidate()
                raise

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise self._named(error.orig or error) from error
        except psycopg.Error as error:
            raise self._named(error) from error

    def _named(self, error: BaseException) -> StoreError:
        """The store's own error for one of the server's or the driver's."""
        # The primary message only: details may hold the values of rows.
        said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
        where = f"{self.name}: {said or ' '.join(str(error).split())}"
        code = getattr(error, "sqlstate", None)
        if code == LOCK_TIMEOUT:
            return LockedError(
                f"{where}: still held by {self._holders()} after {self._busy:g} s;"
                " wait for it to finish, or stop it"
            )
        if code is None:  # the driver's own: no server answered, or it was never asked
            unsent = isinstance(error, psycopg.DataError)
            lost = isinstance(error, psycopg.OperationalError)
            code = "22" if unsent else "08" if lost else ""
        kind, cure = CURES.get(code) or CURES.get(code[:2]) or (StoreError, "")
        return kind(f"{where}; {cure}" if cure else where)

    def _holders(self) -> str:
        """The sessions that hold locks of this database, as far as the server tells."""
        with suppress(sa.exc.DBAPIError), self.engine.connect() as connection:
            found = connection.exec_driver_sql(HOLDERS).scalars().all()
            if found:
                return ", ".join(found)
        return "another session"

    def insert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[tuple[Any, ...]],
        *,
        new_only: bool,
    ) -> None:
        """Insert rows in the table's column order; with `new_only`, those whose key is new.

        One array per column: as fast as COPY, and ON CONFLICT may follow.
        """
        own = table.autoincrement_column
        given = [
            number
            for number, column in enumerate(table.columns)
            if column is not own or rows[0][number] is not None
        ]
        statement = _insert(table, tuple(given), new_only=new_only)
        for start in range(0, len(rows), ROWS):
            some = rows[start : start + ROWS]
            arrays = tuple([row[number] for row in some] for number in given)
            connection.exec_driver_sql(statement, arrays)

    def prepare(self, connection: sa.Connection) -> None:
        """Make the schema, and refuse a database that would keep texts in another encoding."""
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise StoreError(
                f"{self.name}: the database keeps texts as {encoding}; make it with ENCODING 'UTF8'"
            )
        # Asked first: IF NOT EXISTS demands the right to create one even where it is there.
        there = connection.exec_driver_sql("SELECT to_regnamespace(%s)", (self.schema,)).scalar()
        if there is None:
            connection.exec_driver_sql(f"CREATE SCHEMA {self.schema}")

    def guard(self, connection: sa.Connection) -> None:
        """Make evidence append-only, against accidents, and give each role there is its rights."""
        connection.exec_driver_sql(REFUSE)
        for table in EVIDENCE:
            unless = emptied(table, "IS NOT DISTINCT FROM")
            guards = {"append_only": f"{'' if unless else 'UPDATE OR '}DELETE OR TRUNCATE"}
            if unless:
                guards["only_emptied"] = "UPDATE"
            for name, verbs in guards.items():
                rows = f"ROW WHEN (NOT ({unless}))" if name == "only_emptied" else "STATEMENT"
                connection.exec_driver_sql(
                    f"CREATE OR REPLACE TRIGGER {name} BEFORE {verbs}"
                    f" ON {table.name} FOR EACH {rows} EXECUTE FUNCTION refuse_change()"
                )
                connection.exec_driver_sql(f"ALTER TABLE {table.name} ENABLE ALWAYS TRIGGER {name}")
        for role in roles.GROUPS:
            if connection.exec_driver_sql("SELECT to_regrole(%s)", (role,)).scalar() is None:
                continue
            for statement in roles.grants(role, self.schema):
                connection.exec_driver_sql(statement)

    def compact(self, *tables: str) -> None:
        """Write tables anew, those that can be emptied and the caches if none is named.

        Their owner may; of another's the server says so in a warning and leaves them.
        """
        names = ", ".join(sorted(tables or {*EMPTIED, *(table.name for table in CACHES)}))
        with self._named_errors(), self.engine.connect() as connection:
            connection.exec_driver_sql(f"VACUUM (FULL) {names}")

    def damage(self, connection: sa.Connection) -> list[str]:
        """What the server has found wrong with its files."""
        query = "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
        failures = connection.exec_driver_sql(query).scalar()
        return [f"{failures} pages failed their checksum"] if failures else []

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


_LET_GO: Final = "set_config('idle_in_transaction_session_timeout', %s, true)"
_KEY: Final = "hashtextextended(%s, 0)"
REFUSE: Final = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$BEGIN RAISE EXCEPTION 'append-only: %%', TG_TABLE_NAME; END$$
"""


def _roll_back(connection: sa.Connection) -> None:
    """End the transaction; a connection that cannot even do that is given up."""
    if connection.invalidated:
        return
    try:
        connection.exec_driver_sql("ROLLBACK")
    except sa.exc.DBAPIError:
        connection.invalidate()


@cache
def _insert(table: sa.Table, given: tuple[int, ...], *, new_only: bool) -> str:
    """The text of an insert of one array per column."""
    columns = [table.columns[number] for number in given]
    names = ", ".join(column.name for column in columns)
    kinds = [column.type.compile(DIALECT).partition(" COLLATE ")[0] for column in columns]
    arrays = ", ".join(f"%b::{kind}[]" for kind in kinds)
    statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"  # noqa: S608 - our own names
    return f"{statement} ON CONFLICT DO NOTHING" if new_only else statement
