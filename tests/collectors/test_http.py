"""The HTTP client over real sockets: paging, refusals, broken answers, clocks, TLS, secrets."""

from __future__ import annotations

import gc
import itertools
import logging
import socket
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import trustme
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors import Caller, CallError, Cause, MalformedError, Total
from collectors.http import (
    Address,
    Answer,
    Api,
    Bearer,
    NotAllowedError,
    Pager,
    Read,
    Site,
    by_cursor,
    by_link_header,
    reads,
)
from collectors.http_answers import Reset, patience, read_json
from collectors.http_pages import by_body_token, by_next_link, by_query_token
from collectors.http_tokens import Grant, Granted, signed
from tests.collectors.fake_clock import FakeClock, eager_caller, patient_caller
from tests.spec_server import Asked, Page, Scripted, SpecServer

SECRET = "canary-" + "s3cret" * 5
ROWS = "GET /things"
SEARCH = "POST /search"
ONE = "GET /things/{id}"
SPEC: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {
        "/things": {
            "get": {
                "parameters": [
                    {"name": "page", "in": "query", "schema": {"type": "string"}},
                    {"name": "size", "in": "query", "schema": {"type": "integer", "maximum": 9}},
                ],
                "responses": {"200": {"content": {"application/json": {"schema": {}}}}},
            }
        },
        "/things/{id}": {"get": {"responses": {}}},
        "/search": {
            "post": {
                "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
                "responses": {},
            }
        },
        "/token": {
            "post": {
                "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {}}}},
                "responses": {},
            }
        },
    },
}
SITE = Site(
    "acme",
    reads(ROWS, ONE, SEARCH, Read("POST /token", form=True, private=True)),
    request_ids=("x-acme-id",),
    resets={"x-reset": "epoch", "x-resets-after": "duration"},
    code=lambda answer: str(answer.at("error/code") or ""),
)


@pytest.fixture(scope="module")
def server() -> Iterator[SpecServer]:
    with SpecServer(SPEC, token=f"Bearer {SECRET}") as made:
        yield made


@pytest.fixture
def double(server: SpecServer) -> SpecServer:
    for each in (server.data, server.journal, server.violations, server._scripts, server.paged):
        each.clear()
    return server


def api(double: SpecServer, caller: Caller | None = None, **changed: Any) -> Api:
    site = Site(**{**vars(SITE), **changed})
    return Api(site, Address(double.url), caller or eager_caller(), Bearer(lambda: SECRET))


def numbered(count: int) -> list[dict[str, int]]:
    return [{"id": number} for number in range(count)]


def cuts(rows: Sequence[Any], sizes: Sequence[int]) -> list[list[Any]]:
    """The rows in pages of these sizes, empty ones among them, the last as large as need be."""
    starts = [0, *itertools.accumulate(sizes)]
    pages = [list(rows[a:b]) for a, b in itertools.pairwise(starts)]
    return [*pages, list(rows[starts[-1] :])]


def in_link_header(pages: list[list[Any]], asked: Asked) -> Page:
    number = int(asked.query.get("page", 0))
    more = number + 1 < len(pages)
    link = f'<{asked.link()}>; rel="self"'
    return pages[number], {
        "Link": f'{link}, <{asked.link(page=number + 1)}>; rel="next"' if more else link
    }


def in_body(pages: list[list[Any]], asked: Asked) -> Page:
    number = int(asked.query.get("page", 0))
    body: dict[str, Any] = {"value": pages[number], "count": sum(map(len, pages))}
    if number + 1 < len(pages):
        body["@odata.nextLink"] = asked.link(page=number + 1)
        body["nextPageToken"] = str(number + 1)
    return body, {}


def in_posted_body(pages: list[list[Any]], asked: Asked) -> Page:
    number = int(asked.body.get("options", {}).get("token", 0))
    body: dict[str, Any] = {"value": pages[number]}
    if number + 1 < len(pages):
        body["token"] = str(number + 1)
    return body, {}


def in_graphql(pages: list[list[Any]], asked: Asked) -> Page:
    number = int(asked.body.get("variables", {}).get("after") or 0)
    info = {"hasNextPage": number + 1 < len(pages), "endCursor": str(number + 1)}
    return {"value": pages[number], "info": info}, {}


