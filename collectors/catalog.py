"""All collectors that are installed: our own by walking the package, others by entry point."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any

from collectors.collector import Collector, Listing
from collectors.judging import Check
from collectors.model import Resource

ENTRY_POINTS = "annexa.collectors"


class CatalogError(Exception):
    """Two collectors claim the same name, check or kind."""


@dataclass(frozen=True)
class Catalog:
    """The collectors by name, and what can be looked up in them."""

    collectors: tuple[Collector, ...]

    def __post_init__(self) -> None:
        for what, names in (
            ("collector", [c.name for c in self.collectors]),
            ("check", [check.id for c in self.collectors for check in c.checks]),
            ("kind", [kind.kind for c in self.collectors for kind in c.kinds]),
        ):
            for name in sorted({name for name in names if names.count(name) > 1}):
                raise CatalogError(f"two installed collectors bring the {what} {name!r}")

    def __iter__(self) -> Iterator[Collector]:
        return iter(self.collectors)

    @cached_property
    def checks(self) -> dict[str, Check[Any]]:
        """Every check by id, sorted."""
        return {k.id: k for k in sorted((k for c in self.collectors for k in c.checks), key=_id)}

    @cached_property
    def kinds(self) -> dict[str, type[Resource[Any]]]:
        """Every kind of resource by name."""
        return {kind.kind: kind for c in self.collectors for kind in c.kinds}

    @cached_property
    def collector_of(self) -> dict[str, Collector]:
        """The collector that lists a kind, by the kind's name."""
        return {kind.kind: c for c in self.collectors for kind in c.kinds}

    @cached_property
    def listing_of(self) -> dict[str, Listing]:
        """The listing that gives a kind, by the kind's name."""
        listings = ((c, listing) for c in self.collectors for listing in c.listings)
        return {kind.kind: listing for _, listing in listings for kind in listing.kinds}

    def of(self, platform: str) -> tuple[Collector, ...]:
        """The collectors of a platform, by name."""
        return tuple(c for c in self.collectors if c.platform == platform)


def catalog(*, plugins: bool = True) -> Catalog:
    """Everything installed; `plugins=False` leaves out other distributions' collectors."""
    found = [*_own(), *(_plugins() if plugins else [])]
    return Catalog(tuple(sorted(found, key=lambda collector: collector.name)))


def _own() -> list[Collector]:
    import collectors  # noqa: PLC0415 - the package being walked

    found = []
    for module in pkgutil.walk_packages(collectors.__path__, "collectors."):
        if module.name.count(".") > 1:
            loaded = importlib.import_module(module.name)
            found += [
                c
                for c in vars(loaded).values()
                if isinstance(c, Collector) and _defined_in(c, module.name)
            ]
    return list({id(c): c for c in found}.values())


def _defined_in(collector: Collector, module: str) -> bool:
    """A collector lives where its first listing is written, wherever else it is imported.

    One that only asks about kinds that others list lives where its first check is.
    """
    listed = [listing.read.__module__ for listing in collector.listings]
    asked = [check.ask.__module__ for check in collector.checks]
    return [*listed, *asked][:1] == [module]


def _plugins() -> list[Collector]:
    found: list[Collector] = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda e: e.name):
        where = f"the installed collector {entry.name!r} ({entry.value})"
        try:
            loaded = entry.load()
        except Exception as error:  # foreign code: named, so that it can be repaired or removed
            raise CatalogError(
                f"{where} cannot be loaded: {error!r}; uninstall or repair it"
            ) from error
        several = [loaded] if isinstance(loaded, Collector) else loaded
        if not isinstance(several, list | tuple) or not all(
            isinstance(each, Collector) for each in several
        ):
            raise CatalogError(f"{where} is no Collector; uninstall or repair it")
        found += several
    return found


def _id(check: Check[Any]) -> str:
    return check.id
