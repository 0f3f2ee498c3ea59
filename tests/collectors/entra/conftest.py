"""A tenant of Microsoft Entra ID for each test, and one authority for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collectors.entra import EntraConnection
from tests.collectors.entra.double import connection, tenant
from tests.microsoft import Authority
from tests.spec_server import SpecServer


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with Authority(roles=["User.Read.All", "Policy.Read.All"]) as made:
        yield made


@pytest.fixture
def double(authority: Authority) -> Iterator[SpecServer]:
    with tenant() as made:
        yield made
        made.check()
        sent = {asked.headers.get("authorization", "") for asked in made.journal}
        assert sent <= {f"Bearer {token}" for token in authority.given}


@pytest.fixture(name="connection")
def declared(double: SpecServer, authority: Authority) -> EntraConnection:
    double.data["GET /v1.0/users"] = double.data["GET /v1.0/users"][:60]
    return connection(double, authority)
