"""The example a person starts from and the JSON Schema an editor checks with, both generated.

Everything fictional in the example is commented out: what a person forgets to remove must never
become an attestation, an exception or a criterion.
"""

from __future__ import annotations

import datetime as dt
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from config.alerts import (
    Alerts,
    AppriseEndpoint,
    EmailEndpoint,
    JiraEndpoint,
    PagerdutyEndpoint,
    SlackEndpoint,
    TeamsEndpoint,
    WebhookEndpoint,
)
from config.outside import (
    DirectoryOutside,
    GitOutside,
    S3Outside,
    TimeStamps,
    WebhookOutside,
)
from config.platforms import EXAMPLES
from config.settings import (
    Attestation,
    Criterion,
    Daemon,
    Freshness,
    Inherited,
    Log,
    OwnSchedule,
    PolicyException,
    Retention,
    Schedule,
    Scope,
    ScopeOut,
    Settings,
    StatementFile,
    Store,
    Sweep,
    Tolerance,
)
from config.values import duration_text, seconds

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

_DAY = dt.date.fromisoformat
_SOURCE = {
    "document": "KEY-01",
    "version": "3",
    "section": "4.2",
    "approved_by": "J. Roth",
    "approved_on": _DAY("2026-09-01"),
}
_KEPT = {
    name: seconds(days)
    for name, days in (("documents", "3653d"), ("journals", "1200d"), ("activities", "1200d"))
}
_ENDPOINTS: tuple[tuple[type[BaseModel], Mapping[str, Any]], ...] = (
    (
        WebhookEndpoint,
        {
            "name": "soc",
            "kind": "webhook",
            "url": "https://soc.acme.example/annexa",
            "secrets": ("cred:soc-signing",),
            "events": ("control.*", "integrity.*"),
        },
    ),
    (
        SlackEndpoint,
        {"name": "slack", "kind": "slack", "url": "env:SLACK_WEBHOOK", "minimum": "high"},
    ),
    (TeamsEndpoint, {"name": "teams", "kind": "teams", "url": "env:TEAMS_WORKFLOW"}),
    (
        PagerdutyEndpoint,
        {
            "name": "on-call",
            "kind": "pagerduty",
            "routing_key": "cred:pagerduty",
            "minimum": "critical",
        },
    ),
    (
        JiraEndpoint,
        {
            "name": "tickets",
            "kind": "jira",
            "url": "https://acme.atlassian.net",
            "user": "annexa@acme.example",
            "token": "cred:jira",
            "project": "ISMS",
        },
    ),
    (
        EmailEndpoint,
        {
            "name": "security-team",
            "kind": "email",
            "host": "mail.acme.example",
            "sender": "annexa@acme.example",
            "recipients": ("security@acme.example",),
            "user": "annexa@acme.example",
            "password": "cred:mail",
        },
    ),
    (AppriseEndpoint, {"name": "phone", "kind": "apprise", "url": "file:secrets/apprise"}),
)
# Header, the model whose settings stand below it, their values in the example, and whether it
# counts as it stands; a setting without a value here is shown with its default.
_TABLES: tuple[tuple[str, type[BaseModel] | None, Mapping[str, Any], bool], ...] = (
    ("", Settings, {"organisation": "ACME", "principal": "audit@acme.example"}, True),
    *((f"[targets.{e.name}]", e.model, e.values, e.active) for e in EXAMPLES),
    ("[store]", Store, {"path": "evidence.db", "origin": "acme.example/annexa"}, False),
    (
        "[[store.outside]]",
        S3Outside,
        {"name": "locker", "kind": "s3", "bucket": "acme-evidence-heads", "region": "eu-central-1"},
        False,
    ),
    (
        "[[store.outside]]",
        GitOutside,
        {"name": "audit-repository", "kind": "git", "url": "git@git.acme.example:audit/heads.git"},
        False,
    ),
    (
        "[[store.outside]]",
        DirectoryOutside,
        {"name": "audit-share", "kind": "directory", "path": "/mnt/audit/heads"},
        False,
    ),
    (
        "[[store.outside]]",
        WebhookOutside,
        {
            "name": "auditor",
            "kind": "webhook",
            "url": "https://auditor.example/heads",
            "read_url": "https://auditor.example/heads",
            "token": "env:AUDITOR_TOKEN",
        },
        False,
    ),
    (
        "[[store.timestamps]]",
        TimeStamps,
        {"name": "tsa", "url": "https://tsa.example/tsr", "ca_file": "tsa-root.pem"},
        False,
    ),
    (
        "[scope]",
        Scope,
        {
            "name": "ACME production",
            "version": "3",
            "approved_by": "J. Roth",
            "approved_on": _DAY("2026-09-01"),
        },
        False,
    ),
    ("[scope.population]", None, {"aws": 2, "linux": 12}, False),
    (
        "[[scope.out]]",
        ScopeOut,
        {
            "target": "acme-old",
            "reason": "account suspended",
            "author": "J. Roth",
            "date": _DAY("2026-10-05"),
            "ticket": "ISMS-118",
        },
        False,
    ),
    (
        '[criteria."aws.iam.access_key_rotated".limit]',
        Criterion,
        {"value": 60, "unit": "days", "source": _SOURCE},
        False,
    ),
    (
        '[tolerances."aws.iam.access_key_rotated"]',
        Tolerance,
        {"count": 1, "source": _SOURCE},
        False,
    ),
    (
        "[[exceptions]]",
        PolicyException,
        {
            "check": "aws.iam.access_key_rotated",
            "target": "acme-prod",
            "resource": "arn:aws:iam::111122223333:user/svc-*",
            "reason": "the supplier rotates twice a year",
            "risk_owner": "M. Weber",
            "approved_by": "J. Roth",
            "approved_on": _DAY("2026-10-01"),
            "expires": _DAY("2026-12-31"),
            "compensating": "the keys work from two addresses only",
        },
        False,
    ),
    (
        "[[attestations]]",
        Attestation,
        {
            "control": "A.7.4",
            "statement": "All doors of the server room are alarmed; tested with the guard.",
            "owner": "M. Weber",
            "observed_on": _DAY("2026-10-12"),
            "expires_on": _DAY("2027-10-11"),
            "reviewer": "J. Roth",
            "reviewed_on": _DAY("2026-10-14"),
        },
        False,
    ),
    (
        "[[inherited]]",
        Inherited,
        {
            "control": "A.7.1",
            "provider": "Amazon Web Services",
            "report": "ISO/IEC 27001 certificate, statement of applicability of 2026-03",
            "services": ("EC2", "IAM", "RDS", "S3"),
            "services_used": ("IAM", "S3"),
            "regions": ("eu-central-1", "eu-west-1"),
            "regions_used": ("eu-central-1",),
            "covers_from": _DAY("2026-01-01"),
            "covers_to": _DAY("2026-12-31"),
            "reviewed_by": "M. Weber",
            "reviewed_on": _DAY("2026-04-20"),
            "duties_mapped": True,
        },
        False,
    ),
    (
        "[soa]",
        StatementFile,
        {
            "file": "soa.example.csv",
            "version": "7",
            "approved_by": "J. Roth",
            "approved_on": _DAY("2026-09-01"),
        },
        False,
    ),
    ("[freshness]", Freshness, {}, False),
    ("[retention]", Retention, _KEPT, False),
    ("[schedule]", Schedule, {}, False),
    (
        "[schedules.identities]",
        OwnSchedule,
        {"collectors": ("aws.iam",), "every": seconds("1h")},
        False,
    ),
    (
        "[schedules.production]",
        OwnSchedule,
        {"targets": ("acme-prod",), "cron": "30 2 * * *", "zone": "Europe/Berlin"},
        False,
    ),
    ("[daemon]", Daemon, {}, False),
    ("[alerts]", Alerts, {}, False),
    *(("[[alerts.endpoints]]", model, values, False) for model, values in _ENDPOINTS),
    ("[log]", Log, {}, False),
    ("[sweep]", Sweep, {}, False),
)

