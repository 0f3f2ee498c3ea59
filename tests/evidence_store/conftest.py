"""A store in a folder of the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from evidence_store import Store
from tests.evidence_store.builders import Bench, Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(tmp_path: Path, clock: Clock) -> Iterator[Bench]:
    path = tmp_path / "store" / "annexa.db"
    with Store.open(path, clock=clock, origin="annexa/test", busy_seconds=0.2) as store:
        yield Bench(store, clock, path)
