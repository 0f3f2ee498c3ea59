"""Checks of vaults, databases, Defender, monitoring, roles, backup and machines, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Resource, Status, Unread
from collectors.azure import backup, defender, keyvault, monitor, rbac, sql, vm
from collectors.azure import subscription as subscriptions
from collectors.azure.granted import allows
from collectors.azure.rows import GraphRow, kept, wanted
from collectors.azure.subscription import Subscription
from collectors.testing import judge
from tests.collectors.azure.double import OWNER, alert, of_subscription, plain, subscription

PASS, FAIL = Status.PASS, Status.FAIL
NOT_APPLICABLE, UNKNOWN = Status.NOT_APPLICABLE, Status.UNKNOWN
ME = f"/subscriptions/{subscription(1)}"
Others = list[Resource[Any]]


def made(kind: type[GraphRow], facts: dict[str, Any] | None = None, **properties: Any) -> Any:
    """A row of a kind as the collector keeps it."""
    row = plain(kind.action.removesuffix("/read"), "x/x/x/x"[: kind.action.count("/") * 2 - 3], 1)
    return of_row(kind, {**row, "properties": properties}, **(facts or {}))


def of_row(kind: type[GraphRow], row: dict[str, Any], **facts: Any) -> Any:
    listed = kept(row, wanted(("name", "location", "tags", *kind.keeps)))
    return kind(id=row["id"].lower(), scope=row["subscriptionId"], listed=listed, facts=facts)


def sub(groups: list[str] | None = None, tags: Any = None, **facts: Any) -> Subscription:
    listed = {"groups": groups, "tags": tags, "state": "Enabled"}
    return Subscription(id=ME, scope=subscription(1), listed=listed, facts=facts)


IN = sub(["production", "root"], {"Owner": "web team"})


def setting(*names: str, place: str = "/x/workspaces/logs", group: str = "") -> dict[str, Any]:
    logs = [{"category": name, "enabled": True} for name in names]
    logs += [{"categoryGroup": group, "enabled": True}] if group else []
    return {"name": "s", "properties": {"logs": logs, "workspaceId": place}}


FOUR = ("Administrative", "Security", "Alert", "Policy")
DENIED = Unread("AuthorizationFailed", "Microsoft.Insights/diagnosticSettings/read")


def key(end: int | None, *, enabled: bool = True) -> dict[str, Any]:
    return {"name": "k", "properties": {"attributes": {"enabled": enabled, "exp": end}}}


def vault(keys: Any = (), secrets: Any = (), logs: Any = (), **properties: Any) -> Any:
    facts = {"keys": list(keys), "secrets_held": list(secrets), "diagnostics": list(logs)}
    return made(keyvault.KeyVault, facts, **properties)


LATER, BEFORE = 1_830_000_000, 1_700_000_000


def server(audit: Any = None, rules: Any = (), **properties: Any) -> Any:
    held = [
        {"name": f"{a}-{b}", "properties": {"startIpAddress": a, "endIpAddress": b}}
        for a, b in rules
    ]
    facts = {"auditing": {"properties": audit or {}}, "firewall": held}
    return made(sql.SqlServer, facts, **properties)


def database(state: Any, name: str = "shop") -> Any:
    row = plain("Microsoft.Sql/servers/databases", f"s/{name}", 1)
    return of_row(sql.SqlDatabase, row, encryption={"properties": {"state": state}})


ANY, AZURE = ("0.0.0.0", "255.255.255.255"), ("0.0.0.0", "0.0.0.0")  # noqa: S104 - rules


def plan(name: str, tier: str = "Standard", **extensions: str) -> Any:
    row = of_subscription(
        "Microsoft.Security/pricings",
        name,
        1,
        pricingTier=tier,
        extensions=[{"name": n, "isEnabled": on} for n, on in extensions.items()],
    )
    return of_row(defender.DefenderPlan, row)


def advice(code: str, severity: str = "High", since: str | None = "2026-11-20T00:00:00Z") -> Any:
    return made(
        defender.Assessment,
        displayName="Do it",
        status={"code": code, "statusChangeDate": since},
        metadata={"severity": severity},
    )


def contact(state: str = "On", *, email: bool = True, role: str = "Off") -> dict[str, Any]:
    return {
        "has_email": email,
        "properties": {
            "alertNotifications": {"state": state, "minimalSeverity": "High"},
            "notificationsByRole": {"state": role},
        },
    }


def assignment(who: str, role: str, scope: str = ME, kind: str = "User") -> Any:
    row = of_subscription(
        "Microsoft.Authorization/roleAssignments",
        f"{who}-{role}",
        1,
        principalId=who,
        principalType=kind,
        roleDefinitionId=f"{ME}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        scope=scope,
    )
    return of_row(rbac.RoleAssignment, row)


def owners(count: int, scope: str = ME, kind: str = "User") -> Others:
    return [assignment(f"{kind}{n}", OWNER, scope, kind) for n in range(count)]


def a_role(*actions: str) -> Any:
    return made(rbac.RoleDefinition, roleName="r", permissions=[{"actions": list(actions)}])


def an_item(
    status: str = "Completed",
    time: str | None = "2026-11-24T01:00:00Z",
    state: str | None = "Protected",
) -> Any:
    return made(
        backup.ProtectedItem,
        lastBackupStatus=status,
        lastBackupTime=time,
        protectionState=state,
        sourceResourceId=made(vm.VirtualMachine).id.upper(),
    )


def copies(soft: str = "AlwaysON", still: str = "Locked", kind: str = "GeoRedundant") -> Any:
    return made(
        backup.RecoveryVault,
        securitySettings={
            "softDeleteSettings": {"softDeleteState": soft},
            "immutabilitySettings": {"state": still},
        },
        redundancySettings={"standardTierStorageRedundancy": kind},
    )


TRUSTED = {
    "encryptionAtHost": True,
    "securityType": "TrustedLaunch",
    "uefiSettings": {"secureBootEnabled": True, "vTpmEnabled": True},
}


def machine(linux: Any = None, identity: Any = None, **profile: Any) -> Any:
    row = plain(
        "Microsoft.Compute/virtualMachines",
        "web",
        1,
        securityProfile=profile or None,
        osProfile={"linuxConfiguration": linux},
    )
    return of_row(vm.VirtualMachine, {**row, "identity": identity})


def an_alert(*conditions: tuple[str, str], **changed: Any) -> Any:
    named = [{"field": field, "equals": value} for field, value in conditions]
    return of_row(monitor.ActivityLogAlert, alert(1, *named, **changed))


GROUPS = "Microsoft.Network/networkSecurityGroups"
ADMINISTRATIVE = ("category", "Administrative")
BOTH = [
    an_alert(ADMINISTRATIVE, ("operationName", f"{GROUPS}/write")),
    an_alert(ADMINISTRATIVE, ("operationName", f"{GROUPS}/delete")),
]
EITHER = {
    "anyOf": [
        {"field": "operationName", "equals": f"{GROUPS}/write"},
        {"field": "operationName", "equals": f"{GROUPS}/delete"},
    ]
}
WIDE = an_alert(condition={"allOf": [{"field": "category", "equals": "Administrative"}, EITHER]})
HEALTH = an_alert(("category", "ServiceHealth"))

VERDICTS: list[tuple[Any, Any, Others, Status]] = [
    (subscriptions.in_management_group, IN, [], PASS),
    (subscriptions.in_management_group, sub(["root"], {"owner": "x"}), [], FAIL),
    (subscriptions.in_management_group, sub(["production", "root"]), [], FAIL),
    (subscriptions.in_management_group, sub(None, {"owner": "x"}), [], UNKNOWN),
    (keyvault.soft_delete_and_purge_protection, vault(enablePurgeProtection=True), [], PASS),
    (keyvault.soft_delete_and_purge_protection, vault(), [], FAIL),
    (
        keyvault.soft_delete_and_purge_protection,
        vault(enablePurgeProtection=True, enableSoftDelete=False),
        [],
        FAIL,
    ),
    (keyvault.rbac_authorization, vault(enableRbacAuthorization="True"), [], PASS),
    (keyvault.rbac_authorization, vault(), [], FAIL),
    (keyvault.network_restricted, vault(networkAcls={"defaultAction": "Deny"}), [], PASS),
    (keyvault.network_restricted, vault(publicNetworkAccess="Disabled"), [], PASS),
    (keyvault.network_restricted, vault(publicNetworkAccess="SecuredByPerimeter"), [], PASS),
    (keyvault.network_restricted, vault(), [], FAIL),
    (keyvault.key_and_secret_expiry_set, vault([key(LATER)], [key(LATER)]), [], PASS),
    (keyvault.key_and_secret_expiry_set, vault([key(None)]), [], FAIL),
    (keyvault.key_and_secret_expiry_set, vault([key(LATER)], [key(BEFORE)]), [], FAIL),
    (keyvault.key_and_secret_expiry_set, vault([key(None, enabled=False)]), [], NOT_APPLICABLE),
    (keyvault.diagnostic_logging, vault(logs=[setting("AuditEvent")]), [], PASS),
    (keyvault.diagnostic_logging, vault(logs=[setting(group="audit")]), [], PASS),
    (keyvault.diagnostic_logging, vault(logs=[setting("AuditEvent", place="")]), [], FAIL),
    (keyvault.diagnostic_logging, vault(), [], FAIL),
    (sql.auditing_enabled, server({"state": "Enabled", "retentionDays": 0}), [], PASS),
    (sql.auditing_enabled, server({"state": "Enabled", "retentionDays": 30}), [], FAIL),
    (sql.auditing_enabled, server({"state": "Disabled"}), [], FAIL),
    (
        sql.auditing_enabled,
        server({"state": "Enabled", "retentionDays": 7, "isAzureMonitorTargetEnabled": True}),
        [],
        PASS,
    ),
    (sql.tde_enabled, database("Enabled"), [], PASS),
    (sql.tde_enabled, database("Disabled"), [], FAIL),
    (sql.tde_enabled, database(None, "master"), [], NOT_APPLICABLE),
    (sql.public_access_disabled, server(rules=[ANY]), [], FAIL),
    (sql.public_access_disabled, server(rules=[("1.2.3.4", "1.2.3.4")]), [], PASS),
    (sql.public_access_disabled, server(rules=[ANY], publicNetworkAccess="Disabled"), [], PASS),
    (
        sql.public_access_disabled,
        server(rules=[ANY], publicNetworkAccess="SecuredByPerimeter"),
        [],
        PASS,
    ),
    (sql.azure_services_rule_absent, server(rules=[AZURE]), [], FAIL),
    (sql.azure_services_rule_absent, server(rules=[ANY]), [], PASS),
    (
        sql.azure_services_rule_absent,
        server(rules=[AZURE], publicNetworkAccess="Disabled"),
        [],
        PASS,
    ),
    (
        sql.entra_admin_and_only,
        server(
            administrators={
                "administratorType": "ActiveDirectory",
                "azureADOnlyAuthentication": True,
            }
        ),
        [],
        PASS,
    ),
    (
        sql.entra_admin_and_only,
        server(administrators={"administratorType": "ActiveDirectory"}),
        [],
        FAIL,
    ),
    (sql.entra_admin_and_only, server(), [], FAIL),
    (sql.minimum_tls, server(minimalTlsVersion="1.2"), [], PASS),
    (sql.minimum_tls, server(minimalTlsVersion="None"), [], FAIL),
    (defender.plans_enabled, IN, [plan(name) for name in defender.PLANS], PASS),
    (defender.plans_enabled, IN, [plan(name, "Free") for name in defender.PLANS], FAIL),
    (defender.plans_enabled, IN, [plan("KeyVaults")], FAIL),
    (defender.plans_enabled, IN, [], FAIL),
    (
        defender.storage_malware_scanning,
        IN,
        [plan("StorageAccounts", OnUploadMalwareScanning="True")],
        PASS,
    ),
    (
        defender.storage_malware_scanning,
        IN,
        [plan("StorageAccounts", "Free", OnUploadMalwareScanning="True")],
        FAIL,
    ),
    (defender.storage_malware_scanning, IN, [plan("StorageAccounts")], FAIL),
    (
        defender.agentless_scanning,
        IN,
        [plan("CloudPosture", AgentlessVmScanning="True")],
        PASS,
    ),
    (
        defender.agentless_scanning,
        IN,
        [plan("VirtualMachines", AgentlessVmScanning="False")],
        FAIL,
    ),
    (defender.security_contact, sub(contacts=[contact()]), [], PASS),
    (defender.security_contact, sub(contacts=[contact(email=False, role="On")]), [], PASS),
    (defender.security_contact, sub(contacts=[contact(email=False)]), [], FAIL),
    (defender.security_contact, sub(contacts=[contact("Off")]), [], FAIL),
    (defender.security_contact, sub(contacts=[]), [], FAIL),
    (defender.security_contact, sub(contacts=[{"properties": {}}]), [], UNKNOWN),
    (defender.recommendations_within_sla, advice("Healthy"), [], PASS),
    (defender.recommendations_within_sla, advice("Unhealthy"), [], PASS),
    (
        defender.recommendations_within_sla,
        advice("Unhealthy", since="2026-01-01T00:00:00Z"),
        [],
        FAIL,
    ),
    (defender.recommendations_within_sla, advice("Unhealthy", since=None), [], FAIL),
    (defender.recommendations_within_sla, advice("Unhealthy", "Low"), [], NOT_APPLICABLE),
    (defender.recommendations_within_sla, advice("NotApplicable"), [], NOT_APPLICABLE),
    (defender.recommendations_within_sla, advice("New"), [], UNKNOWN),
    (monitor.activity_log_exported, sub(diagnostics=[setting(*FOUR)]), [], PASS),
    (monitor.activity_log_exported, sub(diagnostics=[setting(group="allLogs")]), [], PASS),
    (monitor.activity_log_exported, sub(diagnostics=[setting(*FOUR[:3])]), [], FAIL),
    (monitor.activity_log_exported, sub(diagnostics=[]), [], FAIL),
    (monitor.activity_log_exported, sub(diagnostics=DENIED), [], UNKNOWN),
    (monitor.workspace_retention, made(monitor.Workspace, retentionInDays=90), [], PASS),
    (monitor.workspace_retention, made(monitor.Workspace, retentionInDays=30), [], FAIL),
    (monitor.workspace_retention, made(monitor.Workspace), [], FAIL),
    (monitor.alert_nsg_changes, IN, BOTH, PASS),
    (monitor.alert_nsg_changes, IN, BOTH[:1], FAIL),
    (monitor.alert_nsg_changes, IN, [WIDE], PASS),
    (monitor.alert_nsg_changes, IN, [an_alert(ADMINISTRATIVE)], PASS),
    (monitor.alert_nsg_changes, IN, [an_alert(ADMINISTRATIVE, enabled=False)], FAIL),
    (monitor.alert_nsg_changes, IN, [an_alert(ADMINISTRATIVE, actions={})], FAIL),
    (monitor.alert_nsg_changes, IN, [an_alert(ADMINISTRATIVE, scopes=[f"{ME}/rg"])], FAIL),
    (monitor.alert_nsg_changes, IN, [an_alert(ADMINISTRATIVE, ("level", "Error"))], FAIL),
    (monitor.alert_policy_assignment_changes, IN, [an_alert(ADMINISTRATIVE)], PASS),
    (monitor.alert_policy_assignment_changes, IN, BOTH, FAIL),
    (monitor.alert_security_solution_changes, IN, [an_alert(ADMINISTRATIVE)], PASS),
    (monitor.alert_security_solution_changes, IN, BOTH, FAIL),
    (monitor.alert_sql_firewall_changes, IN, [an_alert(ADMINISTRATIVE)], PASS),
    (monitor.alert_sql_firewall_changes, IN, [], FAIL),
    (monitor.alert_public_ip_changes, IN, [an_alert(ADMINISTRATIVE)], PASS),
    (monitor.alert_public_ip_changes, IN, [], FAIL),
    (monitor.alert_service_health, IN, [HEALTH], PASS),
    (monitor.alert_service_health, IN, [an_alert(ADMINISTRATIVE)], FAIL),
    (rbac.owner_count, IN, owners(3), PASS),
    (rbac.owner_count, IN, owners(4), FAIL),
    (rbac.owner_count, IN, [*owners(2), *owners(2, f"{rbac.GROUP}production")], PASS),
    (rbac.owner_count, IN, owners(4, f"{rbac.GROUP}production"), FAIL),
    (rbac.owner_count, IN, owners(4, f"{rbac.GROUP}other"), PASS),
    (rbac.owner_count, IN, owners(4, "/"), FAIL),
    (rbac.owner_count, IN, owners(4, f"{ME}/resourceGroups/one"), PASS),
    (rbac.owner_count, IN, owners(9, kind="ServicePrincipal"), PASS),
    (rbac.owner_count, IN, owners(4, kind="Group"), FAIL),
    (rbac.owner_count, sub(None), owners(1), UNKNOWN),
    (
        rbac.assigner_and_operator_separated,
        IN,
        [assignment("p", rbac.CONTRIBUTOR), assignment("p", rbac.ACCESS_ADMINISTRATOR, "/")],
        FAIL,
    ),
    (
        rbac.assigner_and_operator_separated,
        IN,
        [assignment("p", rbac.CONTRIBUTOR), assignment("q", rbac.ACCESS_ADMINISTRATOR)],
        PASS,
    ),
    (rbac.assigner_and_operator_separated, sub(None), [], UNKNOWN),
    (rbac.no_custom_owner_role, a_role("Microsoft.Compute/*"), [], PASS),
    (rbac.no_custom_owner_role, a_role("*"), [], FAIL),
    (rbac.auditor_role_read_only, sub(our_roles=[{"actions": ["*/read"]}]), [], PASS),
    (rbac.auditor_role_read_only, sub(our_roles=[{"actions": ["*"]}]), [], FAIL),
    (backup.vault_soft_delete_immutable, copies(), [], PASS),
    (backup.vault_soft_delete_immutable, copies("Disabled"), [], FAIL),
    (backup.vault_soft_delete_immutable, copies(still="Disabled"), [], FAIL),
    (backup.vault_redundancy, copies(), [], PASS),
    (backup.vault_redundancy, copies(kind="LocallyRedundant"), [], FAIL),
    (backup.job_success, an_item(), [], PASS),
    (backup.job_success, an_item("Failed"), [], FAIL),
    (backup.job_success, an_item("CompletedWithWarnings"), [], PASS),
    (backup.job_success, an_item("InProgress"), [], UNKNOWN),
    (backup.job_success, an_item(time="2026-11-01T00:00:00Z"), [], FAIL),
    (backup.job_success, an_item(time=None), [], FAIL),
    (vm.encryption_at_host, machine(**TRUSTED), [], PASS),
    (vm.encryption_at_host, machine(), [], FAIL),
    (vm.trusted_launch, machine(**TRUSTED), [], PASS),
    (vm.trusted_launch, machine(securityType="TrustedLaunch"), [], FAIL),
    (vm.linux_ssh_key_only, machine({"disablePasswordAuthentication": True}), [], PASS),
    (vm.linux_ssh_key_only, machine({"disablePasswordAuthentication": False}), [], FAIL),
    (vm.linux_ssh_key_only, machine(), [], NOT_APPLICABLE),
    (vm.managed_identity, machine(identity={"type": "SystemAssigned"}), [], PASS),
    (vm.managed_identity, machine(), [], FAIL),
    (vm.backup_enabled, made(vm.VirtualMachine), [an_item()], PASS),
    (vm.backup_enabled, made(vm.VirtualMachine), [], FAIL),
    *(
        (vm.backup_enabled, made(vm.VirtualMachine), [an_item(state=state)], FAIL)
        for state in ("BackupsSuspended", "IRPending", "ProtectionPaused", "ProtectionStopped")
    ),
    (vm.backup_enabled, made(vm.VirtualMachine), [an_item(state=None)], UNKNOWN),
    (
        vm.backup_enabled,
        made(vm.VirtualMachine),
        [an_item(state="ProtectionStopped"), an_item()],
        PASS,
    ),
    (vm.disk_no_public_export, made(vm.Disk, networkAccessPolicy="DenyAll"), [], PASS),
    (vm.disk_no_public_export, made(vm.Disk, publicNetworkAccess="Disabled"), [], PASS),
    (vm.disk_no_public_export, made(vm.Disk, networkAccessPolicy="AllowAll"), [], FAIL),
    (vm.disk_no_public_export, made(vm.Disk), [], FAIL),
]


@pytest.mark.parametrize(("check", "document", "others", "status"), VERDICTS)
def test_each_check_has_its_outcomes(
    check: Any, document: Any, others: Others, status: Status
) -> None:
    assert judge(check, document, *others).status is status


@pytest.mark.parametrize(
    ("roles", "action", "allowed"),
    [
        ([{"actions": ["*/read"]}], "Microsoft.Sql/servers/read", True),
        ([{"actions": ["Microsoft.Sql/*"]}], "Microsoft.Sql/servers/databases/read", True),
        ([{"actions": ["microsoft.sql/SERVERS/read"]}], "Microsoft.Sql/servers/read", True),
        ([{"actions": ["Microsoft.Storage/*"]}], "Microsoft.Sql/servers/read", False),
        (
            [{"actions": ["*"], "notActions": ["Microsoft.Sql/*"]}],
            "Microsoft.Sql/servers/read",
            False,
        ),
        (
            [{"actions": ["*"], "notActions": ["Microsoft.Sql/*"]}, {"actions": ["*/read"]}],
            "Microsoft.Sql/servers/read",
            True,
        ),
        ([], "Microsoft.Sql/servers/read", False),
    ],
)
def test_what_roles_allow(roles: list[dict[str, Any]], action: str, allowed: bool) -> None:
    assert allows(roles, action) is allowed
