"""Rows of Resource Graph: the members that checks need, under the names Microsoft documents.

The graph gives members, ids and values in whatever case the resource was made with, so they are
found without regard to it, and ids are kept in lower case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from collectors import MalformedError, Resource

Row = dict[str, Any]
Wanted = dict[str, "Wanted"]

ALWAYS = ("name", "location", "tags")


class GraphRow(Resource[Row], kind="azure.row"):
    """A resource that Resource Graph lists; its id is the resource's in lower case."""

    type_name: ClassVar[str] = ""
    """The resource type in lower case, as the graph names it."""
    action: ClassVar[str] = ""
    """The action that makes rows of this type visible."""
    keeps: ClassVar[tuple[str, ...]] = ()
    """The members kept, as paths (`properties.networkAcls.defaultAction`), lists seen through."""

    @property
    def properties(self) -> Mapping[str, Any]:
        """What is kept of its properties."""
        found: Mapping[str, Any] = self.listed.get("properties") or {}
        return found

    @property
    def tags(self) -> Mapping[str, str]:
        """Its tags, by name in lower case."""
        return {name.lower(): value for name, value in (self.listed.get("tags") or {}).items()}

    def path(self, *names: str) -> dict[str, str]:
        """What its id fills into the paths of ARM: subscription, resource group, these names.

        Raises:
            MalformedError: it is not the id of a resource in a group.
        """
        steps = self.id.strip("/").split("/")
        values = steps[7::2]
        if len(steps) < 8 or steps[2] != "resourcegroups" or len(values) != len(names):
            raise MalformedError(f"{self.id} is not the id of a resource in a resource group")
        return {"subscriptionId": steps[1], "rg": steps[3], **dict(zip(names, values, strict=True))}


def wanted(paths: Iterable[str]) -> Wanted:
    """The paths as a tree."""
    tree: Wanted = {}
    for path in paths:
        at = tree
        for step in path.split("."):
            at = at.setdefault(step, {})
    return tree


def kept(value: Any, tree: Wanted) -> Any:  # noqa: ANN401 - any JSON value
    """What a tree names of a value, each list element by element; a leaf is kept whole."""
    if not tree or value is None:
        return value
    if isinstance(value, list):
        return [kept(each, tree) for each in value]
    if not isinstance(value, Mapping):
        return value
    named = {name.lower(): name for name in value}
    return {
        name: kept(value[named[name.lower()]], below)
        for name, below in tree.items()
        if name.lower() in named
    }


def flag(value: object, name: str) -> bool | None:
    """A switch, which some providers give as text; None where it is not set.

    Raises:
        MalformedError: it is no switch.
    """
    if value is None or isinstance(value, bool):
        return value
    found = {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise MalformedError(f"{name} is neither true nor false")
    return found


UNREACHABLE = frozenset({"disabled", "securedbyperimeter"})
"""Values of `publicNetworkAccess` by which only private links, or a perimeter, let anybody in."""


def word(value: object) -> str:
    """A value of an enumeration in lower case, "" where it is not set."""
    return str(value or "").lower()


def objects(value: object, name: str) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; none where it is not set.

    Raises:
        MalformedError: it is no list of objects.
    """
    if value is None:
        return
    if not isinstance(value, list):
        raise MalformedError(f"{name} is no list")
    for each in value:
        if not isinstance(each, Mapping):
            raise MalformedError(f"{name} holds something that is no object")
        yield each
