"""What each receiver gets: over real sockets, against published limits and independent parsers."""

from __future__ import annotations

import base64
import ipaddress
import json
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from cloudevents.core.bindings.http import HTTPMessage, from_structured
from cloudevents.core.formats.json import JSONFormat

from annexa.alerts import Answer, events, guarded, jira, pagerduty
from annexa.alerts.guarded import Way, allowed, retry_after
from annexa.alerts.interface import MOST_RESOURCES
from annexa.alerts.jira import JiraSink
from annexa.alerts.pagerduty import PagerdutySink
from annexa.alerts.slack import SlackSink
from annexa.alerts.teams import TeamsSink
from annexa.alerts.through_apprise import AppriseSink
from annexa.alerts.webhook import SigningSecretError, WebhookSink, key_of
from tests.annexa.alerts import receivers
from tests.annexa.alerts.conftest import LOOPBACK, NOON, Receiver, alert, message

LOCAL = (ipaddress.ip_network("127.0.0.0/8"),)
HUGE = {
    "title": "A" * 5000,
    "reason": "<!channel> *x* " * 400,
    "resources": [
        {"id": "r" * 300, "check": "aws.s3.x", "reason": "&<>" * 50}
    ] * MOST_RESOURCES,
}  # fmt: skip


def canary() -> str:
    return "canary"


# The generic webhook


def test_a_cloud_event_is_one_to_the_reference_parser_and_below_20_kb(receiver: Receiver) -> None:
    sink = WebhookSink("one", receiver.url, [lambda: "whsec_" + "QUJD" * 8], LOOPBACK)
    for told in (message(), message(**HUGE)):
        assert sink.send(told, NOON).delivered
        got = receiver.got[-1]
        assert len(got.body) < events.MOST_BYTES
        event = from_structured(HTTPMessage(got.headers, got.body), JSONFormat())
        assert event.get_id() == got.headers["webhook-id"] == told.id
        assert event.get_type() == "finding.resource.failing"
        assert event.get_source() == "urn:annexa:annexa/test"
        assert event.get_time() == NOON
        data = event.get_data()
        assert isinstance(data, dict)
        assert data["control"] == "A.8.24"
        assert len(data["resources"]) <= MOST_RESOURCES


def test_resources_are_left_out_before_the_body_is_too_long() -> None:
    rows = [{"id": "r" * 4000, "check": "c"}] * 10
    body = events.cloud_event(message(resources=rows))
    assert len(body) < events.MOST_BYTES
    assert 0 < len(json.loads(body)["data"]["resources"]) < 10


@pytest.mark.parametrize("secret", ["whsec_%%%", "whsec_QUJD", "canary"])
def test_a_secret_of_another_form_is_refused_without_repeating_it(secret: str) -> None:
    with pytest.raises(SigningSecretError) as caught:
        key_of(secret)
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "delivered", "gone"), [(200, True, False), (299, True, False), (302, False, False),
                                    (404, False, False), (410, False, True), (500, False, False)]
)  # fmt: skip
def test_only_2xx_is_success_and_redirects_are_not_followed(
    receiver: Receiver, code: int, *, delivered: bool, gone: bool
) -> None:
    receiver.codes = [code]
    receiver.headers = {"location": receiver.url, "retry-after": "7"}
    sink = WebhookSink("one", receiver.url, [lambda: "whsec_" + "QUJD" * 8], LOOPBACK)
    answer = sink.send(message(), NOON)
    assert (answer.delivered, answer.gone) == (delivered, gone)
    assert len(receiver.got) == 1
    assert delivered or answer.retry_after == 7


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("120", NOON) == 120
    assert retry_after("Wed, 25 Nov 2026 12:01:00 GMT", NOON) == 60
    assert retry_after("Wed, 25 Nov 2020 12:01:00 GMT", NOON) == 0
    for text in ("", "soon", "-1", "1" * 30):
        assert retry_after(text, NOON) is None


# Addresses


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1", "192.0.2.1",  # noqa: S104 - bound to by nobody
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::1", "fd00:ec2::254",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not allowed(address)


def test_public_and_listed_addresses_are_allowed_metadata_never() -> None:
    assert allowed("93.184.216.34")
    assert allowed("2606:2800:220:1:248:1893:25c8:1946")
    mine = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("169.254.0.0/16")]
    assert allowed("10.1.2.3", mine)
    assert not allowed("169.254.169.254", mine)
    assert not allowed("192.168.2.3", mine)


