"""What may be asked and where: nothing else is sent, no link leads elsewhere."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import CallError, MalformedError
from collectors.http_reads import (
    Address,
    NotAllowedError,
    Read,
    Request,
    first_request,
    pinned,
)

MEMBERS = Read("GET /orgs/{org}/members", also_at=("/organizations/{id}/members",))
SCOPED = Read("GET /{+scope}/providers/x/settings")
HERE = Address("https://api.acme.example/api/v3", ("https://eu.acme.example",))
SEGMENT = st.text(min_size=1).filter(lambda s: s not in {".", ".."})


def linked(url: str, read: Read = MEMBERS) -> Request:
    return Request(read, url)


@given(org=SEGMENT)
def test_a_name_stays_one_segment_of_the_path_whatever_it_holds(org: str) -> None:
    try:
        request = first_request(HERE, MEMBERS, {"org": org}, {}, None)
    except NotAllowedError:
        return
    except UnicodeEncodeError:
        return
    url = httpx.URL(request.url)
    assert url.host == "api.acme.example"
    assert url.raw_path.decode() == f"/api/v3/orgs/{quote(org, safe='')}/members"


@pytest.mark.parametrize("org", ["", ".", "..", "%2e%2e", "%2E"])
def test_a_name_that_climbs_out_of_its_path_is_refused(org: str) -> None:
    with pytest.raises(NotAllowedError):
        first_request(HERE, MEMBERS, {"org": org}, {}, None)


@pytest.mark.parametrize("names", [{}, {"org": "a", "other": "b"}, {"other": "b"}])
def test_the_names_are_those_of_the_path(names: dict[str, str]) -> None:
    with pytest.raises(NotAllowedError, match="takes"):
        first_request(HERE, MEMBERS, names, {}, None)


def test_a_wide_name_keeps_its_slashes_and_nothing_else() -> None:
    asked = first_request(HERE, SCOPED, {"scope": "/subscriptions/1/groups/a b?c"}, {}, None)
    assert asked.url.endswith("/api/v3/subscriptions/1/groups/a%20b%3Fc/providers/x/settings")
    with pytest.raises(NotAllowedError):
        first_request(HERE, SCOPED, {"scope": "a/../../b"}, {}, None)


def test_a_query_is_encoded_and_what_is_none_left_out() -> None:
    query = {"$filter": "a eq 'b&c'", "all": True, "page": None}
    asked = first_request(HERE, MEMBERS, {"org": "n"}, query, None)
    assert dict(httpx.URL(asked.url).params) == {"$filter": "a eq 'b&c'", "all": "true"}


@pytest.mark.parametrize("operation", ["DELETE /x", "GET x", "get /x", "PATCH /x", "GET /x y"])
def test_only_reads_can_be_listed(operation: str) -> None:
    with pytest.raises(NotAllowedError):
        Read(operation)


def test_a_body_that_would_do_more_than_read_is_refused() -> None:
    query = Read("POST /graphql", judges=lambda body: body["query"].startswith("query"))
    first_request(HERE, query, {}, {}, {"query": "query { a }"})
    with pytest.raises(NotAllowedError, match="more than read"):
        first_request(HERE, query, {}, {}, {"query": "mutation { a }"})


@pytest.mark.parametrize(
    "link",
    [
        "https://api.acme.example/api/v3/orgs/n/members?page=2",
        "https://API.ACME.example:443/api/v3/orgs/n/members?page=2",
        "https://api.acme.example/api/v3/organizations/7/members?page=2",
        "https://eu.acme.example/orgs/n/members?after=x%2Fy",
        "/api/v3/orgs/n/members?page=2",
        "?page=2",
    ],
)
def test_a_next_link_of_the_platform_is_followed(link: str) -> None:
    asked = linked("https://api.acme.example/api/v3/orgs/n/members").at(link)
    assert pinned(HERE, asked) is asked


FOREIGN = [
    "https://evil.example/api/v3/orgs/n/members",
    "https://api.acme.example.evil.example/api/v3/orgs/n/members",
    "http://api.acme.example/api/v3/orgs/n/members",
    "https://api.acme.example:8443/api/v3/orgs/n/members",
    "https://user@api.acme.example/api/v3/orgs/n/members",
    "https://user:word@api.acme.example/api/v3/orgs/n/members",
    "https://api.acme.example@evil.example/api/v3/orgs/n/members",
    "https://evil.example\\@api.acme.example/api/v3/orgs/n/members",
    "https://api.acme.example/api/v3/orgs/n/secrets",
    "https://api.acme.example/api/v3/orgs/n/members/../../../x",
    "https://api.acme.example/api/v3/orgs/%2e%2e/members",
    "https://api.acme.example/orgs/n/members",
    "https://eu.acme.example/api/v3/orgs/n/members",
    "https://api.acme.example/api/v3/orgs/n/members#x",
    "//evil.example/api/v3/orgs/n/members",
    "ftp://api.acme.example/api/v3/orgs/n/members",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https://[::1/api/v3/orgs/n/members",
    "https://api.acme.example\n.evil.example/api/v3/orgs/n/members",
    "https://аpi.acme.example/api/v3/orgs/n/members",  # noqa: RUF001 - a Cyrillic letter
]


@pytest.mark.parametrize("link", FOREIGN)
def test_a_link_that_leads_elsewhere_is_refused(link: str) -> None:
    base = linked("https://api.acme.example/api/v3/orgs/n/members")
    with pytest.raises(MalformedError) as raised:
        pinned(HERE, base.at(link))
    assert "word" not in str(raised.value)


@given(
    scheme=st.sampled_from(["https", "http", "HTTPS", "ws"]),
    user=st.sampled_from(["", "a@", "a:b@", ":@"]),
    host=st.one_of(
        st.sampled_from(["api.acme.example", "eu.acme.example", "api.acme.example."]),
        st.from_regex(r"[a-z0-9.\-\\@%_]{1,30}", fullmatch=True),
    ),
    port=st.sampled_from(["", ":443", ":80", ":8443", ":"]),
    path=st.sampled_from(["/api/v3/orgs/n/members", "/orgs/n/members", "/x", ""]),
)
def test_whatever_passes_is_sent_to_a_declared_host_over_tls(
    scheme: str, user: str, host: str, port: str, path: str
) -> None:
    url = f"{scheme}://{user}{host}{port}{path}"
    if HERE.holds(url, MEMBERS):
        sent = httpx.Request("GET", url)
        assert sent.url.scheme == "https"
        assert sent.headers["host"].removesuffix(":443").rstrip(".") in {
            "api.acme.example",
            "eu.acme.example",
        }
        assert "authorization" not in sent.headers
        assert path in {"/api/v3/orgs/n/members", "/orgs/n/members"}


@pytest.mark.parametrize(
    "base",
    [
        "http://api.acme.example",
        "https://user@api.acme.example",
        "https://api.acme.example?x=1",
        "https://api.acme.example#x",
        "api.acme.example",
        "",
        "http://127.0.0.1.evil.example",
    ],
)
def test_an_address_that_no_credential_may_be_sent_to_is_refused(base: str) -> None:
    with pytest.raises(CallError) as raised:
        Address(base)
    assert raised.value.permission


@pytest.mark.parametrize("base", ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1"])
def test_this_machine_may_be_asked_without_tls(base: str) -> None:
    assert Address(base).host in {"127.0.0.1", "localhost", "::1"}
