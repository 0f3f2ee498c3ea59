"""A believable organisation: 60 projects in two folders, about 3,900 assets, all of it in order."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from collectors.gcp.values import CONTAINERS
from tests.collectors.gcp.double import ORGANISATION, message

PROJECTS = 60
FOLDERS = ("folders/201", "folders/202")
ADMINS = "group:gcp-admins@acme.example"
WANTED = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")
OLD = "2024-01-01T00:00:00Z"
RECENT = "2026-10-20T08:00:00Z"
SECRET = "canary-startup-password"

ALERTS = {
    "ownership": 'protoPayload.serviceName="cloudresourcemanager.googleapis.com" AND '
    '("ProjectOwnership" OR "projectOwnerInvitee") AND role="roles/owner"',
    "audit": 'protoPayload.methodName="SetIamPolicy" AND protoPayload.serviceData.policyDelta'
    ".auditConfigDeltas:*",
    "roles": 'resource.type="iam_role" AND proto'
    'Payload.methodName="google.iam.admin.v1.UpdateRole"',
    "firewall": 'resource.type="gce_firewall_rule" AND proto'
    'Payload.methodName:"compute.firewalls.patch"',
    "network": 'resource.type="gce_network" AND protoPayload.methodName:"compute.networks.patch"',
    "bucket": 'resource.type="gcs_bucket" AND protoPayload.methodName="storage.setIamPermissions"',
    "sql": 'protoPayload.methodName="cloudsql.instances.update"',
}


def asset(
    name: str,
    kind: str,
    ancestors: tuple[str, ...] = (f"{'projects'}/1000", *FOLDERS[:1], ORGANISATION),
    data: dict[str, Any] | None = None,
    **more: Any,
) -> Any:
    """An asset as Google lists it."""
    row: dict[str, Any] = {
        "name": name,
        "assetType": kind,
        "ancestors": list(ancestors),
        "updateTime": RECENT,
        **more,
    }
    if data is not None:
        row["resource"] = {"version": "v1", "location": "europe-west3", "data": data}
    return message(row)


def container(relative: str, ancestors: tuple[str, ...], **more: Any) -> Any:
    """The organisation, a folder or a project."""
    kind = {"o": CONTAINERS[0], "f": CONTAINERS[1], "p": CONTAINERS[2]}[relative[0]]
    name = f"//cloudresourcemanager.googleapis.com/{relative}"
    return asset(name, kind, ancestors, **more)


def bindings(**roles: str) -> dict[str, Any]:
    """An allow policy."""
    made = [{"role": f"roles/{r.replace('__', '.')}", "members": [m]} for r, m in roles.items()]
    return {"version": 1, "etag": "BwXhqDVU2Vw=", "bindings": made}


def organisation() -> Iterator[Any]:
    """The organisation with its policies, its sink and its folders."""
    audited = [
        {"service": "allServices", "auditLogConfigs": [{"logType": kind} for kind in WANTED]}
    ]
    yield container(
        ORGANISATION,
        (ORGANISATION,),
        data={"name": ORGANISATION, "displayName": "acme.example", "state": "ACTIVE"},
        iamPolicy={
            **bindings(resourcemanager__organizationAdmin=ADMINS),
            "auditConfigs": audited,
        },
        orgPolicy=[
            {"constraint": f"constraints/{name}", **value}
            for name, value in {
                "iam.disableServiceAccountKeyCreation": {"booleanPolicy": {"enforced": True}},
                "iam.allowedPolicyMemberDomains": {"listPolicy": {"allowedValues": ["C0acme"]}},
                "gcp.resourceLocations": {"listPolicy": {"allowedValues": ["in:eu-locations"]}},
                "gcp.restrictServiceUsage": {"listPolicy": {"deniedValues": ["ml.googleapis.com"]}},
            }.items()
        ],
    )
    for folder in FOLDERS:
        yield container(folder, (folder, ORGANISATION), iamPolicy=bindings(viewer=ADMINS))
    yield asset(
        f"//logging.googleapis.com/{ORGANISATION}/sinks/everything",
        "logging.googleapis.com/LogSink",
        (ORGANISATION,),
        {
            "name": "everything",
            "destination": "storage.googleapis.com/acme-logs",
            "includeChildren": True,
            "writerIdentity": "serviceAccount:o123@gcp-sa-logging.iam.gserviceaccount.com",
        },
    )


def project(number: int) -> Iterator[Any]:
    """A project with a service of the company in it."""
    name = f"acme-{number:03}"
    relative = f"projects/{1000 + number}"
    above = (relative, FOLDERS[number % 2], ORGANISATION)
    data = {
        "projectId": name,
        "projectNumber": str(1000 + number),
        "name": name,
        "lifecycleState": "ACTIVE",
        "labels": {"owner": "platform"},
        "createTime": OLD,
    }
    policy = bindings(viewer="group:developers@acme.example", run__developer=ADMINS)
    boolean = {"booleanPolicy": {"enforced": True}}
    rules = [{"constraint": "constraints/compute.disableSerialPortAccess", **boolean}]
    yield container(relative, above, data=data, iamPolicy=policy, orgPolicy=rules)
    for kind, path, row in [
        *network(name),
        *machines(name),
        *stores(name),
        *keys(name),
        *logs(name),
    ]:
        service = {"sqladmin.googleapis.com": "cloudsql.googleapis.com"}
        host = kind.partition("/")[0]
        more = {"iamPolicy": policy_of(kind)} if policy_of(kind) else {}
        full = f"//{service.get(host, host)}/{path}"
        yield asset(full, kind, above, row, **more)


def policy_of(kind: str) -> dict[str, Any]:
    """The allow policy of what has one of its own."""
    if kind in {"storage.googleapis.com/Bucket", "cloudkms.googleapis.com/CryptoKey"}:
        return bindings(storage__admin=ADMINS)
    return bindings(run__invoker=ADMINS) if kind == "run.googleapis.com/Service" else {}


def network(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """A network, its subnetworks, its rules, and what is in front of it."""
    at = f"projects/{name}/global"
    url = f"https://www.googleapis.com/compute/v1/{at}"
    yield "compute.googleapis.com/Network", f"{at}/networks/main", {"name": "main"}
    for number in range(4):
        yield (
            "compute.googleapis.com/Subnetwork",
            f"projects/{name}/regions/europe-west3/subnetworks/s{number}",
            {
                "name": f"s{number}", "purpose": "PRIVATE", "ipCidrRange": f"10.{number}.0.0/16",
                "logConfig": {"enable": True}, "privateIpGoogleAccess": True,
            },
        )  # fmt: skip
    for number in range(10):
        yield (
            "compute.googleapis.com/Firewall",
            f"{at}/firewalls/allow-{number}",
            {
                "name": f"allow-{number}", "direction": "INGRESS", "disabled": False,
                "sourceRanges": ["0.0.0.0/0" if number == 0 else f"10.{number}.0.0/16"],
                "allowed": [{"IPProtocol": "tcp", "ports": ["443"]}], "priority": 1000,
            },
        )  # fmt: skip
    yield (
        "compute.googleapis.com/SslPolicy",
        f"{at}/sslPolicies/modern",
        {"name": "modern", "minTlsVersion": "TLS_1_2", "profile": "MODERN"},
    )
    yield (
        "compute.googleapis.com/TargetHttpsProxy",
        f"{at}/targetHttpsProxies/www",
        {"name": "www", "sslPolicy": f"{url}/sslPolicies/modern"},
    )
    yield (
        "dns.googleapis.com/Policy",
        f"projects/{name}/policies/log",
        {
            "name": "log",
            "enableLogging": True,
            "networks": [{"networkUrl": f"{url}/networks/main"}],
        },
    )
    yield (
        "dns.googleapis.com/ManagedZone",
        f"projects/{name}/managedZones/www",
        {
            "name": "www", "visibility": "public", "dnsName": f"{name}.acme.example.",
            "dnssecConfig": {"state": "on", "defaultKeySpecs": [{"algorithm": "ecdsap256sha256"}]},
        },
    )  # fmt: skip


def machines(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Machines with their disks, a cluster and a service without machines."""
    items = [
        {"key": "enable-oslogin", "value": "TRUE"},
        {"key": "startup-script", "value": SECRET},
        {"key": "ssh-keys", "value": f"ada:ssh-ed25519 {SECRET}"},
    ]
    yield (
        "compute.googleapis.com/Project",
        f"projects/{name}",
        {"name": name, "commonInstanceMetadata": {"fingerprint": "x", "items": items}},
    )
    for number in range(12):
        at = f"projects/{name}/zones/europe-west3-a"
        yield (
            "compute.googleapis.com/Instance",
            f"{at}/instances/vm-{number}",
            {
                "name": f"vm-{number}", "labels": {"team": "web"}, "status": "RUNNING",
                "metadata": {"items": [{"key": "user-data", "value": SECRET}]},
                "networkInterfaces": [{"networkIP": f"10.0.0.{number}"}],
                "serviceAccounts": [{"email": f"vm@{name}.iam.gserviceaccount.com", "scopes": []}],
                "shieldedInstanceConfig": {"enableVtpm": True, "enableIntegrityMonitoring": True},
                "disks": [{"diskEncryptionKey": {"rawKey": SECRET}}],
            },
        )  # fmt: skip
        yield (
            "compute.googleapis.com/Disk",
            f"{at}/disks/vm-{number}",
            {
                "name": f"vm-{number}", "labels": {"backup": "true", "class": "confidential"},
                "resourcePolicies": ["daily"], "sizeGb": "100",
                "diskEncryptionKey": {"kmsKeyName": "k/cryptoKeyVersions/7", "rawKey": SECRET},
            },
        )  # fmt: skip
    yield (
        "container.googleapis.com/Cluster",
        f"projects/{name}/locations/europe-west3/clusters/main",
        {
            "name": "main", "masterAuth": {"password": SECRET, "clientKey": SECRET},
            "privateClusterConfig": {"enablePrivateNodes": True},
            "masterAuthorizedNetworksConfig": {"enabled": True},
            "networkConfig": {"datapathProvider": "ADVANCED_DATAPATH"},
            "workloadIdentityConfig": {"workloadPool": f"{name}.svc.id.goog"},
            "databaseEncryption": {"state": "ENCRYPTED", "keyName": "k"},
            "releaseChannel": {"channel": "REGULAR"},
            "loggingConfig": {
                "componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS", "WORKLOADS"]}
            },
        },
    )  # fmt: skip
    yield (
        "run.googleapis.com/Service",
        f"projects/{name}/locations/europe-west3/services/api",
        {"name": "api", "template": {"containers": [{"env": [{"name": "T", "value": SECRET}]}]}},
    )
    yield (
        "artifactregistry.googleapis.com/Repository",
        f"projects/{name}/locations/europe-west3/repositories/images",
        {
            "name": "images", "format": "DOCKER",
            "vulnerabilityScanningConfig": {"enablementState": "SCANNING_ACTIVE"},
        },
    )  # fmt: skip


