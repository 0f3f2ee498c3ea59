"""What is kept of a document when members are erased: the rest, and the erased ones' digests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store.canonical import canonical, parsed, trimmed
from evidence_store.codecs import ZLIB, packed, unpacked
from evidence_store.database import batches
from evidence_store.decisions import made
from evidence_store.digests import Digests, content_id, lines, members
from evidence_store.merkle import root_of
from evidence_store.tables import ERASED, attachments, contents, remnants

MARK: Final = "erased"


class Kept(NamedTuple):
    """What is kept of a content.

    Attributes:
        document: The document, an erased member as `{"erased": ...}`.
        erased: Each erased member's digest.
        body: The document's bytes; as it came only if nothing is erased.
    """

    document: dict[str, Any]
    erased: Mapping[str, bytes]
    body: bytes


BODY: Final = sa.func.coalesce(
    contents.c.body,
    sa.select(remnants.c.body)
    .where(remnants.c.whose == contents.c.digest, remnants.c.body.is_not(None))
    .order_by(remnants.c.id.desc())
    .limit(1)
    .correlate(contents)
    .scalar_subquery(),
)
"""What is kept of a content; null if nothing is."""

CODEC: Final = sa.case(
    (contents.c.body.is_not(None), contents.c.codec),
    else_=sa.select(remnants.c.codec)
    .where(remnants.c.whose == contents.c.digest, remnants.c.body.is_not(None))
    .order_by(remnants.c.id.desc())
    .limit(1)
    .correlate(contents)
    .scalar_subquery(),
)
"""How that is stored."""


def mark(document: Mapping[str, Any], told: Mapping[str, str]) -> dict[str, Any]:
    """A copy of the document with `{"erased": ...}` in the place of members."""
    marked = dict(document)
    for name in sorted(told):
        group, _, field = name.partition(".")
        marked[group] = {**marked[group], field: {MARK: told[name]}}
    return marked


def erased_members(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The members of a stored document that were erased, or withheld because they had been."""
    return tuple(
        f"{group}.{name}"
        for group in ("facts", "listed")
        for name, value in sorted(_fields(document, group).items())
        if isinstance(value, dict) and value.keys() == {MARK} and isinstance(value[MARK], str)
    )


def erasable(document: Mapping[str, Any], names: Iterable[str]) -> set[str]:
    """Those of the members that a document has; `listed` and `facts` stand for all of theirs."""
    wanted = set(names)
    return {
        f"{group}.{name}"
        for group in ("facts", "listed")
        for name in _fields(document, group)
        if group in wanted or f"{group}.{name}" in wanted
    }


def _fields(document: Mapping[str, Any], group: str) -> Mapping[str, Any]:
    fields = document[group]
    return fields if isinstance(fields, dict) else {}


def kept(codec: int, data: bytes) -> Kept:
    """Read what is kept of a content.

    Raises:
        CorruptStoreError: If the bytes are not of the codec.
    """
    if codec != ERASED:
        body = unpacked(codec, data)
        return Kept(parsed(body), {}, body)
    form = parsed(unpacked(ZLIB, data))
    document = mark(form["document"], form["erased"])
    digests = {name: bytes.fromhex(digest) for name, digest in form["erased"].items()}
    return Kept(document, digests, canonical(document))


def without(found: Kept, digests: Digests, key: bytes, names: Iterable[str]) -> bytes:
    """The codec ERASED of a document: without these members and those already erased."""
    told = dict(found.erased)
    values = members(found.document)
    for name in names:
        if name not in told:
            told[name] = digests.member(key, name, values[name]).digest
    rest = dict(found.document)
    for group in ("listed", "facts"):
        fields = _fields(rest, group)
        left = {name: value for name, value in fields.items() if f"{group}.{name}" not in told}
        rest[group] = left if fields else rest[group]
    hexed = {name: digest.hex() for name, digest in told.items()}
    return packed(canonical({"document": rest, "erased": hexed}))


