"""Compute Engine: networks, subnetworks and the TLS of load balancers."""

from __future__ import annotations

from typing import Final

from collectors import Scene, Verdict, fails, not_applicable, passes
from collectors.gcp.firewalls import compute
from collectors.gcp.values import Asset

WITHOUT_WORKLOADS: Final = frozenset({
    "REGIONAL_MANAGED_PROXY", "GLOBAL_MANAGED_PROXY", "INTERNAL_HTTPS_LOAD_BALANCER",
    "PRIVATE_SERVICE_CONNECT",
})  # fmt: skip
"""Purposes of subnetworks that hold Google's own proxies: neither setting exists there.
https://docs.cloud.google.com/vpc/docs/subnets"""


class Network(Asset, kind="gcp.compute.network"):
    """A VPC network."""

    asset_type = "compute.googleapis.com/Network"
    keeps = ("name", "autoCreateSubnetworks", "routingConfig", "IPv4Range")


class Subnetwork(Asset, kind="gcp.compute.subnetwork"):
    """A subnetwork."""

    asset_type = "compute.googleapis.com/Subnetwork"
    keeps = (
        "name", "network", "region", "ipCidrRange", "purpose", "role", "enableFlowLogs",
        "logConfig", "privateIpGoogleAccess", "stackType",
    )  # fmt: skip


class SslPolicy(Asset, kind="gcp.compute.ssl_policy"):
    """What TLS a load balancer accepts."""

    asset_type = "compute.googleapis.com/SslPolicy"
    keeps = ("name", "minTlsVersion", "profile", "customFeatures", "enabledFeatures")


class HttpsProxy(Asset, kind="gcp.compute.target_https_proxy"):
    """The HTTPS end of an external load balancer."""

    asset_type = "compute.googleapis.com/TargetHttpsProxy"
    keeps = ("name", "sslPolicy", "urlMap", "region")


@compute.check(Network, "medium", remediation="Delete the network named default.")
def default_network_absent(network: Network, _: Scene) -> Verdict:
    """No project works in the network Google makes by itself, with its open rules."""
    named = network.text("name") or network.name
    return fails("the network default is there") if named == "default" else passes()


@compute.check(Subnetwork, "medium", remediation="Turn on flow logs for the subnetwork.")
def subnet_flow_logs(subnetwork: Subnetwork, _: Scene) -> Verdict:
    """Traffic of the subnetwork is logged."""
    purpose = subnetwork.text("purpose")
    if purpose in WITHOUT_WORKLOADS:
        return not_applicable(f"the purpose is {purpose}")
    on = subnetwork.flag("logConfig.enable") or subnetwork.flag("enableFlowLogs")
    return passes() if on else fails("flow logs are off")


@compute.check(Subnetwork, "low", remediation="Turn on Private Google Access.")
def private_google_access(subnetwork: Subnetwork, _: Scene) -> Verdict:
    """Machines reach Google's services without an address of the internet."""
    purpose = subnetwork.text("purpose")
    if purpose in WITHOUT_WORKLOADS:
        return not_applicable(f"the purpose is {purpose}")
    on = subnetwork.flag("privateIpGoogleAccess")
    return passes() if on else fails("Private Google Access is off")


@compute.check(
    HttpsProxy,
    "medium",
    also=(SslPolicy,),
    remediation="Attach an SSL policy with TLS 1.2 or later and the profile MODERN or RESTRICTED.",
)
def ssl_policy(proxy: HttpsProxy, scene: Scene) -> Verdict:
    """Load balancers accept modern TLS only."""
    named = proxy.text("sslPolicy")
    if not named:
        return fails("no SSL policy: Google's default accepts TLS 1.0")
    path = named.partition("/projects/")[2]
    policy = scene.one(SslPolicy, f"//compute.googleapis.com/projects/{path}")
    if policy is None:
        return fails("the SSL policy it names is not in the inventory")
    least, profile = policy.text("minTlsVersion") or "TLS_1_0", policy.text("profile")
    if least not in {"TLS_1_2", "TLS_1_3"}:
        return fails(f"accepts {least}")
    if profile not in {"MODERN", "RESTRICTED", "FIPS_202205"}:
        return fails(f"the profile is {profile or 'COMPATIBLE'}")
    return passes(f"{least}, {profile}")
