"""Amazon VPC: links to the outside: site-to-site VPN, client VPN, transit gateways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from collectors import Resource, Scene, Verdict, criterion, fact, fails, passes
from collectors.aws.account import Account
from collectors.aws.ec2 import PAGE
from collectors.aws.target import AwsTarget
from collectors.aws.vpc import shared_by_another, vpc

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        ClientVpnEndpointTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        TransitGatewayTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        VpnConnectionTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )

WEAK: Final = ("SHA1", "2", "5", "22", "23", "24", "ikev1")
"""Hash, key exchange groups and protocol that RFC 8247 and RFC 8221 advise against."""

OPTIONS: Final = (
    "IkeVersions",
    "Phase1DHGroupNumbers",
    "Phase1IntegrityAlgorithms",
    "Phase2DHGroupNumbers",
    "Phase2IntegrityAlgorithms",
)
"""What a tunnel accepts; AWS accepts everything it knows where an option is not set."""

GONE: Final = frozenset({"deleted", "deleting"})


class VpnConnection(Resource["VpnConnectionTypeDef"], kind="aws.vpc.vpn_connection"):
    """A site-to-site VPN, without its shared keys."""

    @fact("ec2:DescribeVpnConnections")
    def tunnels(self, api: EC2Client) -> Mapping[str, str]:
        """Whether each tunnel is UP or DOWN, by its outside address; the listing answers it."""
        answer = api.describe_vpn_connections(VpnConnectionIds=[self.id])
        return _tunnels(answer["VpnConnections"][0])


class ClientVpn(Resource["ClientVpnEndpointTypeDef"], kind="aws.vpc.client_vpn"):
    """An endpoint that people's devices connect to."""


class TransitGateway(Resource["TransitGatewayTypeDef"], kind="aws.vpc.transit_gateway"):
    """A hub between networks, the account's own or a shared one."""


@vpc.resources(VpnConnection, permission="ec2:DescribeVpnConnections", per="region")
def vpn_connections(target: AwsTarget) -> Iterator[VpnConnection]:
    """The site-to-site VPNs of a region; AWS does not page them.

    The configuration for the customer's side is dropped: it holds the shared keys.
    """
    for row in target.pages("ec2", "describe_vpn_connections", "VpnConnections"):
        if row["State"] not in GONE:
            tunnels = _tunnels(row)
            listed: Any = _without_keys(row)
            yield VpnConnection(
                id=row["VpnConnectionId"], listed=listed, facts={"tunnels": tunnels}
            )


def _tunnels(row: Mapping[str, Any]) -> dict[str, str]:
    telemetry = row.get("VgwTelemetry", [])
    return {each.get("OutsideIpAddress", ""): each.get("Status", "") for each in telemetry}


def _without_keys(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without shared keys, and without what the tunnels' state adds by itself."""
    kept = {k: row[k] for k in row.keys() - {"CustomerGatewayConfiguration", "VgwTelemetry"}}
    if options := kept.get("Options"):
        tunnels = [
            {name: value for name, value in tunnel.items() if name != "PreSharedKey"}
            for tunnel in options.get("TunnelOptions", [])
        ]
        kept["Options"] = {**options, "TunnelOptions": tunnels}
    return kept


@vpc.resources(ClientVpn, permission="ec2:DescribeClientVpnEndpoints", per="region")
def client_vpns(target: AwsTarget) -> Iterator[ClientVpn]:
    """The client VPN endpoints of a region."""
    key = "ClientVpnEndpoints"
    for row in target.pages("ec2", "describe_client_vpn_endpoints", key, MaxResults=PAGE):
        if row.get("Status", {}).get("Code") not in GONE:
            yield ClientVpn(id=row["ClientVpnEndpointId"], listed=row)


@vpc.resources(TransitGateway, permission="ec2:DescribeTransitGateways", per="region")
def transit_gateways(target: AwsTarget) -> Iterator[TransitGateway]:
    """The transit gateways of a region that the account owns or shares."""
    key = "TransitGateways"
    for row in target.pages("ec2", "describe_transit_gateways", key, MaxResults=PAGE):
        if row["State"] not in GONE:
            yield TransitGateway(id=row["TransitGatewayId"], listed=row)


@vpc.check(
    VpnConnection,
    "medium",
    remediation="Set up the second tunnel on the customer gateway, and watch both.",
)
def vpn_tunnels_redundant(vpn: VpnConnection, scene: Scene) -> Verdict:
    """Both tunnels of the VPN connection are up."""
    del scene
    up = sum(status == "UP" for status in vpn.tunnels.values())
    return passes() if up >= 2 else fails(f"{up} of {len(vpn.tunnels)} tunnels up")


@vpc.check(
    VpnConnection,
    "medium",
    remediation="Set the tunnel options: IKEv2, SHA-2 and groups from 14 on, without 22 to 24.",
)
def vpn_strong_parameters(
    vpn: VpnConnection,
    scene: Scene,
    *,
    weak: tuple[str, ...] = criterion(WEAK, "algorithms, groups and protocols"),
) -> Verdict:
    """The VPN's tunnels accept neither weak hashes and groups nor IKEv1.

    An option that is not set accepts whatever AWS knows.
    """
    del scene
    tunnels: Sequence[Mapping[str, Any]] = vpn.listed.get("Options", {}).get("TunnelOptions", [])
    if not tunnels:
        return fails("accepts whatever AWS knows: no tunnel option is set")
    unset = {name for tunnel in tunnels for name in OPTIONS if not tunnel.get(name)}
    accepted = {
        f"{name} {value['Value']}"
        for tunnel in tunnels
        for name in OPTIONS
        for value in tunnel.get(name) or ()
        if str(value["Value"]) in weak
    }
    bad = sorted(accepted | {f"{name} not set" for name in unset})
    return fails(f"accepts {', '.join(bad)}") if bad else passes()


@vpc.check(
    ClientVpn,
    "medium",
    remediation="Turn on connection logging, and federated sign-in with a second factor.",
)
def client_vpn_logging_and_mfa(vpn: ClientVpn, scene: Scene) -> Verdict:
    """The client VPN logs its connections and asks for more than one proof.

    Federated sign-in leaves the second factor to the identity provider.
    """
    del scene
    kinds = {each.get("Type", "") for each in vpn.listed.get("AuthenticationOptions", [])}
    two = {"certificate-authentication", "directory-service-authentication"} <= kinds
    lacks = []
    if not vpn.listed.get("ConnectionLogOptions", {}).get("Enabled"):
        lacks.append("connections are not logged")
    if not two and "federated-authentication" not in kinds:
        lacks.append(f"{', '.join(sorted(kinds)) or 'nothing'} is all it asks for")
    return fails("; ".join(lacks)) if lacks else passes()


@vpc.check(
    TransitGateway,
    "medium",
    remediation="Turn off the automatic acceptance of attachments from other accounts.",
    also=(Account,),
)
def transit_gateway_no_auto_accept(gateway: TransitGateway, scene: Scene) -> Verdict:
    """Nobody joins the transit gateway without being accepted."""
    if other := shared_by_another(gateway.listed.get("OwnerId"), scene):
        return other
    setting = gateway.listed.get("Options", {}).get("AutoAcceptSharedAttachments", "not set")
    return passes() if setting == "disable" else fails(f"automatic acceptance is {setting}")
