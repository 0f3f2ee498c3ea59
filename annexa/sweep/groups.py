"""Declarations that stand for many targets: expanded before a sweep, or from its plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from annexa.sweep.means import Job, Means
from collectors import Caller, CallError, Cause, Expansion, Group, LeftOut, Member, Target
from collectors.documents import without_secrets

GROUPS: Final = "groups"
"""Where a plan's details keep what its groups stood for."""


@dataclass(frozen=True)
class Expanded:
    """The jobs of a sweep, every group replaced by its members; `plan` goes into the plan."""

    jobs: Sequence[Job]
    plan: Mapping[str, Any]
    left_out: Sequence[LeftOut] = ()


@dataclass(frozen=True)
class Unanswered:
    """The connection of a group that could not be asked for its members; opened, it says why."""

    key: str
    platform: str
    error: CallError

    def open(self, caller: Caller) -> Target:
        """Raise what the platform answered."""
        del caller
        raise CallError(self.error.cause, self.error.code, str(self.error), self.error.permission)


def expanded(
    jobs: Iterable[Job], means: Means, plans: Callable[[], Iterable[Mapping[str, Any]]]
) -> Expanded:
    """Ask every group for its members.

    A group that does not answer is a unit of its own, unknown with the reason; its members of the
    last plan that knew some are read all the same.

    Args:
        jobs: what is declared.
        means: clock, stop signal and redaction.
        plans: gives the details of earlier plans, the newest first.
    """
    found: list[Job] = []
    plan: dict[str, Any] = {}
    left: list[LeftOut] = []
    for job in jobs:
        group = job.connection
        if not isinstance(group, Group):
            found.append(job)
            continue
        caller = _caller(job, means)
        try:
            expansion, refused = group.expand(caller), None
        except CallError as error:
            expansion, refused = _remembered(group, plans()), error
            unanswered = Unanswered(group.key, group.platform, error)
            found.append(replace(job, connection=unanswered))
        found += [
            replace(job, connection=m.connection, title=m.title, group=group.key)
            for m in expansion.members
        ]
        left += expansion.left_out
        plan[group.key] = _clean(_planned(expansion, caller, refused), means)
    return Expanded(found, {GROUPS: plan} if plan else {}, left)


def resumed(name: str, jobs: Iterable[Job], details: Mapping[str, Any]) -> Job | None:
    """The job of a member that a plan names, without asking for the members again."""
    for job in jobs:
        group = job.connection
        known = details.get(GROUPS, {}).get(group.key)
        if known is None or not isinstance(group, Group):
            continue
        if name == group.key and (why := known["refused"]):
            error = CallError(Cause(why["cause"]), why["code"], permission=why["needs"])
            return replace(job, connection=Unanswered(group.key, group.platform, error))
        if name in known["members"]:
            connection = group.member(name, known["details"])
            title = known["members"][name]
            return replace(job, connection=connection, title=title, group=group.key)
    return None


def left_out(details: Mapping[str, Any]) -> list[LeftOut]:
    """What a plan says its groups left out."""
    return [
        LeftOut(key, each["reason"], each["title"])
        for group in details.get(GROUPS, {}).values()
        for key, each in sorted(group["left_out"].items())
    ]


def _remembered(group: Group, plans: Iterable[Mapping[str, Any]]) -> Expansion:
    for details in plans:
        known = details.get(GROUPS, {}).get(group.key)
        if known and known["members"]:
            members = (
                Member(group.member(key, known["details"]), title)
                for key, title in sorted(known["members"].items())
            )
            left = (
                LeftOut(key, each["reason"], each["title"])
                for key, each in sorted(known["left_out"].items())
            )
            return Expansion(tuple(members), tuple(left), known["details"])
    return Expansion(())


def _planned(expansion: Expansion, caller: Caller, refused: CallError | None) -> dict[str, Any]:
    lines = caller.journal.lines
    return {
        "members": {member.connection.key: member.title for member in expansion.members},
        "left_out": {
            each.key: {"reason": each.reason, "title": each.title} for each in expansion.left_out
        },
        "details": dict(expansion.details),
        "calls": sorted({f"{line.service}:{line.operation}" for line in lines}),
        "asked_at": lines[0].started if lines else None,
        "refused": {
            "cause": refused.cause.value,
            "code": refused.code,
            "needs": refused.permission,
        }
        if refused
        else None,
    }


def _caller(job: Job, means: Means) -> Caller:
    deadline = means.clock.monotonic() + job.deadline.total_seconds()
    return Caller(means.clock, deadline, means.stop, rate=job.rate)


def _clean(planned: dict[str, Any], means: Means) -> dict[str, Any]:
    """Without texts shaped like secrets: people name accounts."""
    return dict(without_secrets(planned, (), means.mark))
