"""Documents of a unit, kept in a temporary file while it is read: memory holds keys and digests."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self


@dataclass(frozen=True, slots=True)
class Spooled:
    """Where one document lies, and its digest."""

    offset: int
    length: int
    sha256: bytes


class Spool:
    """An append-only temporary file that vanishes with its process."""

    def __init__(self) -> None:
        self._opened: IO[bytes] | None = None
        self._end = 0
        self._lock = threading.Lock()

    @property
    def _file(self) -> IO[bytes]:
        """The file, made with the first document: a unit that waits holds none."""
        if self._opened is None:
            self._opened = tempfile.TemporaryFile(prefix="annexa-")  # noqa: SIM115 - see close()
        return self._opened

    def put(self, body: bytes) -> Spooled:
        """Keep a document."""
        with self._lock:
            self._file.seek(self._end)
            self._file.write(body)
            place = Spooled(self._end, len(body), hashlib.sha256(body).digest())
            self._end += len(body)
            return place

    def get(self, place: Spooled) -> bytes:
        """The document as it was put."""
        with self._lock:
            self._file.seek(place.offset)
            return self._file.read(place.length)

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
