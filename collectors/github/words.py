"""Words that several of GitHub's checks use in their reasons."""

from __future__ import annotations

from collections.abc import Sequence


def some(names: Sequence[str], most: int = 10) -> str:
    """The first names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
