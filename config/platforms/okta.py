"""An Okta organisation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from config.platforms.interface import Endpoint, Example, HttpTarget
from config.values import Place, Secret, Text


class OktaTarget(HttpTarget):
    """An Okta organisation, read by an API service app or with an API token."""

    platform: Literal["okta"]
    """`okta`: an Okta organisation."""
    base_url: Endpoint
    """The organisation's address, `https://acme.okta.com` or your own domain."""
    client_id: Text | None = None
    """The client id of the API service app that reads."""
    private_key: Secret | None = None
    """The app's private key in PEM form: `file:path` or `cred:name`."""
    key_id: Text | None = None
    """The key's id (`kid`), where the app has several keys."""
    token: Secret | None = None
    """An API token instead of an app; it can do all that its owner can, so prefer the app."""

    @property
    def subject(self) -> tuple[str, str]:
        """The organisation's address."""
        return self.base_url.rstrip("/").lower(), "base_url"

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One way to sign in, and a whole one."""
        app = (self.client_id, self.private_key)
        if self.token is not None and any(app):
            yield ("token",), "is one way to sign in, the app another; keep one of them"
        elif self.token is None and not all(app):
            yield (), "needs client_id and private_key, or token"


EXAMPLES = (
    Example(
        "acme-people",
        OktaTarget,
        {
            "platform": "okta",
            "base_url": "https://acme.okta.com",
            "client_id": "0oa1example",
            "private_key": "cred:okta-app-key",
            "key_id": "2026-09",
            "proxy": "http://proxy.acme.example:3128",
        },
    ),
    Example(
        "acme-people-test",
        OktaTarget,
        {
            "platform": "okta",
            "base_url": "https://acme.oktapreview.com",
            "token": "file:secrets/okta-token",
        },
    ),
)
