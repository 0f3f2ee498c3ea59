"""A host's network: does it filter what comes in, does it route, which interfaces does it use?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final, TypedDict

from collectors import (
    CallError,
    Cause,
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    known,
    not_applicable,
    passes,
)
from collectors.linux.packet_filter import IPV4, IPV6, dropped_by_iptables, dropped_by_nftables
from collectors.linux.running import CONTAINER, Setting, kernel_text, require_running
from collectors.linux.target import LinuxTarget

net = Collector("linux.net", title="Network of the host")

CONF: Final = "/proc/sys/net"
LOOPBACK: Final = 0x8
UP: Final = 0x1
GLOBAL: Final = "00"
NFT: Final = ("nft", "-j", "-s", "-t", "list", "ruleset")


class Firewall(Resource[Setting], kind="linux.net.firewall"):
    """The host's packet filter, from every tool that can have loaded it."""

    @fact("run:" + " ".join(NFT))
    def nftables(self, host: LinuxTarget) -> list[dict[str, Any]] | None:
        """The loaded tables, chains and rules; set members and counters move and are left out."""
        answer = host.run(*NFT)
        if answer is None:
            return None
        if answer["code"]:
            raise CallError(Cause.UNREACHABLE, "nft failed", answer.get("errors", ""))
        return _objects(answer["text"])

    @fact("run:iptables-save")
    def iptables(self, host: LinuxTarget) -> list[str] | None:
        """The IPv4 rules as iptables-save prints them, without counters and dates."""
        return _saved(host, "iptables-save")

    @fact("run:ip6tables-save")
    def ip6tables(self, host: LinuxTarget) -> list[str] | None:
        """The IPv6 rules as ip6tables-save prints them, without counters and dates."""
        return _saved(host, "ip6tables-save")

    @fact("read:/proc/net/if_inet6")
    def ipv6_interfaces(self, host: LinuxTarget) -> list[str]:
        """The interfaces that have an IPv6 address, the loopback left out."""
        text = kernel_text(host, "/proc/net/if_inet6") or ""
        return sorted({line.split()[-1] for line in text.splitlines()} - {"lo"})


class Routing(Resource[Setting], kind="linux.net.routing"):
    """How the kernel treats packets that are not its own."""

    @fact(f"read:{CONF}")
    def parameters(self, host: LinuxTarget) -> dict[str, str]:
        """The parameters by name, for `all` and each interface (kernel ip-sysctl.rst)."""
        return dict(_parameters(host))


class InterfaceRow(TypedDict):
    """One network interface."""

    name: str
    up: bool
    loopback: bool
    wireless: bool
    ipv6: bool


class Interface(Resource[InterfaceRow], kind="linux.net.interface"):
    """A network interface; `ipv6` where it has an address of global scope."""


@net.resources(Firewall, Routing, permission=CONTAINER)
def settings(host: LinuxTarget) -> Iterator[Firewall | Routing]:
    """The filter and the routing: one of each per host."""
    where: Setting = {"container": host.container()}
    yield Firewall(id="firewall", listed=where)
    yield Routing(id="routing", listed=where)


@net.resources(Interface, permission=("list:/sys/class/net", "read:/proc/net/if_inet6"))
def interfaces(host: LinuxTarget) -> Iterator[Interface]:
    """Every interface; read from /sys, so no tool is needed."""
    require_running(host, "list:/sys/class/net")
    addresses = [line.split() for line in (host.text("/proc/net/if_inet6") or "").splitlines()]
    with_ipv6 = {fields[5] for fields in addresses if len(fields) > 5 and fields[3] == GLOBAL}
    for name in host.names("/sys/class/net") or ():
        entries = host.names(f"/sys/class/net/{name}")
        text = kernel_text(host, f"/sys/class/net/{name}/flags")
        if entries is None or text is None:  # a file (bonding_masters), or gone since
            continue
        flags = int(text, 16)
        row: InterfaceRow = {
            "name": name,
            "up": bool(flags & UP),
            "loopback": bool(flags & LOOPBACK),
            "wireless": bool({"wireless", "phy80211"} & set(entries)),
            "ipv6": name in with_ipv6,
        }
        yield Interface(id=name, listed=row)


