"""A Linux host."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from config.platforms.interface import Example, TargetSettings
from config.values import FilePath


class LinuxTarget(TargetSettings):
    """A Linux host: this machine, or the root folder of an image."""

    platform: Literal["linux"]
    """`linux`: the host itself."""
    root: FilePath = Path("/")
    """The folder that is read as the host's `/`; another one than `/` is an image, not running."""
    slow: bool = False
    """Also read what takes minutes, such as the checksums of installed packages."""

    @property
    def subject(self) -> tuple[str, str]:
        """The root folder."""
        return str(Path(self.root).absolute()), "root"


EXAMPLES = (
    Example(
        "this-machine",
        LinuxTarget,
        {"platform": "linux"},
        active=True,
    ),
)
