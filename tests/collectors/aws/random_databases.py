"""Makers of random accounts for Amazon RDS."""

from __future__ import annotations

from functools import partial
from typing import Any

from moto.rds.models import rds_backends

from tests.collectors.aws.moto_gaps_watching import answers
from tests.collectors.aws.random_account import RandomAccount

TAGGED = ["tier=production"]
PRODUCTION = [{"Key": "tier", "Value": "production"}]
OTHER = "999988887777"
CERTIFICATE = "rds-ca-2019"
MONITORED: dict[str, Any] = {
    "MonitoringInterval": 60,
    "MonitoringRoleArn": "arn:aws:iam::123456789012:role/rds-monitoring",
}


def databases(account: RandomAccount) -> None:
    """Databases with settings by chance, parameter groups that demand TLS or do not, snapshots."""
    for check in ("multi_az", "deletion_protection", "enhanced_monitoring"):
        account.bound[f"aws.rds.{check}"] = {"production": TAGGED}
    account.bound["aws.rds.snapshot_prod_not_shared_to_nonprod"] = {"production": [account.number]}
    for region in account.regions:
        api = account.client("rds", region)
        supported = account.flip()
        here = answers(rds_backends, account.number, region)
        here["describe_db_engine_versions"] = partial(
            _versions, "available" if supported else "deprecated"
        )
        ends = "2036-01-01" if (lasting := account.flip()) else "2027-01-01"
        here["describe_certificates"] = {
            "Certificates": [
                {
                    "CertificateIdentifier": CERTIFICATE,
                    "CertificateArn": f"arn:aws:rds:{region}::cert:{CERTIFICATE}",
                    "CertificateType": "CA",
                    "CustomerOverride": False,
                    "ValidFrom": "2019-09-01T00:00:00Z",
                    "ValidTill": f"{ends}T00:00:00Z",
                }
            ]
        }
        for number in range(account.size):
            _database(account, api, f"db-{number}", supported=supported, lasting=lasting)
        account.pages("DescribeDBInstances", account.size, 100)
        account.pages("DescribeDBClusters", 0)
        account.pages("DescribeDBSnapshots", 2 * account.size, 100)
        account.pages("DescribeDBClusterSnapshots", 0)
        account.pages("DescribeCertificates", 1)
        account.pages("DescribeDBEngineVersions", 1)
        account.pages("DescribeDBMajorEngineVersions", 1)


def _versions(status: str, response: Any) -> dict[str, Any]:
    """The one version; deprecated ones are told to whoever asks for all."""
    told = status == "available" or response._get_param("IncludeAll") in {True, "true"}
    row = {
        "Engine": "postgres",
        "EngineVersion": "16.4",
        "DBEngineDescription": "PostgreSQL",
        "Status": status,
    }
    return {"DBEngineVersions": [row] * told}


def _database(
    account: RandomAccount, api: Any, name: str, *, supported: bool, lasting: bool
) -> None:
    demands, produces = account.flip(), account.flip()
    group = name
    made = api.create_db_parameter_group(
        DBParameterGroupName=group, DBParameterGroupFamily="postgres16", Description="by chance"
    )["DBParameterGroup"]["DBParameterGroupArn"]
    value = {"ParameterName": "rds.force_ssl", "ParameterValue": "1" if demands else "0"}
    api.modify_db_parameter_group(
        DBParameterGroupName=group, Parameters=[value | {"ApplyMethod": "immediate"}]
    )
    account.expect("aws.rds.transport_encryption_required", made, demands)
    account.least["DescribeDBParameters"] += 1
    good = {
        "instance_storage_encrypted": account.flip(),
        "instance_not_public": account.flip(),
        "backup_retention": account.flip(),
        "auto_minor_version_upgrade": account.flip(),
        "logs_exported": account.flip(),
        "iam_authentication": account.flip(),
        "storage_autoscaling": account.flip(),
    }
    asked = {
        "multi_az": account.flip(),
        "deletion_protection": account.flip(),
        "enhanced_monitoring": account.flip(),
    }
    found = api.create_db_instance(
        DBInstanceIdentifier=name,
        Engine="postgres",
        EngineVersion="16.4",
        DBInstanceClass="db.t4g.medium",
        AllocatedStorage=20,
        MasterUsername="owner",
        MasterUserPassword="made-by-chance",
        DBParameterGroupName=group,
        StorageEncrypted=good["instance_storage_encrypted"],
        PubliclyAccessible=not good["instance_not_public"],
        BackupRetentionPeriod=14 if good["backup_retention"] else 1,
        AutoMinorVersionUpgrade=good["auto_minor_version_upgrade"],
        EnableCloudwatchLogsExports=["postgresql"] if good["logs_exported"] else ["upgrade"],
        EnableIAMDatabaseAuthentication=good["iam_authentication"],
        CACertificateIdentifier=CERTIFICATE,
        MultiAZ=asked["multi_az"],
        DeletionProtection=asked["deletion_protection"],
        Tags=PRODUCTION if produces else [],
        **({"MaxAllocatedStorage": 100} if good["storage_autoscaling"] else {}),
        **(MONITORED if asked["enhanced_monitoring"] else {}),
    )["DBInstance"]["DBInstanceArn"]
    good |= {"engine_version_supported": supported, "ca_certificate_current": lasting}
    for check, holds in good.items():
        account.expect(f"aws.rds.{check}", found, holds)
    for check, holds in asked.items():
        account.expect(f"aws.rds.{check}", found, holds if produces else "not_applicable")
    _snapshot(account, api, name, encrypted=good["instance_storage_encrypted"])


def _snapshot(account: RandomAccount, api: Any, name: str, *, encrypted: bool) -> None:
    made = api.create_db_snapshot(
        DBInstanceIdentifier=name, DBSnapshotIdentifier=f"{name}-by-hand"
    )["DBSnapshot"]["DBSnapshotArn"]
    shared = account.chance.choice([None, "all", OTHER])
    if shared:
        api.modify_db_snapshot_attribute(
            DBSnapshotIdentifier=f"{name}-by-hand",
            AttributeName="restore",
            ValuesToAdd=[shared],
        )
    account.expect("aws.rds.snapshot_not_public", made, shared != "all")
    account.expect("aws.rds.snapshot_encrypted", made, encrypted)
    account.expect("aws.rds.snapshot_prod_not_shared_to_nonprod", made, shared is None)
    account.least["DescribeDBSnapshotAttributes"] += 1
