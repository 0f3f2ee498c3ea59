"""What receivers take, by the schemas they publish themselves (tests/specs), and their limits.

Each function says what a receiver would refuse of a body; an empty list is a message that arrives.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import FormatChecker, validators
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

SPECS = Path(__file__).parents[2] / "specs"
FORMATS = FormatChecker(())


@FORMATS.checks("date-time", ValueError)
def _moment(value: object) -> bool:
    return datetime.fromisoformat(str(value)).tzinfo is not None and "T" in str(value)


@FORMATS.checks("uri", ValueError)
@FORMATS.checks("url", ValueError)
def _address(value: object) -> bool:
    return urlsplit(str(value)).scheme in {"http", "https"} and _reference(value)


@FORMATS.checks("uri-reference", ValueError)
def _reference(value: object) -> bool:
    """Only what RFC 3986 lets stand unescaped."""
    return re.fullmatch(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*", str(value)) is not None


@cache
def _spec(name: str) -> Any:
    return json.loads((SPECS / name).read_bytes())


def _against(schema: Any, value: object) -> list[str]:
    kind = validators.validator_for(schema, validators.Draft202012Validator)
    errors = kind(schema, format_checker=FORMATS).iter_errors(value)
    return [f"{'/'.join(map(str, each.absolute_path))}: {each.message[:200]}" for each in errors]


def cloud_events(body: bytes) -> list[str]:
    """The generic webhook: https://github.com/cloudevents/spec."""
    event = json.loads(body)
    refused = _against(_spec("cloudevents-1.0.trim.json"), event)
    if len(body) >= 20_000:
        refused.append(f"{len(body)} bytes")
    return refused


def teams(body: bytes) -> list[str]:
    """A workflow: one attachment with an Adaptive Card, below 28 kB however it is counted.

    `msteams` is Teams' own addition to the card:
    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format.
    """
    message = json.loads(body)
    (attachment,) = message["attachments"]
    card = dict(attachment["content"])
    refused = [] if card.pop("msteams", {}) in ({}, {"width": "Full"}) else ["msteams"]
    refused += _against(_spec("adaptive-card-1.4.trim.json"), card)
    if (message["type"], attachment["contentType"]) != (
        "message",
        "application/vnd.microsoft.card.adaptive",
    ):
        refused.append("not a message with a card")
    if max(len(body), len(body.decode().encode("utf-16-le"))) >= 28_000:
        refused.append(f"{len(body)} bytes")
    return refused


def slack(body: bytes) -> list[str]:
    """An incoming webhook: Slack's own library takes every block, and finds nothing left over.

    It does not know the limits of texts inside lists: https://docs.slack.dev/reference/block-kit.
    """
    message = json.loads(body)
    refused = []
    if set(message) != {"text", "blocks"} or not 1 <= len(message["text"]) <= 40_000:
        refused.append("text")
    if not 1 <= len(message["blocks"]) <= 50:
        refused.append(f"{len(message['blocks'])} blocks")
    for given in message["blocks"]:
        block = Block.parse(given)
        if block is None:
            refused.append(f"unknown block {given['type']}")
            continue
        try:
            taken = block.to_dict()
        except SlackObjectFormationError as error:
            refused.append(f"{given['type']}: {error}")
            continue
        if taken != given:
            refused.append(f"{given['type']}: read as {taken}")
        texts = [*given.get("fields", []), *given.get("elements", [])]
        refused += [f"{len(each['text'])} characters" for each in texts if len(each["text"]) > 2000]
    return refused


def pagerduty(body: bytes) -> list[str]:
    """Events API v2, with the limits of https://developer.pagerduty.com/docs/send-alert-event."""
    event = json.loads(body)
    spec = _spec("pagerduty-events-v2.trim.json")
    request = spec["paths"]["/enqueue"]["post"]["requestBody"]["content"]["application/json"]
    refused = _against({**request["schema"], "components": spec["components"]}, event)
    if len(event.get("dedup_key", "")) > 255 or (
        event["event_action"] != "trigger" and not event.get("dedup_key")
    ):
        refused.append("dedup_key")
    if event["event_action"] == "trigger":
        payload = event["payload"]
        if not 1 <= len(payload["summary"]) <= 1024:
            refused.append("summary")
        if not payload["source"]:
            refused.append("source")
    if len(body) > 512 * 1024:
        refused.append(f"{len(body)} bytes")
    return refused


def jira(path: str, body: bytes) -> list[str]:
    """Jira's REST API v3: a search, an issue or a comment; texts in Atlassian's own format."""
    request = json.loads(body)
    schemas = _spec("jira-v3.trim.json")["components"]["schemas"]
    if path.endswith("/search/jql"):
        return _against(schemas["SearchAndReconcileRequestBean"], request)
    if path.endswith("/comment"):
        return _against(schemas["Comment"], request) + _document(request["body"])
    fields = request["fields"]
    refused = _against(schemas["IssueUpdateDetails"], request) + _document(fields["description"])
    if not 1 <= len(fields["summary"]) <= 255 or "\n" in fields["summary"]:
        refused.append("summary")
    refused += [
        f"label {each}" for each in fields["labels"] if " " in each or not 1 <= len(each) <= 255
    ]
    return refused


def _document(value: Any) -> list[str]:
    refused = _against(_spec("atlassian-document.trim.json"), value)
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) > 32_767:
        refused.append("the document is too long")
    return refused
