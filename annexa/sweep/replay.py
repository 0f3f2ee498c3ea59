"""Re-performance: ask the checks again on stored documents and compare with the stored verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from collectors import Catalog, Cause, Check, FactUnknown, Resource, Scene, Status, Unread, Verdict
from collectors.documents import merge, restore
from evidence_store import NotFoundError, erased_members
from evidence_store.answers import FindingRow, PartRow
from evidence_store.interface import EvidenceStore


@dataclass(frozen=True)
class Difference:
    """A stored verdict that today's code does not give again on the stored documents."""

    target: str
    check_id: str
    resource_id: str
    stored: str
    replayed: str
    same_code: bool


@dataclass
class Replay:
    """What a re-performance compared, and what it could not compare, counted by reason."""

    target: str
    sweep: int
    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)

    def skip(self, why: str) -> None:
        """Count a stored verdict that is not compared."""
        self.skipped[why] = self.skipped.get(why, 0) + 1

    @property
    def same(self) -> bool:
        """Whether everything that was compared came out as stored."""
        return not self.differences


def replay(
    store: EvidenceStore, catalog: Catalog, target: str, as_of: datetime | None = None
) -> Replay:
    """Judge a target's documents again, with the clock and criteria of its entry.

    Args:
        store: where the documents are.
        catalog: the checks that are installed now.
        target: the target's name.
        as_of: the recorded time; None for the newest entry.
    """
    rows = list(store.findings(as_of, target))
    entry = rows[0].entry if rows else _entry_at(store, target, as_of)
    unit = _Unit(store, catalog, target, entry, as_of)
    result = Replay(target, unit.sweep)
    for row in rows:
        unit.compare(row, result)
    return result


def _entry_at(store: EvidenceStore, target: str, as_of: datetime | None) -> int:
    return next(row.last_entry for row in store.targets(as_of) if row.target == target)


class _Unit:
    """A stored unit as its checks saw it: documents, moving fields, parts, clock, criteria."""

    def __init__(
        self,
        store: EvidenceStore,
        catalog: Catalog,
        target: str,
        entry: int,
        as_of: datetime | None,
    ) -> None:
        body = orjson.loads(store.entry(entry).body)
        self.sweep = int(body["sweep"])
        self.at = datetime.fromisoformat(body["provenance"]["at"])
        self._store = store
        self._catalog = catalog
        self._entry = entry
        self._parts = {(p.key.kind, p.key.scope): p for p in store.parts(target, as_of)}
        self._moving: dict[tuple[str, str, str], Mapping[str, Any]] = {}
        self._still: set[tuple[str, str]] = set()
        """Kind and scope of listings whose moving values were let go."""
        for kind_scope, moving in _moving(store, entry):
            if moving is None:
                self._still.add(kind_scope)
                continue
            self._moving |= {(*kind_scope, name): values for name, values in moving.items()}
        self._erased: set[tuple[str, str, str]] = set()
        self._met_erased = False
        self._resources: dict[tuple[str, str, str], Resource[Any]] = {}
        for row in store.documents(target, as_of):
            kind = catalog.kinds.get(row.key.kind)
            if kind is not None and row.key.id is not None:
                where = (row.key.kind, row.key.scope, row.key.id)
                document = merge(orjson.loads(row.body), self._moving.get(where, {}))
                if gone := erased_members(document):
                    self._erased.add(where)
                    document = without_erased(document, gone)
                self._resources[where] = restore(kind, document)
        self._criteria = {
            (row.check_id, row.check_version): criteria
            for row, criteria in _criteria(store, target, as_of)
        }

    def compare(self, row: FindingRow, result: Replay) -> None:
        """Judge one stored finding's resource again."""
        part = self._parts[row.kind, row.listing_scope]
        check = self._catalog.checks.get(row.check_id)
        if check is None:
            result.skip("the check is not installed")
        elif part.state == "carried":
            result.skip("carried: judged at the sweep that read it")
        else:
            verdict = self._judge(check, row, part)
            if verdict is None:
                result.skip("no document of it is kept")
                return
            stored = _words(row.status, row.cause, row.reason)
            again = _words(
                verdict.status.value,
                verdict.cause.value if verdict.cause else None,
                verdict.because,
            )
            if stored != again and (why := self._excuse(row)):
                result.skip(why)
                return
            result.compared += 1
            if stored != again:
                result.differences.append(
                    Difference(
                        row.target,
                        row.check_id,
                        row.resource_id or "",
                        stored,
                        again,
                        row.check_version == check.version,
                    )
                )

    def _excuse(self, row: FindingRow) -> str | None:
        """Why another verdict says nothing: what the stored one rested on is not kept."""
        if self._met_erased or (row.kind, row.listing_scope, row.resource_id) in self._erased:
            return "erased: what the verdict rested on is gone"
        if (row.kind, row.listing_scope) in self._still:
            return "its moving values were let go"
        return None

    def _judge(self, check: Check[Any], row: FindingRow, part: PartRow) -> Verdict | None:
        resource = self._resources.get((row.kind, row.listing_scope, row.resource_id or ""))
        unread = _unread(part)
        self._met_erased = False
        if row.resource_id is None:
            if unread:
                return Verdict(Status.UNKNOWN, unread.because, unread.cause)
            return Verdict(Status.NOT_APPLICABLE, "the complete listing is empty")
        if resource is None:
            return None
        if unread and row.cause == unread.cause.value and row.reason == unread.because:
            return Verdict(Status.UNKNOWN, unread.because, unread.cause)
        try:
            return check.judge(
                resource,
                Scene(self.at, self._all),
                self._criteria[row.check_id, row.check_version],
            )
        except Exception as error:  # noqa: BLE001 - a defect gives the same unknown as in the sweep
            return Verdict(Status.UNKNOWN, type(error).__name__, Cause.DEFECT)

    def _all(self, kind: type[Resource[Any]], where: str | None) -> Sequence[Resource[Any]]:
        for (name, scope), part in self._parts.items():
            unread = _unread(part)
            if name == kind.kind and unread and where in {None, scope}:
                raise FactUnknown(unread)
        self._met_erased |= any(name == kind.kind for name, *_ in self._erased)
        return [
            resource
            for (name, scope, _), resource in self._resources.items()
            if name == kind.kind
            and where in {None, scope}
            and self._parts[name, scope].state != "carried"
        ]