_OPENING = """\
# annexa.toml: what is read, and what your organisation decided.
#
# Looked for in this order: --config, $ANNEXA_CONFIG, ./annexa.toml, your configuration folder.
# "# " begins an explanation, "#" without a blank a setting that is off. A secret never stands
# here, only where it is to be found: env:NAME, file:path (mode 0600) or cred:name (systemd).
# `annexa config schema` prints the JSON Schema for your editor.
"""


def example() -> str:
    """The example with every setting and what it means; generated, so it cannot lag."""
    said: set[type[BaseModel]] = set()  # a second table of a model is not explained again
    parts = [_OPENING]
    for header, model, values, active in _TABLES:
        explain = model not in said
        if model is not None:
            said.add(model)
        parts.append("\n".join(_table(header, model, values, active=active, explain=explain)))
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def uncommented(text: str) -> str:
    """The example with all that is off switched on, as a check that it would load."""
    return re.sub(r"(?m)^#(?=[^ #\n])", "", text)


def schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of `annexa.toml`, for editors."""
    made = Settings.model_json_schema(schema_generator=_Schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made}


class _Schema(GenerateJsonSchema):
    """Writes a duration's default as people write it."""

    def encode_default(self, dft: Any) -> Any:  # noqa: ANN401 - pydantic's signature
        """The default as it would stand in the file."""
        return duration_text(dft) if isinstance(dft, dt.timedelta) else super().encode_default(dft)


