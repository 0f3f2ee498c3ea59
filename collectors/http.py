"""The one HTTP client: it reads what a platform's list allows, page by page, and nothing else.

    SITE = Site("acme", reads("GET /orgs/{org}", Read("GET /orgs/{org}/members", rate=5)))
    api = Api(SITE, Address("https://api.acme.example"), caller, Bearer(lambda: secret))
    organisation = api.ask("GET /orgs/{org}", {"org": "north"})
    for row in api.rows("GET /orgs/{org}/members", by_link_header, names={"org": "north"}): ...

Rates, retries and the journal are the caller's (`collectors/calls.py`). A request outside the list,
a next link that leads elsewhere and a page that comes twice are refused.
"""

from __future__ import annotations

import contextlib
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from collectors.calls import Caller, Note, PassingError, Place, ThrottledError
from collectors.http_answers import Answer, Reset, Understand, is_json, meaning, patience, read_json
from collectors.http_pages import Pager, by_cursor, by_link_header, one_page
from collectors.http_reads import (
    Address,
    NotAllowedError,
    Read,
    Request,
    first_request,
    pinned,
    reads,
)
from collectors.http_tokens import NOBODY, Bearer, Credential
from collectors.model import CallError, Cause, MalformedError, Total

if TYPE_CHECKING:
    import httpx

__all__ = [
    "Address",
    "Answer",
    "Api",
    "Bearer",
    "Credential",
    "NotAllowedError",
    "Pager",
    "Read",
    "Request",
    "Site",
    "by_cursor",
    "by_link_header",
    "one_page",
    "reads",
]

LARGEST: Final = 64 * 1024 * 1024
"""Bytes of one answer; a larger one is refused, for it would be kept in memory whole."""

LONGEST: Final = 60.0
"""Seconds without a byte after which an answer counts as lost."""

NOTHING: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Site:
    """A platform as it is spoken to.

    Args:
        platform: its name; the service of calls whose read names none.
        allowed: the reads (`reads(...)`).
        headers: sent with every request (`Accept`, the API's version).
        request_ids: the headers in which it names a request, lower-case.
        resets: the headers that say when a spent quota is renewed, lower-case.
        code: its own word for an error, found in an answer; "" where there is none.
        understand: its own reading of an answer, before the status is looked at; a throttle that
            it finds waits as long as the answer's clocks say.
        largest: bytes of one answer.
    """

    platform: str
    allowed: Mapping[str, Read]
    headers: Mapping[str, str] = field(default_factory=dict)
    request_ids: tuple[str, ...] = ("x-request-id",)
    resets: Mapping[str, Reset] = field(default_factory=dict)
    code: Callable[[Answer], str] = lambda _: ""
    understand: Understand = lambda _: None
    largest: int = LARGEST

    def read(self, operation: str) -> Read:
        """The read of that name.

        Raises:
            NotAllowedError: the platform's list does not have it.
        """
        if operation not in self.allowed:
            raise NotAllowedError(f"{operation} is not among the reads of {self.platform}")
        return self.allowed[operation]


