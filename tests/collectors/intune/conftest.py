"""The devices of a tenant for each test, and one authority for all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collectors.intune import IntuneConnection
from tests.collectors.intune.double import APPS, DEVICES, KEYS, connection, tenant
from tests.microsoft import Authority
from tests.spec_server import SpecServer


@pytest.fixture(scope="module")
def authority() -> Iterator[Authority]:
    with Authority(roles=["DeviceManagementConfiguration.Read.All"]) as made:
        yield made


@pytest.fixture
def double(authority: Authority) -> Iterator[SpecServer]:
    with tenant() as made:
        yield made
        made.check()
        sent = {asked.headers.get("authorization", "") for asked in made.journal}
        assert sent <= {f"Bearer {token}" for token in authority.given}


@pytest.fixture(name="connection")
def declared(double: SpecServer, authority: Authority) -> IntuneConnection:
    for listing in (DEVICES, APPS, KEYS):
        double.data[listing] = double.data[listing][:80]
    return connection(double, authority)
