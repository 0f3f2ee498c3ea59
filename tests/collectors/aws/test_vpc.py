"""AWS VPC: the checks on hand-made documents, and what is dropped of a VPN."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors import Cause, Resource, Unread
from collectors.aws import AwsConnection
from collectors.aws import vpc as networks
from collectors.aws import vpc_links as links
from collectors.aws import vpc_separation as separation
from collectors.aws.account import Account
from collectors.aws.vpc import Endpoint, FlowLog, RouteTable, Subnet, Vpc
from collectors.aws.vpc_links import WEAK, ClientVpn, TransitGateway, VpnConnection
from collectors.aws.vpc_separation import Attachment, Peering
from collectors.documents import document_of
from collectors.testing import judge
from tests.collectors.aws.double import Answer, Double, caller

NUMBER = "123456789012"
REGION = "eu-central-1"
HOLDER = Account(id=NUMBER, listed={"Account": NUMBER})


def made(kind: Any, name: str, *, scope: str = REGION, **listed: Any) -> Any:
    return kind(id=name, scope=scope, listed=listed)


def network(name: str = "vpc-1", **listed: Any) -> Vpc:
    found: Vpc = made(Vpc, name, **{"VpcId": name, "OwnerId": NUMBER, **listed})
    return found


def log(**listed: Any) -> FlowLog:
    row = {"ResourceId": "vpc-1", "FlowLogStatus": "ACTIVE", "TrafficType": "ALL", **listed}
    found: FlowLog = made(FlowLog, "fl-1", **row)
    return found


@pytest.mark.parametrize(
    ("logs", "status", "because"),
    [
        ([log()], "pass", ""),
        ([log(TrafficType="REJECT")], "pass", ""),
        ([log(TrafficType="ACCEPT")], "fail", "its flow log takes accepted traffic only"),
        ([log(FlowLogStatus="INACTIVE")], "fail", "no active flow log"),
        ([log(ResourceId="subnet-1")], "fail", "no active flow log"),
        ([log(DeliverLogsStatus="FAILED")], "fail", "its flow log cannot deliver what it records"),
        ([], "fail", "no active flow log"),
    ],
)
def test_flow_logs_enabled(logs: list[FlowLog], status: str, because: str) -> None:
    verdict = judge(networks.flow_logs_enabled, network(), HOLDER, *logs)
    assert (verdict.status, verdict.because) == (status, because)


def test_a_flow_log_of_another_region_does_not_count() -> None:
    elsewhere = made(FlowLog, "fl-1", scope="us-east-1", **log().listed)
    assert judge(networks.flow_logs_enabled, network(), HOLDER, elsewhere).status == "fail"


def test_what_another_account_shares_is_judged_in_that_account() -> None:
    shared = network(OwnerId="999988887777")
    verdict = judge(networks.flow_logs_enabled, shared, HOLDER)
    assert (verdict.status, verdict.because) == (
        "not_applicable",
        "belongs to account 999988887777",
    )
    gateway = made(TransitGateway, "tgw-1", OwnerId="999988887777")
    assert judge(links.transit_gateway_no_auto_accept, gateway, HOLDER).status == "not_applicable"
    without = judge(networks.flow_logs_enabled, network())
    assert (without.status, without.cause) == ("unknown", Cause.PARTIAL)


def subnet(**listed: Any) -> Subnet:
    found: Subnet = made(Subnet, "subnet-1", **{"VpcId": "vpc-1", **listed})
    return found


def tier(value: str) -> list[dict[str, str]]:
    return [{"Key": "tier", "Value": value}]


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ({"MapPublicIpOnLaunch": False}, "pass"),
        ({"MapPublicIpOnLaunch": True}, "fail"),
        ({"MapPublicIpOnLaunch": True, "Tags": tier("public")}, "pass"),
        ({"MapPublicIpOnLaunch": True, "Tags": tier("internal")}, "fail"),
    ],
)
def test_subnet_no_auto_public_ip(listed: dict[str, Any], status: str) -> None:
    assert judge(networks.subnet_no_auto_public_ip, subnet(**listed)).status == status


@pytest.mark.parametrize(
    ("default", "used", "status"),
    [
        (True, False, "pass"),
        (True, True, "fail"),
        (False, True, "not_applicable"),
        (True, Unread("UnauthorizedOperation", "ec2:DescribeNetworkInterfaces"), "unknown"),
    ],
)
def test_default_vpc_unused(default: bool, used: object, status: str) -> None:
    vpc = Vpc(id="vpc-1", scope=REGION, listed={"IsDefault": default}, facts={"in_use": used})
    assert judge(networks.default_vpc_unused, vpc).status == status


def policy(**statement: Any) -> str:
    whole = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*", **statement}
    return json.dumps({"Statement": [whole]})


def endpoint(service: str, document: str, state: str = "available") -> Endpoint:
    found: Endpoint = made(
        Endpoint,
        f"vpce-{service}",
        VpcEndpointId=f"vpce-{service}",
        VpcId="vpc-1",
        ServiceName=f"com.amazonaws.{REGION}.{service}",
        State=state,
        PolicyDocument=document,
    )
    return found


NARROW = policy(Resource="arn:aws:s3:::acme-*")
DENIES = json.dumps(
    {
        "Statement": [
            *json.loads(policy())["Statement"],
            {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*", "Condition": {}},
        ]
    }
)


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        ([endpoint("s3", NARROW), endpoint("dynamodb", NARROW)], "pass", ""),
        ([endpoint("s3", DENIES), endpoint("dynamodb", NARROW)], "pass", ""),
        ([endpoint("s3", NARROW)], "fail", "no endpoint for dynamodb"),
        (
            [endpoint("s3", policy()), endpoint("dynamodb", NARROW)],
            "fail",
            "vpce-s3 for s3 leaves all of it open",
        ),
        (
            [endpoint("s3", policy(Action="s3:*")), endpoint("dynamodb", NARROW)],
            "fail",
            "vpce-s3 for s3 leaves all of it open",
        ),
        (
            [endpoint("s3", NARROW, "pending"), endpoint("dynamodb", NARROW)],
            "fail",
            "no endpoint for s3",
        ),
    ],
)
def test_gateway_endpoints_used(found: list[Endpoint], status: str, because: str) -> None:
    verdict = judge(networks.gateway_endpoints_used, network(), HOLDER, subnet(), *found)
    assert (verdict.status, verdict.because) == (status, because)
    empty = judge(networks.gateway_endpoints_used, network(), HOLDER, *found)
    assert empty.status == "not_applicable"


def table(name: str, *routes: dict[str, str], vpc: str = "vpc-1", **association: Any) -> RouteTable:
    found: RouteTable = made(
        RouteTable, name, VpcId=vpc, Routes=list(routes), Associations=[association]
    )
    return found


OUT = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}
MAIN_OPEN = table("rtb-main", OUT, Main=True)
OWN = {"SubnetId": "subnet-1"}


@pytest.mark.parametrize(
    ("tables", "status", "because"),
    [
        ([table("rtb-own", **OWN), MAIN_OPEN], "pass", ""),
        ([MAIN_OPEN], "fail", "rtb-main leads to igw-1"),
        ([table("rtb-own", OUT, **OWN)], "fail", "rtb-own leads to igw-1"),
        ([table("rtb-own", OUT | {"State": "blackhole"}, **OWN)], "pass", ""),
        ([table("rtb-own", OUT | {"GatewayId": "local"}, **OWN)], "pass", ""),
        (
            [table("rtb-other", OUT, vpc="vpc-2", Main=True)],
            "unknown",
            "its route table is not shown to this account",
        ),
        ([table("rtb-other", OUT, vpc="vpc-2", Main=True), table("m", Main=True)], "pass", ""),
    ],
)
def test_private_subnets_separate(tables: list[RouteTable], status: str, because: str) -> None:
    check = separation.private_subnets_separate
    verdict = judge(check, subnet(Tags=tier("data")), *tables, internal=["data"])
    assert (verdict.status, verdict.because) == (status, because)
    assert judge(check, subnet(), *tables, internal=["data"]).status == "not_applicable"


def to_peer(destination: str, key: str = "DestinationCidrBlock") -> dict[str, str]:
    return {key: destination, "VpcPeeringConnectionId": "pcx-1"}


@pytest.mark.parametrize(
    ("routes", "ranges", "status", "because"),
    [
        ([OUT], [], "not_applicable", "no route to a peered network"),
        ([to_peer("10.1.2.0/24")], ["10.1.0.0/16"], "pass", ""),
        ([to_peer("10.0.0.0/8")], ["10.1.0.0/16"], "fail", "wider than decided: 10.0.0.0/8"),
        (
            [to_peer("fd00::/8", "DestinationIpv6CidrBlock")],
            ["10.0.0.0/8", "fd00::/16"],
            "fail",
            "wider than decided: fd00::/8",
        ),
        ([to_peer("fd00::/24", "DestinationIpv6CidrBlock")], ["fd00::/16"], "pass", ""),
        ([to_peer("pl-1", "DestinationPrefixListId")], ["pl-1"], "pass", ""),
        ([to_peer("pl-1", "DestinationPrefixListId")], ["0.0.0.0/0"], "fail", None),
        ([to_peer("10.1.2.0/24")], ["ten"], "unknown", "no address range: ten"),
    ],
)
def test_peering_routes_least(
    routes: list[dict[str, str]], ranges: list[str], status: str, because: str | None
) -> None:
    verdict = judge(separation.peering_routes_least, table("rtb-1", *routes), ranges=ranges)
    assert verdict.status == status
    assert because is None or verdict.because == because


def peering(other: str = "vpc-2", owner: str = NUMBER, code: str = "active") -> Peering:
    found: Peering = made(
        Peering,
        "pcx-1",
        RequesterVpcInfo={"VpcId": "vpc-1", "OwnerId": NUMBER},
        AccepterVpcInfo={"VpcId": other, "OwnerId": owner},
        Status={"Code": code},
    )
    return found


def attachment(name: str, gateway: str = "tgw-1", state: str = "available") -> Attachment:
    found: Attachment = made(
        Attachment,
        f"tgw-attach-{name}",
        TransitGatewayId=gateway,
        ResourceType="vpc",
        ResourceId=name,
        ResourceOwnerId=NUMBER,
        State=state,
    )
    return found


@pytest.mark.parametrize(
    ("others", "production", "status", "because"),
    [
        ([], ["vpc-1"], "pass", ""),
        ([peering()], ["vpc-9"], "not_applicable", "not of production"),
        ([peering()], ["vpc-1"], "fail", f"joined with vpc-2 of {NUMBER}"),
        ([peering()], ["vpc-1", "vpc-2"], "pass", ""),
        ([peering(owner="777788889999")], [NUMBER], "fail", "joined with vpc-2 of 777788889999"),
        ([peering(owner="777788889999")], [NUMBER, "777788889999"], "pass", ""),
        ([peering(code="deleted")], ["vpc-1"], "pass", ""),
        (
            [attachment("vpc-1"), attachment("vpc-2")],
            ["vpc-1"],
            "fail",
            f"joined with vpc-2 of {NUMBER}",
        ),
        ([attachment("vpc-1"), attachment("vpc-2", "tgw-2")], ["vpc-1"], "pass", ""),
        ([attachment("vpc-1"), attachment("vpc-2", state="deleted")], ["vpc-1"], "pass", ""),
    ],
)
def test_prod_nonprod_not_peered(
    others: list[Resource[Any]], production: list[str], status: str, because: str
) -> None:
    check = separation.prod_nonprod_not_peered
    verdict = judge(check, network(), *others, production=production)
    assert (verdict.status, verdict.because) == (status, because)


@pytest.mark.parametrize(
    ("states", "status", "because"),
    [
        (["UP", "UP"], "pass", ""),
        (["UP", "DOWN"], "fail", "1 of 2 tunnels up"),
        ([], "fail", "0 of 0 tunnels up"),
    ],
)
def test_vpn_tunnels_redundant(states: list[str], status: str, because: str) -> None:
    tunnels = {f"198.51.100.{number}": state for number, state in enumerate(states)}
    vpn = VpnConnection(id="vpn-1", scope=REGION, listed={}, facts={"tunnels": tunnels})
    verdict = judge(links.vpn_tunnels_redundant, vpn)
    assert (verdict.status, verdict.because) == (status, because)


STRONG: dict[str, Any] = {
    "IkeVersions": [{"Value": "ikev2"}],
    "Phase1DHGroupNumbers": [{"Value": 14}, {"Value": 20}],
    "Phase2DHGroupNumbers": [{"Value": 20}],
    "Phase1IntegrityAlgorithms": [{"Value": "SHA2-256"}],
    "Phase2IntegrityAlgorithms": [{"Value": "SHA2-256"}],
}


@pytest.mark.parametrize(
    ("tunnels", "status", "because"),
    [
        ([STRONG, STRONG], "pass", ""),
        ([STRONG, STRONG | {"IkeVersions": [{"Value": "ikev1"}]}], "fail", "IkeVersions ikev1"),
        ([STRONG | {"Phase1DHGroupNumbers": [{"Value": 2}]}], "fail", "Phase1DHGroupNumbers 2"),
        (
            [{k: v for k, v in STRONG.items() if k != "Phase2IntegrityAlgorithms"}],
            "fail",
            "Phase2IntegrityAlgorithms not set",
        ),
        ([], "fail", "no tunnel option is set"),
    ],
)
def test_vpn_strong_parameters(tunnels: list[dict[str, Any]], status: str, because: str) -> None:
    vpn = made(VpnConnection, "vpn-1", Options={"TunnelOptions": tunnels})
    verdict = judge(links.vpn_strong_parameters, vpn)
    assert verdict.status == status
    assert because in verdict.because
    assert "SHA1" in WEAK


@pytest.mark.parametrize(
    ("logged", "kinds", "status"),
    [
        (True, ["federated-authentication"], "pass"),
        (True, ["certificate-authentication", "directory-service-authentication"], "pass"),
        (True, ["certificate-authentication"], "fail"),
        (True, ["directory-service-authentication"], "fail"),
        (False, ["federated-authentication"], "fail"),
    ],
)
def test_client_vpn_logging_and_mfa(logged: bool, kinds: list[str], status: str) -> None:
    vpn = made(
        ClientVpn,
        "cvpn-1",
        ConnectionLogOptions={"Enabled": logged},
        AuthenticationOptions=[{"Type": kind} for kind in kinds],
    )
    assert judge(links.client_vpn_logging_and_mfa, vpn).status == status


@pytest.mark.parametrize(
    ("setting", "status"), [("disable", "pass"), ("enable", "fail"), (None, "fail")]
)
def test_transit_gateway_no_auto_accept(setting: str | None, status: str) -> None:
    options = {"AutoAcceptSharedAttachments": setting} if setting else {}
    gateway = made(TransitGateway, "tgw-1", OwnerId=NUMBER, Options=options)
    assert judge(links.transit_gateway_no_auto_accept, gateway, HOLDER).status == status


def test_shared_keys_of_a_vpn_are_dropped_before_anything_sees_them(double: Double) -> None:
    row = (
        "<item><vpnConnectionId>vpn-1</vpnConnectionId><state>available</state>"
        "<customerGatewayConfiguration>canary-key</customerGatewayConfiguration>"
        "<options><tunnelOptionSet><item><preSharedKey>canary-key</preSharedKey>"
        "<outsideIpAddress>198.51.100.1</outsideIpAddress></item></tunnelOptionSet></options>"
        "<vgwTelemetry><item><outsideIpAddress>198.51.100.1</outsideIpAddress>"
        "<status>UP</status><lastStatusChange>2026-11-01T00:00:00Z</lastStatusChange></item>"
        "</vgwTelemetry></item>"
        "<item><vpnConnectionId>vpn-2</vpnConnectionId><state>deleted</state></item>"
    )
    body = f"<R><vpnConnectionSet>{row}</vpnConnectionSet></R>"
    double.script = {"DescribeVpnConnections": [Answer(body=body)]}
    target = AwsConnection("prod", endpoint_url=double.url).open(caller()).within(REGION)
    found = list(links.vpn_connections(target))
    assert [vpn.id for vpn in found] == ["vpn-1"]
    assert found[0].tunnels == {"198.51.100.1": "UP"}
    text = json.dumps(document_of(found[0]))
    assert "canary-key" not in text
    assert "198.51.100.1" in text
    assert "2026-11-01" not in text
