"""AWS IAM, what is replaced and expires: access keys, server certificates."""

from __future__ import annotations

from datetime import timedelta

from collectors import Scene, Verdict, criterion, fails, moment, not_applicable, passes
from collectors.aws.iam import iam
from collectors.aws.iam_kinds import AccessKey, ServerCertificate
from collectors.aws.iam_report import NO_VALUE


@iam.check(AccessKey, "medium", remediation="Replace the access key, then delete the old one.")
def access_key_rotated(
    key: AccessKey, scene: Scene, *, limit: int = criterion(90, "days")
) -> Verdict:
    """An active access key is replaced on schedule."""
    if key.listed["active"] != "true":
        return not_applicable("inactive")
    made = moment(key.listed["last_rotated"])
    reason = f"created or changed {made:%Y-%m-%d}, limit {limit} days"
    return passes() if made >= scene.at - timedelta(days=limit) else fails(reason)


@iam.check(AccessKey, "medium", remediation="Deactivate the access key, then delete it.")
def access_key_unused(
    key: AccessKey, scene: Scene, *, limit: int = criterion(45, "days")
) -> Verdict:
    """An active access key is in use.

    A key that was never used counts from the day it was made.
    """
    if key.listed["active"] != "true":
        return not_applicable("inactive")
    used = key.listed["last_used_date"]
    never = used in NO_VALUE
    since = moment(key.listed["last_rotated"] if never else used)
    if since >= scene.at - timedelta(days=limit):
        return passes()
    what = "never used, created" if never else "last used"
    return fails(f"{what} {since:%Y-%m-%d}, limit {limit} days")


@iam.check(ServerCertificate, "medium", remediation="Delete the certificate; keep new ones in ACM.")
def server_certificate_not_expired(certificate: ServerCertificate, scene: Scene) -> Verdict:
    """A server certificate kept in IAM is still valid."""
    expires = moment(certificate.listed["Expiration"])
    return passes() if expires > scene.at else fails(f"expired {expires:%Y-%m-%d}")
