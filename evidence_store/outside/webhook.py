"""Heads handed to an address over HTTPS, and read back from another one where there is one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from evidence_store import note
from evidence_store.answers import Checkpoint
from evidence_store.errors import CorruptStoreError, OutsideError
from evidence_store.outside import exchange, names

SEPARATOR: Final = "\n\x1e\n"
"""Between heads where several are answered: a note never has it."""


@dataclass(frozen=True)
class WebhookHolder:
    """An address that takes a head by POST and keeps it.

    Attributes:
        url: Gets each head as `text/plain`; any 2xx says that it is kept.
        read_url: Answers GET `?ledger=<name>` with the heads it keeps, each a signed note, with a
            line of one record separator (U+001E) between two; 204 or 404 for none.
        token: Fetches the bearer token, anew for each call.
    """

    name: str
    url: str
    read_url: str | None = None
    token: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: str | None = None
    allow_http: bool = False
    seconds: float = 15.0
    kind: str = "webhook"

    @property
    def place(self) -> str:
        """The address, without its query."""
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def readable(self) -> bool:
        """Whether there is an address to read from."""
        return self.read_url is not None

    def publish(self, ledger: str, head: Checkpoint) -> None:
        """Post the head; its name is the key by which a repetition is known."""
        answer = self._ask(
            "POST",
            self.url,
            {
                "Content-Type": "text/plain; charset=utf-8",
                "Idempotency-Key": names.file_name(ledger, head),
            },
            content=head.note.encode(),
        )
        if not 200 <= answer.status < 300:
            raise OutsideError(
                f"holder {self.name}: {self.place} answered {answer.status} to the head of size "
                f"{head.size}; it counts as held only after 2xx"
            )

    def latest(self, ledger: str) -> Checkpoint | None:
        """The last head it answers."""
        found = self.all(ledger)
        return found[-1] if found else None

    def all(self, ledger: str) -> Sequence[Checkpoint]:
        """Every head it answers, in the order of epochs and sizes."""
        if self.read_url is None:
            raise OutsideError(
                f"holder {self.name}: cannot be read back; set read_url in [[store.outside]]"
            )
        answer = self._ask("GET", self.read_url, {}, params={"ledger": ledger})
        if answer.status in {204, 404}:
            return []
        if answer.status != 200:
            raise OutsideError(
                f"holder {self.name}: {self.place} answered {answer.status} when asked for what "
                "it holds"
            )
        try:
            texts = [part for part in answer.body.decode().split(SEPARATOR) if part.strip()]
            found = [note.read(text if text.endswith("\n") else f"{text}\n") for text in texts]
        except (CorruptStoreError, UnicodeDecodeError) as error:
            raise OutsideError(
                f"holder {self.name}: {self.place} answered something else than signed heads"
            ) from error
        return sorted(found, key=lambda head: names.file_name(ledger, head))

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> exchange.Answer:
        bearer = {"Authorization": f"Bearer {self.token()}"} if self.token else {}
        way = exchange.Way(f"holder {self.name}", self.ca_file, self.allow_http, self.seconds)
        return way.ask(method, url, {**headers, **bearer}, content=content, params=params)
