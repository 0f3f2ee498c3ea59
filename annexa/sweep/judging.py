"""Asking the checks: of one resource as it is read, of several once a unit's listings are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annexa.selection import Asked
from collectors import (
    Cause,
    Check,
    FactUnknown,
    Resource,
    Scene,
    Status,
    Unbound,
    Unread,
    Verdict,
)
from collectors.documents import restore
from collectors.judging import Listed
from collectors.reading import Defect
from evidence_store.model import CheckRef, Finding

Bound = Mapping[str, Mapping[str, object]]
"""What the organisation bound: check id to criterion name to value."""

Others = Callable[[str, "str | None"], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class CheckRefs:
    """The checks as evidence names them: version, severity, and each criterion with its value."""

    refs: Mapping[str, CheckRef]
    values: Bound

    def __getitem__(self, check_id: str) -> CheckRef:
        return self.refs[check_id]


def check_refs(checks: Sequence[Check[Any]], bound: Bound) -> CheckRefs:
    """Name these checks with the organisation's criteria."""
    refs = {}
    for check in checks:
        values = check.bind(bound.get(check.id))
        refs[check.id] = CheckRef(
            check.id,
            check.version,
            check.severity,
            {
                name: {
                    "value": None if isinstance(value, Unbound) else value,
                    "unit": check.criteria[name].unit,
                    "bound": name in bound.get(check.id, {}),
                }
                for name, value in values.items()
            },
        )
    return CheckRefs(refs, bound)


class Judge:
    """The checks of one unit, with its clock."""

    def __init__(self, asked: Asked, refs: CheckRefs, at: datetime, defect: Defect) -> None:
        self.at = at
        self._refs = refs
        self._defect = defect
        self._kinds = {kind.kind: kind for _, listing in asked.listings for kind in listing.kinds}
        self._checks: dict[str, list[Check[Any]]] = {kind: [] for kind in self._kinds}
        for check in asked.checks:
            self._checks[check.kind.kind].append(check)
        self._restored: dict[tuple[str, str | None], Listed] = {}
        self._made: dict[tuple[str, Verdict], Finding] = {}

    def single(self, kind: str, document: Mapping[str, Any]) -> tuple[Finding, ...]:
        """The verdicts of the checks that look at one resource alone."""
        alone = [check for check in self._checks[kind] if not check.also]
        if not alone:
            return ()
        resource = restore(self._kinds[kind], document)
        scene = Scene(self.at)
        return tuple(self._ask(check, resource, scene) for check in alone)

    def cross(self, kind: str, document: Mapping[str, Any], others: Others) -> tuple[Finding, ...]:
        """The verdicts of the checks that also ask for other resources of the unit."""
        resource = restore(self._kinds[kind], document)

        def read(wanted: type[Resource[Any]], scope: str | None) -> Listed:
            key = wanted.kind, scope
            if key not in self._restored:
                documents = others(wanted.kind, scope)
                self._restored[key] = Listed(restore(wanted, d) for d in documents)
            return self._restored[key]

        return tuple(
            self._ask(check, resource, Scene(self.at, read)) for check in self.across({kind})
        )

    def forget(self) -> None:
        """Let go of the resources that were looked up, and of verdicts that were given."""
        self._restored.clear()
        self._made.clear()

    def across(self, kinds: set[str]) -> list[Check[Any]]:
        """The checks about these kinds that also ask for others."""
        return [c for kind in sorted(kinds) for c in self._checks.get(kind, ()) if c.also]

    def must_be_complete(self, unread: Unread | None) -> None:
        """Raise where a listing that others ask for was not read to its end."""
        if unread:
            raise FactUnknown(unread)

    def unread_findings(self, kind: str, unread: Unread) -> tuple[Finding, ...]:
        """One explicit unknown per check for what a listing did not give."""
        verdict = Verdict(Status.UNKNOWN, unread.because, unread.cause)
        return tuple(self._finding(check, verdict) for check in self._checks[kind])

    def empty_findings(self, kind: str) -> tuple[Finding, ...]:
        """One explicit not_applicable per check where a complete listing was empty."""
        verdict = Verdict(Status.NOT_APPLICABLE, "the complete listing is empty")
        return tuple(self._finding(check, verdict) for check in self._checks[kind])

    def _ask(self, check: Check[Any], resource: Resource[Any], scene: Scene) -> Finding:
        try:
            verdict = check.judge(resource, scene, self._refs.values.get(check.id))
        except Exception as error:  # noqa: BLE001 - a defect in a check is an unknown, never an end
            self._defect(error, f"check {check.id} on {resource.kind} {resource.id}")
            verdict = Verdict(Status.UNKNOWN, type(error).__name__, Cause.DEFECT)
        return self._finding(check, verdict)

    def _finding(self, check: Check[Any], verdict: Verdict) -> Finding:
        """The finding; equal ones are one object, since most resources say the same."""
        same = self._made.get((check.id, verdict))
        if same is None:
            cause = verdict.cause.value if verdict.cause else None
            same = Finding(self._refs[check.id], verdict.status.value, cause, verdict.because)
            self._made[check.id, verdict] = same
        return same