def test_the_address_is_checked_where_it_is_connected_to(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(receiver.url.rsplit(":", 1)[1].split("/")[0])
    asked = []

    def resolve(host: str, *_: object, **__: object) -> list[Any]:
        """A name that leads to a public address first and to this machine ever after."""
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(guarded.socket, "getaddrinfo", resolve)
    way = Way((), allow_http=True, timeout=1)
    assert guarded.addresses("rebinds.example", port, ()) == ["93.184.216.34"]
    answer, _ = way.post(f"http://rebinds.example:{port}/", {}, b"", NOON)
    assert not answer.delivered
    assert "not a public address" in answer.error
    assert receiver.got == []


def test_plain_http_must_be_allowed_and_errors_name_no_path(receiver: Receiver) -> None:
    answer, _ = Way(LOCAL).post(receiver.url, {}, b"", NOON)
    assert answer.error == "only https is spoken; allow_http is not set"
    answer, _ = Way(LOCAL, allow_http=True).post("http://127.0.0.1:9/canary?canary", {}, b"", NOON)
    assert "canary" not in answer.error
    assert answer.error.startswith("127.0.0.1: ")


@pytest.mark.parametrize(
    "url",
    [
        "", "canary", "https://canary:abc/", "https://127.0.0.1:99999/canary", "https://[::1/canary",
        "https://exämple.invalid/canary", "https://127.0.0.1/canary\n", "https:///canary",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_said_and_not_repeated(url: str) -> None:
    answer, _ = LOOPBACK.post(url, {}, b"", NOON)
    assert answer.error == guarded.NO_ADDRESS


def test_a_host_name_that_cannot_be_one_is_an_answer() -> None:
    for host in ("a..invalid", "a" * 70 + ".invalid"):
        answer, _ = LOOPBACK.post(f"https://{host}/canary", {}, b"", NOON)
        assert "no host name" in answer.error
        assert "canary" not in answer.error


def test_a_receiver_that_answers_byte_by_byte_does_not_keep_us(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guarded, "WHOLE", 0.6)
    monkeypatch.setattr(guarded.GuardedBackend.__init__, "__defaults__", (0.6,))
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            peer, _ = server.accept()
            with peer:
                while not done.wait(0.1):
                    try:
                        peer.sendall(b"H")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        started = datetime.now(UTC)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        answer, _ = Way(LOCAL, allow_http=True).post(url, {}, b"x", NOON)
        took = datetime.now(UTC) - started
        done.set()
        thread.join()
    assert not answer.delivered
    assert took < timedelta(seconds=5)


def speaks_tls(context: ssl.SSLContext, way: dict[str, Any]) -> Answer:
    """What comes of a POST to a server with this context; it asks for what the context says."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            peer, _ = server.accept()
            try:
                with context.wrap_socket(peer, server_side=True) as safe:
                    asked = b""
                    while not asked.endswith(b"\r\n\r\nx"):
                        asked += safe.recv(65536)
                    safe.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except OSError:
                peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"
        answer, _ = Way(LOCAL, **way).post(url, {}, b"x", NOON)
        thread.join()
        return answer


def test_tls_verifies_the_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, good in (("127.0.0.1", True), ("other.example", False)):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        answer = speaks_tls(context, {"ca_file": str(tmp_path / "ca.pem")})
        assert answer.delivered is good
        assert good or "CERTIFICATE_VERIFY_FAILED" in answer.error


def test_a_receiver_that_asks_for_a_certificate_gets_ours_and_no_other(tmp_path: Path) -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, issuer in (("ours", authority), ("strange", stranger)):
        issued = issuer.issue_cert("annexa.example")
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / f"{name}.pem")
        issued.private_key_pem.write_to_path(tmp_path / f"{name}.key")
        issued.cert_chain_pems[0].write_to_path(tmp_path / f"{name}.crt")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(context)
    ca_file = {"ca_file": str(tmp_path / "ca.pem")}
    ours = {"cert_file": str(tmp_path / "ours.crt"), "key_file": str(tmp_path / "ours.key")}
    assert speaks_tls(context, ca_file | ours).delivered
    assert speaks_tls(context, ca_file | {"cert_file": str(tmp_path / "ours.pem")}).delivered
    assert not speaks_tls(context, ca_file).delivered
    assert not speaks_tls(context, ca_file | {"cert_file": str(tmp_path / "strange.pem")}).delivered
    for bad in (ours | {"key_file": str(tmp_path / "strange.key")}, {"cert_file": "nowhere.pem"}):
        answer, _ = Way(LOCAL, **ca_file, **bad).post("https://127.0.0.1:9/", {}, b"", NOON)
        assert not answer.delivered
        assert answer.error.startswith("127.0.0.1: ")


# Slack


@pytest.mark.parametrize(
    "told", [message(), message(**HUGE), message(link="https://a.example/?x=1")]
)
def test_slack_gets_blocks_in_which_no_name_is_markup(receiver: Receiver, told: Any) -> None:
    sink = SlackSink("one", lambda: receiver.url, LOOPBACK)
    assert sink.send(told, NOON).delivered
    assert receivers.slack(receiver.got[-1].body) == []
    for block in receiver.got[-1].json["blocks"]:
        parts = [block.get("text"), *block.get("fields", []), *block.get("elements", [])]
        marked = [each["text"] for each in parts if each and each["type"] == "mrkdwn"]
        assert not any(text in each for each in marked for text in ("<!channel>", "<b>", "*x*"))
        plain = [each for each in parts if each and each["type"] == "plain_text"]
        assert all(each["emoji"] is False for each in plain), "arn:aws:s3::: has colons"


# Teams


@pytest.mark.parametrize("told", [message(), message(**HUGE), message(link="https://a.example/")])
def test_teams_gets_one_card_in_which_nothing_is_markup(receiver: Receiver, told: Any) -> None:
    sink = TeamsSink("one", lambda: receiver.url, LOOPBACK)
    receiver.codes = [202]
    assert sink.send(told, NOON).delivered
    assert receivers.teams(receiver.got[-1].body) == []
    assert "*x*" not in json.dumps(receiver.got[-1].json).replace("\\\\*", "")


# PagerDuty: https://developer.pagerduty.com/docs/send-alert-event


def test_pagerduty_triggers_and_resolves_the_same_incident(receiver: Receiver) -> None:
    sink = PagerdutySink("one", canary, receiver.url, LOOPBACK)
    receiver.codes = [202, 202]
    assert sink.send(message(**HUGE), NOON).delivered
    assert sink.send(message(status="resolved", counts={"remaining": 3}), NOON).delivered
    assert sink.send(message(status="resolved", counts={"remaining": 0}), NOON).delivered
    first, last = (each.json for each in receiver.got)
    assert first["event_action"] == "trigger"
    assert last == {
        "routing_key": "canary",
        "event_action": "resolve",
        "dedup_key": first["dedup_key"],
    }
    assert len(first["dedup_key"]) <= 255
    assert len(first["payload"]["summary"]) <= 1024
    assert first["payload"]["severity"] == "error"
    assert {"summary", "source", "severity"} <= first["payload"].keys()
    assert len(receiver.got[0].body) < 512_000


def test_pagerduty_has_an_incident_of_its_own_for_what_only_happened() -> None:
    news = pagerduty.payload(alert(status="news"), "k", "id-1")
    assert (news["event_action"], news["dedup_key"]) == ("trigger", "id-1")
    linked = pagerduty.payload(alert(link="https://a.example"), "k", "id-1")
    assert linked["links"] == [{"href": "https://a.example", "text": "Read on"}]


# Jira: REST v3

SEARCH, ISSUE, COMMENT = (
    "/rest/api/3/search/jql",
    "/rest/api/3/issue",
    "/rest/api/3/issue/ISMS-7/comment",
)


def test_jira_makes_one_issue_and_comments_on_it(receiver: Receiver) -> None:
    site = receiver.url.removesuffix("/hook")
    sink = JiraSink("one", site, "a@b.example", canary, "ISMS", way=LOOPBACK)
    receiver.answers = {SEARCH: {"issues": []}, ISSUE: {"key": "ISMS-7"}, COMMENT: {"id": "1"}}
    assert sink.send(message(**HUGE), NOON).delivered
    assert [each.path for each in receiver.got] == [SEARCH, SEARCH, ISSUE]
    fields = receiver.got[-1].json["fields"]
    assert len(fields["summary"]) <= 255
    assert "\n" not in fields["summary"]
    assert all(" " not in label and len(label) <= 255 for label in fields["labels"])
    assert fields["description"]["type"] == "doc"
    account = base64.b64decode(receiver.got[-1].headers["authorization"].split()[1])
    assert account == b"a@b.example:canary"
    receiver.got.clear()
    receiver.answers[SEARCH] = {"issues": [{"key": "ISMS-7"}]}
    assert sink.send(message(), NOON).delivered
    assert [each.path for each in receiver.got] == [SEARCH], "this very message is there already"


def test_jira_comments_on_the_open_issue_and_makes_none_for_what_is_over(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = receiver.url.removesuffix("/hook")
    sink = JiraSink("one", site, "a@b.example", canary, "ISMS", way=LOOPBACK)
    receiver.answers = {SEARCH: {"issues": []}, ISSUE: {"key": "ISMS-7"}, COMMENT: {"id": "1"}}
    assert sink.send(message(status="resolved"), NOON).delivered
    assert ISSUE not in [each.path for each in receiver.got]
    answers = iter([(Answer(delivered=True), []), (Answer(delivered=True), ["ISMS-7"])])
    monkeypatch.setattr(JiraSink, "_search", lambda *_: next(answers))
    assert sink.send(message(status="resolved"), NOON).delivered
    assert receiver.got[-1].path == COMMENT
    assert jira.document(alert(link="https://a.example"))["content"][-1]["content"][0]["marks"]


# apprise


@pytest.mark.filterwarnings("ignore")  # apprise imports what Python 3.13 has no more
def test_apprise_delivers_text_and_says_no_more_than_yes_or_no(receiver: Receiver) -> None:
    address = receiver.url.replace("http://", "json://")
    sink = AppriseSink("one", lambda: address)
    receiver.codes = [200, 500]
    assert sink.send(message(), NOON) == Answer(delivered=True)
    assert "A.8.24" in receiver.got[0].json["title"]
    assert sink.send(message(), NOON) == Answer(
        delivered=False, error="apprise could not deliver it"
    )
    unknown = AppriseSink("one", lambda: "canary-address")
    assert "canary" not in unknown.send(message(), NOON).error
