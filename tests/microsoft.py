"""Microsoft's sign-in over TLS, for tests: gives tokens, counts them, refuses as it is told.

with Authority() as authority:
    tokens = Tokens(authority.sign_in(client_secret=lambda: "s"), caller)
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

import trustme

from collectors.microsoft import SignIn

TENANT = "11111111-2222-3333-4444-555555555555"
APP = "aaaaaaaa-0000-4000-8000-00000000c011"
SECRET = "canary-" + "entra" * 6


def token_for(scope: str, number: int = 0, **claims: Any) -> str:
    """A token as the authority gives it: three parts, the middle one readable."""
    read = {"aud": scope, "tid": TENANT, "appid": APP, "oid": "oid-1", "n": number, **claims}
    middle = base64.urlsafe_b64encode(json.dumps(read).encode()).rstrip(b"=").decode()
    return f"eyJh.{middle}.signature"


class Authority:
    """A token endpoint; `failures` are answered first, `claims` stand in each token.

    `forms` are the token requests as they came, by field.
    """

    def __init__(self, *, seconds: int = 3599, **claims: Any) -> None:
        self.seconds = seconds
        self.claims = claims
        self.failures: list[tuple[int, dict[str, str]]] = []
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.given: set[str] = set()
        self._ca = trustme.CA()
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = str(Path(self._folder.name) / "ca.pem")
        self._ca.cert_pem.write_to_path(self.ca_file)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert("localhost").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def url(self) -> str:
        """Its address."""
        return f"https://localhost:{self._server.server_address[1]}"

    def sign_in(self, **changed: Any) -> SignIn:
        """An app that signs in here."""
        given = {"client_id": APP, "authority": self.url, "ca_file": self.ca_file, **changed}
        return SignIn(TENANT, **given)

    def refuse(self, code: str, status: int = 401, error: str = "invalid_client") -> None:
        """Answer the next token request so."""
        text = f"{code}: Something went wrong. Trace ID: 0f0f Timestamp: 2026-11-24 09:00:00Z"
        self.failures.append((status, {"error": error, "error_description": text}))

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._folder.cleanup()

    def _answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.paths.append(path)
        if path.endswith("/.well-known/openid-configuration"):
            here = f"{self.url}/{TENANT}"
            return 200, {
                "token_endpoint": f"{here}/oauth2/v2.0/token",
                "authorization_endpoint": f"{here}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{here}/oauth2/v2.0/devicecode",
                "issuer": f"{here}/v2.0",
                "jwks_uri": f"{here}/keys",
            }
        if path != f"/{TENANT}/oauth2/v2.0/token":
            return 404, {"error": "not_found"}
        self.forms.append(form)
        if self.failures:
            return self.failures.pop(0)
        token = token_for(form["scope"], len(self.forms), **self.claims)
        self.given.add(token)
        return 200, {"token_type": "Bearer", "expires_in": self.seconds, "access_token": token}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        authority = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *parts: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self._send(*authority._answer(self.path, {}))

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._send(*authority._answer(self.path, dict(parse_qsl(sent))))

            def _send(self, status: int, body: dict[str, Any]) -> None:
                raw = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        return Handler
