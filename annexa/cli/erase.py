"""`annexa evidence erase`: personal data leaves the store, every proof stays."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import click

from annexa.cli.context import Context, common, target_named
from annexa.cli.render import counted, json_text, say
from annexa.cli.retention import NOT_SCRUBBED, author, decided

if TYPE_CHECKING:
    from annexa.operations import Operations
    from evidence_store.erasing import Erased
    from evidence_store.quoting import Quotes

OUTSIDE = (
    "Backups, exports and packages made before, and alerts that were delivered, still hold it: they"
    " are yours to find. So may archived write-ahead logs and snapshots of the volume."
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
    Alerts that wait or were sent no longer name it.
    """
    context.takes(why="name the target and the resource")
    from evidence_store.erasing import Request  # noqa: PLC0415 - this command only

    who = author(context, by, reason)
    with ExitStack() as stack:
        store = stack.enter_context(context.store())
        alerts = _Alerts(_operations(context, stack), dry_run=dry_run)
        target = target_named(store, target_key)
        keys = [key for key, _ in store.resources(target, resource, kind)]
        if len(keys) > 1:
            named = ", ".join(f"{key.kind} {key.id}" for key in keys)
            raise click.UsageError(f"{resource!r} is several: {named}; give the id and --kind")
        asked = Request(target, keys[0], members, also)
        if dry_run:
            found, scrubbed = store.keeping.erasable(asked, alerts), True
        else:
            found, scrubbed = store.keeping.erase(asked, who, alerts)
            scrubbed = alerts.scrubbed() and scrubbed
    if context.layout == "table":
        _print(found, alerts, dry_run=dry_run)
    else:
        click.echo(json_text({**found._asdict(), "alerts": alerts.found.__dict__}))
    if not scrubbed:
        say(NOT_SCRUBBED, "yellow", err=True)


def _operations(context: Context, stack: ExitStack) -> Operations | None:
    """What alerts keep, if they can have kept anything."""
    from annexa.operations import open_operations, there_are_operations  # noqa: PLC0415 - here only

    if not there_are_operations(context.location):
        return None
    return stack.enter_context(closing(open_operations(context.location)))


class _Alerts:
    """Lets go of it in what alerts keep, and counts."""

    def __init__(self, operations: Operations | None, *, dry_run: bool) -> None:
        from annexa.alerts.erasing import Gone  # noqa: PLC0415 - this command only

        self._operations, self._dry_run, self.found = operations, dry_run, Gone()

    def __call__(self, quotes: Quotes, stand_in: str) -> None:
        from annexa.alerts.erasing import erase as erase_alerts  # noqa: PLC0415 - as above

        if self._operations is not None:
            self.found += erase_alerts(self._operations, quotes, stand_in, dry_run=self._dry_run)

    def scrubbed(self) -> bool:
        """Write anew what named it; whether that could be done."""
        from annexa.alerts.erasing import TABLES  # noqa: PLC0415 - as above
        from annexa.operations import OperationsError  # noqa: PLC0415 - as above

        if self._operations is None or not self.found:
            return True
        try:
            self._operations.compact(*TABLES)
        except OperationsError:
            return False
        return True


def _print(found: Erased, alerts: _Alerts, *, dry_run: bool) -> None:
    verb = "would be erased" if dry_run else f"erased, by entry {found.entry}"
    say(
        f"{counted(found.contents, 'document')}, {counted(found.reasons, 'reason')},"
        f" {counted(found.lines, 'line')} of journals and activity documents: {verb}"
    )
    if kept := alerts.found:
        verb = "would name" if dry_run else "name"
        say(
            f"{counted(kept.messages, 'message')}, {counted(kept.conditions, 'condition')} and"
            f" {counted(kept.silences, 'silence')} of alerts {verb} it no longer"
        )
    if found.elsewhere:
        say("It is quoted elsewhere as well, and stays there unless you erase that too:")
    for where, count in found.elsewhere.items():
        say(f"  {count} × {where}")
    say(OUTSIDE)
