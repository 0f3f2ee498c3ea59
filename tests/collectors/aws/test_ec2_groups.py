"""AWS EC2 filters: security groups, their rules, and network ACLs, on hand-made documents."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Unread
from collectors.aws import AwsConnection
from collectors.aws import ec2_groups as ask
from collectors.aws.ec2_groups import NetworkAcl, SecurityGroup, SecurityGroupRule
from collectors.judging import Check
from collectors.testing import judge
from tests.collectors.aws.double import Answer, Double, caller

REFUSED = Unread("UnauthorizedOperation", "ec2:GetManagedPrefixListEntries")


def rule(
    first: int | None, last: int | None = None, protocol: str = "tcp", **source: str
) -> dict[str, Any]:
    made: dict[str, Any] = {"IpProtocol": protocol}
    if first is not None:
        made |= {"FromPort": first, "ToPort": first if last is None else last}
    for key, value in source.items():
        name = {
            "v4": ("IpRanges", "CidrIp"),
            "v6": ("Ipv6Ranges", "CidrIpv6"),
            "prefix": ("PrefixListIds", "PrefixListId"),
            "group": ("UserIdGroupPairs", "GroupId"),
        }[key]
        made[name[0]] = [{name[1]: value}]
    return made


def group(*rules: dict[str, Any], lists: object = None, **listed: Any) -> SecurityGroup:
    row: Any = {"GroupId": "sg-1", "GroupName": "web", "IpPermissions": list(rules), **listed}
    return SecurityGroup(id="sg-1", scope="r", listed=row, facts={"prefix_lists": lists})


ALL4, ALL6 = "0.0.0.0/0", "::/0"


@pytest.mark.parametrize(
    ("check", "made", "status"),
    [
        (ask.sg_no_public_ssh, group(), "pass"),
        (ask.sg_no_public_ssh, group(rule(22, v4=ALL4)), "fail"),
        (ask.sg_no_public_ssh, group(rule(22, v6=ALL6)), "fail"),
        (ask.sg_no_public_ssh, group(rule(20, 25, v4=ALL4)), "fail"),
        (ask.sg_no_public_ssh, group(rule(22, v4="10.0.0.0/8")), "pass"),
        (ask.sg_no_public_ssh, group(rule(22, group="sg-2")), "pass"),
        (ask.sg_no_public_ssh, group(rule(23, 443, v4=ALL4)), "pass"),
        (ask.sg_no_public_ssh, group(rule(22, protocol="udp", v4=ALL4)), "pass"),
        (ask.sg_no_public_ssh, group(rule(None, protocol="-1", v4=ALL4)), "fail"),
        (ask.sg_no_public_rdp, group(rule(3389, protocol="udp", v4=ALL4)), "fail"),
        (ask.sg_no_public_rdp, group(rule(3389, v6=ALL6)), "fail"),
        (ask.sg_no_public_rdp, group(rule(443, v4=ALL4)), "pass"),
        (ask.sg_no_public_database_ports, group(rule(5432, v4=ALL4)), "fail"),
        (ask.sg_no_public_database_ports, group(rule(6000, 7000, v4=ALL4)), "fail"),
        (ask.sg_no_public_database_ports, group(rule(443, v4=ALL4)), "pass"),
        (ask.sg_no_public_all_ports, group(rule(0, 65535, v4=ALL4)), "fail"),
        (ask.sg_no_public_all_ports, group(rule(1, 65535, protocol="udp", v4=ALL4)), "fail"),
        (ask.sg_no_public_all_ports, group(rule(None, protocol="-1", v6=ALL6)), "fail"),
        (ask.sg_no_public_all_ports, group(rule(2, 65535, v4=ALL4)), "pass"),
        (ask.sg_no_public_all_ports, group(rule(-1, -1, protocol="icmp", v4=ALL4)), "pass"),
        (ask.sg_no_public_all_ports, group(rule(None, protocol="-1", v4="10.0.0.0/8")), "pass"),
    ],
)
def test_what_the_internet_reaches(
    check: Check[SecurityGroup], made: SecurityGroup, status: str
) -> None:
    assert judge(check, made).status == status


def test_the_ports_that_are_open_are_named() -> None:
    made = group(rule(3000, 6000, v4=ALL4))
    verdict = judge(ask.sg_no_public_database_ports, made)
    assert verdict.because == "open to the internet: 3306, 5432"


@pytest.mark.parametrize(
    ("lists", "status"),
    [
        ({"pl-1": ["10.0.0.0/8"]}, "pass"),
        ({"pl-1": ["10.0.0.0/8", ALL4]}, "fail"),
        (REFUSED, "unknown"),
    ],
)
def test_a_prefix_list_may_hold_the_whole_internet(lists: object, status: str) -> None:
    made = group(rule(22, prefix="pl-1"), lists=lists)
    assert judge(ask.sg_no_public_ssh, made).status == status


def test_an_unread_prefix_list_does_not_hide_what_a_plain_rule_shows() -> None:
    made = group(rule(22, prefix="pl-1"), rule(22, v4=ALL4), lists=REFUSED)
    assert judge(ask.sg_no_public_ssh, made).status == "fail"
    elsewhere = group(rule(443, prefix="pl-1"), lists=REFUSED)
    assert judge(ask.sg_no_public_ssh, elsewhere).status == "pass"


def test_prefix_lists_are_read_to_the_last_page_and_only_where_they_are_used(
    double: Double,
) -> None:
    def entries(cidr: str, more: str = "") -> Answer:
        row = f"<entrySet><item><cidr>{cidr}</cidr></item></entrySet>"
        return Answer(body=f"<R>{row}{more}</R>")

    double.script = {
        "GetManagedPrefixListEntries": [
            entries("10.0.0.0/8", "<nextToken>two</nextToken>"),
            entries("10.1.0.0/16", "<nextToken>three</nextToken>"),
            entries(ALL4),
        ]
    }
    api = AwsConnection("prod", endpoint_url=double.url).open(caller()).api("ec2", "eu-west-1")
    used = SecurityGroup.prefix_lists.call(group(rule(22, prefix="pl-1")), api)
    assert used == {"pl-1": ["10.0.0.0/8", "10.1.0.0/16", ALL4]}
    assert SecurityGroup.prefix_lists.call(group(rule(22, v4=ALL4)), api) is None
    assert len(double.seen) == 3


@pytest.mark.parametrize(
    ("listed", "status", "because"),
    [
        ({"GroupName": "default"}, "pass", ""),
        ({"GroupName": "web", "IpPermissionsEgress": [rule(22)]}, "not_applicable", None),
        (
            {"GroupName": "default", "IpPermissionsEgress": [rule(22)]},
            "fail",
            "it has rules for traffic out",
        ),
        (
            {
                "GroupName": "default",
                "IpPermissions": [rule(22)],
                "IpPermissionsEgress": [rule(22)],
            },
            "fail",
            "it has rules for traffic in and out",
        ),
    ],
)
def test_a_default_group_is_empty(listed: dict[str, Any], status: str, because: str | None) -> None:
    verdict = judge(ask.default_sg_closed, group(**listed))
    assert verdict.status == status
    assert because is None or verdict.because == because


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ({"CidrIpv4": ALL4, "IsEgress": False, "Description": "CHG-17"}, "pass"),
        ({"CidrIpv6": ALL6, "Tags": [{"Key": "change", "Value": "CHG-17"}]}, "pass"),
        ({"CidrIpv4": ALL4, "Description": "the web"}, "fail"),
        ({"CidrIpv4": ALL4}, "fail"),
        ({"CidrIpv4": ALL4, "IsEgress": True}, "not_applicable"),
        ({"CidrIpv4": "10.0.0.0/8"}, "not_applicable"),
        ({"ReferencedGroupInfo": {"GroupId": "sg-2"}}, "not_applicable"),
    ],
)
def test_a_public_rule_names_its_change(listed: Any, status: str) -> None:
    made = SecurityGroupRule(id="sgr-1", scope="r", listed=listed)
    assert judge(ask.sg_public_rule_justified, made, marks=["CHG-"]).status == status


def entry(
    number: int, action: str, *ports: int, where: str = ALL4, protocol: str = "6"
) -> dict[str, Any]:
    key = "Ipv6CidrBlock" if ":" in where else "CidrBlock"
    made: dict[str, Any] = {"RuleNumber": number, "RuleAction": action, "Protocol": protocol}
    made |= {"Egress": False, key: where}
    return made | ({"PortRange": {"From": ports[0], "To": ports[-1]}} if ports else {})


LAST = entry(32767, "deny", protocol="-1")
EVERYTHING = entry(100, "allow", protocol="-1")


@pytest.mark.parametrize(
    ("entries", "status", "because"),
    [
        ([LAST], "pass", ""),
        ([LAST, EVERYTHING], "fail", "open to the internet: 22, 3389"),
        ([EVERYTHING, entry(90, "deny", 22), entry(91, "deny", 3000, 4000)], "pass", ""),
        ([EVERYTHING, entry(110, "deny", 22)], "fail", "open to the internet: 22, 3389"),
        ([EVERYTHING, entry(90, "deny", 22, where="10.0.0.0/8")], "fail", None),
        ([entry(100, "allow", 22, where=ALL6)], "fail", "open to the internet: 22"),
        ([entry(100, "allow", 22, protocol="17")], "pass", ""),
        ([entry(100, "allow", 443)], "pass", ""),
        ([entry(100, "allow", 22) | {"Egress": True}], "pass", ""),
    ],
)
def test_the_first_rule_of_a_network_acl_that_fits_decides(
    entries: list[dict[str, Any]], status: str, because: str | None
) -> None:
    row: Any = {"Associations": [{"SubnetId": "subnet-1"}], "Entries": entries}
    verdict = judge(ask.nacl_no_public_admin_ports, NetworkAcl(id="a", scope="r", listed=row))
    assert verdict.status == status
    assert because is None or verdict.because == because


def test_a_network_acl_of_no_subnet_does_nothing() -> None:
    row: Any = {"Associations": [], "Entries": [EVERYTHING]}
    verdict = judge(ask.nacl_no_public_admin_ports, NetworkAcl(id="a", scope="r", listed=row))
    assert verdict.status == "not_applicable"
