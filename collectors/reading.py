"""Asking a target: where a collector's own code is run, and where its failures become data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from collectors.collector import Collector, Listing
from collectors.interface import Target
from collectors.model import (
    Absent,
    CallError,
    Cause,
    Fact,
    MalformedError,
    NotOfferedError,
    Resource,
    Total,
    Unlisted,
    Unread,
)

Defect = Callable[[Exception, str], None]
"""Told of an error in a collector's own code, and where; it belongs in the log with its trace."""


def ignore_defect(error: Exception, where: str) -> None:
    """A `Defect` that says nothing."""


@dataclass(frozen=True)
class PartRead:
    """How one listing of one kind went; `unread` says why it is incomplete.

    `empty` says why a complete one could hold nothing.
    """

    collector: str
    kind: str
    scope: str
    collected: int
    stated: int | None = None
    unread: Unread | None = None
    empty: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything the platform has of this kind was listed."""
        return self.unread is None


class ListingRun:
    """One listing of a target, taken a piece at a time, so that an engine can take turns.

    After the last piece `parts()` tells for every kind of the listing how it went.
    """

    def __init__(
        self,
        collector: Collector,
        listing: Listing,
        target: Target,
        scope: str,
        defect: Defect = ignore_defect,
    ) -> None:
        self.collector = collector
        self.listing = listing
        self.scope = scope
        self._target = target
        self._defect = defect
        self._rows: Iterator[Resource[Any] | Total | Unlisted] | None = None
        self._seen: dict[str, set[str]] = {kind.kind: set() for kind in listing.kinds}
        self._stated: int | None = None
        self._unread: Unread | None = None
        self._unlisted: dict[str, Unread] = {}
        self._empty = ""
        self.ended = False

    def take(self, most: int) -> list[Resource[Any]]:
        """The next resources, at most that many; sets `ended` with the last."""
        taken: list[Resource[Any]] = []
        where = f"{self.collector.name} listing {', '.join(sorted(self._seen))}"
        try:
            if self.listing.slow and not self._target.slow:
                raise CallError(Cause.NOT_ASKED, "slow reads are off", permission="slow = true")  # noqa: TRY301
            if self._rows is None:
                self._rows = self.listing.read(self._target.within(self.scope))
            for row in self._rows:
                if isinstance(row, Total):
                    self._stated = (self._stated or 0) + row.number
                elif isinstance(row, Unlisted):
                    self._unlisted[row.kind.kind] = _unread(row.error, self.listing.permission)
                else:
                    self._remember(row)
                    taken.append(row if row.scope else replace(row, scope=self.scope))
                if len(taken) >= most:
                    return taken
        except NotOfferedError as error:
            self._empty = error.code
        except CallError as error:
            self._unread = _unread(error, self.listing.permission)
        except Exception as error:  # noqa: BLE001 - foreign code: a defect ends this listing only
            self._defect(error, where)
            self._unread = Unread(type(error).__name__, "", Cause.DEFECT)
        self.ended = True
        return taken

    def parts(self) -> list[PartRead]:
        """How the listing went, kind by kind; a total that disagrees makes every part partial."""
        unread = self._unread
        collected = sum(len(ids) for ids in self._seen.values())
        if unread is None and self._stated not in {None, collected}:
            unread = Unread("total differs from rows", self.listing.permission, Cause.PARTIAL)
        return [
            PartRead(
                self.collector.name,
                kind,
                self.scope,
                len(ids),
                self._stated,
                unread or self._unlisted.get(kind),
                self._empty,
            )
            for kind, ids in self._seen.items()
        ]

    def forget(self) -> None:
        """Let go of what was seen, once `parts()` told it."""
        self._seen.clear()

    def _remember(self, row: Resource[Any]) -> None:
        ids = self._seen.get(row.kind)
        if ids is None:
            raise TypeError(f"{self.collector.name} lists {row.kind} without declaring it")
        if row.id in ids:
            raise MalformedError(f"{row.kind} {row.id} was listed twice")
        ids.add(row.id)


def read_facts(
    resource: Resource[Any],
    collector: Collector,
    target: Target,
    defect: Defect = ignore_defect,
) -> Resource[Any]:
    """The resource with every fact asked; what was refused is an `Unread`, never left out.

    A fact that the listing answered already stands. They are asked in the order they are written,
    and each can read those before it: what follows from them costs no call.
    """
    for name, definition in type(resource).fact_definitions().items():
        if definition.call is not None and name not in resource.facts:
            value = _read_fact(definition, resource, collector, target, defect)
            resource = replace(resource, facts={**resource.facts, name: value})
    return resource


def _read_fact(
    definition: Fact[Any, Any, Any],
    resource: Resource[Any],
    collector: Collector,
    target: Target,
    defect: Defect,
) -> object:
    if definition.slow and not target.slow:
        return Unread("slow reads are off", "slow = true", Cause.NOT_ASKED)
    try:
        api = target.api(definition.reads_from or collector.reads_from, resource.scope)
        value = definition.call(resource, api) if definition.call else None
    except CallError as error:
        if error.code in definition.absent:
            return Absent(error.code)
        return _unread(error, definition.permission)
    except Exception as error:  # noqa: BLE001 - foreign code: a defect makes this fact unknown only
        defect(error, f"{resource.kind} {resource.id} fact {definition.name}")
        return Unread(type(error).__name__, "", Cause.DEFECT)
    return Absent("none") if value is None else value


def _unread(error: CallError, permission: str) -> Unread:
    """What a refused call means to a reader: only a denial is cured by a permission."""
    if error.permission:
        return Unread(error.code, error.permission, error.cause)
    cured = error.cause in {Cause.DENIED, Cause.NOT_ASKED}
    return Unread(error.code, permission if cured else "", error.cause)
