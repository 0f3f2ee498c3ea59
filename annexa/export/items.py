"""One evidence item as a package carries it: opened values, and digests of what is kept back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from annexa.export.withholding import DOCUMENT, KEY, REASON
from evidence_store import Member, OpenedResource, VerdictItem

Path = Sequence[tuple[str, bytes]]
WITHHELD, ERASED = "withheld", "erased"


class Item(NamedTuple):
    """A resource on its way into a package.

    Attributes:
        place: The place of its unit's entry in the ledger.
        resource: As the store opened it.
        hidden: What is kept back of it.
        state: Sided path of its content's leaf, where the leaves are not all in the package.
        verdicts: The same of its verdict's leaf.
    """

    place: int
    resource: OpenedResource
    hidden: frozenset[str]
    state: Path | None = None
    verdicts: Path | None = None

    @property
    def name(self) -> str:
        """Its id, or what stands for it in every package of this store."""
        if not self.is_named:
            return f"resource-{self.resource.opened_key.digest.hex()[:12]}"
        return self.resource.key.id or f"the listing {self.resource.key.scope!r} itself"

    @property
    def is_named(self) -> bool:
        """Whether the package says which resource it is."""
        return KEY not in self.hidden and not self.resource.opened_key.erased

    @property
    def kind(self) -> str:
        """Its kind, unless that is kept back."""
        told = self.resource.members and not self.hidden & {"kind", DOCUMENT}
        return self.resource.key.kind if self.is_named or told else "(kind kept back)"

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is kept back."""
        members = self.resource.members
        gone = members is None and self.resource.content_id is not None
        return not (self.hidden or gone or any(member.erased for member in members or ()))

    def document(self) -> dict[str, Any]:
        """The item as it is written."""
        found = self.resource
        paths = {"state": _path(self.state), "verdicts": _path(self.verdicts)}
        return {
            "entry": self.place,
            "key": opened(found.opened_key, hidden=KEY in self.hidden),
            "document": self.members(),
            "findings": [self._finding(finding) for finding in found.findings],
            "proof": paths if self.verdicts is not None else None,
        }

    def members(self) -> dict[str, Any] | None:
        """The document's members, or the digest of all of it, or None of a listing itself."""
        found = self.resource
        if found.content_id is None:
            return None
        if found.members is None or DOCUMENT in self.hidden:
            why = ERASED if found.members is None else WITHHELD
            return {"digest": found.content_id.hex(), "why": why}
        return {m.name: opened(m, hidden=m.name in self.hidden) for m in found.members}

    def _finding(self, finding: VerdictItem) -> dict[str, Any]:
        reason = opened(finding.reason, hidden=REASON in self.hidden)
        return {
            "check": finding.check_text.decode(),
            "status": finding.status,
            "cause": finding.cause,
            "reason": reason if finding.reason.value or finding.reason.erased else None,
        }


def opened(member: Member, *, hidden: bool) -> dict[str, str]:
    """A value with its salt, or its digest alone."""
    if member.erased:
        return {"digest": member.digest.hex(), "why": ERASED}
    if hidden:
        return {"digest": member.digest.hex(), "why": WITHHELD}
    return {"salt": member.salt.hex(), "value": member.value.decode()}


def _path(path: Path | None) -> list[str] | None:
    return None if path is None else sided(path)


def sided(path: Path) -> list[str]:
    """A path as it is written: `L` or `R`, and the sibling's hash in hex."""
    return [side + sibling.hex() for side, sibling in path]


def written(value: object) -> bytes:
    """The one form of a package's JSON: sorted, indented by one, ASCII, ended by a line feed."""
    return (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()
