"""A receiver of alerts that verifies signatures, fails now and then, and can strike the sender."""

from __future__ import annotations

import contextlib
import http.server
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson
from standardwebhooks import Webhook

SECRET = "whsec_" + "QW5uZXhh" * 4


@dataclass(frozen=True)
class Taken:
    """A message that was answered with 204."""

    at: float
    endpoint: str
    id: str
    body: bytes

    @property
    def event(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Receiver:
    """Takes messages for any number of endpoints, told apart by path.

    Attributes:
        chance: what decides over failures.
        failing: this share of the first attempts is answered with 503.
        slow: seconds until an answer, at most.
        taken: what was accepted, in order.
        requests: how many there were.
        unsigned: what came with a signature that does not verify.
        aim: told the port of the next sender's connection; gives what is done to it just before or
            just after it is answered, so that it dies in the middle of a delivery.
        before: whether before.
    """

    chance: random.Random
    failing: float = 0.1
    slow: float = 0.4
    taken: list[Taken] = field(default_factory=list)
    requests: int = 0
    unsigned: list[str] = field(default_factory=list)
    aim: Callable[[int], Callable[[], None]] | None = None
    before: bool = False
    _seen: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.handle(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def handle(self, request: http.server.BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        number = request.headers["webhook-id"]
        with self._lock:
            self.requests += 1
            aim, self.aim = self.aim, None
            wait = self.chance.random() * self.slow
            first, failing = number not in self._seen, self.chance.random() < self.failing
            self._seen.add(number)
        try:
            Webhook(SECRET).verify(body, dict(request.headers.items()))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it is said at the end
            self.unsigned.append(f"{number}: {error}")
        time.sleep(wait)
        strike = aim(request.client_address[1]) if aim else None
        if strike and self.before:
            strike()
            return
        code = 503 if first and failing and not strike else 204
        if code == 204:
            took = Taken(time.time(), request.path.strip("/"), number, body)
            with self._lock:
                self.taken.append(took)
        with contextlib.suppress(OSError):
            request.send_response(code)
            request.end_headers()
        if strike:
            strike()

    def repeated(self) -> dict[str, int]:
        """The messages that were accepted more than once, and how often too many."""
        counts = Counter(each.id for each in self.taken)
        return {number: count - 1 for number, count in counts.items() if count > 1}
