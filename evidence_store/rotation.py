"""A new signing key: made beside the old one, named in the ledger by both, then put in place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence_store import entries, keys
from evidence_store.canonical import canonical
from evidence_store.errors import KeyMissingError, ReadOnlyError
from evidence_store.lineage import Lineage
from evidence_store.tables import KINDS
from evidence_store.tables import entries as entries_table


def next_path(store: Path) -> Path:
    """Where the new key lies until the ledger names it."""
    path = keys.signing_path(store)
    return path.with_name(f"{path.name}.next")


def make(store: Path) -> Ed25519PrivateKey:
    """Make the new key, durable before the ledger names it; one left by a crash is replaced."""
    path = next_path(store)
    key = Ed25519PrivateKey.generate()
    try:
        path.unlink(missing_ok=True)
        keys.create_file(path, keys.pem(key))
    except OSError as error:
        raise ReadOnlyError(f"{path}: {error.strerror}; the key was not changed") from error
    return key


def name(
    connection: sa.Connection,
    lineage: Lineage,
    old: Ed25519PrivateKey,
    new: Ed25519PrivateKey,
    recorded: datetime,
) -> int:
    """Write the entry that names the new key, signed by both; return its id."""
    number = connection.scalar(
        sa.select(sa.func.max(entries_table.c.sweep)).where(
            entries_table.c.target_id == 0, entries_table.c.kind == KINDS["key"]
        )
    )
    told = {
        "origin": lineage.last.origin,
        "algorithm": "ed25519",
        "public_key": new.public_key().public_bytes_raw().hex(),
        "old_key": old.public_key().public_bytes_raw().hex(),
    }
    text = canonical(told)
    signatures = {"old": old.sign(text).hex(), "new": new.sign(text).hex()}
    return entries.write(
        connection,
        entries.Position("key", 0, (number or 0) + 1, 0),
        recorded,
        told | {"signatures": signatures},
    )


def is_signed_by_both(body: Mapping[str, Any]) -> bool:
    """Whether the entry of a new key carries both keys' signatures."""
    names = ("origin", "algorithm", "public_key", "old_key")
    try:
        text = canonical({name: body[name] for name in names})
        for which, key in (("old", "old_key"), ("new", "public_key")):
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(body[key]))
            public.verify(bytes.fromhex(body["signatures"][which]), text)
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return False
    return True


def settle(store: Path, public: bytes) -> None:
    """Put the new key in its place if the ledger names it; the old one is overwritten by it.

    A crash between the entry and this step is healed by the next opening.
    """
    path = next_path(store)
    if not path.exists():
        return
    try:
        found = keys.load_signing(path)
    except KeyMissingError:
        return
    if found.public_key().public_bytes_raw() != public:
        return  # made, but never named: the next rotation replaces it
    try:
        path.replace(keys.signing_path(store))
    except OSError as error:
        raise ReadOnlyError(
            f"{path}: {error.strerror}; it belongs in the old key's place"
        ) from error
