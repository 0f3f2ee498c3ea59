"""The configured endpoints as sinks, and which of them an alert is for."""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from annexa.alerts import events
from annexa.alerts.interface import SEVERITIES, Alert, Sink
from config.alerts import (
    Alerts,
    AppriseEndpoint,
    EmailEndpoint,
    Endpoint,
    HttpEndpoint,
    JiraEndpoint,
    PagerdutyEndpoint,
    SlackEndpoint,
    TeamsEndpoint,
)

if TYPE_CHECKING:
    from annexa.alerts.guarded import Way

REMINDED_BY_THEMSELVES = ("pagerduty", "jira")
"""Kinds of receivers that keep what fires open: a reminder would only be one thing more."""


def sinks(settings: Alerts) -> Mapping[str, Sink]:
    """Every endpoint, by name; no secret is read before there is something to send."""
    networks = tuple(ipaddress.ip_network(each) for each in settings.allow_networks)
    return {each.name: _sink(each, networks) for each in settings.endpoints}


def _sink(  # noqa: PLR0911 - one return a kind
    each: Endpoint, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
) -> Sink:
    if isinstance(each, EmailEndpoint):
        from annexa.alerts.mail import MailSink  # noqa: PLC0415 - those that are configured

        return MailSink(
            each.name,
            each.host,
            each.port,
            each.security,
            each.sender,
            each.recipients,
            user=each.user,
            password=each.password.get if each.password else None,
            ca_file=_text(each.ca_file),
            networks=networks,
        )
    if isinstance(each, AppriseEndpoint):
        from annexa.alerts.through_apprise import AppriseSink  # noqa: PLC0415

        return AppriseSink(each.name, each.url.get)
    way = _way(each, networks)
    if isinstance(each, SlackEndpoint):
        from annexa.alerts.slack import SlackSink  # noqa: PLC0415

        return SlackSink(each.name, each.url.get, way)
    if isinstance(each, TeamsEndpoint):
        from annexa.alerts.teams import TeamsSink  # noqa: PLC0415

        return TeamsSink(each.name, each.url.get, way)
    if isinstance(each, PagerdutyEndpoint):
        from annexa.alerts.pagerduty import PagerdutySink  # noqa: PLC0415

        return PagerdutySink(each.name, each.routing_key.get, each.url, way)
    if isinstance(each, JiraEndpoint):
        from annexa.alerts.jira import JiraSink  # noqa: PLC0415

        return JiraSink(
            each.name, each.url, each.user, each.token.get, each.project, each.issue_type, way
        )
    from annexa.alerts.webhook import WebhookSink  # noqa: PLC0415

    return WebhookSink(each.name, each.url, [secret.get for secret in each.secrets], way)


def _way(
    each: HttpEndpoint, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
) -> Way:
    from annexa.alerts.guarded import Way  # noqa: PLC0415 - with it comes all of TLS and HTTP

    return Way(
        networks,
        _text(each.ca_file),
        each.allow_http,
        cert_file=_text(each.cert_file),
        key_file=_text(each.key_file),
    )


def _text(path: Path | None) -> str | None:
    return str(path) if path else None


def receivers(
    settings: Alerts, alert: Alert, controls: Iterable[str] = (), targets: Iterable[str] = ()
) -> Sequence[str]:
    """The names of the endpoints an alert is for.

    Args:
        settings: who wants what.
        alert: what is told.
        controls: those it concerns beside the one it names.
        targets: likewise.
    """
    concerned = {alert.control, *controls}, {alert.target, *targets}
    return [each.name for each in settings.endpoints if _wants(each, alert, *concerned)]


def _wants(each: Endpoint, alert: Alert, controls: set[str], targets: set[str]) -> bool:
    if alert.type in events.UNSILENCEABLE:
        return True
    if SEVERITIES.index(alert.severity) < SEVERITIES.index(each.minimum):
        return False
    if alert.type == events.REMINDER and each.kind in REMINDED_BY_THEMSELVES:
        return False
    if not events.matches(alert.type, each.events):
        return False
    if each.only_controls and controls.isdisjoint(each.only_controls):
        return False
    names = {name for full in targets for name in (full, full.partition("/")[2])}
    return not each.only_targets or any(
        fnmatch.fnmatchcase(name, pattern) for name in names for pattern in each.only_targets
    )
