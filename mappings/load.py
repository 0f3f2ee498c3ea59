"""From CSV files to a checked `Mapping`, ours and those of other packages."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as ReadOnly
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, TypeVar

from mappings.lint import ISO27001_2022, lint
from mappings.model import (
    Clause,
    Control,
    Coverage,
    Edition,
    Manual,
    Mapping,
    Method,
    Phase,
    Relation,
    Topic,
    TopicControl,
    Transition,
)
from mappings.tables import MappingError, Row, Tables, read_checks, read_framework, read_freshness

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Value = TypeVar("Value")

GROUP: Final = "annexa.mappings"
"""Entry points of this group name a module whose folder holds a framework, checks, or both."""


def load_mapping(framework: str = ISO27001_2022, *, plugins: bool = True) -> Mapping:
    """A framework's mapping, linted.

    Args:
        framework: `iso27001_2022`, or the name of an entry point in the group `annexa.mappings`.
        plugins: Whether other packages' check tables (and frameworks) are looked for.

    Raises:
        MappingError: If the framework is not installed, or a table has a fault; every fault is
            given with file and line.
    """
    return _load(framework, plugins)


def read_mapping(
    folder: Traversable,
    *,
    checks: Iterable[Row] = (),
    freshness: Iterable[Row] = (),
    other_topics: frozenset[str] = frozenset(),
) -> Mapping:
    """A mapping from a framework's folder, with check tables that stand elsewhere.

    Args:
        folder: Holds `edition.toml`, `controls.csv`, `topics.csv` and, if wanted, the others.
        checks: Rows of check tables, beside the folder's own.
        freshness: Rows of classes of evidence, beside the folder's own.
        other_topics: Topics that other frameworks define.

    Raises:
        MappingError: If a table has a fault.
    """
    tables = read_framework(folder)
    tables.checks = [*checks, *read_checks(folder)]
    tables.freshness = [*freshness, *read_freshness(folder)]
    problems = lint(tables, other_topics)
    if problems:
        raise MappingError(problems)
    return _build(tables)


def frameworks() -> tuple[str, ...]:
    """The names `load_mapping` knows, ours first."""
    others = (point.name for point in _points() if _is_framework(_folder(point)))
    return (ISO27001_2022, *sorted(others))


@cache
def _load(framework: str, plugins: bool) -> Mapping:  # noqa: FBT001 - private, called once
    here = files("mappings")
    folders = {point.name: _folder(point) for point in _points()} if plugins else {}
    known = {name: folder for name, folder in folders.items() if _is_framework(folder)}
    known[ISO27001_2022] = here.joinpath(ISO27001_2022)
    if framework not in known:
        names = ", ".join([ISO27001_2022, *sorted(known.keys() - {ISO27001_2022})])
        raise MappingError([f"{framework}: no such framework; there are: {names}"])
    others = [folder for name, folder in folders.items() if name != framework]
    return read_mapping(
        known[framework],
        checks=[row for folder in (here, *others) for row in read_checks(folder)],
        freshness=[row for folder in (here, *others) for row in read_freshness(folder)],
        other_topics=frozenset(
            row["topic"] for folder in known.values() for row in read_framework(folder).topics
        ),
    )


def _points() -> list[EntryPoint]:
    # Half of this room's start-up time, and only needed once a mapping is loaded.
    from importlib.metadata import entry_points  # noqa: PLC0415

    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


def _folder(point: EntryPoint) -> Traversable:
    try:
        return files(point.module)
    except (ImportError, TypeError) as error:
        raise MappingError(
            [f"entry point {point.name} of {GROUP}: {point.module} cannot be opened: {error}"]
        ) from error


def _is_framework(folder: Traversable) -> bool:
    return folder.joinpath("edition.toml").is_file()


def _build(tables: Tables) -> Mapping:
    topics = _topics(tables)
    return Mapping(
        edition=Edition(**tables.edition),
        controls=_frozen({row["id"]: _control(row) for row in tables.controls}),
        topics=_frozen(topics),
        checks=_frozen(
            {
                row["check_id"]: row["topic"]
                for row in sorted(tables.checks, key=lambda row: row["check_id"])
                if row["topic"] in topics
            }
        ),
        manual=_frozen(_manual(tables.manual)),
        coverage=_frozen({row["control"]: Coverage(**row.cells) for row in tables.coverage}),
        transitions=tuple(Transition(**row.cells) for row in tables.transitions),
        clauses=tuple(Clause(**row.cells) for row in tables.clauses),
    )


def _control(row: Row) -> Control:
    return Control(
        id=row["id"],
        title=row["title"],
        theme=row["theme"],
        new_in_2022=row["new_in_2022"] == "yes",
        control_type=row.many("control_type"),
        properties=row.many("properties"),
        concepts=row.many("concepts"),
        capabilities=row.many("capabilities"),
        domains=row.many("domains"),
    )


def _topics(tables: Tables) -> dict[str, Topic]:
    classes = {row["topic"]: row["freshness"] for row in tables.freshness}
    related: dict[str, list[TopicControl]] = {}
    for row in tables.topics:
        related.setdefault(row["topic"], []).append(
            TopicControl(
                topic=row["topic"],
                control=row["control"],
                relation=Relation(row["relation"]),
                phase=Phase(row["phase"]),
                method=Method(row["method"]),
                key=row["key"] == "yes",
                rationale=row["rationale"],
            )
        )
    return {
        topic: Topic(topic, tuple(related[topic]), classes.get(topic, "configuration"))
        for topic in sorted(related)
    }


def _manual(rows: Iterable[Row]) -> dict[str, tuple[Manual, ...]]:
    found: dict[str, list[Manual]] = {}
    for row in rows:
        found.setdefault(row["control"], []).append(Manual(**row.cells))
    return {control: tuple(items) for control, items in found.items()}


def _frozen(values: dict[str, Value]) -> ReadOnly[str, Value]:
    return MappingProxyType(values)
