"""`annexa store`: its tables, and who may do what with them on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from annexa.cli.backup import back_up, restore
from annexa.cli.context import Context, common
from annexa.cli.render import Column, show

if TYPE_CHECKING:
    from evidence_store import Server


@click.group()
def store() -> None:
    """The store's tables, key, epochs, backups; who may do what on a server."""


store.add_command(back_up)
store.add_command(restore)


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


@store.command("rotate-key")
@common
def rotate_key(context: Context) -> None:
    """Sign with a new key from now on; the ledger names it, signed by the old one and the new.

    The old key file is overwritten. Checkpoints before and after verify.
    """
    context.takes(why="the store has one signing key")
    with context.store() as opened:
        key = opened.rotate_key()
        owed = [each for each in opened.hand_out() if each.error]
    click.echo(key)
    for each in owed:
        click.echo(f"{each.kind} by {each.name} is owed: {each.error}", err=True)


@store.command("new-epoch")
@common
@click.option("--reason", required=True, help="Why entries are lost, as the ledger is to say it.")
def new_epoch(context: Context, reason: str) -> None:
    """Go on after a restore that lacks entries others know of, and say so in the ledger.

    The ledger continues as <name>/2 and so on: its first entry names both sizes, who held the
    later head, and that head. Nothing is hidden by it: `annexa verify` prints it for ever.
    """
    context.takes(why="the store has one ledger")
    with context.store() as opened:
        origin = opened.new_epoch(reason)
        owed = [each for each in opened.hand_out() if each.error]
    click.echo(f"{context.location.name}: the ledger goes on as {origin}")
    for each in owed:
        click.echo(f"{each.kind} by {each.name} is owed: {each.error}", err=True)


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
