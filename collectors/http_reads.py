"""What may be asked of a platform over HTTP, and where: everything else is refused unsent."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode, urljoin

from collectors.model import CallError, Cause, MalformedError

NAMES: Final = re.compile(r"\{(\+?)(\w+)\}")
DOTS: Final = frozenset({".", ".."})
PORTS: Final = {"https": 443, "http": 80}


class NotAllowedError(Exception):
    """A request outside the list of reads: an error in a collector, found before it is sent."""


@dataclass(frozen=True)
class Read:
    """One request that a platform may be sent: it reads, whatever its method.

    Args:
        operation: method and path template, `GET /orgs/{org}/members`. A name matches one
            segment, `{+name}` several (an ARM scope).
        service: whose rate it counts against, in the platform's words.
        rate: calls per second of that service, where it is less than the target's.
        burst: calls of it that may be sent at once.
        also_at: further templates under which its next pages are given (GitHub pages
            `/orgs/{org}` at `/organizations/{id}`).
        judges: whether a body only reads; None where the method and path settle it.
        form: whether the body is sent as a form (token requests).
        private: whether its parameters stay out of the journal (token requests).
    """

    operation: str
    service: str = ""
    rate: float | None = None
    burst: float | None = None
    also_at: tuple[str, ...] = ()
    judges: Callable[[Any], bool] | None = field(default=None, repr=False)
    form: bool = False
    private: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"(GET|POST) /\S*", self.operation):
            raise NotAllowedError(f"{self.operation!r} is no read: write GET or POST and a path")

    @property
    def method(self) -> str:
        """GET, or POST where the platform reads by it."""
        return self.operation.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path template."""
        return self.operation.partition(" ")[2]

    def filled(self, names: Mapping[str, str]) -> str:
        """The path with its names replaced, percent-encoded.

        Raises:
            NotAllowedError: a name is missing or too much, empty, or would climb out of the path.
        """
        wanted = {name for _, name in NAMES.findall(self.path)}
        if wanted != names.keys():
            raise NotAllowedError(f"{self.operation} takes {sorted(wanted)}, not {sorted(names)}")

        def encode(found: re.Match[str]) -> str:
            value = str(names[found[2]])
            segments = value.strip("/").split("/") if found[1] else [value]
            if any(not segment or unquote(segment) in DOTS for segment in segments):
                raise NotAllowedError(f"{self.operation}: {found[2]} is empty or leaves its path")
            return "/".join(quote(segment, safe="") for segment in segments)

        return NAMES.sub(encode, self.path)

    def covers(self, path: str) -> bool:
        """Whether a percent-encoded path is one of this read's."""
        segments = path.split("/")
        if "\\" in unquote(path) or any(unquote(segment) in DOTS for segment in segments):
            return False
        return any(pattern.fullmatch(path) for pattern in self._patterns)

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(_pattern(template) for template in (self.path, *self.also_at))


def _pattern(template: str) -> re.Pattern[str]:
    """The paths that a template gives."""
    text, at = "", 0
    for found in NAMES.finditer(template):
        text += re.escape(template[at : found.start()])
        text += r"[^?#]+" if found[1] else r"[^/?#]+"
        at = found.end()
    return re.compile(text + re.escape(template[at:]))


def reads(*allowed: Read | str) -> Mapping[str, Read]:
    """The list of what may be asked, by operation; a plain text is a read without more to say."""
    made = [Read(each) if isinstance(each, str) else each for each in allowed]
    return {each.operation: each for each in made}


@dataclass(frozen=True)
class Address:
    """Where a platform is reached.

    Args:
        base_url: what paths are appended to; `https`, or `http` on this machine.
        aliases: further base addresses that the platform's next links may name.
        ca_file: the certificate authorities to trust, as a PEM file.
        proxy: the proxy's address; without it the environment's (`HTTPS_PROXY`, `NO_PROXY`).

    Raises:
        CallError: an address is not one that a credential may be sent to.
    """

    base_url: str
    aliases: tuple[str, ...] = ()
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for base in (self.base_url, *self.aliases):
            _checked(base)

    @cached_property
    def roots(self) -> tuple[tuple[tuple[str, str, int], str], ...]:
        """Origin and path prefix of every address, the own one first."""
        return tuple(_root(base) for base in (self.base_url, *self.aliases))

    @property
    def host(self) -> str:
        """The host that errors name."""
        return self.roots[0][0][1]

    def holds(self, url: str, read: Read) -> bool:
        """Whether a URL lies at one of the addresses and is one of the read's."""
        parsed = _parsed(url)
        if parsed is None or parsed.userinfo or parsed.fragment:
            return False
        path = parsed.raw_path.decode("ascii").partition("?")[0]
        return any(
            _origin(parsed) == origin
            and path.startswith(prefix)
            and read.covers(path[len(prefix) :])
            for origin, prefix in self.roots
        )


