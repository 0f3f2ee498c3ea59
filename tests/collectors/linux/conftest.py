"""Doubles of hosts: images built file by file, and readers that are refused what root alone may."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collectors import Caller, SystemClock
from collectors.linux import LinuxConnection, LinuxTarget
from collectors.linux.disk import Disk

DEBIAN = 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n'
RHEL = 'ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nNAME="Rocky Linux"\n'

BuildImage = Callable[..., LinuxConnection]


@dataclass(frozen=True)
class Refusing(Disk):
    """A disk on which some paths may not be read, as for an ordinary user."""

    refused: frozenset[str] = field(default_factory=frozenset)

    def text(self, path: str) -> tuple[str, os.stat_result]:
        self._guard(path)
        return super().text(path)

    def names(self, folder: str) -> list[str]:
        self._guard(folder)
        return super().names(folder)

    def _guard(self, path: str) -> None:
        if any(path == each or path.startswith(f"{each}/") for each in self.refused):
            raise PermissionError(13, "Permission denied", path)


@pytest.fixture
def image(tmp_path: Path) -> BuildImage:
    """Build an image: `image({"/etc/passwd": "…"}, refused={"/etc/shadow"})`."""

    def build(
        files: Mapping[str, str | tuple[str, int]] | None = None,
        *,
        release: str = DEBIAN,
        refused: Collection[str] = (),
        slow: bool = False,
    ) -> LinuxConnection:
        root = tmp_path / "image"
        for path, content in {"/etc/os-release": release, **(files or {})}.items():
            text, mode = content if isinstance(content, tuple) else (content, 0o644)
            place = root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            place.chmod(mode)
        disk = Refusing(str(root), frozenset(refused)) if refused else None
        return LinuxConnection("image", str(root), slow, disk)

    return build


def opened(connection: LinuxConnection) -> LinuxTarget:
    """The target behind a connection, with a minute of time."""
    clock = SystemClock()
    caller = Caller(clock, clock.monotonic() + 60, threading.Event(), rate=None)
    return connection.open(caller)


@pytest.fixture
def open_host() -> Callable[[LinuxConnection], LinuxTarget]:
    """`opened`, for tests that ask the host directly."""
    return opened


@pytest.fixture
def this_host() -> LinuxConnection:
    """The machine the tests run on."""
    return LinuxConnection("here")
