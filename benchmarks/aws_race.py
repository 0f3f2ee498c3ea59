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

HERE: Final = Path(__file__).resolve().parent
MINUTES: Final = 30 * 60

PEER_SERVICES: Final = ("iam", "s3", "ec2", "vpc")
COLLECTORS: Final = ("aws.iam", "aws.s3", "aws.ec2", "aws.vpc")

PAIRS: Final = {
    "ec2_ami_account_block_public_access": "aws.ec2.image_block_public_access",
    "ec2_ebs_default_encryption": "aws.ec2.ebs_default_encryption",
    "ec2_ebs_public_snapshot": "aws.ec2.snapshot_not_public",
    "ec2_ebs_snapshot_account_block_public_access": "aws.ec2.snapshot_block_public_access",
    "ec2_ebs_snapshots_encrypted": "aws.ec2.snapshot_encrypted",
    "ec2_ebs_volume_encryption": "aws.ec2.volume_encrypted",
    "ec2_instance_account_imdsv2_enabled": "aws.ec2.imdsv2_account_default",
    "ec2_instance_imdsv2_enabled": "aws.ec2.imdsv2_required",
    "ec2_instance_profile_attached": "aws.ec2.instance_profile_attached",
    "ec2_instance_public_ip": "aws.ec2.instance_no_public_ip",
    "ec2_instance_secrets_user_data": "aws.ec2.userdata_no_secrets",
    "ec2_launch_template_imdsv2_required": "aws.ec2.launch_template_imdsv2",
    "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_22": "aws.ec2.sg_no_public_ssh",
    "ec2_securitygroup_allow_ingress_from_internet_to_tcp_port_3389": "aws.ec2.sg_no_public_rdp",
    "ec2_securitygroup_default_restrict_traffic": "aws.ec2.default_sg_closed",
    "iam_no_root_access_key": "aws.iam.root_no_access_keys",
    "iam_password_policy_minimum_length_14": "aws.iam.password_policy_length",
    "iam_root_mfa_enabled": "aws.iam.root_mfa_enabled",
    "iam_rotate_access_key_90_days": "aws.iam.access_key_rotated",
    "iam_support_role_created": "aws.iam.support_role_exists",
    "iam_user_mfa_enabled_console_access": "aws.iam.user_console_mfa",
    "s3_bucket_acl_prohibited": "aws.s3.bucket_acl_disabled",
    "s3_bucket_level_public_access_block": "aws.s3.bucket_public_access_blocked",
    "s3_bucket_no_mfa_delete": "aws.s3.bucket_mfa_delete",
    "s3_bucket_object_lock": "aws.s3.bucket_object_lock",
    "s3_bucket_object_versioning": "aws.s3.bucket_versioning_enabled",
    "s3_bucket_secure_transport_policy": "aws.s3.bucket_tls_only",
    "s3_bucket_server_access_logging_enabled": "aws.s3.bucket_access_logging",
    "vpc_flow_logs_enabled": "aws.vpc.flow_logs_enabled",
    "vpc_subnet_no_public_ip_by_default": "aws.vpc.subnet_no_auto_public_ip",
}
"""Checks that ask the same of the same kind of resource, the peer's and ours."""


EXPLAINED: Final[dict[tuple[str, str, str], str]] = {
    ("", "not_applicable", "no row"): "the peer leaves out what the question is not about",
    (
        "aws.iam.user_console_mfa",
        "not_applicable",
        "pass",
    ): "no console password: nobody can sign in",
    ("aws.iam.access_key_rotated", "no row", "pass"): "no access key: the peer counts a pass",
    (
        "aws.iam.root_mfa_enabled",
        "fail",
        "no row",
    ): "moto's report has no root; we read the summary",
    ("aws.iam.root_no_access_keys", "pass", "no row"): "as above",
    (
        "aws.ec2.sg_no_public_ssh",
        "fail",
        "pass",
    ): "all ports are open: the peer leaves it to another",
    (
        "aws.ec2.sg_no_public_rdp",
        "fail",
        "pass",
    ): "all ports are open: the peer leaves it to another",
    ("aws.ec2.userdata_no_secrets", "fail", "pass"): "a password was put there; the peer missed it",
    ("aws.ec2.launch_template_imdsv2", "fail", "pass"): "one version leaves tokens optional",
    ("aws.vpc.flow_logs_enabled", "fail", "pass"): "the flow log takes accepted traffic only",
    ("aws.vpc.subnet_no_auto_public_ip", "pass", "fail"): "tagged as public, which we accept",
    ("aws.s3.bucket_mfa_delete", "unknown", "fail"): "which buckets hold records is not given",
    ("aws.s3.bucket_object_lock", "unknown", "fail"): "which buckets hold records is not given",
}
"""Why two verdicts differ, by check, ours and the peer's; without a check, for all of them."""

