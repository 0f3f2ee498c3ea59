"""Time in the operations database: UTC microseconds since 1970, as in the evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(value: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (value - EPOCH) // timedelta(microseconds=1)


def instant(value: int) -> datetime:
    """The aware UTC time of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)
