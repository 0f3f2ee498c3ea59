"""A time-stamping authority (RFC 3161): asked over HTTP, verified against a CA file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evidence_store.errors import OutsideError
from evidence_store.outside import exchange

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse, VerifierBuilder

_REQUEST: Final = "application/timestamp-query"
_ANSWER: Final = "application/timestamp-reply"


@dataclass(frozen=True)
class TimeStampAuthority:
    """An authority, and whom we trust to have certified it.

    Attributes:
        ca_file: PEM file with the root, and what lies between it and the signer where tokens do
            not bring it. A token is judged as of its own time: it does not end with a certificate.
        tls_ca_file: Whom to trust for HTTPS, where that is not the system's choice.
    """

    name: str
    url: str
    ca_file: Path
    tls_ca_file: str | None = None
    allow_http: bool = False
    seconds: float = 15.0

    @property
    def place(self) -> str:
        """The address."""
        return self.url

    def stamp(self, data: bytes) -> bytes:
        """Ask for a token with a fresh nonce; only a verified answer is returned."""
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder  # noqa: PLC0415
        from rfc3161_client import VerifierBuilder as Builder  # noqa: PLC0415

        builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
        request = builder.nonce(nonce=True).cert_request(cert_request=True).build()
        who = f"authority {self.name}"
        way = exchange.Way(who, self.tls_ca_file, self.allow_http, self.seconds)
        headers = {"Content-Type": _REQUEST, "Accept": _ANSWER}
        answer = way.ask("POST", self.url, headers, content=request.as_bytes())
        if answer.status != 200 or answer.content_type != _ANSWER:
            raise OutsideError(
                f"authority {self.name}: {self.url} answered {answer.status} "
                f"{answer.content_type or 'without a type'}, not a time stamp"
            )
        self._verified(Builder.from_request(request), data, answer.body)
        return answer.body

    def stamped_at(self, data: bytes, response: bytes) -> datetime:
        """Verify a kept response; the time it states."""
        from rfc3161_client import VerifierBuilder as Builder  # noqa: PLC0415

        return self._verified(Builder(), data, response).tst_info.gen_time

    def _verified(self, builder: VerifierBuilder, data: bytes, raw: bytes) -> TimeStampResponse:
        from rfc3161_client import VerificationError, decode_timestamp_response  # noqa: PLC0415

        for certificate in self._roots:
            builder = builder.add_root_certificate(certificate)
        try:
            response = decode_timestamp_response(raw)
        except ValueError as error:
            raise OutsideError(f"authority {self.name}: no time-stamp response: {error}") from error
        try:
            # SHA-256 was asked for: a weaker imprint is not ours.
            builder.build().verify(response, hashlib.sha256(data).digest())
        except (VerificationError, ValueError) as error:
            raise OutsideError(
                f"authority {self.name}: the time stamp does not verify: {error}"
            ) from error
        return response

    @cached_property
    def _roots(self) -> list[Certificate]:
        from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415

        try:
            return load_pem_x509_certificates(self.ca_file.read_bytes())
        except OSError as error:
            raise OutsideError(
                f"authority {self.name}: {self.ca_file}: {error.strerror}; name the PEM file of "
                "its root in [[store.timestamps]]"
            ) from error
        except ValueError as error:
            raise OutsideError(
                f"authority {self.name}: {self.ca_file}: no certificates in PEM: {error}"
            ) from error
