"""Compute Engine: VPC firewall rules, and what they let in from the internet."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any, Final

from collectors import Collector, MalformedError, Scene, Verdict, fails, not_applicable, passes
from collectors.gcp.values import Asset

compute = Collector("gcp.compute", title="Compute Engine and VPC networks", reads_from="compute")

TCP: Final = frozenset({"all", "tcp", "6"})
LAST_PORT: Final = 65535
SSH: Final = 22
RDP: Final = 3389


class Firewall(Asset, kind="gcp.compute.firewall"):
    """A VPC firewall rule.

    https://docs.cloud.google.com/compute/docs/reference/rest/v1/firewalls
    """

    asset_type = "compute.googleapis.com/Firewall"
    keeps = (
        "name", "network", "priority", "direction", "disabled", "allowed", "denied", "sourceRanges",
        "sourceTags", "sourceServiceAccounts", "targetTags", "targetServiceAccounts", "logConfig",
    )  # fmt: skip

    @property
    def lets_in_anybody(self) -> bool:
        """Whether it is on, for incoming traffic, and for every source address.

        Sources add up; a rule without any is for all (the platform writes 0.0.0.0/0 then).
        """
        if self.flag("disabled") or self.text("direction") == "EGRESS":
            return False
        ranges = self.items("sourceRanges")
        if not ranges:
            return not self.items("sourceTags") and not self.items("sourceServiceAccounts")
        return any(_everything(str(each)) for each in ranges)

    def allows(self, port: int) -> bool:
        """Whether what it allows covers a TCP port."""
        return any(
            protocol(rule) in TCP and _covers(rule.get("ports"), port)
            for rule in self.rows("allowed")
        )


def protocol(rule: Mapping[str, Any]) -> str:
    """The protocol of an allowed or denied entry.

    Raises:
        MalformedError: it names none.
    """
    named = rule.get("IPProtocol", rule.get("ipProtocol"))
    if not isinstance(named, str):
        raise MalformedError("a firewall entry names no IPProtocol")
    return named.lower()


def _everything(addresses: str) -> bool:
    try:
        return ip_network(addresses, strict=False).prefixlen == 0
    except ValueError:
        raise MalformedError("a firewall's source range is no range") from None


def _covers(ports: list[str] | None, port: int) -> bool:
    """Whether ports such as `22` and `1000-2000` hold a port; none at all are all."""
    if not ports:
        return True
    for each in ports:
        first, _, last = str(each).partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            raise MalformedError("a firewall entry's port is no number")
        if int(first) <= port <= int(last or first):
            return True
    return False


def _closed(firewall: Firewall, port: int, service: str) -> Verdict:
    if firewall.lets_in_anybody and firewall.allows(port):
        return fails(f"port {port} ({service}) is open to every address")
    return passes()


@compute.check(
    Firewall, "critical", remediation="Limit the rule's source ranges, or use Identity-Aware Proxy."
)
def firewall_no_public_ssh(firewall: Firewall, _: Scene) -> Verdict:
    """SSH is not open to the internet."""
    return _closed(firewall, SSH, "SSH")


@compute.check(
    Firewall, "critical", remediation="Limit the rule's source ranges, or use Identity-Aware Proxy."
)
def firewall_no_public_rdp(firewall: Firewall, _: Scene) -> Verdict:
    """Remote Desktop is not open to the internet."""
    return _closed(firewall, RDP, "Remote Desktop")


@compute.check(
    Firewall, "critical", remediation="Delete the rule, or name the protocols, ports and sources."
)
def firewall_no_public_all(firewall: Firewall, _: Scene) -> Verdict:
    """No rule lets everything in from the internet."""
    if not firewall.rows("allowed"):
        return not_applicable("the rule allows nothing")
    everything = any(
        protocol(rule) == "all" or (protocol(rule) in TCP and _all_ports(rule.get("ports")))
        for rule in firewall.rows("allowed")
    )
    if firewall.lets_in_anybody and everything:
        return fails("every port is open to every address")
    return passes()


def _all_ports(ports: list[str] | None) -> bool:
    return _covers(ports, 1) and _covers(ports, LAST_PORT) and len(ports or ()) <= 1
