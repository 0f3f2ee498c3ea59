"""Amazon EC2: security groups and network ACLs, and what they let in from the internet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from collectors import Resource, Scene, Verdict, criterion, fact, fails, not_applicable, passes
from collectors.aws.ec2 import PAGE, ec2, tags_of
from collectors.aws.paging import rows
from collectors.aws.target import AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import (
        NetworkAclTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        SecurityGroupRuleTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
        SecurityGroupTypeDef,  # noqa: F401 - ruff does not read Resource["…"]
    )

ANYWHERE: Final = ("0.0.0.0/0", "::/0")
TCP: Final = frozenset({"-1", "tcp", "6"})
TCP_AND_UDP: Final = TCP | {"udp", "17"}
LAST_PORT: Final = 65535

SSH: Final = (22,)
RDP: Final = (3389,)
DATABASES: Final = (1433, 1521, 3306, 5432, 6379, 9200, 27017)
"""SQL Server, Oracle, MySQL, PostgreSQL, Redis, Elasticsearch, MongoDB."""


class SecurityGroup(Resource["SecurityGroupTypeDef"], kind="aws.ec2.security_group"):
    """A security group with its rules."""

    @fact("ec2:GetManagedPrefixListEntries")
    def prefix_lists(self, api: EC2Client) -> Mapping[str, Sequence[str]] | None:
        """The ranges of the prefix lists it lets in; a group that names none is not asked for."""
        incoming = self.listed.get("IpPermissions", [])
        named = {each["PrefixListId"] for p in incoming for each in p.get("PrefixListIds", [])}
        return {name: _entries(api, name) for name in sorted(named)} or None

    def open_to_internet(self, ports: Iterable[int], protocols: frozenset[str]) -> list[int]:
        """Those of the ports that anybody on the internet reaches."""
        return [port for port in ports if any(self._lets_in(port, protocols))]

    def _lets_in(self, port: int, protocols: frozenset[str]) -> Iterator[bool]:
        """Rules with plain ranges first: they may settle it where a prefix list is unread."""
        fitting = [
            permission
            for permission in self.listed.get("IpPermissions", [])
            if permission["IpProtocol"] in protocols and _covers(permission, port)
        ]
        yield from map(from_anywhere, fitting)
        yield from map(self.listed_anywhere, fitting)

    def listed_anywhere(self, permission: Mapping[str, Any]) -> bool:
        """Whether a rule lets in a prefix list that holds the whole internet."""
        named = [each["PrefixListId"] for each in permission.get("PrefixListIds", [])]
        if not named:
            return False
        ranges = self.prefix_lists or {}
        return any(entry in ANYWHERE for name in named for entry in ranges.get(name, ()))


class SecurityGroupRule(Resource["SecurityGroupRuleTypeDef"], kind="aws.ec2.security_group_rule"):
    """One rule of a security group, with its own tags."""


class NetworkAcl(Resource["NetworkAclTypeDef"], kind="aws.ec2.network_acl"):
    """A network ACL: numbered rules for whole subnets."""


@ec2.resources(SecurityGroup, permission="ec2:DescribeSecurityGroups", per="region")
def security_groups(target: AwsTarget) -> Iterator[SecurityGroup]:
    """All security groups of a region."""
    key = "SecurityGroups"
    for row in target.pages("ec2", "describe_security_groups", key, MaxResults=PAGE):
        yield SecurityGroup(id=row["GroupId"], listed=row)


@ec2.resources(SecurityGroupRule, permission="ec2:DescribeSecurityGroupRules", per="region")
def security_group_rules(target: AwsTarget) -> Iterator[SecurityGroupRule]:
    """All rules of the security groups of a region."""
    key = "SecurityGroupRules"
    for row in target.pages("ec2", "describe_security_group_rules", key, MaxResults=PAGE):
        yield SecurityGroupRule(id=row["SecurityGroupRuleId"], listed=row)


@ec2.resources(NetworkAcl, permission="ec2:DescribeNetworkAcls", per="region")
def network_acls(target: AwsTarget) -> Iterator[NetworkAcl]:
    """All network ACLs of a region."""
    for row in target.pages("ec2", "describe_network_acls", "NetworkAcls", MaxResults=PAGE):
        yield NetworkAcl(id=row["NetworkAclId"], listed=row)


@ec2.check(
    SecurityGroup,
    "critical",
    remediation="Let SSH in from known addresses only, or use Session Manager.",
)
def sg_no_public_ssh(group: SecurityGroup, scene: Scene) -> Verdict:
    """The security group does not let SSH (22) in from the whole internet."""
    del scene
    return _closed(group.open_to_internet(SSH, TCP))


@ec2.check(
    SecurityGroup,
    "critical",
    remediation="Let RDP in from known addresses only, or use Fleet Manager.",
)
def sg_no_public_rdp(group: SecurityGroup, scene: Scene) -> Verdict:
    """The security group does not let RDP (3389) in from the whole internet."""
    del scene
    return _closed(group.open_to_internet(RDP, TCP_AND_UDP))


@ec2.check(
    SecurityGroup,
    "high",
    remediation="Let the ports of databases in from the groups of their clients only.",
)
def sg_no_public_database_ports(group: SecurityGroup, scene: Scene) -> Verdict:
    """The security group lets no database or cache port in from the whole internet."""
    del scene
    return _closed(group.open_to_internet(DATABASES, TCP))


@ec2.check(
    SecurityGroup,
    "critical",
    remediation="Replace the rule by one for the ports that are needed.",
)
def sg_no_public_all_ports(group: SecurityGroup, scene: Scene) -> Verdict:
    """The security group does not let everything in from the whole internet."""
    del scene
    wide = [p for p in group.listed.get("IpPermissions", []) if _covers_all(p)]
    if any(map(from_anywhere, wide)) or any(map(group.listed_anywhere, wide)):
        return fails("open to the internet: all ports")
    return passes()


@ec2.check(
    SecurityGroup,
    "medium",
    remediation="Remove all rules of the default group, and use groups of your own.",
)
def default_sg_closed(group: SecurityGroup, scene: Scene) -> Verdict:
    """The default security group of a VPC lets nothing in and nothing out."""
    del scene
    if group.listed["GroupName"] != "default":
        return not_applicable("not a default group")
    ways = {"in": group.listed.get("IpPermissions"), "out": group.listed.get("IpPermissionsEgress")}
    some = [way for way, permissions in ways.items() if permissions]
    return fails(f"it has rules for traffic {' and '.join(some)}") if some else passes()


@ec2.check(
    SecurityGroupRule,
    "low",
    remediation="Name the approved change in the rule's description or in a tag of it.",
)
def sg_public_rule_justified(
    rule: SecurityGroupRule,
    scene: Scene,
    *,
    marks: tuple[str, ...] = criterion("what numbers of changes begin with"),
) -> Verdict:
    """A rule that lets the whole internet in names the change that approved it."""
    del scene
    sources = {rule.listed.get("CidrIpv4"), rule.listed.get("CidrIpv6")}
    if rule.listed.get("IsEgress") or sources.isdisjoint(ANYWHERE):
        return not_applicable("not from the whole internet")
    texts = [rule.listed.get("Description", ""), *tags_of(rule.listed).values()]
    if any(mark in text for mark in marks for text in texts):
        return passes()
    return fails("neither its description nor a tag names a change")


@ec2.check(
    NetworkAcl,
    "medium",
    remediation="Deny ports 22 and 3389 from everywhere before the rule that allows them.",
)
def nacl_no_public_admin_ports(acl: NetworkAcl, scene: Scene) -> Verdict:
    """The network ACL does not let SSH or RDP (22, 3389) in from the whole internet.

    The first rule that fits decides, as in the network. An ACL of no subnet does nothing.
    """
    del scene
    if not acl.listed.get("Associations"):
        return not_applicable("of no subnet")
    incoming = [entry for entry in acl.listed.get("Entries", []) if not entry["Egress"]]
    ordered = sorted(incoming, key=lambda entry: entry["RuleNumber"])
    return _closed([port for port in (*SSH, *RDP) if _allowed(ordered, port)])


def from_anywhere(permission: Mapping[str, Any]) -> bool:
    """Whether a rule of a security group names the whole internet as a source."""
    ranges = [each["CidrIp"] for each in permission.get("IpRanges", [])]
    ranges += [each["CidrIpv6"] for each in permission.get("Ipv6Ranges", [])]
    return any(each in ANYWHERE for each in ranges)


def _entries(api: EC2Client, name: str) -> list[str]:
    ask = api.get_managed_prefix_list_entries
    return [row["Cidr"] for row in rows(ask, "Entries", marker="NextToken", PrefixListId=name)]


def _covers(permission: Mapping[str, Any], port: int) -> bool:
    first, last = int(permission.get("FromPort", -1)), int(permission.get("ToPort", -1))
    return bool(permission["IpProtocol"] == "-1") or first == -1 or first <= port <= last


def _covers_all(permission: Mapping[str, Any]) -> bool:
    """All protocols, or every port of one that has ports; port 0 is used by nothing."""
    if permission["IpProtocol"] == "-1":
        return True
    first, last = int(permission.get("FromPort", -1)), int(permission.get("ToPort", -1))
    every = first == -1 or (first <= 1 and last == LAST_PORT)
    return every and permission["IpProtocol"] in TCP_AND_UDP


def _allowed(entries: Sequence[Mapping[str, Any]], port: int) -> bool:
    """Whether ordered rules let a TCP port in from everywhere, by either version of IP."""
    for key, everywhere in zip(("CidrBlock", "Ipv6CidrBlock"), ANYWHERE, strict=True):
        fitting = (
            entry["RuleAction"] == "allow"
            for entry in entries
            if entry.get(key) == everywhere and _fits(entry, port)
        )
        if next(fitting, False):
            return True
    return False


def _fits(entry: Mapping[str, Any], port: int) -> bool:
    ports = entry.get("PortRange")
    return entry["Protocol"] in TCP and (
        ports is None or int(ports["From"]) <= port <= int(ports["To"])
    )


def _closed(ports: Sequence[int]) -> Verdict:
    if not ports:
        return passes()
    return fails(f"open to the internet: {', '.join(map(str, ports))}")
