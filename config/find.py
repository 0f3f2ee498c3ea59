"""Where a person's files are: the configuration, and the evidence unless it says otherwise."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from config.addresses import address, is_address
from config.errors import ConfigError

NAME = "annexa.toml"


def config_file(
    given: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    here: Path | None = None,
    platform: str = sys.platform,
) -> Path | None:
    """The configuration file to read, or None where there is none.

    In this order: `given` (--config), $ANNEXA_CONFIG, ./annexa.toml, the platform's configuration
    folder. A file that was named must exist: raises ConfigError instead of falling back to
    another one.
    """
    environ = os.environ if environ is None else environ
    named = [(given, "--config"), (environ.get("ANNEXA_CONFIG") or None, "$ANNEXA_CONFIG")]
    for place, origin in named:
        if place is not None:
            path = Path(place).expanduser()
            if not path.is_file():
                raise ConfigError([f"{path}: there is no such file (named by {origin})"])
            return path
    folders = [Path() if here is None else here, config_folder(environ, platform)]
    return next((path for folder in folders if (path := folder / NAME).is_file()), None)


def config_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The folder the platform keeps a person's configuration of this program in."""
    if platform == "win32":
        return _folder(environ.get("APPDATA"), environ, "AppData/Roaming") / "annexa"
    if platform == "darwin":
        return _home(environ) / "Library/Application Support/annexa"
    return _folder(environ.get("XDG_CONFIG_HOME"), environ, ".config") / "annexa"


def store_file(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where the evidence is kept unless the configuration or $ANNEXA_STORE says otherwise."""
    environ = os.environ if environ is None else environ
    override = environ.get("ANNEXA_STORE")
    if override and not is_address(override):
        return Path(override).expanduser().absolute()
    return data_folder(environ, platform) / "evidence.db"


def store_address(environ: Mapping[str, str] | None = None) -> str | None:
    """The database server's address $ANNEXA_STORE names, if it names one."""
    environ = os.environ if environ is None else environ
    override = environ.get("ANNEXA_STORE", "")
    if not is_address(override):
        return None
    try:
        return address(override)
    except ValueError as error:
        raise ConfigError([f"$ANNEXA_STORE: {error}"]) from None


def keys_folder(environ: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where the keys of a store on a server lie, unless the configuration says otherwise."""
    return data_folder(os.environ if environ is None else environ, platform) / "keys"


def data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The folder the platform keeps a person's data of this program in."""
    if platform == "win32":
        folder = _folder(environ.get("LOCALAPPDATA"), environ, "AppData/Local")
    elif platform == "darwin":
        folder = _home(environ) / "Library/Application Support"
    else:
        folder = _folder(environ.get("XDG_DATA_HOME"), environ, ".local/share")
    return folder / "annexa"


def _folder(given: str | None, environ: Mapping[str, str], default: str) -> Path:
    """The folder the environment names; a relative one is ignored, as the XDG rules demand."""
    if given and Path(given).is_absolute():
        return Path(given)
    return _home(environ) / default


def _home(environ: Mapping[str, str]) -> Path:
    home = environ.get("HOME") or environ.get("USERPROFILE")
    return Path(home) if home else Path.home()
