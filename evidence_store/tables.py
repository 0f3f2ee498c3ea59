"""The store's tables: what is evidence is only ever inserted, two tables are mere caches."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from evidence_store.codecs import Leaf

# Tables without row ids keep their rows in the order of the key: reading as of a time is one seek.
# Documents are too large for that, and a table in the order of random digests is a third empty.
metadata: Final = sa.MetaData()

ID: Final = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DIGEST: Final = sa.LargeBinary(32)
# Compared and sorted by code point everywhere, so that both databases give the same order.
TEXT: Final = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def _id() -> sa.Column[int]:
    return sa.Column("id", ID, primary_key=True)


def _key(name: str) -> sa.Column[int]:
    return sa.Column(name, ID, primary_key=True, autoincrement=False)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, ID, nullable=null)


def _code(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.SmallInteger, nullable=null)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=null)


def _digest(name: str, *, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, DIGEST, nullable=null)


def _bytes(name: str, *, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, nullable=null)


def _digest_key() -> sa.Column[bytes]:
    return sa.Column("digest", DIGEST, primary_key=True)


targets: Final = sa.Table("targets", metadata, _id(), _text("name"), sa.UniqueConstraint("name"))

# The table keeps the key in clear, the leaves its digest; identity is null for a part itself.
resources: Final = sa.Table(
    "resources",
    metadata,
    _id(),
    _number("target_id"),
    _text("kind"),
    _text("scope"),
    _text("identity", null=True),
    _digest("key_digest"),
    sa.UniqueConstraint("target_id", "key_digest"),
)

# A null body is one that was let go.
contents: Final = sa.Table(
    "contents",
    metadata,
    _digest_key(),
    _code("codec"),
    _bytes("body", null=True),
)

reasons: Final = sa.Table(
    "reasons", metadata, _digest_key(), _text("reason", null=True), sqlite_with_rowid=False
)

checks: Final = sa.Table(
    "checks",
    metadata,
    _id(),
    _text("code"),
    _text("version"),
    _text("severity"),
    _bytes("body"),
    _digest("digest"),
    sa.UniqueConstraint("digest"),
)

# `body` is the exact leaf, however it is packed; every other column is an index of it. Target 0 is
# the ledger itself.
entries: Final = sa.Table(
    "entries",
    metadata,
    _id(),
    _code("kind"),
    _number("target_id"),
    _number("sweep"),
    _number("attempt"),
    _text("outcome", null=True),
    _number("recorded_at"),
    _digest("state_root", null=True),
    _digest("verdict_root", null=True),
    _number("resources", null=True),
    _number("added", null=True),
    _number("changed", null=True),
    _number("gone", null=True),
    sa.Column("body", Leaf, nullable=False),
    sa.UniqueConstraint("target_id", "kind", "sweep", "attempt"),
)

# One row per change; a null content means gone. `scope` is the document's own, and goes with it.
observations: Final = sa.Table(
    "observations",
    metadata,
    _key("resource_id"),
    _key("entry_id"),
    _digest("content", null=True),
    _text("scope", null=True),
    sqlite_with_rowid=False,
)

# One row per change; status 0 means ended. `since` starts the present run of the status.
verdicts: Final = sa.Table(
    "verdicts",
    metadata,
    _key("resource_id"),
    _key("check_id"),
    _key("entry_id"),
    _code("status"),
    _code("cause", null=True),
    _digest("reason", null=True),
    _number("since"),
    sqlite_with_rowid=False,
)

# Tables of parts, and lists of carried resources, by the SHA-256 of their canonical JSON.
part_documents: Final = sa.Table(
    "part_documents",
    metadata,
    _digest_key(),
    _code("codec"),
    _bytes("body"),
    sqlite_with_rowid=False,
)

# Who did what with evidence, and the entry that commits to it. Readers may insert the former.
accesses: Final = sa.Table(
    "accesses",
    metadata,
    _id(),
    _number("at"),
    _text("who"),
    _text("way"),
    _number("target_id", null=True),
    _number("resource_id", null=True),
    _text("detail"),
)

access_seals: Final = sa.Table("access_seals", metadata, _key("access_id"), _number("entry_id"))

attachments: Final = sa.Table(
    "attachments",
    metadata,
    _key("entry_id"),
    sa.Column("name", TEXT, primary_key=True),
    _digest("sha256", null=True),
    _number("size", null=True),
    _code("codec"),
    _bytes("body", null=True),
)

# What is kept of a content or attachment whose own body was let go: it without what was erased,
# or the whole of a content that came back after a purge. `whose` is the content's id, or the
# SHA-256 of `[entry, name]`.
remnants: Final = sa.Table(
    "remnants",
    metadata,
    _id(),
    sa.Column("whose", DIGEST, nullable=False, index=True),
    _code("codec"),
    _bytes("body", null=True),
)

# What is not to be recorded again of a resource: a member, or with "" all of it and its name.
erasures: Final = sa.Table(
    "erasures",
    metadata,
    _key("resource_id"),
    sa.Column("member", TEXT, primary_key=True),
    _number("entry_id"),
)

leaves: Final = sa.Table(
    "leaves",
    metadata,
    _key("position"),
    _number("entry_id"),
    _digest("hash"),
    sa.UniqueConstraint("entry_id"),
)

checkpoints: Final = sa.Table("checkpoints", metadata, _key("size"), _text("note"))

# What others gave for a head: 1 it is held, 2 a time stamp. Plans name each; until then `seal`.
receipts: Final = sa.Table(
    "receipts",
    metadata,
    _key("size"),
    sa.Column("kind", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("name", TEXT, primary_key=True),
    _number("at"),
    _bytes("body"),
    _digest("seal"),
)

EVIDENCE: Final = tuple(metadata.tables.values())
"""Append-only: guarded by triggers. The tables below can be dropped and recomputed."""

EMPTIED: Final = {
    contents.name: ("body",),
    remnants.name: ("body",),
    attachments.name: ("sha256", "size", "body"),
    reasons.name: ("reason",),
    resources.name: ("identity",),
    observations.name: ("scope",),
}
"""The one update there is: all of these columns, the last of which is what counts, become null."""

pending: Final = sa.Table("pending", metadata, _key("entry_id"))

current: Final = sa.Table(
    "current_state",
    metadata,
    _key("target_id"),
    _key("resource_id"),
    _digest("content", null=True),
    _digest("sha256", null=True),
    _digest("verdict"),
    _bytes("findings"),
    _bytes("since"),
    sqlite_with_rowid=False,
)

current_seals: Final = sa.Table(
    "current_seals", metadata, _key("target_id"), _digest("seal"), _digest("told")
)

CACHES: Final = (current, current_seals)

KINDS: Final = {
    "key": 1,
    "plan": 2,
    "unit": 3,
    "close": 4,
    "restore": 5,
    "retention": 21,
    "hold": 22,
    "lift": 23,
    "purge": 24,
    "erasure": 25,
    "access": 26,
}
ERASED: Final = 2
"""The codec of a document or attachment without what was erased; the others: `codecs`."""
ENDED: Final = 0
