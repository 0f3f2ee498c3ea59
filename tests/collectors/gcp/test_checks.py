"""Every question about Google Cloud, asked of assets made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.cloud.asset_v1 import Asset as Message
from google.protobuf import json_format

from collectors import Cause, Check, Status, catalog
from collectors.gcp.assets import with_constraints, with_data, with_policy
from collectors.gcp.constraints import Constraints
from collectors.gcp.containers import Organization, Project
from collectors.gcp.databases import Database, Dataset
from collectors.gcp.firewalls import Firewall
from collectors.gcp.iam import Policy
from collectors.gcp.instances import ComputeProject, Disk, Instance
from collectors.gcp.inventory import TYPES
from collectors.gcp.keys import ApiKey, CryptoKey, Secret, ServiceAccountKey
from collectors.gcp.logs import AlertPolicy, LogBucket, LogMetric, LogSink
from collectors.gcp.networks import HttpsProxy, Network, SslPolicy, Subnetwork
from collectors.gcp.services import Cluster, DnsPolicy, Repository, RunService, Zone
from collectors.gcp.storage import Bucket
from collectors.gcp.values import CONTAINERS, Asset
from collectors.testing import judge
from tests.collectors.gcp.acme import ALERTS

CHECKS = {check.id: check for check in catalog(plugins=False).checks.values()}
SAMPLES = json.loads((Path(__file__).parents[2] / "specs" / "gcp-cai-samples.json").read_text())
SECRETS = ("test-password", "test-client_key", "test-disk_encryption_key_raw")

ORG, FOLDER, PROJECT = "organizations/1", "folders/2", "projects/3"
INSIDE = [PROJECT, FOLDER, ORG]
PASS, FAIL, NOT, UNKNOWN = Status.PASS, Status.FAIL, Status.NOT_APPLICABLE, Status.UNKNOWN
ADA, BOB, TEAM = "user:ada@acme.example", "user:bob@acme.example", "group:team@acme.example"
SERVICE = "serviceAccount:web@acme.iam.gserviceaccount.com"
PLAIN = "//x.googleapis.com/projects/acme/things/one"
RED = "class=red"
LABELS = {"labels": {"class": "red"}}


def row(data: dict[str, Any], ancestors: list[str] | None = None) -> dict[str, Any]:
    return {"ancestors": ancestors or INSIDE, "data": data}


def of(kind: type[Asset], name: str = PLAIN, /, **data: Any) -> Asset:
    """An asset inside project 3."""
    return kind(id=name, scope=PROJECT, listed=row(data))


def policy(*grants: tuple[str, str], on: str = CONTAINERS[2], id_: str = PLAIN) -> Policy:
    """An allow policy: roles and members."""
    made = [{"role": f"roles/{role}", "members": [member]} for role, member in grants]
    listed = {"ancestors": INSIDE, "assetType": on, "iamPolicy": {"bindings": made}}
    return Policy(id=id_, scope=PROJECT, listed=listed)


def constraints(*rows: dict[str, Any], on: str = CONTAINERS[0]) -> Constraints:
    """Organisation policies."""
    return Constraints(
        id="x", scope=ORG, listed={"ancestors": [ORG], "assetType": on, "orgPolicy": list(rows)}
    )


def enforced(name: str) -> dict[str, Any]:
    return {"constraint": f"constraints/{name}", "booleanPolicy": {"enforced": True}}


def limited(name: str, **listed: Any) -> dict[str, Any]:
    return {"constraint": f"constraints/{name}", "listPolicy": listed}


def firewall(ports: list[str] | None = None, source: str = "0.0.0.0/0", **more: Any) -> Asset:
    """An incoming rule for TCP."""
    rule = {"IPProtocol": "tcp"} | ({"ports": ports} if ports else {})
    return of(Firewall, direction="INGRESS", sourceRanges=[source], allowed=[rule], **more)


def machine(**items: str) -> Asset:
    """A machine with this metadata."""
    name = "//compute.googleapis.com/projects/acme/zones/z/instances/one"
    made = [{"key": key.replace("_", "-"), "value": value} for key, value in items.items()]
    return of(Instance, name, metadata={"items": made})


def everywhere(**items: str) -> Asset:
    """What the project sets for its machines."""
    made = [{"key": key.replace("_", "-"), "value": value} for key, value in items.items()]
    name = "//compute.googleapis.com/projects/acme"
    return of(ComputeProject, name, commonInstanceMetadata={"items": made})


def audit(kinds: tuple[str, ...], relative: str, exempt: list[str] | None = None) -> Policy:
    """A policy that logs these kinds of all services."""
    logs = [{"logType": kind, "exemptedMembers": exempt or []} for kind in kinds]
    config = {"service": "allServices", "auditLogConfigs": logs}
    return Policy(
        id=f"//cloudresourcemanager.googleapis.com/{relative}",
        listed={
            "ancestors": [relative],
            "assetType": CONTAINERS[2],
            "iamPolicy": {"auditConfigs": [config]},
        },
    )


def metric(name: str, filter_: str) -> Asset:
    return of(LogMetric, f"//logging.googleapis.com/projects/acme/metrics/{name}", filter=filter_)


def alert(name: str, **more: Any) -> Asset:
    filter_ = f'metric.type="logging.googleapis.com/user/{name}" AND resource.type="global"'
    return of(AlertPolicy, conditions=[{"conditionThreshold": {"filter": filter_}}], **more)


def sink(ancestors: list[str], **data: Any) -> LogSink:
    return LogSink(id="s", scope=ancestors[0], listed=row(data, ancestors))


ORGANIZATION = Organization(id="o", scope=ORG, listed=row({}, [ORG]))
LIVE = of(Project, projectId="acme", state="ACTIVE", labels={"owner": "web"})
DYING = of(Project, projectId="acme", lifecycleState="DELETE_REQUESTED")
WANTED = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")
PROXY = of(
    HttpsProxy, sslPolicy="https://www.googleapis.com/compute/v1/projects/acme/global/sslPolicies/p"
)
POLICY = "//compute.googleapis.com/projects/acme/global/sslPolicies/p"
NET = of(Network, "//compute.googleapis.com/projects/acme/global/networks/main", name="main")
NET_URL = {"networkUrl": "https://www.googleapis.com/compute/v1/projects/acme/global/networks/main"}
PUBLIC_BUCKET = policy(("storage.objectViewer", "allUsers"), on="storage.googleapis.com/Bucket")
NODES = {"privateClusterConfig": {"enablePrivateNodes": True}}
APIS = {"apiTargets": [{"service": "maps.googleapis.com"}]}
SHIELD = {"enableVtpm": True, "enableIntegrityMonitoring": True}
FULL = "https://www.googleapis.com/auth/cloud-platform"
DEFAULT_SA = "1-compute@developer.gserviceaccount.com"

Case = tuple[str, Any, tuple[Any, ...], dict[str, object], Status]


def sql(engine: str = "POSTGRES_17", **settings: Any) -> Asset:
    return of(Database, databaseVersion=engine, settings=settings)


CASES: list[Case] = [
    ("iam.no_public_project_binding", policy(("viewer", TEAM)), (), {}, PASS),
    ("iam.no_public_project_binding", policy(("viewer", "allAuthenticatedUsers")), (), {}, FAIL),
    ("iam.no_public_project_binding", PUBLIC_BUCKET, (), {}, NOT),
    ("iam.no_primitive_roles_for_people", policy(("owner", TEAM), ("viewer", ADA)), (), {}, PASS),
    ("iam.no_primitive_roles_for_people", policy(("editor", ADA)), (), {}, FAIL),
    ("iam.no_primitive_roles_for_people", policy(("editor", f"deleted:{ADA}")), (), {}, PASS),
    ("iam.org_admin_limited", policy(("resourcemanager.organizationAdmin", ADA), on=CONTAINERS[0]),
     (), {}, FAIL),
    ("iam.org_admin_limited", policy(("resourcemanager.organizationAdmin", TEAM), on=CONTAINERS[0]),
     (), {}, PASS),
    ("iam.org_admin_limited", policy(("resourcemanager.organizationAdmin", TEAM), on=CONTAINERS[0]),
     (), {"most": 0}, FAIL),
    ("iam.org_admin_limited", policy(("viewer", ADA)), (), {}, NOT),
    ("iam.bindings_to_groups", policy(("viewer", TEAM), ("viewer", SERVICE)), (), {}, PASS),
    ("iam.bindings_to_groups", policy(("viewer", ADA)), (), {}, FAIL),
    ("iam.corporate_identities_only", policy(("viewer", ADA), ("viewer", "domain:acme.example")),
     (), {"domains": ("ACME.example",)}, PASS),
    ("iam.corporate_identities_only", policy(("viewer", "user:eve@gmail.com")), (),
     {"domains": ("acme.example",)}, FAIL),
    ("iam.corporate_identities_only", policy(("viewer", "domain:evil.example")), (),
     {"domains": ("acme.example",)}, FAIL),
    ("iam.corporate_identities_only", policy(("viewer", ADA)), (), {}, UNKNOWN),
    ("iam.sa_no_admin_roles", policy(("storage.objectViewer", SERVICE)), (), {}, PASS),
    ("iam.sa_no_admin_roles", policy(("storage.admin", SERVICE)), (), {}, FAIL),
    ("iam.sa_no_admin_roles", policy(("editor", f"serviceAccount:{DEFAULT_SA}")), (), {}, FAIL),
    ("iam.sa_no_admin_roles",
     policy(("editor", "serviceAccount:1@cloudservices.gserviceaccount.com")), (), {}, PASS),
    ("iam.sa_duties_separated",
     policy(("iam.serviceAccountAdmin", ADA), ("iam.serviceAccountUser", BOB)), (), {}, PASS),
    ("iam.sa_duties_separated",
     policy(("iam.serviceAccountAdmin", ADA), ("iam.serviceAccountUser", ADA)), (), {}, FAIL),
    ("iam.kms_duties_separated",
     policy(("cloudkms.admin", ADA), ("cloudkms.cryptoKeyDecrypter", ADA)), (), {}, FAIL),
    ("iam.kms_duties_separated",
     policy(("cloudkms.admin", ADA), ("cloudkms.cryptoKeyDecrypter", TEAM)), (), {}, PASS),
    ("iam.token_creator_not_project_wide", policy(("iam.serviceAccountTokenCreator", TEAM)), (),
     {}, FAIL),
    ("iam.token_creator_not_project_wide", policy(("iam.serviceAccountTokenCreator", SERVICE)), (),
     {}, PASS),
    ("iam.auditor_role_read_only", policy(("viewer", TEAM), ("owner", ADA)), (),
     {"auditors": (TEAM,)}, PASS),
    ("iam.auditor_role_read_only", policy(("editor", TEAM)), (), {"auditors": (TEAM,)}, FAIL),
    ("iam.auditor_role_read_only", policy(("acme.reader", TEAM)), (),
     {"auditors": (TEAM,), "reading": ("roles/acme.reader",)}, PASS),
    ("iam.sa_key_creation_disabled", constraints(enforced("iam.disableServiceAccountKeyCreation")),
     (), {}, PASS),
    ("iam.sa_key_creation_disabled", constraints(), (), {}, FAIL),
    ("iam.sa_key_creation_disabled", constraints(on=CONTAINERS[2]), (), {}, NOT),
    ("iam.domain_restricted_sharing",
     constraints(limited("iam.allowedPolicyMemberDomains", allowedValues=["C0"])), (), {}, PASS),
    ("iam.domain_restricted_sharing",
     constraints(limited("iam.allowedPolicyMemberDomains", allValues="ALLOW")), (), {}, FAIL),
    ("orgpolicy.resource_locations",
     constraints(limited("gcp.resourceLocations", allowedValues=["in:eu-locations"])), (), {},
     PASS),
    ("orgpolicy.resource_locations", constraints(), (), {}, FAIL),
    ("orgpolicy.service_usage_restricted",
     constraints(limited("serviceuser.services", allValues="DENY")), (), {}, PASS),
    ("orgpolicy.service_usage_restricted",
     constraints({"constraint": "constraints/gcp.restrictServiceUsage", "restoreDefault": {}}), (),
     {}, FAIL),
    ("orgpolicy.baseline_enforced", constraints(enforced("compute.requireOsLogin")), (),
     {"baseline": ("compute.requireOsLogin",)}, PASS),
    ("orgpolicy.baseline_enforced", constraints(), (), {"baseline": ("compute.requireOsLogin",)},
     FAIL),
    ("orgpolicy.baseline_enforced", constraints(), (), {}, UNKNOWN),
    ("iam.sa_key_age", of(ServiceAccountKey, keyType="USER_MANAGED",
                          validAfterTime="2026-10-01T00:00:00Z"), (), {}, PASS),
    ("iam.sa_key_age", of(ServiceAccountKey, keyType="USER_MANAGED",
                          validAfterTime="2026-01-01T00:00:00Z"), (), {}, FAIL),
    ("iam.sa_key_age", of(ServiceAccountKey, keyType="USER_MANAGED", disabled=True), (), {}, NOT),
    ("iam.sa_key_age", of(ServiceAccountKey, keyType="SYSTEM_MANAGED"), (), {}, NOT),
    ("iam.sa_key_age", of(ServiceAccountKey, keyType="USER_MANAGED"), (), {}, UNKNOWN),
    ("apikeys.restricted",
     of(ApiKey, restrictions={**APIS, "serverKeyRestrictions": {"allowedIps": ["192.0.2.1"]}}), (),
     {}, PASS),
    ("apikeys.restricted", of(ApiKey, restrictions=APIS), (), {}, FAIL),
    ("apikeys.restricted", of(ApiKey), (), {}, FAIL),
    ("apikeys.age", of(ApiKey, createTime="2026-11-01T00:00:00Z"), (), {}, PASS),
    ("apikeys.age", of(ApiKey, createTime="2025-11-01T00:00:00Z"), (), {}, FAIL),
    ("apikeys.age", of(ApiKey, deleteTime="2026-11-01T00:00:00Z"), (), {}, NOT),
    ("kms.key_rotation", of(CryptoKey, purpose="ENCRYPT_DECRYPT", rotationPeriod="7776000s",
                            nextRotationTime="2027-01-01T00:00:00Z"), (), {}, PASS),
    ("kms.key_rotation", of(CryptoKey, purpose="ENCRYPT_DECRYPT", rotationPeriod="7776000s",
                            nextRotationTime="2026-01-01T00:00:00Z"), (), {}, FAIL),
    ("kms.key_rotation", of(CryptoKey, purpose="ENCRYPT_DECRYPT", rotationPeriod="31536000s"), (),
     {}, FAIL),
    ("kms.key_rotation", of(CryptoKey, purpose="ENCRYPT_DECRYPT"), (), {}, FAIL),
    ("kms.key_rotation", of(CryptoKey, purpose="ASYMMETRIC_SIGN"), (), {}, NOT),
    ("kms.key_rotation", of(CryptoKey, purpose="ENCRYPT_DECRYPT", rotationPeriod="often"), (), {},
     UNKNOWN),
    ("kms.key_not_public", of(CryptoKey), (policy(("cloudkms.viewer", TEAM)),), {}, PASS),
    ("kms.key_not_public", of(CryptoKey), (policy(("cloudkms.viewer", "allUsers")),), {}, FAIL),
    ("kms.destroy_delay", of(CryptoKey, destroyScheduledDuration="2592000s"), (), {}, PASS),
    ("kms.destroy_delay", of(CryptoKey, destroyScheduledDuration="86400s"), (), {}, FAIL),
    ("kms.destroy_delay", of(CryptoKey, importOnly=True), (), {}, NOT),
    ("kms.destroy_delay", of(CryptoKey), (), {}, UNKNOWN),
    ("secretmanager.rotation_and_expiry", of(Secret, rotation={"rotationPeriod": "86400s"}), (), {},
     PASS),
    ("secretmanager.rotation_and_expiry", of(Secret, rotation={"rotationPeriod": "31536000s"}), (),
     {}, FAIL),
    ("secretmanager.rotation_and_expiry", of(Secret, expireTime="2026-12-01T00:00:00Z"), (), {},
     PASS),
    ("secretmanager.rotation_and_expiry", of(Secret, createTime="2025-01-01T00:00:00Z"), (), {},
     FAIL),
    ("project.register_complete", LIVE, (), {"registered": ("acme",)}, PASS),
    ("project.register_complete", LIVE, (), {"registered": ()}, FAIL),
    ("project.register_complete", LIVE, (), {"registered": ("acme",), "owner": "who"}, FAIL),
    ("project.register_complete", DYING, (), {"registered": ()}, NOT),
    ("compute.firewall_no_public_ssh", firewall(["20-30"]), (), {}, FAIL),
    ("compute.firewall_no_public_ssh", firewall(["22"], "::/0"), (), {}, FAIL),
    ("compute.firewall_no_public_ssh", firewall(), (), {}, FAIL),
    ("compute.firewall_no_public_ssh", firewall(["443"]), (), {}, PASS),
    ("compute.firewall_no_public_ssh", firewall(["22"], "10.0.0.0/8"), (), {}, PASS),
    ("compute.firewall_no_public_ssh", firewall(["22"], disabled=True), (), {}, PASS),
    ("compute.firewall_no_public_ssh", of(Firewall, direction="EGRESS", allowed=[]), (), {}, PASS),
    ("compute.firewall_no_public_ssh",
     of(Firewall, sourceTags=["web"], allowed=[{"IPProtocol": "all"}]), (), {}, PASS),
    ("compute.firewall_no_public_ssh", of(Firewall, allowed=[{"IPProtocol": "all"}]), (), {}, FAIL),
    ("compute.firewall_no_public_ssh", of(Firewall, sourceRanges=["0.0.0.0/0"], allowed=[{}]), (),
     {}, UNKNOWN),
    ("compute.firewall_no_public_ssh", firewall(["ssh"]), (), {}, UNKNOWN),
    ("compute.firewall_no_public_ssh", firewall(["22"], "anywhere"), (), {}, UNKNOWN),
    ("compute.firewall_no_public_rdp", firewall(["3389"]), (), {}, FAIL),
    ("compute.firewall_no_public_rdp", firewall(["22"]), (), {}, PASS),
    ("compute.firewall_no_public_all", firewall(["0-65535"]), (), {}, FAIL),
    ("compute.firewall_no_public_all", of(Firewall, allowed=[{"IPProtocol": "all"}]), (), {}, FAIL),
    ("compute.firewall_no_public_all", firewall(["443"]), (), {}, PASS),
    ("compute.firewall_no_public_all", of(Firewall, denied=[{"IPProtocol": "all"}]), (), {}, NOT),
    ("compute.default_network_absent", NET, (), {}, PASS),
    ("compute.default_network_absent", of(Network, name="default"), (), {}, FAIL),
    ("compute.subnet_flow_logs", of(Subnetwork, logConfig={"enable": True}), (), {}, PASS),
    ("compute.subnet_flow_logs", of(Subnetwork, logConfig={"enable": False}), (), {}, FAIL),
    ("compute.subnet_flow_logs", of(Subnetwork, purpose="REGIONAL_MANAGED_PROXY"), (), {}, NOT),
    ("compute.subnet_flow_logs", of(Subnetwork, logConfig="on"), (), {}, UNKNOWN),
    ("compute.private_google_access", of(Subnetwork, privateIpGoogleAccess=True), (), {}, PASS),
    ("compute.private_google_access", of(Subnetwork), (), {}, FAIL),
    ("compute.private_google_access", of(Subnetwork, purpose="PRIVATE_SERVICE_CONNECT"), (), {},
     NOT),
    ("compute.private_google_access", of(Subnetwork, privateIpGoogleAccess="yes"), (), {}, UNKNOWN),
    ("compute.ssl_policy", PROXY, (of(SslPolicy, POLICY, minTlsVersion="TLS_1_2",
                                      profile="MODERN"),), {}, PASS),
    ("compute.ssl_policy", PROXY, (of(SslPolicy, POLICY, minTlsVersion="TLS_1_0",
                                      profile="MODERN"),), {}, FAIL),
    ("compute.ssl_policy", PROXY, (of(SslPolicy, POLICY, minTlsVersion="TLS_1_2",
                                      profile="COMPATIBLE"),), {}, FAIL),
    ("compute.ssl_policy", PROXY, (), {}, FAIL),
    ("compute.ssl_policy", of(HttpsProxy), (), {}, FAIL),
    ("compute.instance_no_external_ip", of(Instance, networkInterfaces=[{}]), (), {}, PASS),
    ("compute.instance_no_external_ip", of(Instance, networkInterfaces=[{"accessConfigs": [{}]}]),
     (), {}, FAIL),
    ("compute.instance_no_external_ip",
     of(Instance, networkInterfaces=[{"accessConfigs": [{}]}], **LABELS), (), {"label": RED}, PASS),
    ("compute.instance_os_login", machine(), (everywhere(enable_oslogin="TRUE"),), {}, PASS),
    ("compute.instance_os_login", machine(enable_oslogin="false"),
     (everywhere(enable_oslogin="TRUE"),), {}, FAIL),
    ("compute.instance_os_login", machine(), (), {}, FAIL),
    ("compute.instance_no_project_ssh_keys", machine(block_project_ssh_keys="true"), (), {}, PASS),
    ("compute.instance_no_project_ssh_keys", machine(), (everywhere(enable_oslogin="TRUE"),), {},
     PASS),
    ("compute.instance_no_project_ssh_keys", machine(), (), {}, FAIL),
    ("compute.serial_port_disabled", machine(), (), {}, PASS),
    ("compute.serial_port_disabled", machine(), (everywhere(serial_port_enable="1"),), {}, FAIL),
    ("compute.shielded_vm", of(Instance, shieldedInstanceConfig=SHIELD), (), {}, PASS),
    ("compute.shielded_vm", of(Instance, shieldedInstanceConfig={"enableVtpm": True}), (), {},
     FAIL),
    ("compute.default_sa_full_scope",
     of(Instance, serviceAccounts=[{"email": DEFAULT_SA, "scopes": [FULL]}]), (), {}, FAIL),
    ("compute.default_sa_full_scope",
     of(Instance, serviceAccounts=[{"email": SERVICE[15:], "scopes": [FULL]}]),
     (), {}, PASS),
    ("compute.disk_cmek", of(Disk, diskEncryptionKey={"kmsKeyName": "k"}, **LABELS), (),
     {"confidential": RED}, PASS),
    ("compute.disk_cmek", of(Disk, **LABELS), (), {"confidential": RED}, FAIL),
    ("compute.disk_cmek", of(Disk), (), {"confidential": RED}, NOT),
    ("compute.disk_cmek", of(Disk), (), {}, UNKNOWN),
    ("compute.snapshot_schedule", of(Disk, resourcePolicies=["daily"], **LABELS), (),
     {"backup": RED}, PASS),
    ("compute.snapshot_schedule", of(Disk, **LABELS), (), {"backup": RED}, FAIL),
    ("compute.snapshot_schedule", of(Disk), (), {"backup": RED}, NOT),
    ("storage.bucket_not_public", of(Bucket), (PUBLIC_BUCKET,), {}, FAIL),
    ("storage.bucket_not_public",
     of(Bucket, iamConfiguration={"publicAccessPrevention": "enforced"}), (PUBLIC_BUCKET,), {},
     PASS),
    ("storage.bucket_not_public", of(Bucket), (policy(("storage.admin", TEAM)),), {}, PASS),
    ("storage.bucket_not_public", of(Bucket, acl=[{"entity": "allUsers"}]), (), {}, FAIL),
    ("storage.bucket_not_public", of(Bucket, defaultObjectAcl=[{"entity": "allUsers"}]), (), {},
     FAIL),
    ("storage.bucket_not_public",
     of(Bucket, acl=[{"entity": "allUsers"}],
        iamConfiguration={"uniformBucketLevelAccess": {"enabled": True}}), (), {}, PASS),
    ("storage.public_access_prevention",
     of(Bucket, iamConfiguration={"publicAccessPrevention": "enforced"}), (), {}, PASS),
    ("storage.public_access_prevention",
     of(Bucket, iamConfiguration={"publicAccessPrevention": "inherited"}), (), {}, FAIL),
    ("storage.uniform_access",
     of(Bucket, iamConfiguration={"uniformBucketLevelAccess": {"enabled": True}}), (), {}, PASS),
    ("storage.uniform_access", of(Bucket), (), {}, FAIL),
    ("storage.cmek", of(Bucket, encryption={"defaultKmsKeyName": "k"}, **LABELS), (),
     {"confidential": RED}, PASS),
    ("storage.cmek", of(Bucket, **LABELS), (), {"confidential": RED}, FAIL),
    ("storage.cmek", of(Bucket), (), {"confidential": RED}, NOT),
    ("storage.versioning_or_soft_delete", of(Bucket, versioning={"enabled": True}), (), {}, PASS),
    ("storage.versioning_or_soft_delete",
     of(Bucket, softDeletePolicy={"retentionDurationSeconds": "604800"}), (), {}, PASS),
    ("storage.versioning_or_soft_delete",
     of(Bucket, softDeletePolicy={"retentionDurationSeconds": "604800"}), (), {"least": 30}, FAIL),
    ("storage.versioning_or_soft_delete", of(Bucket), (), {}, FAIL),
    ("storage.retention_lock_for_records",
     of(Bucket, retentionPolicy={"retentionPeriod": "9", "isLocked": True}, **LABELS), (),
     {"records": RED}, PASS),
    ("storage.retention_lock_for_records",
     of(Bucket, retentionPolicy={"retentionPeriod": "9"}, **LABELS), (), {"records": RED}, FAIL),
    ("storage.retention_lock_for_records", of(Bucket, **LABELS), (), {"records": RED}, FAIL),
    ("storage.retention_lock_for_records", of(Bucket), (), {"records": RED}, NOT),
    ("storage.lifecycle_delete",
     of(Bucket, lifecycle={"rule": [{"action": {"type": "Delete"}, "condition": {"age": 30}}]},
        **LABELS), (), {"retention": RED, "longest": 90}, PASS),
    ("storage.lifecycle_delete",
     of(Bucket, lifecycle={"rule": [{"action": {"type": "Delete"}, "condition": {"age": 99}}]},
        **LABELS), (), {"retention": RED, "longest": 90}, FAIL),
    ("storage.lifecycle_delete", of(Bucket), (), {"retention": RED, "longest": 90}, NOT),
    ("storage.location_redundant", of(Bucket, locationType="dual-region", **LABELS), (),
     {"critical": RED}, PASS),
    ("storage.location_redundant", of(Bucket, locationType="region", **LABELS), (),
     {"critical": RED}, FAIL),
    ("storage.location_redundant", of(Bucket), (), {"critical": RED}, NOT),
    ("cloudsql.no_public_ip_or_networks",
     sql(ipConfiguration={"authorizedNetworks": [{"value": "0.0.0.0/0"}]}), (), {}, FAIL),
    ("cloudsql.no_public_ip_or_networks",
     sql(ipConfiguration={"authorizedNetworks": [{"value": "192.0.2.0/24"}]}), (), {}, PASS),
    ("cloudsql.no_public_ip_or_networks", sql(userLabels={"class": "red"}), (),
     {"confidential": RED}, FAIL),
    ("cloudsql.no_public_ip_or_networks",
     sql(userLabels={"class": "red"}, ipConfiguration={"ipv4Enabled": False}), (),
     {"confidential": RED}, PASS),
    ("cloudsql.no_public_ip_or_networks",
     sql(ipConfiguration={"authorizedNetworks": [{"value": "home"}]}), (), {}, UNKNOWN),
    ("cloudsql.tls_required", sql(ipConfiguration={"sslMode": "ENCRYPTED_ONLY"}), (), {}, PASS),
    ("cloudsql.tls_required", sql(ipConfiguration={"requireSsl": True}), (), {}, PASS),
    ("cloudsql.tls_required",
     sql(ipConfiguration={"sslMode": "ALLOW_UNENCRYPTED_AND_ENCRYPTED", "requireSsl": True}), (),
     {}, FAIL),
    ("cloudsql.tls_required",
     sql(ipConfiguration={"sslMode": "SSL_MODE_UNSPECIFIED", "requireSsl": True}), (), {}, PASS),
    ("cloudsql.tls_required", sql(), (), {}, FAIL),
    ("cloudsql.tls_required", sql(ipConfiguration={"sslMode": "QUANTUM"}), (), {}, UNKNOWN),
    ("cloudsql.backups_and_pitr",
     sql(backupConfiguration={"enabled": True, "pointInTimeRecoveryEnabled": True}), (), {}, PASS),
    ("cloudsql.backups_and_pitr",
     sql("MYSQL_8_0", backupConfiguration={"enabled": True, "binaryLogEnabled": True}), (), {},
     PASS),
    ("cloudsql.backups_and_pitr", sql(backupConfiguration={"enabled": True}), (), {}, FAIL),
    ("cloudsql.backups_and_pitr", sql(), (), {}, FAIL),
    ("cloudsql.backups_and_pitr", of(Database, instanceType="READ_REPLICA_INSTANCE"), (), {}, NOT),
    ("cloudsql.high_availability", sql(availabilityType="REGIONAL", userLabels={"class": "red"}),
     (), {"production": RED}, PASS),
    ("cloudsql.high_availability", sql(availabilityType="ZONAL", userLabels={"class": "red"}), (),
     {"production": RED}, FAIL),
    ("cloudsql.high_availability", sql(), (), {"production": RED}, NOT),
    ("cloudsql.audit_flags", sql(databaseFlags=[{"name": "log_connections", "value": "on"}]), (),
     {"flags": ("POSTGRES:log_connections=on", "MYSQL:general_log=on")}, PASS),
    ("cloudsql.audit_flags", sql(), (), {"flags": ("log_connections=on",)}, FAIL),
    ("bigquery.dataset_not_public", of(Dataset, access=[{"specialGroup": "projectOwners"}]), (), {},
     PASS),
    ("bigquery.dataset_not_public", of(Dataset, access=[{"specialGroup": "allAuthenticatedUsers"}]),
     (), {}, FAIL),
    ("bigquery.dataset_not_public", of(Dataset), (policy(("bigquery.dataViewer", "allUsers")),), {},
     FAIL),
    ("bigquery.cmek", of(Dataset, defaultEncryptionConfiguration={"kmsKeyName": "k"}, **LABELS), (),
     {"confidential": RED}, PASS),
    ("bigquery.cmek", of(Dataset, **LABELS), (), {"confidential": RED}, FAIL),
    ("bigquery.cmek", of(Dataset), (), {"confidential": RED}, NOT),
    ("bigquery.table_expiration", of(Dataset, defaultTableExpirationMs=3600000, **LABELS), (),
     {"retention": RED}, PASS),
    ("bigquery.table_expiration", of(Dataset, **LABELS), (), {"retention": RED}, FAIL),
    ("bigquery.table_expiration", of(Dataset), (), {"retention": RED}, NOT),
    ("logging.audit_logs_all_services", LIVE, (audit(WANTED, ORG),), {}, PASS),
    ("logging.audit_logs_all_services", LIVE,
     (audit(WANTED[:1], ORG), audit(WANTED[1:], PROJECT)), {}, PASS),
    ("logging.audit_logs_all_services", LIVE, (audit(WANTED, ORG, [ADA]),), {}, FAIL),
    ("logging.audit_logs_all_services", LIVE, (audit(WANTED[:1], PROJECT),), {}, UNKNOWN),
    ("logging.audit_logs_all_services", DYING, (), {}, NOT),
    ("logging.sink_exports_all", ORGANIZATION, (sink([ORG], includeChildren=True),), {}, PASS),
    ("logging.sink_exports_all", ORGANIZATION, (sink([ORG]),), {}, FAIL),
    ("logging.sink_exports_all", ORGANIZATION,
     (sink([ORG], includeChildren=True, filter="severity>=ERROR"),), {}, FAIL),
    ("logging.sink_exports_all", ORGANIZATION,
     (sink([ORG], includeChildren=True, exclusions=[{"name": "e"}]),), {}, FAIL),
    ("logging.sink_exports_all", ORGANIZATION, (sink([PROJECT, ORG], includeChildren=True),), {},
     FAIL),
    ("logging.bucket_retention", of(LogBucket, retentionDays=400), (), {}, PASS),
    ("logging.bucket_retention", of(LogBucket), (), {}, FAIL),
    ("logging.bucket_retention", of(LogBucket, lifecycleState="DELETE_REQUESTED"), (), {}, NOT),
    ("logging.bucket_locked", of(LogBucket, locked=True), (), {}, PASS),
    ("logging.bucket_locked", of(LogBucket), (), {}, FAIL),
    ("logging.bucket_locked", of(LogBucket, "//logging.googleapis.com/b/_Required"), (), {}, PASS),
    ("logging.bucket_locked", of(LogBucket, lifecycleState="DELETE_REQUESTED"), (), {}, NOT),
    ("gke.private_nodes_and_endpoint",
     of(Cluster, masterAuthorizedNetworksConfig={"enabled": True}, **NODES), (), {}, PASS),
    ("gke.private_nodes_and_endpoint", of(Cluster, **NODES), (), {}, FAIL),
    ("gke.private_nodes_and_endpoint",
     of(Cluster, networkConfig={"defaultEnablePrivateNodes": True},
        controlPlaneEndpointsConfig={"ipEndpointsConfig": {"enablePublicEndpoint": False}}), (), {},
     PASS),
    ("gke.private_nodes_and_endpoint",
     of(Cluster, masterAuthorizedNetworksConfig={"enabled": True}), (), {}, FAIL),
    ("gke.network_policy", of(Cluster, networkPolicy={"enabled": True}), (), {}, PASS),
    ("gke.network_policy", of(Cluster, autopilot={"enabled": True}), (), {}, PASS),
    ("gke.network_policy", of(Cluster), (), {}, FAIL),
    ("gke.workload_identity", of(Cluster, workloadIdentityConfig={"workloadPool": "p"}), (), {},
     PASS),
    ("gke.workload_identity", of(Cluster), (), {}, FAIL),
    ("gke.secrets_encrypted", of(Cluster, databaseEncryption={"state": "ENCRYPTED"}), (), {}, PASS),
    ("gke.secrets_encrypted", of(Cluster, databaseEncryption={"state": "DECRYPTED"}), (), {}, FAIL),
    ("gke.release_channel_and_auto_upgrade", of(Cluster, releaseChannel={"channel": "REGULAR"}), (),
     {}, PASS),
    ("gke.release_channel_and_auto_upgrade", of(Cluster, releaseChannel={}), (), {}, FAIL),
    ("gke.logging_and_monitoring",
     of(Cluster, loggingConfig={"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS",
                                                                         "WORKLOADS"]}}),
     (), {}, PASS),
    ("gke.logging_and_monitoring",
     of(Cluster, loggingConfig={"componentConfig": {"enableComponents": ["SYSTEM_COMPONENTS"]}}),
     (), {}, FAIL),
    ("cloudrun.ingress_and_auth", of(RunService), (policy(("run.invoker", TEAM)),),
     {"approved": ()}, PASS),
    ("cloudrun.ingress_and_auth", of(RunService), (policy(("run.invoker", "allUsers")),),
     {"approved": ()}, FAIL),
    ("cloudrun.ingress_and_auth", of(RunService), (policy(("run.invoker", "allUsers")),),
     {"approved": ("one",)}, PASS),
    ("dns.dnssec_enabled", of(Zone, visibility="public", dnssecConfig={"state": "on"}), (), {},
     PASS),
    ("dns.dnssec_enabled", of(Zone, visibility="public"), (), {}, FAIL),
    ("dns.dnssec_enabled",
     of(Zone, dnssecConfig={"state": "on", "defaultKeySpecs": [{"algorithm": "rsasha1"}]}), (), {},
     FAIL),
    ("dns.dnssec_enabled", of(Zone, visibility="private"), (), {}, NOT),
    ("dns.query_logging", NET, (of(DnsPolicy, enableLogging=True, networks=[NET_URL]),), {}, PASS),
    ("dns.query_logging", NET, (of(DnsPolicy, networks=[NET_URL]),), {}, FAIL),
    ("dns.query_logging", NET, (of(DnsPolicy, enableLogging=True),), {}, FAIL),
    ("artifactregistry.scanning_enabled",
     of(Repository, format="DOCKER",
        vulnerabilityScanningConfig={"enablementState": "SCANNING_ACTIVE"}), (), {}, PASS),
    ("artifactregistry.scanning_enabled", of(Repository, format="DOCKER"), (), {}, FAIL),
    ("artifactregistry.scanning_enabled", of(Repository, format="NPM"), (), {}, NOT),
    ("artifactregistry.scanning_enabled",
     of(Repository, format="DOCKER",
        vulnerabilityScanningConfig={"enablementState": "SCANNING_UNSUPPORTED"}), (), {}, NOT),
]  # fmt: skip

WATCHED = {
    "ownership": "project_ownership", "audit": "audit_config", "roles": "custom_roles",
    "firewall": "firewall", "network": "network", "bucket": "bucket_iam", "sql": "sql_config",
}  # fmt: skip
for word, condition in WATCHED.items():
    counted = metric(word, ALERTS[word])
    CASES += [
        (f"logging.metric_alert_{condition}", LIVE, (counted, alert(word)), {}, PASS),
        (
            f"logging.metric_alert_{condition}",
            LIVE,
            (counted, alert(word, enabled=False)),
            {},
            FAIL,
        ),
        (f"logging.metric_alert_{condition}", LIVE, (counted, alert("other")), {}, FAIL),
        (f"logging.metric_alert_{condition}", LIVE, (metric(word, "x"), alert(word)), {}, FAIL),
        (f"logging.metric_alert_{condition}", DYING, (), {}, NOT),
    ]


@pytest.mark.parametrize(("name", "asset", "others", "bound", "status"), CASES)
def test_a_check_judges_as_its_title_says(
    name: str, asset: Any, others: tuple[Any, ...], bound: dict[str, object], status: Status
) -> None:
    verdict = judge(CHECKS[f"gcp.{name}"], asset, *others, **bound)
    assert verdict.status is status, verdict.because
    assert verdict.because or status is PASS


def test_every_check_is_seen_to_pass_and_to_fail() -> None:
    mine = {check for check in CHECKS if check.startswith("gcp.")}
    for status in (PASS, FAIL):
        assert {f"gcp.{name}" for name, _, _, _, seen in CASES if seen is status} == mine


def samples() -> list[tuple[str, dict[str, Any]]]:
    """Google's own sample assets, with the ancestors that its converter leaves to others."""
    return [
        (f"{number} {row['assetType']}", {"ancestors": [PROJECT, ORG], **row})
        for number, row in enumerate(SAMPLES["assets"])
    ]


