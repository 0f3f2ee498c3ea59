"""What can go wrong with the operations database, with what to do."""

from __future__ import annotations

from evidence_store import StoreError
from scheduler import BookError, LostError


class OperationsError(BookError, StoreError):
    """The operations database cannot be read or written."""


class FencedError(LostError, StoreError):
    """Another daemon leads by now; what was to be written is refused."""


class HeldError(StoreError):
    """Another daemon runs on the same file."""
