"""Packages of a simulated organisation: swept twice, the second time with a listing refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from annexa.export import Asked, Package, Withholding, evidence_package, verify_annexa
from evidence_store import Checkpoint, Store
from tests.acme import Clock, World, denied, person, small_world, team
from tests.annexa.bench import Bench

CITY = "Graz"
"""A withheld value of low entropy."""


@dataclass
class Evidence:
    """A store that was swept, and what an auditor has of it."""

    store: Store
    key: str
    head: Checkpoint

    def package(self, *withhold: str, reasons: bool = False, **asked: Any) -> Package:
        rules = Withholding.read(withhold, reasons=reasons)
        targets = [row.target for row in self.store.targets()]
        return evidence_package(self.store, Asked(targets, withholding=rules, **asked))


def world(**more: Any) -> World:
    made = small_world()
    made.people += [person("ida", city="Wien"), person("jon", city=CITY)]
    made.teams["south"] = [team("sales", members=["ida"])]
    made.total = len(made.people)
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.fixture(scope="session")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    clock = Clock()
    path = tmp_path_factory.mktemp("store") / "evidence.db"
    with Store.open(path, clock=clock.now, origin="annexa/test") as store:
        bench = Bench(store, clock, path)
        bench.sweep(world(), world())
        head = store.checkpoints()[-1]
        clock.forward(days=1)
        bench.sweep(world(), world(refuse={"people": denied("people:list")}))
        yield Evidence(store, store.verifier_key, head)


Files = dict[str, bytes]
Said = verify_annexa.Check
Verify = Callable[..., Said]


def listed(files: Mapping[str, bytes]) -> Files:
    """The files with a manifest that fits them, as somebody who edits a package would write it."""
    rest = {name: data for name, data in files.items() if name != "manifest.txt"}
    lines = (f"{sha256(rest[name]).hexdigest()}  {name}\n" for name in sorted(rest))
    return rest | {"manifest.txt": f"annexa evidence package v1\n{''.join(lines)}".encode()}


@pytest.fixture
def verify(evidence: Evidence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """The verifier on files in memory; the key is the ledger's."""
    monkeypatch.setattr(verify_annexa, "read", dict)
    kept = tmp_path / "head"
    kept.write_text(evidence.head.note)

    def run(files: Mapping[str, bytes], *keys: str, head: bool = False, tsa_ca: str = "") -> Said:
        names = [verify_annexa.Key(key) for key in keys or (evidence.key,)]
        check = verify_annexa.Check(names, tsa_ca)
        check.run(files, kept if head else None)  # type: ignore[arg-type]  # read is replaced
        return check

    return run
