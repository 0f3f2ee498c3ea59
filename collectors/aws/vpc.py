"""Amazon VPC: networks, subnets, routes and what records their traffic; see also `vpc_*`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from collectors import (
    Collector,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
)
from collectors.aws.account import Account, account_of
from collectors.aws.ec2 import PAGE, tags_of
from collectors.aws.policies import statements
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        FlowLogTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        RouteTableTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        SubnetTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        VpcEndpointTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        VpcTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )

vpc = Collector("aws.vpc", title="Amazon VPC networks and what joins them", reads_from="ec2")

RECORDED = frozenset({"ALL", "REJECT"})


class Vpc(Resource["VpcTypeDef"], kind="aws.vpc.vpc"):
    """A network: the account's own, or one that another account shares with it."""

    @fact("ec2:DescribeNetworkInterfaces")
    def in_use(self, api: EC2Client) -> bool | None:
        """Whether a default VPC holds a network interface; others are not asked for."""
        if not self.listed.get("IsDefault"):
            return None
        answer = api.describe_network_interfaces(
            Filters=[{"Name": "vpc-id", "Values": [self.id]}], MaxResults=5
        )
        return bool(answer["NetworkInterfaces"] or answer.get("NextToken"))


class Subnet(Resource["SubnetTypeDef"], kind="aws.vpc.subnet"):
    """A subnet, perhaps shared by another account."""


class RouteTable(Resource["RouteTableTypeDef"], kind="aws.vpc.route_table"):
    """A route table with its routes and subnets."""


class FlowLog(Resource["FlowLogTypeDef"], kind="aws.vpc.flow_log"):
    """A record of the traffic of a network, a subnet or an interface."""


class Endpoint(Resource["VpcEndpointTypeDef"], kind="aws.vpc.endpoint"):
    """A way from a network to a service that does not pass the internet."""


@vpc.resources(Vpc, permission="ec2:DescribeVpcs", per="region")
def vpcs(target: AwsTarget) -> Iterator[Vpc]:
    """All networks of a region."""
    for row in target.pages("ec2", "describe_vpcs", "Vpcs", MaxResults=PAGE):
        yield Vpc(id=row["VpcId"], listed=row)


@vpc.resources(Subnet, permission="ec2:DescribeSubnets", per="region")
def subnets(target: AwsTarget) -> Iterator[Subnet]:
    """All subnets of a region; how many addresses are free moves by itself and is left out."""
    for row in target.pages("ec2", "describe_subnets", "Subnets", MaxResults=PAGE):
        row.pop("AvailableIpAddressCount", None)
        yield Subnet(id=row["SubnetId"], listed=row)


@vpc.resources(RouteTable, permission="ec2:DescribeRouteTables", per="region")
def route_tables(target: AwsTarget) -> Iterator[RouteTable]:
    """All route tables of a region, a hundred a page."""
    for row in target.pages("ec2", "describe_route_tables", "RouteTables", MaxResults=100):
        yield RouteTable(id=row["RouteTableId"], listed=row)


@vpc.resources(FlowLog, permission="ec2:DescribeFlowLogs", per="region")
def flow_logs(target: AwsTarget) -> Iterator[FlowLog]:
    """All flow logs of a region."""
    for row in target.pages("ec2", "describe_flow_logs", "FlowLogs", MaxResults=PAGE):
        yield FlowLog(id=row["FlowLogId"], listed=row)


@vpc.resources(Endpoint, permission="ec2:DescribeVpcEndpoints", per="region")
def endpoints(target: AwsTarget) -> Iterator[Endpoint]:
    """All endpoints of a region."""
    for row in target.pages("ec2", "describe_vpc_endpoints", "VpcEndpoints", MaxResults=PAGE):
        yield Endpoint(id=row["VpcEndpointId"], listed=row)


def shared_by_another(owner: str | None, scene: Scene) -> Verdict | None:
    """Not applicable for what belongs to another account: that account's sweep judges it."""
    if owner in {None, account_of(scene).id}:
        return None
    return not_applicable(f"belongs to account {owner}")


