"""E-mail, by servers that speak STARTTLS, TLS from the start, or neither."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from annexa.alerts import Answer
from annexa.alerts.mail import MailSink
from tests.annexa.alerts.conftest import NOON, message

# What it warns of is what TLS from the start needs: there is nothing to start any more.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Server:
    """A mail server, and everything that was said to it."""

    port: int = 0
    ca_file: str = ""
    got: list[tuple[list[str], bytes]] = field(default_factory=list)
    tls: list[bool] = field(default_factory=list)
    passwords: list[bytes] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, to: str, _: Any) -> str:  # noqa: N802 - aiosmtpd
        if to in self.refuse:
            return "550 canary of the server's words"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd
        self.tls.append(server.transport.get_extra_info("ssl_object") is not None)
        self.got.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"

    def check(self, _server: Any, _session: Any, _envelope: Any, _kind: str, data: Any) -> Any:
        assert isinstance(data, LoginPassword)
        self.passwords.append(data.password)
        return AuthResult(success=data.password == b"canary", handled=False)


class Tls(Controller):
    """TLS from the first byte; the controller's own probe does not know our authority."""

    def _trigger_server(self) -> None:
        with socket.create_connection((self.hostname, self.port), 5):
            pass


@pytest.fixture
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Of a kind: `starttls`, `tls` or `plain`; `for NAME` after it: with another's certificate."""
    kind, _, name = getattr(request, "param", "starttls").partition(" for ")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name or "127.0.0.1").configure_cert(context)
    made = Server(ca_file=str(tmp_path / "ca.pem"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        made.port = free.getsockname()[1]
    more: dict[str, Any] = {"authenticator": made.check, "auth_required": kind != "plain"}
    if kind == "tls":
        more |= {"ssl_context": context, "auth_require_tls": False}
    elif kind == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    else:
        more |= {"auth_require_tls": False}
    running = (Tls if kind == "tls" else Controller)(made, "127.0.0.1", made.port, **more)
    running.start()
    yield made
    running.stop()


def sink(server: Server, security: str = "starttls", **more: Any) -> MailSink:
    values = {
        "sender": "a@acme.example",
        "recipients": ["b@acme.example"],
        "user": "annexa",
        "password": lambda: "canary",
        "networks": LOCAL,
        "ca_file": server.ca_file,
        **more,
    }
    return MailSink("one", "127.0.0.1", server.port, security, **values)


@pytest.mark.parametrize("server", ["starttls", "tls"], indirect=True)
def test_a_letter_goes_over_tls_with_one_message_id(
    server: Server, request: pytest.FixtureRequest
) -> None:
    told = message(title="new\r\nBcc: eve@evil.example", reason="ü \u2028 <b> \N{PILE OF POO}")
    kind = request.node.callspec.params["server"]
    assert sink(server, kind).send(told, NOON) == Answer(delivered=True)
    assert server.tls == [True]
    assert server.passwords == [b"canary"]
    made = message_from_bytes(server.got[0][1], policy=policy.default)
    assert made["Message-ID"] == f"<{told.id}@acme.example>"
    assert made["Bcc"] is None
    assert "Bcc: eve" in made["Subject"]
    text = made.get_content()
    assert "arn:aws:s3:::bucket-1" in text
    assert "ü" in text
    assert "A.8.24" in text


@pytest.mark.parametrize(
    ("server", "security", "more", "said"),
    [
        ("starttls", "starttls", {"password": lambda: "wrong"}, "answered 535"),
        ("tls", "tls", {"password": lambda: "wrong"}, "answered 535"),
        ("starttls", "starttls", {"ca_file": None}, "CERTIFICATE_VERIFY_FAILED"),
        ("tls", "tls", {"ca_file": None}, "CERTIFICATE_VERIFY_FAILED"),
        ("starttls for mail.example", "starttls", {}, "CERTIFICATE_VERIFY_FAILED"),
        ("tls for mail.example", "tls", {}, "CERTIFICATE_VERIFY_FAILED"),
        ("plain", "starttls", {}, "STARTTLS extension not supported"),
        ("plain", "tls", {}, "SSL"),
        ("starttls", "none", {"user": None, "password": None}, "answered 530"),
        ("starttls", "starttls", {"networks": ()}, "not a public address"),
    ],
    indirect=["server"],
)
def test_what_a_mail_server_or_we_refuse_is_said_and_no_secret_told(
    server: Server, security: str, more: dict[str, Any], said: str
) -> None:
    answer = sink(server, security, **more).send(message(), NOON)
    assert not answer.delivered
    assert said in answer.error
    assert "canary" not in answer.error
    assert server.got == []
    assert b"canary" not in server.passwords, "not before TLS was verified"


@pytest.mark.parametrize("server", ["plain"], indirect=True)
def test_a_relay_on_this_machine_needs_no_tls(server: Server) -> None:
    relay = sink(server, "none", user=None, password=None)
    assert relay.send(message(), NOON) == Answer(delivered=True)
    assert server.tls == [False]


def test_recipients_that_are_refused_are_named_and_the_others_get_it_once(server: Server) -> None:
    server.refuse = {"c@acme.example", "d@acme.example"}
    some = sink(server, recipients=["b@acme.example", "c@acme.example"])
    answer = some.send(message(), NOON)
    assert answer == Answer(delivered=True, error="127.0.0.1 refused c@acme.example (550)")
    assert [to for to, _ in server.got] == [["b@acme.example"]]
    none = sink(server, recipients=["c@acme.example", "d@acme.example"]).send(message(), NOON)
    said = "127.0.0.1 refused c@acme.example (550), d@acme.example (550)"
    assert none == Answer(delivered=False, error=said)
