"""How a signed head is named where it is held: sortable, safe as a path, never the same twice."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from evidence_store import note
from evidence_store.answers import Checkpoint
from evidence_store.errors import CorruptStoreError, OutsideError

SUFFIX: Final = ".checkpoint"
_FILE: Final = re.compile(r"(\d{4})-(\d{15})-[0-9a-f]{12}\.checkpoint")
LONGEST: Final = 65_536
"""Bytes of a note that are read; a signed head has a few hundred."""


def folder(ledger: str) -> str:
    """One path component for a ledger's name, whatever characters it has."""
    # A tilde instead of the percent sign, which addresses and shells would read again.
    made = quote(ledger, safe="").replace("~", "%7E").replace("%", "~")
    return made if made.strip(".") else made.replace(".", "~2E")


def epoch(ledger: str, origin: str) -> int:
    """Which epoch of the ledger an origin names: 1 is the ledger's own name, then `<name>/2`.

    Raises:
        OutsideError: If the origin is another ledger's.
    """
    if origin == ledger:
        return 1
    number = origin.removeprefix(f"{ledger}/")
    if origin.startswith(f"{ledger}/") and re.fullmatch(r"[1-9]\d{0,3}", number):
        return int(number)
    raise OutsideError(f"a head of {origin} is no head of the ledger {ledger}")


def file_name(ledger: str, head: Checkpoint) -> str:
    """The name of a head: epoch, size, and a digest of what is signed.

    Two heads of one size have two names: a fork is kept and seen, not overwritten.
    """
    text, _, _ = head.note.partition("\n\n")
    digest = sha256(text.encode()).hexdigest()[:12]
    return f"{epoch(ledger, note.origin(head.note)):04d}-{head.size:015d}-{digest}{SUFFIX}"


def held(ledger: str, name: str, content: bytes, place: str) -> Checkpoint:
    """Read a held head and check that it is what its name says.

    Raises:
        OutsideError: If it is not: somebody edited what is held.
    """
    try:
        head = note.read(content.decode())
        if file_name(ledger, head) == name:
            return head
    except (CorruptStoreError, UnicodeDecodeError):
        pass
    raise OutsideError(
        f"{place}: {name} is not the signed head its name says; it was edited where it is held"
    )


def heads_only(found: Iterable[str]) -> list[str]:
    """The names of heads among others, in the order of epochs and sizes."""
    return sorted(name for name in found if _FILE.fullmatch(name))


def read_latest(
    ledger: str, found: Iterable[str], read: Callable[[str], bytes], place: str
) -> Checkpoint | None:
    """The last head by name, read."""
    names = heads_only(found)
    return held(ledger, names[-1], read(names[-1]), place) if names else None


def read_all(
    ledger: str, found: Iterable[str], read: Callable[[str], bytes], place: str
) -> list[Checkpoint]:
    """Every head by name, read."""
    return [held(ledger, name, read(name), place) for name in heads_only(found)]


def same_head(content: bytes, head: Checkpoint) -> bool:
    """Whether what is held is this very head; its signature lines may be others."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return text.partition("\n\n")[0] == head.note.partition("\n\n")[0]
