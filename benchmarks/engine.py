"""What the engine costs per resource, against canonical JSON and SHA-256 of the same documents.

    python benchmarks/engine.py [resources]

The platform answers at once, so all that is measured is ours: listing in pieces, jobs, redaction,
canonical bytes, spool, two checks, and the recording transaction.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from annexa.sweep import Job, Means, Scope, Sweep, check_refs
from collectors import (
    Caller,
    Catalog,
    Collector,
    Identity,
    Resource,
    Scene,
    Verdict,
    fact,
    fails,
    passes,
)
from collectors.documents import document_of, marker
from evidence_store import Store

lab = Collector("lab.things", title="Things of the benchmark")
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000


def described(thing: Thing) -> dict[str, str]:
    """What the platform answers about one."""
    return {f"setting_{n}": f"value of {thing.id}" for n in range(12)}


class Thing(Resource[dict[str, Any]], kind="lab.things.thing"):
    """A document of about 1.5 KB."""

    @fact("lab:Describe")
    def settings(self, _: object) -> dict[str, str]:
        """An answer of a few hundred bytes."""
        return described(self)


@lab.resources(Thing, permission="lab:List")
def things(_: Lab) -> Iterator[Thing]:
    """As many as asked for."""
    for n in range(COUNT):
        yield Thing(id=f"thing-{n:07}", listed={"Name": f"thing {n}", "Tags": ["x" * 40] * 20})


@lab.check(Thing, "low", remediation="None needed.")
def thing_has_settings(thing: Thing, scene: Scene) -> Verdict:
    """A thing has settings."""
    del scene
    return passes() if thing.settings else fails("none")


@lab.check(Thing, "low", remediation="None needed.")
def thing_has_tags(thing: Thing, scene: Scene) -> Verdict:
    """A thing has tags."""
    del scene
    return passes() if thing.listed["Tags"] else fails("none")


class Lab:
    """Connection and target in one: everything is answered at once."""

    key = "lab/bench"
    platform = "lab"
    slow = False

    def open(self, _: Caller) -> Lab:
        """Itself."""
        return self

    def identify(self) -> Identity:
        """Nobody."""
        return Identity("bench", "nobody")

    def scopes(self, _: str) -> Sequence[str]:
        """One."""
        return ("global",)

    def left_out(self, _: str) -> Mapping[str, str]:
        """None."""
        return {}

    def within(self, _: str) -> Lab:
        """Itself."""
        return self

    def api(self, _service: str, _scope: str) -> None:
        """Nothing to ask."""


def bound() -> float:
    """CPU seconds of what cannot be left out: the answers, their canonical bytes, one digest."""
    began = time.process_time()
    for row in things(Lab()):
        if isinstance(row, Thing):
            facts = {"settings": described(row)}
            whole = document_of(Thing(id=row.id, listed=row.listed, facts=facts))
            hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS)).digest()
    return time.process_time() - began


def main() -> None:
    """One first and two unchanged sweeps, beside the bound."""
    catalog = Catalog((lab,))
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "bench.db") as store:
        floor = bound()
        print(f"bound     {floor / COUNT * 1e6:6.1f} µs CPU per resource, {COUNT:,} resources")
        for name in ("first", "unchanged", "unchanged"):
            means = Means(check_refs(list(catalog.checks.values()), {}), marker(b"bench"))
            began, wall = time.process_time(), time.monotonic()
            Sweep(store, catalog, means).run([Job(Lab(), rate=None)], Scope())
            cpu = time.process_time() - began
            print(
                f"{name:9} {cpu / COUNT * 1e6:6.1f} µs CPU per resource, {cpu / floor:.1f} × "
                f"bound, wall {time.monotonic() - wall:.1f} s"
            )


if __name__ == "__main__":
    main()
