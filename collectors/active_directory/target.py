"""A domain of Active Directory as a target: LDAP searches over TLS, page by page, nothing else."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeVar

from collectors import (
    Caller,
    CallError,
    Cause,
    Identity,
    MalformedError,
    Note,
    PassingError,
    Place,
    ThrottledError,
)
from collectors.active_directory.values import Entry, entry

if TYPE_CHECKING:
    import ldap3

Made = TypeVar("Made")

Extent = Literal["BASE", "LEVEL", "SUBTREE"]
BASE: Final = "BASE"
ONE: Final = "LEVEL"
BELOW: Final = "SUBTREE"

PAGE: Final = 1000
"""Objects of one answer: what a controller gives at most (MaxPageSize)."""

SECONDS: Final = 30
CONNECT_SECONDS: Final = 10
DACL_ONLY: Final = ("1.2.840.113556.1.4.801", True, b"\x30\x03\x02\x01\x04")
"""LDAP_SERVER_SD_FLAGS: of a security descriptor only the list of rights, which an ordinary account
may read. https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-adts/3888c2b7-35b9-45b7-afeb-b772aa932dd0"""

ROOT: Final = ("defaultNamingContext", "configurationNamingContext", "dnsHostName")
LEVELS: Final = ("domainFunctionality", "forestFunctionality", "domainControllerFunctionality")

# Result codes: RFC 4511, appendix A.
SUCCESS: Final = 0
REFUSED: Final = {
    7: "the server does not offer this way of signing in",
    8: "the server demands a stronger way of signing in: use its ldaps address",
    13: "the server demands TLS: use its ldaps address",
    48: "this account may not sign in this way",
    49: "account or password are wrong, or the account is locked",
    50: "the account may not read this",
}
LIMITS: Final = {3: "timeLimitExceeded", 4: "sizeLimitExceeded", 11: "adminLimitExceeded"}
BUSY: Final = 51
PASSING: Final = {1, 52, 80}  # an operation of the server failed, it is unavailable, other
NO_SUCH_OBJECT: Final = 32


@dataclass(frozen=True)
class AdConnection:
    """A declared domain, read through one of its controllers.

    `url` is `ldaps://host[:port]`. `certificate_name` is the name the controller's certificate
    bears, where that is not the host's. `password` gives the password each time it is needed.
    """

    name: str
    url: str
    user: str
    password: Callable[[], str] = field(repr=False)
    ca_file: str | None = None
    certificate_name: str | None = None

    platform = "active_directory"

    @property
    def key(self) -> str:
        """`active_directory/<name>`."""
        return f"active_directory/{self.name}"

    def open(self, caller: Caller) -> AdTarget:
        """The domain; nothing is sent yet.

        Raises:
            CallError: the LDAP library is not installed.
        """
        try:
            import ldap3  # noqa: F401, PLC0415 - loaded where a directory is read only
        except ImportError as error:
            raise CallError(
                Cause.NOT_ASKED,
                "library not installed",
                "the LDAP library is not installed; install the extra: annexa[ldap]",
                "the extra annexa[ldap]",
            ) from error
        return AdTarget(self, caller)


class AdTarget:
    """One domain during one unit; also what its facts are given to ask."""

    slow = False

    def __init__(self, connection: AdConnection, caller: Caller) -> None:
        self._declared = connection
        self._caller = caller
        self._bound: ldap3.Connection | None = None
        self._root: Entry | None = None
        self._shown: dict[tuple[str, str, str], bool] = {}
        self._identity: Identity | None = None
        # One connection: a directory answers it in order, and a sweep needs few answers.
        self._lock = threading.RLock()

    @property
    def key(self) -> str:
        """`active_directory/<name>`."""
        return self._declared.key

    def scopes(self, per: str) -> Sequence[str]:
        """A domain is one place."""
        return ("domain",) if not per else ()

    def left_out(self, per: str) -> Mapping[str, str]:  # noqa: ARG002 - a domain is one place
        """A domain is one place."""
        return {}

    def within(self, scope: str) -> Self:  # noqa: ARG002 - a domain is one place
        """The domain itself."""
        return self

    def api(self, service: str, scope: str) -> Self:  # noqa: ARG002 - there is one service
        """Facts ask the domain itself."""
        return self

    def identify(self) -> Identity:
        """The domain's security identifier, and the account that reads; asked once."""
        with self._lock:
            self._identity = self._identity or self._identify()
            return self._identity

    def _identify(self) -> Identity:
        root = self.root()
        head = self.one(self.base, "objectSid")
        if head is None or "objectSid" not in head:
            raise CallError(
                Cause.DENIED,
                "domain not visible",
                f"{self.key}: the account sees no domain at {self._declared.url}",
                "Read on the domain object",
            )
        details = {"domain": self.base, "controller": str(root.get("dnsHostName", ""))}
        return Identity(head["objectSid"], self._declared.user, details)

    @property
    def base(self) -> str:
        """The distinguished name of the domain."""
        return str(self._context("defaultNamingContext"))

    @property
    def configuration(self) -> str:
        """The distinguished name of the forest's configuration."""
        return str(self._context("configurationNamingContext"))

    def _context(self, name: str) -> object:
        found = self.root().get(name)
        if not found:
            raise MalformedError(f"the server's root names no {name}: is it a domain controller?")
        return found

    def root(self) -> Entry:
        """What the server says of itself (RFC 4512, 5.1); asked once."""
        with self._lock:
            if self._root is None:
                self._root = next(self.search("", "(objectClass=*)", *ROOT, *LEVELS, within=BASE))
            return self._root

    def one(self, dn: str, *attributes: str, rights: bool = False) -> Entry | None:
        """One object; None where it is not there or not visible, which a directory never tells."""
        try:
            found = list(
                self.search(dn, "(objectClass=*)", *attributes, within=BASE, rights=rights)
            )
        except CallError as error:
            if error.code == "noSuchObject":
                return None
            raise
        return found[0] if found else None

    def shows(self, base: str, query: str, *, within: Extent = BELOW) -> bool:
        """Whether a search finds anything; asked once. What the reader may not see is not found.

        Raises:
            CallError: it was refused.
        """
        key = base, query, within
        if key not in self._shown:
            found = next(self.search(base, query, "1.1", within=within), None)
            self._shown[key] = found is not None
        return self._shown[key]

    def search(
        self,
        base: str,
        query: str,
        *attributes: str,
        within: Extent = BELOW,
        rights: bool = False,
    ) -> Iterator[Entry]:
        """Every object below a name that a filter finds, from all pages.

        Args:
            base: the distinguished name the search begins at.
            query: a filter of RFC 4515.
            attributes: what is asked of each object, and nothing else comes.
            within: `BASE`, `ONE` level or all `BELOW`.
            rights: whether `nTSecurityDescriptor` is among them.

        Raises:
            CallError: it was refused, partial where the server ended it early.
        """
        cookie: bytes = b""
        seen: set[bytes] = set()
        page = 1
        while True:
            rows, cookie = self._page(base, query, attributes, within, cookie, page, rights=rights)
            yield from rows
            if not cookie:
                return
            # A controller counts its pages in the cookie, so the same one means the same page.
            if cookie in seen:
                raise MalformedError("the same page token came twice")
            seen.add(cookie)
            page += 1

    def _page(
        self,
        base: str,
        query: str,
        attributes: Sequence[str],
        within: Extent,
        cookie: bytes,
        page: int,
        *,
        rights: bool,
    ) -> tuple[list[Entry], bytes]:
        """One answer, and what asks for the next."""
        paged = within != BASE

        def send(note: Note) -> tuple[list[Entry], bytes]:
            bound = self._connection()
            self._safely(
                lambda: bound.search(
                    base,
                    query,
                    search_scope=within,
                    attributes=list(attributes),
                    controls=[DACL_ONLY] if rights else None,
                    paged_size=PAGE if paged else None,
                    paged_cookie=cookie or None,
                )
            )
            result, response = bound.result, bound.response
            note.status = result["result"]
            _judge(result)
            rows = [
                entry(row["dn"], row["raw_attributes"], attributes)
                for row in response or ()
                if row["type"] == "searchResEntry"
            ]
            note.rows = len(rows)
            return rows, _cookie(result) if paged else b""

        with self._lock:
            return self._caller.call(
                "search",
                send,
                place=Place("ldap", ""),
                parameters={"base": base, "filter": query, "attributes": ", ".join(attributes)},
                page=page,
            )

    def _connection(self) -> ldap3.Connection:
        """The connection, signed in; made where it is first needed, and again where it broke."""
        if self._bound is not None and not self._bound.closed:
            return self._bound
        import ldap3  # noqa: PLC0415 - loaded where a directory is read only

        made = self._safely(
            lambda: ldap3.Connection(
                self._server(),
                user=self._declared.user,
                password=self._declared.password(),
                authentication=ldap3.SIMPLE,
                client_strategy=ldap3.SYNC,  # one at a time, under our lock
                receive_timeout=SECONDS,
                auto_referrals=False,
                read_only=True,
                check_names=False,
            )
        )
        weakref.finalize(self, _leave, made)
        self._safely(made.bind)
        _judge(made.result)
        self._bound = made
        return made

    def _server(self) -> ldap3.Server:
        import ssl  # noqa: PLC0415 - loaded where a directory is read only

        import ldap3  # noqa: PLC0415

        declared = self._declared
        names = [declared.certificate_name] if declared.certificate_name else None
        tls = ldap3.Tls(
            validate=ssl.CERT_REQUIRED, ca_certs_file=declared.ca_file, valid_names=names
        )
        return ldap3.Server(
            declared.url, get_info=ldap3.NONE, tls=tls, connect_timeout=CONNECT_SECONDS
        )

    def _safely(self, ask: Callable[[], Made]) -> Made:
        """Ask the library; its errors as ours, without the account's password."""
        from ldap3.core.exceptions import (  # noqa: PLC0415 - loaded where a directory is read only
            LDAPExceptionError,
            LDAPInvalidFilterError,
        )

        try:
            return ask()
        except LDAPInvalidFilterError:
            raise
        except (LDAPExceptionError, OSError) as error:
            if self._bound is not None:
                self._bound = None
            text = str(error)
            if "certificate" in text.lower():
                raise CallError(
                    Cause.UNREACHABLE,
                    "untrusted certificate",
                    f"{self._declared.url}: the controller's certificate is not trusted for this "
                    "name; set ca_file, and certificate_name where it bears another name",
                ) from None
            raise PassingError(type(error).__name__, f"{self._declared.url}: {text}") from None


