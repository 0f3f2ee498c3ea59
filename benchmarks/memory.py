"""Peak memory of `annexa sweep` over large targets, above that of a small one, per resource.

    python -m benchmarks.memory [--platforms entra,google,okta] [--resources 10000,30000,100000]

The platform is the double of the tests, behind real sockets in a process of its own. Each size is
swept twice into one store: the first time everything is new, the second nothing changed. What is
told is the kernel's own peak of the sweep's process, less that of the first sweep of a tenant of
a few dozen resources, by what more was read.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

SMALL: Final = 60
"""Resources of the tenant that stands for the start: everything is loaded, little is read."""


@dataclass(frozen=True)
class Run:
    """What one process took, and what it says it read."""

    megabytes: float
    cpu: float
    wall: float
    resources: int
    changed: int


class Tenant:
    """A platform's double in a process of its own; a context manager."""

    def __init__(self, platform: str, resources: int, folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "benchmarks.large_tenants", platform, str(resources), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            sys.exit("the double did not start")
        self.environment: dict[str, str] = json.loads(line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def sweep(folder: Path, environment: dict[str, str]) -> Run:
    """Sweep the tenant that `annexa.toml` in the folder declares."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [
        sys.executable, "-m", "annexa", "sweep", "--format", "json",
        "--config", "annexa.toml", "--store", "evidence.db",
    ]  # fmt: skip
    output = folder / "output.json"
    began = time.monotonic()
    with output.open("wb") as to:
        process = subprocess.Popen(command, cwd=folder, env=kept | environment, stdout=to)  # noqa: S603 - our own program
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the sweep ended with {process.returncode}")
    told = json.loads(output.read_text())
    return Run(
        used.ru_maxrss / 1024,
        used.ru_utime + used.ru_stime,
        time.monotonic() - began,
        told["resources"],
        told["changed"],
    )


def first_and_unchanged(platform: str, resources: int) -> tuple[Run, Run]:
    """Two sweeps of one tenant into a store that was empty."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with Tenant(platform, resources, folder) as tenant:
            return sweep(folder, tenant.environment), sweep(folder, tenant.environment)


def main() -> None:
    """Sweep each platform at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--platforms", default="entra,google")
    parser.add_argument("--resources", default="10000,30000,100000")
    asked = parser.parse_args()
    for platform in asked.platforms.split(","):
        start = first_and_unchanged(platform, SMALL)
        for count in map(int, asked.resources.split(",")):
            runs = first_and_unchanged(platform, count)
            for name, run, small in zip(("first", "unchanged"), runs, start, strict=True):
                more = run.resources - small.resources
                above = run.megabytes - small.megabytes
                print(
                    f"{platform:7} {run.resources:>9,} resources, {name:9}  peak"
                    f" {run.megabytes:6.0f} MB, start {small.megabytes:4.0f} MB, "
                    f"{above / more * 1024:6.2f} KB and {(run.cpu - small.cpu) / more * 1e6:5.0f}"
                    f" µs CPU a resource, {run.changed:,} changed, wall {run.wall:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
