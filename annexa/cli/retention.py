"""`annexa retention`: how long evidence is kept, legal holds, and letting go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from annexa.cli.context import Context, common, target_named
from annexa.cli.render import Column, counted, json_text, say, show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from evidence_store import Store
    from evidence_store.decisions import Author
    from evidence_store.purging import Due

CLASSES = ("documents", "journals", "activities")
PERIODS = (
    Column("evidence", "EVIDENCE"),
    Column("days", "KEPT DAYS", right=True),
    Column("configured", "ANNEXA.TOML", right=True),
    Column("by", "DECIDED BY"),
    Column("since", "SINCE"),
    Column("reason", "WHY", wide=True),
)
HOLDS = (
    Column("hold", "HOLD", right=True),
    Column("target", "TARGET"),
    Column("kind", "KIND"),
    Column("resource", "RESOURCE", wide=True),
    Column("by", "BY"),
    Column("since", "SINCE"),
    Column("lifted_at", "LIFTED"),
    Column("reason", "WHY", wide=True),
)


@click.group()
def retention() -> None:
    """How long evidence is kept; legal holds; letting go."""


def decided(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--reason` and `--by`."""
    by = click.option("--by", help="Who decides it; by default you, as the access log names you.")
    why = click.option("--reason", required=True, help="Why; stays in the ledger for good.")
    return why(by(command))


def author(context: Context, by: str | None, reason: str) -> Author:
    """Who decides and why."""
    from annexa.principal import principal  # noqa: PLC0415 - commands that decide only
    from evidence_store.decisions import Author  # noqa: PLC0415 - as above

    return Author(by or principal(context.settings), reason)


def configured(context: Context) -> dict[str, int]:
    """The days that annexa.toml asks for."""
    asked = context.settings.retention
    found = {evidence: getattr(asked, evidence) for evidence in CLASSES}
    return {evidence: span.days for evidence, span in found.items() if span is not None}


def _refuse_shorter(context: Context, store: Store) -> dict[str, int]:
    """What annexa.toml asks for, where it is longer than what the ledger says."""
    found = configured(context)
    for evidence, period in store.keeping.periods().items():
        if found.get(evidence, period.days) < period.days:
            raise click.UsageError(
                f"retention.{evidence} = {found[evidence]} days, and the ledger says {period.days}:"
                " a period can be made longer, never shorter; correct annexa.toml"
            )
    return found


@retention.command("show")
@common
def show_retention(context: Context) -> None:
    """The period of each class of evidence, and every hold."""
    context.takes()
    asked = configured(context)
    with context.store() as store:
        periods = [
            {**period._asdict(), "configured": asked.get(period.evidence)}
            for period in store.keeping.periods().values()
        ]
        holds = [
            {**hold._asdict(), **hold.held._asdict(), "hold": hold.number}
            for hold in store.keeping.holds()
        ]
    if context.layout == "json":
        names = [column.name for column in HOLDS]
        rows = [{name: hold[name] for name in names} for hold in holds]
        click.echo(json_text({"periods": periods, "holds": rows}))
        return
    show(context.layout, PERIODS, periods)
    if context.layout == "table":
        if holds:
            say("")
            show("table", HOLDS, holds)
        else:
            say("no legal hold was ever placed")


@retention.command()
@common
@click.argument("evidence_class", metavar="CLASS", type=click.Choice(CLASSES))
@click.argument("days", type=click.IntRange(min=1))
@decided
def extend(context: Context, evidence_class: str, days: int, by: str | None, reason: str) -> None:
    """Keep a class of evidence longer from now on; never shorter."""
    context.takes()
    with context.store() as store:
        period = store.keeping.extend(evidence_class, days, author(context, by, reason))
    say(f"{period.evidence} are kept {period.days} days from now on")


@retention.command()
@common
@click.argument("target_key", metavar="[TARGET]", required=False)
@click.argument("resource", required=False)
@click.option("--kind", help="Only resources of this kind, such as aws.iam.user.")
@decided
def hold(
    context: Context,
    target_key: str | None,
    resource: str | None,
    kind: str | None,
    by: str | None,
    reason: str,
) -> None:
    """Let nothing of a target or resource go, whatever its age; without TARGET, of all."""
    context.takes(why="name the target and the resource")
    from evidence_store.holds import Held  # noqa: PLC0415 - this command only

    who = author(context, by, reason)
    with context.store() as store:
        target = target_named(store, target_key) if target_key else None
        if target is None or resource is None:
            placed = [store.keeping.hold(Held(target, kind), who)]
        else:
            placed = [
                store.keeping.hold(Held(target, found.kind, digest.hex()), who)
                for found, digest in store.resources(target, resource, kind)
            ]
    for each in placed:
        say(f"hold {each.number} is in force; lift it: annexa retention lift {each.number}")


@retention.command()
@common
@click.argument("number", type=click.IntRange(min=1))
@decided
def lift(context: Context, number: int, by: str | None, reason: str) -> None:
    """End a legal hold."""
    context.takes()
    with context.store() as store:
        store.keeping.lift(number, author(context, by, reason))
    say(f"hold {number} is lifted")


@retention.command()
@common
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--reason", default="kept as long as its retention asks", show_default=True)
@click.option("--by", help="Who decides it; by default you, as the access log names you.")
def purge(context: Context, *, dry_run: bool, reason: str, by: str | None) -> None:
    """Let go of what was kept long enough and is not held; proofs go on holding."""
    context.takes()
    with context.store() as store:
        asked = _refuse_shorter(context, store)
        if dry_run:
            found, scrubbed = store.keeping.due(asked), True
        else:
            found, scrubbed = store.keeping.purge(author(context, by, reason), asked)
    if context.layout == "table":
        _print(found, dry_run=dry_run)
    else:
        click.echo(json_text(_row(found)))
    if not scrubbed:
        say(NOT_SCRUBBED, "yellow", err=True)


NOT_SCRUBBED = (
    "The database is in use: free pages may still hold what was let go."
    " Run `annexa retention scrub` when nothing else uses it."
)


@retention.command()
@common
def scrub(context: Context) -> None:
    """Write the database anew, so that no free page keeps what was let go."""
    context.takes()
    from contextlib import closing  # noqa: PLC0415 - this command only

    from annexa.alerts.erasing import TABLES  # noqa: PLC0415 - as above
    from annexa.operations import open_operations, there_are_operations  # noqa: PLC0415 - as above

    with context.store() as store:
        store.keeping.scrub()
    if there_are_operations(context.location):
        with closing(open_operations(context.location)) as operations:
            operations.compact(*TABLES)
    say("the database was written anew")


def _row(found: Due) -> Mapping[str, Any]:
    return {
        "documents": len(found.contents),
        "attachments": len(found.attachments),
        "bytes": found.size,
        "held": {str(number): count for number, count in sorted(found.held.items())},
    }


def _print(found: Due, *, dry_run: bool) -> None:
    verb = "would go" if dry_run else "were let go"
    say(
        f"{counted(len(found.contents), 'document')} and"
        f" {counted(len(found.attachments), 'journal or activity document')} {verb}"
        f" ({found.size / 1e6:.1f} MB); their digests stay, every proof holds"
    )
    for number, count in sorted(found.held.items()):
        say(f"  {count} more are due and held: hold {number}")
