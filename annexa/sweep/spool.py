"""Documents of a unit, kept in a temporary file while it is read: memory holds keys and digests."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self


@dataclass(frozen=True, slots=True)
class Spooled:
    """Where one document lies, its length, how much behind it moves by itself, and its digest."""

    offset: int
    length: int
    moving: int
    sha256: bytes


class Spool:
    """An append-only temporary file that vanishes with its process.

    Args:
        folder: where it lies, nameless and readable by its owner only; None for the system's own,
            which may be memory.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._opened: IO[bytes] | None = None
        self._end = 0
        self._lock = threading.Lock()

    @property
    def _file(self) -> IO[bytes]:
        """The file, made with the first document: a unit that waits holds none."""
        if self._opened is None:
            self._opened = tempfile.TemporaryFile(prefix="annexa-", dir=self._folder)  # noqa: SIM115 - see close()
        return self._opened

    def put(self, body: bytes, moving: bytes = b"") -> Spooled:
        """Keep a document, and what moves in it by itself."""
        digest = hashlib.sha256(body).digest()
        with self._lock:
            self._file.seek(self._end)
            self._file.write(body + moving)
            place = Spooled(self._end, len(body), len(moving), digest)
            self._end += len(body) + len(moving)
            return place

    def get(self, place: Spooled) -> bytes:
        """The document as it was put."""
        return self._read(place.offset, place.length)

    def moving(self, place: Spooled) -> bytes:
        """What moves in it, as it was put."""
        return self._read(place.offset + place.length, place.moving)

    def _read(self, offset: int, length: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(length)

    def close(self) -> None:
        """Let go of the file."""
        if self._opened is not None:
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
