"""What starting costs: `annexa --help` against a bare interpreter that imports click.

python benchmarks/start_up.py [runs]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys


def cost(*command: str) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of a finished process, as the system counts them."""
    with subprocess.Popen(  # noqa: S603 - our own commands
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    """Alternate bound and product, and print medians and their ratio."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    variants = {
        "python -c 'import click'": (sys.executable, "-c", "import click"),
        "annexa --help": (sys.executable, "-m", "annexa", "--help"),
        "annexa collectors --format csv": (
            sys.executable, "-m", "annexa", "collectors", "--format", "csv",
        ),
    }  # fmt: skip
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(runs):
        for name, command in variants.items():
            seen[name].append(cost(*command))
    bound = statistics.median(cpu for cpu, _ in seen["python -c 'import click'"])
    for name, costs in seen.items():
        cpu = statistics.median(each for each, _ in costs)
        memory = statistics.median(each for _, each in costs)
        print(f"{name:32} {cpu:.2f} s CPU  {memory:.0f} MB  {cpu / bound:.1f} × bound")


if __name__ == "__main__":
    main()
