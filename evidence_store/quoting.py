"""Which texts quote what is to be erased: reasons, journals and other documents do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from evidence_store.canonical import canonical

SHORTEST: Final = 3
"""Shorter texts stand everywhere; whoever erases one names what quotes it with `also`."""

_SEGMENTS: Final = re.compile(r"[/:|]")


class Quotes:
    """Finds any of some texts where they stand as words of their own, in plain text or JSON."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = sorted({text for text in texts if text})
        forms = {re.escape(form) for text in self.texts for form in (text, _escaped(text))}
        found = "|".join(sorted(forms, key=len, reverse=True))
        self._pattern = re.compile(rf"(?<!\w)(?:{found})(?!\w)") if forms else None

    def quoted_in(self, text: str | bytes) -> bool:
        """Whether the text quotes one of them."""
        if self._pattern is None:
            return False
        plain = text if isinstance(text, str) else text.decode(errors="replace")
        return self._pattern.search(plain) is not None

    def without(self, text: str, stand_in: str) -> str:
        """The text with something else where it quotes one of them."""
        return text if self._pattern is None else self._pattern.sub(lambda _: stand_in, text)


def _escaped(text: str) -> str:
    return canonical(text).decode()[1:-1]


def texts_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """The texts and numbers of a value that are long enough to tell something."""
    if isinstance(value, str):
        if len(value) >= SHORTEST:
            yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from texts_in(str(value))


def names_of(identity: str, listed: Iterable[Any]) -> set[str]:
    """What a resource is called: its id, the id's last segment, its addresses and names.

    Args:
        identity: Its id.
        listed: The rows its listings gave of it.
    """
    found = {identity}
    last = _SEGMENTS.split(identity)[-1]
    if len(last) >= SHORTEST:
        found.add(last)
    for text in (text for row in listed for text in texts_in(row)):
        if "@" in text or text in identity or identity in text:
            found.add(text)
    return found
