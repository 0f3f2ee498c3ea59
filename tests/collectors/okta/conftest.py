"""An Okta organisation for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from collectors.okta import OktaConnection
from tests.collectors.okta.double import connection, serve
from tests.spec_server import SpecServer


@pytest.fixture
def double() -> Iterator[SpecServer]:
    with serve() as made:
        yield made
        made.check()


@pytest.fixture(name="connection")
def declared(double: SpecServer) -> OktaConnection:
    double.data["GET /api/v1/users"] = double.data["GET /api/v1/users"][:30]
    return connection(double)
