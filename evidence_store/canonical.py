"""The one form in which JSON is hashed and stored: UTF-8, sorted keys, no spaces."""

from __future__ import annotations

from typing import Any

import orjson


def canonical(value: Any) -> bytes:  # noqa: ANN401 - anything JSON
    """Encode a JSON value canonically.

    Not RFC 8785: nobody re-encodes evidence, the stored bytes are the hashed bytes, and integers
    beyond 2**53 stay exact.

    Raises:
        TypeError: For what JSON cannot say (dates and bytes included: they have no one text form).
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def trimmed(text: bytes) -> bytes:
    """The same bytes in memory of their own length, for those that are kept.

    orjson leaves each text in the buffer it was written to, of 4 KB at least.
    """
    return bytes(memoryview(text))


def parsed(text: bytes) -> Any:  # noqa: ANN401 - anything JSON
    """Decode JSON; raises ValueError."""
    return orjson.loads(text)