STYLES: dict[str, tuple[str, Pager, Any, dict[str, Any]]] = {
    "link header": (ROWS, by_link_header, in_link_header, {}),
    "next link": (ROWS, by_next_link("@odata.nextLink"), in_body, {"at": "value"}),
    "query token": (ROWS, by_query_token("nextPageToken", "page"), in_body, {"at": "value"}),
    "body token": (
        SEARCH,
        by_body_token("token", "options/token"),
        in_posted_body,
        {"at": "value", "body": {"options": {"size": 3}}},
    ),
    "cursor": (
        SEARCH,
        by_cursor("info", "after"),
        in_graphql,
        {"at": "value", "body": {"query": "q"}},
    ),
}


@pytest.mark.parametrize("style", STYLES)
@given(count=st.integers(0, 30), sizes=st.lists(st.integers(0, 9), max_size=6))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_however_a_listing_is_split_into_pages_the_rows_are_the_same(
    double: SpecServer, style: str, count: int, sizes: list[int]
) -> None:
    operation, pager, paged, asked = STYLES[style]
    pages = cuts(numbered(count), sizes)
    double.journal.clear()
    double.data[operation] = [None]
    double.paged[operation] = lambda _, asked, __: paged(pages, asked)
    caller = eager_caller()
    assert list(api(double, caller).rows(operation, pager, **asked)) == numbered(count)
    assert len(double.journal) == len(pages)
    assert [line.page for line in caller.journal.lines] == list(range(1, len(pages) + 1))
    assert sum(line.rows or 0 for line in caller.journal.lines) == count
    double.check()


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("back_to", [0, 1, 2])
def test_pages_that_go_in_circles_are_malformed_and_the_loop_ends(
    double: SpecServer, style: str, back_to: int
) -> None:
    operation, pager, paged, asked = STYLES[style]
    pages = cuts(numbered(20), [3, 3, 3])

    def circling(_: Any, request: Asked, __: int) -> Page:
        body, headers = paged(pages, request)
        text = f"{body}{headers}"
        for last in ("page=3", "'3'"):
            if last in text:
                return paged_back(body, headers)
        return body, headers

    def paged_back(body: Any, headers: Any) -> Page:
        """The link to the last page leads to one that was seen."""
        new_headers = {n: v.replace("page=3", f"page={back_to}") for n, v in headers.items()}
        if isinstance(body, dict):
            body = {
                name: value.replace("page=3", f"page={back_to}")
                if isinstance(value, str) and "page=" in value
                else str(back_to)
                if value == "3"
                else {**value, "endCursor": str(back_to)}
                if name == "info"
                else value
                for name, value in body.items()
            }
        return body, new_headers

    double.data[operation] = [None]
    double.paged[operation] = circling
    with pytest.raises(MalformedError, match="twice"):
        list(api(double).rows(operation, pager, **asked))
    assert len(double.journal) <= 5


def test_a_next_link_to_another_host_is_not_followed(double: SpecServer) -> None:
    elsewhere = socket.create_server(("127.0.0.1", 0))
    elsewhere.settimeout(0.2)
    port = elsewhere.getsockname()[1]
    link = f'<http://127.0.0.1:{port}/things?page=1>; rel="next"'
    double.data[ROWS] = [{"id": 1}]
    double.paged[ROWS] = lambda rows, _, __: (rows, {"Link": link})
    got: list[Any] = []
    with pytest.raises(MalformedError, match="leads elsewhere"):
        got.extend(api(double).rows(ROWS, by_link_header))
    with pytest.raises(TimeoutError):
        elsewhere.accept()
    elsewhere.close()


def test_a_redirect_is_not_followed_and_says_what_to_do(double: SpecServer) -> None:
    double.script(ROWS, Scripted(302, {"Location": f"{double.url}/things/1"}))
    with pytest.raises(CallError) as raised:
        api(double).ask(ROWS)
    assert (raised.value.cause, len(double.journal)) == (Cause.UNREACHABLE, 1)
    assert "base_url" in str(raised.value)


def test_what_is_not_on_the_list_is_refused_unsent(double: SpecServer) -> None:
    with pytest.raises(NotAllowedError, match="GET /secrets"):
        api(double).ask("GET /secrets")
    assert double.journal == []


@pytest.mark.parametrize(("count", "stated"), [(5, 6), (6, 5), (1, 0)])
def test_a_total_that_disagrees_makes_the_listing_partial(
    double: SpecServer, count: int, stated: int
) -> None:
    double.data[ROWS] = {"value": numbered(count), "count": stated}
    rows = api(double).rows(ROWS, by_next_link(), at="value", total="count")
    got: list[Any] = []
    with pytest.raises(CallError) as raised:
        got.extend(rows)
    assert raised.value.cause is Cause.PARTIAL


