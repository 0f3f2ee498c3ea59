"""Azure networks: what does the internet reach, and are networks divided, watched and shielded?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any, Final

from collectors import (
    Collector,
    MalformedError,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
)
from collectors.azure.rows import GraphRow, flag, objects, word
from collectors.azure.site import GRAPH_READ
from collectors.azure.target import AzureTarget

network = Collector("azure.network", title="Azure networks", reads_from="Microsoft.Network")

ANYWHERE: Final = frozenset({"*", "any", "internet", "0.0.0.0", "0.0.0.0/0", "::/0"})  # noqa: S104 - a source in a rule
EVERYTHING: Final = frozenset({"*", "0-65535", "1-65535"})
DATABASES: Final = {
    1433: "SQL Server",
    1521: "Oracle",
    3306: "MySQL",
    5432: "PostgreSQL",
    6379: "Redis",
    9042: "Cassandra",
    9200: "Elasticsearch",
    27017: "MongoDB",
}
WITHOUT_GROUP: Final = frozenset(
    {"gatewaysubnet", "azurefirewallsubnet", "azurefirewallmanagementsubnet", "routeserversubnet"}
)
"""Subnets in which Microsoft allows no network security group."""

RULE = "properties.securityRules.properties."


class SecurityGroup(GraphRow, kind="azure.network_security_group"):
    """A network security group with its own rules; the default ones let nobody in from outside."""

    type_name = "microsoft.network/networksecuritygroups"
    action = "Microsoft.Network/networkSecurityGroups/read"
    keeps = (
        "properties.securityRules.name",
        *(
            f"{RULE}{name}"
            for name in (
                "access",
                "direction",
                "priority",
                "protocol",
                "sourceAddressPrefix",
                "sourceAddressPrefixes",
                "destinationAddressPrefix",
                "destinationPortRange",
                "destinationPortRanges",
            )
        ),
        "properties.subnets.id",
        "properties.networkInterfaces.id",
    )

    @property
    def used(self) -> bool:
        """Whether a subnet or a network card has it."""
        return bool(self.properties.get("subnets") or self.properties.get("networkInterfaces"))

    def inbound(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Its inbound rules with their names, in the order in which they are asked."""
        rules = [
            (str(rule.get("name")), rule.get("properties") or {})
            for rule in objects(self.properties.get("securityRules"), "securityRules")
        ]
        if not all(isinstance(held.get("priority"), int) for _, held in rules):
            raise MalformedError("a security rule has no priority")
        return sorted(
            ((name, held) for name, held in rules if word(held.get("direction")) == "inbound"),
            key=lambda rule: int(rule[1]["priority"]),
        )

    def opening(self, port: int) -> str:
        """The rule by which the whole internet reaches a TCP port, "" where none does."""
        for name, held in self.inbound():
            if word(held.get("protocol")) not in {"*", "tcp"} or not _covers(held, port):
                continue
            if not _from_anywhere(held):
                continue
            if word(held.get("access")) == "allow":
                return name
            if word(held.get("destinationAddressPrefix")) == "*":
                return ""
        return ""


class VirtualNetwork(GraphRow, kind="azure.virtual_network"):
    """A virtual network with its subnets."""

    type_name = "microsoft.network/virtualnetworks"
    action = "Microsoft.Network/virtualNetworks/read"
    keeps = (
        "properties.subnets.name",
        "properties.subnets.properties.networkSecurityGroup.id",
        "properties.subnets.properties.delegations.properties.serviceName",
    )


class FlowLog(GraphRow, kind="azure.flow_log"):
    """A flow log of a network, or of a security group."""

    type_name = "microsoft.network/networkwatchers/flowlogs"
    action = "Microsoft.Network/networkWatchers/flowLogs/read"
    keeps = (
        "properties.enabled",
        "properties.targetResourceId",
        "properties.retentionPolicy",
        "properties.storageId",
    )


class NetworkWatcher(GraphRow, kind="azure.network_watcher"):
    """A network watcher: one for each region."""

    type_name = "microsoft.network/networkwatchers"
    action = "Microsoft.Network/networkWatchers/read"
    keeps = ("properties.provisioningState",)


class FirewallPolicy(GraphRow, kind="azure.firewall_policy"):
    """A policy of Azure Firewall."""

    type_name = "microsoft.network/firewallpolicies"
    action = "Microsoft.Network/firewallPolicies/read"
    keeps = ("properties.threatIntelMode",)


