from __future__ import annotations

import zlib
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa

from collectors.documents import SECRET_SHAPES
from evidence_store import CorruptStoreError, StoreError, codecs
from evidence_store.codecs import DICTIONARIES, ENTRIES, ZLIB, packed, unpacked
from evidence_store.tables import contents, entries
from tests.evidence_store.builders import Bench, document, passes

RELEASED = {
    "active_directory-1": ("a493512a", 5148),
    "aws-1": ("f50b5f16", 32506),
    "azure-1": ("f7968297", 18005),
    "entra-1": ("f17b8a86", 10582),
    "entries-1": ("623eeac2", 8652),
    "gcp-1": ("bd7e07fe", 18268),
    "github-1": ("66d52c1d", 6303),
    "intune-1": ("deff9305", 5022),
    "linux-1": ("139dfdaa", 17450),
    "okta-1": ("8461f51e", 4878),
}
"""What streams call each dictionary that was ever released, and its length: for ever the same."""
TEXT = document("a", passes()).body
BODY = TEXT() if callable(TEXT) else TEXT


def test_released_dictionaries_are_what_they_were() -> None:
    found = {name: codecs.dictionary(name) for name in DICTIONARIES}
    assert {
        name: (f"{zlib.adler32(text):08x}", len(text)) for name, text in found.items()
    } == RELEASED
    assert {name: sha256(text).hexdigest() for name, text in found.items()} == DICTIONARIES
    files = {path.stem for path in codecs.FOLDER.glob("*.txt")}
    assert files == set(RELEASED), "a dictionary nobody names, or one that is missing"


def test_dictionaries_hold_no_secret() -> None:
    for name in DICTIONARIES:
        text = codecs.dictionary(name).decode()
        assert SECRET_SHAPES.search(text) is None
        assert "canary" not in text


@pytest.mark.parametrize("name", DICTIONARIES)
def test_what_is_packed_is_unpacked_again_and_smaller_than_without(name: str) -> None:
    found = packed(BODY, name)
    assert unpacked(ZLIB, found) == BODY
    assert len(found) < len(zlib.compress(BODY))
    inflate = zlib.decompressobj(zdict=codecs.dictionary(name))
    assert inflate.decompress(found) == BODY, "anybody's zlib reads it, given the file"


def test_streams_of_older_releases_are_read() -> None:
    assert unpacked(ZLIB, zlib.compress(BODY, 6)) == BODY


def test_a_dictionary_of_a_newer_release_is_named() -> None:
    stream = zlib.compressobj(zdict=b"of a newer release")
    with pytest.raises(CorruptStoreError, match=r"a dictionary we do not have \([0-9a-f]{8}\)"):
        unpacked(ZLIB, stream.compress(BODY) + stream.flush())


@pytest.mark.parametrize("whole", [packed(BODY), zlib.compress(BODY)])
def test_a_stream_that_is_cut_or_damaged_anywhere_is_refused(whole: bytes) -> None:
    for end in range(len(whole)):
        with pytest.raises(CorruptStoreError):
            unpacked(ZLIB, whole[:end])
    for place in range(len(whole)):
        edited = bytearray(whole)
        edited[place] ^= 0xFF
        with pytest.raises(CorruptStoreError):
            unpacked(ZLIB, bytes(edited))


def test_a_dictionary_that_is_damaged_or_missing_is_never_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codecs, "FOLDER", tmp_path)
    codecs.dictionary.cache_clear()
    with pytest.raises(StoreError, match="is missing or not as it was released; install"):
        codecs.dictionary(ENTRIES)
    (tmp_path / "entries-1.txt").write_bytes(b"other")
    with pytest.raises(StoreError, match="is missing or not as it was released; install"):
        codecs.dictionary(ENTRIES)


def test_documents_and_entries_are_packed_and_read_as_they_were(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    with bench.store._database.reading() as connection:
        (body,) = connection.execute(sa.select(contents.c.body)).scalars()
        raw = connection.exec_driver_sql("SELECT body FROM entries WHERE kind = 3").scalar()
        leaf = connection.scalar(sa.select(entries.c.body).where(entries.c.kind == 3))
    assert unpacked(ZLIB, body) == BODY
    assert leaf is not None
    assert leaf.startswith(b'{"added":1,')
    assert unpacked(ZLIB, bytes(raw or b"")) == leaf
    assert [row.body for row in bench.store.entries("prod")] == [leaf]


def test_a_plain_entry_of_an_older_release_is_read_and_verifies(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    (leaf,) = [row.body for row in bench.store.entries("prod")]
    bench.tamper("UPDATE entries SET body = :body WHERE kind = 3", body=leaf)
    assert bench.problems() == []
