"""What the organisation declared in its configuration, as the other rooms take it."""

from __future__ import annotations

import datetime as dt
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from annexa.connections import connection
from annexa.sweep.judging import Bound
from annexa.sweep.means import Job
from annexa.sweep.run import Scope
from collectors import Catalog
from config import AnyTarget, AwsTarget, LinuxTarget, ScopeOut, Settings
from config.suggestions import suggestion

AWS_CREDENTIALS: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
"""Environment variables by which the AWS SDK finds a credential without being told."""


class DeclarationError(Exception):
    """Something was named that is not declared or not installed, with what to do.

    `place` is where the configuration says it, if it does: the names of tables down to it.
    """

    def __init__(self, message: str, place: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.place = place


_IN_WORDS: Final = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    tuple: "a list of texts",
}


@dataclass(frozen=True)
class OutOfScope:
    """A target that is not read by decision."""

    key: str
    reason: str
    author: str
    date: dt.date


def key_of(name: str, target: AnyTarget) -> str:
    """The target's name in all evidence: `<platform>/<name>`."""
    return f"{target.platform}/{name}"


def targets(settings: Settings) -> Mapping[str, AnyTarget]:
    """The declared targets; without any, this host, and AWS if there is a credential for it."""
    if settings.targets:
        return settings.targets
    found: dict[str, AnyTarget] = {}
    if Path("/etc/os-release").exists():
        found[_host_name()] = LinuxTarget(platform="linux")
    if any(os.environ.get(name) for name in AWS_CREDENTIALS):
        name = os.environ.get("AWS_PROFILE") or "default"
        region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
        found[name] = AwsTarget(platform="aws", region=region or "us-east-1")
    return found


def organisations(settings: Settings) -> frozenset[str]:
    """The keys of declared targets that stand for all accounts of an organisation."""
    return frozenset(
        key_of(name, target)
        for name, target in settings.targets.items()
        if isinstance(target, AwsTarget) and target.organisation
    )


def out_of_scope(settings: Settings, on: dt.date) -> list[OutOfScope]:
    """The declared targets that are out of scope on a day, with the decision."""
    return [
        OutOfScope(key_of(name, target), out.reason, out.author, out.date)
        for name, out in sorted(settings.decided_out(on).items())
        if (target := settings.declared_as(name))
    ]


def jobs(settings: Settings, on: dt.date, only: Sequence[str] = ()) -> list[Job]:
    """What a sweep of that day reads: every target in scope, or those named by `only`.

    Raises:
        DeclarationError: a named target is not declared, or is out of scope.
    """
    out = settings.decided_out(on)
    every = targets(settings)
    wanted = [_named(settings, every, name) for name in only] or [n for n in every if n not in out]
    if refused := sorted(set(wanted) & out.keys()):
        decision = out[refused[0]]
        raise DeclarationError(
            f"target {refused[0]} is out of scope by decision of {decision.date} "
            f"({decision.reason}); change [[scope.out]] to read it"
        )
    whole = {name: name if name in every else name.rpartition(".")[0] for name in wanted}
    return [
        Job(
            connection(
                name,
                every[name],
                on,
                out=_accounts_out(name, out),
                only=_only(name, every[name], whole),
            ),
            every[name].deadline,
            rate=every[name].first_rate,
        )
        for name in sorted(set(whole.values()))
    ]


def _only(name: str, target: AnyTarget, whole: Mapping[str, str]) -> frozenset[str]:
    """The accounts of an organisation that were named; none where all of it is wanted."""
    members = [each for each, group in whole.items() if group == name and each != name]
    if name in whole:
        return frozenset()
    return frozenset(key_of(each, target) for each in members)


def _accounts_out(name: str, out: Mapping[str, ScopeOut]) -> dict[str, str]:
    """The accounts of an organisation that are out by decision, by number."""
    return {
        number: f"out by decision of {each.date} ({each.reason})"
        for target, each in out.items()
        for whole, _, number in [target.rpartition(".")]
        if whole == name
    }


def image_job(root: Path) -> Job:
    """The Linux host whose files lie below a folder; what needs a running system is unknown."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", str(root.absolute())).strip("-")[-64:]
    host = LinuxTarget(platform="linux", root=root)
    return Job(connection(f"image-{name}", host, dt.date.min), rate=None)


def scope(settings: Settings, edition: str, on: dt.date) -> Scope:
    """What the plan of a sweep says about the declared scope."""
    declared = settings.scope
    return Scope(
        declared.name or "not declared",
        declared.version or "0",
        edition,
        {
            "organisation": settings.organisation,
            "approved_by": declared.approved_by,
            "approved_on": declared.approved_on.isoformat() if declared.approved_on else None,
            "out": [
                {
                    "target": out.key,
                    "reason": out.reason,
                    "author": out.author,
                    "date": out.date.isoformat(),
                }
                for out in out_of_scope(settings, on)
            ],
            "population": dict(sorted(settings.scope.population.items())),
        },
    )


def bound(settings: Settings, catalog: Catalog, on: dt.date) -> Bound:
    """The criteria in force on a day; one counts from its approval, never backwards.

    Raises:
        DeclarationError: a check or criterion does not exist, or a value has the wrong type.
    """
    found: dict[str, dict[str, object]] = {}
    for check_id, criteria in settings.criteria.items():
        check = catalog.checks.get(check_id)
        table = ("criteria", check_id)
        if check is None:
            hint = suggestion(check_id, catalog.checks, "; see `annexa criteria`")
            raise DeclarationError(f"no installed check has this id{hint}", table)
        for name, criterion in criteria.items():
            known = check.criteria.get(name)
            place = (*table, name)
            if known is None:
                names = ", ".join(sorted(check.criteria)) or "none"
                raise DeclarationError(f"the check has no such criterion; it has: {names}", place)
            if not known.accepts(criterion.value):
                raise DeclarationError(f"write {_IN_WORDS[known.of]} ({known.unit})", place)
            if criterion.unit is not None and criterion.unit != known.unit:
                raise DeclarationError(f"the check counts in {known.unit}", place)
            if criterion.source.approved_on <= on:
                found.setdefault(check_id, {})[name] = criterion.value
    return found


def _named(settings: Settings, every: Mapping[str, AnyTarget], name: str) -> str:
    for short, target in every.items():
        if name in {short, key_of(short, target)}:
            return short
    account = name.removeprefix("aws/")
    if account not in every and settings.declared_as(account):
        return account
    declared = ", ".join(key_of(short, target) for short, target in sorted(every.items()))
    raise DeclarationError(f"target {name} is not declared; declared: {declared or 'none'}")


def _host_name() -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "localhost"
