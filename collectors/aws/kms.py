"""AWS KMS: are the organisation's own keys rotated, and in the right hands?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from collectors import Collector, Resource, Scene, Verdict, fact, fails, not_applicable, passes
from collectors.aws.conditions import account_in
from collectors.aws.iam_kinds import Policy
from collectors.aws.policies import Statement, allows, public_grants, statements
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_kms.type_defs import (
        KeyListEntryTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        KeyMetadataTypeDef,
    )

kms = Collector("aws.kms", title="AWS KMS keys", reads_from="kms")

AWS_MANAGED = "alias/aws/"
"""How the names of the keys begin that AWS makes and keeps for its services."""

ADMINISTERS = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion", "kms:DisableKey")
DECRYPTS = ("kms:Decrypt", "kms:ReEncryptFrom")
ENDING = frozenset({"PendingDeletion", "PendingReplicaDeletion"})


class Key(Resource["KeyListEntryTypeDef"], kind="aws.kms.key"):
    """A key of the organisation; those that AWS manages are left out, by their aliases."""

    @fact("kms:DescribeKey")
    def details(self, api: KMSClient) -> KeyMetadataTypeDef:
        """What it is for, where its material comes from, and its state."""
        return api.describe_key(KeyId=self.id)["KeyMetadata"]

    @fact("kms:GetKeyRotationStatus", absent="UnsupportedOperationException")
    def rotates(self, api: KMSClient) -> bool | None:
        """Whether its material is replaced automatically; None for a kind that never is."""
        return api.get_key_rotation_status(KeyId=self.id)["KeyRotationEnabled"]

    @fact("kms:GetKeyPolicy")
    def policy(self, api: KMSClient) -> str:
        """Its key policy; a key has exactly one, of the name `default`."""
        return api.get_key_policy(KeyId=self.id, PolicyName="default")["Policy"]

    @property
    def of_aws(self) -> bool:
        """Whether AWS manages it after all: a service's key that has no alias."""
        return self.details.get("KeyManager") == "AWS"


@kms.resources(Key, permission=("kms:ListKeys", "kms:ListAliases"), per="region")
def keys(target: AwsTarget) -> Iterator[Key]:
    """The organisation's keys of a region: aliases tell AWS's own without a call for each."""
    aliases = target.pages("kms", "list_aliases", "Aliases", Limit=100)
    of_aws = {
        row.get("TargetKeyId", "") for row in aliases if row["AliasName"].startswith(AWS_MANAGED)
    }
    for row in target.pages("kms", "list_keys", "Keys", Limit=1000):
        if row["KeyId"] not in of_aws:
            yield Key(id=row["KeyArn"], listed=row)


@kms.check(Key, "medium", remediation="Turn on automatic rotation of the key.")
def cmk_rotation_enabled(key: Key, scene: Scene) -> Verdict:
    """A symmetric key of the organisation is rotated automatically.

    Asked of enabled keys whose material KMS makes: it rotates no other.
    """
    del scene
    details = key.details
    if key.of_aws:
        return not_applicable("AWS manages it")
    if details.get("KeyState") != "Enabled":
        return not_applicable(f"its state is {details.get('KeyState')}")
    if details.get("KeySpec") != "SYMMETRIC_DEFAULT":
        return not_applicable(f"KMS rotates no key of the kind {details.get('KeySpec')}")
    if details.get("Origin") != "AWS_KMS":
        return not_applicable(f"KMS rotates no material of the origin {details.get('Origin')}")
    return passes() if key.rotates else fails("automatic rotation is off")


@kms.check(
    Key, "critical", remediation="Name the principals in the key policy, or bound it by account."
)
def key_policy_not_public(key: Key, scene: Scene) -> Verdict:
    """The key policy lets nobody use the key from the public.

    A statement for everybody counts unless a condition bounds it to accounts, organisations or
    networks; `kms:ViaService` alone does not.
    """
    del scene
    return fails("a statement allows everybody") if public_grants(key.policy) else passes()


@kms.check(
    Key,
    "high",
    remediation="Cancel the deletion, or record the approved change as an exception.",
)
def no_unplanned_key_deletion(key: Key, scene: Scene) -> Verdict:
    """The key is not about to be deleted.

    A planned deletion is an exception with its reason and its approver. Deleted keys make what
    they encrypted unreadable for ever.
    """
    del scene
    state = key.details.get("KeyState", "")
    return fails(f"its state is {state}") if state in ENDING else passes()


@kms.check(
    Key,
    "medium",
    remediation="Take decryption from those who administer the key, or its administration.",
)
def admin_and_user_separated(key: Key, scene: Scene) -> Verdict:
    """Whoever the key policy lets administer the key, it does not let decrypt with it.

    Administering is changing the policy, disabling the key or scheduling its deletion. A statement
    for the account leaves it to IAM who does what; that is not judged here.
    """
    del scene
    if key.of_aws:
        return not_applicable("AWS manages it")
    read = statements(key.policy)
    administrators = _named(read, ADMINISTERS)
    if not administrators:
        return not_applicable("the key policy leaves its administration to IAM")
    both = sorted(administrators & _named(read, DECRYPTS))
    return fails(f"administer and decrypt: {', '.join(both)}") if both else passes()


def _named(policy: Sequence[Statement], actions: Sequence[str]) -> set[str]:
    """The users and roles to whom a key policy allows one of the actions; no account as such."""
    allowed = {
        principal.name
        for statement in policy
        if statement.allow and any(statement.touches(action) for action in actions)
        for principal in statement.principals
        if principal.type == "AWS" and not _account(principal.name)
    }
    denied = {
        principal.name
        for statement in policy
        if not statement.allow
        and not statement.conditions
        and not statement.not_principals
        and all(statement.covers_action(action) for action in actions)
        for principal in statement.principals
    }
    return allowed - denied


def _account(name: str) -> bool:
    """Whether a principal is everybody, or an account as a whole, which IAM divides further."""
    return name == "*" or name.isdigit() or name.endswith(":root")


@kms.check(
    Policy,
    "medium",
    remediation="Name the keys the policy allows decryption with, or bound it by a service.",
)
def policy_no_decrypt_all_keys(policy: Policy, scene: Scene) -> Verdict:
    """A policy of the organisation does not allow decrypting with every key.

    Asked of managed and inline policies alike; a condition on what is encrypted, or by which
    service, bounds it.
    """
    del scene
    granted = statements(policy.document)
    partition = policy.id.split(":", 2)[1]
    every_key = f"arn:{partition}:kms:*:{account_in(policy.id)}:key/*"
    wide = [action for action in DECRYPTS if allows(granted, action, every_key)]
    return fails(f"{', '.join(wide)} on every key") if wide else passes()
