"""Cloud SQL and BigQuery: are databases private, encrypted and recoverable?"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Final

from collectors import (
    Collector,
    MalformedError,
    Scene,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
)
from collectors.gcp.iam import Policy, public_roles
from collectors.gcp.values import PUBLIC, Asset

cloudsql = Collector("gcp.cloudsql", title="Cloud SQL instances", reads_from="sqladmin")
bigquery = Collector("gcp.bigquery", title="BigQuery datasets", reads_from="bigquery")

ENCRYPTING: Final = frozenset({"ENCRYPTED_ONLY", "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"})
UNSET: Final = frozenset({"", "SSL_MODE_UNSPECIFIED"})
SSL_MODES: Final = ENCRYPTING | UNSET | {"ALLOW_UNENCRYPTED_AND_ENCRYPTED"}

SETTINGS: Final = (
    "availabilityType", "backupConfiguration", "ipConfiguration", "userLabels", "databaseFlags",
    "maintenanceWindow", "activationPolicy", "edition", "deletionProtectionEnabled",
)  # fmt: skip


class Database(Asset, kind="gcp.cloudsql.instance"):
    """An instance; how a replica signs in at its primary (with a password) is not kept.

    https://docs.cloud.google.com/sql/docs/mysql/admin-api/rest/v1/instances
    """

    asset_type = "sqladmin.googleapis.com/Instance"
    keeps = (
        "name",
        "databaseVersion",
        "instanceType",
        "region",
        "settings",
        "diskEncryptionConfiguration",
    )

    def labels(self, path: str = "settings.userLabels") -> dict[str, str]:
        """The labels, which instances have among their settings."""
        return dict(super().labels(path))

    @property
    def replica(self) -> bool:
        """Whether it copies another instance, whose backups count."""
        return self.text("instanceType") == "READ_REPLICA_INSTANCE"

    @property
    def engine(self) -> str:
        """MYSQL, POSTGRES or SQLSERVER."""
        return self.text("databaseVersion").partition("_")[0]


class Dataset(Asset, kind="gcp.bigquery.dataset"):
    """A dataset."""

    asset_type = "bigquery.googleapis.com/Dataset"
    keeps = (
        "datasetReference", "labels", "location", "access", "defaultEncryptionConfiguration",
        "defaultTableExpirationMs", "defaultPartitionExpirationMs",
    )  # fmt: skip


@cloudsql.check(
    Database, "critical", remediation="Remove 0.0.0.0/0 and turn off the public address."
)
def no_public_ip_or_networks(
    database: Database, _: Scene, *, confidential: str = criterion("", "label=value")
) -> Verdict:
    """No database lets in the whole internet; those labelled so have no public address."""
    for network in database.rows("settings.ipConfiguration.authorizedNetworks"):
        try:
            anywhere = ip_network(str(network.get("value")), strict=False).prefixlen == 0
        except ValueError:
            raise MalformedError("an authorised network is no range") from None
        if anywhere:
            return fails("every address is authorised")
    # Without the setting an instance has a public address.
    public = database.flag("settings.ipConfiguration.ipv4Enabled", default=True)
    if public and confidential and database.carries(confidential):
        return fails(f"public address although labelled {confidential}")
    return passes("public address, named networks" if public else "no public address")


@cloudsql.check(Database, "medium", remediation="Set the SSL mode to ENCRYPTED_ONLY.")
def tls_required(database: Database, _: Scene) -> Verdict:
    """Unencrypted connections are refused."""
    mode = database.text("settings.ipConfiguration.sslMode")
    if mode not in SSL_MODES:
        raise MalformedError("sslMode is none that Google documents")
    # The older requireSsl counts where no mode is set.
    if mode in ENCRYPTING or (
        mode in UNSET and database.flag("settings.ipConfiguration.requireSsl")
    ):
        return passes(mode)
    return fails("unencrypted connections are accepted")


@cloudsql.check(
    Database, "high", remediation="Turn on automated backups and point-in-time recovery."
)
def backups_and_pitr(database: Database, _: Scene) -> Verdict:
    """The database is backed up and can be brought back to any moment."""
    if database.replica:
        return not_applicable("a replica: its primary is backed up")
    at = "settings.backupConfiguration"
    if not database.flag(f"{at}.enabled"):
        return fails("automated backups are off")
    logs = database.flag(f"{at}.binaryLogEnabled")
    recovery = (
        logs if database.engine == "MYSQL" else database.flag(f"{at}.pointInTimeRecoveryEnabled")
    )
    return passes() if recovery else fails("no point-in-time recovery")


@cloudsql.check(Database, "medium", remediation="Make the instance regional.")
def high_availability(
    database: Database, _: Scene, *, production: str = criterion("label=value", of=str)
) -> Verdict:
    """Databases labelled for production run in two zones."""
    if not database.carries(production):
        return not_applicable(f"not labelled {production}")
    kind = database.text("settings.availabilityType")
    return passes() if kind == "REGIONAL" else fails(f"availability is {kind or 'ZONAL'}")


@cloudsql.check(Database, "low", remediation="Set the engine's log flags of your baseline.")
def audit_flags(
    database: Database, _: Scene, *, flags: tuple[str, ...] = criterion("flag=value")
) -> Verdict:
    """The log flags of the adopted baseline are set; `ENGINE:flag=value` for one engine only."""
    set_to = {
        f"{row.get('name')}={row.get('value')}" for row in database.rows("settings.databaseFlags")
    }
    named = [each.rpartition(":") for each in flags]
    wanted = [flag for engine, _, flag in named if engine.upper() in {"", database.engine}]
    missing = sorted(flag for flag in wanted if flag not in set_to)
    return fails(f"not set: {', '.join(missing)}") if missing else passes()


@bigquery.check(
    Dataset,
    "critical",
    also=(Policy,),
    remediation="Remove allUsers and allAuthenticatedUsers from the dataset's access.",
)
def dataset_not_public(dataset: Dataset, scene: Scene) -> Verdict:
    """Nobody without an identity of ours reads the dataset."""
    for entry in dataset.rows("access"):
        if PUBLIC & {entry.get("iamMember"), entry.get("specialGroup")}:
            return fails("public by its access list")
    roles = public_roles(scene.one(Policy, dataset.id))
    return fails(f"public with {', '.join(roles)}") if roles else passes()


@bigquery.check(Dataset, "low", remediation="Set a default key of Cloud KMS.")
def cmek(
    dataset: Dataset, _: Scene, *, confidential: str = criterion("label=value", of=str)
) -> Verdict:
    """Datasets labelled confidential are encrypted with a key of one's own."""
    if not dataset.carries(confidential):
        return not_applicable(f"not labelled {confidential}")
    named = dataset.text("defaultEncryptionConfiguration.kmsKeyName")
    return passes(named) if named else fails("encrypted with Google's key")


@bigquery.check(Dataset, "low", remediation="Set a default expiration of tables or partitions.")
def table_expiration(
    dataset: Dataset, _: Scene, *, retention: str = criterion("label=value", of=str)
) -> Verdict:
    """Datasets labelled with a retention class delete tables by themselves."""
    if not dataset.carries(retention):
        return not_applicable(f"not labelled {retention}")
    times = "defaultTableExpirationMs", "defaultPartitionExpirationMs"
    return passes() if any(dataset.number(each) for each in times) else fails("nothing expires")