class Lines(NamedTuple):
    """What is kept of an attachment: its bytes, and each line's value, or digest if erased.

    In a list, an erased line stands as `{"erased": digest}`; an object lacks it.
    """

    body: bytes
    lines: list[tuple[bytes | None, bytes | None]]
    is_object: bool


def lines_without(found: Lines, digests: Digests, name: str, gone: set[int]) -> bytes:
    """The codec ERASED of an attachment: without the lines of these numbers too."""
    told = []
    for number, (line, digest) in enumerate(found.lines):
        if line is not None and number not in gone:
            told.append({"line": line.decode()})
            continue
        erased = digest or digests.line(name, line or b"").digest
        told.append({MARK: erased.hex()})
    return packed(canonical({"lines": told, "object": found.is_object}))


def kept_lines(codec: int, data: bytes) -> Lines:
    """Read what is kept of an attachment."""
    if codec != ERASED:
        body = unpacked(codec, data)
        return Lines(body, [(trimmed(line), None) for line in lines(body)], body.startswith(b"{"))
    form = parsed(unpacked(ZLIB, data))
    told: list[tuple[bytes | None, bytes | None]] = [
        (each["line"].encode(), None) if "line" in each else (None, bytes.fromhex(each[MARK]))
        for each in form["lines"]
    ]
    if form["object"]:
        body = canonical(dict(parsed(line) for line, _ in told if line is not None))
    else:
        rows = [parsed(e["line"].encode()) if "line" in e else e for e in form["lines"]]
        body = canonical(rows)
    return Lines(body, told, form["object"])


def attachment_lines(connection: sa.Connection, entry: int, name: str) -> Lines | None:
    """What is kept of an attachment; None if nothing is, or there is none."""
    row = connection.execute(
        sa.select(attachments.c.codec, attachments.c.body).where(
            attachments.c.entry_id == entry, attachments.c.name == name
        )
    ).one_or_none()
    if row is None:
        return None
    if row.body is not None:
        return kept_lines(row.codec, row.body)
    left = left_of(connection, of_attachment(entry, name))
    return None if left is None else kept_lines(*left)


def attachment_root(found: Lines, digests: Digests, name: str) -> bytes:
    """What stands for the attachment in its entry, recomputed from what is kept of it."""
    return root_of(
        digests.line(name, line).digest if line is not None else digest or b""
        for line, digest in found.lines
    )


def of_attachment(entry: int, name: str) -> bytes:
    """What names an attachment in `remnants.whose`."""
    return sha256(canonical([entry, name])).digest()


def was_purged(connection: sa.Connection) -> bool:
    """Whether anything was ever purged: only then can a content come back without its body."""
    return bool(made(connection, "purge"))


def keep_again(connection: sa.Connection, bodies: Mapping[bytes, bytes]) -> None:
    """Keep those contents, packed as ZLIB, of which nothing is left."""
    for some in batches(sorted(bodies)):
        empty = connection.scalars(
            sa.select(contents.c.digest).where(contents.c.digest.in_(some), BODY.is_(None))
        )
        for digest in empty.all():
            keep(connection, digest, ZLIB, bodies[digest])


def left_of(connection: sa.Connection, whose: bytes) -> tuple[int, bytes] | None:
    """Codec and bytes of the last remnant that was not let go too."""
    row = connection.execute(
        sa.select(remnants.c.codec, remnants.c.body)
        .where(remnants.c.whose == whose, remnants.c.body.is_not(None))
        .order_by(remnants.c.id.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.codec, row.body or b"")


def keep(connection: sa.Connection, whose: bytes, codec: int, body: bytes) -> None:
    """Keep a remnant."""
    connection.execute(sa.insert(remnants), {"whose": whose, "codec": codec, "body": body})


def id_of(found: Kept, digests: Digests, key: bytes) -> bytes:
    """The content's id, recomputed from what is kept of it."""
    return content_id(
        {
            name: found.erased.get(name) or digests.member(key, name, value).digest
            for name, value in members(found.document).items()
        }
    )
