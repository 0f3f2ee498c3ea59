"""One daemon per SQLite file: a lock of the operating system, gone with the process that has it."""

from __future__ import annotations

import os
import socket
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from annexa.operations.errors import HeldError

TRIES: Final = 20
"""A tenth of a second each."""


class Hold:
    """The lock of a store's file, held until `release` or the end of the process.

    Args:
        store: the evidence store's file; the lock is a file beside it.

    Raises:
        HeldError: another process holds it, or the file cannot be made.
    """

    def __init__(self, store: Path) -> None:
        self._path = _lock_file(store)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, stat.S_IRUSR | stat.S_IWUSR)
        except OSError as error:
            raise HeldError(
                f"{self._path}: {error.strerror}; the store's folder must be writable"
            ) from error
        try:
            _lock_soon(self._file)
        except OSError as error:
            who = os.read(self._file, 200).decode(errors="replace").strip()
            os.close(self._file)
            raise HeldError(
                f"{store}: another daemon already works on this store ({who or 'not named'});"
                " one daemon per SQLite file. Stop that one, or keep the store in PostgreSQL"
                " to run several"
            ) from error
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, f"process {os.getpid()} on {socket.gethostname()}\n".encode())

    @property
    def files(self) -> tuple[int, ...]:
        """What a child has to keep open, so that the lock is free only when it, too, has ended."""
        return (self._file,)

    def release(self) -> None:
        """Let another daemon have it; the file stays, so that two never lock different files."""
        os.ftruncate(self._file, 0)
        os.close(self._file)


def is_held(store: Path) -> bool:
    """Whether a daemon, or a child of one, works on the store now."""
    try:
        file = os.open(_lock_file(store), os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(file)  # for this moment: a daemon that starts in it tries again
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _lock_file(store: Path) -> Path:
    return store.with_name(f"{store.name}.daemon.lock")


def _lock_soon(file: int) -> None:
    """A child of a daemon that was killed ends a moment after it."""
    for _ in range(TRIES):
        with suppress(OSError):
            _lock(file)
            return
        time.sleep(0.1)
    _lock(file)


if sys.platform == "win32":
    import msvcrt

    _BYTE = 1 << 20  # beyond the text, which others read while it is locked

    def _lock(file: int) -> None:
        os.lseek(file, _BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
