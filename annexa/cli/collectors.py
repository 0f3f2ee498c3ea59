"""`annexa collectors` and `annexa permissions`: what can be read, and what that needs."""

from __future__ import annotations

from typing import Final

import click

from annexa.cli.context import Context, common
from annexa.cli.permissions import needed, policy_text, terraform_text
from annexa.cli.render import Column, show
from annexa.selection import asked
from collectors import Catalog, Collector


@click.command()
@common
@click.option("--checks", is_flag=True, help="One row per check.")
def collectors(context: Context, *, checks: bool) -> None:
    """What can be read, and what is asked about it.

    Permissions are those a sweep of that collector alone needs, for what it lists and for what its
    questions look at besides. Some collectors only ask about what another one lists for all.
    """
    context.takes("collector")
    context.check_names()
    chosen = [
        collector
        for collector in context.catalog.collectors
        if not context.collectors or collector.name in context.collectors
    ]
    if checks:
        show(
            context.layout,
            (
                Column("check_id", "CHECK"),
                Column("severity", "SEVERITY"),
                Column("title", "TITLE", wide=True),
                Column("controls", "CONTROLS", wide=True),
                Column("kind"),
                Column("remediation"),
            ),
            (
                {
                    "check_id": check.id,
                    "severity": check.severity,
                    "title": check.title,
                    "controls": [each.control for each in context.framework.controls_of(check.id)],
                    "kind": check.kind.kind,
                    "remediation": check.remediation,
                }
                for collector in chosen
                for check in sorted(collector.checks, key=lambda check: check.id)
            ),
        )
        return
    show(
        context.layout,
        (
            Column("collector", "COLLECTOR"),
            Column("title", "READS", wide=True),
            Column("kinds", "KINDS", right=True),
            Column("checks", "CHECKS", right=True),
            Column("permissions", "PERMISSIONS", right=True),
            Column("listed_by", "LISTED BY", wide=True),
        ),
        (described(context.catalog, collector) for collector in chosen),
    )


def described(catalog: Catalog, collector: Collector) -> dict[str, object]:
    """What a collector lists or asks about, what that needs, and who lists it where others do."""
    kinds = {kind.kind for kind in collector.kinds}
    about = {check.kind.kind for check in collector.checks}
    others = {catalog.collector_of[kind].name for kind in about - kinds}
    return {
        "collector": collector.name,
        "title": collector.title,
        "kinds": len(kinds | about),
        "checks": len(collector.checks),
        "permissions": len(asked(catalog, collector.platform, {collector.name}).permissions),
        "listed_by": sorted(others),
    }


HOW_TO_GRANT: Final = {
    "active_directory": (
        "An ordinary account of the domain has all of them but one: the fine-grained password\n"
        "policies, which only domain administrators see. Delegate Read on CN=Password Settings\n"
        "Container,CN=System to the account, or their check stays unknown."
    ),
    "gcp": (
        "Grant a service account Cloud Asset Viewer (roles/cloudasset.viewer) on the scope, and\n"
        "Service Usage Consumer on the project whose quota is used, where the Cloud Asset API is\n"
        "enabled. Prefer workload identity to a key."
    ),
    "entra": (
        "Register an app, grant it these application permissions of Microsoft Graph with admin\n"
        "consent (no role is needed), and give tenant_id, client_id and a certificate."
    ),
    "github": (
        "Create a GitHub App with these permissions, all of them to read only, install it in the\n"
        "organisation for all repositories, and give app_id, installation_id and private_key.\n"
        "A fine-grained token of an owner works too, but is told no personal access tokens."
    ),
    "intune": (
        "Register an app, grant it these application permissions of Microsoft Graph with admin\n"
        "consent (the app may be the one that reads Entra), and give tenant_id, client_id and a\n"
        "certificate. BitlockerKey.ReadBasic.All tells that a key is kept, never the key."
    ),
    "linux": (
        "As root nothing is missing. For ordinary users what only root may read is unknown:\n"
        "grant a service account CAP_DAC_READ_SEARCH (files) and CAP_NET_ADMIN (firewall,\n"
        "audit), in a systemd unit by AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_NET_ADMIN."
    ),
    "azure": (
        "Create an app registration with a certificate, or use a managed identity. Assign it the\n"
        "role Reader at the tenant's root management group, or at the group that is read; or a\n"
        "custom role of these actions there. Reader holds no keys and no secrets' values."
    ),
    "okta": (
        "Create an API service app with a key pair, grant it these scopes and the role Read-only\n"
        "Administrator, turn off the demand for DPoP, and give client_id and private_key."
    ),
}


@click.command()
@common
@click.argument("platform")
@click.option("--terraform", is_flag=True, help="The AWS policy as Terraform.")
def permissions(context: Context, platform: str, *, terraform: bool) -> None:
    """The least a platform has to grant, computed from every call the collectors declare."""
    platforms = sorted({collector.platform for collector in context.catalog})
    if platform not in platforms:
        raise click.UsageError(
            f"no collector reads {platform!r}; installed: {', '.join(platforms)}"
        )
    wanted = needed(context.catalog, platform)
    if platform == "aws":
        click.echo(terraform_text(wanted) if terraform else policy_text(wanted), nl=not terraform)
        return
    if terraform:
        raise click.UsageError("only AWS permissions are Terraform resources")
    show(
        context.layout,
        (Column("permission", "READS", wide=True),),
        ({"permission": p} for p in wanted),
    )
    if context.layout == "table" and platform in HOW_TO_GRANT:
        click.echo(f"\n{HOW_TO_GRANT[platform]}", err=True)
