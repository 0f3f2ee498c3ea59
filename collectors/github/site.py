"""How GitHub is spoken to: what may be asked, and what its answers mean."""

from __future__ import annotations

import re
from typing import Any, Final

from collectors import CallError, Cause, ThrottledError
from collectors.http import Answer, Read, Site, reads

VERSION: Final = "2022-11-28"
"""The REST API's version; GitHub keeps one for at least two years after the next."""

GRAPHQL: Final = "POST /graphql"

ORGANIZATION_PAGES: Final = "/organizations/{id}/"
"""GitHub's next links name the organisation by number."""


def only_reads(body: Any) -> bool:  # noqa: ANN401 - a request's body
    """Whether a GraphQL request is one named query: mutations and subscriptions are refused."""
    text = body.get("query", "") if isinstance(body, dict) else ""
    return (
        re.match(r"query \w+\(", text) is not None
        and re.search(r"\b(mutation|subscription)\b", text) is None
    )


def _paged(path: str) -> Read:
    return Read(
        f"GET /orgs/{{org}}/{path}", service="rest", also_at=(f"{ORGANIZATION_PAGES}{path}",)
    )


def _plain(path: str) -> Read:
    return Read(f"GET /orgs/{{org}}{path}", service="rest")


ALLOWED: Final = reads(
    _plain(""),
    _plain("/actions/permissions"),
    _plain("/actions/permissions/workflow"),
    _paged("installations"),
    _paged("outside_collaborators"),
    _paged("personal-access-tokens"),
    _paged("hooks"),
    _paged("secret-scanning/alerts"),
    _paged("dependabot/alerts"),
    _paged("code-scanning/alerts"),
    Read(GRAPHQL, service="graphql", judges=only_reads),
)


def understand(answer: Answer) -> Exception | None:
    """GitHub's own reading of an answer.

    Quotas are refused with 403 as well as 429, and by GraphQL inside an answer that is 200; 404
    stands for what a token may not see; what the plan lacks is told in words only.
    """
    if answer.status == 200:
        errors = answer.at("errors")
        return graphql_refusal(errors[0]) if isinstance(errors, list) and errors else None
    message = str(answer.at("message") or "").lower()
    if answer.status in {403, 429} and (patience := _throttled(answer, message)):
        return patience
    return _refusal(answer, message) if answer.status in {403, 404} else None


def _refusal(answer: Answer, message: str) -> Exception | None:
    """A refusal that something else than a permission cures, and what is not found."""
    if "x-github-sso" in answer.headers:
        return _denied("SAML single sign-on", "a token authorised for single sign-on")
    if "ip allow list" in message:
        return _denied("IP allow list", "this machine's address on the IP allow list")
    if "advanced security" in message or "upgrade" in message:
        return CallError(Cause.NOT_LICENSED, "not in the plan")
    return _denied("Not Found") if answer.status == 404 else None


def understand_in_part(answer: Answer) -> Exception | None:
    """The same, where whoever asked looks at the refusals that name a place in the answer."""
    errors = answer.at("errors")
    if answer.status == 200 and isinstance(errors, list) and answer.at("data/organization"):
        unplaced = [
            error for error in errors if not (isinstance(error, dict) and error.get("path"))
        ]
        return graphql_refusal(unplaced[0]) if unplaced else None
    return understand(answer)


def graphql_refusal(error: Any) -> Exception:  # noqa: ANN401 - one member of `errors`
    """What one error of a GraphQL answer means."""
    kind = error.get("type") if isinstance(error, dict) else None
    if kind in {"RATE_LIMITED", "RATE_LIMIT"}:
        return ThrottledError("rate limit")
    if kind in {"FORBIDDEN", "INSUFFICIENT_SCOPES", "NOT_FOUND"}:
        return _denied(str(kind))
    return CallError(Cause.PARTIAL, str(kind or "GraphQL error"))


def _throttled(answer: Answer, message: str) -> ThrottledError | None:
    """A spent quota; a minute where a secondary limit does not say how long, as documented."""
    if answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers:
        return ThrottledError("rate limit")
    if answer.status == 429 or "rate limit" in message:
        return ThrottledError("secondary rate limit", 60.0)
    return None


def _denied(code: str, permission: str = "") -> CallError:
    return CallError(Cause.DENIED, code, f"GitHub refused: {code}", permission)


def _code(answer: Answer) -> str:
    """GitHub's few fixed messages of refusal; others may hold names and numbers."""
    message = answer.at("message")
    return message if message in MESSAGES else ""


MESSAGES: Final = frozenset({
    "Bad credentials",
    "Requires authentication",
    "Resource not accessible by integration",
    "Resource not accessible by personal access token",
})  # fmt: skip

SITE: Final = Site(
    "github",
    ALLOWED,
    headers={
        "Accept": "application/vnd.github+json",
        "User-Agent": "annexa",
        "X-GitHub-Api-Version": VERSION,
    },
    request_ids=("x-github-request-id",),
    resets={"x-ratelimit-reset": "epoch"},
    code=_code,
    understand=understand,
)
