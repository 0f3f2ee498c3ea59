"""Documents of a unit, kept in a temporary file while it is read: memory holds keys and digests."""

from __future__ import annotations

import hashlib
import tempfile
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self


@dataclass(frozen=True, slots=True)
class Spooled:
    """Where one document lies, and its digest."""

    offset: int
    length: int
    sha256: bytes


class Spool:
    """An append-only temporary file that vanishes with its process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="annexa-")  # noqa: SIM115 - closed by close()
        self._end = 0
        self._lock = threading.Lock()

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
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
