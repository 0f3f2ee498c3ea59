"""Amazon RDS: are databases private, encrypted, recoverable and kept up to date?"""

from __future__ import annotations

from datetime import timedelta

from collectors import (
    Cause,
    Scene,
    Verdict,
    criterion,
    fails,
    known,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.aws.cloudwatch import Alarm
from collectors.aws.rds import (
    TRANSPORT,
    Certificate,
    Cluster,
    EngineVersion,
    Instance,
    ParameterGroup,
    by_engine,
    carries,
    cluster_of,
    rds,
    version_id,
)

TAGS = "tags, written name=value"
NOT_PRODUCTION = "not tagged as production"
LOGS = (
    "aurora-mysql=error",
    "aurora-postgresql=postgresql",
    "db2=diag.log",
    "mariadb=error",
    "mysql=error",
    "oracle=alert",
    "oracle=audit",
    "postgres=postgresql",
    "sqlserver=error",
)
SIGN_IN_BY_IAM = ("aurora-mysql", "aurora-postgresql", "mariadb", "mysql", "neptune", "postgres")
DEMANDED = frozenset({"1", "on", "true", "enabled", "tls1.2+", "tls1.3+", "fips-140-3"})
"""The values by which the parameters of `TRANSPORT` demand TLS."""


@rds.check(
    Instance, "high", remediation="Restore an encrypted copy of a snapshot in the database's place."
)
def instance_storage_encrypted(instance: Instance, scene: Scene) -> Verdict:
    """The database's storage is encrypted."""
    del scene
    return passes() if instance.listed.get("StorageEncrypted") else fails("not encrypted")


@rds.check(
    Cluster, "high", remediation="Restore an encrypted copy of a snapshot in the cluster's place."
)
def cluster_storage_encrypted(cluster: Cluster, scene: Scene) -> Verdict:
    """The database cluster's storage is encrypted."""
    del scene
    return passes() if cluster.listed.get("StorageEncrypted") else fails("not encrypted")


@rds.check(Instance, "critical", remediation="Turn off public access of the database.")
def instance_not_public(instance: Instance, scene: Scene) -> Verdict:
    """The database has no public address."""
    del scene
    return fails("publicly accessible") if instance.listed.get("PubliclyAccessible") else passes()


@rds.check(
    Instance,
    "high",
    remediation="Set the backup retention period to the demanded days.",
    also=(Cluster,),
)
def backup_retention(
    instance: Instance, scene: Scene, *, retention: int = criterion(7, "days")
) -> Verdict:
    """The database is backed up every day and can be restored to any moment of the last days.

    A cluster is backed up as a whole. A read replica holds what its source is backed up with.
    """
    if instance.replica_of:
        return not_applicable(f"a replica of {instance.replica_of}")
    holder = cluster_of(instance, scene) or instance
    days = holder.listed.get("BackupRetentionPeriod", 0)
    if days >= retention:
        return passes()
    kept = f"backups are kept {days} days" if days else "backups are off"
    return fails(f"{kept}, demanded {retention} days")


@rds.check(Instance, "medium", remediation="Make it a Multi-AZ deployment.", also=(Cluster,))
def multi_az(
    instance: Instance, scene: Scene, *, production: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """A production database goes on when its availability zone fails."""
    if not carries(instance.listed, production):
        return not_applicable(NOT_PRODUCTION)
    holder = cluster_of(instance, scene) or instance
    return passes() if holder.listed.get("MultiAZ") else fails("in one availability zone only")


@rds.check(Instance, "medium", remediation="Turn on deletion protection.", also=(Cluster,))
def deletion_protection(
    instance: Instance, scene: Scene, *, production: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """A production database, or its cluster, cannot be deleted in one step."""
    if not carries(instance.listed, production):
        return not_applicable(NOT_PRODUCTION)
    holder = cluster_of(instance, scene) or instance
    on = holder.listed.get("DeletionProtection")
    return passes() if on else fails("deletion protection is off")


@rds.check(Instance, "low", remediation="Turn on automatic minor version upgrades.")
def auto_minor_version_upgrade(instance: Instance, scene: Scene) -> Verdict:
    """The database takes minor versions by itself, which bring security fixes."""
    del scene
    on = instance.listed.get("AutoMinorVersionUpgrade")
    return passes() if on else fails("automatic minor version upgrades are off")


@rds.check(
    Instance,
    "medium",
    remediation="Upgrade the database to a version in standard support.",
    also=(EngineVersion,),
)
def engine_version_supported(instance: Instance, scene: Scene) -> Verdict:
    """The database's version is one that RDS offers and its makers still support.

    RDS tells when standard support ends for MySQL, MariaDB, PostgreSQL and Aurora; extended
    support, which is paid for, does not count.
    """
    version = scene.one(EngineVersion, version_id(instance), instance.scope)
    if version is None:
        return unknown(Cause.PARTIAL, "its version was not listed")
    name = f"{version.listed['Engine']} {version.listed['EngineVersion']}"
    for bad in known(lambda: _withdrawn(version, name), lambda: _ended(version, name, scene)):
        if bad:
            return fails(bad)
    return passes()


def _withdrawn(version: EngineVersion, name: str) -> str:
    state = version.offered
    if state is None:
        return f"RDS no longer lists {name}"
    return "" if state == "available" else f"RDS calls {name} {state}"


def _ended(version: EngineVersion, name: str, scene: Scene) -> str:
    end = version.standard_support_ends
    if end is None or scene.at <= moment(end):
        return ""
    return f"standard support of {name} ended {moment(end):%Y-%m-%d}"


@rds.check(
    ParameterGroup,
    "medium",
    remediation="Set the engine's parameter that demands TLS in a parameter group of your own.",
)
def transport_encryption_required(group: ParameterGroup, scene: Scene) -> Verdict:
    """Databases with this parameter group refuse connections without TLS.

    Oracle and Db2 settle it by option groups and certificates, which are not read.
    """
    del scene
    engine = group.listed["Engine"]
    wanted = by_engine(TRANSPORT, engine)
    if not wanted:
        return not_applicable(f"{engine} does not settle it by a parameter")
    value = group.transport or "not set"
    return passes() if value.lower() in DEMANDED else fails(f"{wanted} is {value}")


@rds.check(
    Instance,
    "medium",
    remediation="Export the demanded logs to CloudWatch Logs.",
    also=(Cluster,),
)
def logs_exported(
    instance: Instance,
    scene: Scene,
    *,
    required: tuple[str, ...] = criterion(LOGS, "logs, written engine=log"),
) -> Verdict:
    """The database's own logs leave it: they are exported to CloudWatch Logs."""
    names = {instance.engine, instance.engine.partition("-")[0]}
    wanted = {log for engine, _, log in (row.partition("=") for row in required) if engine in names}
    if not wanted:
        return not_applicable(f"no log is demanded of {instance.engine}")
    holder = cluster_of(instance, scene) or instance
    lacking = sorted(wanted - set(holder.listed.get("EnabledCloudwatchLogsExports", [])))
    return fails(f"not exported: {', '.join(lacking)}") if lacking else passes()


@rds.check(
    Instance,
    "low",
    remediation="Turn on IAM database authentication.",
    also=(Cluster,),
)
def iam_authentication(instance: Instance, scene: Scene) -> Verdict:
    """People and programs can sign in to the database by IAM, without a lasting password."""
    if instance.engine not in SIGN_IN_BY_IAM:
        return not_applicable(f"{instance.engine} has no IAM authentication")
    holder = cluster_of(instance, scene) or instance
    on = holder.listed.get("IAMDatabaseAuthenticationEnabled")
    return passes() if on else fails("IAM database authentication is off")


@rds.check(Instance, "low", remediation="Turn on enhanced monitoring.")
def enhanced_monitoring(
    instance: Instance, scene: Scene, *, production: tuple[str, ...] = criterion(TAGS)
) -> Verdict:
    """The load of a production database is measured on its own operating system."""
    del scene
    if not carries(instance.listed, production):
        return not_applicable(NOT_PRODUCTION)
    on = instance.listed.get("MonitoringInterval", 0)
    return passes() if on else fails("enhanced monitoring is off")


@rds.check(
    Instance,
    "medium",
    remediation="Choose a certificate authority that lasts, and update what trusts the old one.",
    also=(Certificate,),
)
def ca_certificate_current(
    instance: Instance, scene: Scene, *, remaining: int = criterion(90, "days")
) -> Verdict:
    """The authority that signed the database's certificate stays valid long enough."""
    name = instance.listed.get("CACertificateIdentifier")
    if not name:
        return not_applicable("it has no certificate")
    for row in scene.all(Certificate, instance.scope):
        if row.listed.get("CertificateIdentifier") == name:
            end = moment(row.listed.get("ValidTill"))
            if end - scene.at >= timedelta(days=remaining):
                return passes()
            return fails(f"{name} ends {end:%Y-%m-%d}, demanded {remaining} days before")
    return unknown(Cause.PARTIAL, f"RDS does not list the authority {name}")


@rds.check(
    Instance,
    "low",
    remediation="Set a maximum to which the storage may grow, or an alarm on free storage.",
    also=(Alarm,),
)
def storage_autoscaling(instance: Instance, scene: Scene) -> Verdict:
    """The database's storage grows before it is full, or somebody is told.

    The storage of a cluster of Aurora, DocumentDB or Neptune grows by itself.
    """
    if instance.listed.get("StorageType") == "aurora" or instance.engine.startswith(
        ("aurora", "docdb", "neptune")
    ):
        return not_applicable("its storage grows by itself")
    most = instance.listed.get("MaxAllocatedStorage", 0)
    if most > instance.listed.get("AllocatedStorage", 0):
        return passes()
    name = instance.listed["DBInstanceIdentifier"]
    wanted = ("AWS/RDS", "FreeStorageSpace", "DBInstanceIdentifier", name)
    if any(wanted in alarm.watched and alarm.acts for alarm in scene.all(Alarm, instance.scope)):
        return passes()
    return fails("no room to grow is set, and no alarm on free storage")