def test_a_total_that_agrees_is_handed_on_and_noted(double: SpecServer) -> None:
    double.data[ROWS] = {"value": numbered(3), "count": 3}
    caller = eager_caller()
    rows = list(api(double, caller).rows(ROWS, by_next_link(), at="value", total="count"))
    assert rows == [*numbered(3), Total(3)]
    assert [(line.rows, line.total) for line in caller.journal.lines] == [(3, 3)]


@pytest.mark.parametrize("stated", [None, -1, "many", True, 1.5])
def test_a_total_that_is_missing_or_no_number_is_malformed(
    double: SpecServer, stated: object
) -> None:
    double.data[ROWS] = {"value": [], "count": stated}
    with pytest.raises(MalformedError):
        list(api(double).rows(ROWS, by_next_link(), at="value", total="count"))


@pytest.mark.parametrize("rows", [None, {"id": 1}, "x", [1], [[]], [None]])
def test_rows_that_are_no_list_of_objects_are_malformed(double: SpecServer, rows: object) -> None:
    double.data[ROWS] = {"value": rows}
    with pytest.raises(MalformedError):
        list(api(double).rows(ROWS, by_next_link(), at="value"))


def test_a_graphql_page_that_says_there_is_more_and_not_how_is_partial(double: SpecServer) -> None:
    double.data[SEARCH] = {"value": [], "info": {"hasNextPage": True, "endCursor": None}}
    with pytest.raises(CallError) as raised:
        list(api(double).rows(SEARCH, by_cursor("info", "after"), at="value", body={}))
    assert raised.value.cause is Cause.PARTIAL


def test_a_resource_graph_page_that_is_truncated_without_token_is_partial(
    double: SpecServer,
) -> None:
    double.data[SEARCH] = {"value": [], "resultTruncated": "true"}
    pager = by_body_token("$skipToken", "options/$skipToken", truncated="resultTruncated")
    with pytest.raises(CallError) as raised:
        list(api(double).rows(SEARCH, pager, at="value", body={}))
    assert raised.value.cause is Cause.PARTIAL


BROKEN = {
    "a name twice": b'{"a": 1, "a": 2}',
    "a name twice inside": b'[{"b": {"a": 1, "a": 2}}]',
    "not a number": b'{"a": NaN}',
    "endless": b'{"a": -Infinity}',
    "cut off": b'{"a": [1, 2',
    "no utf-8": b'{"a": "\xff"}',
    "too deep": b"[" * 100_000,
    "a page": b"<html><body>Sign in</body></html>",
    "two values": b"{}{}",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_an_answer_that_is_no_proper_json_is_malformed(double: SpecServer, raw: bytes) -> None:
    double.script(ROWS, Scripted(raw=raw))
    with pytest.raises(MalformedError):
        api(double).ask(ROWS)
    assert len(double.journal) == 1


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/plain", ""])
def test_an_answer_of_another_type_is_malformed(double: SpecServer, kind: str) -> None:
    double.script(ROWS, Scripted(200, {"Content-Type": kind}, {"a": 1}))
    with pytest.raises(MalformedError):
        api(double).ask(ROWS)


def test_an_answer_without_content_is_none(double: SpecServer) -> None:
    double.script(ROWS, Scripted(204, raw=b""))
    assert api(double).ask(ROWS) is None


def test_an_answer_that_is_too_large_is_refused_before_it_is_held(double: SpecServer) -> None:
    double.script(ROWS, Scripted(raw=b'"' + b"x" * 300_000 + b'"'))
    with pytest.raises(MalformedError, match="larger than 100,000 bytes"):
        api(double, largest=100_000).ask(ROWS)


@pytest.mark.parametrize("broken", [Scripted(body={"a": 1}, cut=True), Scripted(reset=True)])
def test_a_connection_that_breaks_is_tried_again(double: SpecServer, broken: Scripted) -> None:
    double.data[ROWS] = {"id": 7}
    double.script(ROWS, broken, broken)
    assert api(double).ask(ROWS) == {"id": 7}
    assert len(double.journal) == 3


def test_a_server_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    asked = Api(SITE, Address(f"http://127.0.0.1:{port}"), patient_caller())
    with pytest.raises(CallError) as raised:
        asked.ask(ROWS)
    assert (raised.value.cause, raised.value.code) == (Cause.UNREACHABLE, "ConnectError")
    assert "127.0.0.1" in str(raised.value)


MEANINGS = [
    (400, {"error": {"code": "BadFilter"}}, Cause.PARTIAL, "BadFilter"),
    (401, None, Cause.DENIED, "HTTP 401"),
    (402, None, Cause.NOT_LICENSED, "HTTP 402"),
    (403, {"error": {"code": "Forbidden"}}, Cause.DENIED, "Forbidden"),
    (404, {}, Cause.PARTIAL, "HTTP 404"),
    (206, {}, Cause.PARTIAL, "HTTP 206"),
    (301, {}, Cause.UNREACHABLE, "HTTP 301"),
    (500, {}, Cause.UNREACHABLE, "HTTP 500"),
    (501, {}, Cause.PARTIAL, "HTTP 501"),
    (403, "<html>", Cause.DENIED, "HTTP 403"),
]


@pytest.mark.parametrize(("status", "body", "cause", "code"), MEANINGS)
def test_a_status_means_one_cause_and_its_code_is_the_platforms(
    double: SpecServer, status: int, body: Any, cause: Cause, code: str
) -> None:
    double.script(ROWS, *[Scripted(status, body=body)] * 9)
    with pytest.raises(CallError) as raised:
        api(double).ask(ROWS)
    assert (raised.value.cause, raised.value.code) == (cause, code)
    assert len(double.journal) == (4 if status == 500 else 1)


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "40"},
        {"Retry-After": "DATE"},
        {"x-reset": "RESET"},
        {"x-resets-after": "00:00:40"},
    ],
)
def test_each_of_the_retry_clocks_is_obeyed(double: SpecServer, headers: dict[str, str]) -> None:
    now = datetime.now(UTC) + timedelta(seconds=40)
    words = {"RESET": str(int(now.timestamp())), "DATE": format_datetime(now, usegmt=True)}
    double.data[ROWS] = {"id": 7}
    double.script(ROWS, Scripted(429, {n: words.get(v, v) for n, v in headers.items()}))
    caller = patient_caller()
    assert api(double, caller).ask(ROWS) == {"id": 7}
    assert 36 <= caller.clock.monotonic() - 1000 <= 41
    assert [line.outcome for line in caller.journal.lines] == ["throttled", "ok"]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"x-reset": "-5"}])
