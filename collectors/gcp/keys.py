"""Keys that open Google Cloud: of service accounts, API keys, Cloud KMS and Secret Manager."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from collectors import (
    Collector,
    MalformedError,
    Scene,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.gcp.iam import Policy, iam, public_roles
from collectors.gcp.values import Asset

apikeys = Collector("gcp.apikeys", title="API keys", reads_from="apikeys")
kms = Collector("gcp.kms", title="Cloud KMS keys", reads_from="cloudkms")
secretmanager = Collector("gcp.secretmanager", title="Secrets", reads_from="secretmanager")

SYMMETRIC: Final = "ENCRYPT_DECRYPT"
DAY: Final = 86_400


class ServiceAccountKey(Asset, kind="gcp.iam.service_account_key"):
    """A key of a service account; the private half is nowhere in the inventory."""

    asset_type = "iam.googleapis.com/ServiceAccountKey"
    keeps = ("name", "keyType", "keyOrigin", "validAfterTime", "validBeforeTime", "disabled")


class ApiKey(Asset, kind="gcp.apikeys.key"):
    """An API key; the key itself is not in the inventory."""

    asset_type = "apikeys.googleapis.com/Key"
    keeps = ("name", "displayName", "createTime", "deleteTime", "restrictions")


class CryptoKey(Asset, kind="gcp.kms.crypto_key"):
    """A key of Cloud KMS."""

    asset_type = "cloudkms.googleapis.com/CryptoKey"
    keeps = (
        "name", "purpose", "rotationPeriod", "nextRotationTime", "destroyScheduledDuration",
        "importOnly", "versionTemplate", "labels",
    )  # fmt: skip


class Secret(Asset, kind="gcp.secretmanager.secret"):
    """A secret's settings; no value is ever asked for."""

    asset_type = "secretmanager.googleapis.com/Secret"
    keeps = ("name", "labels", "createTime", "rotation", "expireTime", "ttl", "topics")


def _young(made: datetime, scene: Scene, limit: int) -> Verdict:
    old = scene.at - made > timedelta(days=limit)
    words = f"created {made.date()}, limit {limit} days"
    return fails(words) if old else passes(words)


def _days(asset: Asset, path: str) -> float | None:
    """A duration such as `7776000s` in days."""
    written = asset.text(path)
    if not written:
        return None
    try:
        return float(written.removesuffix("s")) / DAY
    except ValueError:
        raise MalformedError(f"{asset.kind}: {path} is no duration") from None


@iam.check(
    ServiceAccountKey, "medium", remediation="Replace the key, or use no key: workload identity."
)
def sa_key_age(
    key: ServiceAccountKey, scene: Scene, *, limit: int = criterion(90, "days")
) -> Verdict:
    """Keys of service accounts are replaced in time."""
    if key.text("keyType") != "USER_MANAGED":
        return not_applicable("Google manages and rotates the key")
    if key.flag("disabled"):
        return not_applicable("the key is disabled")
    return _young(moment(key.at("validAfterTime")), scene, limit)


@apikeys.check(ApiKey, "medium", remediation="Restrict the key to APIs and to applications.")
def restricted(key: ApiKey, _: Scene) -> Verdict:
    """API keys work for named APIs and applications only."""
    if key.text("deleteTime"):
        return not_applicable("the key is deleted")
    lacking = [] if key.rows("restrictions.apiTargets") else ["APIs"]
    sides = ("browserKey", "serverKey", "androidKey", "iosKey")
    if not any(key.at(f"restrictions.{side}Restrictions") for side in sides):
        lacking.append("applications")
    return fails(f"not restricted to {' and '.join(lacking)}") if lacking else passes()


@apikeys.check(ApiKey, "medium", remediation="Create a new key and delete this one.")
def age(key: ApiKey, scene: Scene, *, limit: int = criterion(90, "days")) -> Verdict:
    """API keys are replaced in time."""
    if key.text("deleteTime"):
        return not_applicable("the key is deleted")
    return _young(moment(key.at("createTime")), scene, limit)


@kms.check(CryptoKey, "medium", remediation="Set a rotation period.")
def key_rotation(key: CryptoKey, scene: Scene, *, limit: int = criterion(90, "days")) -> Verdict:
    """Keys that encrypt are rotated by themselves, and in time."""
    if key.text("purpose") != SYMMETRIC:
        return not_applicable("Cloud KMS rotates symmetric encryption keys only")
    period = _days(key, "rotationPeriod")
    if period is None:
        return fails("no rotation period")
    if period > limit:
        return fails(f"every {period:g} days, limit {limit}")
    following = moment(key.at("nextRotationTime"))
    if following < scene.at:
        return fails(f"was due on {following.date()}")
    return passes(f"every {period:g} days")


@kms.check(
    CryptoKey,
    "critical",
    also=(Policy,),
    remediation="Remove allUsers and allAuthenticatedUsers from the key's policy.",
)
def key_not_public(key: CryptoKey, scene: Scene) -> Verdict:
    """Nobody without an identity of ours uses the key."""
    roles = public_roles(scene.one(Policy, key.id))
    return fails(f"public with {', '.join(roles)}") if roles else passes()


@kms.check(CryptoKey, "low", remediation="Create keys with a longer scheduled destruction.")
def destroy_delay(key: CryptoKey, _: Scene, *, least: int = criterion(30, "days")) -> Verdict:
    """A key that was destroyed by mistake can be restored for some time."""
    if key.flag("importOnly"):
        return not_applicable("the key material is kept elsewhere")
    delay = _days(key, "destroyScheduledDuration")
    if delay is None:
        raise MalformedError("destroyScheduledDuration is missing")
    words = f"{delay:g} days, at least {least}"
    return passes(words) if delay >= least else fails(words)


@secretmanager.check(Secret, "medium", remediation="Set a rotation schedule for the secret.")
def rotation_and_expiry(
    secret: Secret, scene: Scene, *, limit: int = criterion(90, "days")
) -> Verdict:
    """Secrets are rotated on a schedule, expire, or are younger than their limit."""
    period = _days(secret, "rotation.rotationPeriod")
    if period is not None:
        words = f"every {period:g} days, limit {limit}"
        return passes(words) if period <= limit else fails(words)
    if secret.text("expireTime"):
        ends = moment(secret.at("expireTime"))
        if ends - scene.at <= timedelta(days=limit):
            return passes(f"expires {ends.date()}")
    return _young(moment(secret.at("createTime")), scene, limit)
