"""Credentials of HTTP platforms: what a request carries, asked for anew with each request."""

from __future__ import annotations

import base64
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import orjson

from collectors.calls import Clock
from collectors.model import CallError, Cause, MalformedError

MARGIN: Final = 120.0
"""Seconds before its end at which a token is no longer used: clocks and long answers differ."""

YOUNG: Final = 60.0
"""Seconds within which a refused token is not renewed: a new one would be refused too."""


class Credential(Protocol):
    """Who asks: the headers of each request. Called in the pool's threads."""

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """What the request to this URL carries; raises CallError where no token is given."""

    def renew(self) -> bool:
        """Forget a token that was refused; whether another try has a chance."""


class Nobody:
    """No credential."""

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """Nothing."""
        del method, url
        return {}

    def renew(self) -> bool:
        """There is nothing to renew."""
        return False


NOBODY: Final = Nobody()


@dataclass(frozen=True)
class Bearer:
    """A token asked of `token` with every request: a secret, or azure-identity's `get_token`.

    `scheme` is what stands before it (`Bearer`, Okta's `SSWS`).
    """

    token: Callable[[], str] = field(repr=False)
    scheme: str = "Bearer"

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """`Authorization`."""
        del method, url
        return {"Authorization": f"{self.scheme} {printable(self.token())}"}

    def renew(self) -> bool:
        """Whoever gives the token keeps it fresh."""
        return False


@dataclass(frozen=True, repr=False)
class Grant:
    """A token and the seconds for which it is good."""

    token: str
    seconds: float
    kind: str = "Bearer"


class Granted:
    """A token that is asked for by `ask`, kept until shortly before its end, for all threads."""

    def __init__(self, ask: Callable[[], Grant], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._grant: Grant | None = None
        self._since = 0.0

    def token(self) -> Grant:
        """The token; one thread asks, the others wait for it."""
        with self._lock:
            age = self._clock.monotonic() - self._since
            if self._grant is None or age >= self._grant.seconds - min(
                MARGIN, self._grant.seconds / 2
            ):
                self._grant = self._ask()
                self._since = self._clock.monotonic()
            return self._grant

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """`Authorization`."""
        del method, url
        grant = self.token()
        return {"Authorization": f"{grant.kind} {printable(grant.token)}"}

    def renew(self) -> bool:
        """Forget the token if it is not quite new."""
        with self._lock:
            old = self._grant is not None and self._clock.monotonic() - self._since > YOUNG
            if old:
                self._grant = None
            return old


def grant_of(answer: Any, *, most: float = 86_400) -> Grant:  # noqa: ANN401 - an answer
    """The token of an OAuth 2.0 token answer (RFC 6749, 5.1).

    Raises:
        MalformedError: it holds none.
    """
    given = answer if isinstance(answer, Mapping) else {}
    token, seconds = given.get("access_token"), given.get("expires_in", 300)
    if not isinstance(token, str) or not token or not isinstance(seconds, int | float):
        raise MalformedError("the token answer holds no access token")
    return Grant(token, min(float(seconds), most), str(given.get("token_type", "Bearer")))


def printable(token: str) -> str:
    """A token as a header can carry it.

    Raises:
        CallError: it holds something else than visible ASCII; the message does not repeat it.
    """
    clean = token.strip()
    if not clean or not all("!" <= letter <= "~" for letter in clean):
        raise CallError(
            Cause.DENIED,
            "unusable token",
            "the token is empty or holds characters no token has; store it anew",
            "a valid credential",
        )
    return clean


def signed(key_pem: str, claims: Mapping[str, object], header: Mapping[str, object]) -> str:
    """A JSON Web Token signed with a private key: RS256 for RSA, ES256 for the curve P-256.

    Raises:
        CallError: the key cannot be read; the message does not repeat it.
    """
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415 - on use
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(key_pem.encode(), None)
    except (ValueError, TypeError):
        key = None
    if isinstance(key, rsa.RSAPrivateKey):
        text = _unsigned({"alg": "RS256", **header}, claims)
        made = key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        text = _unsigned({"alg": "ES256", **header}, claims)
        r, s = utils.decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        made = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    else:
        raise CallError(
            Cause.DENIED,
            "unusable private key",
            "the private key is no unencrypted RSA or P-256 key in PEM form",
            "a private key in PEM form",
        )
    return f"{text}.{base64url(made)}"


def client_assertion(
    key_pem: str, client_id: str, audience: str, clock: Clock, key_id: str | None = None
) -> str:
    """A client's own signed word for who it is (RFC 7523): good for five minutes, used once."""
    now = int(clock.now().timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "iat": now,
        "exp": now + 300,
        "jti": str(uuid.uuid4()),
    }
    return signed(key_pem, claims, {"kid": key_id} if key_id else {})


def base64url(raw: bytes) -> str:
    """Base64 for URLs, without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unsigned(header: Mapping[str, object], claims: Mapping[str, object]) -> str:
    return f"{base64url(orjson.dumps(header))}.{base64url(orjson.dumps(claims))}"