def test_a_throttle_without_a_clock_backs_off_by_itself(
    double: SpecServer, headers: dict[str, str]
) -> None:
    double.data[ROWS] = {"id": 7}
    double.script(ROWS, *[Scripted(429, headers)] * 5)
    caller = patient_caller()
    assert api(double, caller).ask(ROWS) == {"id": 7}
    assert caller.clock.monotonic() > 1000


@given(
    headers=st.dictionaries(
        st.sampled_from(["retry-after", "x-reset", "x-after", "x-delta", "date"]),
        st.one_of(
            st.text(max_size=20),
            st.integers(-(10**9), 10**12).map(str),
            st.datetimes().map(lambda at: format_datetime(at.replace(tzinfo=UTC), usegmt=True)),
            st.just("00:05:07"),
        ),
    )
)
def test_no_header_gives_a_negative_wait_or_an_error(headers: dict[str, str]) -> None:
    resets: dict[str, Reset] = {"x-reset": "epoch", "x-after": "duration", "x-delta": "seconds"}
    seconds = patience(headers, resets, datetime(2026, 11, 24, tzinfo=UTC))
    assert seconds is None or seconds >= 0


def test_a_date_is_measured_by_the_servers_own_clock() -> None:
    headers = {
        "date": "Tue, 24 Nov 2026 10:00:00 GMT",
        "retry-after": "Tue, 24 Nov 2026 10:00:30 GMT",
    }
    assert patience(headers, {}, datetime(2020, 1, 1, tzinfo=UTC)) == 30


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda leaf: st.lists(leaf) | st.dictionaries(st.text(), leaf),
    )
)
def test_every_proper_json_is_read_as_it_is(value: Any) -> None:
    import json  # noqa: PLC0415 - the other reader

    assert read_json(json.dumps(value).encode()) == value


