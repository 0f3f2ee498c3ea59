from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidence_store import CorruptStoreError, NotFoundError, ResourceKey, merkle, note
from evidence_store.canonical import canonical
from tests.evidence_store.builders import VERSIONED, document, fails, passes

if TYPE_CHECKING:
    from tests.evidence_store.builders import Bench

KEY = ResourceKey("aws.s3.bucket", "", "a")


def test_entries_get_their_place_once_and_in_order(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    assert bench.store.sequence() == 4
    assert bench.store.sequence() == 0
    bench.sweep([])
    assert bench.store.sequence() == 3
    assert [row.index for row in bench.store.entries()] == list(range(7))


def test_an_entry_is_proven_under_the_newest_checkpoint(bench: Bench) -> None:
    receipt = bench.sweep([document("a", passes())])
    assert bench.store.entry(receipt.entry).proof is None
    head = bench.store.checkpoint()
    bench.sweep([])
    newer = bench.store.checkpoint()
    row = bench.store.entry(receipt.entry)
    assert row.proof is not None
    assert row.proof.checkpoint == newer
    leaf = merkle.leaf(row.body)
    assert merkle.includes(leaf, row.proof.index, newer.size, row.proof.path, newer.root)
    path = bench.store.consistency(head.size, newer.size)
    assert merkle.consistent(head.size, newer.size, head.root, newer.root, path)
    assert bench.store.checkpoints() == [head, newer]
    assert bench.store.checkpoint() == newer
    with pytest.raises(NotFoundError):
        bench.store.consistency(1, 99)


def test_the_note_is_what_the_specification_says(bench: Bench) -> None:
    head = bench.store.checkpoint()
    name, key_hash, encoded = bench.store.verifier_key.split("+", 2)
    raw = base64.b64decode(encoded)
    assert raw[:1] == b"\x01"
    assert hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() == key_hash
    text, signature = head.note.split("\n\n")
    assert text.split("\n") == ["annexa/test", "1", base64.b64encode(head.root).decode()]
    dash, signer, line = signature.strip().split(" ")
    assert (dash, signer) == ("\u2014", "annexa/test")
    value = base64.b64decode(line)
    assert value[:4].hex() == key_hash
    Ed25519PublicKey.from_public_bytes(raw[1:]).verify(value[4:], f"{text}\n".encode())


def test_any_other_note_is_refused(bench: Bench) -> None:
    head = bench.store.checkpoint()
    public = bench.store._keys.public
    assert note.is_signed(head.note, "annexa/test", public)
    assert note.read(head.note) == head
    for place, letter in enumerate(head.note.rstrip("\n")):
        other = "B" if letter != "B" else "C"
        forged = head.note[:place] + other + head.note[place + 1 :]
        if base64_equal(head.note, forged):
            continue
        assert not note.is_signed(forged, "annexa/test", public), place
    assert not note.is_signed(head.note, "annexa/test", bytes(32))
    with pytest.raises(CorruptStoreError):
        note.read("annexa/test\nmany\n")


def base64_equal(one: str, other: str) -> bool:
    """Whether only unused bits of the last base64 letter differ."""
    first, second = one.strip().rsplit(" ", 1), other.strip().rsplit(" ", 1)
    try:
        same = base64.b64decode(first[1]) == base64.b64decode(second[1])
    except ValueError:
        return False
    return first[0] == second[0] and same


def test_a_fork_is_not_signed(bench: Bench) -> None:
    bench.sweep([])
    bench.store.checkpoint()
    bench.tamper("UPDATE leaves SET hash = zeroblob(32) WHERE position = 1")
    with pytest.raises(CorruptStoreError, match="nothing was signed"):
        bench.store.checkpoint()


def test_a_member_can_be_checked_without_the_key_up_to_the_signed_head(bench: Bench) -> None:
    """What an offline verifier does, in hashlib alone."""

    def sized(value: bytes) -> bytes:
        return len(value).to_bytes(4, "big") + value

    def digest(name: str, value: bytes, salt: bytes) -> bytes:
        tag = b"annexa member v1\x00"
        return hashlib.sha256(tag + salt + sized(name.encode()) + value).digest()

    receipt = bench.sweep([document("a", passes(), fails(VERSIONED)), document("b", fails())])
    head = bench.store.checkpoint()
    opened = bench.store.disclose("prod", KEY)
    shown = next(member for member in opened.members if member.name == "facts.versioning")
    assert shown.value == b'{"Status":"Enabled"}'
    withheld = {member.name: member.digest for member in opened.members}
    withheld[shown.name] = digest(shown.name, shown.value, shown.salt)
    fields = b"".join(sized(name.encode()) + withheld[name] for name in sorted(withheld))
    count = len(withheld).to_bytes(4, "big")
    content = hashlib.sha256(b"annexa content v1\x00" + count + fields).digest()
    key_digest = digest("key", opened.key.value, opened.key.salt)
    leaves = bench.store.leaves("prod")
    assert (key_digest, content) in leaves.state
    assert merkle.root_of(key + value for key, value in leaves.state) == receipt.state_root

    items = bench.store.disclose_findings("prod", KEY)
    told = [
        [
            item.check_digest.hex(),
            item.status,
            item.cause,
            digest("reason", item.reason.value, item.reason.salt).hex() or None
            if item.reason.value
            else None,
        ]
        for item in items
    ]
    for item in items:
        text = canonical(dict(item.check))
        assert hashlib.sha256(b"annexa check v1\x00" + text).digest() == item.check_digest
    verdict = hashlib.sha256(canonical(sorted(told))).digest()
    assert (key_digest, verdict) in leaves.verdicts
    assert merkle.root_of(key + value for key, value in leaves.verdicts) == receipt.verdict_root

    row = bench.store.entry(leaves.entry)
    assert receipt.state_root.hex().encode() in row.body
    assert row.proof is not None
    assert merkle.includes(
        merkle.leaf(row.body), row.proof.index, head.size, row.proof.path, head.root
    )


def test_a_resource_that_is_gone_cannot_be_disclosed_now_but_as_of_then(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    then = bench.clock()
    bench.sweep([])
    with pytest.raises(NotFoundError):
        bench.store.disclose("prod", KEY)
    assert bench.store.disclose("prod", KEY, then).key.value == b'["aws.s3.bucket","","a"]'
