"""`annexa` and Prowler in turn on one simulated account: CPU, memory, requests, wall, verdicts.

    python -m venv elsewhere && elsewhere/bin/pip install prowler==5.46.0
    python benchmarks/aws_race.py elsewhere/bin/prowler [--regions a,b|all] [--size N] [--rounds N]

Both read the same services of the same account, in processes of their own, one after the other, at
50 ms a request. The first round warms the simulation's memory and is not counted. Figures are
medians; ratios are ours to the peer's. Requests are compared with the fewest that can read what the
account was made with. Verdicts of the checks that ask the same are compared one by one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.aws_verdicts import PAIRS, Told, differing, why

HERE: Final = Path(__file__).resolve().parent
MINUTES: Final = 30 * 60

MOST: Final = 1.05
"""How many times the fewest requests a sweep may take."""

SERVICES: Final = (
    "account",
    "cloudtrail",
    "cloudwatch",
    "config",
    "ec2",
    "guardduty",
    "iam",
    "kms",
    "rds",
    "s3",
    "securityhub",
    "vpc",
)
"""What both read, under the same names; of ours they are all the collectors of AWS."""


@dataclass(frozen=True)
class Run:
    """What one process took."""

    cpu: float
    wall: float
    megabytes: float
    requests: int
    connections: int
    concurrency: float
    operations: Counter[str]


class Simulation:
    """The account, in a process of its own."""

    def __init__(self, regions: str, size: int, latency: float) -> None:
        command = [
            sys.executable, str(HERE / "simulated_aws.py"), "--regions", regions,
            "--size", str(size), "--latency", str(latency),
        ]  # fmt: skip
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            sys.exit("the simulation did not start: run benchmarks/simulated_aws.py by hand")
        told = json.loads(line)
        self.url: str = told["url"]
        self.least = sum(told["least"].values())
        self.bound: dict[str, dict[str, Any]] = told["bound"]

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def asked(self, what: str) -> dict[str, Any]:
        """Its counters."""
        with urllib.request.urlopen(f"{self.url}/_race/{what}") as answer:  # noqa: S310 - loopback
            found: dict[str, Any] = json.load(answer)
        return found

    def time(self, command: list[str], folder: Path) -> Run:
        """Run a command against it."""
        # Compiled modules are kept between runs, as every installation does.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "PYTHON"))}
        environment = kept | {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIARACER",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(folder),
        }
        self.asked("begin")
        log = folder / "output.txt"
        began = time.monotonic()
        with log.open("w") as output:
            process = subprocess.Popen(  # noqa: S603 - named by whoever runs the race
                command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
            )
            _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        code = os.waitstatus_to_exitcode(status)
        if code:
            sys.exit(f"{command[0]} ended with {code}:\n{log.read_text()[-2000:]}")
        seen = self.asked("seen")
        operations = Counter(seen["requests"])
        return Run(
            used.ru_utime + used.ru_stime,
            wall,
            used.ru_maxrss / 1024,
            operations.total(),
            seen["connections"],
            seen["concurrency"],
            operations,
        )


def ours(simulation: Simulation, regions: str, folder: Path) -> tuple[Run, list[Told]]:
    """A sweep, and what it found."""
    annexa = str(Path(sys.executable).with_name("annexa"))
    places = "".join(f'  "{region}",\n' for region in regions.split(","))
    why = 'regions_out = {reason = "not raced", author = "race", date = 2026-01-01}'
    chosen = f"regions = [\n{places}]\n{why}\n"
    (folder / "annexa.toml").write_text(
        f'[targets.race]\nplatform = "aws"\nrate = 1000\n{chosen}{_criteria(simulation.bound)}'
    )
    store = str(folder / "evidence.db")
    only = [part for name in SERVICES for part in ("--collector", f"aws.{name}")]
    # Made beforehand, as an installation does once: what is raced is the reading.
    made = [annexa, "store", "upgrade", "--store", store]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)  # noqa: S603 - our own program
    run = simulation.time([annexa, "sweep", "--store", store, *only], folder)
    said = subprocess.run(  # noqa: S603 - our own program
        [annexa, "findings", "--store", store, "--format", "csv"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if said.returncode:
        sys.exit(f"annexa findings: {said.stderr}\n{(folder / 'output.txt').read_text()}")
    return run, [
        Told(row["check_id"], row["resource_id"], row["scope"], row["status"], row["reason"])
        for row in csv.DictReader(said.stdout.splitlines())
    ]


def _criteria(bound: dict[str, dict[str, Any]]) -> str:
    source = (
        '{document = "race", version = "1", section = "1", '
        'approved_by = "race", approved_on = 2026-01-01}'
    )
    tables = [
        f'[criteria."{check}".{name}]\nvalue = {json.dumps(value)}\nsource = {source}\n'
        for check, criteria in bound.items()
        for name, value in criteria.items()
    ]
    return "\n".join(tables)


def peers(
    prowler: str, simulation: Simulation, regions: str, folder: Path
) -> tuple[Run, list[Told]]:
    """A scan, and what it found."""
    command = [
        prowler, "aws", "--service", *SERVICES, "--region", *regions.split(","),
        "--output-formats", "csv", "--output-directory", str(folder), "--output-filename", "peer",
        "--no-banner", "--ignore-exit-code-3", "--scan-unused-services",
    ]  # fmt: skip
    run = simulation.time(command, folder)
    with (folder / "peer.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return run, [
        Told(
            row["CHECK_ID"],
            row["RESOURCE_UID"],
            row["REGION"],
            row["STATUS"].lower(),
            row["STATUS_EXTENDED"],
        )
        for row in rows
    ]


def main() -> None:
    """Race, and print what came of it."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("prowler")
    options.add_argument("--regions", default="us-east-1,eu-central-1")
    options.add_argument("--size", type=int, default=3)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--latency", type=float, default=0.05)
    given = options.parse_args()
    made_in = "us-east-1,eu-central-1"
    regions = given.regions if given.regions != "all" else ",".join(all_regions())
    simulation = Simulation(made_in, given.size, given.latency)
    runs: dict[str, list[Run]] = {"annexa": [], "prowler": []}
    found: dict[str, list[Told]] = {}
    try:
        for number in range(given.rounds + 1):
            for who, done in runs.items():
                with tempfile.TemporaryDirectory(prefix="race-") as name:
                    folder = Path(name)
                    if who == "annexa":
                        run, found[who] = ours(simulation, regions, folder)
                    else:
                        run, found[who] = peers(given.prowler, simulation, regions, folder)
                print(f"round {number} {who}: {run.cpu:.1f} s CPU, {run.wall:.1f} s", flush=True)
                if number:
                    done.append(run)
    finally:
        simulation.close()
    # What an empty region takes is not counted: the account is made in two.
    least = simulation.least if regions == made_in else None
    report(runs, found, len(regions.split(",")), least)


