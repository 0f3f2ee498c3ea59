"""The network of a host: filters of every tool, routing, interfaces."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Status, Unread
from collectors.linux import LinuxConnection
from collectors.linux.net import (
    Firewall,
    Interface,
    InterfaceRow,
    Routing,
    firewall_active,
    kernel_parameters,
    net,
    wireless_and_ipv6_as_designed,
)
from collectors.linux.packet_filter import dropped_by_iptables, dropped_by_nftables
from collectors.testing import Conformance, collect, judge

MATCH = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}}}


def chain(policy: str, family: str = "inet", **more: object) -> dict[str, Any]:
    base = {"family": family, "table": "t", "name": "input", "type": "filter", "hook": "input"}
    return {"chain": {**base, "policy": policy, **more}}


def rule(*statements: dict[str, Any], to: str = "input", family: str = "inet") -> dict[str, Any]:
    return {"rule": {"family": family, "table": "t", "chain": to, "expr": list(statements)}}


@pytest.mark.parametrize(
    ("objects", "dropped"),
    [
        ([], set()),
        ([chain("accept")], set()),
        ([chain("drop")], {"IPv4", "IPv6"}),
        ([chain("drop", "ip")], {"IPv4"}),
        ([chain("drop", "ip6"), chain("drop", "ip")], {"IPv4", "IPv6"}),
        ([chain("drop", hook="output")], set()),
        ([chain("drop", "bridge")], set()),
        ([chain("drop", type="nat")], set()),
        # firewalld ends an accepting chain with an unconditional reject
        ([chain("accept"), rule({"reject": {"type": "icmpx"}})], {"IPv4", "IPv6"}),
        ([chain("accept"), rule({"counter": None}, {"drop": None})], {"IPv4", "IPv6"}),
        ([chain("accept"), rule(MATCH, {"drop": None})], set()),
        ([chain("drop"), rule({"accept": None})], set()),
        ([chain("drop"), rule(MATCH, {"accept": None})], {"IPv4", "IPv6"}),
        (
            [chain("accept"), rule({"jump": {"target": "x"}}), rule({"drop": None}, to="x")],
            {"IPv4", "IPv6"},
        ),
        ([chain("drop"), rule({"jump": {"target": "input"}})], {"IPv4", "IPv6"}),
        ([chain("drop"), rule({"return": None}), rule({"accept": None})], {"IPv4", "IPv6"}),
    ],
)
def test_the_default_of_an_nftables_input_chain(
    objects: list[dict[str, Any]], dropped: set[str]
) -> None:
    assert dropped_by_nftables(objects) == dropped


@pytest.mark.parametrize(
    ("lines", "dropped"),
    [
        ([], False),
        (["*filter", ":INPUT DROP"], True),
        (["*filter", ":INPUT ACCEPT"], False),
        (["*nat", ":INPUT DROP"], False),
        (["*filter", ":INPUT ACCEPT", "-A INPUT -j REJECT --reject-with icmp-port"], True),
        (["*filter", ":INPUT ACCEPT", "-A INPUT -p tcp -j DROP"], False),
        (["*filter", ":INPUT DROP", "-A INPUT -j ACCEPT"], False),
        (["*filter", ":INPUT DROP", "-A INPUT -j ufw-before-input"], True),
    ],
)
def test_the_default_of_an_iptables_input_chain(lines: list[str], *, dropped: bool) -> None:
    assert dropped_by_iptables(lines) is dropped


def firewall(container: str = "", **facts: object) -> Firewall:
    empty: dict[str, object] = {
        "nftables": [],
        "iptables": [],
        "ip6tables": [],
        "ipv6_interfaces": ["eth0"],
    }
    return Firewall(id="firewall", listed={"container": container}, facts=empty | facts)


DENIED = Unread("needs more rights", "run:nft -j -s -t list ruleset")
DROPS = ["*filter", ":INPUT DROP"]


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (firewall(nftables=[chain("drop")]), "pass", ""),
        (firewall(iptables=DROPS, ip6tables=DROPS), "pass", ""),
        (firewall(nftables=[chain("drop", "ip")]), "fail", "IPv6"),
        (firewall(nftables=[chain("drop", "ip")], ipv6_interfaces=[]), "pass", ""),
        (firewall(), "fail", "IPv4, IPv6"),
        (firewall(nftables=None, iptables=None, ip6tables=None), "fail", "neither"),
        (firewall(nftables=DENIED), "unknown", "nft"),
        (firewall(nftables=DENIED, iptables=DROPS, ip6tables=DROPS), "pass", ""),
        (firewall(nftables=[chain("drop", "ip")], ipv6_interfaces=DENIED), "unknown", "nft"),
        (firewall("docker", nftables=DENIED), "not_applicable", "docker"),
    ],
)
def test_firewall_active(found: Firewall, status: str, because: str) -> None:
    verdict = judge(firewall_active, found)
    assert verdict.status == status
    assert because in verdict.because


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({}, "pass"),
        ({"net.ipv4.ip_forward": "1"}, "fail"),
        ({"net.ipv4.conf.eth0.accept_redirects": "1"}, "fail"),
        ({"net.ipv4.conf.all.send_redirects": "1"}, "fail"),
        # the kernel takes source routes only where `all` and the interface both allow them
        ({"net.ipv4.conf.eth0.accept_source_route": "1"}, "pass"),
        (
            {
                "net.ipv4.conf.eth0.accept_source_route": "1",
                "net.ipv4.conf.all.accept_source_route": "1",
            },
            "fail",
        ),
        ({"net.ipv6.conf.all.accept_redirects": "1"}, "pass"),
        ({"net.ipv6.conf.eth0.accept_redirects": "1"}, "fail"),
        (
            {
                "net.ipv6.conf.eth0.accept_redirects": "1",
                "net.ipv6.conf.eth0.disable_ipv6": "1",
            },
            "pass",
        ),
        ({"net.ipv6.conf.eth0.accept_source_route": "-1"}, "pass"),
        ({"net.ipv4.conf.eth0.100.accept_redirects": "1"}, "fail"),
    ],
)
def test_kernel_parameters(values: dict[str, str], status: str) -> None:
    routing = Routing(id="routing", listed={"container": ""}, facts={"parameters": values})
    assert judge(kernel_parameters, routing).status == status


def test_a_router_may_forward_but_not_redirect() -> None:
    values = {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.send_redirects": "1"}
    routing = Routing(id="routing", listed={"container": ""}, facts={"parameters": values})
    verdict = judge(kernel_parameters, routing, forwarding=True)
    assert verdict.because == "on: net.ipv4.conf.all.send_redirects"


def test_kernel_parameters_of_a_container_belong_to_its_host() -> None:
    routing = Routing(id="routing", listed={"container": "podman"}, facts={"parameters": {}})
    assert judge(kernel_parameters, routing).status is Status.NOT_APPLICABLE


def interface(name: str = "eth0", **row: bool) -> Interface:
    values = {"up": True, "loopback": False, "wireless": False, "ipv6": False} | row
    listed: InterfaceRow = {
        "name": name,
        "up": values["up"],
        "loopback": values["loopback"],
        "wireless": values["wireless"],
        "ipv6": values["ipv6"],
    }
    return Interface(id=name, listed=listed)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (interface("lo", loopback=True), "not_applicable"),
        (interface("eth0"), "pass"),
        (interface("eth1"), "fail"),
        (interface("eth1", up=False), "pass"),
        (interface("wlan0", wireless=True), "fail"),
        (interface("veth12"), "pass"),
        (interface("veth12", ipv6=True), "fail"),
        (interface("eth0", ipv6=True), "pass"),
    ],
)
def test_interfaces_in_use_are_designed(found: Interface, status: str) -> None:
    check = wireless_and_ipv6_as_designed
    assert judge(check, found, approved=["eth0", "veth*"], ipv6=["eth0"]).status == status


def test_without_a_design_the_interfaces_are_undecided() -> None:
    assert "approved" in judge(wireless_and_ipv6_as_designed, interface()).because


def test_an_image_has_no_network_and_nothing_is_guessed() -> None:
    connection = LinuxConnection("image", "/nonexistent")
    findings = collect(connection, (net,)).findings()
    assert {verdict.status for verdict in findings.values()} == {Status.UNKNOWN}


class TestConformance(Conformance):
    collectors = (net,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
