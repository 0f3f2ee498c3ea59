"""Accounts made by chance in the simulated AWS, with every verdict known from how they were made.

    account = RandomAccount(url, seed=7, regions=("eu-central-1", "us-east-1"), size=3)
    account.make(ec2_disks, ec2_defaults)
    account.expected  # {(check id, resource id): status}
    account.bound     # the criteria those verdicts were made for
    account.least     # the fewest requests that read it, by operation

A maker is a function of the account that builds resources of one service in every region. Write
one beside the service's tests, or here where benchmarks use it too, and give it to `make`.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

NUMBER = "123456789012"
"""The account that moto gives to a credential it has not made."""


@dataclass
class RandomAccount:
    """An account under construction.

    Attributes:
        url: the simulation's address.
        seed: equal seeds make equal accounts, but for the ids that the simulation gives.
        regions: where resources are made; the first one is the account's own.
        size: how many resources of a kind a region gets.
        number: the account's number; another one than moto's own is reached by a role.
        expected: the status of each finding that was built, by check and resource.
        bound: the criteria that the verdicts were made for, by check.
        least: the fewest requests that can read what was made, by operation.
    """

    url: str
    seed: int
    regions: tuple[str, ...] = ("us-east-1", "eu-central-1")
    size: int = 3
    number: str = NUMBER
    expected: dict[tuple[str, str], str] = field(default_factory=dict)
    bound: dict[str, dict[str, object]] = field(default_factory=dict)
    least: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - no secret is made

    def make(self, *makers: Callable[[RandomAccount], None]) -> RandomAccount:
        """Build the resources of these services; gives itself."""
        for maker in makers:
            maker(self)
        return self

    def client(self, service: str, region: str) -> Any:
        """A client that writes to the account."""
        return _client(self.url, self.number, service, region)

    def places(self) -> Iterator[tuple[str, Any]]:
        """Each region with its EC2 client."""
        for region in self.regions:
            yield region, self.client("ec2", region)

    def flip(self, share: float = 0.5) -> bool:
        """True by chance, in that share of cases."""
        return self.chance.random() < share

    def expect(self, check: str, resource: str, good: bool | str) -> None:
        """What a check must find of a resource: true and false are pass and fail."""
        status = good if isinstance(good, str) else "pass" if good else "fail"
        self.expected[check, resource] = status

    def pages(self, operation: str, rows: int, page: int = 1000) -> None:
        """Count the requests of one listing in one region: one at least, even of nothing."""
        self.least[operation] += max(1, -(-rows // page))


@cache
def _session() -> Any:
    """One session: it keeps the service descriptions it has read."""
    return boto3.Session(aws_access_key_id="AKIAMAKER", aws_secret_access_key="x")


@cache
def _client(url: str, number: str, service: str, region: str) -> Any:
    own = {}
    if number != NUMBER:
        sts = _client(url, NUMBER, "sts", "us-east-1")
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{number}:role/maker", RoleSessionName="m")
        own = {
            "aws_access_key_id": given["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": given["Credentials"]["SecretAccessKey"],
            "aws_session_token": given["Credentials"]["SessionToken"],
        }
    config = Config(retries={"total_max_attempts": 1})
    return _session().client(service, region_name=region, endpoint_url=url, config=config, **own)


def ec2_defaults(account: RandomAccount) -> None:
    """What EC2 does in each region unless a resource says otherwise."""
    for region, api in account.places():
        blocked = account.chance.choice(["block-all-sharing", "block-new-sharing", "unblocked"])
        good = {
            "aws.ec2.ebs_default_encryption": account.flip(),
            "aws.ec2.image_block_public_access": account.flip(),
            "aws.ec2.imdsv2_account_default": account.flip(),
            "aws.ec2.serial_console_disabled": account.flip(),
            "aws.ec2.snapshot_block_public_access": blocked == "block-all-sharing",
        }
        if good["aws.ec2.ebs_default_encryption"]:
            api.enable_ebs_encryption_by_default()
        if good["aws.ec2.image_block_public_access"]:
            api.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
        if good["aws.ec2.imdsv2_account_default"]:
            api.modify_instance_metadata_defaults(HttpTokens="required")
        if not good["aws.ec2.serial_console_disabled"]:
            api.enable_serial_console_access()
        if blocked != "unblocked":
            api.enable_snapshot_block_public_access(State=blocked)
        for check, holds in good.items():
            account.expect(check, region, holds)
        for operation in (
            "GetEbsEncryptionByDefault",
            "GetImageBlockPublicAccessState",
            "GetInstanceMetadataDefaults",
            "GetSerialConsoleAccessStatus",
            "GetSnapshotBlockPublicAccessState",
        ):
            account.pages(operation, 1)


def ec2_disks(account: RandomAccount) -> None:
    """Volumes and snapshots, and images made of them."""
    for region, api in account.places():
        for _ in range(account.size):
            hidden, public = account.flip(), account.flip(0.3)
            volume = api.create_volume(AvailabilityZone=f"{region}a", Size=8, Encrypted=hidden)
            snapshot = api.create_snapshot(VolumeId=volume["VolumeId"])["SnapshotId"]
            if public:
                api.modify_snapshot_attribute(
                    SnapshotId=snapshot, OperationType="add", GroupNames=["all"]
                )
            account.expect("aws.ec2.volume_encrypted", volume["VolumeId"], hidden)
            account.expect("aws.ec2.snapshot_encrypted", snapshot, hidden)
            account.expect("aws.ec2.snapshot_not_public", snapshot, not public)
            account.expect(
                "aws.ec2.snapshot_prod_not_shared_to_nonprod", snapshot, "not_applicable"
            )
        account.pages("DescribeVolumes", account.size)
        account.pages("DescribeSnapshots", account.size)
        account.pages("DescribeSnapshots", 0)
        account.pages("DescribeImages", 0)
    account.bound["aws.ec2.snapshot_prod_not_shared_to_nonprod"] = {"production": ["production"]}
