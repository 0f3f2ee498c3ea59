"""Cloud Asset Inventory: everything checks ask about, in one pass over one list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from collectors import Collector, Unlisted
from collectors.gcp.assets import with_data
from collectors.gcp.containers import Organization, Project
from collectors.gcp.databases import Database, Dataset
from collectors.gcp.firewalls import Firewall
from collectors.gcp.instances import REGIONAL_DISK, ComputeProject, Disk, Instance
from collectors.gcp.keys import ApiKey, CryptoKey, Secret, ServiceAccountKey
from collectors.gcp.logs import AlertPolicy, LogBucket, LogMetric, LogSink
from collectors.gcp.networks import HttpsProxy, Network, SslPolicy, Subnetwork
from collectors.gcp.refusals import UnheardType
from collectors.gcp.services import Cluster, DnsPolicy, Repository, RunService, Zone
from collectors.gcp.storage import Bucket
from collectors.gcp.target import PERMISSIONS, GcpTarget
from collectors.gcp.values import Asset

asset = Collector("gcp.asset", title="Cloud Asset Inventory", reads_from="cloudasset")

KINDS: Final[tuple[type[Asset], ...]] = (
    AlertPolicy, ApiKey, Bucket, Cluster, ComputeProject, CryptoKey, Database, Dataset, Disk,
    DnsPolicy, Firewall, HttpsProxy, Instance, LogBucket, LogMetric, LogSink, Network, Organization,
    Project, Repository, RunService, Secret, ServiceAccountKey, SslPolicy, Subnetwork, Zone,
)  # fmt: skip
"""One list feeds the collectors of all services: a list for each would be a call more for each."""

TYPES: Final = {kind.asset_type: kind for kind in KINDS} | {REGIONAL_DISK: Disk}


@asset.resources(*KINDS, permission=PERMISSIONS["RESOURCE"])
def assets(target: GcpTarget) -> Iterator[Asset | Unlisted]:
    """Every asset of these kinds below the target's scope."""
    for found in target.assets("RESOURCE", sorted(TYPES)):
        if isinstance(found, UnheardType):
            yield Unlisted(TYPES[found.asset_type], found.error)
        else:
            yield with_data(TYPES, found)
