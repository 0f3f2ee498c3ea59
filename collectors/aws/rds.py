"""Amazon RDS: databases, what they run on and the settings they share; see also `rds_*`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from collectors import (
    CallError,
    Cause,
    Collector,
    FactUnknown,
    NotOfferedError,
    Resource,
    Scene,
    Unlisted,
    Unread,
    fact,
)
from collectors.aws.ec2 import tags_of
from collectors.aws.paging import rows
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_rds import RDSClient
    from mypy_boto3_rds.type_defs import (
        CertificateTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        DBClusterTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        DBInstanceTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )

rds = Collector("aws.rds", title="Amazon RDS databases and snapshots", reads_from="rds")

PAGE = 100
"""Rows a page, the most that RDS gives."""

TRANSPORT = {
    "aurora-mysql": "require_secure_transport",
    "aurora-postgresql": "rds.force_ssl",
    "docdb": "tls",
    "mariadb": "require_secure_transport",
    "mysql": "require_secure_transport",
    "neptune": "neptune_enforce_ssl",
    "postgres": "rds.force_ssl",
    "sqlserver": "rds.force_ssl",
}
"""The parameter by which a database refuses connections without TLS, by engine."""


class Database(TypedDict):
    """A version that databases of a region run."""

    Engine: str
    EngineVersion: str


class Group(TypedDict):
    """A parameter group that databases of a region use, and for which engine."""

    Name: str
    Engine: str
    OfCluster: bool


class Instance(Resource["DBInstanceTypeDef"], kind="aws.rds.instance"):
    """A database instance, alone or in a cluster; its id is its ARN."""

    volatile = ("listed.LatestRestorableTime", "listed.DBInstanceStatus")

    @property
    def engine(self) -> str:
        """Such as `postgres` or `aurora-mysql`."""
        return self.listed.get("Engine", "")

    @property
    def cluster_id(self) -> str:
        """The ARN of the cluster it is in; empty where it stands alone."""
        name = self.listed.get("DBClusterIdentifier")
        return f"{self.id.rsplit(':', 2)[0]}:cluster:{name}" if name else ""

    @property
    def replica_of(self) -> str:
        """What it is a read replica of."""
        return (
            self.listed.get("ReadReplicaSourceDBInstanceIdentifier")
            or self.listed.get("ReadReplicaSourceDBClusterIdentifier")
            or ""
        )


class Cluster(Resource["DBClusterTypeDef"], kind="aws.rds.cluster"):
    """A cluster: Aurora's, or of instances in several zones."""

    volatile = ("listed.EarliestRestorableTime", "listed.LatestRestorableTime", "listed.Status")


class ParameterGroup(Resource[Group], kind="aws.rds.parameter_group"):
    """The parameters of all databases of a region that share them."""

    @fact("rds:DescribeDBParameters", "rds:DescribeDBClusterParameters")
    def transport(self, api: RDSClient) -> str | None:
        """The value of the parameter that demands TLS; None for an engine that has none."""
        wanted = by_engine(TRANSPORT, self.listed["Engine"])
        if not wanted:
            return None
        named = [{"Name": "parameter-name", "Values": [wanted]}]
        if self.listed["OfCluster"]:
            found = rows(
                api.describe_db_cluster_parameters,
                "Parameters",
                DBClusterParameterGroupName=self.listed["Name"],
                Filters=named,
            )
        else:
            found = rows(
                api.describe_db_parameters,
                "Parameters",
                DBParameterGroupName=self.listed["Name"],
                Filters=named,
            )
        values = [row.get("ParameterValue") for row in found if row["ParameterName"] == wanted]
        return values[0] or "not set" if values else "not set"


class EngineVersion(Resource[Database], kind="aws.rds.engine_version"):
    """A version in use, and what RDS says of it."""

    @fact("rds:DescribeDBEngineVersions")
    def offered(self, api: RDSClient) -> str | None:
        """`available` or `deprecated`; None where RDS no longer lists it."""
        answer = api.describe_db_engine_versions(**self.listed, IncludeAll=True)
        return next((row.get("Status", "") for row in answer["DBEngineVersions"]), None)

    @fact("rds:DescribeDBMajorEngineVersions", absent="InvalidParameterValue")
    def standard_support_ends(self, api: RDSClient) -> str | None:
        """When the community's support ends, as RDS tells for open-source engines."""
        version = self.listed["EngineVersion"]
        listed = rows(
            api.describe_db_major_engine_versions,
            "DBMajorEngineVersions",
            Engine=self.listed["Engine"],
        )
        for row in listed:
            major = row.get("MajorEngineVersion", "")
            if version == major or version.startswith(f"{major}."):
                return _standard(row.get("SupportedEngineLifecycles", []))
        return None


