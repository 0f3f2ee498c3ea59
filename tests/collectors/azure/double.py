"""A tenant of Azure behind Microsoft's descriptions: subscriptions in groups, and the graph.

Resource Graph's answers are made from `rows`: the query's table, types and conditions are applied,
so that a query that asks for the wrong thing gets the wrong thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from collectors.azure import AzureConnection
from collectors.azure.site import (
    CONTACTS,
    DESCENDANTS,
    DIAGNOSTICS,
    GRAPH,
    PERMISSIONS,
    SUBSCRIPTIONS,
)
from tests.microsoft import TENANT, Authority
from tests.spec_server import Asked, SpecServer, arm_pages, resource_graph_pages

OTHER_TENANT = "99999999-2222-3333-4444-555555555555"
READER = [{"actions": ["*/read"], "notActions": []}]
OLD = "2026-10-20T08:00:00Z"
BASE = "/subscriptions/{subscriptionId}/resourceGroups/{rg}/providers/"

TABLES = {
    "microsoft.security/": "securityresources",
    "microsoft.authorization/policy": "policyresources",
    "microsoft.authorization/": "authorizationresources",
    "microsoft.recoveryservices/vaults/backupfabrics": "recoveryservicesresources",
    "microsoft.management/": "resourcecontainers",
}


def subscription(number: int) -> str:
    """A subscription's id."""
    return f"5ab50000-0000-4000-8000-{number:012d}"


def resource(
    made_of: str, name: str, sub: int = 1, *, tags: Mapping[str, str] | None = None, **more: Any
) -> dict[str, Any]:
    """A row as the graph gives it: the type in lower case, the id in the case it was made with."""
    provider, _, rest = made_of.partition("/")
    steps = rest.split("/")
    names = name.split("/")
    below = "/".join(f"{a}/{b}" for a, b in zip(steps, names, strict=True))
    number = subscription(sub)
    return {
        "id": f"/subscriptions/{number}/resourceGroups/RG-{sub}/providers/{provider}/{below}",
        "name": names[-1],
        "type": made_of.lower(),
        "tenantId": TENANT,
        "location": "westeurope",
        "subscriptionId": number,
        "tags": dict(tags) if tags else None,
        "kind": "",
        "sku": None,
        "identity": None,
        "properties": {},
        **more,
    }


