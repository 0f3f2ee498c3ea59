"""Salted digests: what commits to a value without letting anyone guess it, and can be opened."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import Any

from evidence_store.answers import Member
from evidence_store.canonical import canonical, parsed
from evidence_store.merkle import root_of
from evidence_store.model import CheckRef, ResourceKey

SALT = b"annexa salt v1\x00"
MEMBER = b"annexa member v1\x00"
CONTENT = b"annexa content v1\x00"
CHECK = b"annexa check v1\x00"
KEY = b"annexa key v1\x00"
DERIVED = b"annexa derived key v1\x00"
FIELDS = frozenset({"facts", "id", "kind", "listed", "scope"})
"""A document's own; all of them are in its members."""
PADS = [bytes(each ^ pad for each in range(256)) for pad in (0x36, 0x5C)]
"""The two of HMAC, as tables that turn a key into its block."""


def _sized(value: bytes) -> bytes:
    """A field that cannot run into the next."""
    return len(value).to_bytes(4, "big") + value


@lru_cache(maxsize=4096)
def _sized_name(name: str) -> bytes:
    """A member's name as such a field; there are few, and each comes a million times."""
    return _sized(name.encode())


def member_digest(name: str, value: bytes, salt: bytes) -> bytes:
    """SHA-256(tag, 32 bytes of salt, length of the name, name, value): needs no key to check."""
    return sha256(MEMBER + salt + _sized(name.encode()) + value).digest()


def content_id(digests: Mapping[str, bytes]) -> bytes:
    """SHA-256(tag, number of members, then each name with its digest, sorted by name)."""
    fields = (_sized(name.encode()) + digests[name] for name in sorted(digests))
    return sha256(CONTENT + len(digests).to_bytes(4, "big") + b"".join(fields)).digest()


def check_digest(check: CheckRef) -> bytes:
    """Digest of everything that identifies a check's version; not salted, checks are public."""
    return sha256(CHECK + check_text(check)).digest()


def check_text(check: CheckRef) -> bytes:
    """Canonical JSON of a check's version."""
    return canonical(
        {
            "criteria": dict(check.criteria),
            "id": check.id,
            "severity": check.severity,
            "version": check.version,
        }
    )


def key_text(key: ResourceKey) -> bytes:
    """Canonical JSON of a resource's key: `[kind, listing scope, id or null]`."""
    return canonical(list(key))


def derived(secret: bytes, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose; it tells nothing about the secret or other purposes."""
    return hmac.digest(secret, DERIVED + purpose.encode(), "sha256")


def key_fingerprint(secret: bytes) -> bytes:
    """What the ledger's first entry says of the store's secret, so that a wrong one is noticed."""
    return sha256(KEY + secret).digest()


def members(document: Mapping[str, Any]) -> dict[str, bytes]:
    """A document's members: `kind`, `scope`, `id`, each top-level field of `listed`, each fact."""
    found = {name: canonical(document[name]) for name in ("id", "kind", "scope")}
    for group in ("listed", "facts"):
        fields = document[group]
        if isinstance(fields, dict) and fields:
            found.update({f"{group}.{name}": canonical(value) for name, value in fields.items()})
        else:  # nothing in it is also something to commit to
            found[group] = canonical(fields)
    return found


def lines(attachment: bytes) -> Iterator[bytes]:
    """An attachment's lines: the rows of a list, `[name, value]` of an object, or all as one.

    Each is committed to by itself, so that a few can be shown and the others kept back.
    """
    try:
        value = parsed(attachment)
    except ValueError:
        value = None
    if isinstance(value, dict):
        yield from (canonical([name, value[name]]) for name in sorted(value))
    elif isinstance(value, list):
        yield from map(canonical, value)
    else:
        yield attachment


def verdict_digest(findings: Iterable[Sequence[str | None]]) -> bytes:
    """Digest of a resource's findings: `[check, status, cause, reason]` sorted by check digest.

    Check and reason are digests in hex; an empty reason is null.
    """
    return sha256(canonical(sorted(findings, key=lambda finding: finding[0] or ""))).digest()


class Digests:
    """Salted digests of one target's values, under the store's secret of 32 bytes."""

    def __init__(self, secret: bytes, target: str) -> None:
        self._secret = secret
        self._prefix = SALT + _sized(target.encode())
        block = secret.ljust(sha256().block_size, b"\0")
        self._inner, self._outer = (sha256(block.translate(pad)) for pad in PADS)

    def member(self, key: bytes, name: str, value: bytes) -> Member:
        """Open a member of the resource with this key text.

        The salt is an HMAC over target, key, name and value: equal values on two resources, or
        before and after a change, share nothing, and no salt needs to be stored.
        """
        message = self._prefix + _sized(key) + _sized(name.encode()) + value
        salt = hmac.digest(self._secret, message, "sha256")
        return Member(name, value, salt, member_digest(name, value, salt))

    def key(self, key: bytes) -> Member:
        """Open a resource's key."""
        return self.member(key, "key", key)

    def key_digest(self, key: bytes) -> bytes:
        """What stands for a resource in the leaves."""
        return self.member(key, "key", key).digest

    def reason(self, key: bytes, reason: str) -> Member:
        """Open a finding's reason."""
        return self.member(key, "reason", reason.encode())

    def content_id(self, key: bytes, document: Mapping[str, Any]) -> bytes:
        """What stands for a document in the leaves: `content_id` of its members' digests.

        Written out, since recording and verifying spend most of their time here: the HMAC of
        RFC 2104 by hand, with what all members have in common hashed once.
        """
        common = self._inner.copy()
        common.update(self._prefix + _sized(key))
        told = []
        for name, value in sorted(members(document).items()):
            named = _sized_name(name)
            inner, outer = common.copy(), self._outer.copy()
            inner.update(named + value)
            outer.update(inner.digest())
            salt = outer.digest()
            told.append(named + sha256(MEMBER + salt + named + value).digest())
        return sha256(CONTENT + len(told).to_bytes(4, "big") + b"".join(told)).digest()

    def line(self, attachment: str, value: bytes) -> Member:
        """Open a line of an attachment."""
        return self.member(attachment.encode(), "line", value)

    def attachment_root(self, name: str, body: bytes) -> bytes:
        """What stands for an attachment in its entry: the root over its lines' digests."""
        return root_of(self.line(name, value).digest for value in lines(body))
