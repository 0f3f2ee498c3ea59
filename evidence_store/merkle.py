"""The Merkle tree of RFC 6962 and RFC 9162: roots, proofs, and their verification."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY = sha256(b"").digest()


def leaf(data: bytes) -> bytes:
    """Hash of one leaf's data."""
    return sha256(b"\x00" + data).digest()


def node(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Root over leaf hashes, level by level: a lone last node moves up, as the RFC's split does."""
    level = leaf_hashes
    while len(level) > 1:
        pairs = iter(level)
        # Not zip(strict=True): the odd one out is what moves up.
        above = [sha256(b"\x01" + a + b).digest() for a, b in zip(pairs, pairs, strict=False)]
        if len(level) & 1:
            above.append(level[-1])
        level = above
    return level[0] if level else EMPTY


def roots(leaf_hashes: Iterable[bytes], sizes: Iterable[int]) -> dict[int, bytes]:
    """Roots of the trees of these sizes in one pass; a size beyond the leaves is left out."""
    wanted = set(sizes)
    found = {0: EMPTY} if 0 in wanted else {}
    peaks: list[tuple[int, bytes]] = []  # complete subtrees, the largest first
    for size, value in enumerate(leaf_hashes, 1):
        width, top = 1, value
        while peaks and peaks[-1][0] == width:
            top = node(peaks.pop()[1], top)
            width *= 2
        peaks.append((width, top))
        if size in wanted:
            head = peaks[-1][1]
            for _, left in reversed(peaks[:-1]):
                head = node(left, head)
            found[size] = head
    return found


def root_of(data: Iterable[bytes]) -> bytes:
    """Root over the data of leaves."""
    return root([sha256(b"\x00" + one).digest() for one in data])


def _split(size: int) -> int:
    """The largest power of two smaller than the size."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion(leaf_hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Proof that the leaf at the index is in the tree over all of them (RFC 9162, 2.1.3.1)."""
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"leaf {index} is not in a tree of {len(leaf_hashes)}")
    low, high, path = 0, len(leaf_hashes), []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(root(leaf_hashes[middle:high]))
            high = middle
        else:
            path.append(root(leaf_hashes[low:middle]))
            low = middle
    return tuple(reversed(path))


def sided_paths(
    leaf_hashes: Sequence[bytes], indexes: Iterable[int]
) -> list[tuple[tuple[str, bytes], ...]]:
    """For each index the siblings up to the root, each with its side, `L` or `R`.

    Such a path needs neither size nor index to be followed, and every byte of it counts.
    """
    levels = [list(leaf_hashes)]
    while len(levels[-1]) > 1:
        level = levels[-1]
        above = [node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        levels.append(above + level[len(level) & ~1 :])
    found = []
    for index in indexes:
        path, at = [], index
        for level in levels[:-1]:
            if at ^ 1 < len(level):
                path.append(("L" if at & 1 else "R", level[at ^ 1]))
            at >>= 1
        found.append(tuple(path))
    return found


def consistency(leaf_hashes: Sequence[bytes], old_size: int) -> tuple[bytes, ...]:
    """Proof that the tree over the first `old_size` leaves is a prefix (RFC 9162, 2.1.4.1)."""
    if not 0 < old_size <= len(leaf_hashes):
        raise IndexError(f"a tree of {old_size} is no prefix of one of {len(leaf_hashes)}")
    low, high, path, known = 0, len(leaf_hashes), [], True
    while old_size != high:
        middle = low + _split(high - low)
        if old_size <= middle:
            path.append(root(leaf_hashes[middle:high]))
            high = middle
        else:
            path.append(root(leaf_hashes[low:middle]))
            low, known = middle, False
    if not known:
        path.append(root(leaf_hashes[low:high]))
    return tuple(reversed(path))


def includes(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], head: bytes) -> bool:
    """Whether the path proves the leaf at the index of the tree (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, value = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            value = node(sibling, value)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            value = node(value, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and value == head


def consistent(
    old_size: int, new_size: int, old_head: bytes, new_head: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the path proves the old tree to be a prefix of the new (RFC 9162, 2.1.4.2)."""
    if old_size == new_size:
        return not path and old_head == new_head
    if not 0 < old_size < new_size or not path:
        return False
    nodes = [old_head, *path] if old_size & (old_size - 1) == 0 else list(path)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node(sibling, old), node(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_head and new == new_head
