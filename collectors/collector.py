"""A collector: what one service can be asked, and what is asked about the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, TypeVar

from collectors.judging import Check, Scene, Severity, Verdict
from collectors.model import Kind, Resource, Total, Unlisted

P = ParamSpec("P")
Reads = TypeVar("Reads")
Rows = Iterator[Resource[Any] | Total | Unlisted]
ListFunction = Callable[[Reads], Rows]


@dataclass(frozen=True, eq=False)
class Listing:
    """One way of finding resources: the kinds it gives, the permissions it needs.

    `per` names what it is asked for once each ("region"); empty means once per target.
    """

    kinds: tuple[type[Resource[Any]], ...]
    permissions: tuple[str, ...]
    read: Callable[[Any], Rows] = field(repr=False)
    per: str = ""
    slow: bool = False

    @property
    def permission(self) -> str:
        """The permissions as one text, for findings and messages."""
        return ", ".join(self.permissions)

    @property
    def needed(self) -> frozenset[str]:
        """Every permission the listing and the facts of its kinds declare."""
        facts = (fact for kind in self.kinds for fact in kind.fact_definitions().values())
        return frozenset(self.permissions).union(*(fact.permissions for fact in facts))


@dataclass(frozen=True, eq=False)
class Collector:
    """One service of one platform; the objects at module level are what discovery finds.

    `name` is `<platform>.<service>`, `reads_from` the platform's own name of the service.
    """

    name: str
    title: str
    reads_from: str = ""
    listings: list[Listing] = field(default_factory=list)
    checks: list[Check[Any]] = field(default_factory=list)

    @property
    def platform(self) -> str:
        """The platform, which is the first word of every check's id."""
        return self.name.partition(".")[0]

    @property
    def kinds(self) -> tuple[type[Resource[Any]], ...]:
        """The kinds of resource its listings give."""
        return tuple(kind for listing in self.listings for kind in listing.kinds)

    @property
    def permissions(self) -> frozenset[str]:
        """Every permission its listings and facts declare."""
        return frozenset().union(*(listing.needed for listing in self.listings))

    def resources(
        self,
        *kinds: type[Resource[Any]],
        permission: str | tuple[str, ...],
        per: str = "",
        slow: bool = False,
    ) -> Callable[[ListFunction[Reads]], ListFunction[Reads]]:
        """Declare a listing: a generator of resources of these kinds, given the target."""
        permissions = (permission,) if isinstance(permission, str) else permission

        def add(read: ListFunction[Reads]) -> ListFunction[Reads]:
            self.listings.append(Listing(kinds, permissions, read, per, slow))
            return read

        return add

    def check(
        self,
        kind: type[Kind],
        severity: Severity,
        *,
        remediation: str,
        also: tuple[type[Resource[Any]], ...] = (),
    ) -> Callable[[Callable[Concatenate[Kind, Scene, P], Verdict]], Check[Kind]]:
        """Declare a check: id `<collector>.<function>`, title the docstring's first line.

        `also` names the other kinds it asks the scene for; they are read whenever it is.
        """

        def add(ask: Callable[Concatenate[Kind, Scene, P], Verdict]) -> Check[Kind]:
            name = ask.__name__
            made = Check(f"{self.name}.{name}", kind, severity, remediation, ask, also)
            self.checks.append(made)
            return made

        return add
