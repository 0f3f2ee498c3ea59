"""A GitHub organisation for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collectors.github import GithubConnection
from tests.collectors.github.double import Tenant, connection, serve
from tests.spec_server import SpecServer


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


@pytest.fixture
def double(tenant: Tenant) -> Iterator[SpecServer]:
    with serve(tenant) as made:
        yield made
        made.check()


@pytest.fixture(name="connection")
def declared(double: SpecServer) -> GithubConnection:
    return connection(double)
