"""Kubernetes Engine, Cloud Run, Cloud DNS and Artifact Registry."""

from __future__ import annotations

from typing import Any, Final

from collectors import Collector, Scene, Verdict, criterion, fails, not_applicable, passes
from collectors.gcp.iam import Policy, public_roles
from collectors.gcp.networks import Network
from collectors.gcp.values import Asset

gke = Collector("gcp.gke", title="Kubernetes Engine clusters", reads_from="container")
cloudrun = Collector("gcp.cloudrun", title="Cloud Run services", reads_from="run")
dns = Collector("gcp.dns", title="Cloud DNS", reads_from="dns")
artifactregistry = Collector(
    "gcp.artifactregistry", title="Artifact Registry", reads_from="artifactregistry"
)

LOGS: Final = ("SYSTEM_COMPONENTS", "WORKLOADS")


class Cluster(Asset, kind="gcp.gke.cluster"):
    """A cluster; how one signs in at it (`masterAuth`) is not kept.

    https://docs.cloud.google.com/kubernetes-engine/docs/reference/rest/v1/projects.locations.clusters
    """

    asset_type = "container.googleapis.com/Cluster"
    keeps = (
        "name", "location", "resourceLabels", "autopilot", "privateClusterConfig", "networkConfig",
        "masterAuthorizedNetworksConfig", "controlPlaneEndpointsConfig", "networkPolicy",
        "workloadIdentityConfig", "databaseEncryption", "releaseChannel", "loggingConfig",
        "loggingService", "binaryAuthorization", "shieldedNodes", "legacyAbac",
    )  # fmt: skip

    @property
    def autopilot(self) -> bool:
        """Whether Google runs the nodes, with settings nobody can turn off."""
        return self.flag("autopilot.enabled")


class RunService(Asset, kind="gcp.cloudrun.service"):
    """A service of Cloud Run; environment variables are not kept: they often are secrets."""

    asset_type = "run.googleapis.com/Service"
    keeps = ("name", "ingress", "labels")


class Zone(Asset, kind="gcp.dns.managed_zone"):
    """A zone of Cloud DNS."""

    asset_type = "dns.googleapis.com/ManagedZone"
    keeps = ("name", "dnsName", "visibility", "dnssecConfig", "labels")


class DnsPolicy(Asset, kind="gcp.dns.policy"):
    """A server policy: what a network's resolver does."""

    asset_type = "dns.googleapis.com/Policy"
    keeps = ("name", "enableLogging", "networks", "enableInboundForwarding")


class Repository(Asset, kind="gcp.artifactregistry.repository"):
    """A repository of packages or images."""

    asset_type = "artifactregistry.googleapis.com/Repository"
    keeps = ("name", "format", "mode", "vulnerabilityScanningConfig", "labels", "dockerConfig")


@gke.check(
    Cluster, "high", remediation="Use private nodes and limit the control plane to own networks."
)
def private_nodes_and_endpoint(cluster: Cluster, _: Scene) -> Verdict:
    """Nodes have no public address, and not everybody reaches the control plane."""
    wrong = []
    newer = cluster.flag("networkConfig.defaultEnablePrivateNodes")
    if not newer and not cluster.flag("privateClusterConfig.enablePrivateNodes"):
        wrong.append("nodes may have public addresses")
    points = "controlPlaneEndpointsConfig.ipEndpointsConfig"
    closed = (
        cluster.flag("privateClusterConfig.enablePrivateEndpoint")
        or cluster.flag("masterAuthorizedNetworksConfig.enabled")
        or cluster.flag(f"{points}.authorizedNetworksConfig.enabled")
        or not cluster.flag(f"{points}.enablePublicEndpoint", default=True)
    )
    if not closed:
        wrong.append("the control plane is open to every address")
    return fails("; ".join(wrong)) if wrong else passes()


@gke.check(Cluster, "medium", remediation="Turn on network policy or Dataplane V2.")
def network_policy(cluster: Cluster, _: Scene) -> Verdict:
    """Workloads can be kept apart on the network."""
    if cluster.autopilot:
        return passes("Autopilot")
    modern = cluster.text("networkConfig.datapathProvider") == "ADVANCED_DATAPATH"
    on = modern or cluster.flag("networkPolicy.enabled")
    return passes() if on else fails("neither network policy nor Dataplane V2")


