"""An Okta organisation as a target: a token for each scope, so that one refused denies no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from collectors import Caller, CallError, Cause, Identity, MalformedError
from collectors.http import Address, Api, Bearer, Credential, Pager, by_link_header
from collectors.http_tokens import Granted, client_assertion, grant_of
from collectors.okta.site import GRANT, SCOPES, SITE, TOKEN_SITE, WELL_KNOWN

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class ServiceApp:
    """An API service app of Okta; `private_key` gives its key in PEM form when asked."""

    client_id: str
    private_key: Callable[[], str] = field(repr=False)
    key_id: str | None = None


@dataclass(frozen=True)
class OktaConnection:
    """A declared organisation, `https://<name>.okta.com`.

    Args:
        name: how the configuration names it.
        base_url: the organisation's address.
        app: the service app that reads; or
        token: gives an API token, which can do all that its owner can.
        ca_file: the certificate authorities to trust, as a PEM file.
        proxy: the proxy's address.
    """

    name: str
    base_url: str
    app: ServiceApp | None = None
    token: Callable[[], str] | None = field(default=None, repr=False)
    ca_file: str | None = None
    proxy: str | None = None
    slow: bool = False

    platform = "okta"

    @property
    def key(self) -> str:
        """`okta/<name>`."""
        return f"okta/{self.name}"

    def open(self, caller: Caller) -> OktaTarget:
        """Connect; nothing is sent yet.

        Raises:
            CallError: there is no credential, or the address is none.
        """
        if self.app is None and self.token is None:
            raise CallError(
                Cause.DENIED,
                "no credential",
                f"{self.key} has neither an app nor a token",
                "client_id with private_key, or token",
            )
        return OktaTarget(self, caller)


class OktaTarget:
    """One organisation during one unit."""

    def __init__(self, connection: OktaConnection, caller: Caller) -> None:
        self.connection = connection
        address = Address(connection.base_url, ca_file=connection.ca_file, proxy=connection.proxy)
        self._caller = caller
        self._plain = Api(SITE, address, caller)
        self._tokens = Api(TOKEN_SITE, address, caller)
        self._apis: dict[str, Api] = {}
        self._lock = threading.Lock()

    @property
    def key(self) -> str:
        """`okta/<name>`."""
        return self.connection.key

    @property
    def slow(self) -> bool:
        """Whether facts and listings marked slow are read."""
        return self.connection.slow

    def identify(self) -> Identity:
        """The organisation's id, and the app that reads it.

        Raises:
            CallError: no answer.
        """
        try:
            answer = self.get("GET /api/v1/org")
        except CallError as error:
            if error.cause is not Cause.DENIED or error.permission:
                raise  # something else than this one scope is missing
            answer = self._plain.ask(WELL_KNOWN)
        if not isinstance(answer, Mapping) or not isinstance(answer.get("id"), str):
            raise MalformedError("Okta's answer is no organisation")
        app = self.connection.app
        principal = f"app {app.client_id}" if app else "an API token"
        return Identity(answer["id"], principal, {"address": self.connection.base_url})

    def scopes(self, per: str) -> Sequence[str]:
        """An organisation is one place."""
        return ("organization",) if not per else ()

    def left_out(self, per: str) -> Mapping[str, str]:
        """Nothing of an organisation is left out."""
        del per
        return {}

    def within(self, scope: str) -> OktaTarget:
        """The same target."""
        del scope
        return self

    def api(self, service: str, scope: str) -> OktaTarget:
        """What a fact is given: the target itself."""
        del service, scope
        return self

    def get(self, operation: str, **names: str) -> Any:  # noqa: ANN401 - an answer
        """The answer to one read."""
        return self._api(SCOPES[operation]).ask(operation, names)

    def rows(
        self,
        operation: str,
        *,
        pager: Pager = by_link_header,
        at: str = "",
        query: Mapping[str, object] | None = None,
        **names: str,
    ) -> Iterator[Any]:
        """The rows of every page of a read."""
        api = self._api(SCOPES[operation])
        return api.rows(operation, pager, names, at=at, query=query or {})

    def _api(self, scope: str) -> Api:
        with self._lock:
            if scope not in self._apis:
                self._apis[scope] = self._plain.signed_in(self._credential(scope))
            return self._apis[scope]

    def _credential(self, scope: str) -> Credential:
        """A token for one scope: a scope that was not granted then denies its own reads only."""
        app, address = self.connection.app, self._plain.address
        if app is None:
            if self.connection.token is None:
                raise CallError(Cause.DENIED, "no credential")
            return Bearer(self.connection.token, "SSWS")
        audience = f"{address.base_url.rstrip('/')}/oauth2/v1/token"
        clock = self._caller.clock

        def word() -> str:
            return client_assertion(app.private_key(), app.client_id, audience, clock, app.key_id)

        return Granted(
            lambda: grant_of(
                self._tokens.ask(
                    GRANT,
                    body={
                        "grant_type": "client_credentials",
                        "scope": scope,
                        "client_assertion_type": ASSERTION,
                        "client_assertion": word(),
                    },
                )
            ),
            clock,
        )
