"""Amazon RDS: who can restore the databases' snapshots, and are they encrypted?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collectors import Resource, Scene, Verdict, criterion, fact, fails, not_applicable, passes
from collectors.aws.conditions import account_in
from collectors.aws.ec2 import tags_of
from collectors.aws.rds import PAGE, rds
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient

EVERYBODY = "all"


class Snapshot(Resource[Mapping[str, Any]], kind="aws.rds.snapshot"):
    """A snapshot of an instance or of a cluster, the account's own; its id is its ARN."""

    volatile = ("listed.PercentProgress",)

    @property
    def of_cluster(self) -> bool:
        """Whether it is one of a cluster."""
        return "DBClusterSnapshotIdentifier" in self.listed

    @fact("rds:DescribeDBSnapshotAttributes", "rds:DescribeDBClusterSnapshotAttributes")
    def restorable_by(self, api: RDSClient) -> Sequence[str] | None:
        """The other accounts that can restore it, or `all`; only manual ones can be shared."""
        if self.listed.get("SnapshotType") != "manual":
            return None
        if self.of_cluster:
            name = self.listed["DBClusterSnapshotIdentifier"]
            of_cluster = api.describe_db_cluster_snapshot_attributes(
                DBClusterSnapshotIdentifier=name
            )
            result = of_cluster["DBClusterSnapshotAttributesResult"]
            return _restore(result.get("DBClusterSnapshotAttributes", []))
        name = self.listed["DBSnapshotIdentifier"]
        answer = api.describe_db_snapshot_attributes(DBSnapshotIdentifier=name)
        return _restore(answer["DBSnapshotAttributesResult"].get("DBSnapshotAttributes", []))


def _restore(attributes: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(
        value
        for row in attributes
        if row.get("AttributeName") == "restore"
        for value in row.get("AttributeValues", [])
    )


@rds.resources(
    Snapshot,
    permission=("rds:DescribeDBSnapshots", "rds:DescribeDBClusterSnapshots"),
    per="region",
)
def snapshots(target: AwsTarget) -> Iterator[Snapshot]:
    """The account's own snapshots in a region, of instances and of clusters."""
    for row in target.pages("rds", "describe_db_snapshots", "DBSnapshots", MaxRecords=PAGE):
        yield Snapshot(id=row["DBSnapshotArn"], listed=row)
    for row in target.pages(
        "rds", "describe_db_cluster_snapshots", "DBClusterSnapshots", MaxRecords=PAGE
    ):
        yield Snapshot(id=row["DBClusterSnapshotArn"], listed=row)


@rds.check(
    Snapshot,
    "critical",
    remediation="Make the snapshot private, and look for what it may have given away.",
)
def snapshot_not_public(snapshot: Snapshot, scene: Scene) -> Verdict:
    """The database snapshot cannot be restored by everybody."""
    del scene
    return fails("shared with everybody") if EVERYBODY in _sharing(snapshot) else passes()


@rds.check(
    Snapshot, "medium", remediation="Copy the snapshot with encryption and delete the plain one."
)
def snapshot_encrypted(snapshot: Snapshot, scene: Scene) -> Verdict:
    """The database snapshot is encrypted."""
    del scene
    encrypted = snapshot.listed.get("Encrypted") or snapshot.listed.get("StorageEncrypted")
    return passes() if encrypted else fails("not encrypted")


@rds.check(
    Snapshot,
    "medium",
    remediation="Take the accounts outside production out of the snapshot's permissions.",
)
def snapshot_prod_not_shared_to_nonprod(
    snapshot: Snapshot,
    scene: Scene,
    *,
    tag: str = criterion("environment", "tag name"),
    production: tuple[str, ...] = criterion("account numbers, or values of the tag"),
) -> Verdict:
    """A production database snapshot is not shared with accounts outside production.

    A copy that is masked and registered is an exception with its reason.
    """
    del scene
    tags = tags_of({"Tags": snapshot.listed.get("TagList")})
    if {account_in(snapshot.id), tags.get(tag, "")}.isdisjoint(production):
        return not_applicable("not of production")
    named = {"everybody" if who == EVERYBODY else who for who in _sharing(snapshot)}
    strangers = sorted(named - set(production))
    return fails(f"shared with {', '.join(strangers)}") if strangers else passes()


def _sharing(snapshot: Snapshot) -> Sequence[str]:
    return snapshot.restorable_by or ()
