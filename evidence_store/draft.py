"""A unit on its way into the store: what came, what is carried, what is gone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from operator import itemgetter
from sys import intern
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evidence_store import entries, parts, state, writing
from evidence_store.answers import Receipt
from evidence_store.attaching import Attached, attached
from evidence_store.canonical import canonical, parsed, trimmed
from evidence_store.checks import Checks
from evidence_store.codecs import ZLIB, packed
from evidence_store.database import BATCH, insert, insert_new
from evidence_store.digests import Digests, key_text, verdict_digest
from evidence_store.errors import RecordError
from evidence_store.merkle import EMPTY
from evidence_store.model import (
    CAUSES,
    STATUSES,
    Document,
    Finding,
    PartKey,
    ResourceKey,
    UnitRecord,
)
from evidence_store.remnants import keep_again, was_purged
from evidence_store.state import Known, State
from evidence_store.tables import (
    attachments,
    contents,
)
from evidence_store.times import microseconds, moment
from evidence_store.withholding import Withholding

if TYPE_CHECKING:
    import sqlalchemy as sa

FIRST: Final = itemgetter(0)


class Last(NamedTuple):
    """The target's last entry."""

    sweep: int = 0
    attempt: int = 0
    heads: tuple[bytes, bytes] = (EMPTY, EMPTY)
    parts: parts.Parts = {}  # noqa: RUF012 - never changed: `advanced` makes a new one


