"""At the door: what was erased is not recorded again, though a platform may still tell it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

import sqlalchemy as sa

from evidence_store.canonical import canonical, parsed
from evidence_store.digests import Digests, key_text
from evidence_store.model import Document, Finding, ResourceKey
from evidence_store.names import placeholder
from evidence_store.quoting import Quotes, names_of, texts_in
from evidence_store.remnants import MARK, erasable, mark
from evidence_store.state import NOBODY, Known
from evidence_store.tables import erasures, resources

WITHHELD: Final = "withheld"
REASON: Final = "withheld: it quotes what was erased"
"""What stands for a reason that would tell it again."""

ERASED: Final = (
    sa.select(resources.c.key_digest, resources.c.id, erasures.c.member)
    .join(resources, resources.c.id == erasures.c.resource_id)
    .where(resources.c.target_id == sa.bindparam("target_id"))
)


class Withholding:
    """What is not to be recorded of a target's resources."""

    def __init__(self, connection: sa.Connection, target_id: int, digests: Digests) -> None:
        self._digests = digests
        self._rows: dict[bytes, int] = {}
        self._members: dict[bytes, set[str]] = {}
        self._aliases: dict[ResourceKey, Known] = {}
        self._texts: set[str] = set()
        rows = connection.execute(ERASED, {"target_id": target_id})
        for key_digest, row, member in rows:
            self._rows[key_digest] = row
            self._members.setdefault(key_digest, set()).add(member)

    def __bool__(self) -> bool:
        """Whether anything was ever erased here."""
        return bool(self._rows)

    def document(self, document: Document) -> Document:
        """The document as it may be recorded."""
        key_digest = self._digests.key_digest(key_text(document.key))
        names = self._members.get(key_digest)
        if names is None:
            return document
        body = document.body if isinstance(document.body, bytes) else document.body()
        value = parsed(body)
        if "" in names:
            return self._nameless(document, value, key_digest)
        found = erasable(value, names)
        quoted: set[str] = set()
        for name in found:
            group, _, field = name.partition(".")
            told = value[group][field]
            quoted.update(texts_in(told.get("value") if group == "facts" else told))
        self._texts |= quoted
        text = canonical(mark(value, dict.fromkeys(found, WITHHELD)))
        findings = _reworded(document.findings, Quotes(quoted))
        return document._replace(body=text, sha256=sha256(text).digest(), findings=findings)

    def _nameless(self, document: Document, value: Any, key_digest: bytes) -> Document:  # noqa: ANN401 - JSON
        """That there is something, and what the checks say of it, but not who it is."""
        row = self._rows[key_digest]
        self._texts |= names_of(document.key.id or "", [value["listed"]])
        key = ResourceKey(document.key.kind, document.key.scope, placeholder(row))
        self._aliases[key] = NOBODY._replace(row=row, key_digest=key_digest)
        text = canonical(
            {
                "kind": value["kind"],
                "scope": value["scope"],
                "id": key.id,
                "listed": {},
                "facts": {},
            }
        )
        findings = [
            replace(each, reason=REASON if each.reason else "") for each in document.findings
        ]
        return Document(key, text, sha256(text).digest(), findings)

    def known(self, key: ResourceKey) -> Known | None:
        """The row of an erased resource that came back."""
        return self._aliases.get(key)

    def attachment(self, body: bytes) -> bytes:
        """A journal or activity document without the lines that name it."""
        quotes = Quotes(self._texts)
        if not quotes.quoted_in(body):
            return body
        try:
            value = parsed(body)
        except ValueError:
            return b""
        if isinstance(value, dict):
            pairs = value.items()
            return canonical({n: v for n, v in pairs if not quotes.quoted_in(canonical([n, v]))})
        if isinstance(value, list):
            mark_row = {MARK: WITHHELD}
            return canonical([mark_row if quotes.quoted_in(canonical(r)) else r for r in value])
        return b""


def _reworded(findings: Any, quotes: Quotes) -> list[Finding]:  # noqa: ANN401 - a sequence of findings
    return [
        replace(each, reason=REASON) if quotes.quoted_in(each.reason) else each for each in findings
    ]