def stores(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Buckets, a database and a dataset."""
    for number in range(5):
        yield (
            "storage.googleapis.com/Bucket",
            f"{name}-data-{number}",
            {
                "name": f"{name}-data-{number}", "labels": {"class": "confidential"},
                "iamConfiguration": {
                    "publicAccessPrevention": "enforced",
                    "uniformBucketLevelAccess": {"enabled": True},
                },
                "versioning": {"enabled": True}, "locationType": "multi-region",
                "encryption": {"defaultKmsKeyName": "k"},
                "retentionPolicy": {"retentionPeriod": "31536000", "isLocked": True},
                "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 365}}]},
            },
        )  # fmt: skip
    yield (
        "sqladmin.googleapis.com/Instance",
        f"projects/{name}/instances/orders",
        {
            "name": "orders", "databaseVersion": "POSTGRES_17", "rootPassword": SECRET,
            "replicaConfiguration": {"mysqlReplicaConfiguration": {"password": SECRET}},
            "settings": {
                "availabilityType": "REGIONAL", "userLabels": {"env": "production"},
                "ipConfiguration": {"ipv4Enabled": False, "sslMode": "ENCRYPTED_ONLY"},
                "backupConfiguration": {"enabled": True, "pointInTimeRecoveryEnabled": True},
                "databaseFlags": [{"name": "log_connections", "value": "on"}],
            },
        },
    )  # fmt: skip
    yield (
        "bigquery.googleapis.com/Dataset",
        f"projects/{name}/datasets/orders",
        {
            "labels": {"class": "confidential"}, "access": [{"specialGroup": "projectOwners"}],
            "defaultEncryptionConfiguration": {"kmsKeyName": "k"},
            "defaultTableExpirationMs": "86400000",
        },
    )  # fmt: skip


def keys(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Keys of every kind."""
    account = f"projects/{name}/serviceAccounts/1/keys"
    for kind, made in (("USER_MANAGED", RECENT), ("SYSTEM_MANAGED", OLD)):
        yield (
            "iam.googleapis.com/ServiceAccountKey",
            f"{account}/{kind}",
            {"keyType": kind, "validAfterTime": made, "privateKeyData": SECRET},
        )
    yield (
        "apikeys.googleapis.com/Key",
        f"projects/{name}/locations/global/keys/maps",
        {
            "displayName": "maps", "createTime": RECENT, "keyString": SECRET,
            "restrictions": {
                "apiTargets": [{"service": "maps.googleapis.com"}],
                "browserKeyRestrictions": {"allowedReferrers": ["acme.example"]},
            },
        },
    )  # fmt: skip
    yield (
        "cloudkms.googleapis.com/CryptoKey",
        f"projects/{name}/locations/europe/keyRings/r/cryptoKeys/k",
        {
            "purpose": "ENCRYPT_DECRYPT", "rotationPeriod": "7776000s",
            "nextRotationTime": "2027-01-01T00:00:00Z", "destroyScheduledDuration": "2592000s",
            "primary": {"state": "ENABLED"},
        },
    )  # fmt: skip
    yield (
        "secretmanager.googleapis.com/Secret",
        f"projects/{name}/secrets/token",
        {"createTime": OLD, "rotation": {"rotationPeriod": "2592000s"}},
    )


def logs(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Log buckets, and a metric and an alert for each thing that is watched."""
    for bucket, days in (("_Default", 400), ("_Required", 400)):
        yield (
            "logging.googleapis.com/LogBucket",
            f"projects/{name}/locations/global/buckets/{bucket}",
            {"retentionDays": days, "locked": True, "lifecycleState": "ACTIVE"},
        )
    for number, (metric, found) in enumerate(ALERTS.items()):
        counted = f'metric.type="logging.googleapis.com/user/{metric}" AND resource.type="global"'
        yield (
            "logging.googleapis.com/LogMetric",
            f"projects/{name}/metrics/{metric}",
            {"name": metric, "filter": found},
        )
        yield (
            "monitoring.googleapis.com/AlertPolicy",
            f"projects/{name}/alertPolicies/{number}",
            {
                "displayName": metric, "enabled": True,
                "conditions": [{"conditionThreshold": {"filter": counted}}],
            },
        )  # fmt: skip


@lru_cache
def acme() -> tuple[Any, ...]:
    """Everything there is."""
    return (*organisation(), *(each for number in range(PROJECTS) for each in project(number)))
