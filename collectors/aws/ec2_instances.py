"""Amazon EC2: instances, what they were started from, and the templates that start them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from collectors import (
    CallError,
    Cause,
    Resource,
    Scene,
    Unlisted,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.aws.ec2 import PAGE, ec2, tags_of
from collectors.aws.target import AwsTarget
from collectors.aws.user_data import Suspicion, suspicions

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        ImageTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        InstanceTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        LaunchTemplateVersionTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )

VALUES = 200
"""The most values that a filter of EC2 takes."""

HERE = {"Name": "instance-state-name", "Values": ["pending", "running", "stopping", "stopped"]}
"""Instances that are not about to disappear; EC2 lists ended ones for an hour."""


class Instance(Resource["InstanceTypeDef"], kind="aws.ec2.instance"):
    """An instance that is running or can be started."""

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.listed["State"]["Name"] == "running"

    @fact("ec2:DescribeInstanceAttribute")
    def secrets_in_user_data(self, api: EC2Client) -> Sequence[Suspicion]:
        """Where its user data looks like a secret; the text itself is never kept."""
        answer = api.describe_instance_attribute(InstanceId=self.id, Attribute="userData")
        return suspicions(answer["UserData"].get("Value", ""))

    @fact("ec2:DescribeInstanceAttribute")
    def termination_protected(self, api: EC2Client) -> bool | None:
        """Whether nobody can end it by a call; not asked of what bears no tag of its own."""
        if not any(key != "Name" and not key.startswith("aws:") for key in tags_of(self.listed)):
            return None
        answer = api.describe_instance_attribute(
            InstanceId=self.id, Attribute="disableApiTermination"
        )
        return answer["DisableApiTermination"]["Value"]


class UsedImage(Resource["ImageTypeDef"], kind="aws.ec2.used_image"):
    """The image an instance was started from, whoever owns it, as long as it is offered."""


class ManagedInstance(Resource[Mapping[str, Any]], kind="aws.ec2.managed_instance"):
    """An instance as Systems Manager knows it; its id is the instance's."""

    volatile = (
        "listed.LastPingDateTime",
        "listed.LastAssociationExecutionDate",
        "listed.LastSuccessfulAssociationExecutionDate",
        "listed.AssociationOverview",
    )


class LaunchTemplate(Resource["LaunchTemplateVersionTypeDef"], kind="aws.ec2.launch_template"):
    """The default version of a launch template."""

    secrets = ("listed.LaunchTemplateData.UserData",)
    """It can hold passwords, and EC2 gives it unasked."""


@ec2.resources(
    Instance,
    UsedImage,
    permission=("ec2:DescribeInstances", "ec2:DescribeImages"),
    per="region",
)
def instances(target: AwsTarget) -> Iterator[Instance | UsedImage | Unlisted]:
    """The instances of a region, then the images they were started from."""
    used: set[str] = set()
    rows = target.pages(
        "ec2", "describe_instances", "Reservations", Filters=[HERE], MaxResults=PAGE
    )
    for row in (row for reservation in rows for row in reservation["Instances"]):
        used.add(row["ImageId"])
        yield Instance(id=row["InstanceId"], listed=row)
    try:
        yield from _images(target, sorted(used))
    except CallError as error:
        yield Unlisted(UsedImage, error)


def _images(target: AwsTarget, ids: Sequence[str]) -> Iterator[UsedImage]:
    for start in range(0, len(ids), VALUES):
        wanted = {"Name": "image-id", "Values": ids[start : start + VALUES]}
        for row in target.pages("ec2", "describe_images", "Images", Filters=[wanted]):
            yield UsedImage(id=row["ImageId"], listed=row)


@ec2.resources(ManagedInstance, permission="ssm:DescribeInstanceInformation", per="region")
def managed_instances(target: AwsTarget) -> Iterator[ManagedInstance]:
    """The instances that report to Systems Manager in a region, 50 a page."""
    key = "InstanceInformationList"
    for row in target.pages("ssm", "describe_instance_information", key, MaxResults=50):
        yield ManagedInstance(id=row["InstanceId"], listed=row)


@ec2.resources(LaunchTemplate, permission="ec2:DescribeLaunchTemplateVersions", per="region")
def launch_templates(target: AwsTarget) -> Iterator[LaunchTemplate]:
    """The default version of every launch template of a region, 200 a page."""
    rows = target.pages(
        "ec2",
        "describe_launch_template_versions",
        "LaunchTemplateVersions",
        Versions=["$Default"],
        MaxResults=200,
    )
    for row in rows:
        yield LaunchTemplate(id=row["LaunchTemplateId"], listed=row)


@ec2.check(
    Instance, "high", remediation="Set the instance's metadata options to HttpTokens = required."
)
def imdsv2_required(instance: Instance, scene: Scene) -> Verdict:
    """A running instance offers its metadata by session tokens only (IMDSv2), or not at all."""
    del scene
    if not instance.running:
        return not_applicable("not running")
    return _by_tokens(instance.listed.get("MetadataOptions", {}))


@ec2.check(
    LaunchTemplate,
    "low",
    remediation="Make a version with HttpTokens = required the template's default.",
)
def launch_template_imdsv2(template: LaunchTemplate, scene: Scene) -> Verdict:
    """What the launch template starts offers its metadata by session tokens only (IMDSv2)."""
    del scene
    return _by_tokens(template.listed["LaunchTemplateData"].get("MetadataOptions", {}))


