"""E-mail by SMTP: text only, TLS unless it is a relay on this machine, one message id for ever."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

from annexa.alerts.guarded import TIMEOUT, Network, RefusedAddressError, addresses, trust
from annexa.alerts.interface import Answer, Message, headline, plain, shortened

SUBJECT: Final = 200


def letter(message: Message, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The e-mail; mail programs put all that is told of one group into one thread."""
    made = EmailMessage()
    made["From"] = Address(display_name="annexa", addr_spec=sender)
    made["To"] = tuple(Address(addr_spec=each) for each in recipients)
    made["Subject"] = shortened(headline(message.alert), SUBJECT)
    made["Date"] = format_datetime(message.created)
    made["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2]}>"
    made["Auto-Submitted"] = "auto-generated"
    made["X-Annexa-Event"] = message.alert.type
    made.set_content(plain(message.alert))
    return made


@dataclass(frozen=True)
class MailSink:
    """Mailboxes; `password` fetches the account's."""

    name: str
    host: str
    port: int
    security: str
    sender: str
    recipients: Sequence[str]
    user: str | None = None
    password: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: str | None = None
    networks: Iterable[Network] = ()
    kind: str = "email"

    @property
    def place(self) -> str:
        """Server and recipients."""
        return f"{', '.join(self.recipients)} by {self.host}:{self.port}"

    def send(self, message: Message, now: datetime) -> Answer:  # noqa: ARG002 - dated by the event
        """Hand it to the server once; a server that refuses for good is no transport's error."""
        made = letter(message, self.sender, self.recipients)
        try:
            with self._connected() as server:
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password())
                refused = server.send_message(made)
        except smtplib.SMTPResponseException as error:
            return Answer(delivered=False, error=f"{self.host} answered {error.smtp_code}")
        except smtplib.SMTPRecipientsRefused as error:
            return Answer(delivered=False, error=self._refused(error.recipients))
        except (smtplib.SMTPException, RefusedAddressError, OSError) as error:
            words = str(error) or type(error).__name__
            return Answer(delivered=False, error=shortened(f"{self.host}: {words}"))
        if refused:  # those who took it shall not get it again
            return Answer(delivered=True, error=self._refused(refused))
        return Answer(delivered=True)

    def _refused(self, refused: Mapping[str, tuple[int, bytes]]) -> str:
        """Who was refused, with the server's codes; its words may be anything."""
        said = (f"{who} ({answer[0]})" for who, answer in sorted(refused.items()))
        return shortened(f"{self.host} refused {', '.join(said)}")

    def _connected(self) -> smtplib.SMTP:
        """A session with the server, over TLS before anything is said."""
        context = trust(self.ca_file)
        if self.security == "tls":
            return _GuardedTls(
                self.networks, self.host, self.port, context=context, timeout=TIMEOUT
            )
        server = _Guarded(self.networks, self.host, self.port, timeout=TIMEOUT)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
        except BaseException:
            server.close()
            raise
        return server


def _socket(
    networks: Iterable[Network], host: str, port: int, timeout: float | None
) -> socket.socket:
    """A connection to an address that was checked."""
    last: OSError | None = None
    for each in addresses(host, port, networks):
        try:
            return socket.create_connection((each, port), timeout)
        except OSError as error:
            last = error
    raise last or OSError(f"{host} has no address")


class _Guarded(smtplib.SMTP):
    """Opens its socket to allowed addresses only."""

    def __init__(
        self, networks: Iterable[Network], host: str, port: int, *, timeout: float
    ) -> None:
        self._networks = networks
        super().__init__(host, port, timeout=timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return _socket(self._networks, host, port, timeout)


class _GuardedTls(smtplib.SMTP_SSL):
    """The same, with TLS from the start."""

    def __init__(
        self,
        networks: Iterable[Network],
        host: str,
        port: int,
        *,
        context: ssl.SSLContext,
        timeout: float,
    ) -> None:
        self._networks = networks
        self._trust = context
        super().__init__(host, port, timeout=timeout, context=context)

    def _get_socket(self, host: str, port: int, timeout: float) -> ssl.SSLSocket:
        plain_socket = _socket(self._networks, host, port, timeout)
        return self._trust.wrap_socket(plain_socket, server_hostname=host)