class Draft:
    """A unit being recorded: the state after it grows beside the state before."""

    def __init__(
        self,
        connection: sa.Connection,
        secret: bytes,
        unit: UnitRecord,
        target_id: int,
        before: State,
        last: Last,
    ) -> None:
        self.connection = connection
        self.secret = secret
        self.unit = unit
        self.before = before
        self.last = last
        self.after: State = {}
        self.scopes: dict[ResourceKey, str] = {}
        """Documents' own scopes, of new contents only."""
        self.reasons: dict[bytes, str] = {}
        self.digests = Digests(secret, unit.target)
        self.attached: list[Attached] = []
        self.checks = Checks(connection)
        self.withheld = Withholding(connection, target_id, self.digests)
        self.purged = was_purged(connection)
        self.records = parts.check(unit.parts)
        self.collectors = {(key.kind, key.scope): key.collector for key in last.parts}
        for kind_scope, part in self.records.items():
            if self.collectors.setdefault(kind_scope, part.collector) != part.collector:
                raise RecordError(
                    f"target {unit.target}: {part.kind} in {part.scope!r} belongs to collector"
                    f" {self.collectors[kind_scope]}, not {part.collector}"
                )
        self.finished = moment(unit.finished)
        self.began = {
            kind_scope: microseconds(moment((part.asked and part.observed_at) or unit.finished))
            for kind_scope, part in self.records.items()
        }
        moment(unit.started)

    def read_documents(self) -> None:
        """Take every document in; only new contents are fetched, digested and stored."""
        if not self.withheld:
            self._attach()
        new: list[tuple[Any, ...]] = []
        before, after, records = self.before, self.after, self.records
        for told in self.unit.documents:
            document = self.withheld.document(told) if self.withheld else told
            key = document.key
            part = records.get(key[:2])
            if part is None or not part.asked or key.id is None:
                raise RecordError(
                    f"target {self.unit.target}: {list(key)} is of no part that was asked"
                )
            if (twin := after.get(key)) is not None:
                if twin.sha256 == document.sha256:
                    continue
                raise RecordError(f"target {self.unit.target}: two documents for {list(key)}")
            known = before.get(key) or self.withheld.known(key)
            content = known.content if known and known.sha256 == document.sha256 else None
            if content is None:
                content, row = self._new_content(document)
                new.append(row)
                if len(new) == BATCH:
                    self._keep(new)
                    new = []
            after[key] = self._judged(key, known, content, document.sha256, document.findings)
        self._keep(new)

    def _keep(self, new: list[tuple[Any, ...]]) -> None:
        """Store contents; one that comes back after it was purged is kept beside what is left."""
        insert_new(self.connection, contents, sorted(new))
        if self.purged:
            keep_again(self.connection, {row[0]: row[-1] for row in new})

    def _new_content(self, document: Document) -> tuple[bytes, tuple[Any, ...]]:
        """The content's id and its row."""
        body = document.body if isinstance(document.body, bytes) else document.body()
        key = document.key
        where = f"target {self.unit.target}: document of {list(key)}"
        try:
            value = parsed(body)
        except ValueError as error:
            raise RecordError(f"{where} is no JSON: {error}") from error
        fields = {"facts", "id", "kind", "listed", "scope"}
        if not isinstance(value, dict) or set(value) != fields or canonical(value) != body:
            raise RecordError(f"{where} is not canonical JSON of {sorted(fields)}")
        if (value["kind"], value["id"]) != (key.kind, key.id):
            raise RecordError(f"{where} is of another kind or id")
        if sha256(body).digest() != document.sha256:
            raise RecordError(f"{where} does not have the SHA-256 handed in")
        self.scopes[key] = intern(value["scope"])
        content = self.digests.content_id(key_text(key), value)
        return content, (content, document.sha256, len(body), ZLIB, packed(body))

    def _judged(
        self,
        key: ResourceKey,
        known: Known | None,
        content: bytes | None,
        digest: bytes | None,
        findings: Sequence[Finding],
    ) -> Known:
        """The resource after this unit; the very same object if nothing about it changed."""
        rows = [
            (self.checks.known(finding.check).row, finding.status, finding.cause, finding.reason)
            for finding in findings
        ]
        rows.sort(key=FIRST)
        text = canonical(rows)
        if known is None:
            text_key = key_text(key)
            key_digest = self.digests.key_digest(text_key)
            known = state.NOBODY._replace(key_digest=key_digest)
        elif known.findings == text:
            if known.content == content:
                return known
            return known._replace(content=content, sha256=digest)
        began = self.began[key[:2]]
        runs = self._runs(known)
        since, leaf = [], []
        text_key = key_text(key)
        codes = set()
        for row, status, cause, reason in rows:
            if (status == "unknown") != (cause in CAUSES) or status not in STATUSES:
                raise RecordError(f"{list(key)}: status {status!r} with cause {cause!r}")
            check = self.checks.by_row[row]
            codes.add(check.code)
            before = runs.get(check.code)
            since.append(before[1] if before and before[0] == status else began)
            opened = None
            if reason:
                opened = self.digests.reason(text_key, reason).digest
                self.reasons[opened] = reason
            leaf.append((check.digest, status, cause, opened.hex() if opened else None))
        if len(codes) != len(rows):
            raise RecordError(f"{list(key)}: two findings of one check")
        return known._replace(
            content=content,
            sha256=digest,
            verdict=verdict_digest(leaf),
            findings=trimmed(text),
            since=trimmed(canonical(since)),
        )

    def _runs(self, known: Known) -> dict[str, tuple[str, int]]:
        """Each check's status and since when, by the check's id: a new version breaks no run."""
        pairs = zip(parsed(known.findings), parsed(known.since), strict=True)
        return {self.checks.by_row[row].code: (status, at) for (row, status, *_), at in pairs}

    def settle_parts(self) -> None:
        """Decide on every resource that did not come, and on findings of the parts themselves."""
        self.carried: dict[PartKey, dict[str, str]] = {}
        self.gone: list[ResourceKey] = []
        for key, known in self.before.items():
            if key in self.after or key.id is None:
                continue
            part = self.records.get(key[:2])
            if part is None or not part.asked:
                self.after[key] = known
            elif part.complete:
                self.gone.append(key)
            else:
                self.after[key] = self._judged(
                    key, known, known.content, known.sha256, part.carried_findings
                )
                read = self.last.parts[part.key].observed_of(known.key_digest)
                self.carried.setdefault(part.key, {})[known.key_digest.hex()] = read or ""
        self._settle_findings_on_parts()

    def _settle_findings_on_parts(self) -> None:
        named = set()
        for part in self.records.values():
            known_part = self.last.parts.get(part.key)
            if not part.asked and known_part is not None and known_part.observed is not None:
                continue
            key = ResourceKey(part.kind, part.scope, None)
            named.add(key)
            if part.findings_on_part:
                known = self.before.get(key)
                self.after[key] = self._judged(key, known, None, None, part.findings_on_part)
        for key, known in self.before.items():
            if key.id is None and key not in named:
                self.after[key] = known

    def commit(self, at: entries.Position, recorded: datetime) -> Receipt:
        """Compare with the last entry and write what differs, the entry in any case."""
        before, last = self.before, self.last
        state_root, verdict_root, live = state.roots(self.after)
        unchanged = (state_root, verdict_root) == last.heads
        changed = {k: now for k, now in self.after.items() if now is not before.get(k)}
        documents = [k for k, now in changed.items() if k in self.scopes and now.content]
        added = sum(k not in before for k in documents)
        counts = {"added": added, "changed": len(documents) - added, "gone": len(self.gone)}
        if not unchanged and state.roots(before)[:2] != last.heads:
            raise state.refused(self.unit.target, last.sweep)
        after_parts = parts.advanced(last.parts, self.records.values(), last.sweep, self.carried)
        digest, observed = parts.keep(self.connection, after_parts)
        if self.withheld:
            self._attach()
        unit = self.unit
        entry = entries.write(
            self.connection,
            at,
            recorded,
            {
                "target": unit.target,
                "attempt": unit.attempt,
                "outcome": unit.outcome,
                "started": unit.started,
                "finished": unit.finished,
                "state": state_root.hex(),
                "verdicts": verdict_root.hex(),
                "resources": live,
                **counts,
                "unchanged": unchanged,
                "parts": digest.hex(),
                "observed": observed,
                "attachments": {each.name: each.root.hex() for each in self.attached},
                "provenance": dict(unit.provenance),
            },
            outcome=unit.outcome,
            state_root=state_root,
            verdict_root=verdict_root,
            resources=live,
            **counts,
        )
        insert(self.connection, attachments, (each.row(entry) for each in self.attached))
        if not unchanged or last.sweep == 0:
            writing.write_changes(self, at.target_id, entry, changed)
            seal = state.seal(self.secret, (state_root, verdict_root), self.after)
            state.save_seal(self.connection, at.target_id, seal)
        return Receipt(
            entry,
            counts["added"],
            counts["changed"],
            counts["gone"],
            live,
            state_root,
            verdict_root,
            unchanged,
        )

    def _attach(self) -> None:
        """Pack the attachments one by one; what is withheld is known when documents are read."""
        named = {"journal": self.unit.journal}
        for key, told in self.unit.activities.items():
            named[f"activity {canonical(list(key)).decode()}"] = told
        without = self.withheld.attachment if self.withheld else None
        made = (attached(self.digests, *each, without) for each in sorted(named.items(), key=FIRST))
        self.attached = [each for each in made if each.size]