@net.check(
    Firewall,
    "high",
    remediation="Load a filter that drops input by default for IPv4 and IPv6, also at boot.",
)
def firewall_active(firewall: Firewall, scene: Scene) -> Verdict:
    """A host firewall drops incoming packets that no rule accepts, for IPv4 and IPv6.

    IPv6 counts where an interface besides the loopback has an IPv6 address.
    """
    del scene
    if kind := firewall.listed["container"]:
        return not_applicable(f"container ({kind}): its host filters")
    dropped: set[str] = set()
    for found in known(
        lambda: dropped_by_nftables(firewall.nftables or []),
        lambda: {IPV4} if dropped_by_iptables(firewall.iptables or []) else set(),
        lambda: {IPV6} if dropped_by_iptables(firewall.ip6tables or []) else set(),
        lambda: set() if firewall.ipv6_interfaces else {IPV6},
    ):
        dropped |= found
        if dropped >= {IPV4, IPV6}:
            return passes()
    missing = sorted({IPV4, IPV6} - dropped)
    if firewall.nftables is None and firewall.iptables is None:
        return fails("neither nftables nor iptables is installed")
    return fails(f"input is not dropped by default: {', '.join(missing)}")


@net.check(
    Routing,
    "medium",
    remediation="Set the named parameters in /etc/sysctl.d and load them with sysctl --system.",
)
def kernel_parameters(
    routing: Routing,
    scene: Scene,
    *,
    forwarding: bool = criterion(False, "whether the host is meant to forward packets"),
) -> Verdict:
    """The kernel neither forwards nor redirects packets, and takes no source routes.

    For IPv4 redirects are taken or sent where `all` or the interface allows it, source routes
    where both do (kernel documentation, networking/ip-sysctl); for IPv6 the interface decides,
    where it is not switched off.
    """
    del scene
    if kind := routing.listed["container"]:
        return not_applicable(f"container ({kind}): its host and runtime set them")
    wrong = sorted(_wrong(routing.parameters, forwarding=forwarding))
    return fails(f"on: {', '.join(wrong)}") if wrong else passes()


@net.check(
    Interface,
    "low",
    remediation="Disable the interface or its IPv6, or add it to the design and to the criterion.",
)
def wireless_and_ipv6_as_designed(
    interface: Interface,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("names of interfaces in use, * as wildcard"),
    ipv6: tuple[str, ...] = criterion("names of interfaces that use IPv6, * as wildcard"),
) -> Verdict:
    """An interface that is up is part of the design, wireless and IPv6 included."""
    del scene
    row = interface.listed
    if row["loopback"]:
        return not_applicable("loopback")
    if not row["up"]:
        return passes("down")
    if not _matches(row["name"], approved):
        return fails("up, not in the design" + (", wireless" if row["wireless"] else ""))
    if row["ipv6"] and not _matches(row["name"], ipv6):
        return fails("has a global IPv6 address, not in the design")
    return passes()


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _objects(text: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(text)["nftables"]
    except (ValueError, KeyError, TypeError):
        raise MalformedError("nft printed no JSON ruleset") from None
    return [o for o in found if {"table", "chain", "rule"} & o.keys()]


def _saved(host: LinuxTarget, tool: str) -> list[str] | None:
    answer = host.run(tool)
    if answer is None:
        return None
    if answer["code"]:
        raise CallError(Cause.UNREACHABLE, f"{tool} failed", answer.get("errors", ""))
    lines = (line for line in answer["text"].splitlines() if line and not line.startswith("#"))
    return [line.partition(" [")[0] if line.startswith(":") else line for line in lines]


def _parameters(host: LinuxTarget) -> Iterator[tuple[str, str]]:
    wanted = {
        "ipv4": ("accept_redirects", "send_redirects", "accept_source_route"),
        "ipv6": ("disable_ipv6", "forwarding", "accept_redirects", "accept_source_route"),
    }
    forward = kernel_text(host, f"{CONF}/ipv4/ip_forward")
    if forward is not None:
        yield "net.ipv4.ip_forward", forward
    for family, names in wanted.items():
        for place in host.names(f"{CONF}/{family}/conf") or ():
            for name in names if place not in {"default", "lo"} else ():
                value = kernel_text(host, f"{CONF}/{family}/conf/{place}/{name}")
                if value is not None:
                    yield f"net.{family}.conf.{place}.{name}", value


def _wrong(values: dict[str, str], *, forwarding: bool) -> Iterator[str]:
    on = {name for name, value in values.items() if value.lstrip("-").isdigit() and int(value) > 0}
    for name in on:
        *_, place, word = name.split(".")
        if word == "disable_ipv6" or name.replace(f".{word}", ".disable_ipv6") in on:
            continue
        if word in {"ip_forward", "forwarding"}:
            if not forwarding:
                yield name
        elif word == "accept_source_route" and ".ipv4." in name:
            if place != "all" and "net.ipv4.conf.all.accept_source_route" in on:
                yield name
        elif ".ipv4." in name or place != "all":
            yield name
