"""How preset dictionaries are made, and what they gain on documents they were not made from.

    python -m pytest -p benchmarks.dictionary tests/collectors     # writes documents.jsonl
    python -m benchmarks.dictionary documents.jsonl [--make FOLDER]

The documents are those of this repository's tests, which are nobody's. At most sixteen of a kind
make the dictionary of their platform; what it gains is measured on sixteen others, in whose texts
every number, hash and name in capitals is drawn anew, since tests use the same few over and over.
"""

from __future__ import annotations

import argparse
import heapq
import random
import re
import string
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from collectors.documents import SECRET_SHAPES, document_of, split
from collectors.model import Resource
from evidence_store import canonical, codecs

OF_A_KIND: Final = 16
SHARED: Final = 8
"""Bytes that documents must have in common to count."""
SEGMENT: Final = 128
LARGEST: Final = 2**15 - 262
"""What deflate can still reach from the first byte of a document."""
VALUES: Final = re.compile(r"[0-9]{3,}|[0-9a-f]{4,}|[A-Z0-9]{12,}")
NEVER: Final = re.compile(rb"canary|\[secret |/home/|/tmp/", re.IGNORECASE)

made: list[Resource[Any]] = []
"""The resources of the test that runs."""


def pytest_configure() -> None:
    """Remember every resource that tests make."""
    begin = Resource.__init__

    def noted(self: Resource[Any], *args: object, **named: object) -> None:
        begin(self, *args, **named)  # type: ignore[arg-type]  # whatever it was given
        made.append(self)

    Resource.__init__ = noted  # type: ignore[method-assign]  # for this run only


def pytest_runtest_teardown() -> None:
    """Write what would be stored of them."""
    with Path("documents.jsonl").open("ab") as file:
        for resource in made:
            try:
                file.write(canonical(split(document_of(resource), resource.volatile)[0]) + b"\n")
            except (TypeError, ValueError):  # a test of what cannot be stored
                continue
    made.clear()


def kinds(path: Path) -> dict[str, list[bytes]]:
    """The documents by kind, each once, in a drawn order that is always the same."""
    found: dict[str, set[bytes]] = defaultdict(set)
    for line in path.read_bytes().splitlines():
        if not NEVER.search(line) and not SECRET_SHAPES.search(line.decode()):
            found[orjson.loads(line)["kind"]].add(line)
    found = {kind: rows for kind, rows in sorted(found.items()) if not kind.startswith("acme.")}
    chance = random.Random(1)  # noqa: S311 - the same every time
    return {kind: chance.sample(sorted(rows), len(rows)) for kind, rows in found.items()}


def grams(text: bytes) -> set[bytes]:
    """Its substrings that count."""
    return {text[at : at + SHARED] for at in range(len(text) - SHARED + 1)}


def dictionary(documents: list[bytes]) -> bytes:
    """The segments whose substrings most documents share, the best last, where it costs least."""
    shared = Counter(gram for each in documents for gram in grams(each))
    worth = {gram: count - 1 for gram, count in shared.items() if count > 1}

    def value(segment: bytes) -> int:
        return sum(worth.get(gram, 0) for gram in grams(segment))

    waiting = [
        (-value(each[at : at + SEGMENT]), number, at)
        for number, each in enumerate(documents)
        for at in range(0, max(1, len(each) - SEGMENT + 1), 4)
    ]
    heapq.heapify(waiting)
    chosen: list[bytes] = []
    size = 0
    while waiting and size < LARGEST:
        _, number, at = heapq.heappop(waiting)
        segment = documents[number][at : at + SEGMENT]
        now = value(segment)
        if waiting and -now > waiting[0][0]:  # what it shared was taken meanwhile
            heapq.heappush(waiting, (-now, number, at))
            continue
        if now == 0:
            break
        segment = b"".join(_trimmed(segment, worth))
        worth.update(dict.fromkeys(grams(segment), 0))
        chosen.append(segment)
        size += len(segment)
    return b"".join(reversed(chosen))[-LARGEST:]


def _trimmed(segment: bytes, worth: dict[bytes, int]) -> Iterator[bytes]:
    """A segment without ends that nothing shares."""
    counts = [at for at in range(len(segment)) if worth.get(segment[at : at + SHARED], 0)]
    if counts:
        yield segment[counts[0] : counts[-1] + SHARED]


def drawn_anew(document: bytes, chance: random.Random) -> bytes:
    """The document with other numbers, hashes and names: the same one stays the same."""
    others: dict[str, str] = {}

    def other(found: re.Match[str]) -> str:
        text = found[0]
        if text not in others:
            signs = string.digits if text.isdigit() else "0123456789abcdef"
            signs = signs if text.upper() != text or text.isdigit() else string.ascii_uppercase
            others[text] = "".join(chance.choices(signs, k=len(text)))
        return others[text]

    def walked(value: Any) -> Any:  # noqa: ANN401 - JSON
        match value:
            case str():
                return VALUES.sub(other, value)
            case list():
                return [walked(each) for each in value]
            case dict():
                return {name: walked(each) for name, each in value.items()}
        return value

    return canonical(walked(orjson.loads(document)))


def mean(sizes: Iterable[int]) -> float:
    """Of at least one."""
    found = list(sizes)
    return sum(found) / len(found)


def main() -> None:
    """Make a dictionary, or measure the one that ships."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path)
    parser.add_argument("--make", type=Path)
    asked = parser.parse_args()
    found = kinds(asked.documents)
    chance = random.Random(2)  # noqa: S311 - the same every time
    known: dict[str, list[bytes]] = defaultdict(list)
    others: dict[str, list[bytes]] = defaultdict(list)
    for kind, rows in found.items():
        platform = kind.partition(".")[0]
        known[platform] += rows[:OF_A_KIND]
        others[platform] += [drawn_anew(row, chance) for row in rows[OF_A_KIND:][:OF_A_KIND]]
    for platform, rows in others.items():
        if asked.make:
            (asked.make / f"{platform}-1.txt").write_bytes(dictionary(known[platform]))
        if rows:
            plain = mean(len(zlib.compress(row, 6)) for row in rows)
            ours = mean(len(codecs.packed(row, codecs.of_kind(platform))) for row in rows)
            print(f"{platform:18} {len(rows):5} documents of {mean(map(len, rows)):6.0f} bytes:"
                  f" {plain:5.0f} without, {ours:5.0f} with: {plain / ours:.2f} times")  # fmt: skip


if __name__ == "__main__":
    main()
