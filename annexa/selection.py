"""What a sweep asks of a target: which listings, and the ones their checks also need."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from collectors import Catalog, Check, Collector, Listing


@dataclass(frozen=True)
class Asked:
    """The listings to be read of one platform, with their collectors, and the checks to judge."""

    listings: tuple[tuple[Collector, Listing], ...]
    checks: tuple[Check[Any], ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of resource that will be listed."""
        return frozenset(kind.kind for _, listing in self.listings for kind in listing.kinds)

    @property
    def permissions(self) -> list[str]:
        """What the listings and facts need, sorted."""
        return sorted({p for _, listing in self.listings for p in listing.needed})


def asked(
    catalog: Catalog,
    platform: str,
    wanted: Collection[str] = (),
    done: Collection[str] = (),
    known: Collection[str] = (),
) -> Asked:
    """The listings of a platform's collectors, or of the wanted ones, and what they depend on.

    The wanted collectors' own checks bring the listings they ask about. Other collectors' checks
    about what is read are asked too, where that takes no further listing; where it does, only if
    all they ask about was read before: their findings would end or grow old beside new evidence.

    Args:
        catalog: what is installed.
        platform: the target's platform.
        wanted: collector names (`aws.s3`); empty for all.
        done: kinds that need not be read again, when a stopped sweep is resumed.
        known: kinds of which the store has a part of this target.
    """
    own = catalog.of(platform)
    every = [check for check in catalog.checks.values() if check.kind.kind in catalog.listing_of]
    named = [collector for collector in own if not wanted or collector.name in wanted]
    theirs = {check.id for collector in named for check in collector.checks}
    bringing = [check for check in every if check.id in theirs or _about(check) <= set(known)]
    waiting = [
        listing
        for collector in named
        for listing in _listings(catalog, collector)
        if not done or {kind.kind for kind in listing.kinds} - set(done)
    ]
    chosen: list[Listing] = []
    while waiting:
        listing = waiting.pop(0)
        if listing not in chosen:
            chosen.append(listing)
            waiting += [catalog.listing_of[kind] for kind in _needs(bringing, listing)]
    kinds = {kind.kind for listing in chosen for kind in listing.kinds}
    return Asked(
        tuple((c, listing) for c in own for listing in c.listings if listing in chosen),
        tuple(check for check in every if _about(check) <= kinds),
    )


def _about(check: Check[Any]) -> set[str]:
    """All the kinds that a check looks at."""
    return {check.kind.kind, *(other.kind for other in check.also)}


def _listings(catalog: Catalog, collector: Collector) -> list[Listing]:
    """A collector's own listings, and those of other collectors' kinds that it asks about."""
    about = {check.kind.kind for check in collector.checks}
    return [*collector.listings, *(catalog.listing_of[kind] for kind in sorted(about))]


def _needs(checks: Sequence[Check[Any]], listing: Listing) -> list[str]:
    kinds = {kind.kind for kind in listing.kinds}
    return sorted({o.kind for check in checks if check.kind.kind in kinds for o in check.also})
