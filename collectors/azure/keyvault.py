"""Azure Key Vault: can keys and secrets be lost, reached, or forgotten to be renewed?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from collectors import (
    Collector,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.azure.exported import EVERYTHING, exported
from collectors.azure.rows import UNREACHABLE, GraphRow, Row, flag, kept, wanted, word
from collectors.azure.site import DIAGNOSTICS_READ, GRAPH_READ, KEYS, SECRETS
from collectors.azure.subscription import diagnostics
from collectors.azure.target import AzureTarget

keyvault = Collector("azure.keyvault", title="Azure key vaults", reads_from="Microsoft.KeyVault")

VAULT_READ = "Microsoft.KeyVault/vaults/read"
ATTRIBUTES = wanted(("name", "properties.attributes.enabled", "properties.attributes.exp"))


class KeyVault(GraphRow, kind="azure.key_vault"):
    """A key vault; of its keys and secrets, names and dates only, which is all ARM gives."""

    type_name = "microsoft.keyvault/vaults"
    action = VAULT_READ
    keeps = (
        "properties.enablePurgeProtection",
        "properties.enableRbacAuthorization",
        "properties.enableSoftDelete",
        "properties.networkAcls.defaultAction",
        "properties.publicNetworkAccess",
    )

    @fact("Microsoft.KeyVault/vaults/keys/read")
    def keys(self, api: AzureTarget) -> list[Row]:
        """Its keys."""
        rows = api.rows(KEYS, self.scope, **self.path("vault"))
        return [kept(row, ATTRIBUTES) for row in rows]

    @fact("Microsoft.KeyVault/vaults/secrets/read")
    def secrets_held(self, api: AzureTarget) -> list[Row]:
        """Its secrets, without their values."""
        rows = api.rows(SECRETS, self.scope, **self.path("vault"))
        return [kept(row, ATTRIBUTES) for row in rows]

    @fact(DIAGNOSTICS_READ)
    def diagnostics(self, api: AzureTarget) -> list[Row]:
        """Where its logs go."""
        return diagnostics(api, self.scope, self.id.strip("/"))


@keyvault.resources(KeyVault, permission=(GRAPH_READ, VAULT_READ))
def vaults(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every key vault."""
    yield from target.graph(KeyVault)


@keyvault.check(KeyVault, "high", remediation="Turn on purge protection of the vault.")
def soft_delete_and_purge_protection(vault: KeyVault, scene: Scene) -> Verdict:
    """What is deleted in the vault can be brought back, whoever deleted it."""
    del scene
    if flag(vault.properties.get("enableSoftDelete"), "enableSoftDelete") is False:
        return fails("soft delete is off")
    on = flag(vault.properties.get("enablePurgeProtection"), "enablePurgeProtection")
    return passes("purge protection is on") if on else fails("purge protection is off")


@keyvault.check(
    KeyVault, "medium", remediation="Replace the vault's access policies by Azure roles."
)
def rbac_authorization(vault: KeyVault, scene: Scene) -> Verdict:
    """Who may use keys and secrets is decided by Azure's roles."""
    del scene
    on = flag(vault.properties.get("enableRbacAuthorization"), "enableRbacAuthorization")
    return passes() if on else fails("access policies of the vault decide")


@keyvault.check(
    KeyVault,
    "medium",
    remediation="Turn off public network access, or set the firewall's default action to Deny.",
)
def network_restricted(vault: KeyVault, scene: Scene) -> Verdict:
    """Networks that are not named do not reach the vault."""
    del scene
    public = word(vault.properties.get("publicNetworkAccess"))
    if public in UNREACHABLE:
        return passes(f"public network access is {public}")
    action = word((vault.properties.get("networkAcls") or {}).get("defaultAction"))
    return passes("default action is deny") if action == "deny" else fails("any network is let in")


@keyvault.check(
    KeyVault, "medium", remediation="Set an expiry date on each key and secret, and renew in time."
)
def key_and_secret_expiry_set(vault: KeyVault, scene: Scene) -> Verdict:
    """Every key and secret in use has an expiry date that has not passed."""
    wrong, used = [], 0
    for what, rows in (("key", vault.keys), ("secret", vault.secrets_held)):
        for row in rows:
            held = (row.get("properties") or {}).get("attributes") or {}
            if flag(held.get("enabled"), "enabled") is False:
                continue
            used += 1
            if held.get("exp") is None:
                wrong.append(f"{what} {row.get('name')}: no date")
            elif (end := moment(held["exp"])) <= scene.at:
                wrong.append(f"{what} {row.get('name')}: ended {end:%Y-%m-%d}")
    if not used:
        return not_applicable("the vault holds nothing that is in use")
    return fails("; ".join(sorted(wrong)[:10])) if wrong else passes()


@keyvault.check(
    KeyVault, "medium", remediation="Send the vault's audit events to a workspace or an archive."
)
def diagnostic_logging(vault: KeyVault, scene: Scene) -> Verdict:
    """Every use of the vault is logged and sent elsewhere."""
    del scene
    sent = exported(vault.diagnostics) & {"auditevent", "audit", EVERYTHING}
    return passes(", ".join(sorted(sent))) if sent else fails("audit events go nowhere")
