"""Azure Storage: are accounts private, encrypted on the way, and recoverable?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from collectors import (
    Collector,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.azure.rows import UNREACHABLE, GraphRow, flag, kept, wanted, word
from collectors.azure.site import BLOB_SERVICE, GRAPH_READ
from collectors.azure.target import AzureTarget

storage = Collector("azure.storage", title="Azure storage accounts", reads_from="Microsoft.Storage")

ACCOUNT_READ = "Microsoft.Storage/storageAccounts/read"
BLOBS = wanted(("properties.deleteRetentionPolicy", "properties.containerDeleteRetentionPolicy"))
WITHOUT_BLOBS = frozenset({"filestorage"})
REDUNDANT = frozenset({"zrs", "grs", "ragrs", "gzrs", "ragzrs"})


class StorageAccount(GraphRow, kind="azure.storage_account"):
    """A storage account."""

    type_name = "microsoft.storage/storageaccounts"
    action = ACCOUNT_READ
    keeps = (
        "kind",
        "sku.name",
        "properties.allowBlobPublicAccess",
        "properties.allowCrossTenantReplication",
        "properties.allowSharedKeyAccess",
        "properties.keyCreationTime",
        "properties.minimumTlsVersion",
        "properties.networkAcls.defaultAction",
        "properties.publicNetworkAccess",
        "properties.sasPolicy.sasExpirationPeriod",
        "properties.supportsHttpsTrafficOnly",
    )

    @property
    def has_blobs(self) -> bool:
        """Whether this kind of account holds blobs."""
        return word(self.listed.get("kind")) not in WITHOUT_BLOBS

    @property
    def shared_keys(self) -> bool:
        """Whether its keys open it; they do unless it is said otherwise."""
        return (
            flag(self.properties.get("allowSharedKeyAccess"), "allowSharedKeyAccess") is not False
        )

    @fact("Microsoft.Storage/storageAccounts/blobServices/read")
    def blobs(self, api: AzureTarget) -> Mapping[str, Any]:
        """What becomes of deleted blobs and containers."""
        if not self.has_blobs:
            return {}
        answer = api.get(BLOB_SERVICE, self.scope, **self.path("account"))
        found: Mapping[str, Any] = kept(answer, BLOBS)
        return found


@storage.resources(StorageAccount, permission=(GRAPH_READ, ACCOUNT_READ))
def accounts(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every storage account."""
    yield from target.graph(StorageAccount)


@storage.check(
    StorageAccount, "high", remediation="Set allowBlobPublicAccess of the account to false."
)
def public_blob_access_disabled(account: StorageAccount, scene: Scene) -> Verdict:
    """No container of the account can be opened to anyone."""
    del scene
    allowed = flag(account.properties.get("allowBlobPublicAccess"), "allowBlobPublicAccess")
    if allowed is None:
        return fails("allowBlobPublicAccess is not set; what that means depends on its age")
    return fails("containers can be made public") if allowed else passes("public access is off")


@storage.check(
    StorageAccount, "high", remediation="Turn on 'Secure transfer required' of the account."
)
def secure_transfer_required(account: StorageAccount, scene: Scene) -> Verdict:
    """Requests without TLS are refused."""
    del scene
    only = flag(account.properties.get("supportsHttpsTrafficOnly"), "supportsHttpsTrafficOnly")
    return passes("https only") if only else fails("http is accepted")


@storage.check(
    StorageAccount, "medium", remediation="Set the account's minimum TLS version to 1.2 or later."
)
def minimum_tls(account: StorageAccount, scene: Scene) -> Verdict:
    """TLS before 1.2 is refused."""
    del scene
    least = str(account.properties.get("minimumTlsVersion") or "not set")
    good = least.upper() in {"TLS1_2", "TLS1_3"}
    return passes(least) if good else fails(f"minimumTlsVersion is {least}")


@storage.check(
    StorageAccount,
    "high",
    remediation="Turn off public network access, or set the firewall's default action to Deny.",
)
def network_default_deny(account: StorageAccount, scene: Scene) -> Verdict:
    """Networks that are not named are refused."""
    del scene
    public = word(account.properties.get("publicNetworkAccess"))
    if public in UNREACHABLE:
        return passes(f"publicNetworkAccess is {public}")
    action = word((account.properties.get("networkAcls") or {}).get("defaultAction"))
    return passes("default action is deny") if action == "deny" else fails("any network is let in")


