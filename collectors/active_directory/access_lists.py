"""Access lists of objects: who may do what, from a security descriptor ([MS-DTYP] 2.4.6)."""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from collectors import MalformedError
from collectors.active_directory.values import sid

# [MS-DTYP] 2.4.4.1 and 2.4.3, [MS-ADTS] 5.1.3.2.
ALLOWED: Final = 0x00
ALLOWED_OBJECT: Final = 0x05
INHERIT_ONLY: Final = 0x08
OBJECT_PRESENT: Final = 0x1
INHERITED_PRESENT: Final = 0x2

EXTENDED_RIGHT: Final = 0x100
WRITE_PROPERTY: Final = 0x20
WRITE_DACL: Final = 0x40000
WRITE_OWNER: Final = 0x80000
GENERIC_ALL: Final = 0x10000000
GENERIC_WRITE: Final = 0x40000000
FULL: Final = 0xF01FF
"""Every right on an object of a directory."""

LONGEST: Final = 2048
"""Rights in a list; the list's own size is 64 KiB at most."""


@dataclass(frozen=True)
class Grant:
    """One right that a list gives to somebody; `of` narrows it to an extended right or property."""

    who: str
    mask: int
    of: UUID | None

    def gives(self, mask: int) -> bool:
        """Whether all of these rights are given."""
        return self.mask & mask == mask or bool(self.mask & GENERIC_ALL)

    def extends(self, right: UUID) -> bool:
        """Whether an extended right is given: by its name, with all of them, or with everything."""
        return self.gives(EXTENDED_RIGHT) and self.of in {None, right}


def grants(descriptor: str) -> list[Grant]:
    """What a security descriptor (base64) grants on the object itself; refusals are left out.

    A refusal can only take away, so whoever is not granted a right here does not have it.

    Raises:
        MalformedError: it is no security descriptor with an access list.
    """
    try:
        raw = base64.b64decode(descriptor, validate=True)
        control, offset = struct.unpack_from("<2xH12xI", raw)
        if not control & 0x4 or not offset:  # no list at all lets everybody do everything
            return [Grant("S-1-1-0", FULL, None)]
        count = struct.unpack_from("<4xH", raw, offset)[0]
        return list(_entries(raw, offset + 8, min(count, LONGEST)))
    except (struct.error, binascii.Error, IndexError) as error:
        raise MalformedError("no security descriptor") from error


def _entries(raw: bytes, at: int, count: int) -> Iterator[Grant]:
    for _ in range(count):
        kind, flags, size, mask = struct.unpack_from("<BBHI", raw, at)
        if size < 16 or at + size > len(raw):
            raise MalformedError("an entry of the access list is cut off")
        body, of = raw[at + 8 : at + size], None
        if kind == ALLOWED_OBJECT:
            present = struct.unpack_from("<I", body)[0]
            body = body[4:]
            if present & OBJECT_PRESENT:
                of, body = UUID(bytes_le=body[:16]), body[16:]
            if present & INHERITED_PRESENT:
                body = body[16:]
        at += size
        if kind in {ALLOWED, ALLOWED_OBJECT} and not flags & INHERIT_ONLY:
            yield Grant(sid(body[: 8 + 4 * body[1]]), mask, of)
