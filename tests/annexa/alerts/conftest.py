"""Receivers over real sockets that fail as they are told to, and an outbox on both databases."""

from __future__ import annotations

import http.server
import ipaddress
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from annexa.alerts import Alert, Message
from annexa.alerts.guarded import Way
from annexa.operations import Operations, open_operations
from evidence_store import File, Location, Server
from tests.postgres import PostgresServer

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
LOOPBACK = Way((ipaddress.ip_network("127.0.0.0/8"),), allow_http=True, timeout=5)


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass
class Got:
    """A request as a receiver has it."""

    path: str
    headers: dict[str, str]
    body: bytes
    answered: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """A server that answers with the codes it is given, then with 204."""

    codes: list[int] = field(default_factory=list)
    every: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    url: str = ""

    def code(self) -> int:
        if self.codes:
            return self.codes.pop(0)
        return self.every[len(self.got) % len(self.every)] if self.every else 204

    @property
    def taken(self) -> list[Got]:
        return [each for each in self.got if 200 <= each.answered < 300]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    lock = threading.Lock()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                code = made.code()
                headers = {name.lower(): value for name, value in self.headers.items()}
                made.got.append(Got(self.path, headers, body, code))
            answer = json.dumps(made.answers.get(self.path, "")).encode()
            if self.path in made.answers and code == 204:
                code = 200
            self.send_response(code)
            for name, value in made.headers.items():
                self.send_header(name, value)
            if code != 204:
                self.send_header("content-length", str(len(answer)))
            self.end_headers()
            if code != 204:
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Location]:
    if request.param == "sqlite":
        yield File(tmp_path / "evidence.db")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database(empty=True) as name:
        yield Server(postgres.url(name), tmp_path / "keys")


@pytest.fixture
def operations(location: Location) -> Iterator[Operations]:
    opened = open_operations(location)
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def alert(**values: Any) -> Alert:
    return Alert(
        **{
            "type": "finding.resource.failing",
            "status": "firing",
            "severity": "high",
            "title": "A.8.24: 2 resources fail aws.s3.bucket_encryption_enabled",
            "group": "findings/A.8.24/aws.s3/aws/prod",
            "at": "2026-11-25T12:00:00+00:00",
            "control": "A.8.24",
            "target": "aws/prod",
            "collector": "aws.s3",
            "verdict": "fail",
            "before": "pass",
            "reason": "default encryption is off & <b>nobody</b> looked *today*",
            "counts": {"new": 2, "failing": 12},
            "resources": [
                {"id": f"arn:aws:s3:::bucket-{n}", "check": "aws.s3.x"} for n in range(2)
            ],
            "link": "annexa findings --collector aws.s3",
        }
        | values
    )


def message(**values: Any) -> Message:
    return Message("5bf1c2a0-9d0b-5f7e-8f0e-000000000001", "annexa/test", NOON, alert(**values))