@gke.check(Cluster, "medium", remediation="Turn on Workload Identity Federation for GKE.")
def workload_identity(cluster: Cluster, _: Scene) -> Verdict:
    """Workloads have identities of their own instead of keys or the node's."""
    pool = cluster.text("workloadIdentityConfig.workloadPool")
    return passes(pool) if pool else fails("workloads use the identity of their node")


@gke.check(Cluster, "medium", remediation="Encrypt the cluster's secrets with a key of Cloud KMS.")
def secrets_encrypted(cluster: Cluster, _: Scene) -> Verdict:
    """Secrets of the cluster are encrypted with a key of one's own."""
    state = cluster.text("databaseEncryption.state")
    encrypted = state in {"ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"}
    return passes() if encrypted else fails("secrets are not encrypted with a key of Cloud KMS")


@gke.check(Cluster, "medium", remediation="Enrol the cluster in a release channel.")
def release_channel_and_auto_upgrade(cluster: Cluster, _: Scene) -> Verdict:
    """The cluster is updated by itself; a release channel upgrades nodes too."""
    channel = cluster.text("releaseChannel.channel")
    on = channel not in {"", "UNSPECIFIED"}
    return passes(channel) if on else fails("no release channel")


@gke.check(Cluster, "medium", remediation="Log system components and workloads.")
def logging_and_monitoring(cluster: Cluster, _: Scene) -> Verdict:
    """What the system and the workloads say is logged."""
    logged = cluster.items("loggingConfig.componentConfig.enableComponents")
    missing = [each for each in LOGS if each not in logged]
    return fails(f"not logged: {', '.join(missing)}") if missing else passes()


@cloudrun.check(
    RunService,
    "high",
    also=(Policy,),
    remediation="Remove allUsers from the service, or approve it as public.",
)
def ingress_and_auth(
    service: RunService, scene: Scene, *, approved: tuple[str, ...] = criterion("service names")
) -> Verdict:
    """Only services that were approved as public answer everybody."""
    roles = public_roles(scene.one(Policy, service.id))
    if not roles:
        return passes("needs an identity")
    return passes("approved") if service.name in approved else fails("answers everybody")


@dns.check(Zone, "low", remediation="Turn on DNSSEC with an algorithm newer than RSASHA1.")
def dnssec_enabled(zone: Zone, _: Scene) -> Verdict:
    """Answers of public zones are signed."""
    if zone.text("visibility") == "private":
        return not_applicable("a private zone")
    if zone.text("dnssecConfig.state") != "on":
        return fails("DNSSEC is off")
    keys = zone.rows("dnssecConfig.defaultKeySpecs")
    old = any(str(key.get("algorithm", "")).lower() == "rsasha1" for key in keys)
    return fails("signed with RSASHA1") if old else passes()


@dns.check(
    Network,
    "low",
    also=(DnsPolicy,),
    remediation="Attach a DNS server policy with logging to the network.",
)
def query_logging(network: Network, scene: Scene) -> Verdict:
    """What machines of the network look up is logged."""
    path = network.id.removeprefix("//compute.googleapis.com/")
    for policy in scene.all(DnsPolicy):
        if policy.flag("enableLogging") and any(_is(row, path) for row in policy.rows("networks")):
            return passes(policy.name)
    return fails("no DNS policy logs queries")


def _is(row: Any, path: str) -> bool:  # noqa: ANN401 - a row of a policy
    return str(row.get("networkUrl", "")).endswith(f"/{path}")


@artifactregistry.check(
    Repository, "high", remediation="Enable scanning in the project and on the repository."
)
def scanning_enabled(repository: Repository, _: Scene) -> Verdict:
    """Images are searched for known weaknesses."""
    if repository.text("format") != "DOCKER":
        return not_applicable(f"the format is {repository.text('format')}")
    state = repository.text("vulnerabilityScanningConfig.enablementState")
    if state == "SCANNING_UNSUPPORTED":
        return not_applicable("Google cannot scan this repository")
    return passes() if state == "SCANNING_ACTIVE" else fails(f"scanning is {state or 'not set'}")
