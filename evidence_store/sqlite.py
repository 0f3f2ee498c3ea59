"""SQLite: one file, one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from evidence_store.database import OPTION
from evidence_store.errors import (
    CorruptStoreError,
    DiskFullError,
    LockedError,
    ReadOnlyError,
    StoreError,
)
from evidence_store.guards import emptied
from evidence_store.location import File
from evidence_store.prepared import driver
from evidence_store.tables import EVIDENCE

PAGE: Final = 8192
"""Bytes of a new file's pages: documents leave less of them empty than of SQLite's own 4096."""


class Sqlite:
    """A `Database` in a file."""

    one_writer: Final = True

    def __init__(self, location: File, busy_seconds: float) -> None:
        self.location = location
        self.path = location.path
        self.name = location.name
        self._busy = busy_seconds
        if not self.path.exists():
            create_file(self.path)
        self.read_only = not os.access(self.path.parent, os.W_OK)
        self.engine = sa.create_engine(
            f"sqlite:///{self._address()}",
            isolation_level="AUTOCOMMIT",
            connect_args={"timeout": busy_seconds},
            hide_parameters=True,
            execution_options={OPTION: self},
        )
        sa.event.listen(self.engine, "connect", self._prepare)

    def _address(self) -> str:
        """The file; where its folder cannot be written, a way to read it without side files.

        With a write-ahead log beside it, somebody writes it, and it can be read the usual way.
        """
        if not self.read_only or self.path.with_name(f"{self.path.name}-wal").exists():
            return str(self.path)
        return f"file:{quote(str(self.path))}?mode=ro&immutable=1&uri=true"

    def _prepare(self, connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            f"page_size = {PAGE}",
            *(() if self.read_only else ("journal_mode = WAL",)),
            "synchronous = FULL",
            "temp_store = MEMORY",
            # Without it INSERT OR REPLACE deletes rows without firing their triggers.
            "recursive_triggers = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @contextmanager
    def writing(self, *_locks: str, shared: Sequence[str] = ()) -> Iterator[sa.Connection]:  # noqa: ARG002 - the file's lock is all of them
        """One durable transaction that holds the write lock from its start."""
        with self._named_errors(), self.engine.connect() as connection:
            file = driver(connection)
            file.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                file.execute("COMMIT")
            except BaseException:
                # A full disk has already ended the transaction: ask before rolling back.
                if file.in_transaction:
                    file.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One unmoving view of the store."""
        with self._named_errors(), self.engine.connect() as connection:
            connection.exec_driver_sql("BEGIN")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("ROLLBACK")

    def view(self, connection: sa.Connection) -> str:
        """The last entry: with one writer nothing of evidence changes without a newer one."""
        return str(connection.exec_driver_sql("SELECT max(id) FROM entries").scalar())

    @contextmanager
    def seen(self, view: str) -> Iterator[sa.Connection]:
        """The view another process has, unless something was recorded since it began."""
        with self.reading() as connection:
            if self.view(connection) != view:
                raise LockedError(f"{self.path}: something was recorded meanwhile")
            connection.exec_driver_sql("PRAGMA query_only = ON")
            try:
                yield connection
            finally:
                connection.exec_driver_sql("PRAGMA query_only = OFF")

    @contextmanager
    def aside(self, connection: sa.Connection) -> Iterator[sa.Connection]:
        """The same transaction: there is no other writer who could wait for it."""
        yield connection

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sa.exc.DBAPIError as error:
            raise self._named(error.orig or error) from error
        except sqlite3.Error as error:
            raise self._named(error) from error

    def _named(self, error: BaseException) -> StoreError:
        """The store's own error for one of the database's."""
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        where = f"{self.path}: {error}"
        match code:
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                return LockedError(
                    f"{where}: still held by {holders(self.path)} after {self._busy:g} s;"
                    " wait for it to finish, or stop it"
                )
            case sqlite3.SQLITE_FULL:
                return DiskFullError(f"{where}; free space on the volume, then run it again")
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                return ReadOnlyError(f"{where}; check owner and mode of the file and its folder")
            case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
                return CorruptStoreError(
                    f"{where}; if this is the right file, restore it from a backup"
                )
            case sqlite3.SQLITE_IOERR:
                return StoreError(f"{where}; check the volume, then run `annexa verify`")
            case _:
                return StoreError(where)

    def insert(
        self,
        connection: sa.Connection,
        table: sa.Table,
        rows: Sequence[tuple[Any, ...]],
        *,
        new_only: bool,
    ) -> None:
        """Insert rows in the table's column order; with `new_only`, those whose key is new."""
        connection.exec_driver_sql(_insert(table, new_only=new_only), list(rows))

    def prepare(self, connection: sa.Connection) -> None:
        """Nothing: the file is there."""

    def guard(self, connection: sa.Connection) -> None:
        """Make evidence append-only, against accidents; rebuilding a table drops its triggers."""
        for table in EVIDENCE:
            for verb in ("UPDATE", "DELETE"):
                name = f"{table.name}_refuses_{verb.lower()}"
                unless = emptied(table, "IS") if verb == "UPDATE" else None
                when = f" WHEN NOT ({unless})" if unless else ""
                connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
                connection.exec_driver_sql(
                    f"CREATE TRIGGER {name} BEFORE {verb} ON {table.name}{when}"
                    f" BEGIN SELECT RAISE(ABORT, 'append-only: {table.name}'); END"
                )

    def compact(self, *_: str) -> None:
        """Write the file anew without free pages, and empty the write-ahead log."""
        with self._named_errors(), self.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def damage(self, connection: sa.Connection) -> list[str]:
        """What the database itself finds wrong with its file."""
        found = connection.exec_driver_sql("PRAGMA quick_check").scalars()
        return [str(line) for line in found if line != "ok"]

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def holders(path: Path) -> str:
    """The processes that have the file open, as far as this system tells."""
    ours = os.getpid()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            files = {str(link.readlink()) for link in (process / "fd").iterdir()}
        except OSError:  # gone by now, or another user's
            continue
        if str(path.resolve()) in files and int(process.name) != ours:
            found.append(process.name)
    return f"process {', '.join(sorted(found))}" if found else "another process or connection"


def create_file(path: Path) -> None:
    """Create an empty file only its owner may read; SQLite gives its side files the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR))
    except OSError as error:
        raise ReadOnlyError(f"{path}: {error.strerror}; choose a folder you may write") from error


@cache
def _insert(table: sa.Table, *, new_only: bool) -> str:
    """The text of an insert: as text it costs a third less per row than as an expression."""
    statement = sqlite.insert(table)
    if new_only:
        statement = statement.on_conflict_do_nothing()
    return str(statement.compile(dialect=sqlite.dialect(paramstyle="qmark")))
