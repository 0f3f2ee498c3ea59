"""What must be true of mapping tables before anyone relies on them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from mappings.model import FRESHNESS, Method, Phase, Relation
from mappings.tables import Row, Tables

MOST_CONTROLS: Final = 3
"""A kind of evidence that speaks about more controls speaks about none of them well."""

ISO27001_2022: Final = "iso27001_2022"
ISO_EDITION: Final = "ISO/IEC 27001:2022 with Amd 1:2024"
ISO_THEMES: Final = {
    "A.5": ("organizational", 37),
    "A.6": ("people", 8),
    "A.7": ("physical", 14),
    "A.8": ("technological", 34),
}
ISO_NEW: Final = 11
ISO_2013: Final = 114

AUTOMATION: Final = ("full", "substantial", "partial", "indirect", "manual-only")
TRANSITIONS: Final = ("same", "merged", "new")
ATTRIBUTES: Final = {
    "control_type": frozenset({"preventive", "detective", "corrective"}),
    "properties": frozenset({"C", "I", "A"}),
    "concepts": frozenset({"identify", "protect", "detect", "respond", "recover"}),
    "domains": frozenset({"governance_and_ecosystem", "protection", "defence", "resilience"}),
}

_TOPIC = re.compile(r"[a-z]+(_[a-z]+)*")
_CHECK = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+\.[a-z0-9_]+")
_CLAUSE = re.compile(r"(?:[4-9]|10)(?:\.[1-9]){0,2}")
_YEAR = re.compile(r"\b(19|20)\d\d\b")

# Short forms that stood for several things, and words that mean something else to an auditor.
_SHORT_FORMS: Final = frozenset({"priv", "cert", "sig", "s", "dir"})
_AMBIGUOUS: Final = ("comply", "complian", "endpoint", "record", "report", "screen")


def lint(tables: Tables, other_topics: Collection[str] = ()) -> list[str]:
    """Every fault in the tables, each as `file:line: what is wrong`; empty if there is none.

    Args:
        tables: A framework as read.
        other_topics: Topics known from other frameworks; a check may give such evidence without
            this framework making use of it.
    """
    controls = {row["id"] for row in tables.controls}
    topics = {row["topic"] for row in tables.topics}
    return [
        *_edition(tables),
        *_controls(tables),
        *_topics(tables.topics, controls),
        *_checks(tables.checks, topics | set(other_topics)),
        *_freshness(tables.freshness, topics | set(other_topics)),
        *_manual(tables, controls),
        *_coverage(tables, controls),
        *_transitions(tables, controls),
        *_clauses(tables.clauses),
    ]


def banned(topic: str) -> str | None:
    """The part of a topic's name that is a short form or an ambiguous word, if there is one."""
    for word in topic.split("_"):
        if word in _SHORT_FORMS or word.startswith(_AMBIGUOUS):
            return word
    return None


def iso_ids() -> list[str]:
    """The 93 control ids of Annex A in order."""
    return [
        f"{clause}.{number}"
        for clause, (_, count) in ISO_THEMES.items()
        for number in range(1, count + 1)
    ]


def _edition(tables: Tables) -> Iterator[str]:
    shown = f"{tables.folder}/edition.toml"
    for name, kind in (("id", str), ("name", str), ("mapping_version", str), ("controls", int)):
        value = tables.edition.get(name)
        if not isinstance(value, kind) or not value:
            yield f"{shown}: {name} is missing or no {kind.__name__}"
    for name in sorted(tables.edition.keys() - {"id", "name", "mapping_version", "controls"}):
        yield f"{shown}: unknown entry {name!r}"
    name = str(tables.edition.get("name", ""))
    if not _YEAR.search(name):
        yield f"{shown}: the edition is not named with its year: {name!r}"
    if tables.edition.get("id") == ISO27001_2022 and name != ISO_EDITION:
        yield f"{shown}: the edition must be named in full: {ISO_EDITION}"


def _is_iso(tables: Tables) -> bool:
    return tables.edition.get("id") == ISO27001_2022


def _controls(tables: Tables) -> Iterator[str]:
    rows = tables.controls
    yield from _filled(rows, ("id", "title", "theme"))
    yield from _twice(rows, ("id",), "control")
    expected = tables.edition.get("controls")
    if expected != len(rows):
        yield f"{tables.folder}/controls.csv: {len(rows)} controls, the edition has {expected}"
    for row in rows:
        if row["new_in_2022"] not in {"yes", "no"}:
            yield row.problem(f"new_in_2022 is {row['new_in_2022']!r}, not yes or no")
        for column, allowed in ATTRIBUTES.items():
            unknown = set(row.many(column)) - allowed
            if unknown:
                yield row.problem(f"unknown {column}: {', '.join(sorted(unknown))}")
    if _is_iso(tables):
        yield from _iso_controls(tables)


def _iso_controls(tables: Tables) -> Iterator[str]:
    shown = f"{tables.folder}/controls.csv"
    found = [row["id"] for row in tables.controls]
    expected = iso_ids()
    for control in expected:
        if control not in found:
            yield f"{shown}: {control} is missing"
    for row in tables.controls:
        if row["id"] not in expected:
            yield row.problem(f"{row['id']} is no control of Annex A")
            continue
        theme, _ = ISO_THEMES[row["id"].rpartition(".")[0]]
        if row["theme"] != theme:
            yield row.problem(f"{row['id']} is {theme}, not {row['theme']}")
        for column in (*ATTRIBUTES, "capabilities"):
            if not row.many(column):
                yield row.problem(f"{row['id']} has no {column}")
    new = sum(row["new_in_2022"] == "yes" for row in tables.controls)
    if new != ISO_NEW:
        yield f"{shown}: {new} controls are new in 2022; the edition has {ISO_NEW}"


