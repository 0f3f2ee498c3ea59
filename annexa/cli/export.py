"""`annexa export`: findings, controls, criteria and parts as files programs and auditors read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli.context import WHOLE_SCOPE, Context, common
from annexa.cli.listing import COLUMNS as FINDINGS
from annexa.cli.listing import row_of
from annexa.cli.render import Column, csv_text, json_text
from annexa.cli.status import COLUMNS as CONTROLS
from annexa.cli.status import control_row

if TYPE_CHECKING:
    from evidence_store import Store
    from mappings import RollUp

PARTS: Final = tuple(
    Column(name)
    for name in (
        "target", "collector", "kind", "scope", "state", "cause", "code", "permission", "since",
        "collected", "stated_total", "carried", "observed_at", "sweep",
    )
)  # fmt: skip
"""How completely each listing was read: the completeness sheet of everything else."""

CRITERIA: Final = tuple(
    Column(name)
    for name in (
        "check_id", "topic", "status", "why", "passed", "failed", "excepted", "unread",
        "undecided", "stale", "missing", "not_applicable", "allowed", "tolerance_source",
    )
)  # fmt: skip


Tables = dict[str, tuple[tuple[Column, ...], list[dict[str, Any]]]]


@click.command()
@common
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The folder for CSV files, or the JSON file; standard output for JSON without it.",
)
def export(context: Context, output: Path | None) -> None:
    """Write findings, controls, criteria and parts as CSV files or one JSON document."""
    context.takes("as_of", why=WHOLE_SCOPE)
    if context.layout == "table":
        raise click.UsageError("choose --format csv or --format json")
    if context.layout == "csv" and output is None:
        raise click.UsageError("CSV is several files: give a folder with --output")
    from annexa.posture import posture  # noqa: PLC0415 - this command only
    from annexa.since import since  # noqa: PLC0415 - this command only

    with context.store() as store:
        rows = list(store.findings(context.as_of))
        rolled = posture(store, context.settings, context.framework, context.at, rows)
        began = since(store, context.settings, context.framework, rolled, rows)
        tables: Tables = {
            "findings": (FINDINGS, [row_of(row, context.framework) for row in rows]),
            "controls": (
                CONTROLS,
                [control_row(context, each, began) for each in rolled.controls.values()],
            ),
            "criteria": (CRITERIA, _criteria(rolled)),
            "parts": (PARTS, _parts(context, store)),
        }
        head = _head(context, store, rolled)
        context.accessed(store, "exported", detail=f"{context.layout}, {len(rows)} findings")
    try:
        _write(context.layout, output, head, tables)
    except OSError as error:
        raise click.UsageError(
            f"{error.filename}: {error.strerror}; name another --output"
        ) from error
    if output is not None:
        counts = ", ".join(f"{len(found)} {name}" for name, (_, found) in tables.items())
        click.echo(f"{output}: {counts}", err=True)


def _write(layout: str, output: Path | None, head: dict[str, Any], tables: Tables) -> None:
    if layout == "json":
        text = json_text(head | {name: found for name, (_, found) in tables.items()})
        if output is None:
            click.echo(text)
        else:
            output.write_text(text + "\n", encoding="utf-8")
    elif output is not None:
        output.mkdir(parents=True, exist_ok=True)
        for name, (columns, found) in tables.items():
            (output / f"{name}.csv").write_text(csv_text(columns, found), encoding="utf-8")
        (output / "about.json").write_text(json_text(head) + "\n", encoding="utf-8")


def _head(context: Context, store: Store, rolled: RollUp) -> dict[str, Any]:
    checkpoints = store.checkpoints()
    return {
        "edition": rolled.edition,
        "mapping_version": rolled.mapping_version,
        "as_of": rolled.at,
        "organisation": context.settings.organisation,
        "scope": {
            "name": context.settings.scope.name,
            "version": context.settings.scope.version,
        },
        "ledger": {
            "origin": store.origin,
            "verifier_key": store.verifier_key,
            "checkpoint": checkpoints[-1].note if checkpoints else None,
            "outside_copies": list(store.standing().sentences),
        },
    }


def _criteria(rolled: RollUp) -> list[dict[str, Any]]:
    return [
        {
            "check_id": each.check_id,
            "topic": each.topic,
            "status": each.status.value,
            "why": each.why,
            "passed": each.counts.passed,
            "failed": each.counts.failed,
            "excepted": each.counts.excepted,
            "unread": each.counts.unread,
            "undecided": each.counts.undecided,
            "stale": each.counts.stale,
            "missing": each.counts.missing,
            "not_applicable": each.counts.not_applicable,
            "allowed": each.allowed,
            "tolerance_source": each.tolerance_source,
        }
        for each in rolled.criteria.values()
    ]


def _parts(context: Context, store: Store) -> list[dict[str, Any]]:
    return [
        {
            "target": part.target,
            "collector": part.key.collector,
            "kind": part.key.kind,
            "scope": part.key.scope,
            "state": part.state,
            "cause": part.cause,
            "code": part.code,
            "permission": part.permission,
            "since": part.since,
            "collected": part.collected,
            "stated_total": part.stated_total,
            "carried": part.carried,
            "observed_at": part.observed_at,
            "sweep": part.sweep,
        }
        for part in store.parts(as_of=context.as_of)
    ]
