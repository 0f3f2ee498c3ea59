"""A GitHub organisation as a target: one credential, REST and GraphQL through the unit's caller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from collectors import Caller, CallError, Cause, Identity, MalformedError, Total, Unread
from collectors.github.app import AppKey, installation
from collectors.github.site import GRAPHQL, SITE, graphql_refusal, understand_in_part
from collectors.http import (
    Address,
    Answer,
    Api,
    Bearer,
    Credential,
    Pager,
    by_cursor,
    by_link_header,
    one_page,
)

DOTCOM: Final = "https://api.github.com"

IN_PART: Final = replace(SITE, understand=understand_in_part)

VIEWER: Final = """\
query Viewer($org: String!) {
  viewer { login }
  organization(login: $org) { databaseId login }
}"""


@dataclass(frozen=True)
class GithubConnection:
    """A declared organisation; the token is asked for when a request is made, never kept here.

    Args:
        name: how the configuration names it.
        organisation: its login.
        token: gives a fine-grained personal access token; or
        app: the GitHub App that is installed in the organisation.
        base_url: GitHub's API, or that of an own server (`https://HOST/api/v3`).
        ca_file: the certificate authorities to trust, as a PEM file.
        proxy: the proxy's address.
    """

    name: str
    organisation: str
    token: Callable[[], str] | None = field(default=None, repr=False)
    app: AppKey | None = None
    base_url: str = DOTCOM
    ca_file: str | None = None
    proxy: str | None = None
    slow: bool = False

    platform = "github"

    @property
    def key(self) -> str:
        """`github/<name>`."""
        return f"github/{self.name}"

    def open(self, caller: Caller) -> GithubTarget:
        """Connect; nothing is sent yet.

        Raises:
            CallError: there is no credential, or the address is none.
        """
        address = Address(self.base_url, ca_file=self.ca_file, proxy=self.proxy)
        credential: Credential
        if self.app is not None:
            credential = installation(self.app, address, caller)
        elif self.token is not None:
            credential = Bearer(self.token)
        else:
            raise CallError(
                Cause.DENIED,
                "no credential",
                f"{self.key} has neither a token nor an app",
                "token, or app_id with installation_id and private_key",
            )
        return GithubTarget(self, caller, address, credential)


class GithubTarget:
    """One organisation during one unit."""

    def __init__(
        self, connection: GithubConnection, caller: Caller, address: Address, credential: Credential
    ) -> None:
        self.connection = connection
        self.org = {"org": connection.organisation}
        self.rest = Api(SITE, address, caller, credential)
        graphql = graphql_address(address)
        self._graphql = Api(SITE, graphql, caller, credential)
        self._in_part = Api(IN_PART, graphql, caller, credential)
        self._lock = threading.Lock()
        self._organization: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """`github/<name>`."""
        return self.connection.key

    @property
    def slow(self) -> bool:
        """Whether facts and listings marked slow are read."""
        return self.connection.slow

    def identify(self) -> Identity:
        """The organisation's number, and the user or app that reads it.

        Raises:
            CallError: no answer, or the credential does not see the organisation.
        """
        answer = self.query(VIEWER)
        organisation = answer.at("data/organization")
        if not organisation:
            raise CallError(
                Cause.DENIED,
                "Not Found",
                f"{self.key}: the credential does not see an organisation of that name",
                f"a credential for {self.connection.organisation}",
            )
        principal = str(answer.at("data/viewer/login"))
        subject = str(organisation["databaseId"])
        return Identity(subject, principal, {"organisation": organisation["login"]})

    def scopes(self, per: str) -> Sequence[str]:
        """An organisation is one place."""
        return ("organization",) if not per else ()

    def left_out(self, per: str) -> Mapping[str, str]:
        """Nothing of an organisation is left out."""
        del per
        return {}

    def within(self, scope: str) -> GithubTarget:
        """The same target."""
        del scope
        return self

    def api(self, service: str, scope: str) -> GithubTarget:
        """What a fact is given: the target itself."""
        del service, scope
        return self

    def get(self, path: str) -> Any:  # noqa: ANN401 - an answer
        """The answer to `GET /orgs/{org}` and what follows it."""
        return self.rest.ask(f"GET /orgs/{{org}}{path}", self.org)

    def rows(self, path: str, at: str = "", total: str = "", **query: object) -> Iterator[Any]:
        """The rows of every page of `GET /orgs/{org}/<path>`."""
        asked = {"per_page": 100, **query}
        operation = f"GET /orgs/{{org}}/{path}"
        return self.rest.rows(operation, by_link_header, self.org, at=at, total=total, query=asked)

    def query(self, text: str) -> Answer:
        """The answer to a GraphQL query about the organisation.

        Raises:
            CallError: any of it was refused.
        """
        return next(self.pages(text, one_page))

    def pages(self, text: str, pager: Pager) -> Iterator[Answer]:
        """Every page of a GraphQL query about the organisation.

        Raises:
            CallError: any of it was refused.
        """
        return self._graphql.pages(GRAPHQL, pager, body=self._asking(text))

    def nodes(self, text: str, path: str, rows: str) -> Iterator[Any]:
        """The rows of every page of a GraphQL connection, and its total.

        Raises:
            CallError: any of it was refused.
        """
        at = f"data/organization/{path}"
        return self._graphql.rows(
            GRAPHQL,
            by_cursor(f"{at}/pageInfo", "after"),
            at=f"{at}/{rows}",
            total=f"{at}/totalCount",
            body=self._asking(text),
        )

    def nodes_in_part(self, text: str, path: str) -> Iterator[tuple[Any, Mapping[str, Unread]]]:
        """The nodes of a GraphQL connection and its total, each with what was refused inside it.

        A refusal is named by the last field of its path.

        Raises:
            CallError: something was refused that belongs to no node.
        """
        at = f"data/organization/{path}"
        asked = self._in_part.pages(
            GRAPHQL,
            by_cursor(f"{at}/pageInfo", "after"),
            body=self._asking(text),
            counted=lambda answer, note: setattr(note, "rows", len(answer.rows(f"{at}/nodes"))),
        )
        for number, answer in enumerate(asked):
            refused = _refused(answer, ["organization", path, "nodes"])
            if number == 0:
                yield Total(answer.total(f"{at}/totalCount")), {}
            for index, row in enumerate(answer.rows(f"{at}/nodes")):
                yield row, refused.get(index, {})

    def organization(self) -> Mapping[str, Any]:
        """The organisation as REST tells it, asked once."""
        with self._lock:
            if self._organization is None:
                answer = self.get("")
                if not isinstance(answer, Mapping) or "id" not in answer:
                    raise MalformedError("GitHub's answer is no organisation")
                self._organization = answer
            return self._organization

    def _asking(self, text: str) -> Mapping[str, Any]:
        return {"query": text, "variables": dict(self.org)}


def _refused(answer: Answer, stem: list[str]) -> dict[int, dict[str, Unread]]:
    """The refusals of an answer by the number of their node and the last field of their path."""
    found: dict[int, dict[str, Unread]] = {}
    for error in answer.at("errors") or ():
        meant, place = graphql_refusal(error), error["path"]
        depth = len(stem)
        if not isinstance(meant, CallError) or place[:depth] != stem or len(place) < depth + 2:
            raise meant
        found.setdefault(place[depth], {})[place[-1]] = Unread(meant.code, "", meant.cause)
    return found


def graphql_address(address: Address) -> Address:
    """Where GraphQL is asked: beside `/api/v3` on an own server, at the same host elsewhere."""
    base = address.base_url.rstrip("/")
    return Address(base.removesuffix("/v3"), ca_file=address.ca_file, proxy=address.proxy)


def kept(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """The members of a row that checks need: GitHub's REST cannot be asked for less."""
    return {name: row[name] for name in names if name in row}
