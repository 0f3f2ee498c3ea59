"""Filter patterns of CloudWatch Logs: which events a metric filter counts."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from collectors import MalformedError

Test = Callable[[Mapping[str, Any]], bool]

TOKEN = re.compile(
    r'\s*(?:(&&|\|\||!=|<=|>=|[(){}=<>])|("(?:\\.|[^"\\])*")|(%(?:\\.|[^%])+%)|([^\s(){}=<>!&|"]+))'
)
TERM = re.compile(r'([-?]?)("(?:\\.|[^"\\])*"|\S+)')
COMPARES = frozenset({"=", "!=", "<", ">", "<=", ">="})


def counts(pattern: str, event: Mapping[str, Any]) -> bool:
    """Whether a filter with this pattern counts the event, which CloudTrail writes as JSON.

    Patterns for JSON (`{ $.eventName = "Delete*" }`) and for terms (`?AccessDenied ?Denied`); see
    "Filter pattern syntax for metric filters" in the CloudWatch Logs user guide.

    Raises:
        MalformedError: the pattern is none of them.
    """
    text = pattern.strip()
    if text.startswith("{"):
        return _Json(text).test(event)
    if text.startswith("["):
        raise MalformedError(f"a pattern for columns does not fit CloudTrail's events: {text}")
    return _terms(text, json.dumps(event))


def _terms(pattern: str, text: str) -> bool:
    """All plain terms, one of those marked `?`, none of those marked `-`."""
    found: dict[str, list[bool]] = {"": [], "?": [], "-": []}
    for mark, term in TERM.findall(pattern):
        wanted = json.loads(term) if term.startswith('"') else term
        found[mark].append(wanted in text)
    optional = not found["?"] or any(found["?"]) or bool(found[""])
    return all(found[""]) and optional and not any(found["-"])


class _Json:
    """A pattern in braces: comparisons joined by `&&`, which binds closer, and `||`."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._tokens = self._read()
        self._at = 0
        self._take("{")
        self.test = self._either()
        self._take("}")
        if self._at < len(self._tokens):
            raise self._wrong()

    def _read(self) -> list[str]:
        tokens, at, end = [], 0, len(self._pattern.rstrip())
        while at < end:
            found = TOKEN.match(self._pattern, at)
            if found is None:
                raise self._wrong()
            tokens.append(found.group().strip())
            at = found.end()
        return tokens

    def _wrong(self) -> MalformedError:
        return MalformedError(f"a filter pattern that is not understood: {self._pattern}")

    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        token = self._next()
        if not token or (wanted and token.upper() != wanted):
            raise self._wrong()
        self._at += 1
        return token

    def _either(self) -> Test:
        tests = [self._both()]
        while self._next() == "||":
            self._take()
            tests.append(self._both())
        return lambda event: any(test(event) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._next() == "&&":
            self._take()
            tests.append(self._one())
        return lambda event: all(test(event) for test in tests)

    def _one(self) -> Test:
        if self._next() == "(":
            self._take()
            inner = self._either()
            self._take(")")
            return inner
        selector = self._take()
        if not selector.startswith("$."):
            raise self._wrong()
        path = selector[2:].split(".")
        word = self._take()
        if word in COMPARES:
            return _comparison(path, word, self._take())
        if word.upper() == "NOT":
            self._take("EXISTS")
            return lambda event: not _found(event, path)
        if word.upper() == "EXISTS":
            return lambda event: bool(_found(event, path))
        if word.upper() != "IS":
            raise self._wrong()
        return self._state(path, self._take().upper())

    def _state(self, path: list[str], word: str) -> Test:
        states: dict[str, object] = {"TRUE": True, "FALSE": False, "NULL": None}
        if word not in states:
            raise self._wrong()
        return lambda event: any(value is states[word] for value in _found(event, path))


def _found(event: object, path: list[str]) -> list[object]:
    """What lies at a path: nothing, one value, or several below a `*`."""
    if not path:
        return [event]
    name, _, place = path[0].partition("[")
    if not isinstance(event, Mapping):
        return []
    below = list(event.values()) if name == "*" else [event[name]] if name in event else []
    if place:
        below = [item for value in below for item in _items(value, place.rstrip("]"))]
    return [end for value in below for end in _found(value, path[1:])]


def _items(value: object, place: str) -> list[object]:
    if not isinstance(value, list):
        return []
    if place == "*":
        return value
    return value[int(place) : int(place) + 1] if place.isdecimal() else []


def _comparison(path: list[str], sign: str, wanted: str) -> Test:
    """A value that is not there satisfies no comparison."""
    if sign in {"=", "!="}:
        fits = _equal(wanted)
        return lambda event: any(fits(value) == (sign == "=") for value in _found(event, path))
    try:
        limit = float(wanted)
    except ValueError:
        raise MalformedError(f"a filter pattern compares with no number: {wanted}") from None
    return lambda event: any(_compares(value, sign, limit) for value in _found(event, path))


def _compares(value: object, sign: str, limit: float) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    smaller, same = value < limit, value == limit
    return {"<": smaller, "<=": smaller or same, ">": not (smaller or same), ">=": not smaller}[
        sign
    ]


def _equal(wanted: str) -> Callable[[object], bool]:
    if wanted.startswith("%"):
        try:
            regular = re.compile(wanted[1:-1])
        except re.error:
            raise MalformedError(f"a filter pattern has no regular expression: {wanted}") from None
        return lambda value: bool(regular.search(_text(value)))
    plain = json.loads(wanted) if wanted.startswith('"') else wanted
    pattern = re.compile(".*".join(map(re.escape, plain.split("*"))), re.DOTALL)
    return lambda value: bool(pattern.fullmatch(_text(value)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
