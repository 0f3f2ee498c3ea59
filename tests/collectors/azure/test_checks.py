"""Each check of Azure on documents made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Resource, Status, Unread
from collectors.azure import network, storage
from collectors.azure.rows import GraphRow, kept, wanted
from collectors.testing import judge
from tests.collectors.azure.double import (
    flow_log,
    resource,
    rule,
    security_group,
    storage_account,
    subscription,
    virtual_network,
)

PASS, FAIL = Status.PASS, Status.FAIL
NOT_APPLICABLE, UNKNOWN = Status.NOT_APPLICABLE, Status.UNKNOWN


def read(kind: type[GraphRow], row: dict[str, Any], **facts: Any) -> Any:
    """A row as the collector keeps it."""
    listed = kept(row, wanted(("name", "location", "tags", *kind.keeps)))
    return kind(id=row["id"].lower(), scope=row["subscriptionId"], listed=listed, facts=facts)


def account(row: dict[str, Any] | None = None, blobs: Any = None, **changed: Any) -> Any:
    given = blobs if isinstance(blobs, Unread) else {"properties": blobs or {}}
    return read(storage.StorageAccount, row or storage_account(**changed), blobs=given)


def cased(**changed: Any) -> Any:
    """An account whose members came in another case, and a switch as text."""
    row = storage_account()
    row["properties"] = {"SupportsHttpsTrafficOnly": "True", "AllowBlobPublicAccess": "False"}
    row["properties"] |= changed
    return account(row)


def without_blobs() -> Any:
    row = storage_account()
    row["kind"] = "FileStorage"
    return account(row)


def single() -> Any:
    row = storage_account()
    row["sku"] = {"name": "Standard_LRS"}
    return account(row)


SOFT = {
    "deleteRetentionPolicy": {"enabled": True, "days": 14},
    "containerDeleteRetentionPolicy": {"enabled": True, "days": 14},
}
DENIED = Unread("AuthorizationFailed", "Microsoft.Storage/storageAccounts/blobServices/read")
YOUNG, OLD = "2026-11-01T00:00:00Z", "2025-01-01T00:00:00Z"

STORAGE: list[tuple[Any, Any, Status]] = [
    (storage.public_blob_access_disabled, account(), PASS),
    (storage.public_blob_access_disabled, cased(), PASS),
    (storage.public_blob_access_disabled, account(allowBlobPublicAccess=True), FAIL),
    (storage.public_blob_access_disabled, account(allowBlobPublicAccess=None), FAIL),
    (storage.public_blob_access_disabled, cased(AllowBlobPublicAccess="perhaps"), UNKNOWN),
    (storage.secure_transfer_required, account(), PASS),
    (storage.secure_transfer_required, cased(), PASS),
    (storage.secure_transfer_required, account(supportsHttpsTrafficOnly=False), FAIL),
    (storage.minimum_tls, account(), PASS),
    (storage.minimum_tls, account(minimumTlsVersion="TLS1_0"), FAIL),
    (storage.minimum_tls, account(minimumTlsVersion=None), FAIL),
    (storage.network_default_deny, account(), PASS),
    (storage.network_default_deny, account(networkAcls={"defaultAction": "Allow"}), FAIL),
    (storage.network_default_deny, account(networkAcls=None), FAIL),
    (
        storage.network_default_deny,
        account(networkAcls=None, publicNetworkAccess="Disabled"),
        PASS,
    ),
    (storage.shared_key_disabled, account(), FAIL),
    (storage.shared_key_disabled, account(allowSharedKeyAccess=None), FAIL),
    (storage.shared_key_disabled, account(allowSharedKeyAccess=False), PASS),
    (storage.key_rotated, account(), PASS),
    (storage.key_rotated, account(keyCreationTime={"key1": YOUNG, "key2": OLD}), FAIL),
    (storage.key_rotated, account(keyCreationTime={"key1": YOUNG, "key2": None}), FAIL),
    (storage.key_rotated, account(allowSharedKeyAccess=False), NOT_APPLICABLE),
    (storage.sas_policy, account(), PASS),
    (storage.sas_policy, account(sasPolicy={"sasExpirationPeriod": "30.00:00:00"}), FAIL),
    (storage.sas_policy, account(sasPolicy={"sasExpirationPeriod": "08:00:00"}), PASS),
    (storage.sas_policy, account(sasPolicy=None), FAIL),
    (storage.sas_policy, account(allowSharedKeyAccess=False), NOT_APPLICABLE),
    (storage.blob_soft_delete, account(blobs=SOFT), PASS),
    (storage.blob_soft_delete, account(blobs={}), FAIL),
    (
        storage.blob_soft_delete,
        account(blobs=SOFT | {"deleteRetentionPolicy": {"enabled": True, "days": 3}}),
        FAIL,
    ),
    (storage.blob_soft_delete, without_blobs(), NOT_APPLICABLE),
    (storage.blob_soft_delete, account(blobs=DENIED), UNKNOWN),
    (storage.geo_redundant, account(), PASS),
    (storage.geo_redundant, single(), FAIL),
    (storage.cross_tenant_replication_disabled, account(), PASS),
    (storage.cross_tenant_replication_disabled, account(allowCrossTenantReplication=True), FAIL),
    (storage.cross_tenant_replication_disabled, account(allowCrossTenantReplication=None), FAIL),
]


def group(*rules: Any, used: bool = True) -> Any:
    return read(network.SecurityGroup, security_group(1, 1, *rules, used=used))


DENY_ALL = rule("*", access="Deny", protocol="*", priority=50)
LATE_DENY = rule("*", access="Deny", protocol="*", priority=4000)

GROUPS: list[tuple[Any, Any, Status]] = [
    (network.nsg_no_public_ssh, group(rule("443")), PASS),
    (network.nsg_no_public_ssh, group(rule("22")), FAIL),
    (network.nsg_no_public_ssh, group(rule("20-25", "Internet")), FAIL),
    (network.nsg_no_public_ssh, group(rule("22", "0.0.0.0/1")), FAIL),
    (network.nsg_no_public_ssh, group(rule("22", "10.0.0.0/8")), PASS),
    (network.nsg_no_public_ssh, group(rule("22", "VirtualNetwork")), PASS),
    (network.nsg_no_public_ssh, group(rule("22", direction="Outbound")), PASS),
    (network.nsg_no_public_ssh, group(rule("22", protocol="Udp")), PASS),
    (network.nsg_no_public_ssh, group(rule("22"), DENY_ALL), PASS),
    (network.nsg_no_public_ssh, group(rule("22"), LATE_DENY), FAIL),
    (
        network.nsg_no_public_ssh,
        group(rule("22"), rule("22", access="Deny", destinationAddressPrefix="10.1.0.4")),
        FAIL,
    ),
    (
        network.nsg_no_public_ssh,
        group(rule("", "", sourceAddressPrefixes=["1.2.3.4", "*"], destinationPortRanges=["22"])),
        FAIL,
    ),
    (network.nsg_no_public_ssh, group(rule("22"), used=False), NOT_APPLICABLE),
    (network.nsg_no_public_ssh, group(rule("ssh")), UNKNOWN),
    (network.nsg_no_public_ssh, group({"name": "r", "properties": {}}), UNKNOWN),
    (network.nsg_no_public_rdp, group(rule("3389")), FAIL),
    (network.nsg_no_public_rdp, group(rule("*", protocol="*")), FAIL),
    (network.nsg_no_public_rdp, group(rule("22")), PASS),
    (network.nsg_no_public_database_ports, group(rule("5432")), FAIL),
    (network.nsg_no_public_database_ports, group(rule("443")), PASS),
    (network.nsg_no_public_any, group(rule("*", protocol="*")), FAIL),
    (network.nsg_no_public_any, group(rule("0-65535")), FAIL),
    (network.nsg_no_public_any, group(rule("*", protocol="*"), DENY_ALL), PASS),
    (network.nsg_no_public_any, group(rule("1-1024")), PASS),
    (network.nsg_no_public_any, group(rule("*"), used=False), NOT_APPLICABLE),
]


@pytest.mark.parametrize(("check", "document", "status"), STORAGE + GROUPS)
def test_each_check_has_its_outcomes(check: Any, document: Any, status: Status) -> None:
    assert judge(check, document).status is status


NET = read(network.VirtualNetwork, virtual_network())


def subnets(*given: dict[str, Any]) -> Any:
    row = virtual_network()
    row["properties"] = {"subnets": list(given)}
    return read(network.VirtualNetwork, row)


def log(**changed: Any) -> Any:
    row = flow_log()
    row["properties"] |= changed
    return read(network.FlowLog, row)


def watcher(region: str = "westeurope", sub: int = 1) -> Any:
    row = resource("Microsoft.Network/networkWatchers", "w", sub, location=region)
    return read(network.NetworkWatcher, row)


def gateway(**properties: Any) -> Any:
    made = resource("Microsoft.Network/applicationGateways", "g", properties=properties)
    return read(network.ApplicationGateway, made)


WAF = resource(
    "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies",
    "waf",
    properties={"policySettings": {"state": "Enabled", "mode": "Prevention"}},
)
BOUND = gateway(firewallPolicy={"id": WAF["id"].upper()})


def waf(**settings: Any) -> Any:
    return read(network.WafPolicy, WAF | {"properties": {"policySettings": settings}})


def old_waf(**held: Any) -> Any:
    return gateway(webApplicationFirewallConfiguration=held)


def policy(mode: str | None) -> Any:
    made = resource("Microsoft.Network/firewallPolicies", "p", properties={"threatIntelMode": mode})
    return read(network.FirewallPolicy, made)


NETWORKS: list[tuple[Any, Any, list[Resource[Any]], Status]] = [
    (network.subnet_has_nsg, NET, [], PASS),
    (network.subnet_has_nsg, subnets({"name": "a", "properties": {}}), [], FAIL),
    (network.subnet_has_nsg, subnets({"name": "GatewaySubnet"}), [], NOT_APPLICABLE),
    (network.flow_logs_enabled, NET, [log()], PASS),
    (network.flow_logs_enabled, NET, [], FAIL),
    (network.flow_logs_enabled, NET, [log(enabled=False)], FAIL),
    (network.flow_logs_enabled, NET, [log(targetResourceId=f"{NET.id}/subnets/a")], FAIL),
    (network.flow_logs_enabled, NET, [log(retentionPolicy={"enabled": True, "days": 7})], FAIL),
    (network.flow_logs_enabled, NET, [log(retentionPolicy={"enabled": False, "days": 0})], PASS),
    (network.network_watcher_enabled, NET, [watcher()], PASS),
    (network.network_watcher_enabled, NET, [watcher("northeurope")], FAIL),
    (network.network_watcher_enabled, NET, [watcher(sub=2)], FAIL),
    (network.firewall_threat_intel, policy("Deny"), [], PASS),
    (network.firewall_threat_intel, policy("Alert"), [], FAIL),
    (network.firewall_threat_intel, policy(None), [], FAIL),
    (network.app_gateway_waf, BOUND, [waf(state="Enabled", mode="Prevention")], PASS),
    (network.app_gateway_waf, BOUND, [waf(state="Enabled", mode="Detection")], FAIL),
    (network.app_gateway_waf, BOUND, [waf(state="Disabled", mode="Prevention")], FAIL),
    (network.app_gateway_waf, BOUND, [], FAIL),
    (network.app_gateway_waf, gateway(), [], FAIL),
    (network.app_gateway_waf, old_waf(enabled=True, firewallMode="Prevention"), [], PASS),
    (network.app_gateway_waf, old_waf(enabled=False, firewallMode="Prevention"), [], FAIL),
    (
        network.app_gateway_tls,
        gateway(sslPolicy={"policyName": "AppGwSslPolicy20220101"}),
        [],
        PASS,
    ),
    (
        network.app_gateway_tls,
        gateway(sslPolicy={"policyName": "AppGwSslPolicy20150501"}),
        [],
        FAIL,
    ),
    (
        network.app_gateway_tls,
        gateway(sslPolicy={"policyType": "Custom", "minProtocolVersion": "TLSv1_1"}),
        [],
        FAIL,
    ),
    (network.app_gateway_tls, gateway(), [], FAIL),
]


@pytest.mark.parametrize(("check", "document", "others", "status"), NETWORKS)
def test_each_check_that_looks_around_has_its_outcomes(
    check: Any, document: Any, others: list[Resource[Any]], status: Status
) -> None:
    assert judge(check, document, *others).status is status


def test_an_id_that_is_no_resources_fills_no_path() -> None:
    assert account().path("account") == {
        "subscriptionId": subscription(1),
        "rg": "rg-1",
        "account": "acmestore1",
    }
