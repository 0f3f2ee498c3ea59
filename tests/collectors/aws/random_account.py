"""Accounts made by chance in the simulated AWS, with every verdict known from how they were made.

    account = RandomAccount(url, seed=7, regions=("eu-central-1", "us-east-1"), size=3)
    account.make(ec2_disks, ec2_defaults)
    account.expected  # {(check id, resource id): status}
    account.bound     # the criteria those verdicts were made for
    account.least     # the fewest requests that read it, by operation

A maker is a function of the account that builds resources of one service in every region. Write
one beside the service's tests, or here where benchmarks use it too, and give it to `make`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import boto3
from botocore.config import Config

NUMBER = "123456789012"
"""The account that moto gives to a credential it has not made."""


@dataclass
class RandomAccount:
    """An account under construction.

    Attributes:
        url: the simulation's address.
        seed: equal seeds make equal accounts, but for the ids that the simulation gives.
        regions: where resources are made; the first one is the account's own.
        size: how many resources of a kind a region gets.
        number: the account's number; another one than moto's own is reached by a role.
        expected: the status of each finding that was built, by check and resource.
        bound: the criteria that the verdicts were made for, by check.
        least: the fewest requests that can read what was made, by operation.
    """

    url: str
    seed: int
    regions: tuple[str, ...] = ("us-east-1", "eu-central-1")
    size: int = 3
    number: str = NUMBER
    expected: dict[tuple[str, str], str] = field(default_factory=dict)
    bound: dict[str, dict[str, object]] = field(default_factory=dict)
    least: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311 - no secret is made

    def make(self, *makers: Callable[[RandomAccount], None]) -> RandomAccount:
        """Build the resources of these services; gives itself."""
        for maker in makers:
            maker(self)
        return self

    def client(self, service: str, region: str) -> Any:
        """A client that writes to the account."""
        return _client(self.url, self.number, service, region)

    def places(self) -> Iterator[tuple[str, Any]]:
        """Each region with its EC2 client."""
        for region in self.regions:
            yield region, self.client("ec2", region)

    def flip(self, share: float = 0.5) -> bool:
        """True by chance, in that share of cases."""
        return self.chance.random() < share

    def expect(self, check: str, resource: str, good: bool | str) -> None:
        """What a check must find of a resource: true and false are pass and fail."""
        status = good if isinstance(good, str) else "pass" if good else "fail"
        self.expected[check, resource] = status

    def pages(self, operation: str, rows: int, page: int = 1000) -> None:
        """Count the requests of one listing in one region: one at least, even of nothing."""
        self.least[operation] += max(1, -(-rows // page))


@cache
def _session() -> Any:
    """One session: it keeps the service descriptions it has read."""
    return boto3.Session(aws_access_key_id="AKIAMAKER", aws_secret_access_key="x")


@cache
def _client(url: str, number: str, service: str, region: str) -> Any:
    own = {}
    if number != NUMBER:
        sts = _client(url, NUMBER, "sts", "us-east-1")
        given = sts.assume_role(RoleArn=f"arn:aws:iam::{number}:role/maker", RoleSessionName="m")
        own = {
            "aws_access_key_id": given["Credentials"]["AccessKeyId"],
            "aws_secret_access_key": given["Credentials"]["SecretAccessKey"],
            "aws_session_token": given["Credentials"]["SessionToken"],
        }
    config = Config(retries={"total_max_attempts": 1})
    return _session().client(service, region_name=region, endpoint_url=url, config=config, **own)


def ec2_defaults(account: RandomAccount) -> None:
    """What EC2 does in each region unless a resource says otherwise."""
    for region, api in account.places():
        blocked = account.chance.choice(["block-all-sharing", "block-new-sharing", "unblocked"])
        good = {
            "aws.ec2.ebs_default_encryption": account.flip(),
            "aws.ec2.image_block_public_access": account.flip(),
            "aws.ec2.imdsv2_account_default": account.flip(),
            "aws.ec2.serial_console_disabled": account.flip(),
            "aws.ec2.snapshot_block_public_access": blocked == "block-all-sharing",
        }
        if good["aws.ec2.ebs_default_encryption"]:
            api.enable_ebs_encryption_by_default()
        if good["aws.ec2.image_block_public_access"]:
            api.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
        if good["aws.ec2.imdsv2_account_default"]:
            api.modify_instance_metadata_defaults(HttpTokens="required")
        if not good["aws.ec2.serial_console_disabled"]:
            api.enable_serial_console_access()
        if blocked != "unblocked":
            api.enable_snapshot_block_public_access(State=blocked)
        for check, holds in good.items():
            account.expect(check, region, holds)
        for operation in (
            "GetEbsEncryptionByDefault",
            "GetImageBlockPublicAccessState",
            "GetInstanceMetadataDefaults",
            "GetSerialConsoleAccessStatus",
            "GetSnapshotBlockPublicAccessState",
        ):
            account.pages(operation, 1)


def ec2_disks(account: RandomAccount) -> None:
    """Volumes and snapshots, and images made of them."""
    for region, api in account.places():
        for _ in range(account.size):
            hidden, public = account.flip(), account.flip(0.3)
            volume = api.create_volume(AvailabilityZone=f"{region}a", Size=8, Encrypted=hidden)
            snapshot = api.create_snapshot(VolumeId=volume["VolumeId"])["SnapshotId"]
            if public:
                api.modify_snapshot_attribute(
                    SnapshotId=snapshot, OperationType="add", GroupNames=["all"]
                )
            account.expect("aws.ec2.volume_encrypted", volume["VolumeId"], hidden)
            account.expect("aws.ec2.snapshot_encrypted", snapshot, hidden)
            account.expect("aws.ec2.snapshot_not_public", snapshot, not public)
            account.expect(
                "aws.ec2.snapshot_prod_not_shared_to_nonprod", snapshot, "not_applicable"
            )
        account.pages("DescribeVolumes", account.size)
        account.pages("DescribeSnapshots", account.size)
        account.pages("DescribeSnapshots", 0)
        account.pages("DescribeImages", 0)
    account.bound["aws.ec2.snapshot_prod_not_shared_to_nonprod"] = {"production": ["production"]}


def ec2_instances(account: RandomAccount) -> None:
    """Instances, the images they use, and launch templates."""
    account.bound |= {
        "aws.ec2.instance_ami_approved": {"approved": ["amazon"]},
        "aws.ec2.instance_owner_tag": {"owners": ["platform"]},
    }
    for region, api in account.places():
        images = _images(api)
        role = _profile(account)
        tagged = 0
        for _ in range(account.size):
            good = {
                "imdsv2_required": account.flip(),
                "instance_profile_attached": account.flip(),
                "instance_ssm_managed": account.flip(),
                "instance_ami_approved": account.flip(),
                "instance_owner_tag": account.flip(),
                "userdata_no_secrets": account.flip(),
            }
            critical = account.flip()
            tags = {"ssm-agent": "Online" if good["instance_ssm_managed"] else "ConnectionLost"}
            tags |= {"owner": "platform" if good["instance_owner_tag"] else "nobody"}
            tags |= {"criticality": "critical"} if critical else {}
            word = (
                "echo ready" if good["userdata_no_secrets"] else "export DB_PASSWORD=hunter2hunter2"
            )
            made = api.run_instances(
                ImageId=images[good["instance_ami_approved"]],
                MinCount=1,
                MaxCount=1,
                UserData=f"#!/bin/sh\n{word}\n",
                MetadataOptions={
                    "HttpTokens": "required" if good["imdsv2_required"] else "optional"
                },
                TagSpecifications=[{"ResourceType": "instance", "Tags": _tags(tags)}],
                **({"IamInstanceProfile": role} if good["instance_profile_attached"] else {}),
            )["Instances"][0]["InstanceId"]
            protected = critical and account.flip()
            if protected:
                api.modify_instance_attribute(
                    InstanceId=made, DisableApiTermination={"Value": True}
                )
            for check, holds in good.items():
                account.expect(f"aws.ec2.{check}", made, holds)
            account.expect(
                "aws.ec2.termination_protection_critical",
                made,
                protected if critical else "not_applicable",
            )
            tagged += 1
        good_template = account.flip()
        template = api.create_launch_template(
            LaunchTemplateName=f"workers-{region}",
            LaunchTemplateData={
                "MetadataOptions": {"HttpTokens": "required" if good_template else "optional"}
            },
        )["LaunchTemplate"]["LaunchTemplateId"]
        account.expect("aws.ec2.launch_template_imdsv2", template, good_template)
        account.pages("DescribeInstances", account.size)
        account.pages("DescribeImages", 1)
        account.pages("DescribeInstanceInformation", account.size, 50)
        account.pages("DescribeLaunchTemplateVersions", 1, 200)
        account.least["DescribeInstanceAttribute"] += account.size + tagged


def _images(api: Any) -> dict[bool, str]:
    """An image of Amazon's, as moto has them, and one of the account's own."""
    rows = api.describe_images(Owners=["amazon"])["Images"]
    own = api.register_image(Name="golden", Architecture="x86_64")["ImageId"]
    return {True: min(row["ImageId"] for row in rows), False: own}


def _profile(account: RandomAccount) -> dict[str, str]:
    iam = account.client("iam", "us-east-1")
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_instance_profile(InstanceProfileName="worker")
    return {"Arn": iam.get_instance_profile(InstanceProfileName="worker")["InstanceProfile"]["Arn"]}


def _tags(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


PORTS = {
    "sg_no_public_ssh": 22,
    "sg_no_public_rdp": 3389,
    "sg_no_public_database_ports": 5432,
    "sg_no_public_all_ports": None,
}


def ec2_groups(account: RandomAccount) -> None:
    """Security groups, each with rules by chance, and a network ACL."""
    account.bound["aws.ec2.sg_public_rule_justified"] = {"marks": ["CHG-"]}
    for _, api in account.places():
        network = api.create_vpc(CidrBlock="10.90.0.0/16")["Vpc"]["VpcId"]
        for number in range(account.size):
            group = api.create_security_group(
                GroupName=f"group-{number}", Description="made by chance", VpcId=network
            )["GroupId"]
            everything = account.flip(0.2)
            for check, port in PORTS.items():
                is_open = everything if port is None else account.flip(0.4)
                named = account.flip()
                source, text = ("0.0.0.0/0", "CHG-17 web" if named else "web")
                if not is_open:
                    source = "10.0.0.0/8"
                if port is not None or everything:
                    made = api.authorize_security_group_ingress(
                        GroupId=group, IpPermissions=[_permission(port, source, text)]
                    )["SecurityGroupRules"][0]["SecurityGroupRuleId"]
                    status: bool | str = named if is_open else "not_applicable"
                    account.expect("aws.ec2.sg_public_rule_justified", made, status)
                account.expect(f"aws.ec2.{check}", group, not (is_open or everything))
        default = _default_group(api, network)
        closed = account.flip()
        if closed:
            group_out = api.describe_security_groups(GroupIds=[default])["SecurityGroups"][0]
            api.revoke_security_group_egress(
                GroupId=default, IpPermissions=group_out["IpPermissionsEgress"]
            )
        account.expect("aws.ec2.default_sg_closed", default, closed)
        account.pages("DescribeSecurityGroups", account.size)
        account.pages("DescribeSecurityGroupRules", account.size)
        account.pages("DescribeNetworkAcls", 1)


def _permission(port: int | None, source: str, text: str) -> dict[str, Any]:
    ranges = {"IpRanges": [{"CidrIp": source, "Description": text}]}
    if port is None:
        return {"IpProtocol": "-1", **ranges}
    return {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, **ranges}


def _default_group(api: Any, network: str) -> str:
    wanted = [
        {"Name": "vpc-id", "Values": [network]},
        {"Name": "group-name", "Values": ["default"]},
    ]
    return str(api.describe_security_groups(Filters=wanted)["SecurityGroups"][0]["GroupId"])


def vpc_networks(account: RandomAccount) -> None:
    """Networks with subnets, routes, flow logs, endpoints, and links to the outside."""
    account.bound |= {
        "aws.vpc.private_subnets_separate": {"internal": ["internal"]},
        "aws.vpc.peering_routes_least": {"ranges": ["10.0.0.0/12"]},
        "aws.vpc.prod_nonprod_not_peered": {"production": []},
    }
    production: list[str] = []
    for region, api in account.places():
        _transit_gateway(account, api)
        for number in range(account.size):
            network = api.create_vpc(CidrBlock=f"10.{number}.0.0/16")["Vpc"]["VpcId"]
            _flow_log(account, api, network)
            _subnets(account, api, region, network, number)
            _endpoints(account, api, region, network)
            _peering(account, api, network, number, production)
        _links(account, api)
        default = api.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
        if default and not account.flip():
            subnet = api.describe_subnets(
                Filters=[{"Name": "vpc-id", "Values": [default[0]["VpcId"]]}]
            )["Subnets"][0]["SubnetId"]
            api.create_network_interface(SubnetId=subnet)
            account.expect("aws.vpc.default_vpc_unused", default[0]["VpcId"], good=False)
        for operation in VPC_LISTINGS:
            account.pages(operation, account.size, 100)
    account.bound["aws.vpc.prod_nonprod_not_peered"] = {"production": production}


VPC_LISTINGS = (
    "DescribeVpcs",
    "DescribeSubnets",
    "DescribeRouteTables",
    "DescribeFlowLogs",
    "DescribeVpcEndpoints",
    "DescribeVpcPeeringConnections",
    "DescribeTransitGatewayAttachments",
    "DescribeTransitGateways",
    "DescribeVpnConnections",
    "DescribeClientVpnEndpoints",
    "DescribeNetworkInterfaces",  # of the one default VPC
)


def _flow_log(account: RandomAccount, api: Any, network: str) -> None:
    kind = account.chance.choice(["ALL", "REJECT", "ACCEPT", None])
    if kind:
        api.create_flow_logs(
            ResourceIds=[network],
            ResourceType="VPC",
            TrafficType=kind,
            LogDestinationType="s3",
            LogDestination=f"arn:aws:s3:::{_bucket(account)}",
        )
    account.expect("aws.vpc.flow_logs_enabled", network, kind in {"ALL", "REJECT"})


def _bucket(account: RandomAccount) -> str:
    name = f"acme-flow-logs-{account.number}"
    account.client("s3", "us-east-1").create_bucket(Bucket=name)
    return name


def _subnets(account: RandomAccount, api: Any, region: str, network: str, number: int) -> None:
    gateway = api.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    api.attach_internet_gateway(InternetGatewayId=gateway, VpcId=network)
    outward = api.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    api.create_route(RouteTableId=outward, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    for third, tier in enumerate(("internal", "public", "other")):
        subnet = api.create_subnet(
            VpcId=network,
            CidrBlock=f"10.{number}.{third}.0/24",
            AvailabilityZone=f"{region}a",
            TagSpecifications=[{"ResourceType": "subnet", "Tags": _tags({"tier": tier})}],
        )["Subnet"]["SubnetId"]
        gives, leads = account.flip(), account.flip()
        api.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": gives})
        if leads:
            api.associate_route_table(RouteTableId=outward, SubnetId=subnet)
        account.expect("aws.vpc.subnet_no_auto_public_ip", subnet, tier == "public" or not gives)
        account.expect(
            "aws.vpc.private_subnets_separate",
            subnet,
            not leads if tier == "internal" else "not_applicable",
        )


def _endpoints(account: RandomAccount, api: Any, region: str, network: str) -> None:
    narrow = json.dumps(
        {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": "arn:aws:s3:::acme-*",
                }
            ]
        }
    )
    wide = narrow.replace("s3:GetObject", "*").replace("arn:aws:s3:::acme-*", "*")
    good = True
    for service in ("s3", "dynamodb"):
        state = account.chance.choice(["narrow", "narrow", "wide", "none"])
        good = good and state == "narrow"
        if state != "none":
            api.create_vpc_endpoint(
                VpcId=network,
                ServiceName=f"com.amazonaws.{region}.{service}",
                VpcEndpointType="Gateway",
                PolicyDocument=narrow if state == "narrow" else wide,
            )
    account.expect("aws.vpc.gateway_endpoints_used", network, good)


def _peering(
    account: RandomAccount, api: Any, network: str, number: int, production: list[str]
) -> None:
    """A network of production, one that is not, and perhaps a connection between them."""
    other = api.create_vpc(CidrBlock=f"10.{100 + number}.0.0/16")["Vpc"]["VpcId"]
    joined, wide = account.flip(), account.flip()
    production.append(network)
    account.expect("aws.vpc.prod_nonprod_not_peered", network, not joined)
    account.expect("aws.vpc.prod_nonprod_not_peered", other, "not_applicable")
    if not joined:
        return
    peering = api.create_vpc_peering_connection(VpcId=network, PeerVpcId=other)
    name = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    api.accept_vpc_peering_connection(VpcPeeringConnectionId=name)
    table = api.create_route_table(VpcId=network)["RouteTable"]["RouteTableId"]
    api.create_route(
        RouteTableId=table,
        DestinationCidrBlock="192.168.0.0/16" if wide else "10.1.0.0/16",
        VpcPeeringConnectionId=name,
    )
    account.expect("aws.vpc.peering_routes_least", table, not wide)


def _transit_gateway(account: RandomAccount, api: Any) -> None:
    closed = account.flip()
    made = api.create_transit_gateway(
        Options={"AutoAcceptSharedAttachments": "disable" if closed else "enable"}
    )["TransitGateway"]["TransitGatewayId"]
    account.expect("aws.vpc.transit_gateway_no_auto_accept", made, closed)


def _links(account: RandomAccount, api: Any) -> None:
    """A VPN, whose tunnels the simulation does not bring up, and an endpoint for devices."""
    logged, kind = account.flip(), account.chance.choice(["certificate", "federated"])
    made = api.create_client_vpn_endpoint(
        ClientCidrBlock="10.200.0.0/22",
        ServerCertificateArn="arn:aws:acm:us-east-1:123456789012:certificate/a",
        AuthenticationOptions=[{"Type": f"{kind}-authentication"}],
        ConnectionLogOptions={"Enabled": logged},
    )["ClientVpnEndpointId"]
    account.expect("aws.vpc.client_vpn_logging_and_mfa", made, good=logged and kind == "federated")
    customer = api.create_customer_gateway(Type="ipsec.1", PublicIp="198.51.100.7", BgpAsn=65000)
    private = api.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    vpn = api.create_vpn_connection(
        Type="ipsec.1",
        CustomerGatewayId=customer["CustomerGateway"]["CustomerGatewayId"],
        VpnGatewayId=private,
    )["VpnConnection"]["VpnConnectionId"]
    account.expect("aws.vpc.vpn_tunnels_redundant", vpn, good=False)
    account.expect("aws.vpc.vpn_strong_parameters", vpn, good=False)


MAKERS = (ec2_defaults, ec2_disks, ec2_instances, ec2_groups, vpc_networks)
"""Everything above, for benchmarks."""
