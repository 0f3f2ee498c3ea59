"""What is kept back from a package: rules by kind and member, and what follows from them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

import orjson

from annexa.export.errors import ExportError
from evidence_store import OpenedResource

KEY, DOCUMENT, REASON = "key", "document", "reason"
MEANING: Final = (
    "`key` (who it is), `document` (all of it), `reason` (the checks' words), or a member such as "
    "listed.Name or facts.policy; * stands for anything, and KIND: before it means that kind only"
)
TELLING: Final = 3
"""Shorter names are looked for as whole texts only: they stand in too many words."""


@dataclass(frozen=True)
class Rule:
    """One thing to keep back: a name or pattern, of one kind of resource or of all."""

    kind: str
    name: str

    @property
    def words(self) -> str:
        """As it was written."""
        return f"{self.kind}:{self.name}" if self.kind != "*" else self.name


@dataclass(frozen=True)
class Telling:
    """Texts that would give a withheld name away wherever they stand in the package."""

    texts: frozenset[str] = frozenset()

    def stands_in(self, value: object) -> bool:
        """Whether a value holds one of them."""
        return any(_tells(text, found) for found in _texts(value) for text in self.texts)


class Withholding:
    """The rules of one package; it remembers which of them were of use.

    Args:
        rules: what to keep back.
        reasons: whether a resource of which something is kept back still shows the checks'
            reasons. They may quote what was read, so by default they are kept back with it.
    """

    def __init__(self, rules: Iterable[Rule] = (), *, reasons: bool = False) -> None:
        self.rules = tuple(rules)
        self.reasons = reasons
        self._used: set[Rule] = set()

    @classmethod
    def read(cls, lines: Iterable[str], *, reasons: bool = False) -> Withholding:
        """Rules as people write them: `listed.Name`, `aws.iam.user:key`; # begins a comment.

        Raises:
            ExportError: a line is no rule.
        """
        rules = []
        for line in lines:
            words = line.partition("#")[0].strip()
            if not words:
                continue
            kind, colon, name = words.rpartition(":")
            if not re.fullmatch(r"[\w.*-]+", name) or (colon and not kind):
                raise ExportError(f"{words!r} names nothing that can be withheld: {MEANING}")
            rules.append(Rule(kind or "*", name))
        return cls(rules, reasons=reasons)

    def telling(self, resources: Iterable[OpenedResource]) -> Telling:
        """The names of every resource whose key is kept back."""
        return Telling(
            frozenset(
                text
                for resource in resources
                if resource.key.id is not None
                and not resource.opened_key.erased
                and KEY in set(self._matching(resource.key.kind, (KEY,)))
                for text in _names(resource.key.id)
            )
        )

    def of(self, resource: OpenedResource, telling: Telling) -> frozenset[str]:
        """What is kept back of a resource: what rules name, and what names a withheld one."""
        members = {member.name: member for member in resource.members or ()}
        kept = {name: member for name, member in members.items() if not member.erased}
        offered = {*members, REASON}
        offered |= {KEY, DOCUMENT} if resource.key.id is not None else set()
        names = set(self._matching(resource.key.kind, offered))
        if telling.texts:
            names |= {n for n, m in kept.items() if telling.stands_in(orjson.loads(m.value))}
        if KEY in names and "id" in members:
            names.add("id")
        gone = resource.content_id is not None and resource.members is None
        if (names or gone or kept.keys() != members.keys()) and not self.reasons:
            names.add(REASON)
        if any(telling.stands_in(f.reason.value.decode()) for f in resource.findings):
            names.add(REASON)
        return frozenset(names)

    def _matching(self, kind: str, offered: Collection[str]) -> Iterator[str]:
        for rule in self.rules:
            if fnmatchcase(kind, rule.kind):
                for name in offered:
                    if fnmatchcase(name, rule.name):
                        self._used.add(rule)
                        yield name

    def refuse_idle(self) -> None:
        """Refuse rules that kept nothing back: a typing mistake must not disclose anything.

        Raises:
            ExportError: with the first of them.
        """
        idle = [rule for rule in self.rules if rule not in self._used]
        if idle:
            raise ExportError(
                f"nothing that was to be exported has {idle[0].words!r}; nothing was written. "
                f"What can be withheld: {MEANING}"
            )


def remaining(hidden: frozenset[str], resource: OpenedResource) -> list[tuple[str, str]]:
    """Members kept back whose text can still be read in one that is shown: (hidden, shown)."""
    kept = [member for member in resource.members or () if not member.erased]
    values = {member.name: set(_texts(orjson.loads(member.value))) for member in kept}
    shown = {name: texts for name, texts in values.items() if name not in hidden}
    if KEY not in hidden:
        shown[KEY] = {str(resource.key.id)}
    return sorted(
        (name, other)
        for name in hidden & values.keys()
        for other, texts in shown.items()
        if any(
            len(text) > TELLING and _tells(text, found) for text in values[name] for found in texts
        )
    )


def _names(identity: str) -> Iterator[str]:
    """A resource's id, and the last part of it, by which people call it."""
    yield identity
    if tail := re.split(r"[:/]", identity)[-1]:
        yield tail


def _tells(text: str, found: str) -> bool:
    return text == found or (len(text) >= TELLING and text in found)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