def _topics(rows: list[Row], controls: set[str]) -> Iterator[str]:
    yield from _filled(rows, ("topic", "control"))
    yield from _twice(rows, ("topic", "control"), "row for")
    for row in rows:
        topic = row["topic"]
        if not _TOPIC.fullmatch(topic):
            yield row.problem(f"topic {topic!r} is not plain words joined by _")
        word = banned(topic)
        if word is not None:
            yield row.problem(f"topic {topic!r}: {word!r} is short or ambiguous; use other words")
        if row["control"] not in controls:
            yield row.problem(f"unknown control {row['control']!r}")
        yield from _one_of(row, "relation", Relation)
        yield from _one_of(row, "phase", Phase)
        yield from _one_of(row, "method", Method)
        yield from _one_of(row, "key", ("yes", "no"))
        if len(row["rationale"].split()) < 4:
            yield row.problem(f"topic {topic!r} says nothing of {row['control']} without a reason")
        if row["key"] == "yes" and row["relation"] != Relation.DIRECT:
            yield row.problem(f"topic {topic!r}: only direct evidence can be key")
    for topic, count in sorted(Counter(row["topic"] for row in rows).items()):
        if count > MOST_CONTROLS:
            last = [row for row in rows if row["topic"] == topic][-1]
            yield last.problem(f"topic {topic!r} has {count} controls, at most {MOST_CONTROLS}")


def _checks(rows: list[Row], topics: set[str]) -> Iterator[str]:
    yield from _twice(rows, ("check_id",), "check")
    for row in rows:
        check = row["check_id"]
        platform = row.file.rpartition("/")[2].removesuffix(".csv")
        if not _CHECK.fullmatch(check):
            yield row.problem(f"check id {check!r} is not platform.service.condition")
        elif not check.startswith(f"{platform}."):
            yield row.problem(f"check {check!r} does not belong in {platform}.csv")
        if row["topic"] not in topics:
            yield row.problem(f"unknown topic {row['topic']!r}")


def _freshness(rows: list[Row], topics: set[str]) -> Iterator[str]:
    yield from _twice(rows, ("topic",), "topic")
    for row in rows:
        if row["topic"] not in topics:
            yield row.problem(f"unknown topic {row['topic']!r}")
        yield from _one_of(row, "freshness", FRESHNESS)


def _manual(tables: Tables, controls: set[str]) -> Iterator[str]:
    rows = tables.manual
    yield from _filled(rows, ("control", "item", "evidence", "not_shown"))
    yield from _twice(rows, ("control", "item"), "item")
    yield from _unknown_controls(rows, "control", controls)
    if _is_iso(tables):
        for control in sorted(controls - {row["control"] for row in rows}):
            yield f"{tables.folder}/manual.csv: nothing says what {control} leaves to people"


def _coverage(tables: Tables, controls: set[str]) -> Iterator[str]:
    rows = tables.coverage
    yield from _filled(rows, ("control", "population", "test", "frequency"))
    yield from _twice(rows, ("control",), "control")
    yield from _unknown_controls(rows, "control", controls)
    for row in rows:
        yield from _one_of(row, "automation", AUTOMATION)
    if _is_iso(tables):
        for control in sorted(controls - {row["control"] for row in rows}):
            yield f"{tables.folder}/coverage.csv: {control} is missing"


def _transitions(tables: Tables, controls: set[str]) -> Iterator[str]:
    rows = tables.transitions
    yield from _twice(rows, ("control_2013", "control_2022"), "pair")
    yield from _unknown_controls(rows, "control_2022", controls)
    for row in rows:
        yield from _one_of(row, "relation", TRANSITIONS)
        if (row["control_2013"] == "") != (row["relation"] == "new"):
            yield row.problem("a control without predecessor is new, and only that")
    if _is_iso(tables):
        shown = f"{tables.folder}/transition_2013.csv"
        old = {row["control_2013"] for row in rows if row["control_2013"]}
        if len(old) != ISO_2013:
            yield f"{shown}: {len(old)} controls of 2013; that edition had {ISO_2013}"
        for control in sorted(controls - {row["control_2022"] for row in rows}):
            yield f"{shown}: {control} is missing"


def _clauses(rows: list[Row]) -> Iterator[str]:
    yield from _filled(rows, ("id", "title"))
    yield from _twice(rows, ("id",), "clause")
    for row in rows:
        if not _CLAUSE.fullmatch(row["id"]):
            yield row.problem(f"{row['id']!r} is no clause of 4 to 10")


def _filled(rows: Iterable[Row], columns: tuple[str, ...]) -> Iterator[str]:
    for row in rows:
        for column in columns:
            if not row[column]:
                yield row.problem(f"{column} is empty")


def _twice(rows: Iterable[Row], columns: tuple[str, ...], what: str) -> Iterator[str]:
    first: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(row[column] for column in columns)
        earlier = first.setdefault(key, row)
        if earlier is not row:
            name = " and ".join(key)
            yield row.problem(f"{what} {name} stands already in {earlier.file}:{earlier.line}")


def _one_of(row: Row, column: str, allowed: Iterable[str]) -> Iterator[str]:
    values = [str(value) for value in allowed]
    if row[column] not in values:
        yield row.problem(f"{column} is {row[column]!r}, not one of {', '.join(values)}")


def _unknown_controls(rows: Iterable[Row], column: str, controls: set[str]) -> Iterator[str]:
    for row in rows:
        if row[column] not in controls:
            yield row.problem(f"unknown control {row[column]!r}")
