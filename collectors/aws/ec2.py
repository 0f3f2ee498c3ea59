"""Amazon EC2: what is set for a whole region; instances, disks and filters stand in `ec2_*`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from collectors import Collector, Resource, Scene, Verdict, fact, fails, passes
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import InstanceMetadataDefaultsResponseTypeDef

ec2 = Collector("aws.ec2", title="Amazon EC2 instances, disks and filters", reads_from="ec2")

PAGE = 1000
"""Rows a page, the most that EC2 gives."""


class RegionSettings(Resource[Mapping[str, str]], kind="aws.ec2.region_settings"):
    """What EC2 does in a region unless a resource says otherwise; its id is the region's name."""

    @fact("ec2:GetEbsEncryptionByDefault")
    def encrypts_disks(self, api: EC2Client) -> bool:
        """Whether new volumes are encrypted without being asked for."""
        return api.get_ebs_encryption_by_default()["EbsEncryptionByDefault"]

    @fact("ec2:GetSnapshotBlockPublicAccessState")
    def snapshot_sharing(self, api: EC2Client) -> str:
        """`block-all-sharing`, `block-new-sharing` or `unblocked`."""
        return api.get_snapshot_block_public_access_state()["State"]

    @fact("ec2:GetImageBlockPublicAccessState")
    def image_sharing(self, api: EC2Client) -> str:
        """`block-new-sharing` or `unblocked`."""
        return api.get_image_block_public_access_state()["ImageBlockPublicAccessState"]

    @fact("ec2:GetInstanceMetadataDefaults")
    def metadata_defaults(self, api: EC2Client) -> InstanceMetadataDefaultsResponseTypeDef:
        """How new instances offer their metadata; a setting nobody made is left out."""
        return api.get_instance_metadata_defaults().get("AccountLevel", {})

    @fact("ec2:GetSerialConsoleAccessStatus")
    def serial_console(self, api: EC2Client) -> bool:
        """Whether instances can be reached by their serial console."""
        return api.get_serial_console_access_status()["SerialConsoleAccessEnabled"]


@ec2.resources(RegionSettings, permission="ec2:DescribeRegions", per="region")
def region_settings(target: AwsTarget) -> Iterator[RegionSettings]:
    """One for the region that is read."""
    yield RegionSettings(id=target.scope, listed={"RegionName": target.scope})


@ec2.check(
    RegionSettings,
    "medium",
    remediation="Turn on EBS encryption by default in the region.",
)
def ebs_default_encryption(region: RegionSettings, scene: Scene) -> Verdict:
    """New disks in the region are encrypted by default."""
    del scene
    return passes() if region.encrypts_disks else fails("EBS encryption by default is off")


@ec2.check(
    RegionSettings,
    "medium",
    remediation="Block all public sharing of EBS snapshots in the region.",
)
def snapshot_block_public_access(region: RegionSettings, scene: Scene) -> Verdict:
    """The region lets no disk snapshot be shared with the public.

    `block-new-sharing` leaves public what was shared before.
    """
    del scene
    state = region.snapshot_sharing
    return passes() if state == "block-all-sharing" else fails(f"the setting is {state}")


@ec2.check(
    RegionSettings,
    "low",
    remediation="Block new public sharing of machine images in the region.",
)
def image_block_public_access(region: RegionSettings, scene: Scene) -> Verdict:
    """The region lets no further machine image be shared with the public."""
    del scene
    state = region.image_sharing
    return passes() if state == "block-new-sharing" else fails(f"the setting is {state}")


@ec2.check(
    RegionSettings,
    "low",
    remediation="Set the region's instance metadata default to HttpTokens = required.",
)
def imdsv2_account_default(region: RegionSettings, scene: Scene) -> Verdict:
    """New instances in the region offer their metadata by session tokens only (IMDSv2)."""
    del scene
    tokens = region.metadata_defaults.get("HttpTokens", "not set")
    return passes() if tokens == "required" else fails(f"HttpTokens is {tokens}")


@ec2.check(
    RegionSettings,
    "low",
    remediation="Turn off serial console access in the region, or accept its use as an exception.",
)
def serial_console_disabled(region: RegionSettings, scene: Scene) -> Verdict:
    """Nobody reaches instances of the region by their serial console."""
    del scene
    return fails("serial console access is on") if region.serial_console else passes()


def tags_of(listed: Mapping[str, Any]) -> dict[str, str]:
    """The tags of a row of EC2; those that AWS sets itself (`aws:…`) are among them."""
    rows: Sequence[Mapping[str, str]] = listed.get("Tags") or ()
    return {tag["Key"]: tag["Value"] for tag in rows}
