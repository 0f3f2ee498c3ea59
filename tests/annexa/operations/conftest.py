"""An operations database of the test's own, on a file and on a server, and a clock to be moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from annexa.operations import Operations, open_operations
from annexa.operations.tables import leases
from evidence_store import File, Location, Server
from tests.postgres import PostgresServer

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Hands:
    """A clock whose hands the test moves.

    A server's clock nobody can move: there the end of the lease comes nearer instead.
    """

    def __init__(self) -> None:
        self.now = NOON
        self.server: Operations | None = None

    def __call__(self) -> datetime:
        return self.now

    def forward(self, time: timedelta) -> None:
        self.now += time
        if self.server is not None:
            nearer = leases.c.until - time // timedelta(microseconds=1)
            with self.server.writing("clock") as connection:
                connection.execute(sa.update(leases).values(until=nearer))


@pytest.fixture(params=["sqlite", "postgresql"])
def location(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Location]:
    if request.param == "sqlite":
        yield File(tmp_path / "evidence.db")
        return
    postgres: PostgresServer = request.getfixturevalue("postgres")
    with postgres.database(empty=True) as name:
        yield Server(postgres.url(name), tmp_path / "keys")


@pytest.fixture
def operations(location: Location) -> Iterator[Operations]:
    opened = open_operations(location)
    yield opened
    opened.close()


@pytest.fixture
def clock(location: Location, operations: Operations) -> Hands:
    hands = Hands()
    if isinstance(location, Server):
        hands.server = operations
    return hands