def storage_account(number: int = 1, sub: int = 1, **changed: Any) -> dict[str, Any]:
    """An account as it should be."""
    properties = {
        "supportsHttpsTrafficOnly": True,
        "minimumTlsVersion": "TLS1_2",
        "allowBlobPublicAccess": False,
        "allowCrossTenantReplication": False,
        "allowSharedKeyAccess": True,
        "keyCreationTime": {"key1": OLD, "key2": OLD},
        "sasPolicy": {"sasExpirationPeriod": "1.00:00:00", "expirationAction": "Log"},
        "publicNetworkAccess": "Enabled",
        "networkAcls": {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": []},
        "primaryEndpoints": {"blob": f"https://sa{number}.blob.core.windows.net/"},
        **changed,
    }
    return resource(
        "Microsoft.Storage/storageAccounts",
        f"acmestore{number}",
        sub,
        kind="StorageV2",
        sku={"name": "Standard_GRS", "tier": "Standard"},
        properties=properties,
    )


def rule(port: str = "443", source: str = "*", **changed: Any) -> dict[str, Any]:
    """A security rule that lets a port in."""
    properties = {
        "access": "Allow",
        "direction": "Inbound",
        "priority": 100,
        "protocol": "Tcp",
        "sourceAddressPrefix": source,
        "sourceAddressPrefixes": [],
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": port,
        "destinationPortRanges": [],
        **changed,
    }
    return {"name": f"in-{port}", "properties": properties}


def security_group(number: int = 1, sub: int = 1, *rules: Any, used: bool = True) -> dict[str, Any]:
    """A security group of a subnet."""
    return resource(
        "Microsoft.Network/networkSecurityGroups",
        f"nsg-{number}",
        sub,
        properties={
            "securityRules": list(rules) or [rule()],
            "subnets": [{"id": f"/subnets/{number}"}] if used else [],
            "defaultSecurityRules": [],
        },
    )


def virtual_network(number: int = 1, sub: int = 1) -> dict[str, Any]:
    """A network whose subnet has a group."""
    return resource(
        "Microsoft.Network/virtualNetworks",
        f"vnet-{number}",
        sub,
        properties={
            "subnets": [
                {
                    "name": "work",
                    "properties": {"networkSecurityGroup": {"id": f"/nsg/{number}"}},
                },
                {"name": "GatewaySubnet", "properties": {}},
            ]
        },
    )


def flow_log(number: int = 1, sub: int = 1) -> dict[str, Any]:
    """The flow log of a network."""
    return resource(
        "Microsoft.Network/networkWatchers/flowLogs",
        f"watcher/log-{number}",
        sub,
        properties={
            "enabled": True,
            "targetResourceId": virtual_network(number, sub)["id"],
            "retentionPolicy": {"enabled": True, "days": 180},
        },
    )


def networks(count: int, sub: int = 1) -> list[dict[str, Any]]:
    """Networks with their groups, logs and the region's watcher."""
    made = [resource("Microsoft.Network/networkWatchers", "watcher", sub)]
    for number in range(count):
        made += [
            security_group(number, sub),
            virtual_network(number, sub),
            flow_log(number, sub),
        ]
    return made


GUID = "00000000-0000-4000-8000-000000000001"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def plain(made_of: str, name: str, sub: int, **properties: Any) -> dict[str, Any]:
    """A row with these properties."""
    return resource(made_of, name, sub, properties=properties)


def of_subscription(made_of: str, name: str, sub: int, **properties: Any) -> dict[str, Any]:
    """A row that stands in a subscription, outside of its resource groups."""
    row = plain(made_of, name, sub, **properties)
    return {**row, "id": f"/subscriptions/{subscription(sub)}/providers/{made_of}/{name}"}


def alert(sub: int, *conditions: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """An alert on the activity log of a whole subscription."""
    properties = {
        "enabled": True,
        "scopes": [f"/subscriptions/{subscription(sub)}"],
        "condition": {"allOf": list(conditions)},
        "actions": {"actionGroups": [{"actionGroupId": "/x/actionGroups/oncall"}]},
        **changed,
    }
    return plain("Microsoft.Insights/activityLogAlerts", f"alert-{sub}", sub, **properties)


def services(sub: int) -> list[dict[str, Any]]:
    """One of each further kind in a subscription."""
    machine = plain(
        "Microsoft.Compute/virtualMachines",
        "web-1",
        sub,
        securityProfile={"encryptionAtHost": True, "securityType": "TrustedLaunch"},
        osProfile={"adminUsername": "root", "linuxConfiguration": {}},
    )
    return [
        machine,
        plain("Microsoft.Compute/disks", "disk-1", sub, networkAccessPolicy="DenyAll"),
        plain("Microsoft.KeyVault/vaults", "vault-1", sub, enablePurgeProtection=True),
        plain("Microsoft.Sql/servers", "sql-1", sub, minimalTlsVersion="1.2"),
        plain("Microsoft.Sql/servers/databases", "sql-1/master", sub),
        plain("Microsoft.Sql/servers/databases", "sql-1/shop", sub),
        plain("Microsoft.OperationalInsights/workspaces", "logs", sub, retentionInDays=180),
        alert(sub, {"field": "category", "equals": "ServiceHealth"}),
        plain("Microsoft.RecoveryServices/vaults", "copies", sub),
        plain(
            "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems",
            "copies/azure/c1/web-1",
            sub,
            sourceResourceId=machine["id"],
            protectionState="Protected",
            lastBackupStatus="Completed",
            lastBackupTime="2026-11-24T02:00:00Z",
        ),
        of_subscription(
            "Microsoft.Security/pricings", "VirtualMachines", sub, pricingTier="Standard"
        ),
        plain(
            "Microsoft.Security/assessments",
            GUID,
            sub,
            status={"code": "Healthy"},
            metadata={"severity": "High"},
        ),
        of_subscription(
            "Microsoft.Authorization/roleAssignments",
            GUID,
            sub,
            principalId=GUID,
            principalType="User",
            roleDefinitionId=f"/x/roleDefinitions/{OWNER}",
            scope=f"/subscriptions/{subscription(sub)}",
        ),
        of_subscription(
            "Microsoft.Authorization/roleDefinitions",
            GUID,
            sub,
            roleName="Acme operator",
            type="CustomRole",
            permissions=[{"actions": ["*/read"]}],
        ),
    ]


class Tenant:
    """Subscriptions, their resources and what its reader may do there."""

    def __init__(self, subscriptions: int = 3) -> None:
        self.subscriptions = {subscription(n): "Enabled" for n in range(1, subscriptions + 1)}
        self.hidden: set[str] = set()
        self.rows: list[dict[str, Any]] = []
        self.granted: dict[str, list[dict[str, Any]]] = {}
        self.foreign = [subscription(900)]

    def visible(self) -> list[str]:
        """What the reader sees of the tenant's own."""
        return [number for number in self.subscriptions if number not in self.hidden]

    def listed(self) -> list[dict[str, Any]]:
        """The subscriptions as ARM lists them; one is another tenant's (Lighthouse)."""
        own = [(number, TENANT) for number in self.visible()]
        return [
            {
                "id": f"/subscriptions/{number}",
                "subscriptionId": number,
                "tenantId": tenant,
                "displayName": f"Acme {number[-2:]}",
                "state": self.subscriptions.get(number, "Enabled"),
                "tags": {"Owner": "platform team"},
                "managedByTenants": [],
            }
            for number, tenant in [*own, *((number, OTHER_TENANT) for number in self.foreign)]
        ]

    def descendants(self) -> list[dict[str, Any]]:
        """What the root management group holds: a group, and every subscription in it."""
        group = "/providers/Microsoft.Management/managementGroups/production"
        root = f"/providers/Microsoft.Management/managementGroups/{TENANT}"
        return [
            {
                "id": group,
                "type": "Microsoft.Management/managementGroups",
                "name": "production",
                "properties": {"displayName": "Production", "parent": {"id": root}},
            },
            *(
                {
                    "id": f"/subscriptions/{number}",
                    "type": "Microsoft.Management/managementGroups/subscriptions",
                    "name": number,
                    "properties": {"displayName": "Acme", "parent": {"id": group}},
                }
                for number in self.subscriptions
            ),
        ]

    def graph(self, asked: Asked) -> list[dict[str, Any]]:
        """Resource Graph's answer to a query of ours."""
        query = asked.body["query"]
        found = re.search(r"type in~ \(([^)]*)\)", query)
        assert found, query
        assert query.endswith("order by id asc"), "paging needs a stable order"
        types = set(re.findall(r"'([^']+)'", found[1]))
        table, dark = query.partition(" ")[0], self.foreign if TENANT in query else []
        if without := re.search(r"subscriptionId !in~ \(([^)]*)\)", query):
            dark = [*dark, *re.findall(r"'([^']+)'", without[1])]
        rows = [
            row
            for row in self.rows
            if row["type"] in types
            and _table(row["type"]) == table
            and row["subscriptionId"] not in {*dark, *self.hidden}
            and self._may(row)
        ]
        return sorted(rows, key=lambda row: row["id"])

    def _may(self, row: Mapping[str, Any]) -> bool:
        """The graph leaves out what its asker may not read, without a word."""
        refused = {
            action.lower().removesuffix("/read")
            for role in self.granted.get(row["subscriptionId"], READER)
            for action in role["notActions"]
        }
        return row["type"] not in refused


def _table(kind: str) -> str:
    return next((table for start, table in TABLES.items() if kind.startswith(start)), "resources")


def serve(tenant: Tenant) -> SpecServer:
    """A double of ARM that holds the tenant; enter it to serve."""
    made = SpecServer("azure-arm.mini", paging=arm_pages, most=1000)
    made.paged[GRAPH] = resource_graph_pages
    enabled = {"attributes": {"enabled": True, "exp": 1_830_000_000}}
    sql = f"GET {BASE}Microsoft.Sql/servers/{{server}}"
    vault = f"GET {BASE}Microsoft.KeyVault/vaults/{{vault}}"
    made.data |= {
        CONTACTS: {"value": []},
        DIAGNOSTICS.replace("{+", "{"): {"value": []},
        f"{vault}/keys": [{"name": f"key-{n}", "properties": enabled} for n in range(130)],
        f"{vault}/secrets": [{"name": "secret-1", "properties": enabled}],
        f"{sql}/auditingSettings/default": {"properties": {"state": "Disabled"}},
        f"{sql}/firewallRules": [],
        f"{sql}/databases/{{database}}/transparentDataEncryption/current": {
            "properties": {"state": "Enabled"}
        },
        SUBSCRIPTIONS: lambda _: tenant.listed(),
        DESCENDANTS: lambda _: tenant.descendants(),
        GRAPH: tenant.graph,
        PERMISSIONS: lambda asked: {
            "value": tenant.granted.get(asked.names["subscriptionId"], READER)
        },
        f"GET {BASE}Microsoft.Storage/storageAccounts/{{account}}/blobServices/default": {
            "properties": {
                "deleteRetentionPolicy": {"enabled": True, "days": 14},
                "containerDeleteRetentionPolicy": {"enabled": True, "days": 14},
                "isVersioningEnabled": True,
            }
        },
    }
    return made


def connection(double: SpecServer, authority: Authority, **changed: Any) -> AzureConnection:
    """The tenant as it is declared."""
    sign_in = authority.sign_in(client_secret=lambda: "s", **changed.pop("sign_in", {}))
    return AzureConnection("acme", sign_in, **{"base_url": double.url, **changed})


def company(subscriptions: int = 3, each: int = 2) -> Tenant:
    """A believable tenant: in each subscription, so many of each kind."""
    tenant = Tenant(subscriptions)
    for sub in range(1, subscriptions + 1):
        tenant.rows += networks(each, sub) + services(sub)
        tenant.rows += [storage_account(sub * 1000 + n, sub) for n in range(each)]
    return tenant


def of(tenant: Tenant, kinds: Iterable[str]) -> int:
    """How many rows of these types the tenant holds."""
    wanted = set(kinds)
    return sum(row["type"] in wanted for row in tenant.rows)
