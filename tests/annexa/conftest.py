"""A bench for sweeps of the simulated platform."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence_store import Store
from tests.acme import Clock
from tests.annexa.bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    clock = Clock()
    path = tmp_path / "store" / "evidence.db"
    with Store.open(path, clock=clock.now, origin="annexa/test") as store:
        yield Bench(store, clock, path)
