"""`annexa store backup` and `restore`: evidence with its keys, in a folder of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from annexa.cli import OK, STORE
from annexa.cli.context import Context, common


@click.command("backup")
@common
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def back_up(context: Context, folder: Path) -> None:
    """Write evidence and keys to a new FOLDER, verified, while sweeps go on.

    Of a file the copy is verified; of a server's store, which pg_dump writes, the store is. The
    daemon's own database is not in it. Whoever has the folder can sign as this store: keep it so.
    """
    from evidence_store import backups  # noqa: PLC0415 - this command only

    context.takes(why="a store is backed up as a whole")
    told = backups.back_up(context.location, folder, lambda: datetime.now(UTC))
    with context.store() as store:
        context.accessed(store, "exported", detail=f"backup, {told.size} entries")
    click.echo(f"{folder}: {told.ledger}, {told.size} entries, with both keys")


@click.command("restore")
@common
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
def restore(context: Context, folder: Path) -> int:
    """Put the backup in FOLDER where no store is, verified; nothing is ever overwritten.

    Then it is compared with the heads that others hold. Where they hold a later one, entries are
    lost: exit 4, and what to do.
    """
    from evidence_store import RolledBackError, backups  # noqa: PLC0415 - this command only

    context.takes(why="a store is restored as a whole")
    told = backups.restore(folder, context.location, lambda: datetime.now(UTC))
    click.echo(
        f"{context.location.name}: {told.ledger}, {told.size} entries as of {told.made}, verified"
    )
    try:
        with context.store() as store:
            store.compare_outside()
    except RolledBackError as error:
        click.echo(
            f"The backup is older than what was signed since:\n{error} --reason 'restored the"
            f" backup of {told.made}'",
            err=True,
        )
        return STORE
    if not context.settings.store.outside:
        click.echo(
            "Nobody is configured to hold heads of this ledger ([[store.outside]]): whether entries"
            " were recorded after the backup, and are lost, cannot be told.",
            err=True,
        )
    return OK
