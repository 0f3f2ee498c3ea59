"""Where the daemon listens, read without all the rest: a probe asks again and again."""

from __future__ import annotations

import tomllib
from contextlib import suppress
from typing import Final

LISTEN: Final = "127.0.0.1:9477"
"""Where it does, unless the configuration says otherwise."""


def listening(text: bytes) -> str:
    """`[daemon] listen` of a configuration, whatever else is wrong with it, else the usual address.

    A daemon lives on with the configuration it has while the file holds a mistake.
    """
    with suppress(ValueError):  # neither UTF-8 nor TOML: both errors are one
        daemon = tomllib.loads(text.decode()).get("daemon")
        said = daemon.get("listen") if isinstance(daemon, dict) else None
        if isinstance(said, str):
            return said
    return LISTEN
