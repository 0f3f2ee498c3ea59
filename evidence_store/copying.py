"""Copying an SQLite store while it is in use."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from evidence_store.errors import CorruptStoreError, StoreError, StoreMissingError


def copy(path: Path, to: Path) -> None:
    """Copy the file as one view of it, without free pages; it is durable when this returns.

    Raises:
        StoreMissingError: If there is none.
        CorruptStoreError: If it cannot be read to its end.
        StoreError: If the copy cannot be written.
    """
    if not path.exists():
        raise StoreMissingError(f"{path}: no store there; `annexa sweep` creates it")
    # Made first, so that it is never anybody else's to read: an empty file may be written to.
    os.close(os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR))
    try:
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as source:
            source.execute("VACUUM INTO ?", (str(to),))
    except sqlite3.Error as error:
        damaged = error.sqlite_errorcode & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        kind = CorruptStoreError if damaged else StoreError
        raise kind(f"{path}: {error}; the backup was not made") from error
    flush(to)


def flush(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
