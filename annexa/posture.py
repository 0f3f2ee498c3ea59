"""The control status at an instant: findings joined with mapping, scope, criteria, exceptions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from annexa import declared
from annexa.sweep.groups import GROUPS
from config import Settings, load_applicability
from evidence_store.answers import FindingRow
from evidence_store.interface import EvidenceStore
from mappings import (
    AcceptedFailure,
    Applicability,
    Attestation,
    Judged,
    Population,
    ProviderReport,
    Question,
    RollUp,
    Tolerance,
    roll_up,
)
from mappings import Mapping as Framework


def posture(
    store: EvidenceStore,
    settings: Settings,
    framework: Framework,
    at: datetime,
    rows: Iterable[FindingRow] | None = None,
) -> RollUp:
    """Roll up what the store knew at an instant, with the decisions in force then.

    Args:
        store: the evidence.
        settings: the organisation's declarations.
        framework: the mapping.
        at: the instant, aware.
        rows: the findings as of `at`, where the caller has them already.
    """
    found = store.findings(at) if rows is None else rows
    return roll_up(question(store, settings, at, found), framework)


def question(
    store: EvidenceStore, settings: Settings, at: datetime, rows: Iterable[FindingRow]
) -> Question:
    """Everything the roll-up looks at."""
    out = not_judged(store, settings, at)
    intervals = _Intervals(settings)
    return Question(
        at=at,
        findings=(_judged(row, intervals) for row in rows if row.target not in out),
        populations=populations(store, settings, at),
        tolerances=[
            Tolerance(
                check_id,
                f"{t.source.document} v{t.source.version} §{t.source.section}",
                _day(t.source.approved_on),
                t.count,
                t.share,
            )
            for check_id, t in settings.tolerances.items()
        ],
        exceptions=exceptions(settings),
        attestations=[
            Attestation(
                each.control,
                each.owner,
                _day(each.observed_on),
                _day(each.expires_on, end=True),
                each.reviewer,
                _day(each.reviewed_on),
                each.item or "",
            )
            for each in settings.attestations
        ],
        reports=[
            ProviderReport(
                control=each.control,
                provider=each.provider,
                services=frozenset(each.services),
                services_used=frozenset(each.services_used),
                regions=frozenset(each.regions),
                regions_used=frozenset(each.regions_used),
                covers_from=_day(each.covers_from),
                covers_to=_day(each.covers_to, end=True),
                reviewed_by=each.reviewed_by,
                reviewed_at=_day(each.reviewed_on),
                duties_mapped=each.duties_mapped,
                shared=each.shared,
            )
            for each in settings.inherited
        ],
        applicability=applicability(settings),
        freshness=_freshness(settings),
    )


def not_judged(store: EvidenceStore, settings: Settings, at: datetime) -> set[str]:
    """The targets whose findings count no more: out by decision, or left out by a platform."""
    out = {each.key for each in declared.out_of_scope(settings, at.date())}
    return out | _left_out(store, settings, at)


def exceptions(settings: Settings) -> list[AcceptedFailure]:
    """The declared exceptions; they count from approval until their last day has ended."""
    return [
        AcceptedFailure(
            id=f"exception {number}",
            checks=each.check,
            risk_owner=each.risk_owner,
            approved_by=each.approved_by,
            approved_at=_day(each.approved_on),
            expires=_day(each.expires, end=True),
            target=_key(settings, each.target),
            resource=each.resource or "*",
        )
        for number, each in enumerate(settings.exceptions, 1)
    ]


def populations(store: EvidenceStore, settings: Settings, at: datetime) -> list[Population]:
    """What is declared and was never read, by platform: it counts against what it feeds.

    What a sweep reads without being told (this host, a credential of the environment) is not
    declared: the answer must not hang on the shell in which it is asked.
    """
    known = {row.target for row in store.targets(at)}
    out = {each.key for each in declared.out_of_scope(settings, at.date())}
    members = {key: set(group["members"]) for key, group in groups(store, settings, at).items()}
    never: dict[str, list[str]] = {}
    for name, target in settings.targets.items():
        key = declared.key_of(name, target)
        planned = members.get(key)
        if planned is not None:
            never.setdefault(target.platform, []).extend(planned - known - out)
        elif key not in known | out:
            never.setdefault(target.platform, []).append(key)
    declared_counts = {str(name): n for name, n in settings.scope.population.items()}
    platforms = sorted(never.keys() | declared_counts.keys())
    return [
        Population(
            f"{platform}.",
            tuple(sorted(never.get(platform, ()))),
            declared_counts.get(platform, 0),
        )
        for platform in platforms
    ]


def groups(
    store: EvidenceStore, settings: Settings, at: datetime
) -> Mapping[str, Mapping[str, Any]]:
    """What each declared organisation stood for in the last plan that names it."""
    wanted = set(declared.organisations(settings))
    found: dict[str, Mapping[str, Any]] = {}
    for row in store.sweeps(at) if wanted else ():
        known = row.plan.get("details", {}).get(GROUPS, {})
        found |= {key: known[key] for key in wanted & known.keys()}
        wanted -= known.keys()
        if not wanted:
            break
    return found


def _left_out(store: EvidenceStore, settings: Settings, at: datetime) -> set[str]:
    """The members of organisations that the last plan left out, and what stood for all of them.

    An account that was closed is out by the platform: what it was is no finding any more.
    """
    found: set[str] = set()
    for key, group in groups(store, settings, at).items():
        found |= group["left_out"].keys()
        found |= set() if group["refused"] else {key}
    return found


def applicability(settings: Settings) -> list[Applicability]:
    """The rows of the statement of applicability, if there is one."""
    if settings.soa is None:
        return []
    return [
        Applicability(
            row.control,
            row.applicable,
            row.reason,
            _day(row.approved_on),
            row.approved_by,
            row.declared_status.replace(" ", "_"),
        )
        for row in load_applicability(settings.soa.file)
    ]


def _judged(row: FindingRow, intervals: _Intervals) -> Judged:
    return Judged(
        row.check_id,
        row.target,
        row.resource_id or "",
        row.status,
        row.cause,
        row.observed_at,
        intervals.of(row.target, row.check_id.rpartition(".")[0]),
    )


class _Intervals:
    """How often each collector of each target is read, worked out once per pair."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[tuple[str, str], timedelta | None] = {}

    def of(self, target: str, collector: str) -> timedelta | None:
        """The scheduled interval, where the organisation said so: three times it is stale."""
        pair = target, collector
        if pair not in self._known:
            self._known[pair] = self._worked_out(target.partition("/")[2], collector)
        return self._known[pair]

    def _worked_out(self, target: str, collector: str) -> timedelta | None:
        settings = self._settings
        declared_target = settings.declared_as(target)
        if declared_target and "freshness" in declared_target.model_fields_set:
            return declared_target.freshness / 3
        if not settings.model_fields_set & {"schedule", "schedules"}:
            return None
        return settings.read_every(_whole(settings, target), collector)


def _whole(settings: Settings, name: str) -> str:
    """The declared name that schedules know: an organisation's for its accounts."""
    return name if name in settings.targets else name.rpartition(".")[0] or name


def _freshness(settings: Settings) -> Mapping[str, timedelta]:
    limits = settings.freshness
    return {name: getattr(limits, name) for name in type(limits).model_fields}


def _key(settings: Settings, name: str | None) -> str:
    target = settings.declared_as(name) if name else None
    return declared.key_of(name, target) if name and target else "*"


def _day(day: dt.date, *, end: bool = False) -> datetime:
    """The first instant of a day in UTC, or with `end` the first instant after it."""
    start = datetime.combine(day, time.min, UTC)
    return start + timedelta(days=1) if end else start
