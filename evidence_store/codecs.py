"""The codec of stored bytes: zlib, with a preset dictionary that ships with the product.

A dictionary is text that documents are likely to repeat; RFC 1950 lets a stream name the one it
needs by its Adler-32. A released one is never changed and never taken away, for what was stored
with it could no longer be read: a better one is one more file and one more line here.
"""

from __future__ import annotations

import zlib
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from evidence_store.errors import CorruptStoreError, StoreError

ZLIB: Final = 1
"""A stream of zlib. It says itself whether a dictionary comes before it, and which."""

DICTIONARIES: Final = {
    "documents-1": "c73aded2f263360975569b62daed00e03c735969bce3fc68ed7bd55c471f0ee2",
    "entries-1": "78135413bd2a0a917d421d9d3025bbf57e17d9abf4db7eb49580648b4d0d2f66",
}
"""Each released dictionary with its SHA-256; the files stand beside this one."""
DOCUMENTS: Final = "documents-1"
"""For what is kept of resources and of reading them."""
ENTRIES: Final = "entries-1"
"""For entries of the ledger."""

FOLDER: Final = Path(__file__).parent / "dictionaries"
LEVEL: Final = 6
NAMED: Final = 0x20
"""The bit of a stream's second byte that says it names a dictionary, in the four bytes after."""


@cache
def dictionary(name: str) -> bytes:
    """A released dictionary.

    Raises:
        StoreError: If the file is not the one that was released.
    """
    path = FOLDER / f"{name}.txt"
    text = path.read_bytes() if path.exists() else b""
    if sha256(text).hexdigest() != DICTIONARIES[name]:
        raise StoreError(f"{path}: is missing or not as it was released; install annexa again")
    return text


@cache
def _by_number() -> dict[int, str]:
    """The dictionaries by what streams call them."""
    return {zlib.adler32(dictionary(name)): name for name in DICTIONARIES}


@cache
def _begun(name: str) -> Any:  # noqa: ANN401 - zlib does not name its own type
    """A compressor that has read the dictionary: a copy costs less than reading it again."""
    return zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS, zdict=dictionary(name))


def packed(data: bytes, name: str = DOCUMENTS) -> bytes:
    """The codec ZLIB of bytes."""
    stream = _begun(name).copy()
    return bytes(stream.compress(data) + stream.flush())


def unpacked(codec: int, data: bytes) -> bytes:
    """Undo a codec.

    Raises:
        CorruptStoreError: If the codec is unknown or the bytes are not of it.
    """
    if codec != ZLIB:
        raise CorruptStoreError(f"unknown codec {codec}")
    try:
        if not data[1:2] or not data[1] & NAMED:
            return zlib.decompress(data)
        stream = zlib.decompressobj(zdict=dictionary(_named(data)))
        text = stream.decompress(data)
    except zlib.error as error:
        raise CorruptStoreError(f"compressed bytes are damaged: {error}") from error
    if not stream.eof:
        raise CorruptStoreError("compressed bytes are damaged: they end too early")
    return text


def _named(data: bytes) -> str:
    """The dictionary that a stream names."""
    number = int.from_bytes(data[2:6], "big")
    found = _by_number().get(number)
    if found is None:
        raise CorruptStoreError(f"compressed with a dictionary we do not have ({number:08x})")
    return found


class Leaf(sa.TypeDecorator[bytes]):
    """Canonical JSON objects, packed; everybody reads them as they were before.

    The first byte tells: `{` of the JSON itself, as older releases stored it, or zlib's. Bytes
    that are neither are handed over as they stand, so that whoever verifies can say where.
    """

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: sa.Dialect) -> bytes | None:  # noqa: ARG002 - the interface's
        """Pack."""
        return None if value is None else packed(value, ENTRIES)

    def process_result_value(self, value: bytes | None, dialect: sa.Dialect) -> bytes | None:  # noqa: ARG002 - as above
        """Unpack, unless it is plain or damaged; SQLite keeps a text where somebody puts one."""
        if not isinstance(value, bytes) or value.startswith(b"{"):
            return value
        try:
            return unpacked(ZLIB, value)
        except CorruptStoreError:
            return value
