"""The codec of stored bytes: zlib, with preset dictionaries that ship with the product.

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
    "active_directory-1": "96e3c8e650219e5a17170909879b059e75dfa2e2782c96e845e31c7d33e4c188",
    "aws-1": "99ce6561327700598aeccfb4727a1a53de228efd8bc2452eae425e5b9f6d8030",
    "azure-1": "863a30ce70323d80f0f1cdc912be05736697ee4df3521863f3eb341a1e59f0fb",
    "entra-1": "79a1cc68645179077675c1671c4ff90a1b02baaaf9e12e64662b34d84e10cfe5",
    "entries-1": "78135413bd2a0a917d421d9d3025bbf57e17d9abf4db7eb49580648b4d0d2f66",
    "gcp-1": "fd690647e295b0de838c2988ce855d5b33d5eec68ad2ec5612233ec59bf74cc4",
    "github-1": "0b82c61147d31c372b660bfa3ab0259d775fb08124709b5f766d445e0cc83718",
    "intune-1": "7e1ca4f90df974520f7d6828d53f6dcd0737a86a5dcfd1a55633b52c043f1786",
    "linux-1": "8ac74be8c51e7a7500d827df8dfef737bda56a27adba7f35f82f15815cc55a44",
    "okta-1": "fb4e6e938a3c722e681a96e08d5befa72366a16d521d9a1f79712637a2dcd85f",
}
"""Each released dictionary with its SHA-256; the files stand beside this one, the newest last."""
ENTRIES: Final = "entries-1"
"""For entries of the ledger."""
OTHERS: Final = "aws-1"
"""For what has none of its own: the one that knows most."""
NEWEST: Final = {name.rpartition("-")[0]: name for name in DICTIONARIES}
"""By the platform whose documents it was made of: the first word of their kinds."""

FOLDER: Final = Path(__file__).parent / "dictionaries"
LEVEL: Final = 6
NAMED: Final = 0x20
"""The bit of a stream's second byte that says it names a dictionary, in the four bytes after."""
DEFLATE: Final = 0x78
"""The first byte of a stream of deflate in a window of 32 KB; with the second, a multiple of 31."""
HEADER: Final = 6
"""Bytes of a stream that come before its deflate, with that name."""


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


def of_kind(kind: str) -> str:
    """The dictionary for documents of a kind."""
    return NEWEST.get(kind.partition(".")[0], OTHERS)


def packed(data: bytes, name: str = OTHERS) -> bytes:
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
        if data[1:2] and data[1] & NAMED:
            return _after_dictionary(data)
        return zlib.decompress(data)
    except zlib.error as error:
        raise CorruptStoreError(f"compressed bytes are damaged: {error}") from error


def _after_dictionary(data: bytes) -> bytes:
    """Undo a stream that names its dictionary, as the raw deflate that is in it.

    Otherwise zlib would compute the dictionary's Adler-32 each time, to see whether it is the one
    that is named: two thirds of the whole. It is known to be.
    """
    if data[0] != DEFLATE or int.from_bytes(data[:2], "big") % 31:
        raise CorruptStoreError("compressed bytes are damaged: they begin as no stream of zlib")
    stream = zlib.decompressobj(-zlib.MAX_WBITS, zdict=dictionary(_named(data)))
    text = stream.decompress(memoryview(data)[HEADER:])
    if not stream.eof:
        raise CorruptStoreError("compressed bytes are damaged: they end too early")
    if stream.unused_data != zlib.adler32(text).to_bytes(4, "big"):
        raise CorruptStoreError("compressed bytes are damaged: their checksum is of others")
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
