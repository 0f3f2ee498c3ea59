"""What was meant by a name that is none."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def meant(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one; None where none is near."""
    return next(iter(difflib.get_close_matches(name, list(known), 1)), None)


def suggestion(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """The end of a message about an unknown name, with what may have been meant."""
    close = meant(name, known)
    return otherwise if close is None else f"; did you mean {close!r}?"