@storage.check(StorageAccount, "medium", remediation="Turn off 'Allow storage account key access'.")
def shared_key_disabled(account: StorageAccount, scene: Scene) -> Verdict:
    """Only identities open the account, no shared key."""
    del scene
    return fails("shared keys open it") if account.shared_keys else passes("shared keys are off")


@storage.check(
    StorageAccount, "medium", remediation="Renew both account keys, or turn shared keys off."
)
def key_rotated(
    account: StorageAccount, scene: Scene, *, max_age: int = criterion(90, "days")
) -> Verdict:
    """Both keys of the account were made within the limit."""
    if not account.shared_keys:
        return not_applicable("shared keys are off")
    times = account.properties.get("keyCreationTime") or {}
    old = []
    for key in ("key1", "key2"):
        if not times.get(key):
            return fails(f"{key} has no date: it is older than such dates")
        made = moment(times[key])
        if scene.at - made > timedelta(days=max_age):
            old.append(f"{key} of {made:%Y-%m-%d}")
    return fails(f"{', '.join(old)}; limit {max_age} days") if old else passes()


@storage.check(
    StorageAccount,
    "low",
    remediation="Set an expiration interval for shared access signatures, or turn shared keys off.",
)
def sas_policy(
    account: StorageAccount, scene: Scene, *, longest: int = criterion(7, "days")
) -> Verdict:
    """Shared access signatures are to end within the limit."""
    del scene
    if not account.shared_keys:
        return not_applicable("shared keys are off, so they sign nothing")
    period = (account.properties.get("sasPolicy") or {}).get("sasExpirationPeriod")
    if not period:
        return fails("no policy")
    days, _, time = str(period).rpartition(".")
    seconds = sum(int(n) * u for n, u in zip(time.split(":"), (3600, 60, 1), strict=True))
    good = int(days or 0) * 86_400 + seconds <= longest * 86_400
    text = f"period {period}, limit {longest} days"
    return passes(text) if good else fails(text)


@storage.check(
    StorageAccount, "medium", remediation="Turn on soft delete for blobs and containers."
)
def blob_soft_delete(
    account: StorageAccount, scene: Scene, *, days: int = criterion(7, "days")
) -> Verdict:
    """Deleted blobs and containers can be brought back."""
    del scene
    if not account.has_blobs:
        return not_applicable("an account without blobs")
    held = account.blobs.get("properties") or {}
    wrong = []
    for what, name in (
        ("blobs", "deleteRetentionPolicy"),
        ("containers", "containerDeleteRetentionPolicy"),
    ):
        policy = held.get(name) or {}
        if not flag(policy.get("enabled"), f"{name}.enabled"):
            wrong.append(f"{what}: off")
        elif int(policy.get("days") or 0) < days:
            wrong.append(f"{what}: {policy.get('days')} days, required {days}")
    return fails("; ".join(wrong)) if wrong else passes()


@storage.check(StorageAccount, "low", remediation="Choose zone or geo redundancy for the account.")
def geo_redundant(account: StorageAccount, scene: Scene) -> Verdict:
    """The account outlives the loss of one data centre."""
    del scene
    sku = str((account.listed.get("sku") or {}).get("name") or "not stated")
    good = sku.lower().rpartition("_")[2] in REDUNDANT
    return passes(sku) if good else fails(f"redundancy is {sku}")


@storage.check(StorageAccount, "medium", remediation="Set allowCrossTenantReplication to false.")
def cross_tenant_replication_disabled(account: StorageAccount, scene: Scene) -> Verdict:
    """Objects cannot be replicated to another tenant."""
    del scene
    name = "allowCrossTenantReplication"
    allowed = flag(account.properties.get(name), name)
    if allowed is None:
        return fails(f"{name} is not set; what that means depends on the account's age")
    return fails("replication to other tenants is allowed") if allowed else passes()
