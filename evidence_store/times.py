"""Time as the store keeps it: ISO text in what is hashed, UTC microseconds in columns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from evidence_store.errors import RecordError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def moment(text: str) -> datetime:
    """Read ISO 8601 with an offset.

    Raises:
        RecordError: If it is no time, or names no offset: such a time would be a guess.
    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError as error:
        raise RecordError(
            f"{text!r} is not an ISO 8601 time: write 2026-11-23T09:14:00Z"
        ) from error
    if value.tzinfo is None:
        raise RecordError(f"{text!r} names no offset: write 2026-11-23T09:14:00Z")
    return value


def microseconds(value: datetime) -> int:
    """Microseconds since 1970 UTC, exactly."""
    return (value - EPOCH) // MICROSECOND


def instant(value: int) -> datetime:
    """The aware UTC time of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=value)


def written(value: datetime) -> str:
    """ISO 8601 in UTC, to the microsecond."""
    return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
