"""`/healthz`, `/readyz` and `/metrics` over HTTP, for probes and Prometheus; nothing else."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, TypeAlias

import orjson
from prometheus_client import CONTENT_TYPE_LATEST

from config import ConfigError

Answer: TypeAlias = tuple[bool, Mapping[str, Any]]
TIMEOUT: Final = 5
"""Seconds a client may take to send its request."""


class Endpoints:
    """An HTTP server of its own, on threads that end with the process.

    Args:
        listen: `host:port`.
        alive: for `/healthz`: whether the process does its work; asks no database, so that an
            outage of one does not restart every daemon.
        ready: for `/readyz`: whether it can sweep or take over now.
        metrics: for `/metrics`.

    Raises:
        ConfigError: the address cannot be listened on.
    """

    def __init__(
        self,
        listen: str,
        alive: Callable[[], Answer],
        ready: Callable[[], Answer],
        metrics: Callable[[], bytes],
    ) -> None:
        host, _, port = listen.rpartition(":")
        probes = {"/healthz": alive, "/readyz": ready}

        class Handler(BaseHTTPRequestHandler):
            timeout = TIMEOUT
            server_version = "annexa"
            sys_version = ""

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                if path == "/metrics":
                    self._answer(200, CONTENT_TYPE_LATEST, metrics())
                elif path in probes:
                    good, said = probes[path]()
                    self._answer(200 if good else 503, "application/json", orjson.dumps(said))
                else:
                    self._answer(404, "text/plain", b"/healthz /readyz /metrics\n")

            def _answer(self, code: int, kind: str, body: bytes) -> None:
                self.send_response(code)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """A probe every few seconds is no event."""

        class Server(ThreadingHTTPServer):
            address_family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET

            def handle_error(self, *_: object) -> None:
                """A client that went away is no error of ours."""

        try:
            self._server = Server((host.strip("[]"), int(port)), Handler)
        except OSError as error:
            raise ConfigError(
                [f"[daemon] listen = {listen!r}: {error.strerror}; choose another, or free it"]
            ) from error
        self.port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, name="annexa-endpoints", daemon=True
        ).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
