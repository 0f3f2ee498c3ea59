"""What an HTTP answer says: its JSON read strictly, its status understood, its clocks obeyed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

from collectors.calls import PassingError, ThrottledError
from collectors.model import CallError, Cause, MalformedError

Reset = Literal["epoch", "seconds", "duration"]
"""What a reset header holds: Unix time, seconds to wait, or `hh:mm:ss` to wait."""

CREDENTIAL: Final = "a valid credential"
DURATION: Final = re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)(?:\.\d+)?")
NUMBER: Final = re.compile(r"\d{1,12}(?:\.\d{1,9})?")


@dataclass(frozen=True)
class Answer:
    """One answer: `headers` by lower-case name, `body` the JSON, None where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Any

    def at(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        """The body's value at a path such as `data/organization`; "" is the body, None nothing."""
        value = self.body
        for step in filter(None, path.split("/")):
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    def rows(self, path: str) -> list[Any]:
        """The list of objects at a path.

        Raises:
            MalformedError: there is none, or it holds something else than objects.
        """
        found = self.at(path)
        if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
            raise MalformedError(f"no list of objects at {path or 'the top'} of the answer")
        return found

    def states(self, path: str) -> bool:
        """Whether something stands at a path, or in a header (`header:x-total-count`)."""
        return self._stated(path) is not None

    def total(self, path: str) -> int:
        """The total that the platform states at a path or in a header.

        Raises:
            MalformedError: it states none.
        """
        found = self._stated(path)
        if isinstance(found, str) and found.isascii() and found.isdigit():
            found = int(found)
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            raise MalformedError(f"the answer states no total at {path}")
        return found

    def _stated(self, path: str) -> Any:  # noqa: ANN401 - any JSON value
        header = path.removeprefix("header:")
        return self.at(path) if header == path else self.headers.get(header)


Understand = Callable[[Answer], Exception | None]
"""A platform's own reading of an answer, of good ones too; None leaves it to the status."""


def read_json(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """The value of a JSON text, read strictly.

    Raises:
        MalformedError: no UTF-8, no JSON, a name twice in one object, or a number JSON lacks.
    """
    try:
        return json.loads(
            raw.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        raise MalformedError("the answer is not the JSON it says it is") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedError("the answer names something twice in one object")
    return made


def _refuse(word: str) -> None:
    raise MalformedError(f"the answer holds {word}, which is no number")


def is_json(content_type: str) -> bool:
    """Whether a content type is JSON's (`application/json`, `application/scim+json`)."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind in {"application/json", "text/json"} or kind.endswith("+json")


def patience(
    headers: Mapping[str, str], resets: Mapping[str, Reset], now: datetime
) -> float | None:
    """The seconds that a platform asks us to wait; None where it does not say.

    The three clocks: `Retry-After` (seconds, or a date), a reset time, a reset duration. A date
    is compared with the server's own where it gives it, for ours may be wrong.
    """
    at = _date(headers.get("date", "")) or now
    asked = headers.get("retry-after", "").strip()
    if NUMBER.fullmatch(asked):
        return float(asked)
    if until := _date(asked):
        return max(0.0, (until - at).total_seconds())
    for name, form in resets.items():
        if (seconds := _until_reset(headers.get(name, "").strip(), form, at)) is not None:
            return seconds
    return None


def _until_reset(value: str, form: Reset, at: datetime) -> float | None:
    if form == "duration":
        found = DURATION.fullmatch(value)
        return (
            sum(int(n) * u for n, u in zip(found.groups(), (3600, 60, 1), strict=True))
            if found
            else None
        )
    if not NUMBER.fullmatch(value):
        return None
    return max(0.0, float(value) - at.timestamp()) if form == "epoch" else float(value)


def _seconds(hours: str, minutes: str, seconds: str) -> float:
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def _date(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def meaning(answer: Answer, code: str, after: float | None) -> Exception | None:
    """What a status means where the platform has nothing of its own to say; None for success.

    `code` is the platform's own word for an error, `after` the patience it asks for.
    """
    status = answer.status
    meant: Exception | None
    if status in {200, 201, 203, 204, 205}:
        meant = None
    elif status == 202:
        meant = PassingError(code, "the answer is not ready yet")
    elif status < 300:
        meant = CallError(Cause.PARTIAL, code, "the platform gives a part of the answer only")
    elif status < 400:
        meant = CallError(
            Cause.UNREACHABLE,
            code,
            "the address answers with a redirect, which is not followed; set base_url to where "
            "the platform really is",
            "a right base_url",
        )
    elif status == 401:
        meant = CallError(Cause.DENIED, code, f"the credential was refused ({code})", CREDENTIAL)
    elif status in {402, 403}:
        meant = CallError(Cause.NOT_LICENSED if status == 402 else Cause.DENIED, code)
    elif status == 429 or (status == 503 and after is not None):
        meant = ThrottledError(code, after)
    elif status == 408 or (status >= 500 and status != 501):
        meant = PassingError(code, f"the platform answered {status}")
    else:
        meant = CallError(Cause.PARTIAL, code)
    return meant
