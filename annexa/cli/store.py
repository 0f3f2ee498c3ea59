"""`annexa store`: its tables, and who may do what with them on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from annexa.cli.context import Context, common
from annexa.cli.render import Column, show

if TYPE_CHECKING:
    from evidence_store import Server


@click.group()
def store() -> None:
    """Upgrade the store's tables; who may do what on a server."""


@store.command()
@common
def upgrade(context: Context) -> None:
    """Create the tables or bring them to this release, with guards and the roles' rights.

    A file is upgraded by whatever command opens it. On a server this is the tables' owner's, and
    to be run before the other machines get the new release.
    """
    from annexa.operations import open_operations  # noqa: PLC0415 - this command only
    from evidence_store import File  # noqa: PLC0415
    from evidence_store import upgrade as bring_up  # noqa: PLC0415

    context.takes(why="a store is upgraded as a whole")
    before, now = bring_up(context.location)
    if not isinstance(context.location, File):
        open_operations(context.location).close()
    said = f"schema {now}" if before == now else f"schema {before or 'none'} -> {now}"
    click.echo(f"{context.location.name}: {said}; guards and rights renewed")


@store.command()
@common
@click.option("--sql", is_flag=True, help="The statements an administrator runs once.")
def roles(context: Context, *, sql: bool) -> None:
    """The four roles of a store on PostgreSQL, and what each may do with which table."""
    context.takes(why="roles are the same for every target")
    server = _server(context)
    from annexa.operations import schema  # noqa: PLC0415 - this command only
    from evidence_store import roles as known  # noqa: PLC0415 - it imports the tables
    from evidence_store.tables import metadata  # noqa: PLC0415

    if sql:
        click.echo(known.script(server.database) + schema.script(), nl=False)
        return
    show(
        context.layout,
        (Column("role", "ROLE"), Column("table", "TABLE"), Column("rights", "MAY", wide=True)),
        (
            {
                "role": role,
                "table": table.name,
                "rights": ", ".join(known.rights(role, table)).lower(),
            }
            for role in known.GROUPS
            for table in metadata.sorted_tables
        ),
    )


def _server(context: Context) -> Server:
    from evidence_store import Server  # noqa: PLC0415 - this command only

    if not isinstance(context.location, Server):
        raise click.UsageError(
            f"{context.location.name} is a file, whose owner may do everything; roles are for a"
            " store on PostgreSQL: --store postgresql://user@host/database"
        )
    return context.location
