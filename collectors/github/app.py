"""A GitHub App's credential: a word signed with its key buys a token for one installation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from collectors import Caller, MalformedError, moment
from collectors.calls import Clock
from collectors.github.site import SITE
from collectors.http import Address, Api, Read, Site, reads
from collectors.http_tokens import Grant, Granted, signed

TOKENS: Final = "POST /app/installations/{installation_id}/access_tokens"

TOKEN_SITE: Final = Site(
    "github",
    reads(Read(TOKENS, service="rest", private=True)),
    headers=SITE.headers,
    request_ids=SITE.request_ids,
    resets=SITE.resets,
    code=SITE.code,
)


@dataclass(frozen=True)
class AppKey:
    """A GitHub App and its installation; `private_key` gives the key in PEM form when asked."""

    app_id: str
    installation_id: str
    private_key: Callable[[], str] = field(repr=False)


def installation(app: AppKey, address: Address, caller: Caller) -> Granted:
    """The installation's token, renewed before its hour is over.

    It can do what the installation was granted: grant reading only.
    """
    api = Api(TOKEN_SITE, address, caller, _Signed(app, caller.clock))

    def ask() -> Grant:
        given = api.ask(TOKENS, {"installation_id": app.installation_id})
        token = given.get("token") if isinstance(given, Mapping) else None
        if not isinstance(token, str):
            raise MalformedError("GitHub's token answer holds no token")
        left = moment(given.get("expires_at")) - caller.clock.now()
        return Grant(token, max(0.0, min(3600.0, left.total_seconds())))

    return Granted(ask, caller.clock)


@dataclass(frozen=True)
class _Signed:
    """The app's own word, made for each request: good for nine minutes of GitHub's ten."""

    app: AppKey
    clock: Clock

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """`Authorization`, dated a minute back as GitHub advises against clocks that differ."""
        del method, url
        now = int(self.clock.now().timestamp())
        claims = {"iat": now - 60, "exp": now + 540, "iss": self.app.app_id}
        word = signed(self.app.private_key(), claims, {"typ": "JWT"})
        return {"Authorization": f"Bearer {word}"}

    def renew(self) -> bool:
        """Each request has a new one already."""
        return False
