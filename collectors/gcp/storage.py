"""Cloud Storage: are buckets private and their objects recoverable?"""

from __future__ import annotations

from collectors import Collector, Scene, Verdict, criterion, fails, not_applicable, passes
from collectors.gcp.iam import Policy, public_roles
from collectors.gcp.values import PUBLIC, Asset

storage = Collector("gcp.storage", title="Cloud Storage buckets", reads_from="storage")


class Bucket(Asset, kind="gcp.storage.bucket"):
    """A bucket.

    https://docs.cloud.google.com/storage/docs/json_api/v1/buckets
    """

    asset_type = "storage.googleapis.com/Bucket"
    keeps = (
        "name", "labels", "location", "locationType", "iamConfiguration", "acl",
        "defaultObjectAcl", "versioning", "softDeletePolicy", "retentionPolicy", "lifecycle",
        "encryption", "logging",
    )  # fmt: skip

    @property
    def prevented(self) -> bool:
        """Whether public access is prevented whatever policies and lists say."""
        return self.text("iamConfiguration.publicAccessPrevention") == "enforced"

    @property
    def uniform(self) -> bool:
        """Whether access control lists are switched off."""
        return self.flag("iamConfiguration.uniformBucketLevelAccess.enabled")


@storage.check(
    Bucket,
    "critical",
    also=(Policy,),
    remediation="Remove allUsers and allAuthenticatedUsers from the bucket's policy and lists.",
)
def bucket_not_public(bucket: Bucket, scene: Scene) -> Verdict:
    """Nobody without an identity of ours reads or writes the bucket."""
    if bucket.prevented:
        return passes("public access prevention is enforced")
    lists = [] if bucket.uniform else ["acl", "defaultObjectAcl"]
    for path in lists:
        if any(row.get("entity") in PUBLIC for row in bucket.rows(path)):
            return fails(f"public by its {path}")
    roles = public_roles(scene.one(Policy, bucket.id))
    return fails(f"public with {', '.join(roles)}") if roles else passes()


@storage.check(Bucket, "high", remediation="Enforce public access prevention.")
def public_access_prevention(bucket: Bucket, _: Scene) -> Verdict:
    """The bucket cannot be made public."""
    return passes() if bucket.prevented else fails("public access prevention is not enforced")


@storage.check(Bucket, "medium", remediation="Turn on uniform bucket-level access.")
def uniform_access(bucket: Bucket, _: Scene) -> Verdict:
    """Access is given by policies only, not by lists on single objects."""
    return passes() if bucket.uniform else fails("access control lists are in use")


@storage.check(Bucket, "low", remediation="Set a default key of Cloud KMS.")
def cmek(
    bucket: Bucket, _: Scene, *, confidential: str = criterion("label=value", of=str)
) -> Verdict:
    """Buckets labelled confidential are encrypted with a key of one's own."""
    if not bucket.carries(confidential):
        return not_applicable(f"not labelled {confidential}")
    named = bucket.text("encryption.defaultKmsKeyName")
    return passes(named) if named else fails("encrypted with Google's key")


@storage.check(Bucket, "low", remediation="Turn on versioning or a soft-delete policy.")
def versioning_or_soft_delete(
    bucket: Bucket, _: Scene, *, least: int = criterion(7, "days")
) -> Verdict:
    """Deleted and overwritten objects can be recovered."""
    if bucket.flag("versioning.enabled"):
        return passes("versioning")
    seconds = bucket.number("softDeletePolicy.retentionDurationSeconds") or 0
    if seconds >= least * 86_400:
        return passes(f"soft delete for {seconds // 86_400} days")
    return fails(f"no versioning, soft delete for {seconds // 86_400} days, limit {least}")


@storage.check(Bucket, "medium", remediation="Set a retention policy and lock it.")
def retention_lock_for_records(
    bucket: Bucket, _: Scene, *, records: str = criterion("label=value", of=str)
) -> Verdict:
    """Buckets labelled as holding records keep them for a time nobody can shorten."""
    if not bucket.carries(records):
        return not_applicable(f"not labelled {records}")
    if not bucket.number("retentionPolicy.retentionPeriod"):
        return fails("no retention policy")
    locked = bucket.flag("retentionPolicy.isLocked")
    return passes() if locked else fails("the retention policy is not locked")


@storage.check(Bucket, "medium", remediation="Add a lifecycle rule that deletes by age.")
def lifecycle_delete(
    bucket: Bucket,
    _: Scene,
    *,
    retention: str = criterion("label=value", of=str),
    longest: int = criterion("days", of=int),
) -> Verdict:
    """Buckets labelled with a retention class delete their objects in time."""
    if not bucket.carries(retention):
        return not_applicable(f"not labelled {retention}")
    ages = [
        rule.get("condition", {}).get("age")
        for rule in bucket.rows("lifecycle.rule")
        if rule.get("action", {}).get("type") == "Delete"
    ]
    in_time = [age for age in ages if isinstance(age, int) and age <= longest]
    return passes() if in_time else fails(f"nothing is deleted by an age of {longest} days")


@storage.check(Bucket, "low", remediation="Move the data to a dual-region or multi-region bucket.")
def location_redundant(
    bucket: Bucket, _: Scene, *, critical: str = criterion("label=value", of=str)
) -> Verdict:
    """Buckets labelled critical are kept in more than one region."""
    if not bucket.carries(critical):
        return not_applicable(f"not labelled {critical}")
    kind = bucket.text("locationType")
    return passes(kind) if kind in {"dual-region", "multi-region"} else fails(f"{kind or 'region'}")
