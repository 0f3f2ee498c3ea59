"""Every kind of event, as every receiver gets it, by the schema the receiver publishes itself."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from annexa.alerts import (
    Alert,
    Answer,
    Message,
    Now,
    Unread,
    events,
    outbox,
    pagerduty,
    settling,
    slack,
)
from annexa.alerts.guarded import Way
from annexa.alerts.interface import MOST_RESOURCES, SEVERITIES
from annexa.alerts.jira import JiraSink
from annexa.alerts.mail import letter
from annexa.alerts.pagerduty import PagerdutySink
from annexa.alerts.slack import SlackSink
from annexa.alerts.teams import TeamsSink
from annexa.alerts.teller import missed, trial, verification_failed
from annexa.alerts.webhook import WebhookSink
from annexa.operations import open_operations
from config.alerts import Alerts
from evidence_store import File
from mappings import AcceptedFailure, ControlStatus
from tests.annexa.alerts import receivers
from tests.annexa.alerts.conftest import NOON
from tests.annexa.alerts.test_looking import Watch, control, endpoint
from tests.evidence_store.builders import PRIVATE, document, fails, part, passes

NASTY = (
    "x" * 3000,
    "\N{PILE OF POO}" * 600,
    "*b* _i_ ~s~ `c` <!channel> <@U1> <script> [a](http://b) {{DATE(2026)}} :skull: ![x](y)",
    "new\r\nline \x00\x1b[31m\u202e\u2028 \ufeff tab\t",
    "\\`*_{}[]()#+!~|<>&" * 60,
    "ünïcødé 名前 \N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}",
    "' OR 1=1 -- \"; $(rm) %s {0}",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[Alert]]:
    """A history in which everything happens, to resources with names nobody should choose."""
    location = File(tmp_path_factory.mktemp("told") / "evidence.db")
    operations = open_operations(location)
    alerts = Alerts(endpoints=(endpoint("one"), endpoint("two")), link="https://evidence.example")
    made = Watch(location, alerts, operations)
    try:
        _everything(made)
        found: dict[str, list[Alert]] = {}
        for each in (*made.told("one"), *made.told("two")):
            found.setdefault(each.type, []).append(each)
        at = NOON.isoformat()
        others = (
            trial("ACME", None, NOON),
            missed("nightly", 3, at),
            verification_failed("whole", 2, f"leaves 7: {NASTY[3]}", at),
        )
        return found | {each.type: [each] for each in others}
    finally:
        made.store.close()
        operations.close()


def _everything(made: Watch) -> None:
    start, until = made.clock.now, made.clock.now + timedelta(days=20)
    accepted = AcceptedFailure("e", "aws.s3.*", "M. Weber", "J. Roth", start, until, target="no")
    made.now = Now({"A.8.5": control(ControlStatus.NO_EVIDENCE, 1)}, exceptions=[accepted])
    _sweep(made, *[passes(PRIVATE)] * len(NASTY))
    denied = Unread("prod", "aws.s3", "denied", ("s3:ListAllMyBuckets",))
    torn = Unread("prod", "aws.ec2", "throttled")
    looks = [
        Now({"A.8.5": control(ControlStatus.MET, 2)}, [denied, torn]),
        Now({"A.8.5": control(ControlStatus.NOT_MET, 3, stale=2)}),
    ]
    for day, now in enumerate((*looks, *[Now({"A.8.5": control(ControlStatus.MET, 9)})] * 2)):
        read = {("prod", each): str(day) for each in ("aws.s3", "aws.ec2")}
        made.now = Now(now.controls, now.unread, read, [accepted])
        if day < 2:
            _sweep(made, *(fails(PRIVATE, each) for each in NASTY))
        else:
            _sweep(made, *[passes(PRIVATE)] * (len(NASTY) - 1), fails(PRIVATE, NASTY[0]))
    made.now = Now({"A.8.5": control(ControlStatus.MET, 30)}, exceptions=[accepted])
    made.store.accessed(NASTY[5], "exported", "prod", None, NASTY[2])
    made.store.sequence()
    for _ in range(20):
        made.clock.forward(days=1)
        made.look()
    _sweep(made, passes(PRIVATE))
    for gone in (False, True):
        claimed = outbox.claim(
            made.operations, "l", ["two"], made.clock.now, most=1, lease=timedelta(minutes=1)
        )[0]
        answer = Answer(delivered=False, error="answered 410", gone=gone)
        dying = claimed if gone else outbox.Claimed(claimed.message, "two", claimed.attempt, 99)
        settling.settle(made.operations, dying, answer, made.clock.now, ["one", "two"])


def _sweep(made: Watch, *found: Any) -> None:
    names = [document(name, each) for name, each in zip(NASTY, found, strict=False)]
    made.bench.sweep(names, [part(observed_at=made.clock.now.isoformat(), collected=len(found))])
    made.store.sequence()
    made.look()


class Asked(Way):
    """Takes everything and keeps it."""

    def ask(self, _method: str, url: str, _headers: Any, content: bytes, _now: Any) -> Any:
        GOT.append((url, content))
        return Answer(delivered=True), b'{"issues": []}'


GOT: list[tuple[str, bytes]] = []


def bodies(alert: Alert) -> Iterator[tuple[str, list[str]]]:
    """What every receiver would refuse of an alert."""
    message = Message("5bf1c2a0-9d0b-5f7e-8f0e-000000000001", "annexa/test", NOON, alert)
    way, secret = Asked(), "whsec_" + "QUJD" * 8
    judges: list[tuple[Any, Any]] = [
        (WebhookSink("w", "https://a.example", [lambda: secret], way), receivers.cloud_events),
        (TeamsSink("t", lambda: "https://a.example", way), receivers.teams),
        (SlackSink("s", lambda: "https://a.example", way), receivers.slack),
        (PagerdutySink("p", lambda: "k", way=way), receivers.pagerduty),
        (JiraSink("j", "https://a.example", "u", lambda: "t", "ISMS", way=way), receivers.jira),
    ]
    for sink, judge in judges:
        GOT.clear()
        assert sink.send(message, NOON).delivered
        for url, body in GOT:
            yield sink.kind, judge(url, body) if sink.kind == "jira" else judge(body)
    made = letter(message, "a@acme.example", ["b@acme.example"])
    assert max(map(len, made.as_bytes().splitlines())) <= 998
    assert made["Bcc"] is None


def test_everything_that_can_happen_was_told(told: Mapping[str, Sequence[Alert]]) -> None:
    assert set(told) == set(events.TYPES)


@pytest.mark.parametrize("kind", sorted(events.TYPES))
def test_every_receiver_takes_every_kind_of_event(
    told: Mapping[str, Sequence[Alert]], kind: str
) -> None:
    for alert in told[kind]:
        assert [found for found in bodies(alert) if found[1]] == []


TEXT = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
ROW = st.dictionaries(st.sampled_from(["id", "check", "reason"]), TEXT, min_size=1)
ALERT = st.builds(
    Alert,
    type=st.sampled_from(sorted(events.TYPES)),
    status=st.sampled_from(["firing", "resolved", "news"]),
    severity=st.sampled_from(SEVERITIES),
    title=st.text(min_size=1, max_size=300) | st.just("\N{PILE OF POO}" * 700),
    group=st.just("finding/A.8.24/aws.s3/prod"),
    at=st.just("2026-11-25T12:00:00+00:00"),
    control=st.sampled_from(["", "A.8.24"]),
    target=st.sampled_from(["", "prod"]),
    reason=TEXT.map(lambda text: text[:500]),
    counts=st.just({"new": 3}),
    resources=st.lists(ROW, max_size=MOST_RESOURCES),
    link=st.sampled_from(["", "annexa findings", "https://a.example/?command=annexa+x"]),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(trial("\\" * 500, "https://a.example", NOON))
@example(
    replace(trial("ACME", "", NOON), resources=[dict.fromkeys(("id", "check"), "\\" * 900)] * 10)
)
@example(replace(trial("ACME", "", NOON), resources=[{"id": "\0" * 500}] * 10, title="\0" * 1500))
@given(alert=ALERT)
def test_every_receiver_takes_whatever_an_alert_names(alert: Alert) -> None:
    assert [found for found in bodies(alert) if found[1]] == []


def test_a_receiver_that_would_refuse_something_is_heard() -> None:
    """The judges can say no: each is given what is wrong in one place."""
    alert = trial("ACME", None, NOON)
    message = Message("id", "annexa/test", NOON, alert)
    event = json.loads(events.cloud_event(message)) | {"time": "yesterday"}
    assert receivers.cloud_events(json.dumps(event).encode())
    body = slack.payload(alert)
    body["blocks"][0]["text"]["text"] = "x" * 151
    assert receivers.slack(json.dumps(body).encode())
    body["blocks"][0] = {"type": "header", "txt": "x"}
    assert receivers.slack(json.dumps(body).encode())
    card = json.loads(_teams(alert))
    card["attachments"][0]["content"]["body"][0]["colour"] = "red"
    assert receivers.teams(json.dumps(card).encode())
    event = pagerduty.payload(alert, "k", "id") | {"event_action": "shout"}
    assert receivers.pagerduty(json.dumps(event).encode())
    search = json.dumps({"jql": "x", "startAt": 0}).encode()
    assert receivers.jira("/rest/api/3/search/jql", search)
    comment = {"body": {"type": "doc", "version": 1, "content": [{"type": "text", "text": "x"}]}}
    assert receivers.jira("/comment", json.dumps(comment).encode())


def _teams(alert: Alert) -> bytes:
    from annexa.alerts import teams  # noqa: PLC0415 - here only

    return teams.body(alert)
