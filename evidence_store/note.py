"""Signed tree heads as text: C2SP signed notes (https://c2sp.org/signed-note, tlog-checkpoint)."""

from __future__ import annotations

import base64
import binascii
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from evidence_store.answers import Checkpoint
from evidence_store.errors import CorruptStoreError

ED25519 = b"\x01"
"""Signature type of the signed-note specification."""


def key_hash(origin: str, public: bytes) -> bytes:
    """The first four bytes that name a key in a signature line."""
    return sha256(origin.encode() + b"\n" + ED25519 + public).digest()[:4]


def verifier_key(origin: str, public: bytes) -> str:
    """The public key as the specification writes it: `name+hash+base64`."""
    encoded = base64.b64encode(ED25519 + public).decode()
    return f"{origin}+{key_hash(origin, public).hex()}+{encoded}"


def signed(origin: str, size: int, root: bytes, key: Ed25519PrivateKey) -> Checkpoint:
    """Sign a tree head."""
    text = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    public = key.public_key().public_bytes_raw()
    line = base64.b64encode(key_hash(origin, public) + key.sign(text.encode())).decode()
    return Checkpoint(size, root, f"{text}\n\u2014 {origin} {line}\n")


def read(note: str) -> Checkpoint:
    """Read a tree head, without judging its signature.

    Raises:
        CorruptStoreError: If it is no checkpoint.
    """
    try:
        _, size, root = note.split("\n\n", maxsplit=1)[0].split("\n")[:3]
        return Checkpoint(int(size), base64.b64decode(root, validate=True), note)
    except (ValueError, binascii.Error) as error:
        raise CorruptStoreError(f"not a checkpoint: {note[:80]!r}") from error


def origin(note: str) -> str:
    """The name in a note's first line."""
    return note.partition("\n")[0]


def is_signed(note: str, origin: str, public: bytes) -> bool:
    """Whether the note is of this origin and one of its lines is this key's signature."""
    text, _, lines = note.rpartition("\n\n")
    if text.split("\n")[0] != origin:
        return False
    for line in lines.splitlines():
        try:
            dash, name, encoded = line.split(" ")
            raw = base64.b64decode(encoded, validate=True)
        except (ValueError, binascii.Error):
            continue
        if (dash, name, raw[:4]) != ("\u2014", origin, key_hash(origin, public)):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], f"{text}\n".encode())
        except (InvalidSignature, ValueError):
            return False
        return True
    return False
