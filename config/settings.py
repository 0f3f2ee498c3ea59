"""Every setting of `annexa.toml`, with what it means and what it is when nobody sets it."""

from __future__ import annotations

import datetime as dt
import fnmatch
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from config import find
from config.alerts import Alerts
from config.declarations import (
    Attestation,
    Criterion,
    CriterionValue,
    Decision,
    Inherited,
    PolicyException,
    PolicySource,
    Scope,
    ScopeOut,
    StatementFile,
    Tolerance,
)
from config.outside import OutsideHolder, TimeStamps, same_names
from config.platforms import (
    ActiveDirectoryTarget,
    AnyTarget,
    AwsTarget,
    AzureTarget,
    EntraTarget,
    GcpTarget,
    GithubTarget,
    GraphTarget,
    IntuneTarget,
    LinuxTarget,
    MicrosoftTarget,
    OktaTarget,
    Target,
)
from config.schedules import Daemon, OwnSchedule, Schedule
from config.suggestions import suggestion
from config.values import (
    CheckId,
    DatabaseAddress,
    Duration,
    FilePath,
    Listed,
    Model,
    Place,
    Secret,
    TargetName,
    Text,
    seconds,
)

GENERAL = "default"
"""The name of the schedule under `[schedule]`."""

__all__ = [
    "GENERAL",
    "ActiveDirectoryTarget",
    "Alerts",
    "AnyTarget",
    "Attestation",
    "AwsTarget",
    "AzureTarget",
    "Criterion",
    "CriterionValue",
    "Daemon",
    "Decision",
    "EntraTarget",
    "Freshness",
    "GcpTarget",
    "GithubTarget",
    "GraphTarget",
    "Inherited",
    "IntuneTarget",
    "LinuxTarget",
    "Log",
    "MicrosoftTarget",
    "OktaTarget",
    "OwnSchedule",
    "PolicyException",
    "PolicySource",
    "Retention",
    "Schedule",
    "Scope",
    "ScopeOut",
    "Settings",
    "StatementFile",
    "Store",
    "Sweep",
    "Target",
    "Tolerance",
]


class Store(Model):
    """Where the evidence is kept."""

    path: FilePath = Field(default_factory=find.store_file)
    """The SQLite file. $ANNEXA_STORE comes first; the default is your data folder."""
    url: DatabaseAddress | None = Field(default_factory=find.store_address)
    """The PostgreSQL database instead of a file; $ANNEXA_STORE comes first, or `path` if named."""
    password: Secret | None = None
    """The database account's password: `env:NAME`, `file:path` or `cred:name`."""
    keys: FilePath = Field(default_factory=find.keys_folder)
    """The folder of the store's two keys, where there is no file beside which they can lie."""
    origin: Annotated[Text, Field(pattern=r"^[^\s+]+$")] | None = None
    """The ledger's name in signed checkpoints, such as `acme.example/annexa`; fixed when made."""
    outside: Annotated[tuple[OutsideHolder, ...], Listed] = ()
    """Who holds each signed head where the operator of the database cannot rewrite it."""
    timestamps: Annotated[tuple[TimeStamps, ...], Listed] = ()
    """Authorities that stamp each signed head with the time."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """There is one store, in a file or on a server."""
        if self.url is not None and "path" in self.model_fields_set:
            yield ("url",), "names another store than `path`; keep one of the two"
        if self.url is None:
            for field in sorted({"password", "keys"} & self.model_fields_set):
                yield (field,), "is for a store on a server: set `url`, or take it out"
        for table in ("outside", "timestamps"):  # receipts are filed by name
            for number, message in same_names(getattr(self, table)):
                yield (table, number, "name"), message


class Freshness(Model):
    """How old evidence of a class may be before it is stale."""

    access: Duration = seconds("90d")
    """Lists of who may do what."""
    vulnerability: Duration = seconds("30d")
    """Known weaknesses of systems."""
    configuration: Duration = seconds("90d")
    """How systems are set up."""
    training: Duration = seconds("365d")
    """Who was trained, and in what."""
    penetration_test: Duration = seconds("365d")
    """Reports of penetration tests."""
    policy: Duration = seconds("365d")
    """Policies and their reviews."""


class Retention(Model):
    """How long evidence is kept before `annexa retention purge` lets it go.

    The ledger remembers the longest period that was ever asked for; a shorter one is refused.
    """

    documents: Duration | None = None
    """What was read, from when it was replaced or went; seven years at least."""
    journals: Duration | None = None
    """The calls by which it was read; 1200 days at least."""
    activities: Duration | None = None
    """What moves by itself, such as times of last use; 1200 days at least."""


class Log(Model):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important level that is still logged."""
    format: Literal["console", "json"] = "console"
    """`console` for people, `json` for machines."""


class Sweep(Model):
    """How hard a sweep works."""

    threads: int = Field(default=32, ge=1, le=256)
    """Calls under way at once; more than 32 gains nothing on one core."""
    cap: int = Field(default=8, ge=1, le=256)
    """Calls under way at once for one target while others wait."""

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """One target cannot have more threads than there are."""
        if self.cap > self.threads:
            yield ("cap",), "is more than threads"