@vpc.check(
    Vpc,
    "medium",
    remediation="Create a flow log for the VPC that takes rejected traffic at least.",
    also=(Account, FlowLog),
)
def flow_logs_enabled(network: Vpc, scene: Scene) -> Verdict:
    """Traffic of the network leaves a trace: an active flow log takes all or rejected traffic.

    Flow logs of single subnets and interfaces do not count.
    """
    if other := shared_by_another(network.listed.get("OwnerId"), scene):
        return other
    logs = [
        log.listed
        for log in scene.all(FlowLog, network.scope)
        if log.listed.get("ResourceId") == network.id and log.listed["FlowLogStatus"] == "ACTIVE"
    ]
    taking = [log for log in logs if log.get("TrafficType") in RECORDED]
    if any(log.get("DeliverLogsStatus") != "FAILED" for log in taking):
        return passes()
    if taking:
        return fails("its flow log cannot deliver what it records")
    return fails("its flow log takes accepted traffic only" if logs else "no active flow log")


@vpc.check(
    Subnet,
    "medium",
    remediation="Turn off automatic public addresses of the subnet, or tag it as public.",
)
def subnet_no_auto_public_ip(
    subnet: Subnet,
    scene: Scene,
    *,
    tag: str = criterion("tier", "tag name"),
    value: str = criterion("public", "tag value"),
) -> Verdict:
    """Only subnets that are tagged as public give public addresses to whatever starts in them."""
    del scene
    if not subnet.listed.get("MapPublicIpOnLaunch"):
        return passes()
    if tags_of(subnet.listed).get(tag) == value:
        return passes(f"tagged {tag} = {value}")
    return fails(f"gives public addresses without the tag {tag} = {value}")


@vpc.check(
    Vpc,
    "low",
    remediation="Move what is in the default VPC into a network of your own design.",
)
def default_vpc_unused(network: Vpc, scene: Scene) -> Verdict:
    """The default network that AWS makes in each region holds nothing."""
    del scene
    if not network.listed.get("IsDefault"):
        return not_applicable("not a default VPC")
    return fails("it holds network interfaces") if network.in_use else passes()


@vpc.check(
    Vpc,
    "low",
    remediation="Create endpoints for the services, with a policy that names what may be reached.",
    also=(Account, Endpoint, Subnet),
)
def gateway_endpoints_used(
    network: Vpc,
    scene: Scene,
    *,
    services: tuple[str, ...] = criterion(("s3", "dynamodb"), "service names"),
) -> Verdict:
    """The network reaches storage services by endpoints with a policy, not by the internet."""
    if other := shared_by_another(network.listed.get("OwnerId"), scene):
        return other
    if not any(s.listed["VpcId"] == network.id for s in scene.all(Subnet, network.scope)):
        return not_applicable("it has no subnets")
    here = [e for e in scene.all(Endpoint, network.scope) if e.listed["VpcId"] == network.id]
    bad = [reason for service in services if (reason := _lacking(service, here))]
    return fails("; ".join(bad)) if bad else passes()


def _lacking(service: str, endpoints: Sequence[Endpoint]) -> str:
    """What is wrong with a network's endpoints for a service; empty if nothing is."""
    own = [
        endpoint.listed
        for endpoint in endpoints
        if endpoint.listed["ServiceName"].endswith(f".{service}")
        and endpoint.listed["State"].lower() == "available"
    ]
    if not own:
        return f"no endpoint for {service}"
    open_ones = [row["VpcEndpointId"] for row in own if _open(row.get("PolicyDocument"), service)]
    return f"{', '.join(open_ones)} for {service} leaves all of it open" if open_ones else ""


def _open(policy: str | None, service: str) -> bool:
    """Whether an endpoint's policy leaves the whole service open; without one, AWS's own does.

    A policy that allows everything and denies something is taken as restrictive.
    """
    if not policy:
        return True
    written = statements(policy)
    return all(statement.allow for statement in written) and any(
        not statement.conditions
        and statement.covers_action(f"{service}:*")
        and statement.covers_resource("*")
        for statement in written
    )