ONE_OF_THE_ACCOUNT: Final = {
    "aws.iam.password_policy_length",
    "aws.iam.root_mfa_enabled",
    "aws.iam.root_no_access_keys",
    "aws.iam.support_role_exists",
}
"""Settings there is one of, whatever each calls it."""


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


def ours(simulation: Simulation, regions: str, folder: Path) -> tuple[Run, dict[Any, str]]:
    """A sweep, and what it found."""
    annexa = str(Path(sys.executable).with_name("annexa"))
    places = "".join(f'  "{region}",\n' for region in regions.split(","))
    why = 'regions_out = {reason = "not raced", author = "race", date = 2026-01-01}'
    chosen = f"regions = [\n{places}]\n{why}\n"
    (folder / "annexa.toml").write_text(
        f'[targets.race]\nplatform = "aws"\nrate = 1000\n{chosen}{_criteria(simulation.bound)}'
    )
    store = str(folder / "evidence.db")
    only = [part for name in COLLECTORS for part in ("--collector", name)]
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
    found = {}
    for row in csv.DictReader(said.stdout.splitlines()):
        found[row["check_id"], _name(row["resource_id"], row["scope"])] = row["status"]
    return run, found


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
) -> tuple[Run, dict[Any, str]]:
    """A scan, and what it found."""
    command = [
        prowler, "aws", "--service", *PEER_SERVICES, "--region", *regions.split(","),
        "--output-formats", "csv", "--output-directory", str(folder), "--output-filename", "peer",
        "--no-banner", "--ignore-exit-code-3", "--scan-unused-services",
    ]  # fmt: skip
    run = simulation.time(command, folder)
    with (folder / "peer.csv").open() as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return run, {
        (row["CHECK_ID"], _name(row["RESOURCE_UID"], row["REGION"])): row["STATUS"].lower()
        for row in rows
    }


def _name(identity: str, region: str) -> str:
    """What a resource is called by both: the last part of its ARN, or the place of a setting."""
    whole = identity.removesuffix("/access_key_1").removesuffix("/access_key_2")
    last = whole.rpartition("/")[2].rpartition(":")[2]
    return region if last in {"", "123456789012", "account", "volume"} else last


def _one(statuses: dict[str, str]) -> dict[str, str]:
    """The one setting's status, whatever it is called; nothing where there is no row."""
    return {"account": next(iter(statuses.values()))} if statuses else {}


def differing(mine: dict[Any, str], theirs: dict[Any, str]) -> Counter[tuple[str, str, str]]:
    """How often which verdict of ours stands against which of the peer's, by check."""
    found: Counter[tuple[str, str, str]] = Counter()
    for peer_check, check in PAIRS.items():
        own = {name: status for (each, name), status in mine.items() if each == check}
        other = {name: status for (each, name), status in theirs.items() if each == peer_check}
        if check in ONE_OF_THE_ACCOUNT:
            own, other = _one(own), _one(other)
        for name in own.keys() | other.keys():
            found[check, own.get(name, "no row"), other.get(name, "no row")] += 1
    return found


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
    found: dict[str, dict[Any, str]] = {}
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
    report(runs, found, len(regions.split(",")), simulation.least)


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
    runs: dict[str, list[Run]], found: dict[str, dict[Any, str]], regions: int, least: int
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
    print(f"fewest requests for what was seeded: {least}; ours {own_requests:.0f}")
    print("our operations:", dict(runs["annexa"][-1].operations.most_common(60)))
    pairs = differing(found["annexa"], found["prowler"])
    same = sum(count for (_, own, other), count in pairs.items() if own == other)
    print(
        f"\n{len(PAIRS)} checks ask the same: {same} verdicts agree, {pairs.total() - same} differ"
    )
    for (check, own, other), count in sorted(pairs.items()):
        if own != other:
            why = EXPLAINED.get((check, own, other)) or EXPLAINED.get(
                ("", own, other), "UNEXPLAINED"
            )
            print(f"  {count:4} {check:38} ours {own}, peer {other}: {why}")


if __name__ == "__main__":
    main()