class ApplicationGateway(GraphRow, kind="azure.application_gateway"):
    """An application gateway."""

    type_name = "microsoft.network/applicationgateways"
    action = "Microsoft.Network/applicationGateways/read"
    keeps = (
        "properties.sku.tier",
        "properties.firewallPolicy.id",
        "properties.webApplicationFirewallConfiguration.enabled",
        "properties.webApplicationFirewallConfiguration.firewallMode",
        "properties.sslPolicy.policyType",
        "properties.sslPolicy.policyName",
        "properties.sslPolicy.minProtocolVersion",
    )


class WafPolicy(GraphRow, kind="azure.waf_policy"):
    """A policy of the web application firewall."""

    type_name = "microsoft.network/applicationgatewaywebapplicationfirewallpolicies"
    action = "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/read"
    keeps = ("properties.policySettings.state", "properties.policySettings.mode")


KINDS = (
    SecurityGroup,
    VirtualNetwork,
    FlowLog,
    NetworkWatcher,
    FirewallPolicy,
    ApplicationGateway,
    WafPolicy,
)


@network.resources(*KINDS, permission=(GRAPH_READ, *(kind.action for kind in KINDS)))
def networks(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every network and what stands before it."""
    yield from target.graph(*KINDS)


def _texts(held: Mapping[str, Any], one: str, several: str) -> list[str]:
    found = held.get(several)
    return [str(each) for each in (held.get(one), *(found or ())) if each]


def _from_anywhere(held: Mapping[str, Any]) -> bool:
    sources = _texts(held, "sourceAddressPrefix", "sourceAddressPrefixes")
    return any(each.lower() in ANYWHERE or _half_the_world(each) for each in sources)


def _half_the_world(prefix: str) -> bool:
    try:
        return ipaddress.ip_network(prefix, strict=False).prefixlen <= 1
    except ValueError:  # a service tag
        return False


def _covers(held: Mapping[str, Any], port: int) -> bool:
    for text in _texts(held, "destinationPortRange", "destinationPortRanges"):
        first, _, last = text.partition("-")
        if text == "*":
            return True
        if not first.isdigit() or (last and not last.isdigit()):
            raise MalformedError(f"{text!r} is no range of ports")
        if int(first) <= port <= int(last or first):
            return True
    return False


def _closed(group: SecurityGroup, ports: Mapping[int, str]) -> Verdict:
    """Whether none of these ports is open to the internet."""
    if not group.used:
        return not_applicable("no subnet or network card has it")
    found = [f"{ports[port]} by rule {rule}" for port in ports if (rule := group.opening(port))]
    return fails(f"open to the internet: {', '.join(found)}") if found else passes()


@network.check(
    SecurityGroup, "critical", remediation="Let SSH in from named addresses only, or by a bastion."
)
def nsg_no_public_ssh(group: SecurityGroup, scene: Scene) -> Verdict:
    """SSH is not open to the internet."""
    del scene
    return _closed(group, {22: "SSH"})


@network.check(
    SecurityGroup, "critical", remediation="Let RDP in from named addresses only, or by a bastion."
)
def nsg_no_public_rdp(group: SecurityGroup, scene: Scene) -> Verdict:
    """Remote Desktop is not open to the internet."""
    del scene
    return _closed(group, {3389: "RDP"})


@network.check(
    SecurityGroup, "high", remediation="Let databases be reached from named networks only."
)
def nsg_no_public_database_ports(group: SecurityGroup, scene: Scene) -> Verdict:
    """The usual ports of databases are not open to the internet."""
    del scene
    return _closed(group, DATABASES)


@network.check(
    SecurityGroup, "critical", remediation="Replace the rule by rules for the ports that are meant."
)
def nsg_no_public_any(group: SecurityGroup, scene: Scene) -> Verdict:
    """No rule lets everything in from everywhere."""
    del scene
    if not group.used:
        return not_applicable("no subnet or network card has it")
    for name, held in group.inbound():
        ports = _texts(held, "destinationPortRange", "destinationPortRanges")
        if not _from_anywhere(held) or not EVERYTHING.intersection(ports):
            continue
        if word(held.get("access")) == "allow":
            return fails(f"rule {name}")
        if (word(held.get("protocol")), word(held.get("destinationAddressPrefix"))) == ("*", "*"):
            return passes(f"rule {name} lets nobody in")
    return passes()


@network.check(VirtualNetwork, "medium", remediation="Give each subnet a network security group.")
def subnet_has_nsg(net: VirtualNetwork, scene: Scene) -> Verdict:
    """Every subnet of the network that may have a security group has one."""
    del scene
    subnets = list(objects(net.properties.get("subnets"), "subnets"))
    mayhave = [each for each in subnets if word(each.get("name")) not in WITHOUT_GROUP]
    bare = sorted(
        str(each.get("name"))
        for each in mayhave
        if not ((each.get("properties") or {}).get("networkSecurityGroup") or {}).get("id")
    )
    if not mayhave:
        return not_applicable("no subnet that may have one")
    return fails(f"without: {', '.join(bare)}") if bare else passes()


@network.check(
    VirtualNetwork,
    "medium",
    remediation="Create an enabled flow log for the virtual network.",
    also=(FlowLog,),
)
def flow_logs_enabled(
    net: VirtualNetwork, scene: Scene, *, days: int = criterion(90, "days")
) -> Verdict:
    """Traffic of the network is recorded, and kept long enough."""
    found = [
        log
        for log in scene.all(FlowLog)
        if word(log.properties.get("targetResourceId")).startswith(net.id)
        and flag(log.properties.get("enabled"), "enabled")
    ]
    whole = [log for log in found if word(log.properties.get("targetResourceId")) == net.id]
    if not whole:
        return fails("only parts of it" if found else "no enabled flow log")
    for log in whole:
        policy = log.properties.get("retentionPolicy") or {}
        kept_days = int(policy.get("days") or 0)
        forever = not flag(policy.get("enabled"), "retentionPolicy.enabled") or kept_days == 0
        if forever or kept_days >= days:
            return passes()
    return fails(f"kept for less than {days} days")


@network.check(
    VirtualNetwork,
    "low",
    remediation="Let Network Watcher be enabled in the region.",
    also=(NetworkWatcher,),
)
def network_watcher_enabled(net: VirtualNetwork, scene: Scene) -> Verdict:
    """The network's region has a network watcher in its subscription."""
    region = word(net.listed.get("location"))
    there = any(
        watcher.scope == net.scope and word(watcher.listed.get("location")) == region
        for watcher in scene.all(NetworkWatcher)
    )
    return passes(region) if there else fails(f"none in {region}")


@network.check(FirewallPolicy, "medium", remediation="Set threat intelligence to 'Alert and deny'.")
def firewall_threat_intel(policy: FirewallPolicy, scene: Scene) -> Verdict:
    """Traffic of known attackers is denied."""
    del scene
    mode = str(policy.properties.get("threatIntelMode") or "not set")
    return passes(mode) if mode.lower() == "deny" else fails(f"threatIntelMode is {mode}")


@network.check(
    ApplicationGateway,
    "medium",
    remediation="Use a WAF policy that is enabled in prevention mode.",
    also=(WafPolicy,),
)
def app_gateway_waf(gateway: ApplicationGateway, scene: Scene) -> Verdict:
    """Attacks on web applications are stopped, not only noted."""
    held = gateway.properties.get("webApplicationFirewallConfiguration") or {}
    number = word((gateway.properties.get("firewallPolicy") or {}).get("id"))
    if number:
        policies = [each for each in scene.all(WafPolicy) if each.id == number]
        if not policies:
            return fails("its policy is not among those of the tenant")
        settings = policies[0].properties.get("policySettings") or {}
        enabled = word(settings.get("state")) == "enabled"
        mode = word(settings.get("mode"))
    elif held:
        enabled = bool(flag(held.get("enabled"), "enabled"))
        mode = word(held.get("firewallMode"))
    else:
        return fails("no web application firewall")
    if not enabled:
        return fails("the firewall is off")
    return passes(mode) if mode == "prevention" else fails(f"mode is {mode or 'not set'}")


OLD_POLICIES: Final = frozenset({"appgwsslpolicy20150501", "appgwsslpolicy20170401"})


@network.check(
    ApplicationGateway,
    "medium",
    remediation="Use the SSL policy AppGwSslPolicy20220101 or later, or TLS 1.2 at least.",
)
def app_gateway_tls(gateway: ApplicationGateway, scene: Scene) -> Verdict:
    """The gateway takes TLS 1.2 or later only."""
    del scene
    policy = gateway.properties.get("sslPolicy") or {}
    name, least = word(policy.get("policyName")), word(policy.get("minProtocolVersion"))
    if least:
        good = least in {"tlsv1_2", "tlsv1_3"}
        return passes(least) if good else fails(f"minProtocolVersion is {least}")
    if not name:
        return fails("no policy is set; the default may take older TLS")
    return fails(f"policy {name} takes older TLS") if name in OLD_POLICIES else passes(name)
