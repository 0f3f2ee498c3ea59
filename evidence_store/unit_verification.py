"""Verification of one target: replay every change and reproduce every entry's two roots."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from evidence_store import evidence, merkle, parts, replay, state, told
from evidence_store.digests import Digests, key_text, verdict_digest
from evidence_store.errors import CorruptStoreError
from evidence_store.model import ResourceKey
from evidence_store.names import known_as
from evidence_store.reads import CAUSE_OF, STATUS_OF
from evidence_store.tables import (
    ENDED,
    KINDS,
    checks,
    entries,
    observations,
    reasons,
    resources,
    verdicts,
)
from evidence_store.times import microseconds, moment

Note = Callable[[str, object, str], None]
LAST: Final = 2**62
NO_FINDINGS: Final = verdict_digest(())


class Run(NamedTuple):
    """A finding in force."""

    status: str
    cause: str | None
    reason: str | None
    since: int


class Scopes(NamedTuple):
    """What documents say of their own scope.

    Attributes:
        of: Each content there is to its document's scope; None where nothing is left of it.
        let_go: Contents of which nothing was left at one time: the scope told with them went too.
    """

    of: Mapping[bytes, str | None]
    let_go: AbstractSet[bytes]

    def wrong(self, content: bytes | None, told: str | None) -> str | None:
        """What is wrong with what an observation of a content tells."""
        if content is None:
            return None if told is None else "tells a scope, and is the end of a resource"
        if content not in self.of:
            return "its content is missing"
        scope = self.of[content]
        if told is None:
            return None if content in self.let_go else "does not tell its document's scope"
        if scope is None:
            return "tells a scope, and nothing is left of its document"
        return None if told == scope else "its scope is not the document's"


class Live:
    """A resource during the replay."""

    __slots__ = ("content", "digest", "key", "runs", "text", "verdict")

    def __init__(self, key: ResourceKey, digest: bytes) -> None:
        self.key = key
        self.text = key_text(key)
        self.digest = digest
        self.content: bytes | None = None
        self.runs: dict[int, Run] = {}
        self.verdict = NO_FINDINGS

    @property
    def stands(self) -> bool:
        """Whether it has a leaf."""
        return self.content is not None or bool(self.runs)


class Units:
    """The replay of targets, one after the other."""

    def __init__(
        self,
        connection: sa.Connection,
        secret: bytes,
        bodies: Mapping[int, dict[str, Any]],
        scopes: Scopes,
        note: Note,
    ) -> None:
        self.connection = connection
        self.secret = secret
        self.bodies = bodies
        self.scopes = scopes
        self.note = note
        rows = connection.execute(sa.select(checks.c.id, checks.c.code, checks.c.digest))
        self.checks = {row: (code, digest.hex()) for row, code, digest in rows}
        self.counts = {"observations": 0, "verdicts": 0}

    def check(self, target_id: int, target: str, after: int = 0) -> None:
        """Replay a target, from its first entry or from how it stood after one that is proven."""
        self.digests = Digests(self.secret, target)
        self.live = self._resources(target_id)
        self.reasons_seen: set[tuple[bytes, bytes]] = set()
        seen = self._changes(observations, target_id, after)
        judged = self._changes(verdicts, target_id, after)
        rows = self.connection.execute(
            sa.select(entries)
            .where(
                entries.c.target_id == target_id,
                entries.c.kind == KINDS["unit"],
                entries.c.id > after,
            )
            .order_by(entries.c.id)
        ).all()
        before: parts.Parts = {}
        heads = merkle.EMPTY, merkle.EMPTY
        last = (0, 0)
        diverged = False
        if after:
            before, heads, last, diverged = self._stand(target_id, target, after)
        for row in rows:
            if (row.sweep, row.attempt) <= last:
                self.note("entries", row.id, f"stands after sweep {last[0]}, attempt {last[1]}")
            body = self.bodies.get(row.id)
            if body is None:
                continue
            now = self._parts(row.id, body)
            changes = seen.pop(row.id, []), judged.pop(row.id, [])
            self._observe(row, body, now, changes[0])
            touched = self._judge(row.id, body, now, changes[1])
            found = self._roots(touched) if any(changes) else heads
            if body["unchanged"] != (found == heads):
                self.note("entries", row.id, "says wrongly whether anything changed")
            heads = found
            if not diverged:
                diverged = self._compare(target, row, found)
            if now is not None:
                self._carried(row.id, before, now, last[0])
                before = now
            last = row.sweep, row.attempt
        self._leftover(target, observations=seen, verdicts=judged)
        if rows:
            self._cache(target, target_id, rows[-1])

    def _leftover(self, target: str, **tables: Iterable[int]) -> None:
        for table, left in tables.items():
            for entry in left:
                self.note(table, f"entry {entry}", f"belongs to no entry of target {target}")

    def _stand(
        self, target_id: int, target: str, after: int
    ) -> tuple[parts.Parts, tuple[bytes, bytes], tuple[int, int], bool]:
        """Stand where the target stood after an entry, if the rows lead to what it says."""
        seen = evidence.standing_rows(after, target_id)
        query = sa.select(seen.c.resource_id, seen.c.content).where(seen.c.last.is_not(None))
        for number, content in self.connection.execute(query):
            self.live[number].content = content
        keys = verdicts.c.resource_id, verdicts.c.check_id
        last = evidence.latest(verdicts, after, target_id, *keys)
        judged = self.connection.execute(
            sa.select(verdicts)
            .join(
                last,
                (verdicts.c.resource_id == last.c.resource_id)
                & (verdicts.c.check_id == last.c.check_id)
                & (verdicts.c.entry_id == last.c.last),
            )
            .where(verdicts.c.status != ENDED)
        )
        for row in judged:
            run = Run(
                STATUS_OF[row.status],
                CAUSE_OF[row.cause] if row.cause else None,
                row.reason.hex() if row.reason else None,
                row.since,
            )
            self.live[row.resource_id].runs[row.check_id] = run
        found = self._roots({number for number, live in self.live.items() if live.runs})
        entry = self.connection.execute(sa.select(entries).where(entries.c.id == after)).one()
        diverged = self._compare(target, entry, found)
        known = parts.kept(self.connection, self.bodies[after])
        return known, found, (entry.sweep, entry.attempt), diverged

    def check_strays(self, target_ids: set[int]) -> None:
        """Rows that belong to no target at all."""
        query = sa.select(resources.c.id, resources.c.target_id)
        known = set()
        for row, target_id in self.connection.execute(query):
            known.add(row)
            if target_id not in target_ids:
                self.note("resources", row, "belongs to no target")
        for table in (observations, verdicts):
            for row in self.connection.scalars(sa.select(table.c.resource_id).distinct()):
                if row not in known:
                    self.note(table.name, f"resource {row}", "belongs to no resource")

    def _resources(self, target_id: int) -> dict[int, Live]:
        rows = self.connection.execute(
            sa.select(
                resources.c.id,
                resources.c.kind,
                resources.c.scope,
                known_as,
                resources.c.key_digest,
                resources.c.identity,
            ).where(resources.c.target_id == target_id)
        )
        found = {}
        for number, kind, scope, identity, digest, name in rows:
            live = found[number] = Live(ResourceKey(kind, scope, identity), digest)
            erased = name is None and identity is not None
            if not erased and self.digests.key_digest(live.text) != digest:
                self.note("resources", number, "its key is not what its digest says")
        return found

    def _changes(self, table: sa.Table, target_id: int, after: int) -> dict[int, list[sa.Row[Any]]]:
        """A target's rows of a table of changes, by entry."""
        query = (
            sa.select(table)
            .join(resources, resources.c.id == table.c.resource_id)
            .where(resources.c.target_id == target_id, table.c.entry_id > after)
        )
        found: dict[int, list[sa.Row[Any]]] = {}
        for row in self.connection.execute(query):
            found.setdefault(row.entry_id, []).append(row)
            self.counts[table.name] += 1
        return found

    def _parts(self, entry: int, body: dict[str, Any]) -> parts.Parts | None:
        try:
            return parts.kept(self.connection, body)
        except (CorruptStoreError, ValueError, KeyError, TypeError) as error:
            self.note("part_documents", f"entry {entry}", f"table of parts: {error}")
            return None

    def _observe(
        self,
        row: sa.Row[Any],
        body: dict[str, Any],
        now: parts.Parts | None,
        rows: list[sa.Row[Any]],
    ) -> None:
        counts = {"added": 0, "changed": 0, "gone": 0}
        by_listing = {key[1:]: part for key, part in (now or {}).items()}
        for change in rows:
            number, content, scope = change.resource_id, change.content, change.scope
            live = self.live[number]
            where = f"resource {number}, entry {row.id}"
            part = by_listing.get(live.key[:2])
            if now is not None and (part is None or part.state == "carried"):
                self.note("observations", where, "of a part that was not asked")
            if content is None and part is not None and part.state != "complete":
                self.note("observations", where, "gone, though its listing was not complete")
            if wrong := self.scopes.wrong(content, scope):
                self.note("observations", where, wrong)
            what = "gone" if content is None else "added" if live.content is None else "changed"
            counts[what] += 1
            live.content = content
        if counts != {name: body[name] for name in counts}:
            self.note("entries", row.id, f"its rows say {counts}")

    def _judge(
        self,
        entry: int,
        body: dict[str, Any],
        now: parts.Parts | None,
        rows: list[sa.Row[Any]],
    ) -> set[int]:
        """Apply changed findings; return the resources they touch."""
        by_listing = {key[1:]: part for key, part in (now or {}).items()}
        before: dict[int, dict[str, Run]] = {}
        for number in {row.resource_id for row in rows}:
            runs = self.live[number].runs
            before[number] = {self.checks[check][0]: run for check, run in runs.items()}
        for row in rows:
            number, check = row.resource_id, row.check_id
            live = self.live[number]
            where = f"resource {number}, check {check}, entry {entry}"
            if check not in self.checks:
                self.note("verdicts", where, "its check is missing")
                continue
            if row.status == ENDED:
                ended = microseconds(moment(body["finished"]))
                if (row.cause, row.reason, row.since) != (None, None, ended):
                    self.note("verdicts", where, "ended, and tells more than when")
                live.runs.pop(check, None)
                continue
            reason = self._reason(where, live, row.reason)
            status, cause = STATUS_OF[row.status], CAUSE_OF[row.cause] if row.cause else None
            live.runs[check] = Run(status, cause, reason, row.since)
            part = by_listing.get(live.key[:2])
            if part is None:
                continue
            if part.state == "carried" and part.observed is not None:
                self.note("verdicts", where, "of a part that was not asked")
            run = before[number].get(self.checks[check][0])
            began = microseconds(moment(part.observed or body["finished"]))
            if row.since != (run.since if run and run.status == status else began):
                self.note("verdicts", where, "does not say when its status began")
        return set(before)

    def _reason(self, where: str, live: Live, digest: bytes | None) -> str | None:
        if digest is None:
            return None
        if (live.digest, digest) not in self.reasons_seen:
            self.reasons_seen.add((live.digest, digest))
            row = self.connection.execute(
                sa.select(reasons.c.reason).where(reasons.c.digest == digest)
            ).one_or_none()
            if row is None:
                self.note("verdicts", where, "its reason is missing")
            elif row[0] is not None and self.digests.reason(live.text, row[0]).digest != digest:
                self.note("reasons", digest.hex()[:16], "is not what its digest says")
        return digest.hex()

    def _roots(self, touched: set[int]) -> tuple[bytes, bytes]:
        for number in touched:
            live = self.live[number]
            live.verdict = verdict_digest(
                [self.checks[check][1], run.status, run.cause, run.reason]
                for check, run in live.runs.items()
            )
        standing = sorted(
            (live for live in self.live.values() if live.stands), key=lambda live: live.digest
        )
        return (
            merkle.root_of(live.digest + live.content for live in standing if live.content),
            merkle.root_of(live.digest + live.verdict for live in standing),
        )

    def _compare(self, target: str, row: sa.Row[Any], found: tuple[bytes, bytes]) -> bool:
        """Compare the roots; what follows the first difference differs anyway."""
        differs = False
        for name, ours, theirs in (
            ("state", found[0], row.state_root),
            ("verdict", found[1], row.verdict_root),
        ):
            if ours != theirs:
                differs = True
                self.note("entries", row.id, f"the rows of {target} give another {name} root")
        count = sum(live.content is not None for live in self.live.values())
        if not differs and count != row.resources:
            self.note("entries", row.id, f"the rows of {target} give {count} resources")
        return differs

    def _carried(self, entry: int, before: parts.Parts, now: parts.Parts, last_sweep: int) -> None:
        """What was not read must stand as it was, and say since when."""
        by_digest = {live.digest.hex(): live for live in self.live.values()}
        for key in before.keys() - now.keys():
            self.note("part_documents", f"entry {entry}", f"part {list(key)} vanished")
        for key, part in now.items():
            where = f"entry {entry}, part {list(key)}"
            was = before.get(key, parts.Part())
            since = last_sweep if was.state == "complete" else was.since
            if part.state != "complete" and part.since != since:
                self.note("part_documents", where, "says another sweep read it completely")
            if part.state == "carried":
                if (part.observed, part.carried) != (was.observed, was.carried):
                    self.note("part_documents", where, "was not asked, yet its reading changed")
                continue
            for digest, read in part.carried.items():
                live = by_digest.get(digest)
                if live is None or live.content is None:
                    self.note("part_documents", where, "carries a resource that is not there")
                    continue
                if read != was.observed_of(live.digest):
                    self.note("part_documents", where, "carries a resource with another time")
                if any(run.status != "unknown" for run in live.runs.values()):
                    self.note("verdicts", where, "a carried resource is not unknown")

    def _cache(self, target: str, target_id: int, last: sa.Row[Any]) -> None:
        heads = last.state_root, last.verdict_root
        cached = state.load_sealed(self.connection, self.secret, target_id, heads)
        found = replay.standing(self.connection, target_id, LAST, hashed=True)
        if cached is None or cached != found:
            self._note_cache(target)
            return
        digests = {row: digest for row, (_, digest) in self.checks.items()}
        right = told.seal(self.secret, heads, told.of_state(cached, digests))
        sealed = self.connection.scalar(state.TOLD, {"target_id": target_id})
        if sealed not in (right, state.NOT_SEALED):
            self._note_cache(target)

    def _note_cache(self, target: str) -> None:
        self.note(
            "current_state",
            target,
            "the cache is not what the entries say; `annexa verify --rebuild-cache` cures it",
        )
