"""A tenant of Azure for each test, and the authority that lets its reader in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collectors.azure import AzureConnection
from tests.collectors.azure.double import Tenant, company, connection, serve
from tests.microsoft import Authority
from tests.spec_server import SpecServer


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    with Authority() as made:
        yield made


@pytest.fixture
def tenant() -> Tenant:
    return company()


@pytest.fixture
def double(tenant: Tenant) -> Iterator[SpecServer]:
    with serve(tenant) as made:
        yield made
        made.check()


@pytest.fixture(name="connection")
def declared(double: SpecServer, authority: Authority) -> AzureConnection:
    return connection(double, authority)
