"""Microsoft Graph, for every platform that is read over it: what its answers mean, and a tenant.

A platform has a list of reads, each with the application permission it needs, and makes of it a
site and a connection:

    NEEDS = {"GET /v1.0/users": "User.Read.All"}
    SITE = graph_site("entra", NEEDS)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final

from collectors.calls import Caller
from collectors.http import Address, Answer, Api, Read, Site, reads
from collectors.http_pages import by_next_link
from collectors.interface import Identity
from collectors.microsoft import SignIn, Tokens, installed
from collectors.model import CallError, Cause, MalformedError

GRAPH: Final = "https://graph.microsoft.com"
PAGE: Final = 999
"""Rows asked for at once; where a listing gives fewer at most, Graph gives as many as it can."""

NEVER: Final = "0001-01-01T00:00:00Z"
"""What Graph gives for a time that is none."""

NOT_LICENSED: Final = frozenset(
    {
        "AadPremiumLicenseRequired",
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "missingLicense",
    }
)
"""Graph's codes where the tenant lacks the licence, with status 400 (PIM) or 403 (others)."""

NO_INTUNE: Final = "Request not applicable to target tenant"
"""How Graph's answer begins where a tenant has no Intune; its code says `BadRequest` only."""

NO_FEATURE: Final = "Your tenant is not licensed"
"""How identity protection's answer begins without its licence; its code says `Forbidden` only."""

Row = dict[str, Any]


def kept(row: Mapping[str, Any], *names: str) -> Row:
    """The members of a row that checks need; a time that is none is left out."""
    return {name: row[name] for name in names if name in row and row[name] != NEVER}


def _code(answer: Answer) -> str:
    """Graph's error code; Intune and PIM hide theirs as JSON inside the message."""
    code = str(answer.at("error/code") or "")
    if code not in {"", "UnknownError"}:
        return code
    try:
        inner = json.loads(str(answer.at("error/message") or ""))
    except (ValueError, RecursionError):
        return code
    if not isinstance(inner, Mapping):
        return code
    return str(inner.get("errorCode") or inner.get("ErrorCode") or code)


def understand(answer: Answer) -> Exception | None:
    """What Graph says by its own words only: that the tenant lacks a licence."""
    if answer.status < 400:
        return None
    code = _code(answer)
    if code in NOT_LICENSED:
        return CallError(Cause.NOT_LICENSED, code, "the tenant lacks the licence for this")
    words = str(answer.at("error/message") or "")
    if answer.status == 400 and words.startswith(NO_INTUNE):
        return CallError(Cause.NOT_LICENSED, "no Intune", "the tenant has no Intune")
    if answer.status == 403 and words.startswith(NO_FEATURE):
        return CallError(Cause.NOT_LICENSED, "not licensed", "the tenant lacks the licence")
    return None


def graph_site(
    platform: str, allowed: Sequence[Read | str], headers: Mapping[str, str] | None = None
) -> Site:
    """A platform of Graph with its list of reads, and headers that it wants besides."""
    return Site(
        platform,
        reads(*allowed),
        headers={"User-Agent": "annexa", "x-ms-throttle-priority": "Low", **(headers or {})},
        request_ids=("request-id", "client-request-id"),
        code=_code,
        understand=understand,
    )


@dataclass(frozen=True)
class GraphConnection:
    """A declared tenant, to be read over Graph.

    Args:
        name: how the configuration names it.
        sign_in: who reads.
        base_url: Graph's address, another one in sovereign clouds.
    """

    name: str
    sign_in: SignIn
    base_url: str = GRAPH

    platform: ClassVar[str] = ""
    site: ClassVar[Site]

    @property
    def key(self) -> str:
        """`<platform>/<name>`."""
        return f"{self.platform}/{self.name}"

    def open(self, caller: Caller) -> GraphTarget:
        """Connect; nothing is sent yet.

        Raises:
            CallError: the sign-in library is not installed, or the address is none.
        """
        installed()
        return GraphTarget(self, caller)


class GraphTarget:
    """One tenant during one unit."""

    def __init__(self, connection: GraphConnection, caller: Caller) -> None:
        self.connection = connection
        sign_in, site = connection.sign_in, connection.site
        address = Address(connection.base_url, ca_file=sign_in.ca_file, proxy=sign_in.proxy)
        self._scope = f"{connection.base_url.rstrip('/')}/.default"
        self._tokens = Tokens(sign_in, caller)
        credential = self._tokens.credential(self._scope)
        self._api = Api(site, address, caller, credential)
        eventual = {**site.headers, "ConsistencyLevel": "eventual"}
        self._counting = Api(replace(site, headers=eventual), address, caller, credential)

    @property
    def key(self) -> str:
        """`<platform>/<name>`."""
        return self.connection.key

    @property
    def slow(self) -> bool:
        """Nothing of a tenant is slow."""
        return False

    @property
    def tenant(self) -> str:
        """The tenant's id, as it is declared."""
        return self.connection.sign_in.tenant_id.lower()

    def identify(self) -> Identity:
        """The tenant, the app that reads it and the permissions it has, as its token says.

        Raises:
            CallError: no token was given, or it is another tenant's.
        """
        claims = self._tokens.claims(self._scope)
        given = str(claims.get("tid", self.tenant)).lower()
        if given != self.tenant:
            raise MalformedError("the token is of another tenant than tenant_id says")
        permissions = ", ".join(sorted(map(str, claims.get("roles", ()))))
        details = {"address": self.connection.base_url, "permissions": permissions}
        return Identity(given, f"app {claims.get('appid', 'unnamed')}", details)

    def scopes(self, per: str) -> Sequence[str]:
        """A tenant is one place."""
        return ("tenant",) if not per else ()

    def left_out(self, per: str) -> Mapping[str, str]:
        """Nothing of a tenant is left out."""
        del per
        return {}

    def within(self, scope: str) -> GraphTarget:
        """The same target."""
        del scope
        return self

    def api(self, service: str, scope: str) -> GraphTarget:
        """What a fact is given: the target itself."""
        del service, scope
        return self

    def get(self, operation: str, *, select: Sequence[str] = (), **names: str) -> Mapping[str, Any]:
        """One object.

        Raises:
            CallError: it was refused, or what came is no object.
        """
        query = {"$select": ",".join(select) or None}
        answer = self._api.ask(operation, names, query=query)
        if not isinstance(answer, Mapping):
            raise MalformedError(f"{operation} answered with something else than an object")
        return answer

    def rows(
        self,
        operation: str,
        *,
        select: Sequence[str] = (),
        top: int | None = PAGE,
        count: bool = False,
        query: Mapping[str, str] | None = None,
        **names: str,
    ) -> Iterator[Any]:
        """The rows of all pages, and last the total where Graph is asked to count (`count`).

        Args:
            operation: the read.
            select: the only properties that are asked for.
            top: rows of a page; None leaves it to Graph, for listings that refuse it.
            count: have the rows counted; Graph can for users, groups, devices and applications,
                not together with `$expand`.
            query: further parameters.
            names: what stands for the names of the path.

        Raises:
            CallError: it was refused; partial where another number of rows came than was counted.
        """
        asked = {
            "$select": ",".join(select) or None,
            "$top": top,
            "$count": True if count else None,
            **(query or {}),
        }
        api = self._counting if count else self._api
        yield from api.rows(
            operation,
            by_next_link("@odata.nextLink"),
            names,
            at="value",
            total="@odata.count" if count else "",
            query=asked,
        )


__all__ = ["GRAPH", "GraphConnection", "GraphTarget", "Row", "graph_site", "kept"]
