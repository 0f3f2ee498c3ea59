"""How platforms give further pages: each pager makes the next request from an answer, or ends.

A pager ends only where the platform gives no token. The client that asks refuses links that lead
elsewhere and requests that were sent before (`collectors/http.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from collectors.http_answers import Answer
from collectors.http_reads import Request
from collectors.model import CallError, Cause, MalformedError

Pager = Callable[[Request, Answer], Request | None]

LINK: Final = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*!-]+\s*=\s*(?:\"[^\"]*\"|[^\s\",;]+))*)")
RELATION: Final = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]+))", re.IGNORECASE)


def one_page(request: Request, answer: Answer) -> Request | None:
    """For what is not paged."""
    del request, answer
    return None


def by_link_header(request: Request, answer: Answer) -> Request | None:
    """`Link: <...>; rel="next"` (GitHub, Okta, GitLab); several links may share one header.

    Raises:
        MalformedError: the header names several next pages.
    """
    links = [
        link
        for link, parameters in LINK.findall(answer.headers.get("link", ""))
        if any(
            "next" in (quoted or plain).lower().split()
            for quoted, plain in RELATION.findall(parameters)
        )
    ]
    if len(set(links)) > 1:
        raise MalformedError("the answer names several next pages")
    return request.at(links[0]) if links else None


def by_next_link(path: str = "nextLink") -> Pager:
    """A whole URL in the body: ARM's `nextLink`, Microsoft Graph's `@odata.nextLink`."""

    def following(request: Request, answer: Answer) -> Request | None:
        link = token(answer, path)
        return request.at(link) if link else None

    return following


def by_query_token(path: str, parameter: str) -> Pager:
    """A token in the body, sent back as a query parameter: Google's `nextPageToken`."""

    def following(request: Request, answer: Answer) -> Request | None:
        given = token(answer, path)
        return request.with_query(parameter, given) if given else None

    return following


def by_body_token(path: str, member: str, *, truncated: str = "") -> Pager:
    """A token in the body, sent back in the next body: Resource Graph's `$skipToken`.

    `truncated` is where the answer says that rows are missing; without a token that is partial.
    """

    def following(request: Request, answer: Answer) -> Request | None:
        given = token(answer, path)
        if given:
            return request.with_member(member, given)
        if truncated and answer.at(truncated) in {True, "true"}:
            raise CallError(Cause.PARTIAL, "truncated answer without token")
        return None

    return following


def by_cursor(page_info: str, variable: str) -> Pager:
    """GraphQL's `pageInfo { hasNextPage endCursor }`, sent back as a variable of the query."""

    def following(request: Request, answer: Answer) -> Request | None:
        info: Any = answer.at(page_info)
        more = info.get("hasNextPage") if isinstance(info, dict) else None
        if not isinstance(more, bool):
            raise MalformedError(f"the answer does not say at {page_info} whether there is more")
        if not more:
            return None
        cursor = token(answer, f"{page_info}/endCursor")
        if not cursor:
            raise CallError(Cause.PARTIAL, "truncated answer without token")
        return request.with_member(f"variables/{variable}", cursor)

    return following


def token(answer: Answer, path: str) -> str:
    """The token at a path of the body, "" where there is none.

    Raises:
        MalformedError: something else than a text stands there.
    """
    found = answer.at(path)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise MalformedError(f"the page token at {path} is no text")
    return found
