"""What a check is: a question about one kind of resource, its criteria, and its verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, cast, overload

from collectors.model import Cause, FactUnknown, Kind, MalformedError, Raw, Resource, Status, Unread
from collectors.versions import code_version

Other = TypeVar("Other", bound=Resource[Any])
Severity = Literal["critical", "high", "medium", "low"]
Reader = Callable[[type[Resource[Any]], "str | None"], Sequence[Resource[Any]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A check's answer about one resource, and why.

    Reasons name limits and dates, never ages, counters, request ids or raw platform messages:
    an unchanged state must give an unchanged finding.
    """

    status: Status
    because: str = ""
    cause: Cause | None = None


def passes(because: str = "") -> Verdict:
    """The condition holds."""
    return Verdict(Status.PASS, because)


def fails(because: str) -> Verdict:
    """The condition does not hold."""
    return Verdict(Status.FAIL, because)


def not_applicable(because: str) -> Verdict:
    """The question does not arise for this resource."""
    return Verdict(Status.NOT_APPLICABLE, because)


def unknown(cause: Cause, because: str) -> Verdict:
    """What was read does not settle the question, and why not."""
    return Verdict(Status.UNKNOWN, because, cause)


def known(*reads: Callable[[], Raw]) -> Iterator[Raw]:
    """Yield what could be read; raise for the first unread one only when all were tried.

    For questions that one readable fact settles although another was refused: return from the
    loop as soon as the question is settled.
    """
    unread: FactUnknown | None = None
    for read in reads:
        try:
            value = read()
        except FactUnknown as refusal:
            unread = unread or refusal
        else:
            yield value
    if unread:
        raise unread


class Unbound:
    """The mark of a criterion that has no default."""

    def __repr__(self) -> str:
        return "unbound"


@dataclass(frozen=True)
class Criterion(Generic[Raw]):
    """A threshold that belongs to the organisation; a list never has a default."""

    default: Raw | Unbound
    unit: str
    of: type

    def accepts(self, value: object) -> bool:
        """Whether a bound value has the criterion's type (a list holds texts)."""
        if self.of is tuple:
            return isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        if isinstance(value, bool) or self.of is bool:
            return isinstance(value, bool) and self.of is bool
        return isinstance(value, self.of) or (self.of is float and isinstance(value, int))


@overload
def criterion(default: Raw, unit: str, /) -> Raw: ...
@overload
def criterion(unit: str, /, *, of: type[Raw]) -> Raw: ...
@overload
def criterion(unit: str, /) -> tuple[str, ...]: ...
def criterion(first: object, unit: str | None = None, /, *, of: type | None = None) -> Any:
    """Declare a keyword parameter of a check as a criterion.

    `criterion(90, "days")` has a default; `criterion("account ids")` is a list that the
    organisation must bind, `criterion("days", of=int)` a number without default. Unbound, the
    finding is unknown: criterion_missing.
    """
    if unit is None:
        return Criterion(Unbound(), str(first), of or tuple)
    return Criterion(first, unit, tuple if isinstance(first, list | tuple) else type(first))


class Listed(list[Resource[Any]]):
    """Resources that can be looked up; a reader that keeps it spares a search for each question."""

    @cached_property
    def by_id(self) -> dict[str, Resource[Any]]:
        """The resources by id."""
        return {resource.id: resource for resource in self}

    @cached_property
    def by_scope(self) -> dict[str, list[Resource[Any]]]:
        """The resources by the place each says it is in."""
        found: dict[str, list[Resource[Any]]] = {}
        for resource in self:
            found.setdefault(resource.scope, []).append(resource)
        return found


@dataclass(frozen=True)
class Scene:
    """What a check may see besides its resource: the unit's clock and its other resources.

    `read` is asked for a kind and, where only one place's resources matter, the listing's scope.
    """

    at: datetime
    read: Reader = field(default=lambda _kind, _scope: ())

    def all(self, kind: type[Other], scope: str | None = None) -> Sequence[Other]:
        """Every resource of that kind in the unit, or in one place of it (a region).

        Raises:
            FactUnknown: that listing was incomplete; with `scope`, the one of that place.
        """
        return cast("Sequence[Other]", self.read(kind, scope))

    def one(self, kind: type[Other], id: str, scope: str | None = None) -> Other | None:  # noqa: A002 - a resource's own word
        """The resource of that kind and id; None where the complete listing has none.

        Raises:
            FactUnknown: that listing was incomplete.
        """
        listed = self.all(kind, scope)
        found = listed if isinstance(listed, Listed) else Listed(listed)
        return cast("Other | None", found.by_id.get(id))

    def beside(self, kind: type[Other], scope: str) -> Sequence[Other]:
        """Every resource of that kind that says it is in this place: a project of one big list.

        Raises:
            FactUnknown: that listing was incomplete.
        """
        listed = self.all(kind)
        found = listed if isinstance(listed, Listed) else Listed(listed)
        return cast("Sequence[Other]", found.by_scope.get(scope, ()))


@dataclass(frozen=True, eq=False)
class Check(Generic[Kind]):
    """One question about one kind of resource; `ask` is the function as its author wrote it."""

    id: str
    kind: type[Kind]
    severity: Severity
    remediation: str
    ask: Callable[..., Verdict] = field(repr=False)
    also: tuple[type[Resource[Any]], ...] = ()

    @cached_property
    def title(self) -> str:
        """The first line of the docstring: what auditors read."""
        return (inspect.getdoc(self.ask) or "").partition("\n")[0]

    @cached_property
    def criteria(self) -> dict[str, Criterion[Any]]:
        """The criteria by name."""
        parameters = inspect.signature(self.ask).parameters.values()
        return {p.name: p.default for p in parameters if isinstance(p.default, Criterion)}

    @cached_property
    def version(self) -> str:
        """A digest of the code that judges: another code, another version."""
        return code_version(self.ask.__module__)

    def bind(self, bound: Mapping[str, object] | None = None) -> dict[str, object]:
        """The value of every criterion: the organisation's, else the default, else `Unbound`."""
        given = bound or {}
        values = {n: given.get(n, c.default) for n, c in self.criteria.items()}
        return {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}

    def judge(
        self, resource: Kind, scene: Scene, bound: Mapping[str, object] | None = None
    ) -> Verdict:
        """Ask the question; what could not be read or was not bound is unknown, never a guess."""
        values = self.bind(bound)
        missing = [name for name, value in values.items() if isinstance(value, Unbound)]
        if missing:
            names = ", ".join(sorted(missing))
            return unknown(Cause.CRITERION_MISSING, f"criterion not bound: {names}")
        try:
            return self.ask(resource, self._named(scene), **values)
        except FactUnknown as refusal:
            return _unread(refusal.unread)
        except MalformedError as error:
            return unknown(Cause.MALFORMED, str(error))

    def _named(self, scene: Scene) -> Scene:
        """The scene with the kinds this check names: others may not have been listed at all."""
        names = {kind.kind for kind in self.also}

        def read(kind: type[Resource[Any]], scope: str | None) -> Sequence[Resource[Any]]:
            if kind.kind not in names:
                raise TypeError(f"the check asks for {kind.kind} without naming it in `also`")
            return scene.read(kind, scope)

        return Scene(scene.at, read)


def _unread(unread: Unread) -> Verdict:
    return unknown(unread.cause, unread.because)
