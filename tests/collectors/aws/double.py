"""A server in front of the simulated AWS that remembers every request and can misbehave."""

from __future__ import annotations

import re
import socket
import threading
from dataclasses import dataclass, field
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from collectors import Caller, SystemClock

HOPS = {"connection", "content-length", "transfer-encoding", "date", "server"}


@dataclass(frozen=True)
class Answer:
    """What is answered instead; `cut` closes before all is sent, `reset` before anything is.

    `raw` is sent instead of the text, for a service that does not speak any.
    """

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False
    raw: bytes = b""


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    method: str
    url: str
    host: str
    access_key: str
    region: str
    body: str
    target: str = ""

    @property
    def text(self) -> str:
        """What answers are chosen by: `@us-east-1 GET /bucket?policy`, or a query's form.

        A service that speaks JSON gets the operation in a header: `… {} TrentService.ListKeys`.
        """
        told = f"@{self.region} {self.method} {self.url} {self.body}"
        return f"{told} {self.target}" if self.target else told


class Double:
    """Answers by the first pattern that fits, each with its next answer, the last for ever.

    None passes a request on to the server behind. With `remembers`, equal requests are passed on
    once.
    """

    def __init__(self, behind: str = "", *, remembers: bool = False) -> None:
        self.behind = behind
        self.remembers = remembers
        self._given: dict[str, tuple[int, list[tuple[str, str]], bytes]] = {}
        self.script: dict[str, list[Answer | None]] = {}
        self.seen: list[Request] = []
        self._lock = threading.Lock()
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 65536  # one packet an answer: two would wait for each other
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                double.handle(self)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815 - its names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        serve = partial(self.server.serve_forever, poll_interval=0.01)
        threading.Thread(target=serve, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        """Stop serving."""
        self.server.shutdown()
        self.server.server_close()

    def asked(self, pattern: str) -> list[Request]:
        """The requests that a pattern finds."""
        return [request for request in self.seen if re.search(pattern, request.text)]

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        """One request."""
        length = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(length)
        scope = re.search(
            r"Credential=([^/]+)/\d+/([\w-]+)/", handler.headers.get("Authorization", "")
        )
        request = Request(
            handler.command,
            handler.path,
            handler.headers.get("Host", ""),
            scope.group(1) if scope else "",
            scope.group(2) if scope else "",
            body.decode(errors="replace"),
            handler.headers.get("X-Amz-Target", ""),
        )
        answer = self._next(request)
        if answer is None:
            if request.text not in self._given or not self.remembers:
                self._given[request.text] = self._forward(handler, body)
            _give(handler, *self._given[request.text])
            return
        if answer.reset:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        content = answer.raw or answer.body.encode()
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(content) + (100 if answer.cut else 0)))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(content)
        if answer.cut:
            handler.close_connection = True

    def _next(self, request: Request) -> Answer | None:
        with self._lock:
            self.seen.append(request)
            for pattern, answers in self.script.items():
                if re.search(pattern, request.text):
                    return answers.pop(0) if len(answers) > 1 else answers[0]
        return self.unscripted(request)

    def unscripted(self, request: Request) -> Answer | None:
        """What is answered where no pattern fits."""
        del request
        return None if self.behind else Answer(501, "<Error><Code>NotScripted</Code></Error>")

    def _forward(
        self, handler: BaseHTTPRequestHandler, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        place = urlsplit(self.behind)
        connection = HTTPConnection(place.hostname or "", place.port or 80, timeout=20)
        connection.request(handler.command, handler.path, body, dict(handler.headers))
        given = connection.getresponse()
        content = given.read()
        connection.close()
        return given.status, given.getheaders(), content


def _give(
    handler: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], content: bytes
) -> None:
    handler.send_response(status)
    for name, value in headers:
        if name.lower() not in HOPS:
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def caller(seconds: float = 30) -> Caller:
    """A caller that waits hardly at all between tries."""
    clock = SystemClock()
    return Caller(
        clock,
        clock.monotonic() + seconds,
        threading.Event(),
        rate=None,
        jitter=lambda _: 0.0,
    )


def identity(account: str) -> Answer:
    """STS's answer to GetCallerIdentity."""
    return Answer(
        body="<GetCallerIdentityResponse><GetCallerIdentityResult>"
        f"<Arn>arn:aws:iam::{account}:user/reader</Arn><UserId>AIDA</UserId>"
        f"<Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )


def error(code: str, status: int = 400, message: str = "no", **headers: str) -> Answer:
    """An error of a service that speaks XML; S3's form fits the others too."""
    inner = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, f"<ErrorResponse>{inner}</ErrorResponse>", headers)


def s3_error(code: str, status: int = 400, message: str = "no") -> Answer:
    """An error of S3."""
    return Answer(status, f"<Error><Code>{code}</Code><Message>{message}</Message></Error>")
