"""A domain behind a real socket, and what reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collectors.active_directory import AdConnection
from tests.collectors.active_directory.corp import corp, few
from tests.collectors.active_directory.directory import Directory, serving

SECRET = "correct"


@dataclass
class World:
    """The directory, and a connection to it."""

    directory: Directory
    connection: AdConnection


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    directory = corp()
    with serving(directory) as (url, authority):
        trusted = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(str(trusted))
        yield World(
            directory,
            AdConnection("corp", url, "CORP\\annexa", lambda: SECRET, str(trusted)),
        )


@pytest.fixture
def connection(world: World) -> AdConnection:
    """For conformance, which reads and judges many times: a few people show as much as all."""
    few(world.directory)
    return world.connection
