"""Who is told what: `[alerts]` and `[[alerts.endpoints]]`."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints

from config.outside import Address, HolderName
from config.secrets import SecretRef
from config.values import Control, Duration, FilePath, Listed, Model, Place, Secret, Text, seconds

Severity: TypeAlias = Literal["low", "medium", "high", "critical"]
# `\Z`-like anchoring is pydantic's own; `*` and `?` as in file names.
EventPattern = Annotated[str, StringConstraints(pattern=r"^[a-z_*?]+(\.[a-z_*?]+)*$")]
_ATOMS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
Mailbox = Annotated[
    str, StringConstraints(pattern=rf"^{_ATOMS}(\.{_ATOMS})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$")
]
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$")]
ProjectKey = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{1,79}$")]


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("write a network such as 10.20.0.0/16") from None


Network = Annotated[Text, AfterValidator(_network)]


class EndpointSettings(Model):
    """What every endpoint can say."""

    name: HolderName
    """Its name in lists and logs; keep it, for messages are filed under it."""
    events: Annotated[tuple[EventPattern, ...], Listed] = ("*",)
    """Only these types of event, such as `control.*`; a failed verification always comes."""
    minimum: Severity = "low"
    """Only from this severity on; a failed verification always comes."""
    only_targets: Annotated[tuple[Text, ...], Listed] = ()
    """Only what concerns these targets, by name or pattern; without any, all."""
    only_controls: Annotated[tuple[Control, ...], Listed] = ()
    """Only what concerns these controls; without any, all."""

    @property
    def references(self) -> tuple[SecretRef, ...]:
        """Every secret it needs."""
        values = (getattr(self, name) for name in type(self).model_fields)
        listed = (value if isinstance(value, tuple) else (value,) for value in values)
        return tuple(each for some in listed for each in some if isinstance(each, SecretRef))


class HttpEndpoint(EndpointSettings):
    """What every endpoint over HTTP can say."""

    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file."""
    cert_file: FilePath | None = None
    """A certificate of ours to show, as a PEM file, where the receiver asks for one."""
    key_file: FilePath | None = None
    """Its key, as a PEM file without a passphrase; without it, the key is in `cert_file`."""
    allow_http: bool = False
    """Also speak to an address without TLS; only inside `allow_networks`."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """A key belongs to a certificate."""
        if self.key_file is not None and self.cert_file is None:
            yield ("key_file",), "is the key of a cert_file, which is not set"


class WebhookEndpoint(HttpEndpoint):
    """Any receiver: a signed POST by Standard Webhooks, with a CloudEvents document."""

    kind: Literal["webhook"]
    """`webhook`: signed, so that the receiver can tell it is from us."""
    url: Address
    """Where each event is posted."""
    secrets: Annotated[tuple[Secret, ...], Listed, Field(min_length=1, max_length=4)]
    """The signing secrets (`whsec_…`), by reference; while one is replaced, the new one first."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """HTTP must be meant."""
        yield from super().contradictions()
        if self.url.startswith("http://") and not self.allow_http:
            yield ("url",), "write an https address, or set allow_http = true"


class SlackEndpoint(HttpEndpoint):
    """A Slack channel, by an incoming webhook."""

    kind: Literal["slack"]
    """`slack`: an app's incoming webhook."""
    url: Secret
    """Its address, by reference: whoever has it can post."""


class TeamsEndpoint(HttpEndpoint):
    """A Microsoft Teams channel, by a workflow that waits for a webhook."""

    kind: Literal["teams"]
    """`teams`: the Workflows app's "post to a channel when a webhook request is received"."""
    url: Secret
    """Its address, by reference: whoever has it can post."""


class PagerdutyEndpoint(HttpEndpoint):
    """A PagerDuty service, by Events API v2: what recovers resolves its incident."""

    kind: Literal["pagerduty"]
    """`pagerduty`: Events API v2."""
    routing_key: Secret
    """The integration key, by reference."""
    url: Address = "https://events.pagerduty.com/v2/enqueue"
    """The API's address; `https://events.eu.pagerduty.com/v2/enqueue` for accounts in the EU."""


class JiraEndpoint(HttpEndpoint):
    """A Jira project: one issue for what fires, found again by its label."""

    kind: Literal["jira"]
    """`jira`: Jira Cloud's REST API, version 3."""
    url: Address
    """The site, such as `https://acme.atlassian.net`."""
    user: Mailbox
    """The account's e-mail address."""
    token: Secret
    """Its API token, by reference."""
    project: ProjectKey
    """The project's key."""
    issue_type: Text = "Task"
    """The type of its issues."""


class EmailEndpoint(EndpointSettings):
    """A mailbox, over SMTP with TLS."""

    kind: Literal["email"]
    """`email`: a text message by SMTP."""
    host: HostName
    """The mail server."""
    port: int = Field(default=587, ge=1, le=65_535)
    """Its port."""
    security: Literal["starttls", "tls", "none"] = "starttls"
    """`starttls`, `tls` from the start (port 465), or `none`, for a relay on this machine."""
    sender: Mailbox
    """The address it is from."""
    recipients: Annotated[tuple[Mailbox, ...], Listed, Field(min_length=1)]
    """The addresses it goes to."""
    user: Text | None = None
    """The account to sign in with."""
    password: Secret | None = None
    """Its password, by reference."""
    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """A password needs TLS, and belongs to a user."""
        if (self.user is None) != (self.password is None):
            yield ("user",), "user and password go together"
        if self.security == "none" and self.password is not None:
            yield ("security",), "a password is only sent over TLS"


class AppriseEndpoint(EndpointSettings):
    """Any of the services apprise knows; needs the extra `apprise`."""

    kind: Literal["apprise"]
    """`apprise`: text only, and outside of `allow_networks`: apprise opens its own connections."""
    url: Secret
    """The service's address as apprise writes it, by reference: it holds the credential."""


Endpoint: TypeAlias = Annotated[
    WebhookEndpoint
    | SlackEndpoint
    | TeamsEndpoint
    | PagerdutyEndpoint
    | JiraEndpoint
    | EmailEndpoint
    | AppriseEndpoint,
    Field(discriminator="kind"),
]


class Alerts(Model):
    """Who is told what changed."""

    link: Address | None = None
    """Where people read on: alerts link below this address; without it they name a command."""
    repeat: Duration = seconds("24h")
    """What still fires is told again after this time, in one reminder."""
    repeat_low: Duration = seconds("7d")
    """The same for what is of low severity."""
    shrunk: float = Field(default=0.2, gt=0, le=1)
    """A listing that lost this share of the most resources it had is told of, at once or slowly."""
    allow_networks: Annotated[tuple[Network, ...], Listed] = ()
    """Networks of your own that receivers may be in, such as `10.20.0.0/16`; metadata never."""
    endpoints: Annotated[tuple[Endpoint, ...], Listed] = ()
    """Who is told; without any, nothing is watched."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """Messages are filed by the endpoint's name."""
        seen: set[str] = set()
        for number, each in enumerate(self.endpoints):
            if each.name in seen:
                yield ("endpoints", number, "name"), f"the name {each.name!r} is taken already"
            seen.add(each.name)
