"""What the tests of the configuration share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config import ConfigError, Settings
from config.load import parse

Refused = Callable[[str], list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Settings]:
    """Reads a configuration's text as if it stood in a file of its own folder."""
    return lambda text: parse(text, tmp_path / "annexa.toml", {"HOME": str(tmp_path)})


@pytest.fixture
def refused(read: Callable[[str], Settings], tmp_path: Path) -> Refused:
    """The messages a text is refused with, without the folder before the file's name."""

    def messages(text: str) -> list[str]:
        with pytest.raises(ConfigError) as error:
            read(text)
        return [message.removeprefix(f"{tmp_path}/") for message in error.value.messages]

    return messages