def parsed(sample: dict[str, Any]) -> Any:
    return json_format.ParseDict(sample, Message.pb(Message()), ignore_unknown_fields=True)


def test_two_of_googles_samples_are_refused_by_its_own_protobuf() -> None:
    refused = []
    for name, sample in samples():
        try:
            parsed(sample)
        except json_format.ParseError:
            refused.append(name)
    assert len(refused) == 2
    assert all("cloudresourcemanager.googleapis.com" in name for name in refused)


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, id=name)
        for name, sample in samples()
        if "update_time" not in json.dumps(sample)
    ],
)
def test_googles_samples_are_read_and_judged_without_a_defect(sample: dict[str, Any]) -> None:
    message = parsed(sample)
    made: list[Asset] = []
    if message.asset_type in TYPES and message.HasField("resource"):
        made.append(with_data(TYPES, message))
    if message.HasField("iam_policy"):
        made.append(with_policy(Policy, message))
    made.append(with_constraints(Constraints, message))
    for each in made:
        assert not any(secret in json.dumps(each.listed) for secret in SECRETS)
        for check in (c for c in CHECKS.values() if c.kind.kind == each.kind):
            assert judge(check, each, **criteria(check)).status in set(Status)


def criteria(check: Check[Any]) -> dict[str, object]:
    """Something for every criterion."""
    example: dict[type, object] = {str: RED, int: 30, tuple: ("x",)}
    return {name: example[each.of] for name, each in check.criteria.items()}


