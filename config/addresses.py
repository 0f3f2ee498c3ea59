"""Addresses of database servers, which never hold a password."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit


def is_address(text: str) -> bool:
    """Whether a text means a database server rather than a file."""
    return text.startswith(("postgresql://", "postgres://"))


def address(value: object) -> str:
    """Read a database server's address. Raises ValueError, without repeating it."""
    if not isinstance(value, str) or not is_address(value):
        raise ValueError("write an address such as postgresql://annexa@db.acme.example/annexa")
    try:
        parts = urlsplit(value)
        secret = ":" in parts.netloc.rpartition("@")[0] or "password" in parse_qs(parts.query)
    except ValueError:
        raise ValueError("is no address: check its brackets and port") from None
    if secret:
        raise ValueError("holds a password; take it out, and set `password` under [store]")
    if not parts.path.strip("/"):
        raise ValueError("names no database; end it with the database's name")
    return value
