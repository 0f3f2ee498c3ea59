"""The two key files of a store: the secret of the digests, and the key that signs heads."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from evidence_store.errors import KeyMissingError, ReadOnlyError

CURE = "restore it from the backup of the store's folder; a new key cannot replace it"


@dataclass(frozen=True, slots=True)
class Keys:
    """Both keys, as read."""

    secret: bytes
    signing: Ed25519PrivateKey

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public signing key."""
        return self.signing.public_key().public_bytes_raw()


def secret_path(store: Path) -> Path:
    """Where the digests' secret lies."""
    return store.with_name(f"{store.name}.digest-key")


def signing_path(store: Path) -> Path:
    """Where the signing key lies."""
    return store.with_name(f"{store.name}.signing-key")


def create_file(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, whole or not at all, unless it is there."""
    if path.exists():
        return
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def pem(key: Ed25519PrivateKey) -> bytes:
    """A signing key as its file has it."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def create(store: Path) -> None:
    """Create the key files that are not there; the caller holds the lock of an empty store."""
    signing = pem(Ed25519PrivateKey.generate())
    try:
        store.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_file(secret_path(store), secrets.token_hex(32).encode() + b"\n")
        create_file(signing_path(store), signing)
    except OSError as error:
        raise ReadOnlyError(f"{store.parent}: cannot write the store's keys: {error}") from error


def read(store: Path) -> Keys:
    """Read both keys.

    Raises:
        KeyMissingError: If one is missing, unreadable or damaged.
    """
    path = secret_path(store)
    try:
        secret = bytes.fromhex(path.read_text("ascii"))
    except OSError as error:
        raise KeyMissingError(f"{path}: {error.strerror}; {CURE}") from error
    except ValueError as error:
        raise KeyMissingError(f"{path}: damaged ({error}); {CURE}") from error
    if len(secret) != 32:
        raise KeyMissingError(f"{path}: not a key of 32 bytes in hex; {CURE}")
    return Keys(secret, load_signing(signing_path(store)))


def load_signing(path: Path) -> Ed25519PrivateKey:
    """Read a signing key.

    Raises:
        KeyMissingError: If it is missing, unreadable, damaged, or of another kind.
    """
    try:
        signing = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise KeyMissingError(f"{path}: {error.strerror}; {CURE}") from error
    except (ValueError, TypeError) as error:
        raise KeyMissingError(f"{path}: damaged ({error}); {CURE}") from error
    if not isinstance(signing, Ed25519PrivateKey):
        raise KeyMissingError(f"{path}: not an Ed25519 key; {CURE}")
    return signing
