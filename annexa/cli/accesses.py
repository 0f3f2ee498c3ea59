"""`annexa evidence accesses`: who read, exported or proved which evidence, when."""

from __future__ import annotations

import click

from annexa.cli.context import Context, common
from annexa.cli.render import Column, say, show

COLUMNS = (
    Column("at", "WHEN"),
    Column("who", "WHO"),
    Column("way", "WHAT"),
    Column("target", "TARGET"),
    Column("kind"),
    Column("resource_id", "RESOURCE", wide=True),
    Column("detail", "MORE", wide=True),
    Column("entry", "SEALED BY", right=True),
)


@click.command()
@common
def accesses(context: Context) -> None:
    """Who read, exported or proved evidence, the newest first; entries of the ledger seal it.

    Listed are the commands that show or hand out evidence itself: `evidence`, `export`, `verify`.
    """
    context.takes("target", "as_of")
    with context.store() as store:
        rows = [
            row._asdict()
            for row in store.accesses(context.as_of)
            if row.target is None or context.asked(row.target)
        ]
    if not rows and context.layout == "table":
        say("no access was logged yet")
        return
    show(context.layout, COLUMNS, rows)
