"""Secrets are never written into the configuration: it holds references, resolved when used."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.errors import ConfigError

SCHEMES = ("env", "file", "cred")
LONGEST = 65_536  # bytes; a longer file is no secret, and reading on would be a mistake

_REST = {
    "env": re.compile(r"[A-Za-z_][A-Za-z0-9_]*"),
    "file": re.compile(r"[^\0]+"),
    "cred": re.compile(r"(?!\.)[A-Za-z0-9_.@-]+"),
}

# Shapes of well-known tokens. Not a scanner: it stops the paste that happens to everyone once.
_SHAPE = re.compile(
    r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bxox[abeprs]-[\w-]{10,}"
    r"|\b(?:gh[pousr]_|github_pat_|glpat-)\w{20,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\."
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)",
)


class SecretError(ConfigError):
    """A secret's reference cannot be resolved; says which one and what to do, never the value."""

    def __init__(self, message: str) -> None:
        super().__init__([message])


@dataclass(frozen=True, repr=False)
class SecretRef:
    """Where a secret is to be found: `env:NAME`, `file:path` or `cred:name`.

    `env:` is an environment variable. `file:` is a file nobody else may read (mode 0600 or
    stricter), relative to the configuration file. `cred:` is a credential handed over by systemd
    (`LoadCredential=`). The value is read anew at each `get`, so rotation needs no restart.
    """

    scheme: str
    rest: str

    @classmethod
    def parse(cls, text: object, folder: Path | None = None) -> SecretRef:
        """Read a reference; `folder` is what a relative `file:` is relative to.

        Raises ValueError for anything else, without repeating it: it may be the secret itself.
        """
        scheme, _, rest = text.partition(":") if isinstance(text, str) else ("", "", "")
        pattern = _REST.get(scheme)
        if pattern is None or not pattern.fullmatch(rest):
            raise ValueError(
                "write where the secret is to be found (env:NAME, file:path or cred:name), "
                "not the secret itself"
            )
        if scheme == "file" and folder is not None:
            rest = str(folder / Path(rest).expanduser())
        return cls(scheme, rest)

    def get(self, environ: Mapping[str, str] | None = None) -> str:
        """The secret itself, without its last line break; raises SecretError."""
        environ = os.environ if environ is None else environ
        if self.scheme == "env":
            value = environ.get(self.rest, "")
            if not value:
                raise SecretError(f"environment variable {self.rest} is not set; export it")
            return value
        if self.scheme == "file":
            return _read(Path(self.rest), private=True)
        folder = environ.get("CREDENTIALS_DIRECTORY")
        if not folder:
            raise SecretError(
                f"cred:{self.rest} needs CREDENTIALS_DIRECTORY; "
                f"run under systemd with LoadCredential={self.rest}:path"
            )
        return _read(Path(folder) / self.rest, private=False)  # systemd guards its own folder

    def __repr__(self) -> str:
        return f"SecretRef({self.scheme}:***)"


def looks_secret(text: str) -> bool:
    """Whether a text has the shape of a well-known token, private key or password in a URL."""
    return _SHAPE.search(text) is not None


def _read(path: Path, *, private: bool) -> str:
    """The content of a secret's file, checked on the open file so that it cannot be swapped."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if private and os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
                raise SecretError(
                    f"{path} can be read by others (mode {stat.S_IMODE(status.st_mode):04o}); "
                    "chmod 600 it"
                )
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > LONGEST:
        raise SecretError(f"{path} is longer than {LONGEST} bytes; it is no secret")
    try:
        value = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not UTF-8 text") from None
    if not value:
        raise SecretError(f"{path} is empty")
    return value
