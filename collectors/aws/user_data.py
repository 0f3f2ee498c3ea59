"""User data of instances: where it looks like a secret. The text itself is never kept."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import Final, TypedDict

from collectors import MalformedError
from collectors.documents import SECRET_SHAPES

MOST: Final = 1_000_000
"""Bytes of unpacked user data that are looked at; EC2 takes 16 kB, packed or not."""

SHAPES: Final = (
    ("AWS access key id", re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")),
    ("private key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")),
    ("token, hash or password in an address", SECRET_SHAPES),
    (
        "password or key",
        re.compile(
            r"(?i)(?:passw(?:or)?d|secret(?:_?access)?(?:_?key)?|api_?key|auth_?token)"
            r"""["']?\s*[:=]\s*["']?(?![$<{%(]|\s)[^\s"']{8,}"""
        ),
    ),
)
"""What a secret looks like; a reference (`$NAME`, `{{resolve:…}}`, `$(…)`) is none."""


class Suspicion(TypedDict):
    """A line that looks like a secret."""

    line: int
    looks_like: str


def suspicions(encoded: str) -> list[Suspicion]:
    """The suspicious lines of user data as EC2 gives it, each once.

    Raises:
        MalformedError: it is no Base64.
    """
    found: dict[int, Suspicion] = {}
    text = _text(encoded)
    for name, shape in SHAPES:
        for match in shape.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.setdefault(line, {"line": line, "looks_like": name})
    return [found[line] for line in sorted(found)]


def _text(encoded: str) -> str:
    try:
        raw = base64.b64decode(encoded, validate=False)
    except (binascii.Error, ValueError) as error:
        raise MalformedError("user data that is no Base64") from error
    if raw.startswith(b"\x1f\x8b"):
        try:
            raw = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, MOST)
        except zlib.error as error:
            raise MalformedError("packed user data that cannot be unpacked") from error
    return raw.decode(errors="replace")
