"""Azure SQL: are servers closed and watched, and databases encrypted?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collectors import (
    Collector,
    Resource,
    Scene,
    Total,
    Unlisted,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
)
from collectors.azure.rows import UNREACHABLE, GraphRow, Row, flag, kept, wanted, word
from collectors.azure.site import AUDITING, ENCRYPTION, FIREWALL_RULES, GRAPH_READ
from collectors.azure.target import AzureTarget

sql = Collector("azure.sql", title="Azure SQL", reads_from="Microsoft.Sql")

AUDIT = wanted(
    ("properties.state", "properties.retentionDays", "properties.isAzureMonitorTargetEnabled")
)
RANGE = wanted(("name", "properties.startIpAddress", "properties.endIpAddress"))


class SqlServer(GraphRow, kind="azure.sql_server"):
    """A logical server."""

    type_name = "microsoft.sql/servers"
    action = "Microsoft.Sql/servers/read"
    keeps = (
        "properties.administrators.administratorType",
        "properties.administrators.azureADOnlyAuthentication",
        "properties.minimalTlsVersion",
        "properties.publicNetworkAccess",
    )

    @property
    def public(self) -> bool:
        """Whether its firewall rules count at all."""
        return word(self.properties.get("publicNetworkAccess")) not in UNREACHABLE

    @fact("Microsoft.Sql/servers/auditingSettings/read")
    def auditing(self, api: AzureTarget) -> Mapping[str, Any]:
        """Whether what is done on it is recorded."""
        answer = api.get(AUDITING, self.scope, **self.path("server"))
        found: Mapping[str, Any] = kept(answer, AUDIT)
        return found

    @fact("Microsoft.Sql/servers/firewallRules/read")
    def firewall(self, api: AzureTarget) -> list[Row]:
        """The addresses that are let in."""
        rows = api.rows(FIREWALL_RULES, self.scope, **self.path("server"))
        return [kept(row, RANGE) for row in rows]


class SqlDatabase(GraphRow, kind="azure.sql_database"):
    """A database of a logical server."""

    type_name = "microsoft.sql/servers/databases"
    action = "Microsoft.Sql/servers/databases/read"
    keeps = ("kind",)

    @property
    def system(self) -> bool:
        """Whether it is the server's own `master`, which Microsoft keeps."""
        return word(self.listed.get("name")) == "master"

    @fact("Microsoft.Sql/servers/databases/transparentDataEncryption/read")
    def encryption(self, api: AzureTarget) -> Mapping[str, Any]:
        """Whether it is encrypted where it lies."""
        if self.system:
            return {}
        answer = api.get(ENCRYPTION, self.scope, **self.path("server", "database"))
        found: Mapping[str, Any] = kept(answer, wanted(("properties.state",)))
        return found


@sql.resources(
    SqlServer, SqlDatabase, permission=(GRAPH_READ, SqlServer.action, SqlDatabase.action)
)
def servers(target: AzureTarget) -> Iterator[Resource[Any] | Total | Unlisted]:
    """Every server and database."""
    yield from target.graph(SqlServer, SqlDatabase)


@sql.check(SqlServer, "high", remediation="Turn on auditing of the server to a workspace.")
def auditing_enabled(
    server: SqlServer, scene: Scene, *, days: int = criterion(90, "days")
) -> Verdict:
    """What is done on the server's databases is recorded and kept long enough."""
    del scene
    held = server.auditing.get("properties") or {}
    if word(held.get("state")) != "enabled":
        return fails("auditing is off")
    if flag(held.get("isAzureMonitorTargetEnabled"), "isAzureMonitorTargetEnabled"):
        return passes("to Azure Monitor, which keeps it")
    kept_days = int(held.get("retentionDays") or 0)
    if 0 < kept_days < days:
        return fails(f"kept for {kept_days} days, required {days}")
    return passes("kept without end" if not kept_days else f"kept for {kept_days} days")


@sql.check(SqlDatabase, "high", remediation="Turn on transparent data encryption.")
def tde_enabled(database: SqlDatabase, scene: Scene) -> Verdict:
    """The database is encrypted where it lies."""
    del scene
    if database.system:
        return not_applicable("the server's own database")
    state = str((database.encryption.get("properties") or {}).get("state") or "not stated")
    return passes() if state.lower() == "enabled" else fails(f"state is {state}")


@sql.check(
    SqlServer,
    "critical",
    remediation="Turn off public network access, or name the addresses that are let in.",
)
def public_access_disabled(server: SqlServer, scene: Scene) -> Verdict:
    """The server is not open to every address."""
    del scene
    if not server.public:
        return passes("public network access is off")
    wide = sorted(
        str(rule.get("name"))
        for rule in server.firewall
        if _range(rule) == ("0.0.0.0", "255.255.255.255")  # noqa: S104 - an address in a rule
    )
    return fails(f"open to every address by {', '.join(wide)}") if wide else passes()


@sql.check(
    SqlServer, "medium", remediation="Turn off 'Allow Azure services to access this server'."
)
def azure_services_rule_absent(server: SqlServer, scene: Scene) -> Verdict:
    """Machines of other customers of Azure are not let in."""
    del scene
    if not server.public:
        return passes("public network access is off")
    any_service = any(
        _range(rule) == ("0.0.0.0", "0.0.0.0")  # noqa: S104 - what stands for Azure's services
        for rule in server.firewall
    )
    return fails("all services of Azure are let in") if any_service else passes()


@sql.check(
    SqlServer, "medium", remediation="Set an Entra administrator and Entra-only authentication."
)
def entra_admin_and_only(server: SqlServer, scene: Scene) -> Verdict:
    """People sign in with Entra identities only."""
    del scene
    held = server.properties.get("administrators") or {}
    if word(held.get("administratorType")) != "activedirectory":
        return fails("no Entra administrator")
    only = flag(held.get("azureADOnlyAuthentication"), "azureADOnlyAuthentication")
    return passes() if only else fails("SQL logins are accepted too")


@sql.check(SqlServer, "medium", remediation="Set the server's minimal TLS version to 1.2 or later.")
def minimum_tls(server: SqlServer, scene: Scene) -> Verdict:
    """TLS before 1.2 is refused."""
    del scene
    least = str(server.properties.get("minimalTlsVersion") or "not set")
    return passes(least) if least in {"1.2", "1.3"} else fails(f"minimalTlsVersion is {least}")


def _range(rule: Row) -> tuple[str, str]:
    held = rule.get("properties") or {}
    return str(held.get("startIpAddress")), str(held.get("endIpAddress"))
