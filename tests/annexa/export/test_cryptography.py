"""The verifier's own Ed25519, Merkle trees and notes, against what others made of the same."""

from __future__ import annotations

import base64
from typing import Any

import pymerkle
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from annexa.export import verify_annexa as verifier
from evidence_store import merkle, note

P, ORDER = verifier.P, verifier.ORDER
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()

SMALL_ORDER = [
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    )
]
"""Every point whose order divides eight, in its one canonical form."""


def ours(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        verifier.need_signature(public, message, signature)
    except verifier.Refused:
        return False
    return True


def theirs(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511))
def test_signatures_of_random_keys_hold_and_flipped_bits_do_not(
    seed: bytes, message: bytes, bit: int
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = key.public_key().public_bytes_raw(), key.sign(message)
    assert ours(public, message, signature)
    number = int.from_bytes(signature, "little") ^ 1 << bit
    changed = number.to_bytes(64, "little")
    assert not ours(public, message, changed)
    assert not theirs(public, message, changed)
    assert not ours(public, message + b"\x00", signature)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([PUBLIC, *SMALL_ORDER]) | st.binary(min_size=32, max_size=32),
    st.binary(max_size=8),
    st.sampled_from([KEY.sign(b"")[:32], *SMALL_ORDER]) | st.binary(min_size=32, max_size=32),
    st.sampled_from([0, 1, ORDER - 1, ORDER, ORDER + 1, 2**253, 2**256 - 1])
    | st.integers(0, 2**256 - 1),
)
def test_malformed_keys_and_signatures_are_judged_as_others_judge_them(
    public: bytes, message: bytes, commitment: bytes, scalar: int
) -> None:
    signature = commitment + scalar.to_bytes(32, "little")
    assert ours(public, message, signature) == theirs(public, message, signature)


def test_a_scalar_that_is_not_reduced_is_refused() -> None:
    signature = KEY.sign(b"head")
    scalar = int.from_bytes(signature[32:], "little")
    for more in (scalar + ORDER, scalar + 2 * ORDER):
        other = signature[:32] + more.to_bytes(32, "little")
        assert not ours(PUBLIC, b"head", other)
        assert not theirs(PUBLIC, b"head", other)


@pytest.mark.parametrize("size", [0, 31, 32, 63, 65, 96, 128])
def test_signatures_and_keys_of_another_length_are_refused(size: int) -> None:
    signature = (KEY.sign(b"head") * 2)[:size]
    assert not ours(PUBLIC, b"head", signature)
    assert not ours((PUBLIC * 4)[:size], b"head", KEY.sign(b"head")) or size == 32


def test_points_that_are_not_on_the_curve_or_written_twice_are_refused() -> None:
    for number in (P, P + 1, 2**255 - 1, 2):
        with pytest.raises(verifier.Refused):
            verifier.decompressed(number.to_bytes(32, "little"))
    with pytest.raises(verifier.Refused):  # zero has no sign
        verifier.decompressed((1 | 1 << 255).to_bytes(32, "little"))


LEAVES = [merkle.leaf(bytes([number])) for number in range(33)]


@pytest.mark.parametrize("size", range(1, len(LEAVES) + 1))
def test_proofs_of_every_small_tree_lead_to_the_root_others_compute(size: int) -> None:
    tree, heads = pymerkle.InmemoryTree(algorithm="sha256"), [b""]
    for number in range(size):
        tree.append_entry(bytes([number]))
        heads.append(tree.get_root())
    leaves, head = LEAVES[:size], heads[-1]
    assert verifier.root_of([bytes([number]) for number in range(size)]) == head.hex()
    for index in range(size):
        path = list(merkle.inclusion(leaves, index))
        assert verifier.included(leaves[index], index, size, path) == head
        assert leads(leaves[index], (index + 1) % size, size, path) != head or size == 1
        assert leads(leaves[index], index, size, path[:-1]) != head or not path
        assert leads(leaves[index], index, size, [*path, head]) is None
        (sided,) = merkle.sided_paths(leaves, [index])
        written = [side + sibling.hex() for side, sibling in sided]
        assert verifier.climbed(bytes([index]), written)[0] == head.hex()
    for old in range(1, size + 1):
        path, before = list(merkle.consistency(leaves, old)), heads[old]
        assert verifier.extended(old, size, path, before) == (before, head)
        if path:
            assert grown(old, size, path[:-1], before) != (before, head)
            assert grown(old, size, [head, *path[1:]], before) != (before, head) or path[0] == head
        assert grown(old, size, [*path, head], before) != (before, head)
        assert grown(old, size, path, head[::-1]) != (head[::-1], head)


