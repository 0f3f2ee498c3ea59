"""HTTPS to a receiver: the address is checked when the socket is opened, no redirect is followed.

Between a check of a name and its use, the name's server can answer something else; so the check is
made on the very address that is connected to. TLS still verifies the name.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

import httpcore

from annexa.alerts.interface import Answer, shortened

if TYPE_CHECKING:
    from datetime import datetime

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

TIMEOUT: Final = 15.0
"""Seconds for each step of an exchange: connecting, writing, reading."""

WHOLE: Final = 30.0
"""Seconds for a whole exchange: a receiver that answers byte by byte shall not keep a sender."""

MOST: Final = 64 * 1024
"""Bytes of an answer that are read."""

NO_ADDRESS: Final = "what is configured is no address: it begins with https:// and is ASCII"

NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in ("169.254.0.0/16", "fe80::/10", "168.63.129.16/32", "fd00:ec2::254/128")
)
"""Where clouds keep their metadata; not even `allow_networks` opens these."""

NOT_GLOBAL: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",  # 6to4 relays
        "64:ff9b::/96",  # NAT64: any IPv4 address inside
        "64:ff9b:1::/48",
        "2002::/16",  # 6to4: 2002:7f00:1:: is 127.0.0.1
        "2001::/32",  # Teredo
        "100.64.0.0/10",
    )
)
"""What `is_global` takes for public, and is not, or leads to what is not."""


class RefusedAddressError(httpcore.ConnectError):
    """The name leads to an address nobody allowed."""


def allowed(address: str, networks: Iterable[Network] = ()) -> bool:
    """Whether an address may be connected to.

    Args:
        address: IPv4 or IPv6, also with a zone.
        networks: what the configuration allows beside public addresses.
    """
    found: Address = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if _within(found, NEVER) or found.is_multicast or found.is_unspecified:
        return False
    if _within(found, networks):
        return True
    return found.is_global and not _within(found, NOT_GLOBAL)


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == each.version and address in each for each in networks)


def addresses(host: str, port: int, networks: Iterable[Network]) -> list[str]:
    """The addresses of a name, if every one of them may be connected to.

    Raises:
        RefusedAddressError: one may not.
        OSError: the name cannot be resolved.
    """
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:  # the codec for host names: a label is empty or too long
        raise OSError("it is no host name") from None
    found = list(dict.fromkeys(str(info[4][0]) for info in infos))
    if refused := [each for each in found if not allowed(each, networks)]:
        raise RefusedAddressError(
            f"{host} is {refused[0]}, which is not a public address; if it is yours, list its"
            " network in allow_networks"
        )
    return found


class GuardedBackend(httpcore.NetworkBackend):
    """Opens sockets to allowed addresses only, for a limited time."""

    def __init__(self, networks: Iterable[Network], whole: float = WHOLE) -> None:
        self._networks = tuple(networks)
        self._end = time.monotonic() + whole
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Resolve, check, and connect to what was checked, one address after the other."""
        try:
            found = addresses(host, port, self._networks)
        except OSError as error:
            words = error.strerror or str(error)
            raise httpcore.ConnectError(f"{host} cannot be resolved: {words}") from error
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for each in found:
            try:
                stream = self._inner.connect_tcp(each, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
            else:
                return _LimitedStream(stream, self._end)
        raise last

    def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002 - never opened
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """No receiver is a file."""
        raise RefusedAddressError("unix sockets are not connected to")


class _LimitedStream(httpcore.NetworkStream):
    """A connection that ends with the exchange's time."""

    def __init__(self, inner: httpcore.NetworkStream, end: float) -> None:
        self._inner = inner
        self._end = end

    def _left(self, timeout: float | None, error: type[Exception]) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise error("the exchange took too long")
        return left if timeout is None else min(timeout, left)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        return _LimitedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._end)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        return self._inner.get_extra_info(info)


@cache
def trust(
    ca_file: str | None, cert_file: str | None = None, key_file: str | None = None
) -> ssl.SSLContext:
    """Whom to trust, and what to show if asked; the system's list takes a while to read.

    Raises:
        OSError: a file cannot be read, or the key is none, another's, or has a passphrase.
    """
    context = ssl.create_default_context(cafile=ca_file)
    if cert_file is not None:  # never ask a terminal for a passphrase
        context.load_cert_chain(cert_file, key_file, password=lambda: "")
    return context


@dataclass(frozen=True)
class Way:
    """How a receiver is reached.

    Attributes:
        networks: Allowed beside public addresses.
        ca_file: Whom to trust for TLS, where that is not the system's choice.
        allow_http: Whether an address without TLS may be spoken to.
        timeout: Seconds for each step.
        cert_file: A certificate of ours, where receivers ask for one.
        key_file: Its key, where that is another file.
    """

    networks: tuple[Network, ...] = ()
    ca_file: str | None = None
    allow_http: bool = False
    timeout: float = TIMEOUT
    cert_file: str | None = None
    key_file: str | None = None

    def post(
        self, url: str, headers: Mapping[str, str], content: bytes, now: datetime
    ) -> tuple[Answer, bytes]:
        """Post once; the answer's body is for those who need it, and cut."""
        return self.ask("POST", url, headers, content, now)

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, now: datetime
    ) -> tuple[Answer, bytes]:
        """Ask once. Errors name the host only: paths and queries of such addresses are secrets."""
        scheme, host = _parts(url)
        if scheme not in ({"https", "http"} if self.allow_http else {"https"}):
            words = "only https is spoken; allow_http is not set" if scheme else NO_ADDRESS
            return Answer(delivered=False, error=words), b""
        steps = dict.fromkeys(("connect", "read", "write", "pool"), self.timeout)
        sent = {"User-Agent": "annexa", **headers}
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=trust(self.ca_file, self.cert_file, self.key_file),
                    network_backend=GuardedBackend(self.networks),
                    retries=0,
                ) as pool,
                pool.stream(
                    method,
                    url,
                    headers=[(name.encode(), value.encode()) for name, value in sent.items()],
                    content=content,
                    extensions={"timeout": steps},
                ) as response,
            ):
                body = bytearray()
                for part in response.iter_stream():
                    body += part
                    if len(body) > MOST:
                        break
                return _answer(response, now), bytes(body[:MOST])
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            return Answer(delivered=False, error=_said(host, error)), b""
        except OSError as error:  # the CA file; an ssl.SSLError is one
            return Answer(delivered=False, error=_said(host, error)), b""


def _parts(url: str) -> tuple[str, str]:
    """Scheme and host of an address; both empty where it is none, so that nothing repeats it."""
    try:
        where = urlsplit(url)
        valid = bool(where.hostname) and where.port != 0 and url.isascii() and url.isprintable()
    except ValueError:
        return "", ""
    return (where.scheme, where.hostname or "") if valid else ("", "")


def _said(host: str, error: Exception) -> str:
    words = str(error) or type(error).__name__
    return shortened(f"{host}: {words}")


def _answer(response: httpcore.Response, now: datetime) -> Answer:
    status = response.status
    if 200 <= status < 300:
        return Answer(delivered=True)
    later = {name.lower(): value for name, value in response.headers}.get(b"retry-after", b"")
    more = "; redirects are not followed" if 300 <= status < 400 else ""
    return Answer(
        delivered=False,
        error=f"answered {status}{more}",
        retry_after=retry_after(later.decode("latin-1"), now),
        gone=status == 410,
    )


def retry_after(value: str, now: datetime) -> float | None:
    """The seconds of a `Retry-After`, a number or a date; None for anything else."""
    text = value.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (then - now).total_seconds()) if then.tzinfo is not None else None
