from __future__ import annotations

import hashlib

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_store import digests, merkle

LEAVES = [merkle.leaf(bytes([number])) for number in range(24)]


def test_the_empty_tree_and_one_leaf_are_as_the_rfc_says() -> None:
    assert merkle.root([]) == hashlib.sha256(b"").digest()
    assert merkle.root_of([b"x"]) == hashlib.sha256(b"\x00x").digest()


@pytest.mark.parametrize("size", range(1, len(LEAVES) + 1))
def test_every_proof_of_every_small_tree_holds_and_no_other_does(size: int) -> None:
    leaves = LEAVES[:size]
    head = merkle.root(leaves)
    for index in range(size):
        path = merkle.inclusion(leaves, index)
        assert merkle.includes(leaves[index], index, size, path, head)
        for other in set(range(size)) - {index}:
            assert not merkle.includes(leaves[index], other, size, path, head)
        for cut in range(len(path)):
            assert not merkle.includes(leaves[index], index, size, path[:cut], head)
        assert not merkle.includes(leaves[index], index, size, (*path, head), head)
        assert not merkle.includes(merkle.leaf(b"other"), index, size, path, head)
    for old in range(1, size + 1):
        old_head, path = merkle.root(leaves[:old]), merkle.consistency(leaves, old)
        assert merkle.consistent(old, size, old_head, head, path)
        assert not merkle.consistent(old, size, merkle.leaf(b"other"), head, path)
        assert not merkle.consistent(old, size, old_head, merkle.leaf(b"other"), path)
        assert not merkle.consistent(old, size, old_head, head, (*path, head))
        if old < size:
            for cut in range(len(path)):
                assert not merkle.consistent(old, size, old_head, head, path[:cut])


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=80), st.data())
def test_a_flipped_bit_anywhere_in_a_proof_is_refused(
    values: list[bytes], data: st.DataObject
) -> None:
    leaves = [merkle.leaf(value) for value in values]
    index = data.draw(st.integers(0, len(leaves) - 1))
    path, head = list(merkle.inclusion(leaves, index)), merkle.root(leaves)
    assert merkle.includes(leaves[index], index, len(leaves), path, head)
    if path:
        place, bit = data.draw(st.integers(0, len(path) - 1)), data.draw(st.integers(0, 255))
        number = int.from_bytes(path[place], "big") ^ (1 << bit)
        path[place] = number.to_bytes(32, "big")
        assert not merkle.includes(leaves[index], index, len(leaves), path, head)


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_an_independent_implementation_agrees(values: list[bytes], data: st.DataObject) -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for value in values:
        tree.append_entry(value)
    leaves = [merkle.leaf(value) for value in values]
    assert tree.get_root() == merkle.root(leaves)
    old = data.draw(st.integers(1, len(values)))
    proof = tree.prove_consistency(old, len(values))
    pymerkle.verify_consistency(merkle.root(leaves[:old]), merkle.root(leaves), proof)


@pytest.mark.parametrize(("size", "index"), [(0, 0), (3, 3), (3, -1)])
def test_a_leaf_outside_the_tree_has_no_proof(size: int, index: int) -> None:
    with pytest.raises(IndexError):
        merkle.inclusion(LEAVES[:size], index)
    assert not merkle.includes(LEAVES[0], index, size, (), LEAVES[0])


@given(
    st.dictionaries(
        st.text(max_size=5), st.integers(-(2**53), 2**53) | st.text(max_size=5), max_size=5
    )
)
def test_a_document_is_committed_to_member_by_member(facts: dict[str, object]) -> None:
    """The quick way to a content's id is the plain one."""
    found = {"id": "a", "kind": "k", "scope": "", "listed": {}, "facts": facts}
    mine = digests.Digests(b"\1" * 32, "prod")
    plain = {n: mine.member(b"key", n, v).digest for n, v in digests.members(found).items()}
    assert mine.content_id(b"key", found) == digests.content_id(plain)
