"""Amazon EC2: disks, their snapshots, and machine images."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from collectors import Resource, Scene, Verdict, criterion, fact, fails, not_applicable, passes
from collectors.aws.ec2 import PAGE, ec2, tags_of
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        CreateVolumePermissionTypeDef,
        ImageTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        SnapshotTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        VolumeTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )


class Volume(Resource["VolumeTypeDef"], kind="aws.ec2.volume"):
    """An EBS volume."""


class Snapshot(Resource["SnapshotTypeDef"], kind="aws.ec2.snapshot"):
    """A snapshot that the account owns."""

    volatile = ("listed.Progress",)

    @fact("ec2:DescribeSnapshots")
    def public(self, api: EC2Client) -> bool:
        """Whether everybody can make a disk of it; the listing answers it for all at once."""
        answer = api.describe_snapshots(RestorableByUserIds=["all"], SnapshotIds=[self.id])
        return bool(answer["Snapshots"])

    @fact("ec2:DescribeSnapshotAttribute", slow=True)
    def sharing(self, api: EC2Client) -> Sequence[CreateVolumePermissionTypeDef]:
        """Which accounts can make a disk of it: one call for each snapshot."""
        answer = api.describe_snapshot_attribute(
            SnapshotId=self.id, Attribute="createVolumePermission"
        )
        return answer["CreateVolumePermissions"]


class Image(Resource["ImageTypeDef"], kind="aws.ec2.image"):
    """A machine image that the account owns."""


@ec2.resources(Volume, permission="ec2:DescribeVolumes", per="region")
def volumes(target: AwsTarget) -> Iterator[Volume]:
    """All volumes of a region."""
    for row in target.pages("ec2", "describe_volumes", "Volumes", MaxResults=PAGE):
        yield Volume(id=row["VolumeId"], listed=row)


@ec2.resources(Snapshot, permission="ec2:DescribeSnapshots", per="region")
def snapshots(target: AwsTarget) -> Iterator[Snapshot]:
    """The account's own snapshots in a region, with whether they are public.

    Owner `self` restorable by `all` is what the account shares with the public.
    """
    list_own = partial(
        target.pages, "ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"], MaxResults=PAGE
    )
    public = {row["SnapshotId"] for row in list_own(RestorableByUserIds=["all"])}
    for row in list_own():
        found = row["SnapshotId"]
        yield Snapshot(id=found, listed=row, facts={"public": found in public})


@ec2.resources(Image, permission="ec2:DescribeImages", per="region")
def images(target: AwsTarget) -> Iterator[Image]:
    """The account's own images in a region, those that are switched off among them."""
    own = target.pages(
        "ec2", "describe_images", "Images", Owners=["self"], IncludeDisabled=True, MaxResults=PAGE
    )
    for row in own:
        yield Image(id=row["ImageId"], listed=row)


@ec2.check(
    Volume,
    "high",
    remediation="Copy the volume's snapshot with encryption and put an encrypted volume in place.",
)
def volume_encrypted(volume: Volume, scene: Scene) -> Verdict:
    """The disk is encrypted."""
    del scene
    return passes() if volume.listed.get("Encrypted") else fails("not encrypted")


@ec2.check(
    Snapshot, "medium", remediation="Copy the snapshot with encryption and delete the plain one."
)
def snapshot_encrypted(snapshot: Snapshot, scene: Scene) -> Verdict:
    """The disk snapshot is encrypted."""
    del scene
    return passes() if snapshot.listed.get("Encrypted") else fails("not encrypted")


@ec2.check(
    Snapshot,
    "critical",
    remediation="Take the group all out of the snapshot's permissions, and find out who copied it.",
)
def snapshot_not_public(snapshot: Snapshot, scene: Scene) -> Verdict:
    """The disk snapshot is not shared with the public."""
    del scene
    return fails("everybody can make a disk of it") if snapshot.public else passes()


@ec2.check(
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
    """A production disk snapshot is not shared with accounts outside production.

    Who it is shared with takes a call for each snapshot: it is read where slow reads are on.
    """
    del scene
    names = {snapshot.listed.get("OwnerId", ""), tags_of(snapshot.listed).get(tag, "")}
    if names.isdisjoint(production):
        return not_applicable("not of production")
    users = {user.get("UserId", "everybody") for user in snapshot.sharing}
    strangers = sorted(users - set(production))
    return fails(f"shared with {', '.join(strangers)}") if strangers else passes()


@ec2.check(
    Image, "high", remediation="Make the image private, and look for what it may have given away."
)
def ami_not_public(image: Image, scene: Scene) -> Verdict:
    """The machine image is not shared with the public."""
    del scene
    return fails("the image is public") if image.listed.get("Public") else passes()
