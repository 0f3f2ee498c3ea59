"""Any receiver: a signed POST by Standard Webhooks, a CloudEvents 1.0 document as its body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from annexa.alerts import events
from annexa.alerts.guarded import Way
from annexa.alerts.interface import Answer, Message

PREFIX: Final = "whsec_"
FEWEST, MOST = 24, 64
"""Bytes of a secret, as Standard Webhooks has it."""


class SigningSecretError(ValueError):
    """A secret is not of the form it must have; never says what it is."""


def key_of(secret: str) -> bytes:
    """The bytes of a `whsec_` secret.

    Raises:
        SigningSecretError: it is none.
    """
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise SigningSecretError(f"a secret is no {PREFIX} and base64") from None
    if not FEWEST <= len(key) <= MOST:
        raise SigningSecretError(f"a secret has {len(key)} bytes, not {FEWEST} to {MOST}")
    return key


def signature(secrets: Sequence[str], message: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature`: one for each secret, so that a receiver may have either.

    Raises:
        SigningSecretError: a secret has not the right form.
    """
    content = f"{message}.{timestamp}.".encode() + body
    made = (hmac.new(key_of(each), content, hashlib.sha256).digest() for each in secrets)
    return " ".join(f"v1,{base64.b64encode(each).decode()}" for each in made)


@dataclass(frozen=True)
class WebhookSink:
    """A receiver that verifies.

    Attributes:
        name: The endpoint's.
        url: Where to; https.
        secrets: Fetch the signing secrets, anew for each attempt; the new one first.
        way: How it is reached.
    """

    name: str
    url: str
    secrets: Sequence[Callable[[], str]] = field(repr=False)
    way: Way = field(default_factory=Way)
    kind: str = "webhook"

    @property
    def place(self) -> str:
        """The host: paths of such addresses may be secrets."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def send(self, message: Message, now: datetime) -> Answer:
        """Post it once."""
        body = events.cloud_event(message)
        timestamp = int(now.timestamp())
        try:
            signed = signature([each() for each in self.secrets], message.id, timestamp, body)
        except SigningSecretError as error:
            return Answer(delivered=False, error=str(error))
        headers = {
            "Content-Type": "application/cloudevents+json",
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signed,
        }
        return self.way.post(self.url, headers, body, now)[0]