class Api:
    """A platform's reads at one address, with one credential, through one unit's caller."""

    def __init__(
        self, site: Site, address: Address, caller: Caller, credential: Credential = NOBODY
    ) -> None:
        self.site = site
        self.address = address
        self._caller = caller
        self._credential = credential
        self._client = _Client(address)

    def signed_in(self, credential: Credential) -> Api:
        """The same reads with another credential, over the same connections."""
        other = Api(self.site, self.address, self._caller, credential)
        other._client = self._client
        return other

    def ask(
        self,
        operation: str,
        names: Mapping[str, str] = NOTHING,
        *,
        query: Mapping[str, object] = NOTHING,
        body: Mapping[str, Any] | None = None,
        scope: str = "",
    ) -> Any:  # noqa: ANN401 - an answer
        """The body of one answer.

        Args:
            operation: as the list of reads has it, `GET /orgs/{org}`.
            names: what stands for the names of its path.
            query: its query; None leaves a parameter out.
            body: what is sent as JSON.
            scope: where in the target it is asked; rates are kept per scope.

        Raises:
            CallError: it was refused, or no answer came in time.
            NotAllowedError: it is not one of the platform's reads.
        """
        read = self.site.read(operation)
        request = first_request(self.address, read, names, query, body)
        parameters = {**names, **query, **(body or {})}
        return self._call(request, parameters, scope, page=1).body

    def pages(
        self,
        operation: str,
        pager: Pager,
        names: Mapping[str, str] = NOTHING,
        *,
        query: Mapping[str, object] = NOTHING,
        body: Mapping[str, Any] | None = None,
        scope: str = "",
        counted: Callable[[Answer, Note], None] | None = None,
    ) -> Iterator[Answer]:
        """Every page; ends only where the platform gives no token. Parameters as in `ask`.

        `counted` notes in the journal what a page holds.

        Raises:
            CallError: refused; malformed where a next link leads elsewhere or a page comes twice.
        """
        read = self.site.read(operation)
        following: Request | None = first_request(self.address, read, names, query, body)
        parameters = {**names, **query, **(body or {})}
        seen: set[str] = set()
        while following is not None:
            request = pinned(self.address, following)
            if request.key in seen:
                raise MalformedError("the same page token came twice")
            seen.add(request.key)
            answer = self._call(request, parameters, scope, page=len(seen), counted=counted)
            yield answer
            following = pager(request, answer)

    def rows(
        self,
        operation: str,
        pager: Pager,
        names: Mapping[str, str] = NOTHING,
        *,
        at: str = "",
        total: str = "",
        query: Mapping[str, object] = NOTHING,
        body: Mapping[str, Any] | None = None,
        scope: str = "",
    ) -> Iterator[Any]:
        """The rows of all pages, found at a path of the body (`value`; "" is the body itself).

        Where `total` says where the platform states how many there are (`@odata.count`,
        `header:x-total-count`), the last item is a `Total`, to be yielded by the listing.

        Raises:
            CallError: as in `pages`; partial where another number of rows came than was stated.
        """
        stated: int | None = None
        collected = 0

        def counted(answer: Answer, note: Note) -> None:
            nonlocal stated
            note.rows = len(answer.rows(at))
            if total and (stated is None or answer.states(total)):
                note.total = stated = answer.total(total)

        asked = self.pages(
            operation, pager, names, query=query, body=body, scope=scope, counted=counted
        )
        for answer in asked:
            found = answer.rows(at)
            collected += len(found)
            yield from found
        if stated is not None:
            yield Total(stated)
            if stated != collected:
                raise CallError(Cause.PARTIAL, f"{collected} of {stated} rows came")

    def _call(
        self,
        request: Request,
        parameters: Mapping[str, object],
        scope: str,
        *,
        page: int,
        counted: Callable[[Answer, Note], None] | None = None,
    ) -> Answer:
        read = request.read
        place = Place(read.service or self.site.platform, scope, read.rate, read.burst)
        return self._caller.call(
            read.operation,
            lambda note: self._send(request, note, counted),
            place=place,
            parameters={} if read.private else parameters,
            page=page,
        )

    def _send(
        self, request: Request, note: Note, counted: Callable[[Answer, Note], None] | None
    ) -> Answer:
        read = request.read
        headers = {
            "Accept": "application/json",
            **self.site.headers,
            **self._credential.headers(read.method, request.url),
        }
        answer = self._client.send(request, headers, note, self._caller, self.site)
        self._judge(answer)
        if counted is not None:
            counted(answer, note)
        return answer

    def _judge(self, answer: Answer) -> None:
        """Raise what the platform, else the status, says is wrong with an answer."""
        after = patience(answer.headers, self.site.resets, self._caller.clock.now())
        if meant := self.site.understand(answer):
            if isinstance(meant, ThrottledError) and meant.after is None:
                meant.after = after
            raise meant
        code = self.site.code(answer) or f"HTTP {answer.status}"
        if answer.status == 401 and self._credential.renew():
            raise PassingError(code, "the token was refused before its time; it is renewed")
        if meant := meaning(answer, code, after):
            raise meant


