"""One HTTP exchange with a holder or an authority: HTTPS, no redirects, a bounded answer."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from evidence_store.errors import OutsideError

MOST: Final = 16 * 1024 * 1024
"""Bytes of an answer that are read."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Way:
    """How somebody is asked.

    Attributes:
        who: Whom errors name.
        ca_file: Whom to trust for HTTPS, where that is not the system's choice.
        allow_http: Whether an address without TLS may be asked.
        seconds: The longest wait for the next piece of an answer.
    """

    who: str
    ca_file: str | None = None
    allow_http: bool = False
    seconds: float = 15.0

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        content: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once.

        Raises:
            OutsideError: If the address is not HTTPS, or cannot be reached in time.
        """
        import httpx  # noqa: PLC0415 - only where something outside is configured

        where = urlsplit(url)
        if where.scheme != "https" and not (self.allow_http and where.scheme == "http"):
            raise OutsideError(
                f"{self.who}: {where.hostname}: only https is spoken; allow_http is not set"
            )
        try:
            trust = ssl.create_default_context(cafile=self.ca_file)
            with (
                httpx.Client(verify=trust, timeout=self.seconds) as client,
                client.stream(
                    method, url, headers=dict(headers), content=content, params=params
                ) as answer,
            ):
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MOST:
                        raise OutsideError(
                            f"{self.who}: {where.hostname} answered more than {MOST} bytes"
                        )
                kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                return Answer(answer.status_code, kind, bytes(body))
        except httpx.HTTPError as error:
            raise OutsideError(
                f"{self.who}: {where.hostname} cannot be reached: "
                f"{str(error) or type(error).__name__}; it is tried again at the next sweep"
            ) from error
        except OSError as error:  # of the CA file; an SSLError is one
            raise OutsideError(f"{self.who}: {self.ca_file}: {error}") from error