def test_a_reason_that_is_unknown_says_what_is_wrong_with_the_answer() -> None:
    strange = of(Subnetwork, privateIpGoogleAccess="yes")
    verdict = judge(CHECKS["gcp.compute.private_google_access"], strange)
    assert verdict.cause is Cause.MALFORMED
    assert verdict.because == "gcp.compute.subnetwork: privateIpGoogleAccess is not bool"


def test_metrics_and_alerts_of_other_projects_do_not_count() -> None:
    elsewhere = [
        type(each)(id=each.id, scope="projects/4", listed=each.listed)
        for each in (metric("sql", ALERTS["sql"]), alert("sql"))
    ]
    verdict = judge(CHECKS["gcp.logging.metric_alert_sql_config"], LIVE, *elsewhere)
    assert (verdict.status, verdict.because) == (FAIL, "no metric counts it")


def test_what_an_organisation_logs_fails_its_projects_only_where_it_was_read() -> None:
    check = CHECKS["gcp.logging.audit_logs_all_services"]
    read = judge(check, LIVE, audit(WANTED[:1], ORG))
    assert (read.status, read.because) == (FAIL, "not logged: DATA_READ, DATA_WRITE")
    unread = judge(check, LIVE, audit(WANTED[:1], PROJECT))
    assert (unread.status, unread.cause) == (UNKNOWN, Cause.NOT_ASKED)
    assert ORG in unread.because