def all_regions() -> list[str]:
    """The regions that are on in a new account, as the SDK lists them."""
    import botocore.session  # noqa: PLC0415 - asked for all regions only

    opted = [
        "af-",
        "ap-east",
        "ap-south-2",
        "ca-west",
        "eu-central-2",
        "eu-south",
        "il-",
        "me-",
        "mx-",
    ]
    opted += ["mx-", *(f"ap-southeast-{number}" for number in range(3, 8))]
    names = botocore.session.get_session().get_available_regions("ec2")
    return [name for name in names if not name.startswith(tuple(opted))]


def report(
    runs: dict[str, list[Run]], found: dict[str, list[Told]], regions: int, least: int | None
) -> None:
    """The figures, as a table."""
    print(f"\n{regions} regions; {len(found['annexa'])} findings of ours, {len(found['prowler'])}")
    print(f"{'':14}{'annexa':>12}{'prowler':>12}{'ratio':>10}")
    for name, digits in (("cpu", 1), ("wall", 1), ("megabytes", 0), ("requests", 0),
                         ("connections", 0), ("concurrency", 2)):  # fmt: skip
        own, other = (
            statistics.median(getattr(run, name) for run in runs[who])
            for who in ("annexa", "prowler")
        )
        print(f"{name:14}{own:12.{digits}f}{other:12.{digits}f}{own / other:10.3f}")
    own_requests = statistics.median(run.requests for run in runs["annexa"])
    if least is not None:
        print(f"fewest requests for what was seeded: {least}; ours {own_requests:.0f}")
        assert own_requests <= MOST * least
    print("our operations:", dict(runs["annexa"][-1].operations.most_common(60)))
    pairs, examples = differing(found["annexa"], found["prowler"])
    same = sum(count for (_, own, other), count in pairs.items() if own == other)
    print(
        f"\n{len(PAIRS)} checks ask the same: {same} verdicts agree, {pairs.total() - same} differ"
    )
    for (check, own, other), count in sorted(pairs.items()):
        if own != other:
            print(f"  {count:4} {check:38} ours {own}, peer {other}: {why(check, own, other)}")
            print(f"       {examples[check, own, other][:200]}")


if __name__ == "__main__":
    main()
