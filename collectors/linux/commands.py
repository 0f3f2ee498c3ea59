"""Read-only tools of the host: fixed places, no shell, no input, bounded time and output."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PLACES: Final = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
"""Where tools are looked for; the caller's PATH is not trusted."""

ENVIRONMENT: Final = {"PATH": ":".join(PLACES), "LC_ALL": "C", "LANG": "C", "TZ": "UTC"}

MOST_BYTES: Final = 32_000_000

REFUSED: Final = re.compile(
    r"(?i)permission denied|operation not permitted|not permitted|must be (?:run as )?root"
    r"|(?:you|need) .{0,20}\broot\b|only root|superuser|are you root|insufficient privileges"
    r"|access denied|interactive authentication required"
)
"""How tools say that they need more rights."""


@dataclass(frozen=True)
class Ended:
    """A tool's end."""

    code: int
    output: str
    errors: str

    @property
    def refused(self) -> bool:
        """Whether it failed for want of rights."""
        return self.code != 0 and bool(REFUSED.search(self.errors or self.output[-2000:]))


def find(tool: str) -> str | None:
    """Where the tool is, or None where it is not installed."""
    for place in PLACES:
        path = f"{place}/{tool}"
        if os.path.isfile(path):  # noqa: PTH113 - no need of an object
            return path
    return None


def run(path: str, arguments: tuple[str, ...], seconds: float, check: Callable[[], None]) -> Ended:
    """Run a tool to its end.

    Args:
        path: the tool.
        arguments: its arguments, none of them made from what a platform said.
        seconds: how long it may take.
        check: called twice a second; raises where the sweep is stopped.

    Raises:
        TimeoutError: it took longer, and was killed.
    """
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - fixed tools, no shell
            [path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            env=ENVIRONMENT,
            cwd="/",
        )
        until = time.monotonic() + seconds
        try:
            while True:
                try:
                    code = process.wait(0.5)
                    break
                except subprocess.TimeoutExpired:
                    check()
                    if time.monotonic() > until:
                        raise TimeoutError(path) from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read(MOST_BYTES + 1).decode(errors="backslashreplace"))
        return Ended(code, *texts)