@dataclass(frozen=True)
class Request:
    """One request of a read, as it is sent; a pager makes the next one from it."""

    read: Read
    url: str
    body: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """What makes two requests the same."""
        return f"{self.url} {json.dumps(self.body, sort_keys=True, default=str)}"

    def at(self, link: str) -> Request:
        """The same read at a link that an answer gave; a relative one starts at this URL.

        Raises:
            MalformedError: it is no link.
        """
        try:
            return replace(self, url=urljoin(self.url, link))
        except ValueError:
            raise MalformedError(f"a next link of {self.read.operation} is no address") from None

    def with_query(self, name: str, value: str) -> Request:
        """The same request with one query parameter set anew."""
        import httpx  # noqa: PLC0415 - loaded where a platform is read over HTTP only

        return replace(self, url=str(httpx.URL(self.url).copy_set_param(name, value)))

    def with_member(self, path: str, value: str) -> Request:
        """The same request with one member of its body set; `options/$skipToken` is nested."""
        body = at = dict(self.body or {})
        *steps, last = path.split("/")
        for step in steps:
            at[step] = dict(at.get(step) or {})
            at = at[step]
        at[last] = value
        return replace(self, body=body)


def first_request(
    address: Address,
    read: Read,
    names: Mapping[str, str],
    query: Mapping[str, object],
    body: Mapping[str, Any] | None,
) -> Request:
    """The request that a collector asks for.

    Raises:
        NotAllowedError: the read does not cover it.
    """
    if read.judges is not None and not read.judges(body):
        raise NotAllowedError(f"{read.operation}: the body would do more than read")
    url = address.base_url.rstrip("/") + read.filled(names)
    asked = urlencode({n: _text(v) for n, v in query.items() if v is not None}, quote_via=quote)
    request = Request(read, f"{url}?{asked}" if asked else url, body)
    if not address.holds(request.url, read):
        raise NotAllowedError(f"{read.operation}: the address does not have the read's form")
    return request


def pinned(address: Address, request: Request) -> Request:
    """A request made from an answer, if it stays where the platform was asked.

    Raises:
        MalformedError: its link names another scheme, host, port, user or path; it is not
            followed, for the credential would go with it.
    """
    if not address.holds(request.url, request.read):
        raise MalformedError(
            f"a next link of {request.read.operation} at {address.host} leads elsewhere; "
            "it was not followed; where it is right, declare its address as an alias"
        )
    return request


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parsed(url: str) -> Any | None:  # noqa: ANN401 - httpx is loaded where it is needed only
    """The URL as the client itself will read it, so that nobody reads it another way."""
    import httpx  # noqa: PLC0415

    try:
        parsed = httpx.URL(url)
        known = parsed.scheme in PORTS and bool(parsed.host)
    except (httpx.InvalidURL, ValueError, UnicodeError, TypeError):
        return None
    return parsed if known else None


def _origin(parsed: Any) -> tuple[str, str, int]:  # noqa: ANN401 - an httpx.URL
    host = parsed.raw_host.decode("ascii").lower().rstrip(".")
    return parsed.scheme, host, parsed.port or PORTS[parsed.scheme]


def _root(base: str) -> tuple[tuple[str, str, int], str]:
    parsed = _parsed(base)
    assert parsed is not None  # noqa: S101 - checked when the address was made
    return _origin(parsed), parsed.raw_path.decode("ascii").rstrip("/")


def _checked(base: str) -> None:
    parsed = _parsed(base)
    if parsed is None or parsed.userinfo or parsed.query or parsed.fragment:
        raise CallError(
            Cause.UNREACHABLE,
            "wrong address",
            "an address must be https://host/path, without user, query or fragment",
            "a right base_url",
        )
    if parsed.scheme == "http" and not _on_this_machine(parsed.host):
        raise CallError(
            Cause.UNREACHABLE,
            "address without TLS",
            f"{parsed.host}: a credential is sent over https only; http is for this machine",
            "an https base_url",
        )


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
