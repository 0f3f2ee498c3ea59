"""Jira Cloud, by its REST API v3: one issue for what fires; what follows is a comment on it.

The API knows no key by which a repetition is the same issue, so a label is searched for first. An
issue is never closed by us: that is for the people who work on it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from annexa.alerts.guarded import Way
from annexa.alerts.interface import (
    RESOLVED,
    Alert,
    Answer,
    Message,
    fitting,
    headline,
    named,
    rows,
    shortened,
)

SUMMARY: Final = 255
"""Characters a summary may have."""

DOCUMENT: Final = 32_767
"""Characters a description or a comment may have; Atlassian does not say of which form."""


def group_label(alert: Alert) -> str:
    """What the issue of a group is found by."""
    return f"annexa-{hashlib.sha256(alert.group.encode()).hexdigest()[:24]}"


def message_label(message: Message) -> str:
    """What an issue is found by that an attempt without an answer has made already."""
    return f"annexa-message-{message.id}"


def document(alert: Alert) -> Any:  # noqa: ANN401 - JSON
    """The alert in Atlassian's document format: paragraphs of text and links, nothing marked up."""
    return orjson.loads(fitting(alert, lambda some: orjson.dumps(_document(some)), DOCUMENT))


def _document(alert: Alert) -> dict[str, Any]:
    content = [_paragraph(f"{name}: {value}") for name, value in rows(alert) if name != "Read on"]
    content += [_paragraph(f"• {line}") for line in named(alert)]
    if alert.link.startswith(("https://", "http://")):
        mark = {"type": "link", "attrs": {"href": alert.link}}
        text = {"type": "text", "text": "Read on", "marks": [mark]}
        content.append({"type": "paragraph", "content": [text]})
    elif alert.link:
        content.append(_paragraph(alert.link))
    return {"type": "doc", "version": 1, "content": content}


def _paragraph(text: str) -> dict[str, Any]:
    return {"type": "paragraph", "content": [{"type": "text", "text": shortened(text, 2000)}]}


def issue(message: Message, project: str, issue_type: str) -> dict[str, Any]:
    """The issue as the API takes it."""
    alert = message.alert
    return {
        "fields": {
            "project": {"key": project},
            "issuetype": {"name": issue_type},
            "summary": shortened(headline(alert), SUMMARY),
            "labels": ["annexa", group_label(alert), message_label(message)],
            "description": document(alert),
        }
    }


@dataclass(frozen=True)
class JiraSink:
    """A project; `token` fetches the account's API token."""

    name: str
    url: str
    user: str
    token: Callable[[], str] = field(repr=False)
    project: str
    issue_type: str = "Task"
    way: Way = field(default_factory=Way)
    kind: str = "jira"

    @property
    def place(self) -> str:
        """The site and project."""
        return f"{urlsplit(self.url).netloc.rpartition('@')[2]} {self.project}"

    def send(self, message: Message, now: datetime) -> Answer:
        """Make the issue, or comment on the open one of the same group."""
        alert = message.alert
        answer, made = self._search(f'labels = "{message_label(message)}"', now)
        if not answer.delivered or made:
            return answer
        answer, found = self._search(
            f'labels = "{group_label(alert)}" AND statusCategory != Done', now
        )
        if not answer.delivered:
            return answer
        if found:
            path = f"/rest/api/3/issue/{found[0]}/comment"
            return self._ask(path, {"body": document(alert)}, now)[0]
        if alert.status == RESOLVED:
            return answer  # nobody has an open issue about it
        return self._ask("/rest/api/3/issue", issue(message, self.project, self.issue_type), now)[0]

    def _search(self, condition: str, now: datetime) -> tuple[Answer, list[str]]:
        """The keys of issues, oldest first."""
        query = f'project = "{self.project}" AND {condition} ORDER BY created ASC'
        asked = {"jql": query, "fields": ["key"], "maxResults": 1}
        answer, body = self._ask("/rest/api/3/search/jql", asked, now)
        if not answer.delivered:
            return answer, []
        try:
            return answer, [str(each["key"]) for each in orjson.loads(body)["issues"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return Answer(delivered=False, error="the search answered something else"), []

    def _ask(self, path: str, body: Mapping[str, Any], now: datetime) -> tuple[Answer, bytes]:
        account = base64.b64encode(f"{self.user}:{self.token()}".encode()).decode()
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Authorization": f"Basic {account}",
        }
        return self.way.post(f"{self.url.rstrip('/')}{path}", headers, orjson.dumps(body), now)