def test_the_journal_says_what_was_asked_and_never_the_secret(
    double: SpecServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    double.data[ROWS] = {"id": 1}
    double.data["POST /token"] = {"access_token": SECRET}
    double.script(ROWS, Scripted(500, {"x-acme-id": "r1"}))
    caller = eager_caller()
    asked = api(double, caller)
    asked.ask(ROWS, query={"size": 3})
    asked.ask("POST /token", body={"client_secret": SECRET})
    first, second, third = caller.journal.document()
    assert (first["outcome"], first["status"], first["request_id"]) == ("HTTP 500", 500, "r1")
    assert second["parameters"] == {"size": 3}
    assert second["server_date"]
    assert (third["operation"], third["parameters"]) == ("POST /token", {})
    assert SECRET not in repr(caller.journal.document())
    assert SECRET not in caplog.text
    assert SECRET not in repr((asked, vars(asked), asked.address, asked.site))


def test_an_unusable_token_is_named_without_being_repeated(double: SpecServer) -> None:
    asked = Api(SITE, Address(double.url), eager_caller(), Bearer(lambda: f"{SECRET}\r\nX-A: b"))
    with pytest.raises(CallError) as raised:
        asked.ask(ROWS)
    assert raised.value.cause is Cause.DENIED
    assert SECRET not in f"{raised.value} {raised.value.__cause__} {raised.value.__context__}"
    assert double.journal == []


def test_a_granted_token_is_asked_for_once_and_kept_for_all_threads() -> None:
    clock = FakeClock()
    given: list[int] = []

    def grant() -> Grant:
        given.append(1)
        return Grant(f"token{len(given)}", 3600)

    kept = Granted(grant, clock)
    threads = [threading.Thread(target=kept.token) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept.headers("GET", "https://x") == {"Authorization": "Bearer token1"}
    clock.seconds += 3600 - 119
    assert kept.token().token == "token2"
    assert not kept.renew()
    clock.seconds += 61
    assert kept.renew()
    assert kept.token().token == "token3"


def test_a_token_refused_before_its_time_is_renewed_once(double: SpecServer) -> None:
    caller = patient_caller()
    tokens = iter(["revoked", SECRET])
    kept = Granted(lambda: Grant(next(tokens), 3600), caller.clock)
    kept.token()
    caller.clock.sleep(120)
    double.data[ROWS] = {"id": 1}
    assert Api(SITE, Address(double.url), caller, kept).ask(ROWS) == {"id": 1}
    assert [line.outcome for line in caller.journal.lines] == ["HTTP 401", "ok"]


def test_a_private_key_that_is_none_is_named_without_being_repeated() -> None:
    with pytest.raises(CallError) as raised:
        signed(f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----", {}, {})
    assert SECRET not in f"{raised.value} {raised.value.__cause__}"
    assert raised.value.permission == "a private key in PEM form"


def test_tls_is_checked_against_the_authority_that_is_declared(tmp_path: Any) -> None:
    authority = trustme.CA()
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with SpecServer(SPEC, tls=authority) as double:
        double.data[ROWS] = {"id": 1}
        trusting = Api(SITE, Address(double.url, ca_file=str(file)), eager_caller())
        assert trusting.ask(ROWS) == {"id": 1}
        with pytest.raises(CallError) as raised:
            Api(SITE, Address(double.url), eager_caller()).ask(ROWS)
        assert raised.value.code == "untrusted certificate"
        assert "ca_file" in str(raised.value)
        with pytest.raises(CallError, match="cannot be read"):
            Api(SITE, Address(double.url, ca_file=str(file) + "x"), eager_caller()).ask(ROWS)


def test_a_proxy_is_asked_where_one_is_declared(double: SpecServer) -> None:
    del double.data, double.journal[:]
    double.data = {ROWS: {"id": 1}}
    with SpecServer({"openapi": "3.0.3", "paths": {}}) as proxy:
        asked = Api(
            SITE, Address(double.url, proxy=proxy.url), eager_caller(), Bearer(lambda: SECRET)
        )
        with pytest.raises(CallError):
            asked.ask(ROWS)
        assert [each.headers["host"] for each in proxy.journal]
        assert double.journal == []


def test_an_answer_that_drips_ends_by_the_deadline() -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
            )
            while not stop.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    port = listening.getsockname()[1]
    with pytest.raises(CallError) as raised:
        Api(SITE, Address(f"http://127.0.0.1:{port}"), eager_caller(0.5)).ask(ROWS)
    stop.set()
    thread.join()
    listening.close()
    assert raised.value.cause is Cause.UNREACHABLE


def test_connections_are_closed_with_their_last_user(double: SpecServer) -> None:
    double.data[ROWS] = {"id": 1}
    asked = api(double)
    asked.ask(ROWS)
    client = asked._client._made
    assert client is not None
    del asked
    gc.collect()
    assert client.is_closed


def test_a_platforms_own_reading_comes_before_the_status(double: SpecServer) -> None:
    def understand(answer: Answer) -> Exception | None:
        errors = answer.at("errors")
        return CallError(Cause.PARTIAL, "some rows are missing") if errors else None

    double.data[ROWS] = {"value": [], "errors": [{"message": "x"}]}
    with pytest.raises(CallError, match="some rows"):
        api(double, understand=understand).ask(ROWS)
