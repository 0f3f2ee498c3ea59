"""What a mapping is: controls, kinds of evidence (topics), and the checks that give it."""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import Final


class Relation(StrEnum):
    """How strongly a topic speaks about a control."""

    DIRECT = "direct"
    """The evidence tests what the control asks for; it takes part in the control's status."""
    SUPPORTING = "supporting"
    """It helps to believe the control but would not persuade alone; it never moves the status."""


class Phase(StrEnum):
    """Which stage of a control the evidence shows (ISO/IEC TS 27008)."""

    DESIGN = "design"
    """A rule exists: a policy's content, a branch rule, a plan."""
    IMPLEMENTATION = "implementation"
    """The rule is deployed as a setting that could be bypassed or left idle unnoticed."""
    OPERATION = "operation"
    """The control is in force on the thing itself, or its work can be seen."""


class Method(StrEnum):
    """How the evidence was gained; `interview` stays with people."""

    EXAMINE = "examine"
    TEST = "test"


FRESHNESS: Final[ReadOnly[str, timedelta]] = MappingProxyType(
    {
        "configuration": timedelta(days=90),
        "access": timedelta(days=90),
        "vulnerability": timedelta(days=30),
        "training": timedelta(days=365),
        "penetration_test": timedelta(days=365),
        "policy": timedelta(days=365),
    }
)
"""Classes of evidence with the age after which it is stale, unless the organisation says less."""


@dataclass(frozen=True, slots=True)
class Edition:
    """The exact publication a mapping speaks about; always shown in full.

    Attributes:
        id: The folder's name, stable in stored evidence.
        name: As printed, with amendments.
        mapping_version: The version of our tables; a changed row is a new version.
        controls: How many controls the publication has.
    """

    id: str
    name: str
    mapping_version: str
    controls: int


@dataclass(frozen=True, slots=True)
class Control:
    """One control with its official title and the informative attributes of ISO/IEC 27002."""

    id: str
    title: str
    theme: str
    new_in_2022: bool
    control_type: tuple[str, ...]
    properties: tuple[str, ...]
    concepts: tuple[str, ...]
    capabilities: tuple[str, ...]
    domains: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TopicControl:
    """Why one kind of evidence says something about one control.

    Attributes:
        topic: The kind of evidence.
        control: The control's id.
        relation: Whether it takes part in the status.
        phase: Design, implementation or operation.
        method: Examine or test.
        key: A criterion of this topic that is not met means the control is not met.
        rationale: The reason, for the reviewer.
    """

    topic: str
    control: str
    relation: Relation
    phase: Phase
    method: Method
    key: bool
    rationale: str


@dataclass(frozen=True, slots=True)
class Topic:
    """A kind of evidence, independent of platform and framework, with the controls it feeds."""

    id: str
    controls: tuple[TopicControl, ...]
    freshness: str = "configuration"


@dataclass(frozen=True, slots=True)
class Manual:
    """One thing a person owes for a control, and what the machine's evidence does not show.

    Attributes:
        control: The control's id.
        item: A short name, unique in the control; an attestation refers to it.
        evidence: What is to be shown by hand.
        not_shown: What no check of ours can show, and the item does.
    """

    control: str
    item: str
    evidence: str
    not_shown: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """How far machines reach for a control, and from which population an auditor samples."""

    control: str
    automation: str
    population: str
    test: str
    frequency: str


@dataclass(frozen=True, slots=True)
class Transition:
    """A control of the 2013 edition and where it went; `control_2013` is "" for a new one."""

    control_2013: str
    title_2013: str
    control_2022: str
    relation: str


@dataclass(frozen=True, slots=True)
class Clause:
    """A management system clause (4 to 10): never counted as Annex A, never excluded."""

    id: str
    title: str
    amendment: str


@dataclass(frozen=True)
class Mapping:
    """One framework with everything our checks say about it; tables are sorted and read-only.

    Attributes:
        edition: What is mapped to.
        controls: By id, in the publication's order.
        topics: By id.
        checks: The topic of each check.
        manual: What stays with people, by control.
        coverage: How far machines reach, by control.
        transitions: From the previous edition.
        clauses: Outside the controls, reported apart.
    """

    edition: Edition
    controls: ReadOnly[str, Control]
    topics: ReadOnly[str, Topic]
    checks: ReadOnly[str, str]
    manual: ReadOnly[str, tuple[Manual, ...]] = field(default_factory=dict)
    coverage: ReadOnly[str, Coverage] = field(default_factory=dict)
    transitions: tuple[Transition, ...] = ()
    clauses: tuple[Clause, ...] = ()

    def check_ids(self) -> frozenset[str]:
        """Every check that is mapped, whether its collector is installed or not."""
        return frozenset(self.checks)

    def controls_of(self, check_id: str) -> tuple[TopicControl, ...]:
        """The controls a check speaks about, with relation and reason; empty if unmapped."""
        topic = self.checks.get(check_id)
        return self.topics[topic].controls if topic is not None else ()

    def checks_of(self, control_id: str) -> tuple[tuple[str, TopicControl], ...]:
        """The checks that speak about a control, sorted by check id."""
        return self._by_control.get(control_id, ())

    def freshness_of(self, check_id: str) -> str:
        """The class of evidence a mapped check gives, a key of `FRESHNESS`."""
        return self.topics[self.checks[check_id]].freshness

    @cached_property
    def _by_control(self) -> dict[str, tuple[tuple[str, TopicControl], ...]]:
        found: dict[str, list[tuple[str, TopicControl]]] = {}
        for check_id in sorted(self.checks):
            for related in self.controls_of(check_id):
                found.setdefault(related.control, []).append((check_id, related))
        return {control: tuple(pairs) for control, pairs in found.items()}
