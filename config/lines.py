"""On which line of a TOML file each setting stands, for error messages."""

from __future__ import annotations

import re
import tomllib

from config.values import Place

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_QUOTED = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


def lines(text: str) -> dict[Place, int]:
    """The line of every table, key and list item of a text that `tomllib` has read without error.

    The standard parser keeps no positions. This one only finds the places, and trusts that the
    text is well formed.
    """
    return _Scanner(text).document()


class _Scanner:
    """One pass over the text; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.found: dict[Place, int] = {(): 1}
        self.sizes: dict[Place, int] = {}  # how many tables each array of tables has so far

    def document(self) -> dict[Place, int]:
        """Read all statements: headers, and keys with values below them."""
        table: Place = ()
        self.skip()
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip()
        return self.found

    def skip(self) -> None:
        """Go past blanks, line breaks and comments."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def note(self, place: Place) -> None:
        """Remember the present line for a place and the tables it implies, the first one wins."""
        line = self.text.count("\n", 0, self.at) + 1
        for length in range(1, len(place) + 1):
            self.found.setdefault(place[:length], line)

    def header(self) -> Place:
        """Read `[table]` or `[[table]]`, and say where its keys belong."""
        array = self.text.startswith("[[", self.at)
        start = self.at
        self.at += 2 if array else 1
        keys = self.keys()
        end, self.at = self.at + (2 if array else 1), start
        place: Place = ()
        for key in keys[:-1]:
            place = self.latest((*place, key))
        place = (*place, keys[-1])
        if array:
            self.note(place)
            self.sizes[place] = self.sizes.get(place, 0) + 1
            place = self.latest(place)
        self.note(place)
        self.at = end
        return place

    def latest(self, place: Place) -> Place:
        """The last table of an array of tables; any other place is itself."""
        size = self.sizes.get(place)
        return place if size is None else (*place, size - 1)

    def keys(self) -> list[str]:
        """Read a key with its dots."""
        keys: list[str] = []
        while True:
            self.skip()
            quoted = _QUOTED.match(self.text, self.at)
            match = quoted or _BARE.match(self.text, self.at)
            if match is None:
                raise ValueError(f"no key at character {self.at}; the text is no TOML")
            # The parser itself undoes the quoting: escapes are not worth writing twice.
            keys.append(*tomllib.loads(f"{match[0]} = 0"))
            self.at = match.end()
            self.skip()
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def pair(self, table: Place) -> None:
        """Read `key = value`."""
        start = self.at
        place = (*table, *self.keys())
        end, self.at = self.at + 1, start  # past the equals sign
        self.note(place)
        self.at = end
        self.value(place)

    def value(self, place: Place) -> None:
        """Read a value, going into lists and inline tables."""
        self.skip()
        opening = self.text[self.at]
        if opening in "[{":
            self.at += 1
            self.skip()
            number = 0
            while self.text[self.at] not in "]}":
                if opening == "{":
                    self.pair(place)
                else:
                    self.note((*place, number))
                    self.value((*place, number))
                self.skip()
                if self.text[self.at] == ",":
                    self.at += 1
                    self.skip()
                number += 1
            self.at += 1
            return
        match = _QUOTED.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
        self.at = match.end() if match else self.at
