"""`annexa evidence erase`: personal data leaves the store, every proof stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from annexa.cli.context import Context, common, target_named
from annexa.cli.render import counted, json_text, say
from annexa.cli.retention import NOT_SCRUBBED, author, decided

if TYPE_CHECKING:
    from evidence_store.erasing import Erased

OUTSIDE = (
    "Backups, exports and packages made before still hold it: they are yours to find. So may"
    " archived write-ahead logs and snapshots of the volume."
)


@click.command()
@common
@click.argument("target_key", metavar="TARGET")
@click.argument("resource")
@click.option("--kind", help="Of which kind, where several kinds have this id.")
@click.option(
    "--member",
    "members",
    multiple=True,
    help="Only this member, such as listed.email or facts.mfa; may be repeated.",
)
@click.option(
    "--also",
    multiple=True,
    help="A further text by which reasons and journals name it; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@decided
def erase(  # noqa: PLR0913 - one parameter an option
    context: Context,
    target_key: str,
    resource: str,
    kind: str | None,
    members: tuple[str, ...],
    also: tuple[str, ...],
    *,
    dry_run: bool,
    by: str | None,
    reason: str,
) -> None:
    """Erase a resource with its name, or single members of it, from all that is kept.

    Documents of all times, reasons and lines of journals that quote it go; digests stay, so that
    every proof holds, and tell nothing of it. It is not recorded again. What is held is refused.
    """
    context.takes(why="name the target and the resource")
    from evidence_store.erasing import Request  # noqa: PLC0415 - this command only

    who = author(context, by, reason)
    with context.store() as store:
        target = target_named(store, target_key)
        keys = [key for key, _ in store.resources(target, resource, kind)]
        if len(keys) > 1:
            named = ", ".join(f"{key.kind} {key.id}" for key in keys)
            raise click.UsageError(f"{resource!r} is several: {named}; give the id and --kind")
        asked = Request(target, keys[0], members, also)
        if dry_run:
            found, scrubbed = store.keeping.erasable(asked), True
        else:
            found, scrubbed = store.keeping.erase(asked, who)
    if context.layout == "table":
        _print(found, dry_run=dry_run)
    else:
        click.echo(json_text(_row(found)))
    if not scrubbed:
        say(NOT_SCRUBBED, "yellow", err=True)


def _row(found: Erased) -> dict[str, Any]:
    return dict(found._asdict())


def _print(found: Erased, *, dry_run: bool) -> None:
    verb = "would be erased" if dry_run else f"erased, by entry {found.entry}"
    say(
        f"{counted(found.contents, 'document')}, {counted(found.reasons, 'reason')},"
        f" {counted(found.lines, 'line')} of journals and activity documents: {verb}"
    )
    if found.elsewhere:
        say("It is quoted elsewhere as well, and stays there unless you erase that too:")
    for where, count in found.elsewhere.items():
        say(f"  {count} × {where}")
    say(OUTSIDE)
