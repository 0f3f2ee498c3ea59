"""Verification of what was let go: an entry names each empty place, and it was time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from evidence_store import remnants
from evidence_store.decisions import kept_list
from evidence_store.digests import Digests, key_text
from evidence_store.errors import StoreError
from evidence_store.holds import Held
from evidence_store.leftovers import Leftovers
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.purging import LAST, evidence_of, superseded
from evidence_store.retention import DEFAULT_DAYS
from evidence_store.tables import (
    attachments,
    contents,
    erasures,
    observations,
    reasons,
    resources,
    targets,
)
from evidence_store.times import microseconds, moment

Note = Callable[[str, object, str], None]
DAY = 24 * 3600 * 10**6
"""A day in microseconds."""


class _Owner(NamedTuple):
    """The resource a content belongs to."""

    row: int
    target: str
    key: ResourceKey
    digest: bytes


class LettingGo:
    """Replays every decision to keep or let go, then compares it with what is empty."""

    def __init__(
        self,
        connection: sa.Connection,
        secret: bytes,
        bodies: Mapping[int, dict[str, Any]],
        scopes: dict[bytes, str | None],
        note: Note,
    ) -> None:
        self.connection = connection
        self.secret = secret
        self.bodies = bodies
        self.scopes = scopes
        self.note = note
        self.left = Leftovers(connection, note)
        self.days = dict(DEFAULT_DAYS)
        self.holds: dict[int, Held] = {}
        self.contents: set[bytes] = set()
        self.bare: set[bytes] = set()
        """Contents of which, at one time, nothing was left."""
        self.reasons: set[bytes] = set()
        self.attachments: set[tuple[int, str]] = set()
        self.erased: dict[tuple[str, str], dict[str, int]] = {}
        """Target and key digest in hex to each erased member and the entry that says so."""

    def check(self) -> None:
        """Check everything."""
        steps = {
            "retention": self._retention,
            "hold": self._hold,
            "lift": self._lift,
            "purge": self._purge,
            "erasure": self._erasure,
        }
        for number in sorted(self.bodies):
            body = self.bodies[number]
            if (step := steps.get(body["kind"])) is not None:
                step(number, body)
        self._emptied_contents()
        self._emptied_reasons()
        self._emptied_attachments()
        self._emptied_names()
        self._standing()
        self.left.check()

    def _retention(self, number: int, body: dict[str, Any]) -> None:
        evidence, days = body["evidence"], body["days"]
        if evidence not in self.days:
            self.note("entries", number, f"names evidence there is not: {evidence}")
        elif days <= self.days[evidence]:
            self.note("entries", number, f"makes the retention of {evidence} shorter")
        else:
            self.days[evidence] = days

    def _hold(self, _number: int, body: dict[str, Any]) -> None:
        self.holds[body["sweep"]] = Held(**body["of"])

    def _lift(self, number: int, body: dict[str, Any]) -> None:
        if self.holds.pop(body["hold"], None) is None:
            self.note("entries", number, f"lifts hold {body['hold']}, which was not in force")

    def _list(self, number: int, named: Mapping[str, Any]) -> list[Any]:
        try:
            return kept_list(self.connection, named)
        except StoreError as error:
            self.note("entries", number, f"its list of what was let go: {error}")
            return []

    def _purge(self, number: int, body: dict[str, Any]) -> None:
        now = microseconds(moment(body["recorded"]))
        if body["days"] != self.days:
            self.note("entries", number, "purged by other periods than the ledger's")
        gone = {bytes.fromhex(content) for content in self._list(number, body["contents"])}
        self.contents |= gone
        self.bare |= gone
        self.left.emptied(number, gone)
        for content, target, kind, key, ended in self._ends(number) if gone else ():
            if content in gone:
                gone.discard(content)
                if ended is None or ended > now - self.days["documents"] * DAY:
                    self.note("contents", content.hex()[:16], "was purged before its time")
                self._refuse_held(number, "contents", content.hex()[:16], (target, kind, key))
        for content in gone:
            self.note("contents", content.hex()[:16], "was purged and never observed")
        recorded = {
            entry: (self.bodies[entry].get("target"), self.bodies[entry]["recorded"])
            for entry in self.bodies
        }
        for entry, name in self._list(number, body["attached"]):
            self.attachments.add((entry, name))
            self.left.emptied(number, [remnants.of_attachment(entry, name)])
            of, at = recorded.get(entry, (None, body["recorded"]))
            if microseconds(moment(at)) > now - self.days[evidence_of(name)] * DAY:
                self.note("attachments", f"{entry} {name}", "was purged before its time")
            self._refuse_held(number, "attachments", f"{entry} {name}", (of or "", None, None))

    def _ends(self, until: int) -> Iterator[tuple[bytes, str, str, str, int | None]]:
        """Each content with its owner and when, by then, it stopped being the present one."""
        old = superseded(until)
        rows = self.connection.execute(
            sa.select(
                old.c.content,
                targets.c.name,
                resources.c.kind,
                resources.c.key_digest,
                old.c.ended,
            )
            .join(resources, resources.c.id == old.c.resource_id)
            .join(targets, targets.c.id == resources.c.target_id)
        )
        for content, target, kind, key, ended in rows:
            at = None if ended == LAST else self.bodies.get(ended, {}).get("recorded")
            yield content, target, kind, key.hex(), microseconds(moment(at)) if at else None

    def _refuse_held(
        self,
        number: int,
        table: str,
        where: object,
        whose: tuple[str, str | None, str | None],
    ) -> None:
        for hold, held in self.holds.items():
            if held.covers(*whose):
                self.note(table, where, f"was let go by entry {number} in spite of hold {hold}")

    def _erasure(self, number: int, body: dict[str, Any]) -> None:
        of = body["of"]
        names = body["members"] if body["members"] is not None else [""]
        whose = of["target"], self._kind(of["target"], of["resource"]), of["resource"]
        self._refuse_held(number, "entries", number, whose)
        known = self.erased.setdefault((of["target"], of["resource"]), {})
        for name in names:
            known.setdefault(name, number)
        gone = {bytes.fromhex(content) for content in self._list(number, body["contents"])}
        self.contents |= gone
        self.bare |= gone if body["members"] is None else set()
        self.left.emptied(number, gone, kept=body["members"] is not None)
        self.reasons |= {bytes.fromhex(r) for r in self._list(number, body["reasons"])}
        attached = {(entry, name) for entry, name in self._list(number, body["attached"])}
        self.attachments |= attached
        lines = [remnants.of_attachment(*each) for each in attached]
        self.left.emptied(number, lines, kept=True)

    def _kind(self, target: str, resource: str) -> str | None:
        return self.connection.scalar(
            sa.select(resources.c.kind)
            .join(targets, targets.c.id == resources.c.target_id)
            .where(targets.c.name == target, resources.c.key_digest == bytes.fromhex(resource))
        )

    def _owners(self) -> dict[bytes, _Owner]:
        rows = self.connection.execute(
            sa.select(
                observations.c.content,
                resources.c.id,
                targets.c.name,
                resources.c.kind,
                resources.c.scope,
                known_as,
                resources.c.key_digest,
            )
            .join(resources, resources.c.id == observations.c.resource_id)
            .join(targets, targets.c.id == resources.c.target_id)
            .join(contents, contents.c.digest == observations.c.content)
            .where(contents.c.body.is_(None))
            .distinct()
        )
        return {
            content: _Owner(row, target, ResourceKey(kind, scope, name), digest)
            for content, row, target, kind, scope, name, digest in rows
        }

    def _emptied_contents(self) -> None:
        owners = self._owners()
        rows = self.connection.execute(sa.select(contents.c.digest, contents.c.body.is_(None)))
        for digest, empty in rows:
            where = digest.hex()[:16]
            if not empty:
                if digest in self.contents:
                    self.note("contents", where, "an entry says it was let go, and it is there")
                continue
            if digest not in self.contents:
                self.note("contents", where, "its document is gone, and no entry says why")
            self._remnant(digest, owners.get(digest))

    def _remnant(self, digest: bytes, owner: _Owner | None) -> None:
        left = remnants.left_of(self.connection, digest)
        if left is None or owner is None:
            return
        where = f"of content {digest.hex()[:16]}"
        codec, body = left
        try:
            kept = remnants.kept(codec, body)
            digests = Digests(self.secret, owner.target)
            found = remnants.id_of(kept, digests, key_text(owner.key))
            self.scopes[digest] = kept.document["scope"]
        except (StoreError, ValueError, KeyError, TypeError) as error:
            self.note("remnants", where, f"cannot be read: {error!r}")
            return
        if found != digest:
            self.note("remnants", where, "the members left are not what the content's id says")
        named = self.erased.get((owner.target, owner.digest.hex()), {})
        if strange := sorted(kept.erased.keys() - named.keys()):
            self.note("remnants", where, f"no entry erased {', '.join(strange)}")

    def _emptied_reasons(self) -> None:
        rows = self.connection.execute(sa.select(reasons.c.digest, reasons.c.reason.is_(None)))
        for digest, empty in rows:
            if empty and digest not in self.reasons:
                self.note("reasons", digest.hex()[:16], "is gone, and no entry says why")
            if not empty and digest in self.reasons:
                self.note("reasons", digest.hex()[:16], "was erased, and it is there")

    def _emptied_attachments(self) -> None:
        table = attachments
        rows = self.connection.execute(
            sa.select(table.c.entry_id, table.c.name, table.c.sha256, table.c.size).where(
                table.c.body.is_(None)
            )
        )
        empty = set()
        for entry, name, plain, size in rows.all():
            where = f"{entry} {name}"
            empty.add((entry, name))
            if (entry, name) not in self.attachments:
                self.note("attachments", where, "is gone, and no entry says why")
            if (plain, size) != (None, None):
                self.note("attachments", where, "its SHA-256 or size was left; both help to guess")
            self._lines(entry, name)
        for entry, name in sorted(self.attachments - empty):
            self.note("attachments", f"{entry} {name}", "an entry says it was let go")

    def _lines(self, entry: int, name: str) -> None:
        left = remnants.left_of(self.connection, remnants.of_attachment(entry, name))
        if left is None:
            return
        body = self.bodies.get(entry, {})
        where = f"of attachment {entry} {name}"
        try:
            digests = Digests(self.secret, body.get("target", ""))
            found = remnants.attachment_root(remnants.kept_lines(*left), digests, name)
        except (StoreError, ValueError, KeyError, TypeError) as error:
            self.note("remnants", where, f"cannot be read: {error!r}")
            return
        if found.hex() != body.get("attachments", {}).get(name):
            self.note("remnants", where, "the lines left are not what the entry says")

    def _emptied_names(self) -> None:
        rows = self.connection.execute(
            sa.select(
                resources.c.id,
                targets.c.name,
                resources.c.kind,
                resources.c.scope,
                resources.c.key_digest,
                resources.c.identity.is_(None),
            ).join(targets, targets.c.id == resources.c.target_id)
        )
        for row, target, kind, scope, digest, empty in rows:
            erased = "" in self.erased.get((target, digest.hex()), {})
            if not empty and erased:
                self.note("resources", row, "its name was erased, and it is there")
            if empty and not erased:
                part = key_text(ResourceKey(kind, scope, None))
                if Digests(self.secret, target).key_digest(part) != digest:
                    self.note("resources", row, "its name is gone, and no entry says why")

    def _standing(self) -> None:
        """What must not be recorded again is what the entries say."""
        rows = self.connection.execute(
            sa.select(
                targets.c.name, resources.c.key_digest, erasures.c.member, erasures.c.entry_id
            )
            .join(resources, resources.c.id == erasures.c.resource_id)
            .join(targets, targets.c.id == resources.c.target_id)
        )
        found = {(target, digest.hex(), member): entry for target, digest, member, entry in rows}
        told = {
            (*whose, member): entry
            for whose, members in self.erased.items()
            for member, entry in members.items()
        }
        for key in sorted(found.keys() | told.keys()):
            if found.get(key) != told.get(key):
                where = f"{key[0]} {key[1][:16]} {key[2]}".rstrip()
                self.note("erasures", where, "is not what the entries say")
        strays = self.connection.execute(
            sa.select(erasures.c.resource_id).where(
                erasures.c.resource_id.not_in(sa.select(resources.c.id))
            )
        )
        for row in strays.scalars():
            self.note("erasures", row, "belongs to no resource")