def _by_tokens(options: Mapping[str, Any]) -> Verdict:
    if options.get("HttpEndpoint") == "disabled":
        return passes("the metadata service is off")
    tokens = options.get("HttpTokens", "not set")
    return passes() if tokens == "required" else fails(f"HttpTokens is {tokens}")


@ec2.check(
    Instance,
    "medium",
    remediation="Take the public address away, or tag the instance as internet-facing.",
)
def instance_no_public_ip(
    instance: Instance,
    scene: Scene,
    *,
    tag: str = criterion("internet-facing", "tag name"),
    value: str = criterion("true", "tag value"),
) -> Verdict:
    """Only instances that are tagged as internet-facing have a public IPv4 address."""
    del scene
    interfaces = instance.listed.get("NetworkInterfaces", [])
    found = {each.get("Association", {}).get("PublicIp", "") for each in interfaces}
    public = sorted({*found, instance.listed.get("PublicIpAddress") or ""} - {""})
    if not public or tags_of(instance.listed).get(tag) == value:
        return passes()
    return fails(f"public address {', '.join(public)} without the tag {tag} = {value}")


@ec2.check(
    Instance, "low", remediation="Attach an instance profile, and remove keys that are stored."
)
def instance_profile_attached(instance: Instance, scene: Scene) -> Verdict:
    """A running instance has a role, so that it needs no stored keys."""
    del scene
    if not instance.running:
        return not_applicable("not running")
    return passes() if instance.listed.get("IamInstanceProfile") else fails("no instance profile")


@ec2.check(
    Instance,
    "medium",
    remediation="Install the SSM agent, and give the instance the role that lets it report.",
    also=(ManagedInstance,),
)
def instance_ssm_managed(instance: Instance, scene: Scene) -> Verdict:
    """A running instance is online in Systems Manager."""
    if not instance.running:
        return not_applicable("not running")
    managed = scene.one(ManagedInstance, instance.id, instance.scope)
    if managed is None:
        return fails("not known to Systems Manager")
    status = managed.listed["PingStatus"]
    return passes() if status == "Online" else fails(f"its agent is {status}")


@ec2.check(
    Instance,
    "medium",
    remediation="Start the workload anew from an approved image, or have the image approved.",
    also=(UsedImage,),
)
def instance_ami_approved(
    instance: Instance,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("image ids, or account numbers or aliases of owners"),
) -> Verdict:
    """A running instance was started from an approved image, or one of an approved owner."""
    if not instance.running:
        return not_applicable("not running")
    name = instance.listed["ImageId"]
    if name in approved:
        return passes()
    image = scene.one(UsedImage, name, instance.scope)
    if image is None:
        return unknown(Cause.PARTIAL, f"{name} is offered no longer, so its owner is not known")
    owner, alias = image.listed["OwnerId"], image.listed.get("ImageOwnerAlias")
    if owner in approved or alias in approved:
        return passes()
    return fails(f"{name} of {alias or owner} is not approved")


@ec2.check(
    Instance,
    "low",
    remediation="Start the workload anew from a current image.",
    also=(UsedImage,),
)
def instance_ami_age(
    instance: Instance, scene: Scene, *, limit: int = criterion(180, "days")
) -> Verdict:
    """A running instance was started from an image that is not too old.

    Updates installed since are not seen here.
    """
    if not instance.running:
        return not_applicable("not running")
    name = instance.listed["ImageId"]
    image = scene.one(UsedImage, name, instance.scope)
    if image is None:
        return unknown(Cause.PARTIAL, f"{name} is offered no longer, so its age is not known")
    made = moment(image.listed["CreationDate"])
    if made >= scene.at - timedelta(days=limit):
        return passes()
    return fails(f"{name} made {made:%Y-%m-%d}, limit {limit} days")


@ec2.check(Instance, "low", remediation="Tag the instance with its owner.")
def instance_owner_tag(
    instance: Instance,
    scene: Scene,
    *,
    tag: str = criterion("owner", "tag name"),
    owners: tuple[str, ...] = criterion("owners"),
) -> Verdict:
    """The instance names an owner that the organisation knows."""
    del scene
    value = tags_of(instance.listed).get(tag)
    if value is None:
        return fails(f"no tag {tag}")
    return passes() if value in owners else fails(f"{tag} is {value}, which is no known owner")


@ec2.check(
    Instance,
    "critical",
    remediation="Take the secret out of the user data, keep it in a secret store, and change it.",
)
def userdata_no_secrets(instance: Instance, scene: Scene) -> Verdict:
    """The instance's user data holds nothing that looks like a secret."""
    del scene
    found = instance.secrets_in_user_data
    if not found:
        return passes()
    places = ", ".join(f"{each['looks_like']} in line {each['line']}" for each in found)
    return fails(f"looks like a secret: {places}")


@ec2.check(Instance, "low", remediation="Turn on termination protection of the instance.")
def termination_protection_critical(
    instance: Instance,
    scene: Scene,
    *,
    tag: str = criterion("criticality", "tag name"),
    value: str = criterion("critical", "tag value"),
) -> Verdict:
    """An instance that is tagged as critical cannot be ended by a call."""
    del scene
    if tags_of(instance.listed).get(tag) != value:
        return not_applicable(f"not tagged {tag} = {value}")
    return passes() if instance.termination_protected else fails("termination protection is off")
