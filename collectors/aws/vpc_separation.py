"""Amazon VPC: are internal networks, and production, kept apart from the rest?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

from collectors import (
    Cause,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.aws.ec2 import PAGE, tags_of
from collectors.aws.target import AwsTarget
from collectors.aws.vpc import RouteTable, Subnet, Vpc, vpc

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import (
        TransitGatewayAttachmentTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        VpcPeeringConnectionTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )


class Peering(Resource["VpcPeeringConnectionTypeDef"], kind="aws.vpc.peering"):
    """A connection between two networks; it is listed on both sides."""

    def others(self, network: str) -> Iterator[tuple[str, str]]:
        """Network and account on the other side of a network, while the connection is up."""
        sides = [self.listed["AccepterVpcInfo"], self.listed["RequesterVpcInfo"]]
        names = [(side.get("VpcId", ""), side.get("OwnerId", "")) for side in sides]
        if self.listed["Status"]["Code"] == "active" and network in {vpc for vpc, _ in names}:
            yield from (side for side in names if side[0] != network)


class Attachment(
    Resource["TransitGatewayAttachmentTypeDef"], kind="aws.vpc.transit_gateway_attachment"
):
    """What is attached to a transit gateway, as far as the account sees it."""

    @property
    def network(self) -> str:
        """The network that is attached now; empty for anything else."""
        up = self.listed["ResourceType"] == "vpc" and self.listed["State"] == "available"
        return self.listed["ResourceId"] if up else ""


@vpc.resources(Peering, permission="ec2:DescribeVpcPeeringConnections", per="region")
def peerings(target: AwsTarget) -> Iterator[Peering]:
    """All peering connections of a region."""
    key = "VpcPeeringConnections"
    for row in target.pages("ec2", "describe_vpc_peering_connections", key, MaxResults=PAGE):
        yield Peering(id=row["VpcPeeringConnectionId"], listed=row)


@vpc.resources(Attachment, permission="ec2:DescribeTransitGatewayAttachments", per="region")
def attachments(target: AwsTarget) -> Iterator[Attachment]:
    """All attachments to transit gateways in a region."""
    key = "TransitGatewayAttachments"
    for row in target.pages("ec2", "describe_transit_gateway_attachments", key, MaxResults=PAGE):
        yield Attachment(id=row["TransitGatewayAttachmentId"], listed=row)


@vpc.check(
    Subnet,
    "medium",
    remediation="Give the internal subnet a route table without a route to an internet gateway.",
    also=(RouteTable,),
)
def private_subnets_separate(
    subnet: Subnet,
    scene: Scene,
    *,
    tag: str = criterion("tier", "tag name"),
    internal: tuple[str, ...] = criterion("values of the tag that internal subnets have"),
) -> Verdict:
    """A subnet that is tagged as internal has no route to an internet gateway."""
    value = tags_of(subnet.listed).get(tag)
    if value not in internal:
        return not_applicable(f"not tagged as internal by {tag}")
    table = _table_of(subnet, scene)
    if table is None:
        return unknown(Cause.PARTIAL, "its route table is not shown to this account")
    gateways = {
        route.get("GatewayId", "")
        for route in table.listed.get("Routes", [])
        if route.get("State") != "blackhole"
    }
    found = sorted(name for name in gateways if name.startswith("igw-"))
    return fails(f"{table.id} leads to {', '.join(found)}") if found else passes()


def _table_of(subnet: Subnet, scene: Scene) -> RouteTable | None:
    """The subnet's own route table, else the main one of the same network."""
    main = None
    for table in scene.all(RouteTable, subnet.scope):
        for association in table.listed.get("Associations", []):
            if association.get("SubnetId") == subnet.id:
                return table
            if association.get("Main") and table.listed["VpcId"] == subnet.listed["VpcId"]:
                main = table
    return main


@vpc.check(
    RouteTable,
    "medium",
    remediation="Route to the peering connection only the ranges that are needed.",
)
def peering_routes_least(
    table: RouteTable,
    scene: Scene,
    *,
    ranges: tuple[str, ...] = criterion("address ranges, or ids of prefix lists"),
) -> Verdict:
    """Routes to peered networks are not wider than the ranges that were decided."""
    del scene
    routes = [r for r in table.listed.get("Routes", []) if r.get("VpcPeeringConnectionId")]
    if not routes:
        return not_applicable("no route to a peered network")
    allowed = [_network(text) for text in ranges if not text.startswith("pl-")]
    wide = [
        where
        for where in map(_destination, routes)
        if where not in ranges and not any(_inside(where, each) for each in allowed)
    ]
    return fails(f"wider than decided: {', '.join(sorted(wide))}") if wide else passes()


def _destination(route: Mapping[str, Any]) -> str:
    keys = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    return next((route[key] for key in keys if route.get(key)), "")


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise MalformedError(f"no address range: {text}") from None


def _inside(where: str, whole: IPv4Network | IPv6Network) -> bool:
    if where.startswith("pl-"):
        return False
    inner = _network(where)
    if isinstance(inner, IPv4Network) and isinstance(whole, IPv4Network):
        return inner.subnet_of(whole)
    if isinstance(inner, IPv6Network) and isinstance(whole, IPv6Network):
        return inner.subnet_of(whole)
    return False


@vpc.check(
    Vpc,
    "medium",
    remediation="Remove the connection, or accept it as an exception with its reason.",
    also=(Attachment, Peering),
)
def prod_nonprod_not_peered(
    network: Vpc,
    scene: Scene,
    *,
    production: tuple[str, ...] = criterion("VPC ids, or account numbers"),
) -> Verdict:
    """A network of production is joined with no other one, by peering or a transit gateway."""

    def produces(name: str, owner: str) -> bool:
        return name in production or owner in production

    if not produces(network.id, network.listed.get("OwnerId", "")):
        return not_applicable("not of production")
    peered = [
        side for peering in scene.all(Peering, network.scope) for side in peering.others(network.id)
    ]
    strangers = {
        f"{name} of {owner}"
        for name, owner in [*peered, *_beside(network, scene)]
        if not produces(name, owner)
    }
    return fails(f"joined with {', '.join(sorted(strangers))}") if strangers else passes()


def _beside(network: Vpc, scene: Scene) -> Iterator[tuple[str, str]]:
    """The networks that share a transit gateway with a network."""
    every = [each for each in scene.all(Attachment, network.scope) if each.network]
    gateways = {e.listed["TransitGatewayId"] for e in every if e.network == network.id}
    for each in every:
        if each.network != network.id and each.listed["TransitGatewayId"] in gateways:
            yield each.network, each.listed["ResourceOwnerId"]
