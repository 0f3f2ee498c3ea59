"""A real store in a folder of the test, and sweeps of acme into it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from annexa.sweep import Bound, Job, Means, Result, Scope, Sweep, check_refs
from collectors import Catalog
from collectors.documents import marker
from evidence_store import Store
from evidence_store.answers import FindingRow
from tests.acme import CATALOG, AcmeConnection, Clock, World

CITIES: Bound = {"acme.people.works_in_approved_city": {"cities": ("Graz",)}}


@dataclass
class Bench:
    """Sweeps acme's organisations as a command would."""

    store: Store
    clock: Clock
    path: Path
    catalog: Catalog = CATALOG
    defects: list[str] = field(default_factory=list)

    def engine(
        self,
        *,
        bound: Bound = CITIES,
        stop: threading.Event | None = None,
        threads: int = 8,
        cap: int = 4,
        catalog: Catalog | None = None,
    ) -> Sweep:
        chosen = catalog or self.catalog
        means = Means(
            check_refs(list(chosen.checks.values()), bound),
            marker(self.store.derive_key("redaction")),
            self.clock,
            stop or threading.Event(),
            lambda error, where: self.defects.append(f"{where}: {error!r}"),
        )
        return Sweep(self.store, chosen, means, threads=threads, cap=cap)

    def sweep(
        self, *worlds: World, collectors: Sequence[str] = (), bound: Bound = CITIES, **more: Any
    ) -> Result:
        """One sweep of these worlds, the first named hq, the others site-2 and so on."""
        engine = self.engine(bound=bound, **more)
        return engine.run(jobs(*worlds), Scope("test", "1"), collectors=collectors)

    def rows(self, target: str = "acme/hq") -> list[FindingRow]:
        return [row for row in self.store.findings() if row.target == target]

    def said(self, target: str = "acme/hq") -> Mapping[tuple[str, str], tuple[str, str, str]]:
        """Check and resource to status, cause and reason."""
        return {
            (row.check_id.rpartition(".")[2], row.resource_id or row.listing_scope): (
                row.status,
                row.cause or "",
                row.reason,
            )
            for row in self.rows(target)
        }

    def states(self) -> Mapping[tuple[str, str], str]:
        return {(p.key.kind, p.key.scope): p.state for p in self.store.parts("acme/hq")}


def jobs(*worlds: World, deadline: float = 30) -> list[Job]:
    names = ["hq", *(f"site-{number}" for number in range(2, len(worlds) + 1))]
    return [
        Job(AcmeConnection(name, world), timedelta(seconds=deadline), None)
        for name, world in zip(names, worlds, strict=True)
    ]