def leads(value: bytes, index: int, size: int, path: list[bytes]) -> bytes | None:
    try:
        return verifier.included(value, index, size, path)
    except verifier.Refused:
        return None


def grown(old: int, new: int, path: list[bytes], root: bytes) -> Any:
    try:
        return verifier.extended(old, new, path, root)
    except verifier.Refused:
        return None


def test_places_of_sided_paths_stand_in_the_order_of_the_leaves() -> None:
    for size in range(1, 34):
        paths = merkle.sided_paths(LEAVES[:size], range(size))
        places = [verifier.climbed(b"", [s + h.hex() for s, h in path])[1] for path in paths]
        assert places == sorted(set(places))


def head(size: int = 5, origin: str = "annexa/test", key: Ed25519PrivateKey = KEY) -> str:
    return note.signed(origin, size, merkle.root_of([b"x"]), key).note


def read(text: str, *sizes: str, origin: str = "annexa/test") -> set[str]:
    known = note.verifier_key(origin, PUBLIC)
    keys = [verifier.Key(f"{known} {each}".strip()) for each in sizes or ("",)]
    return set(verifier.Note(text, keys).signers)


def test_a_note_is_signed_by_the_key_that_was_given_and_by_no_other() -> None:
    hint = note.key_hash("annexa/test", PUBLIC).hex()
    assert read(head()) == {hint}
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert read(head(key=other)) == set()
    assert read(head(origin="annexa/other")) == set()
    witness = head(key=other).rpartition("\n\n")[2]
    assert read(head() + witness) == {hint}


def test_a_key_signs_only_the_sizes_that_were_said() -> None:
    assert read(head(5), "1-5")
    assert read(head(5), "5-")
    for sizes in ("6-", "1-4"):
        with pytest.raises(verifier.Refused, match="signs no size 5"):
            read(head(5), sizes)


def test_a_known_keys_wrong_signature_refuses_the_note() -> None:
    text = head()
    raw = bytearray(base64.b64decode(text.rsplit(" ", 1)[1]))
    raw[-1] ^= 1
    with pytest.raises(verifier.Refused):
        read(text.rsplit(" ", 1)[0] + f" {base64.b64encode(raw).decode()}\n")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n5\n", "\n05\n"),
        lambda text: text.replace("\n5\n", "\n5 \n"),
        lambda text: text.replace("\n5\n", f"\n{'9' * 5000}\n"),
        lambda text: text.replace("\n5\n", "\n\u0665\n"),
        lambda text: text.replace("\u2014", "-"),
        lambda text: text.rstrip("\n"),
        lambda text: text + "\n",
        lambda text: text.replace("=\n\n", "\n\n"),
        lambda text: "\n".join(text.split("\n")[:3]),
        lambda _: "",
    ],
)
def test_a_note_in_another_form_is_refused(change: Any) -> None:
    try:
        signers = read(change(head()))
    except (verifier.Refused, ValueError):
        return
    assert signers == set()


@pytest.mark.parametrize(
    "text",
    ["", "annexa/test", "a+b+c", note.verifier_key("annexa/test", PUBLIC)[:-4],
     note.verifier_key("annexa/test", PUBLIC).replace("test", "rest")],
)  # fmt: skip
def test_a_mistyped_key_is_a_mistake_of_the_command_line(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verifier.main(["package", "--key", text]) == 3
    assert "Traceback" not in capsys.readouterr().err
