"""What a loaded packet filter does with a packet nobody asked for: nftables and iptables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

IPV4: Final = "IPv4"
IPV6: Final = "IPv6"
FAMILIES: Final = {"ip": {IPV4}, "ip6": {IPV6}, "inet": {IPV4, IPV6}}
"""What the families of nftables filter; no other has IP input (nft(8), ADDRESS FAMILIES)."""

NEUTRAL: Final = {"counter", "log"}
"""Statements that neither choose packets nor decide about them."""

Objects = list[dict[str, Any]]


def dropped_by_nftables(objects: Objects) -> set[str]:
    """The address families whose input is dropped by default, from `nft -j list ruleset`.

    A packet passes only if every chain of the input hook lets it: one that drops is enough. The
    default is the first unconditional verdict of the chain, else its policy (nft(8), CHAINS;
    libnftables-json(5)).
    """
    chains = [o["chain"] for o in objects if "chain" in o]
    rules: dict[tuple[str, str, str], list[list[dict[str, Any]]]] = {}
    for rule in (o["rule"] for o in objects if "rule" in o):
        at = (rule["family"], rule["table"], rule["chain"])
        rules.setdefault(at, []).append(rule.get("expr", []))
    dropped: set[str] = set()
    for chain in chains:
        if chain.get("hook") != "input" or chain.get("type") != "filter":
            continue
        at = (chain["family"], chain["table"], chain["name"])
        end = _default(at, rules, frozenset()) or chain.get("policy", "accept")
        if end == "drop":
            dropped |= FAMILIES.get(chain["family"], set())
    return dropped


def dropped_by_iptables(lines: Iterable[str]) -> bool:
    """Whether INPUT of the filter table drops by default, from `iptables-save`.

    A rule without conditions decides (iptables(8)); else the chain's policy.
    """
    table, policy, rules = "", "ACCEPT", []
    for line in lines:
        words = line.split()
        if line.startswith("*"):
            table = line[1:]
        elif table == "filter" and line.startswith(":INPUT "):
            policy = words[1]
        elif table == "filter" and words[:3] == ["-A", "INPUT", "-j"]:
            rules.append(words[3])
    deciding = (target for target in rules if target in {"ACCEPT", "DROP", "REJECT"})
    return next(deciding, policy) in {"DROP", "REJECT"}


def _default(
    at: tuple[str, str, str],
    rules: Mapping[tuple[str, str, str], list[list[dict[str, Any]]]],
    seen: frozenset[tuple[str, str, str]],
) -> str:
    """What a chain does with every packet: `accept`, `drop`, or "" where it leaves it open."""
    if at in seen:  # the kernel refuses loops; a damaged answer must not hang us
        return ""
    for statements in rules.get(at, []):
        deciding = [s for s in statements if not NEUTRAL & s.keys()]
        if len(deciding) != 1:
            continue
        [(word, value)] = deciding[0].items()
        if word in {"drop", "reject"}:
            return "drop"
        if word == "accept":
            return "accept"
        if word == "return":
            return ""
        if word in {"jump", "goto"}:
            end = _default((*at[:2], value["target"]), rules, seen | {at})
            if end or word == "goto":
                return end
    return ""
