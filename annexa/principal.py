"""Who is at work: the name that decisions and the access log bear."""

from __future__ import annotations

import getpass
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config import Settings


def principal(settings: Settings) -> str:
    """The configured name, or the system's user and host."""
    if settings.principal is not None:
        return settings.principal
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        user = f"uid {os.getuid()}" if hasattr(os, "getuid") else "unnamed"
    return f"{user}@{socket.gethostname()}"
