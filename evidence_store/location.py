"""Where a store is: a file of SQLite's, or a database of a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from evidence_store.errors import StoreError

SCHEMES = ("postgresql", "postgres")


@dataclass(frozen=True, slots=True)
class File:
    """An SQLite file; the keys lie beside it."""

    path: Path

    @property
    def name(self) -> str:
        """The location as messages say it."""
        return str(self.path)

    @property
    def keys(self) -> Path:
        """What the names of the key files begin with."""
        return self.path


@dataclass(frozen=True, slots=True)
class Server:
    """A database of a PostgreSQL server.

    Attributes:
        url: As libpq reads it, `postgresql://user@host:port/database?sslmode=verify-full`; it never
            holds the password.
        folder: Where the two key files lie, since there is no file to lie beside.
        password: Gives the password, anew for each connection, so that it can be rotated; without
            one, libpq's own ways hold (`~/.pgpass`, $PGPASSWORD, peer, certificate).
    """

    url: str
    folder: Path
    password: Callable[[], str] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what would put a password into messages and process lists."""
        if holds_password(self.url):
            raise StoreError(
                f"{self.name}: the address holds a password, which every list of processes would"
                " show; set `password` under [store], ~/.pgpass or $PGPASSWORD instead"
            )

    @property
    def name(self) -> str:
        """The location as messages say it: user, host, port and database, no parameter."""
        parts = urlsplit(self.url)
        place = parts.netloc.rpartition("@")
        user = place[0].partition(":")[0]
        host = place[2] or next(iter(parse_qs(parts.query).get("host", [])), "")
        return f"postgresql://{user}{'@' if user else ''}{host}/{self.database}"

    @property
    def database(self) -> str:
        """The database's name, as far as the address says it."""
        return unquote(urlsplit(self.url).path.strip("/"))

    @property
    def keys(self) -> Path:
        """What the names of the key files begin with."""
        return self.folder / (self.database.replace("/", "_") or "annexa")


Location: TypeAlias = File | Server


def is_server(text: str) -> bool:
    """Whether a text is the address of a server rather than a path."""
    return text.partition("://")[0] in SCHEMES and "://" in text


def holds_password(url: str) -> bool:
    """Whether an address holds a password, before the host or among the parameters."""
    parts = urlsplit(url)
    return ":" in parts.netloc.rpartition("@")[0] or "password" in parse_qs(parts.query)
