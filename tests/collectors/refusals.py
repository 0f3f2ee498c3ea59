"""Permissions refused over the wire, each in turn and a third at once: only unknowns come of it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from collectors import Status
from collectors.http import Site
from collectors.judging import Verdict
from collectors.testing import NOW, Collected
from tests.spec_server import Asked

Found = Mapping[tuple[str, str], Verdict]


@dataclass(frozen=True)
class Refusals:
    """A target, and how permissions are taken from whoever reads it.

    Args:
        read: one pass over the target.
        refuse: has the target answer from now on as where exactly these permissions are missing.
        unasked: permissions without which nothing changes, each with why.
        bound: the organisation's criteria.
        implied: what cannot be had without another, by that other.
        permissions: what is refused, where that is not what the collectors declare.
        at: the clock of the judgements.
    """

    read: Callable[[], Collected]
    refuse: Callable[[Collection[str]], None]
    unasked: Mapping[str, str] = field(default_factory=dict)
    bound: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    implied: Mapping[str, str] = field(default_factory=dict)
    permissions: Collection[str] = ()
    at: datetime = NOW

    def give_only_unknowns(self, *, in_turn: int = 1, thirds: int = 2) -> None:
        """Fail where a refusal flips a verdict, loses one, or is not named by those it changes.

        Args:
            in_turn: of how many permissions one is refused alone; 0 for none.
            thirds: how often a random third is refused at once.
        """
        self.refuse(())
        all_of_it = self.read()
        before = self._findings(all_of_it)
        assert before, "the target holds nothing, so nothing is shown"
        every = sorted(
            self.permissions or {p for each in all_of_it.collectors for p in each.permissions}
        )
        assert set(self.unasked) <= set(every)
        asked = [each for each in every if each not in self.unasked]
        for lost in [*_in_turn(asked[::in_turn] if in_turn else ()), *_thirds(asked, thirds)]:
            self.refuse(lost)
            after = self.read()
            found = self._findings(after)
            assert after.defects == [], sorted(lost)
            reasons = [each.because for each in found.values()]
            reasons += [part.unread.because for part in after.parts if part.unread]
            assert any(each in reason for each in lost for reason in reasons), sorted(lost)
            missing = {*lost, *(self.implied[each] for each in lost if each in self.implied)}
            only_unknowns(before, found, after, missing)

    def _findings(self, collected: Collected) -> Found:
        return collected.findings(self.at, self.bound)


def needed(site: Site, permissions: Mapping[str, str], asked: Asked) -> str:
    """What a request needs; the vendor's description may name the path's places otherwise."""
    return next(
        permission
        for operation, permission in permissions.items()
        if operation.startswith(f"{asked.method} ") and site.allowed[operation].covers(asked.path)
    )


def _in_turn(every: Iterable[str]) -> Iterator[frozenset[str]]:
    return (frozenset({each}) for each in every)


def _thirds(every: Sequence[str], count: int) -> Iterator[frozenset[str]]:
    for seed in range(count):
        yield frozenset(random.Random(seed).sample(every, max(2, len(every) // 3)))  # noqa: S311


def only_unknowns(before: Found, after: Found, read: Collected, lost: Collection[str]) -> None:
    """Nothing flips, nothing vanishes, and what changed names a permission that is missing."""
    kinds = {check.id: check.kind.kind for each in read.collectors for check in each.checks}
    unlisted = {part.kind for part in read.parts if not part.complete}
    for key in before.keys() - after.keys():
        assert kinds[key[0]] in unlisted, (sorted(lost), key, "vanished")
        assert (key[0], "") in after, (sorted(lost), key, "vanished")
    for key, verdict in after.items():
        if verdict != before.get(key):
            told = (sorted(lost), key, before.get(key), verdict)
            assert verdict.status is Status.UNKNOWN, told
            assert any(permission in verdict.because for permission in lost), told
