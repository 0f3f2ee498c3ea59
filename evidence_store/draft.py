"""A unit on its way into the store: what came, what is carried, what is gone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from operator import itemgetter
from sys import intern
from typing import Any, Final, NamedTuple

from evidence_store import parts, state, told, unit_entries, writing
from evidence_store.answers import Receipt
from evidence_store.attaching import Attached, all_attached
from evidence_store.canonical import canonical, parsed, trimmed
from evidence_store.checks import Checks
from evidence_store.codecs import ZLIB, of_kind, packed
from evidence_store.database import BATCH, insert_new
from evidence_store.digests import FIELDS, Digests, key_text, verdict_digest
from evidence_store.errors import RecordError
from evidence_store.merkle import EMPTY
from evidence_store.model import (
    CAUSES,
    STATUSES,
    Document,
    Finding,
    PartKey,
    ResourceKey,
)
from evidence_store.remnants import keep_again, was_purged
from evidence_store.state import Known, State
from evidence_store.tables import (
    contents,
)
from evidence_store.times import microseconds, moment
from evidence_store.unit_entries import Outcome, Recording
from evidence_store.withholding import Withholding

FIRST: Final = itemgetter(0)


class Last(NamedTuple):
    """The target's last entry."""

    sweep: int = 0
    attempt: int = 0
    heads: tuple[bytes, bytes] = (EMPTY, EMPTY)
    parts: parts.Parts = {}  # noqa: RUF012 - never changed: `advanced` makes a new one


class Draft:
    """A unit being recorded: the state after it grows beside the state before."""

    def __init__(self, found: Recording, last: Last, before: State, sealed: bytes | None) -> None:
        self.found = found
        self.last = last
        self.connection = found.connection
        self.unit = found.unit
        self.before = before
        self.sealed = sealed
        """What was told last, as `told.seal` binds it to the last entry's roots."""
        self.after: State = {}
        self.scopes: dict[ResourceKey, str] = {}
        """Documents' own scopes, of new contents only."""
        self.reasons: dict[bytes, str] = {}
        self.digests = Digests(found.secret, found.unit.target)
        self.attached: list[Attached] = []
        self.checks = Checks(found.connection)
        self.withheld = Withholding(found.connection, found.at.target_id, self.digests)
        self.purged = was_purged(found.connection)
        unit = found.unit
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

    def read_documents(self, documents: Iterable[Document]) -> None:
        """Take every document in; only new contents are fetched, digested and stored."""
        if not self.withheld:
            self._attach()
        new: list[tuple[Any, ...]] = []
        before, after, records = self.before, self.after, self.records
        for handed in documents:
            document = self.withheld.document(handed) if self.withheld else handed
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
        if not isinstance(value, dict) or value.keys() != FIELDS or canonical(value) != body:
            raise RecordError(f"{where} is not canonical JSON of {sorted(FIELDS)}")
        if (value["kind"], value["id"]) != (key.kind, key.id):
            raise RecordError(f"{where} is of another kind or id")
        if sha256(body).digest() != document.sha256:
            raise RecordError(f"{where} does not have the SHA-256 handed in")
        self.scopes[key] = intern(value["scope"])
        content = self.digests.content_id(key_text(key), value)
        return content, (content, ZLIB, packed(body, of_kind(key.kind)))

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

    def commit(self) -> Receipt:
        """Compare with the last entry and write what differs, the entry in any case."""
        found, before, last = self.found, self.before, self.last
        state_root, verdict_root, live = state.roots(self.after)
        unchanged = (state_root, verdict_root) == last.heads
        changed = {k: now for k, now in self.after.items() if now is not before.get(k)}
        documents = [k for k, now in changed.items() if k in self.scopes and now.content]
        added = sum(k not in before for k in documents)
        if not unchanged and state.roots(before)[:2] != last.heads:
            raise state.refused(self.unit.target, last.sweep)
        if self.withheld:
            self._attach()
        counts = added, len(documents) - added, len(self.gone)
        after = parts.advanced(last.parts, self.records.values(), last.sweep, self.carried)
        receipt = unit_entries.write(
            found,
            parts.keep(self.connection, after),
            self.attached,
            Outcome((state_root, verdict_root), live, unchanged, *counts),
        )
        if not unchanged or last.sweep == 0:
            writing.write_changes(self, found.at.target_id, receipt.entry, changed)
        self._seal((state_root, verdict_root), unchanged=unchanged and last.sweep > 0)
        return receipt

    def _seal(self, heads: tuple[bytes, bytes], *, unchanged: bool) -> None:
        """Bind the cached state, and what was told, to the roots they gave."""
        secret, target_id = self.found.secret, self.found.at.target_id
        checks = {row: known.digest for row, known in self.checks.by_row.items()}
        sealed = told.seal(secret, heads, told.of_state(self.after, checks))
        if not unchanged or sealed != self.sealed:
            seal = state.seal(secret, heads, self.after)
            state.save_seal(self.connection, target_id, seal, sealed)

    def _attach(self) -> None:
        """Pack the attachments one by one; what is withheld is known when documents are read."""
        without = self.withheld.attachment if self.withheld else None
        self.attached = all_attached(self.digests, self.unit, without)
