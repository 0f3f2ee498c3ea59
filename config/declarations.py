"""What the organisation declares: scope, criteria, exceptions, and what is owed by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema

from config.values import (
    CheckId,
    Control,
    FilePath,
    Listed,
    Model,
    Place,
    TargetName,
    Text,
    Version,
    same_person,
)

Platform: TypeAlias = Literal[
    "active_directory", "aws", "azure", "defender", "entra", "fleet", "gcp", "github", "gitlab",
    "google_workspace", "intune", "jamf", "kubernetes", "linux", "okta",
]  # fmt: skip

CriterionValue: TypeAlias = int | float | bool | str | tuple[str, ...]


def _criterion_value(value: object) -> CriterionValue:
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return tuple(value)
    if isinstance(value, int | float | str):
        return value
    raise ValueError("write a number, a text, true, false, or a list of texts")


class Decision(Model):
    """Why something that could be read is left out, and who decided it."""

    reason: Text
    """Why it is out."""
    author: Text
    """Who decided it."""
    date: dt.date
    """When it was decided; it counts from then."""


class ScopeOut(Model):
    """A declared target that is out of scope by decision, and therefore not read."""

    target: TargetName
    """The name of a table under `[targets]`; of an organisation's account `name.number`."""
    reason: Text
    """Why it is out."""
    author: Text
    """Who decided it."""
    date: dt.date
    """When it was decided; the target is read until then."""
    ticket: Text | None = None
    """Where the decision is recorded."""


class Scope(Model):
    """The scope of the information security management system (clause 4.3), as approved."""

    name: Text | None = None
    """The scope's name, as in the certificate."""
    version: Version | None = None
    """The version of the scope statement."""
    approved_by: Text | None = None
    """Who approved that version."""
    approved_on: dt.date | None = None
    """When it was approved."""
    out: Annotated[tuple[ScopeOut, ...], Listed] = ()
    """Targets that are out of scope by decision."""
    population: Mapping[Platform, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """How many accounts, hosts and so on are in scope by your own count, per platform."""

    @property
    def declared(self) -> bool:
        """Whether there is an approved scope statement at all."""
        return self.name is not None

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """A scope is stated completely or not at all."""
        statement = ("name", "version", "approved_by", "approved_on")
        given = [field for field in statement if getattr(self, field) is not None]
        if given:
            for field in statement:
                if field not in given:
                    yield (field,), f"is missing, although {given[0]} is given"


class PolicySource(Model):
    """The sentence of the organisation's own policy a value comes from."""

    document: Text
    """The policy's id or title."""
    version: Version
    """Its version."""
    section: Version
    """Its section."""
    approved_by: Text
    """Who approved it."""
    approved_on: dt.date
    """When; the value counts from then, never backwards."""


class Criterion(Model):
    """A check's threshold or list, bound to what the organisation's policy says."""

    value: Annotated[
        CriterionValue,
        BeforeValidator(_criterion_value),
        WithJsonSchema(
            {"anyOf": [{"type": ["number", "string", "boolean"]},
                       {"type": "array", "items": {"type": "string"}}]}
        ),
    ]  # fmt: skip
    """A number, a text, true or false, or a list of texts."""
    unit: Text | None = None
    """The unit the check names, repeated so that days are not taken for hours."""
    source: PolicySource
    """The policy sentence the value comes from."""


class Tolerance(Model):
    """How many failing resources a criterion bears; without one, none."""

    count: Annotated[int, Field(ge=0)] | None = None
    """At most this many."""
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    """At most this share, from 0 to 1."""
    source: PolicySource
    """The policy sentence that allows it."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One of the two, not both and not none."""
        if (self.count is None) == (self.share is None):
            yield (), "write either count or share"


class PolicyException(Model):
    """A known failure that is accepted for a time, by someone else than who bears the risk."""

    check: CheckId
    """The check whose failures are excepted."""
    target: TargetName | None = None
    """The target it is limited to; without it, all."""
    resource: Text | None = None
    """The resources it is limited to, as a pattern with `*` and `?`; without it, all."""
    reason: Text
    """Why the failure is accepted."""
    risk_owner: Text
    """Who bears the risk."""
    approved_by: Text
    """Who approved it; somebody else than the risk owner."""
    approved_on: dt.date
    """When; failures before are not excepted."""
    expires: dt.date
    """The last day; failures count again after it."""
    compensating: Text | None = None
    """What is done instead."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """Two people, and a time that has not ended before it begins."""
        if same_person(self.risk_owner, self.approved_by):
            yield ("approved_by",), "must be somebody else than risk_owner"
        if self.expires < self.approved_on:
            yield ("expires",), "is before approved_on"


class Attestation(Model):
    """What a person saw and states, where no machine can look."""

    control: Control
    """The control it is about, such as `A.7.4`."""
    item: Text | None = None
    """Which of the things owed by hand it shows (`annexa controls A.7.4`); without it, all."""
    statement: Text
    """What was seen."""
    owner: Text
    """Who states it."""
    observed_on: dt.date
    """When it was seen."""
    expires_on: dt.date
    """The last day it counts."""
    reviewer: Text
    """Who checked it; somebody else than the owner."""
    reviewed_on: dt.date
    """When it was checked; it counts from then, never backwards."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """Two people, and a time that has not ended before it begins."""
        if same_person(self.owner, self.reviewer):
            yield ("reviewer",), "must be somebody else than owner"
        if self.expires_on < self.observed_on:
            yield ("expires_on",), "is before observed_on"
        if self.reviewed_on < self.observed_on:
            yield ("reviewed_on",), "is before observed_on: nothing was seen yet"


class Inherited(Model):
    """A control a provider operates for us, as far as its report shows it."""

    control: Control
    """The control it is about, such as `A.7.1`."""
    provider: Text
    """Who operates it."""
    report: Text
    """The report that shows it, with its date."""
    services: Annotated[tuple[Text, ...], Listed, Field(min_length=1)]
    """The provider's services the report names."""
    services_used: Annotated[tuple[Text, ...], Listed, Field(min_length=1)]
    """Those we use; one the report does not name is not inherited."""
    regions: Annotated[tuple[Text, ...], Listed, Field(min_length=1)]
    """The regions the report names."""
    regions_used: Annotated[tuple[Text, ...], Listed, Field(min_length=1)]
    """Those we use."""
    covers_from: dt.date
    """The first day the report covers."""
    covers_to: dt.date
    """The last day the report covers; the control is stale after it."""
    reviewed_by: Text
    """Who read the report."""
    reviewed_on: dt.date
    """When it was read."""
    duties_mapped: bool
    """Whether what the report leaves to us is assigned here."""
    shared: bool = False
    """Whether a part of the control stays ours and is judged as well."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """A report is about a time that has begun, and never about how we choose providers."""
        if self.control == "A.5.23":
            yield ("control",), "a provider's report alone never satisfies A.5.23"
        if self.covers_to < self.covers_from:
            yield ("covers_to",), "is before covers_from"
        if self.reviewed_on < self.covers_from:
            yield ("reviewed_on",), "is before covers_from: nothing was covered yet"


class StatementFile(Model):
    """The statement of applicability (clause 6.1.3 d), kept as a CSV file."""

    file: FilePath
    """The file: control, applicable, reason, declared_status, approved_by, approved_on."""
    version: Version
    """Its version."""
    approved_by: Text
    """Who approved it."""
    approved_on: dt.date
    """When."""
