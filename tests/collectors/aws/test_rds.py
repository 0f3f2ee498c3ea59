"""Amazon RDS: the checks on hand-made documents, and what the listing has in common."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Absent, Cause, Unlisted, Unread
from collectors.aws import AwsConnection, rds, rds_instances, rds_snapshots
from collectors.aws.cloudwatch import Alarm
from collectors.aws.rds import Certificate, Cluster, EngineVersion, Instance, ParameterGroup
from collectors.aws.rds_snapshots import Snapshot
from collectors.judging import Check
from collectors.testing import judge
from tests.collectors.aws.double import Answer, Double, caller, error

NUMBER = "123456789012"
REGION = "eu-central-1"
ARN = f"arn:aws:rds:{REGION}:{NUMBER}"
PRODUCTION = [{"Key": "tier", "Value": "production"}]
TAGS = ["tier=production"]


def instance(**listed: Any) -> Instance:
    row: Any = {"DBInstanceIdentifier": "db", "Engine": "postgres", "EngineVersion": "16.4"}
    return Instance(id=f"{ARN}:db:db", scope=REGION, listed=row | listed)


def cluster(**listed: Any) -> Cluster:
    row: Any = {"DBClusterIdentifier": "main", **listed}
    return Cluster(id=f"{ARN}:cluster:main", scope=REGION, listed=row)


def member(**listed: Any) -> Instance:
    return instance(**{"Engine": "aurora-postgresql", "DBClusterIdentifier": "main"} | listed)


@pytest.mark.parametrize(
    ("given", "others", "status", "because"),
    [
        (instance(BackupRetentionPeriod=7), [], "pass", ""),
        (
            instance(BackupRetentionPeriod=3),
            [],
            "fail",
            "backups are kept 3 days, demanded 7 days",
        ),
        (instance(BackupRetentionPeriod=0), [], "fail", "backups are off, demanded 7 days"),
        (
            instance(BackupRetentionPeriod=0, ReadReplicaSourceDBInstanceIdentifier="other"),
            [],
            "not_applicable",
            "a replica of other",
        ),
        (member(BackupRetentionPeriod=1), [cluster(BackupRetentionPeriod=14)], "pass", ""),
        (member(), [], "unknown", "its cluster was not listed"),
    ],
)
def test_backup_retention(
    given: Instance, others: list[Cluster], status: str, because: str
) -> None:
    verdict = judge(rds_instances.backup_retention, given, *others)
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("check", "key", "good", "bad"),
    [
        (rds_instances.instance_storage_encrypted, "StorageEncrypted", True, False),
        (rds_instances.instance_not_public, "PubliclyAccessible", False, True),
        (rds_instances.auto_minor_version_upgrade, "AutoMinorVersionUpgrade", True, False),
        (rds_instances.iam_authentication, "IAMDatabaseAuthenticationEnabled", True, False),
        (rds_instances.logs_exported, "EnabledCloudwatchLogsExports", ["postgresql"], []),
    ],
)
def test_settings_of_an_instance(
    check: Check[Instance], key: str, good: object, bad: object
) -> None:
    assert judge(check, instance(**{key: good})).status == "pass"
    assert judge(check, instance(**{key: bad})).status == "fail"


@pytest.mark.parametrize(
    ("check", "key", "good"),
    [
        (rds_instances.multi_az, "MultiAZ", True),
        (rds_instances.deletion_protection, "DeletionProtection", True),
        (rds_instances.enhanced_monitoring, "MonitoringInterval", 60),
    ],
)
def test_what_is_asked_of_production(check: Check[Instance], key: str, good: object) -> None:
    given = instance(TagList=PRODUCTION, **{key: good})
    assert judge(check, given, production=TAGS).status == "pass"
    assert judge(check, instance(TagList=PRODUCTION), production=TAGS).status == "fail"
    assert judge(check, instance(), production=TAGS).status == "not_applicable"
    assert judge(check, given).cause is Cause.CRITERION_MISSING


def test_a_member_of_a_cluster_has_the_clusters_settings() -> None:
    whole = cluster(
        MultiAZ=True,
        DeletionProtection=True,
        IAMDatabaseAuthenticationEnabled=True,
        EnabledCloudwatchLogsExports=["postgresql"],
    )
    given = member(TagList=PRODUCTION)
    assert judge(rds_instances.multi_az, given, whole, production=TAGS).status == "pass"
    assert judge(rds_instances.deletion_protection, given, whole, production=TAGS).status == "pass"
    assert judge(rds_instances.iam_authentication, given, whole).status == "pass"
    assert judge(rds_instances.logs_exported, given, whole).status == "pass"
    assert judge(rds_instances.storage_autoscaling, given).status == "not_applicable"


def test_cluster_storage_encrypted() -> None:
    check = rds_instances.cluster_storage_encrypted
    assert judge(check, cluster(StorageEncrypted=True)).status == "pass"
    assert judge(check, cluster()).status == "fail"


def test_what_an_engine_does_not_have_is_not_applicable() -> None:
    given = instance(Engine="oracle-ee")
    assert judge(rds_instances.iam_authentication, given).status == "not_applicable"
    assert judge(rds_instances.logs_exported, given).because == "not exported: alert, audit"
    other = instance(Engine="docdb")
    assert judge(rds_instances.logs_exported, other).status == "not_applicable"


DENIED = Unread("AccessDenied", "rds:DescribeDBEngineVersions")


@pytest.mark.parametrize(
    ("offered", "ends", "status", "because"),
    [
        ("available", "2028-02-28T00:00:00+00:00", "pass", ""),
        ("available", Absent("none"), "pass", ""),
        ("deprecated", Absent("none"), "fail", "RDS calls postgres 16.4 deprecated"),
        (Absent("none"), Absent("none"), "fail", "RDS no longer lists postgres 16.4"),
        (
            "available",
            "2026-02-28T00:00:00+00:00",
            "fail",
            "standard support of postgres 16.4 ended 2026-02-28",
        ),
        (DENIED, "2028-02-28T00:00:00+00:00", "unknown", None),
        (DENIED, "2026-02-28T00:00:00+00:00", "fail", None),
    ],
)
def test_engine_version_supported(
    offered: object, ends: object, status: str, because: str | None
) -> None:
    version = EngineVersion(
        id=f"{REGION}/postgres/16.4",
        scope=REGION,
        listed={"Engine": "postgres", "EngineVersion": "16.4"},
        facts={"offered": offered, "standard_support_ends": ends},
    )
    verdict = judge(rds_instances.engine_version_supported, instance(), version)
    assert verdict.status == status
    assert because is None or verdict.because == because


@pytest.mark.parametrize(
    ("engine", "value", "status"),
    [
        ("postgres", "1", "pass"),
        ("postgres", "0", "fail"),
        ("aurora-postgresql", "1", "pass"),
        ("mysql", "ON", "pass"),
        ("mysql", "not set", "fail"),
        ("sqlserver-se", "1", "pass"),
        ("docdb", "enabled", "pass"),
        ("docdb", "disabled", "fail"),
        ("oracle-ee", Absent("none"), "not_applicable"),
        ("postgres", Unread("AccessDenied", "rds:DescribeDBParameters"), "unknown"),
    ],
)
def test_transport_encryption_required(engine: str, value: object, status: str) -> None:
    group = ParameterGroup(
        id=f"{ARN}:pg:x",
        listed={"Name": "x", "Engine": engine, "OfCluster": False},
        facts={"transport": value},
    )
    assert judge(rds_instances.transport_encryption_required, group).status == status


@pytest.mark.parametrize(
    ("ends", "status"),
    [("2061-05-21T00:00:00Z", "pass"), ("2027-01-01T00:00:00Z", "fail"), (None, "unknown")],
)
def test_ca_certificate_current(ends: str | None, status: str) -> None:
    row: Any = {"CertificateIdentifier": "ca" if ends else "other", "ValidTill": ends}
    authority = Certificate(id="arn:c", scope=REGION, listed=row)
    given = instance(CACertificateIdentifier="ca")
    assert judge(rds_instances.ca_certificate_current, given, authority).status == status
    assert judge(rds_instances.ca_certificate_current, instance()).status == "not_applicable"


def test_storage_autoscaling() -> None:
    check = rds_instances.storage_autoscaling
    assert judge(check, instance(AllocatedStorage=20, MaxAllocatedStorage=99)).status == "pass"
    assert judge(check, instance(AllocatedStorage=20)).status == "fail"
    row = {
        "Namespace": "AWS/RDS",
        "MetricName": "FreeStorageSpace",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "db"}],
        "ActionsEnabled": True,
        "AlarmActions": ["arn:aws:sns:::x"],
    }
    told = Alarm(id="arn:a", scope=REGION, listed=row)
    assert judge(check, instance(AllocatedStorage=20), told).status == "pass"
    silent = Alarm(id="arn:a", scope=REGION, listed=row | {"AlarmActions": []})
    assert judge(check, instance(AllocatedStorage=20), silent).status == "fail"


def snapshot(shared: object, **listed: Any) -> Snapshot:
    row = {"SnapshotType": "manual", **listed}
    return Snapshot(id=f"{ARN}:snapshot:s", listed=row, facts={"restorable_by": shared})


@pytest.mark.parametrize(
    ("shared", "public", "apart"),
    [
        ([], "pass", "pass"),
        (Absent("none"), "pass", "pass"),
        (["all"], "fail", "fail"),
        (["999988887777"], "pass", "fail"),
        (["111122223333"], "pass", "pass"),
        (Unread("AccessDenied", "rds:DescribeDBSnapshotAttributes"), "unknown", "unknown"),
    ],
)
def test_who_can_restore_a_snapshot(shared: object, public: str, apart: str) -> None:
    given = snapshot(shared)
    assert judge(rds_snapshots.snapshot_not_public, given).status == public
    check = rds_snapshots.snapshot_prod_not_shared_to_nonprod
    assert judge(check, given, production=[NUMBER, "111122223333"]).status == apart
    assert judge(check, given, production=["1"]).status == "not_applicable"


def test_snapshot_encrypted() -> None:
    check = rds_snapshots.snapshot_encrypted
    assert judge(check, snapshot([], Encrypted=True)).status == "pass"
    assert judge(check, snapshot([], StorageEncrypted=True)).status == "pass"
    assert judge(check, snapshot([])).status == "fail"


def page(kind: str, inner: str, more: str = "") -> Answer:
    marker = f"<Marker>{more}</Marker>" if more else ""
    return Answer(body=f"<R><{kind}Result>{inner}{marker}</{kind}Result></R>")


def row_of(number: int, group: str = "default.postgres16") -> str:
    return (
        f"<DBInstances><DBInstance><DBInstanceArn>{ARN}:db:{number}</DBInstanceArn>"
        "<Engine>postgres</Engine><EngineVersion>16.4</EngineVersion><DBParameterGroups>"
        f"<DBParameterGroup><DBParameterGroupName>{group}</DBParameterGroupName></DBParameterGroup>"
        "</DBParameterGroups></DBInstance></DBInstances>"
    )


def test_what_databases_share_is_asked_once_and_a_refusal_leaves_the_rest(double: Double) -> None:
    words = "User: arn:a is not authorized to perform: rds:DescribeDBClusters"
    kind = "DescribeDBInstances"
    double.script = {
        "Action=DescribeDBClusters": [error("AccessDenied", 403, words)],
        "Action=DescribeDBInstances": [
            page(kind, row_of(1), "2"),
            page(kind, row_of(2), "3"),
            page(kind, row_of(3, "own")),
        ],
        "Action=DescribeCertificates": [page("DescribeCertificates", "<Certificates/>")],
    }
    target = AwsConnection("prod", endpoint_url=double.url).open(caller()).within(REGION)
    found = list(rds.databases(target))
    lost = [each for each in found if isinstance(each, Unlisted)]
    assert {each.kind for each in lost} == {Cluster, ParameterGroup}
    assert {each.error.permission for each in lost} == {"rds:DescribeDBClusters"}
    assert [each.id[-1] for each in found if isinstance(each, Instance)] == ["1", "2", "3"]
    groups = [each.listed["Name"] for each in found if isinstance(each, ParameterGroup)]
    assert groups == ["default.postgres16", "own"]
    assert len([each for each in found if isinstance(each, EngineVersion)]) == 1
