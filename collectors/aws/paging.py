"""Paging by hand, for operations whose pages hold several lists at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from collectors import CallError, Cause, MalformedError


def pages(
    ask: Callable[..., Any], *, marker: str = "Marker", **parameters: object
) -> Iterator[Mapping[str, Any]]:
    """Every page of an operation; it ends only where no token comes.

    Raises:
        CallError: partial where a page says it is truncated and gives no token.
        MalformedError: a token came twice.
    """
    seen: set[str] = set()
    more: dict[str, object] = {}
    while True:
        page = ask(**parameters, **more)
        yield page
        token = page.get(marker)
        if not token:
            if page.get("IsTruncated"):
                raise CallError(Cause.PARTIAL, "truncated answer without token")
            return
        if token in seen:
            raise MalformedError("the same page token came twice")
        seen.add(token)
        more = {marker: token}


def rows(
    ask: Callable[..., Any], key: str, *, marker: str = "Marker", **parameters: object
) -> Iterator[Any]:
    """The rows of every page."""
    for page in pages(ask, marker=marker, **parameters):
        yield from page.get(key, [])
