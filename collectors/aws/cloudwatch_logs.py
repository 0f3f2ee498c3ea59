"""Amazon CloudWatch Logs: are logs kept, encrypted, and rid of what they should not show?"""

from __future__ import annotations

import json
from collections.abc import Iterator

from collectors import (
    MalformedError,
    Scene,
    Verdict,
    criterion,
    fails,
    known,
    not_applicable,
    passes,
)
from collectors.aws.cloudtrail import Trail
from collectors.aws.cloudwatch import (
    INHERITED,
    AccountPolicy,
    LogGroup,
    Tagged,
    carries,
    cloudwatch,
)

TAGS = "tags, written name=value"


@cloudwatch.check(
    LogGroup,
    "medium",
    remediation="Set the log group's retention to what was decided for what it holds.",
    also=(Tagged, Trail),
)
def log_group_retention(
    group: LogGroup,
    scene: Scene,
    *,
    security: tuple[str, ...] = criterion(TAGS),
    personal: tuple[str, ...] = criterion(TAGS),
    retention: int = criterion(365, "days"),
) -> Verdict:
    """Security logs are kept long enough, and logs with personal data not for ever.

    The log group of a trail is a security log without any tag.
    """
    days = group.listed.get("retentionInDays")
    if days is None:
        bounded = carries(group, scene, personal)
        return fails("holds personal data and is kept for ever") if bounded else passes()
    if days >= retention:
        return passes()
    trails = {trail.listed.get("CloudWatchLogsLogGroupArn", "") for trail in scene.all(Trail)}
    if f"{group.id}:*" in trails or carries(group, scene, security):
        return fails(f"kept {days} days, demanded {retention} days")
    return not_applicable("not tagged as a security log")


@cloudwatch.check(
    LogGroup, "low", remediation="Associate a KMS key with the log group.", also=(Tagged,)
)
def log_group_kms(
    group: LogGroup, scene: Scene, *, classified: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """Confidential logs are encrypted with a key of the organisation."""
    if not carries(group, scene, classified):
        return not_applicable("not tagged as confidential")
    return passes() if group.listed.get("kmsKeyId") else fails("no KMS key is set")


@cloudwatch.check(
    LogGroup,
    "low",
    remediation="Give the log group a data protection policy that masks the identifiers.",
    also=(AccountPolicy, Tagged),
)
def log_data_protection_policy(
    group: LogGroup,
    scene: Scene,
    *,
    personal: tuple[str, ...] = criterion(TAGS),
    identifiers: tuple[str, ...] = criterion("names of data identifiers, such as EmailAddress"),
) -> Verdict:
    """Logs that may hold personal data mask it, by their own policy or the account's."""
    if not carries(group, scene, personal):
        return not_applicable("not tagged as holding personal data")
    lacking = set(identifiers)
    for document in known(lambda: group.data_protection, lambda: _of_account(group, scene)):
        lacking -= set(_masked(document))
        if not lacking:
            return passes()
    return fails(f"not masked: {', '.join(sorted(lacking))}")


def _of_account(group: LogGroup, scene: Scene) -> str | None:
    """The account's policy, where the group inherits one; AWS allows one for each region."""
    if INHERITED not in group.listed.get("inheritedProperties", []):
        return None
    policies = scene.all(AccountPolicy, group.scope)
    return policies[0].listed["policyDocument"] if policies else None


def _masked(document: str | None) -> Iterator[str]:
    """The data identifiers that a data protection policy hides; auditing them hides nothing."""
    if not document:
        return
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError):
        raise MalformedError("a data protection policy without statements") from None
    for row in statements:
        if "Deidentify" in row.get("Operation", {}):
            yield from (name.rpartition("/")[2] for name in row.get("DataIdentifier", []))