class _Row(dict[str, Any]):
    """A listed row in which reading an erased field is not reading it: the verdict is unknown."""

    def __init__(self, row: Mapping[str, Any], gone: frozenset[str]) -> None:
        super().__init__({name: value for name, value in row.items() if name not in gone})
        self._gone = gone

    def __missing__(self, name: str) -> Any:  # noqa: ANN401 - it never returns one
        if name in self._gone:
            raise FactUnknown(ERASED)
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._gone or super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict's
        try:
            return self[name]
        except KeyError:
            return default


ERASED = Unread("erased", "", Cause.PARTIAL)
"""Why a member that was erased cannot be read."""


def without_erased(document: Mapping[str, Any], gone: Sequence[str]) -> dict[str, Any]:
    """The document as checks may read it: an erased member raises `FactUnknown`."""
    fields = {group: {n.partition(".")[2] for n in gone if n.startswith(group)} for group in GROUPS}
    unread = {"cause": ERASED.cause.value, "code": ERASED.code, "permission": ""}
    return {
        **document,
        "listed": _Row(document["listed"], frozenset(fields["listed"])),
        "facts": {
            name: {"unread": unread} if name in fields["facts"] else fact
            for name, fact in document["facts"].items()
        },
    }


GROUPS = ("listed", "facts")


def _unread(part: PartRow) -> Unread | None:
    if part.state != "incomplete":
        return None
    return Unread(part.code or "", part.permission or "", Cause(part.cause or "partial"))


def _moving(
    store: EvidenceStore, entry: int
) -> Iterator[tuple[tuple[str, str], Mapping[str, Any] | None]]:
    """What moved, by resource, in each listing; None where it is no longer kept."""
    for name in store.attachments(entry):
        word, _, key = name.partition(" ")
        if word == "activity":
            _, kind, scope = orjson.loads(key)
            try:
                moving = orjson.loads(store.attachment(entry, name))
            except NotFoundError:
                moving = None
            yield (kind, scope), moving


def _criteria(
    store: EvidenceStore, target: str, as_of: datetime | None
) -> Iterator[tuple[FindingRow, dict[str, object]]]:
    """The values each stored verdict was bound to, from the check as evidence names it."""
    seen: set[tuple[str, str]] = set()
    for row in store.findings(as_of, target):
        if (row.check_id, row.check_version) not in seen:
            seen.add((row.check_id, row.check_version))
            named = row.criteria
            yield row, {n: c["value"] for n, c in named.items() if c["value"] is not None}


def _words(status: str, cause: str | None, reason: str) -> str:
    return " ".join(word for word in (status, cause and f"({cause})", reason) if word)
