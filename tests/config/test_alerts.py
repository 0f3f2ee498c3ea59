"""Endpoints: typed, with secrets by reference, and every mistake with its line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from config import Settings

Read = Callable[[str], Settings]
Refused = Callable[[str], list[str]]

ONE = '[[alerts.endpoints]]\nname = "one"\n'
HOOK = ONE + 'kind = "webhook"\nurl = "https://soc.example/x"\nsecrets = ["env:A"]\n'


def test_each_kind_of_endpoint_is_read(read: Read) -> None:
    kinds = {
        "webhook": 'url = "https://a.example"\nsecrets = ["env:A", "env:B"]',
        "slack": 'url = "env:CANARY"',
        "teams": 'url = "env:CANARY"',
        "pagerduty": 'routing_key = "env:CANARY"',
        "jira": 'url = "https://a.example"\nuser = "a@b.example"\ntoken = "env:CANARY"\n'
        'project = "ISMS"',
        "email": 'host = "mail"\nsender = "a@b.example"\nrecipients = ["c@d.example"]',
        "apprise": 'url = "env:CANARY"',
    }
    text = "".join(
        f'[[alerts.endpoints]]\nname = "{kind}"\nkind = "{kind}"\n{rest}\n'
        for kind, rest in kinds.items()
    )
    alerts = read(text).alerts
    assert [each.kind for each in alerts.endpoints] == list(kinds)
    assert "CANARY" not in repr(alerts)
    assert alerts.repeat == timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ONE, "1: alerts.endpoints[1].kind: is missing"),
        (HOOK + HOOK, "7: alerts.endpoints[2].name: the name 'one' is taken already"),
        (
            HOOK.replace("https", "http"),
            "4: alerts.endpoints[1].url: write an https address, or set allow_http = true",
        ),
        (
            HOOK.replace("env:A", "whsec_QUJD"),
            (
                "5: alerts.endpoints[1].secrets[1]: write where the secret is to be found"
                " (env:NAME, file:path or cred:name), not the secret itself"
            ),
        ),
        (HOOK.replace('["env:A"]', "[]"), "5: alerts.endpoints[1].secrets: the list is empty"),
        (
            HOOK + 'minimun = "high"',
            "6: alerts.endpoints[1].minimun: unknown setting; did you mean 'minimum'?",
        ),
        (
            HOOK + 'events = ["Control"]',
            '6: alerts.endpoints[1].events[1]: write types of event such as "control.*"',
        ),
        (
            '[alerts]\nallow_networks = ["10.0.0.1/8"]',
            "2: alerts.allow_networks[1]: write a network such as 10.20.0.0/16",
        ),
        (
            ONE + 'kind = "email"\nhost = "mail"\nsecurity = "none"\nsender = "a@b.example"\n'
            'recipients = ["c@d.example"]\nuser = "x"\npassword = "env:P"',
            "5: alerts.endpoints[1].security: a password is only sent over TLS",
        ),
        (
            ONE + 'kind = "email"\nhost = "mail"\nsender = "a"\nrecipients = ["c@d.example"]',
            "5: alerts.endpoints[1].sender: write an e-mail address, in ASCII",
        ),
    ],
)
def test_a_mistake_is_said_with_its_line(refused: Refused, text: str, message: str) -> None:
    assert refused(text) == [f"annexa.toml:{message}"]