class Settings(Model):
    """The whole configuration; without a file, the defaults."""

    organisation: Text = "organisation not named"
    """The organisation's name, as on reports."""
    principal: Text | None = None
    """Who uses annexa here, as decisions and the access log say; else the system's user."""
    store: Store = Field(default_factory=Store)
    """Where the evidence is kept."""
    scope: Scope = Field(default_factory=Scope)
    """The scope of the management system (clause 4.3)."""
    targets: Mapping[TargetName, Target] = Field(default_factory=dict)
    """What is read."""
    criteria: Mapping[CheckId, Mapping[Text, Criterion]] = Field(default_factory=dict)
    """Thresholds and lists of checks, bound to your own policy, per check and parameter."""
    tolerances: Mapping[CheckId, Tolerance] = Field(default_factory=dict)
    """How many failures a check bears; without one, none."""
    exceptions: Annotated[tuple[PolicyException, ...], Listed] = ()
    """Known failures that are accepted for a time."""
    attestations: Annotated[tuple[Attestation, ...], Listed] = ()
    """What people saw and state, where no machine can look."""
    inherited: Annotated[tuple[Inherited, ...], Listed] = ()
    """Controls that providers operate for us."""
    soa: StatementFile | None = None
    """The statement of applicability (clause 6.1.3 d)."""
    freshness: Freshness = Field(default_factory=Freshness)
    """How old evidence may be."""
    retention: Retention = Field(default_factory=Retention)
    """How long evidence is kept."""
    schedule: Schedule = Field(default_factory=Schedule)
    """When the daemon sweeps."""
    schedules: Mapping[TargetName, OwnSchedule] = Field(default_factory=dict)
    """When some targets or collectors are read apart from the rest."""
    daemon: Daemon = Field(default_factory=Daemon)
    """How the daemon runs."""
    alerts: Alerts = Field(default_factory=Alerts)
    """Who is told what changed."""
    log: Log = Field(default_factory=Log)
    """What is logged, and how."""
    sweep: Sweep = Field(default_factory=Sweep)
    """How hard a sweep works."""

    def decided_out(self, on: dt.date) -> Mapping[str, ScopeOut]:
        """The declared targets out of scope on a day, with the latest decision taken by then.

        A decision counts from its own date, never backwards.
        """
        made = sorted((out for out in self.scope.out if out.date <= on), key=lambda out: out.date)
        return {out.target: out for out in made}

    def in_scope(self, on: dt.date) -> Mapping[str, AnyTarget]:
        """The targets a sweep of that day reads: all declared ones that are not decided out."""
        out = self.decided_out(on)
        return {name: target for name, target in self.targets.items() if name not in out}

    def read_every(self, target: str, collector: str) -> dt.timedelta:
        """The longest time between two readings of a collector of a target, by its short name."""
        own = [each for each in self.schedules.values() if each.covers(target, collector)]
        if not any(target in each.targets and not each.collectors for each in own):
            return min(each.timing.longest_gap for each in (*own, self.schedule))
        return min(each.timing.longest_gap for each in own)

    def declared_as(self, name: str) -> AnyTarget | None:
        """The declared target of a name, also of an account of a declared organisation."""
        if name in self.targets:
            return self.targets[name]
        whole, _, number = name.rpartition(".")
        group = self.targets.get(whole)
        known = isinstance(group, AwsTarget) and group.organisation and _is_account(number)
        return group if known else None

    def exception_for(
        self, check: str, target: str, resource: str, on: dt.date
    ) -> PolicyException | None:
        """The exception in force on a day for one finding; the first in the file's order."""
        for exception in self.exceptions:
            if (
                exception.check == check
                and exception.target in {None, target}
                and fnmatch.fnmatchcase(resource, exception.resource or "*")
                and exception.approved_on <= on <= exception.expires
            ):
                return exception
        return None

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """Names must name something, and nothing may be read under two names."""
        for number, out in enumerate(self.scope.out):
            if self.declared_as(out.target) is None:
                yield ("scope", "out", number, "target"), self._unknown_target(out.target)
        for number, exception in enumerate(self.exceptions):
            if exception.target is not None and self.declared_as(exception.target) is None:
                place: Place = ("exceptions", number, "target")
                yield place, self._unknown_target(exception.target)
        yield from self._wrong_schedules()
        seen: dict[tuple[str, str], str] = {}
        for name, target in self.targets.items():
            if target.subject is None:
                continue
            subject, field = target.subject
            first = seen.setdefault((target.platform, subject), name)
            if first != name:
                yield ("targets", name, field), f"is read as target {first!r} already"

    def _wrong_schedules(self) -> Iterator[tuple[Place, str]]:
        for name, schedule in self.schedules.items():
            if name == GENERAL:
                yield ("schedules", name), "is the name of [schedule] itself; choose another"
            for number, target in enumerate(schedule.targets):
                if target not in self.targets:
                    yield ("schedules", name, "targets", number), self._unknown_target(target)

    def _unknown_target(self, name: str) -> str:
        hint = suggestion(name, self.targets)
        return f"no such target; declare it under [targets], out of scope or not{hint}"


def _is_account(text: str) -> bool:
    return len(text) == 12 and text.isascii() and text.isdigit()