class _Client:
    """The connection pool to one address; closed when the last of its users is gone."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def send(
        self, request: Request, headers: Mapping[str, str], note: Note, caller: Caller, site: Site
    ) -> Answer:
        """One request and its whole answer; the note is filled as soon as headers come.

        Raises:
            PassingError: the connection failed in a way that may pass.
            CallError: it cannot be made, or what came is no answer of this platform.
        """
        import httpx  # noqa: PLC0415 - loaded where a platform is read over HTTP only

        where = f"{request.read.operation} at {self._address.host}"
        timeout = max(0.1, min(LONGEST, caller.left))
        body, kind = _body(request)
        try:
            with self._client().stream(
                request.read.method,
                request.url,
                headers={**headers, **kind},
                content=body,
                timeout=timeout,
            ) as response:
                _remember(note, response, site)
                raw = _whole(response, site, caller)
        except httpx.ConnectError as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise CallError(Cause.UNREACHABLE, "untrusted certificate", UNTRUSTED) from None
            raise PassingError("ConnectError", f"{where}: {error}") from None
        except httpx.DecodingError:
            raise MalformedError(f"{where}: the answer cannot be unpacked") from None
        except httpx.TransportError as error:  # its text may hold a header, and so the credential
            name = type(error).__name__
            raise PassingError(name, f"{where}: the connection failed ({name})") from None
        return _answer(response, raw)

    def _client(self) -> httpx.Client:
        import httpx  # noqa: PLC0415

        with self._lock:
            if self._made is None:
                address = self._address
                self._made = httpx.Client(
                    follow_redirects=False,
                    proxy=address.proxy,
                    verify=_trust(address.ca_file),
                    limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
                )
                weakref.finalize(self, self._made.close)
            return self._made


UNTRUSTED: Final = (
    "the server's certificate is not trusted; where a proxy inspects TLS, set ca_file"
)


def _trust(ca_file: str | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise CallError(
            Cause.UNREACHABLE,
            "ca_file cannot be read",
            f"the certificate authorities in {ca_file} cannot be read: {error.strerror or error}",
            "a readable ca_file",
        ) from None


def _body(request: Request) -> tuple[bytes | None, Mapping[str, str]]:
    """What is sent: JSON, or a form where the read is a token request's."""
    import orjson  # noqa: PLC0415

    if request.body is None:
        return None, {}
    if request.read.form:
        content = urlencode(dict(request.body)).encode()
        return content, {"Content-Type": "application/x-www-form-urlencoded"}
    return orjson.dumps(request.body), {"Content-Type": "application/json"}


def _remember(note: Note, response: httpx.Response, site: Site) -> None:
    note.status = response.status_code
    note.server_date = response.headers.get("date", "")
    named = (response.headers.get(name, "") for name in site.request_ids)
    note.request_id = next(filter(None, named), "")


def _whole(response: httpx.Response, site: Site, caller: Caller) -> bytes:
    """The answer's bytes, unpacked, as far as size and deadline allow."""
    held = bytearray()
    for chunk in response.iter_bytes():
        held += chunk
        if len(held) > site.largest:
            raise MalformedError(f"the answer is larger than {site.largest:,} bytes")
        caller.check()
    return bytes(held)


def _answer(response: httpx.Response, raw: bytes) -> Answer:
    """The answer read; a failed one may hold anything, a good one only JSON."""
    headers = {name.lower(): value for name, value in response.headers.items()}
    status = response.status_code
    kind = headers.get("content-type", "")
    body: Any = None
    if status < 300 and raw.strip():
        if not is_json(kind):
            raise MalformedError(f"{kind or 'an answer without type'} came instead of JSON")
        body = read_json(raw)
    elif raw and is_json(kind):
        with contextlib.suppress(MalformedError):
            body = read_json(raw)
    return Answer(status, headers, body)
