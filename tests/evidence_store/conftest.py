"""A store of the test's own: each test that uses it runs on a file and on a server."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from evidence_store import Store
from evidence_store.location import File, Location, Server
from tests.evidence_store.builders import Bench, Clock
from tests.postgres import PostgresServer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Tests of one database only say so: `@ON_SQLITE`, `@ON_POSTGRESQL`."""
    found: str = request.param
    return found


@pytest.fixture
def location(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Location]:
    """Where a store goes; on a server, its tables are there already, for speed."""
    with _location(backend, tmp_path, request, empty=False) as found:
        yield found


@pytest.fixture
def nowhere(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Location]:
    """Where nothing is yet."""
    with _location(backend, tmp_path, request, empty=True) as found:
        yield found


@contextmanager
def _location(
    backend: str, folder: Path, request: pytest.FixtureRequest, *, empty: bool
) -> Iterator[Location]:
    if backend == "sqlite":
        yield File(folder / "store" / "annexa.db")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database(empty=empty) as name:
        yield Server(postgres.url(name), folder / "keys")


@pytest.fixture
def bench(location: Location, clock: Clock) -> Iterator[Bench]:
    with Store.open(location, clock=clock, origin="annexa/test", busy_seconds=0.2) as store:
        yield Bench(store, clock, location)


@pytest.fixture
def copied(request: pytest.FixtureRequest, backend: str) -> Callable[[Bench], Location]:
    """Copies a store as it stands, with its keys."""

    def file(bench: Bench) -> Location:
        old = bench.path.with_name("old.db")
        with closing(sqlite3.connect(bench.path)) as source, closing(sqlite3.connect(old)) as copy:
            source.backup(copy)
        return with_keys(bench, File(old))

    def server(bench: Bench) -> Location:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        assert isinstance(bench.location, Server)
        bench.store.close()
        name = f"{bench.location.database}_old"
        postgres.execute(f"CREATE DATABASE {name} TEMPLATE {bench.location.database}")
        return with_keys(bench, Server(postgres.url(name), bench.location.folder))

    def with_keys(bench: Bench, copy: Location) -> Location:
        for name in ("digest-key", "signing-key"):
            shutil.copy(f"{bench.location.keys}.{name}", f"{copy.keys}.{name}")
        return copy

    return file if backend == "sqlite" else server
