"""An organisation of Google Cloud behind a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collectors.gcp import GcpConnection
from tests.collectors.gcp.acme import acme
from tests.collectors.gcp.double import Inventory, serving


@dataclass
class World:
    """The inventory, and a connection to it."""

    inventory: Inventory
    connection: GcpConnection


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    inventory = Inventory(list(acme()))
    with serving(inventory, tmp_path) as connection:
        yield World(inventory, connection)
        inventory.check()


@pytest.fixture(name="connection")
def declared(world: World) -> GcpConnection:
    """For conformance, which judges many times: a few projects show as much as sixty."""
    few = {f"projects/{1000 + number}" for number in range(60)} - {"projects/1000", "projects/1001"}
    world.inventory.assets = [a for a in world.inventory.assets if not few & set(a.ancestors)]
    return world.connection
