"""Amazon S3: who can reach the buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from collectors import Scene, Verdict, criterion, fails, known, passes
from collectors.aws.account import Account, account_of
from collectors.aws.policies import denies_insecure_transport, external_accounts
from collectors.aws.s3 import AccessPoint, Bucket, s3

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import PublicAccessBlockConfigurationTypeDef as BucketBlock
    from mypy_boto3_s3control.type_defs import (
        PublicAccessBlockConfigurationTypeDef as AccountBlock,
    )

SETTINGS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
"""The four settings of Block Public Access; one that is not set is off."""


@s3.check(
    Account,
    "critical",
    remediation="Turn on all four Block Public Access settings of the account.",
)
def account_public_access_blocked(account: Account, scene: Scene) -> Verdict:
    """Block Public Access is fully on for the whole account."""
    del scene
    off = switched_off(account.access_block)
    return fails(f"off: {', '.join(off)}") if off else passes()


@s3.check(
    Bucket,
    "high",
    remediation="Turn on all four Block Public Access settings of the bucket or the account.",
    also=(Account,),
)
def bucket_public_access_blocked(bucket: Bucket, scene: Scene) -> Verdict:
    """Block Public Access is fully on, at the bucket or at its account.

    S3 applies a setting that is on in either place.
    """
    off = open_settings(bucket, scene)
    return fails(f"off: {', '.join(off)}") if off else passes()


def open_settings(bucket: Bucket, scene: Scene) -> list[str]:
    """The settings that are on neither at the bucket nor at its account, sorted.

    Raises:
        FactUnknown: one of the two could not be read, and the other does not settle it.
    """
    off = set(SETTINGS)
    for block in known(lambda: bucket.access_block, lambda: account_of(scene).access_block):
        off &= set(switched_off(block))
        if not off:
            break
    return sorted(off)


@s3.check(
    Bucket,
    "critical",
    remediation="Remove the statements of the bucket policy that let everybody in.",
)
def bucket_policy_not_public(bucket: Bucket, scene: Scene) -> Verdict:
    """The bucket policy lets nobody in from the public.

    S3 judges the policy as written: whether Block Public Access makes it void is asked apart.
    """
    del scene
    public = bucket.policy_is_public
    if public is None:
        return passes("no bucket policy")
    return fails("S3 calls the bucket policy public") if public else passes()


@s3.check(
    Bucket, "medium", remediation="Set the bucket's object ownership to bucket owner enforced."
)
def bucket_acl_disabled(bucket: Bucket, scene: Scene) -> Verdict:
    """Access is settled by policies alone: access control lists are off."""
    del scene
    ownership = bucket.ownership
    if ownership is None:
        return fails("object ownership is not set, which leaves ACLs on")
    return passes() if ownership == "BucketOwnerEnforced" else fails(f"ownership is {ownership}")


@s3.check(
    Bucket,
    "high",
    remediation="Take the account out of the bucket policy, or have the sharing approved.",
    also=(Account,),
)
def bucket_cross_account_approved(
    bucket: Bucket,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("account numbers, or boundaries such as an organisation"),
) -> Verdict:
    """Whoever the bucket policy lets in from outside the account is approved.

    A grant to everybody that is bounded by something else than accounts is named by its boundary
    (`aws:PrincipalOrgID o-a1b2c3`).
    """
    if bucket.policy is None:
        return passes("no bucket policy")
    outside = external_accounts(bucket.policy, account_of(scene).id)
    strangers = [who for who in outside if who not in approved]
    return fails(f"not approved: {', '.join(strangers)}") if strangers else passes()


@s3.check(
    Bucket,
    "medium",
    remediation="Deny all requests in the bucket policy where aws:SecureTransport is false.",
)
def bucket_tls_only(bucket: Bucket, scene: Scene) -> Verdict:
    """Requests without TLS are refused, for the bucket and its objects."""
    del scene
    if bucket.policy is None:
        return fails("no bucket policy")
    if denies_insecure_transport(bucket.policy, bucket.arn, f"{bucket.arn}/*"):
        return passes()
    return fails("the bucket policy lets requests without TLS through")


@s3.check(
    AccessPoint,
    "medium",
    remediation="Make the access point anew with all four Block Public Access settings on.",
)
def access_point_public_block(point: AccessPoint, scene: Scene) -> Verdict:
    """Block Public Access is fully on at the access point."""
    del scene
    off = switched_off(point.details.get("PublicAccessBlockConfiguration"))
    return fails(f"off: {', '.join(off)}") if off else passes()


def switched_off(block: BucketBlock | AccountBlock | None) -> list[str]:
    """The settings that are not on; all where nothing is configured."""
    settings: Mapping[str, object] = {**block} if block else {}
    return [name for name in SETTINGS if settings.get(name) is not True]


@s3.check(Bucket, "low", remediation="Tag the bucket with the classification of what it holds.")
def bucket_classification_tag(
    bucket: Bucket,
    scene: Scene,
    *,
    tag: str = criterion("classification", "tag name"),
    allowed: tuple[str, ...] = criterion("classification values"),
) -> Verdict:
    """The bucket says how the information in it is classified."""
    del scene
    value = bucket.tagged.get(tag)
    if value is None:
        return fails(f"no tag {tag}")
    return passes() if value in allowed else fails(f"{tag} is {value}, which is no allowed value")
