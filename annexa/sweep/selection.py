"""What a sweep asks of a target: which listings, and the ones their checks also need."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from collectors import Catalog, Check, Collector, Listing


@dataclass(frozen=True)
class Asked:
    """The listings to be read of one platform, with their collectors, and the checks to judge."""

    listings: tuple[tuple[Collector, Listing], ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of resource that will be listed."""
        return frozenset(kind.kind for _, listing in self.listings for kind in listing.kinds)

    @property
    def checks(self) -> tuple[Check[Any], ...]:
        """The checks about those kinds, by id."""
        collectors = {collector.name: collector for collector, _ in self.listings}
        checks = (check for c in collectors.values() for check in c.checks)
        return tuple(
            sorted((k for k in checks if k.kind.kind in self.kinds), key=lambda check: check.id)
        )

    @property
    def permissions(self) -> list[str]:
        """What the listings and facts need, sorted."""
        needed = {p for _, listing in self.listings for p in listing.permissions}
        for kind in (kind for _, listing in self.listings for kind in listing.kinds):
            needed |= {p for f in kind.fact_definitions().values() for p in f.permissions}
        return sorted(needed)


def asked(
    catalog: Catalog,
    platform: str,
    wanted: Collection[str] = (),
    done: Collection[str] = (),
) -> Asked:
    """The listings of a platform's collectors, or of the wanted ones, and what they depend on.

    Args:
        catalog: what is installed.
        platform: the target's platform.
        wanted: collector names (`aws.s3`); empty for all.
        done: kinds that need not be read again, when a stopped sweep is resumed.
    """
    own = catalog.of(platform)
    waiting = [
        listing
        for collector in own
        if not wanted or collector.name in wanted
        for listing in collector.listings
        if not done or {kind.kind for kind in listing.kinds} - set(done)
    ]
    chosen: list[Listing] = []
    while waiting:
        listing = waiting.pop(0)
        if listing not in chosen:
            chosen.append(listing)
            waiting += [catalog.listing_of[kind] for kind in _needs(own, listing)]
    return Asked(tuple((c, listing) for c in own for listing in c.listings if listing in chosen))


def _needs(collectors: tuple[Collector, ...], listing: Listing) -> list[str]:
    kinds = {kind.kind for kind in listing.kinds}
    checks = (check for c in collectors for check in c.checks)
    return sorted({o.kind for check in checks if check.kind.kind in kinds for o in check.also})
