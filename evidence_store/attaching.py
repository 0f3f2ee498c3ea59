"""An attachment of a unit, such as its journal: committed to line by line, and packed."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, NamedTuple

from evidence_store.canonical import canonical, parsed
from evidence_store.codecs import ZLIB, packed
from evidence_store.digests import Digests
from evidence_store.errors import RecordError
from evidence_store.merkle import root_of
from evidence_store.model import Lines, UnitRecord


class Attached(NamedTuple):
    """An attachment as it is stored, without the entry it belongs to."""

    name: str
    root: bytes
    sha256: bytes
    size: int
    body: bytes

    def row(self, entry: int) -> tuple[Any, ...]:
        """Its row of an entry."""
        return (entry, self.name, self.sha256, self.size, ZLIB, self.body)


def attached(
    digests: Digests,
    name: str,
    told: bytes | Lines,
    without: Callable[[bytes], bytes] | None = None,
) -> Attached:
    """Commit to an attachment and pack it.

    Args:
        digests: The target's.
        name: `journal`, or `activity` with its part.
        told: What it says.
        without: Takes away what is withheld; None where nothing is.

    Raises:
        RecordError: If a line is not canonical JSON, or names do not come in order.
    """
    if isinstance(told, Lines):
        body, root = _written(digests, name, told)
        if without is None:
            return Attached(name, root, sha256(body).digest(), len(body), packed(body))
        told = body
    body = without(told) if without else told
    root = digests.attachment_root(name, body)
    return Attached(name, root, sha256(body).digest(), len(body), packed(body))


def all_attached(
    digests: Digests, unit: UnitRecord, without: Callable[[bytes], bytes] | None = None
) -> list[Attached]:
    """A unit's journal and activities, packed one by one, by name; empty ones are left out."""
    named = {"journal": unit.journal} if unit.journal else {}
    for key, told in unit.activities.items():
        named[f"activity {canonical(list(key)).decode()}"] = told
    made = (attached(digests, name, named[name], without) for name in sorted(named))
    return [each for each in made if each.size]


def _written(digests: Digests, name: str, told: Lines) -> tuple[bytes, bytes]:
    """The whole body, and the root over its lines, of which never more than one is held."""
    body = bytearray(b"{" if told.of_object else b"[")
    last: str | None = None
    leaves = []
    for field, value in told.rows():
        line = b"[%b,%b]" % (field, value) if told.of_object else value
        read = parsed(line)
        if canonical(read) != line:
            raise RecordError(f"attachment {name}: a line is not canonical JSON")
        if told.of_object:
            if last is not None and read[0] <= last:
                raise RecordError(f"attachment {name}: its names are not sorted")
            last = read[0]
            body += b"%b:%b," % (field, value)
        else:
            body += b"%b," % value
        leaves.append(digests.line(name, line).digest)
    if leaves:
        del body[-1]
    body += b"}" if told.of_object else b"]"
    return bytes(body), root_of(leaves)
