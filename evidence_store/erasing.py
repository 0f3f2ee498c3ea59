"""Erasing personal data: a resource, or some members of it, from everything that is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from evidence_store import holds, purging, remnants, replay
from evidence_store.canonical import parsed
from evidence_store.database import batches
from evidence_store.decisions import Author, decide, keep_list
from evidence_store.digests import Digests, key_text, members
from evidence_store.errors import NotFoundError, RetentionError
from evidence_store.evidence import target_row
from evidence_store.model import ResourceKey
from evidence_store.names import PREFIX, known_as, placeholder
from evidence_store.quoting import Quotes, names_of, texts_in
from evidence_store.tables import (
    ERASED,
    attachments,
    checks,
    contents,
    erasures,
    observations,
    reasons,
    resources,
    verdicts,
)
from evidence_store.tables import entries as entries_table


class Request(NamedTuple):
    """What is to be erased.

    Attributes:
        target: The target's name.
        key: The resource.
        members: `listed.<field>` or `facts.<fact>`; none means all of it and its name.
        also: Further texts by which reasons and journals name it.
    """

    target: str
    key: ResourceKey
    members: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


class Erased(NamedTuple):
    """What an erasure let go, or would.

    Attributes:
        contents: Documents that lost members, or all of them.
        reasons: Reasons that quoted it.
        lines: Lines of journals and activity documents that named it.
        elsewhere: Where else it is quoted, and how often: other resources' documents and
            reasons, to be erased by themselves, and what cannot be erased.
        entry: The entry that says so; None if nothing was written.
    """

    contents: int
    reasons: int
    lines: int
    elsewhere: dict[str, int]
    entry: int | None = None


class _Document(NamedTuple):
    content: bytes
    kept: remnants.Kept
    members: set[str]


class Erasure:
    """One erasure: first everything is found, then all of it is let go at once."""

    def __init__(self, connection: sa.Connection, secret: bytes, asked: Request) -> None:
        self.connection = connection
        self.asked = asked
        self.digests = Digests(secret, asked.target)
        self.text = key_text(asked.key)
        self.target_id = target_row(connection, asked.target)
        self.resource, self.key_digest = self._resource()
        self.documents = list(self._documents())
        if asked.members and not any(document.members for document in self.documents):
            raise NotFoundError(
                f"{asked.target}: no kept document of {asked.key.id} has {', '.join(asked.members)}"
            )
        self.quotes = Quotes([*self._texts(), *asked.also])
        self.reasons = self._reasons()
        self.lines = list(self._lines())

    def _resource(self) -> tuple[int, bytes]:
        key = self.asked.key
        row = self.connection.execute(
            sa.select(resources.c.id, resources.c.key_digest).where(
                resources.c.target_id == self.target_id,
                resources.c.kind == key.kind,
                resources.c.scope == key.scope,
                resources.c.identity == key.id,
            )
        ).one_or_none()
        if row is None or key.id is None:
            raise NotFoundError(
                f"{self.asked.target}: there never was {list(key)}, or it was erased already"
            )
        return row.id, row.key_digest

    def refuse_held(self) -> None:
        """A hold comes first.

        Raises:
            RetentionError: If one covers the resource.
        """
        for hold in holds.lasting(self.connection):
            asked = self.asked
            if hold.held.covers(asked.target, asked.key.kind, self.key_digest.hex()):
                raise RetentionError(
                    f"{asked.target}: {asked.key.id} is held (hold {hold.number}, by {hold.by}:"
                    f" {hold.reason}); it can be erased once that is lifted"
                )

    @property
    def stand_in(self) -> str:
        """What stands from now on where the name or a value stood."""
        return PREFIX.strip() if self.asked.members else placeholder(self.resource)

    def _documents(self) -> Iterator[_Document]:
        own = sa.select(observations.c.content).where(
            observations.c.resource_id == self.resource, observations.c.content.is_not(None)
        )
        rows = self.connection.execute(
            sa.select(contents.c.digest, remnants.CODEC, remnants.BODY).where(
                contents.c.digest.in_(own)
            )
        )
        for content, codec, body in rows.all():
            if body is None:
                continue
            kept = remnants.kept(codec, body)
            asked = self.asked.members or ("listed", "facts")
            names = remnants.erasable(kept.document, asked) - kept.erased.keys()
            yield _Document(content, kept, names)

    def _texts(self) -> Iterator[str]:
        """What the erased values are quoted as."""
        if not self.asked.members:
            listed = [document.kept.document["listed"] for document in self.documents]
            yield from names_of(self.asked.key.id or "", listed)
            return
        for document in self.documents:
            values = members(document.kept.document)
            for name in document.members:
                value = parsed(values[name])
                yield from texts_in(value.get("value") if name.startswith("facts.") else value)

    def _reasons(self) -> list[bytes]:
        own = sa.select(verdicts.c.reason).where(verdicts.c.resource_id == self.resource)
        rows = self.connection.execute(
            sa.select(reasons.c.digest, reasons.c.reason).where(
                reasons.c.digest.in_(own), reasons.c.reason.is_not(None)
            )
        )
        whole = not self.asked.members
        return sorted(digest for digest, reason in rows if whole or self.quotes.quoted_in(reason))

    def _lines(self) -> Iterator[tuple[int, str, bytes, set[int], int]]:
        """Attachments that name it: entry, name, what is kept of it, and the numbers of lines."""
        rows = self.connection.execute(
            sa.select(attachments.c.entry_id, attachments.c.name)
            .join(entries_table, entries_table.c.id == attachments.c.entry_id)
            .where(entries_table.c.target_id == self.target_id)
        ).all()
        for entry, name in rows:
            form = remnants.attachment_lines(self.connection, entry, name)
            if form is None:
                continue
            gone = {
                number
                for number, (line, _) in enumerate(form.lines)
                if line is not None and self.quotes.quoted_in(line)
            }
            if gone:
                left = remnants.lines_without(form, self.digests, name, gone)
                yield entry, name, left, gone, len(gone)

    def elsewhere(self) -> dict[str, int]:
        """Where else it is quoted, to how often."""
        found = Counter(self._other_documents())
        found.update(self._other_reasons())
        kept_for_good = {
            "ledger entry (cannot be erased)": entries_table.c.body,
            "criterion of a check (cannot be erased)": checks.c.body,
        }
        for words, column in kept_for_good.items():
            bodies = self.connection.scalars(sa.select(column))
            found[words] += sum(self.quotes.quoted_in(body) for body in bodies)
        return dict(sorted((+found).items()))

    def _other_documents(self) -> Iterator[str]:
        rows = self.connection.execute(
            sa.select(resources.c.kind, known_as, remnants.CODEC, remnants.BODY)
            .select_from(observations)
            .join(resources, resources.c.id == observations.c.resource_id)
            .join(contents, contents.c.digest == observations.c.content)
            .where(resources.c.target_id == self.target_id, resources.c.id != self.resource)
        )
        for kind, name, codec, body in rows:
            kept = remnants.kept(codec, body) if body is not None else None
            if kept is None or not self.quotes.quoted_in(kept.body):
                continue
            for member, value in sorted(members(kept.document).items()):
                if self.quotes.quoted_in(value):
                    yield f"document {kind} {name} {member}"

    def _other_reasons(self) -> Iterator[str]:
        rows = self.connection.execute(
            sa.select(resources.c.kind, known_as, reasons.c.reason)
            .select_from(verdicts)
            .join(resources, resources.c.id == verdicts.c.resource_id)
            .join(reasons, reasons.c.digest == verdicts.c.reason)
            .where(resources.c.target_id == self.target_id, resources.c.id != self.resource)
            .distinct()
        )
        for kind, name, reason in rows:
            if reason is not None and self.quotes.quoted_in(reason):
                yield f"reason {kind} {name}"

    def found(self, entry: int | None = None) -> Erased:
        """What there is to let go."""
        return Erased(
            sum(bool(document.members) or not self.asked.members for document in self.documents),
            len(self.reasons),
            sum(count for *_, count in self.lines),
            self.elsewhere(),
            entry,
        )

    def carry_out(self, secret: bytes, author: Author, recorded: datetime) -> Erased:
        """Write the entry and let go."""
        answer = self.found()
        touched = [d for d in self.documents if d.members or not self.asked.members]
        named = sorted({member for document in touched for member in document.members})
        decided = decide(
            self.connection,
            "erasure",
            author,
            recorded,
            {
                "of": {"target": self.asked.target, "resource": self.key_digest.hex()},
                "members": named if self.asked.members else None,
                "contents": self._list(sorted(d.content.hex() for d in touched)),
                "reasons": self._list([digest.hex() for digest in self.reasons]),
                "attached": self._list([[entry, name] for entry, name, *_ in self.lines]),
            },
        )
        purging.let_go_contents(self.connection, [document.content for document in touched])
        if self.asked.members:
            for document in touched:
                left = remnants.without(document.kept, self.digests, self.text, document.members)
                remnants.keep(self.connection, document.content, ERASED, left)
        else:
            purging.let_go_scopes(self.connection)
            self.connection.execute(
                sa.update(resources).where(resources.c.id == self.resource).values(identity=None)
            )
        purging.let_go_attachments(self.connection, [line[:2] for line in self.lines])
        for entry, name, left, *_ in self.lines:
            whose = remnants.of_attachment(entry, name)
            remnants.keep(self.connection, whose, ERASED, left)
        for some in batches(self.reasons):
            self.connection.execute(
                sa.update(reasons)
                .where(reasons.c.digest.in_(some), reasons.c.reason.is_not(None))
                .values(reason=None)
            )
        self._stand(decided.entry, named)
        replay.rebuild_target(self.connection, secret, self.target_id)
        return answer._replace(entry=decided.entry)

    def _list(self, values: Sequence[Any]) -> dict[str, Any]:
        return keep_list(self.connection, values)

    def _stand(self, entry: int, named: list[str]) -> None:
        """From now on it is not recorded again."""
        known = set(
            self.connection.scalars(
                sa.select(erasures.c.member).where(erasures.c.resource_id == self.resource)
            )
        )
        rows = [
            {"resource_id": self.resource, "member": member, "entry_id": entry}
            for member in (named if self.asked.members else [""])
            if member not in known
        ]
        if rows:
            self.connection.execute(sa.insert(erasures), rows)


def begun(connection: sa.Connection, secret: bytes, asked: Request) -> Erasure:
    """Find everything an erasure has to let go; nothing is written yet.

    Raises:
        NotFoundError: If there is no such resource or member.
        RetentionError: If it is held.
    """
    erasure = Erasure(connection, secret, asked)
    erasure.refuse_held()
    return erasure
