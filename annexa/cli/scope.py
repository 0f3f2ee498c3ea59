"""`annexa scope` and `annexa criteria`: what the organisation itself declared."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from annexa.cli.context import Context, common
from annexa.cli.listing import OUTCOMES
from annexa.cli.render import Column, say, show

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from config import Criterion, Settings
    from evidence_store.answers import PartRow, TargetRow


@click.command()
@common
def scope(context: Context) -> None:
    """What is declared in scope, what is out by decision, and what was read of it."""
    from annexa import declared  # noqa: PLC0415 - this command only
    from evidence_store import StoreMissingError  # noqa: PLC0415 - this command only

    context.takes("target", "as_of")
    settings = context.settings
    read: dict[str, TargetRow] = {}
    parts: Sequence[PartRow] = ()
    with suppress(StoreMissingError), context.store() as store:
        read = {row.target: row for row in store.targets(context.as_of)}
        parts = store.parts(as_of=context.as_of)
    every = Counter(part.target for part in parts)
    whole = Counter(part.target for part in parts if part.state == "complete")
    out = {each.key: each for each in declared.out_of_scope(settings, context.at.date())}
    rows: list[dict[str, Any]] = []
    for key in _declared(settings, read):
        seen = read.get(key)
        decision = out.get(key)
        rows.append(
            {
                "target": key,
                "state": "out of scope"
                if decision
                else OUTCOMES[seen.outcome]
                if seen
                else "never read",
                "parts": f"{whole[key]}/{every[key]}" if every[key] else "",
                "sweep": seen.last_sweep if seen else None,
                "resources": seen.resources if seen else None,
                "recorded_at": seen.recorded_at if seen else None,
                "decision": f"{decision.reason} ({decision.author}, {decision.date})"
                if decision
                else "",
            }
        )
    rows += [
        {
            "target": key,
            # without declared targets, an image read by --root is no different from the host
            "state": "not declared" if settings.targets else OUTCOMES[row.outcome],
            "parts": f"{whole[key]}/{every[key]}" if every[key] else "",
            "sweep": row.last_sweep,
            "resources": row.resources,
            "recorded_at": row.recorded_at,
        }
        for key, row in sorted(read.items())
        if key not in {each["target"] for each in rows}
    ]
    rows = [row for row in rows if context.asked(row["target"])]
    if context.layout == "table":
        _head(context, rows)
    show(
        context.layout,
        (
            Column("target", "TARGET"),
            Column("state", "STATE"),
            Column("parts", "COMPLETE PARTS", right=True),
            Column("sweep", "SWEEP", right=True),
            Column("resources", "RESOURCES", right=True),
            Column("recorded_at", "RECORDED"),
            Column("decision", "DECISION", wide=True),
        ),
        rows,
    )


def _head(context: Context, rows: list[dict[str, Any]]) -> None:
    declared_scope = context.settings.scope
    words = (
        f'"{declared_scope.name}" v{declared_scope.version}, approved '
        f"{declared_scope.approved_on} by {declared_scope.approved_by}"
        if declared_scope.declared
        else "No scope is declared: what is read is not yet what you certify. Add [scope] with "
        "name, version, approved_by and approved_on to annexa.toml: annexa config example"
    )
    say(words, "bold")
    for platform, count in sorted(declared_scope.population.items()):
        read = sum(
            1
            for row in rows
            if row["target"].startswith(f"{platform}/")
            and row["state"] in {OUTCOMES["complete"], OUTCOMES["incomplete"]}
        )
        say(f"{platform}: {read} of {count} in scope read")


def _declared(settings: Settings, read: Mapping[str, TargetRow]) -> list[str]:
    """The declared targets; an organisation is its accounts, as soon as one was read."""
    from annexa import declared  # noqa: PLC0415 - this command only

    groups = declared.organisations(settings)
    found: list[str] = []
    for name, target in declared.targets(settings).items():
        key = declared.key_of(name, target)
        accounts = [each for each in read if each.startswith(f"{key}.")] if key in groups else []
        found += accounts or [key]
    return sorted(found)


@click.command()
@common
@click.option("--unbound", is_flag=True, help="Only those without default that you have not given.")
def criteria(context: Context, *, unbound: bool) -> None:
    """The thresholds and lists of the checks: value, unit, and the sentence they come from."""
    from collectors import Unbound  # noqa: PLC0415

    context.takes("collector", "as_of", why="criteria are the organisation's, not a target's")
    context.check_names()
    settings = context.settings
    context.bound()
    rows: list[dict[str, Any]] = []
    for check in context.catalog.checks.values():
        if context.collectors and check.id.rpartition(".")[0] not in context.collectors:
            continue
        given = settings.criteria.get(check.id, {})
        for name, criterion in sorted(check.criteria.items()):
            set_to = given.get(name)
            missing = isinstance(criterion.default, Unbound)
            if unbound and (set_to is not None or not missing):
                continue
            rows.append(
                {
                    "check_id": check.id,
                    "criterion": name,
                    "value": set_to.value if set_to else None if missing else criterion.default,
                    "unit": criterion.unit,
                    "state": _state(context, set_to, missing=missing),
                    "source": f"{set_to.source.document} v{set_to.source.version} "
                    f"§{set_to.source.section}, approved {set_to.source.approved_on} by "
                    f"{set_to.source.approved_by}"
                    if set_to
                    else "",
                    "title": check.title,
                }
            )
    show(
        context.layout,
        (
            Column("check_id", "CHECK"),
            Column("criterion", "CRITERION"),
            Column("value", "VALUE", wide=True),
            Column("unit", "UNIT", wide=True),
            Column("state", "STATE"),
            Column("source", "SOURCE", wide=True),
            Column("title"),
        ),
        rows,
    )
    if context.layout == "table" and rows:
        example = rows[0]
        say(
            f'\nBind one in annexa.toml:  [criteria."{example["check_id"]}".{example["criterion"]}]'
            "  value = …  with [….source] document, version, section, approved_by, approved_on",
            "dim",
        )


def _state(context: Context, given: Criterion | None, *, missing: bool) -> str:
    """Where a criterion's value comes from; one counts from its approval, never backwards."""
    if given is None:
        return "not given" if missing else "default"
    in_force = given.source.approved_on <= context.at.date()
    return "bound" if in_force else f"in force from {given.source.approved_on}"
