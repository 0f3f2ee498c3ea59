"""What holds, and whether somebody was told: the state between two looks at the ledger.

A condition fires at once and is over only when it was seen good twice; what was never told is
never taken back. Nothing here reads a clock, a store or a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

FIRING, RECOVERING, OVER, KNOWN = "firing", "recovering", "over", "known"
"""Holds; was seen good once; was seen good twice; not something that fires, only remembered."""

GOOD_ENOUGH: Final = 2
"""So many good looks one after the other end a condition: one may be luck."""


@dataclass
class Condition:
    """Something that holds, or is remembered.

    Attributes:
        key: what it is, by which it is found again: never text or time.
        kind: `finding`, `collector`, `control`, …
        group: what is told together.
        target: the target's name; "" where none is concerned.
        state: one of the above.
        told: whether somebody was told that it fires.
        good: how many good looks there were.
        told_at: when that was, in microseconds.
        facts: what messages say of it, and what it is compared by.
    """

    key: str
    kind: str
    group: str
    target: str
    state: str = FIRING
    told: bool = False
    good: int = 0
    told_at: int = 0
    facts: dict[str, Any] = field(default_factory=dict)

    def fires(self, **facts: Any) -> None:  # noqa: ANN401 - what messages say
        """It holds: at once, whatever was before."""
        self.state, self.good = FIRING, 0
        self.facts |= facts

    def looks_unclear(self) -> None:
        """It cannot be read: that resolves nothing, and what looked good before counts no more."""
        if self.state == RECOVERING:
            self.state, self.good = FIRING, 0

    def looks_good(self, mark: object, *, enough: int = GOOD_ENOUGH) -> None:
        """It was seen good; the same look twice counts once.

        Args:
            mark: tells one look from another.
            enough: how many end it.
        """
        if self.state not in {FIRING, RECOVERING} or self.facts.get("mark") == mark:
            return
        self.good += 1
        self.facts["mark"] = mark
        self.state = OVER if self.good >= enough else RECOVERING


class Conditions:
    """Those that were read, and what of them has changed since."""

    def __init__(self, found: Iterable[Condition] = ()) -> None:
        self._known = {each.key: each for each in found}
        self._before = {key: _copy(each) for key, each in self._known.items()}

    def __iter__(self) -> Iterator[Condition]:
        return iter([self._known[key] for key in sorted(self._known)])

    def __contains__(self, key: object) -> bool:
        return key in self._known

    def get(self, key: str) -> Condition | None:
        """The condition of a key."""
        return self._known.get(key)

    def of(self, kind: str, target: str | None = None) -> list[Condition]:
        """Those of a kind, by key."""
        return [each for each in self if each.kind == kind and target in {None, each.target}]

    def put(self, condition: Condition) -> Condition:
        """Add one, or the one that is there already."""
        return self._known.setdefault(condition.key, condition)

    def drop(self, key: str) -> None:
        """It is no more."""
        self._known.pop(key, None)

    def changed(self) -> list[Condition]:
        """What has to be written."""
        return [each for each in self if self._before.get(each.key) != each]

    def gone(self) -> list[str]:
        """What has to be deleted."""
        return sorted(self._before.keys() - self._known.keys())


def _copy(each: Condition) -> Condition:
    return Condition(
        each.key,
        each.kind,
        each.group,
        each.target,
        each.state,
        each.told,
        each.good,
        each.told_at,
        dict(each.facts),
    )
