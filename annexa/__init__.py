"""The front door: composes the rooms into sweeps, listings and a command line."""

from typing import Final

__version__: Final = "0.1.0"
__all__ = ["__version__"]
