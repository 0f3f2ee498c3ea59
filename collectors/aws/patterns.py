"""The patterns of IAM policies: `*` is any text, `?` one character; what covers what."""

from __future__ import annotations

from functools import lru_cache


def covers(pattern: str, wanted: str) -> bool:
    """Whether every text that `wanted` stands for is one that `pattern` stands for.

    Never wrongly true; wrongly untrue only where `?` and `*` of both would have to be regrouped
    (`?*` covers all that `*?` stands for, and is not seen to).
    """
    return _reaches(pattern, wanted, both=False)


def overlaps(one: str, other: str) -> bool:
    """Whether some text is one that both patterns stand for."""
    return _reaches(one, other, both=True)


def is_pattern(text: str) -> bool:
    """Whether it stands for more than itself; a policy variable does, its value is not known."""
    return "*" in text or "?" in text or "${" in text


@lru_cache(maxsize=65536)
def _reaches(pattern: str, text: str, *, both: bool) -> bool:
    """Character by character: which beginnings of `text` a beginning of `pattern` stands for.

    With `both`, the signs of `text` are patterns as well; without, they are characters that only
    a `*` stands for (and `?` for `?`).
    """
    row = _start(text, both=both)
    for sign in pattern:
        row = _next(row, sign, text, both=both)
    return row[-1]


def _start(text: str, *, both: bool) -> list[bool]:
    row = [True]
    for letter in text:
        row.append(row[-1] and both and letter == "*")
    return row


def _next(row: list[bool], sign: str, text: str, *, both: bool) -> list[bool]:
    following = [row[0] and sign == "*"]
    for at, letter in enumerate(text):
        if sign == "*" or (both and letter == "*"):
            fits = row[at + 1] or following[at]
        else:
            same = sign == letter or (sign == "?" and letter != "*") or (both and letter == "?")
            fits = row[at] and same
        following.append(fits)
    return following