def _leave(bound: ldap3.Connection) -> None:
    """Sign out, and close the socket whatever comes of it; one that never opened is left too."""
    with suppress(Exception):
        bound.unbind()
    with suppress(Exception):
        bound.socket.close()


def _judge(result: Mapping[str, Any]) -> None:
    """Raise what a result code means.

    Raises:
        CallError: refused, ended early, or not there.
    """
    code, name = result["result"], str(result["description"])
    if code == SUCCESS:
        return
    if code == BUSY:
        raise ThrottledError(name)
    if code in PASSING:
        raise PassingError(name, name)
    if code in LIMITS:
        raise CallError(Cause.PARTIAL, LIMITS[code])
    if code in REFUSED:
        raise CallError(Cause.DENIED, name, REFUSED[code])
    raise CallError(Cause.MALFORMED if code != NO_SUCH_OBJECT else Cause.DENIED, name)


def _cookie(result: Mapping[str, Any]) -> bytes:
    """What asks for the next page (RFC 2696); empty after the last.

    Raises:
        CallError: the server answered without saying whether there is more.
    """
    control = result.get("controls", {}).get("1.2.840.113556.1.4.319")
    if control is None:
        raise CallError(Cause.PARTIAL, "answer without paging")
    found: bytes = control["value"]["cookie"]
    return found