def _table(
    header: str,
    model: type[BaseModel] | None,
    values: Mapping[str, Any],
    *,
    active: bool,
    explain: bool,
) -> Iterator[str]:
    mark = "" if active else "#"
    if header:
        if model is not None and explain and model.__doc__:
            yield from _comment(model.__doc__.split("\n")[0])
        elif model is None:
            yield from _comment(Scope.model_fields["population"].description or "")
        yield f"{mark}{header}"
    for name, value in values.items() if model is None else ():
        yield f"{mark}{name} = {_value(value)}"
    fields = model.model_fields if model else {}
    for name, field in sorted(fields.items(), key=lambda item: not item[1].is_required()):
        if name in values:
            if explain:
                yield from _comment(field.description or "")
            yield f"{mark}{name} = {_value(values[name])}"
        elif explain and (default := _default(field)) is not None:
            yield from _comment(field.description or "")
            yield f"#{name} = {_value(default)}"
        elif explain and name in _OPTIONAL:
            yield from _comment(field.description or "")
            yield f"# {name} = {_OPTIONAL[name]}"


# Settings without a default that the example's company does not use: named, but not switched on.
_OPTIONAL = {
    "owner": '"platform team"',
    "link": '"https://evidence.acme.example"',
    "only_targets": '["acme-*"]',
    "only_controls": '["A.8.24"]',
    "allow_networks": '["10.20.0.0/16"]',
    "item": '"walk_round"',
    "endpoint_url": '"https://proxy.acme.example"',
    "ca_file": '"/etc/ssl/acme.pem"',
    "cert_file": '"/etc/annexa/receiver.pem"',
    "key_file": '"/etc/annexa/receiver.key"',
    "share": "0.02",
    "regions_out": '{ reason = "not used", author = "J. Roth", date = 2026-09-01 }',
    "regions": '["eu-central-1"]',
    "accounts": '["111122223333"]',
    "role_name": '"AnnexaAudit"',
    "accounts_out": '{ reason = "sold", author = "J. Roth", date = 2026-09-01 }',
    "url": '"postgresql://annexa@db.acme.example/annexa?sslmode=verify-full"',
    "password": '"cred:annexa-database"',
    "keys": '"/var/lib/annexa/keys"',
    "cron": '"30 2 * * mon-fri"',
    "jitter": '"10m"',
    "zone": '"Europe/Berlin"',
    "ssh_key": '"/etc/annexa/heads-key"',
    "tls_ca_file": '"/etc/ssl/acme.pem"',
}


def _default(field: FieldInfo) -> object:
    """A setting's default where it can be written down: no table, no machine's own path."""
    default = None if field.is_required() else field.get_default()
    return default if isinstance(default, str | int | float | dt.timedelta | Path) else None


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 98, initial_indent="# ", subsequent_indent="# ")


def _value(value: object) -> str:
    """A value in TOML; the example has no text that needs more than quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, dt.timedelta):
        return f'"{duration_text(value)}"'
    if isinstance(value, dt.date | int | float):
        return str(value)
    return f'"{value}"'
