"""What the ledger says must have been told, worked out without what tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from evidence_store import Store
from evidence_store.following import Step

Change: TypeAlias = tuple[str, str, str, str]
"""`failing` or `recovered`, the target, the check, the resource."""

KINDS = {"finding.resource.failing": "failing", "finding.resource.recovered": "recovered"}


@dataclass
class _Failing:
    """A finding that fails, or has been seen good less than twice since."""

    resource: str
    place: tuple[str, str]
    told: bool
    good: int = 0


def changes(store: Store) -> Counter[Change]:
    """Every change of verdict in the ledger that is to be told.

    A failure is told at the end of its sweep, but for those of a collector's first results, which
    are told as one. It is over when two units after it saw it good, and none of them unknown.
    """
    found: Counter[Change] = Counter()
    known: dict[tuple[str, str, bytes], _Failing] = {}
    read: set[tuple[str, str]] = set()
    for steps in _by_ends_of_sweeps(store):
        for step in steps:
            if step.target is not None:
                _apply(step, step.target, known, read)
        for (target, check, digest), each in list(known.items()):
            if each.good >= 2:
                del known[target, check, digest]
                if each.told:
                    found["recovered", target, check, each.resource] += 1
            elif not each.told and not each.good:
                each.told = True
                found["failing", target, check, each.resource] += 1
    return found


def _by_ends_of_sweeps(store: Store) -> Iterator[Sequence[Step]]:
    place = -1
    while steps := store.following(place):
        yield steps
        place = steps[-1].place


def _apply(
    step: Step,
    target: str,
    known: dict[tuple[str, str, bytes], _Failing],
    read: set[tuple[str, str]],
) -> None:
    complete = {key for key, listed in step.listed.items() if listed.complete}
    first = {key.collector for key in complete} - {each for where, each in read if where == target}
    read |= {(target, each) for each in first}
    said = {(target, each.check_id, each.key): each for each in step.said}
    for name, each in said.items():
        if each.status == "fail":
            fresh = each.check_id.rpartition(".")[0] in first
            failing = _Failing(each.resource_id or "", (each.kind, each.scope), told=fresh)
            known.setdefault(name, failing).good = 0
        elif name in known and each.status == "unknown":
            known[name].good = 0
        elif name in known:
            known[name].good += 1
    places = {(key.kind, key.scope) for key in complete}
    for name, failing in known.items():
        if name[0] == target and name not in said and failing.good and failing.place in places:
            failing.good += 1


def told(events: Iterable[Any]) -> Counter[Change]:
    """The changes that messages told of, each message once."""
    found: Counter[Change] = Counter()
    for event in events:
        data = event["data"]
        if kind := KINDS.get(event["type"]):
            named = data["resources"]
            assert len(named) == data["counts"]["new" if kind == "failing" else "recovered"]
            for each in named:
                found[kind, data["target"], each["check"], each.get("id", "")] += 1
    return found