class Certificate(Resource["CertificateTypeDef"], kind="aws.rds.certificate"):
    """A certificate authority of RDS in a region."""


def _standard(lifecycles: Sequence[Mapping[str, Any]]) -> str | None:
    for row in lifecycles:
        if row.get("LifecycleSupportName") == "open-source-rds-standard-support":
            return str(row["LifecycleSupportEndDate"])
    return None


@rds.resources(
    Cluster,
    Instance,
    ParameterGroup,
    EngineVersion,
    Certificate,
    permission=("rds:DescribeDBClusters", "rds:DescribeDBInstances", "rds:DescribeCertificates"),
    per="region",
)
def databases(
    target: AwsTarget,
) -> Iterator[Cluster | Instance | ParameterGroup | EngineVersion | Certificate | Unlisted]:
    """The clusters and instances of a region, then what those have in common, once each."""
    groups: dict[str, ParameterGroup] = {}
    versions: dict[str, EngineVersion] = {}
    try:
        for row in target.pages("rds", "describe_db_clusters", "DBClusters", MaxRecords=PAGE):
            cluster = Cluster(id=row["DBClusterArn"], scope=target.scope, listed=row)
            groups |= _groups_of_cluster(cluster)
            yield cluster
    except NotOfferedError:
        raise
    except CallError as error:
        yield Unlisted(Cluster, error)
        yield Unlisted(ParameterGroup, error)
    try:
        for row in target.pages("rds", "describe_db_instances", "DBInstances", MaxRecords=PAGE):
            instance = Instance(id=row["DBInstanceArn"], scope=target.scope, listed=row)
            groups |= _groups_of_instance(instance)
            versions |= _version_of(instance)
            yield instance
    except CallError as error:
        for kind in (Instance, ParameterGroup, EngineVersion, Certificate):
            yield Unlisted(kind, error)
    yield from groups.values()
    yield from versions.values()
    if versions:
        yield from _certificates(target)


def _certificates(target: AwsTarget) -> Iterator[Certificate | Unlisted]:
    """The authorities, where there is a database that one may have signed for."""
    try:
        for row in target.pages("rds", "describe_certificates", "Certificates", MaxRecords=PAGE):
            yield Certificate(id=row["CertificateArn"], listed=row)
    except CallError as error:
        yield Unlisted(Certificate, error)


def _groups_of_cluster(cluster: Cluster) -> dict[str, ParameterGroup]:
    name = cluster.listed.get("DBClusterParameterGroup")
    if not name:
        return {}
    arn = f"{cluster.id.rsplit(':', 2)[0]}:cluster-pg:{name}"
    listed = Group(Name=name, Engine=cluster.listed.get("Engine", ""), OfCluster=True)
    return {arn: ParameterGroup(id=arn, listed=listed)}


def _groups_of_instance(instance: Instance) -> dict[str, ParameterGroup]:
    """The groups of an instance that stands alone; in a cluster, the cluster's demands TLS."""
    if instance.cluster_id:
        return {}
    found = {}
    for row in instance.listed.get("DBParameterGroups", []):
        arn = f"{instance.id.rsplit(':', 2)[0]}:pg:{row['DBParameterGroupName']}"
        listed = Group(Name=row["DBParameterGroupName"], Engine=instance.engine, OfCluster=False)
        found[arn] = ParameterGroup(id=arn, listed=listed)
    return found


def version_id(instance: Instance) -> str:
    """The id of the version that an instance runs."""
    return f"{instance.scope}/{instance.engine}/{instance.listed.get('EngineVersion', '')}"


def _version_of(instance: Instance) -> dict[str, EngineVersion]:
    listed = Database(
        Engine=instance.engine, EngineVersion=instance.listed.get("EngineVersion", "")
    )
    found = version_id(instance)
    return {found: EngineVersion(id=found, listed=listed)}


def by_engine(table: Mapping[str, str], engine: str) -> str:
    """What a table says of an engine or its family (`sqlserver` of `sqlserver-ee`); else empty."""
    return table.get(engine) or table.get(engine.partition("-")[0], "")


def cluster_of(instance: Instance, scene: Scene) -> Cluster | None:
    """The cluster an instance is in; None where it stands alone.

    Raises:
        FactUnknown: clusters could not be listed, or this one was not among them.
    """
    if not instance.cluster_id:
        return None
    found = scene.one(Cluster, instance.cluster_id, instance.scope)
    if found is None:
        raise FactUnknown(Unread("its cluster was not listed", "", Cause.PARTIAL))
    return found


def carries(listed: Mapping[str, Any], tags: Sequence[str]) -> bool:
    """Whether a database has one of the tags, which are written `name=value`."""
    own = tags_of({"Tags": listed.get("TagList")})
    return any(f"{name}={value}" in tags for name, value in own.items())
