"""`annexa explain`: one finding with its value, criterion, request, fix and controls."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from annexa.cli.context import Context, common
from annexa.cli.listing import open_findings, row_of
from annexa.cli.render import cell, console, counted, json_text, say

if TYPE_CHECKING:
    from evidence_store import Store
    from evidence_store.answers import FindingRow

CALLS: Final = 12
"""Calls that are shown; JSON has them all."""


@click.command()
@common
@click.argument("what", metavar="N|CHECK")
@click.argument("resource", required=False)
def explain(context: Context, what: str, resource: str | None) -> None:
    """One finding: the value read, the criterion, the request, the fix, the controls.

    N counts as `annexa findings` numbers its table; or name a check, and a resource if several.
    """
    with context.store() as store:
        row = _chosen(context.findings(store), what, resource)
        facts = _facts(context, store, row)
    if context.layout == "table":
        _print(facts)
    else:
        click.echo(json_text(facts))


def _chosen(rows: list[FindingRow], what: str, resource: str | None) -> FindingRow:
    if what.isdecimal():
        numbered = open_findings(rows)
        if not 1 <= int(what) <= len(numbered):
            there = counted(len(numbered), "open finding")
            raise click.UsageError(f"no number {what}: {there}, numbered by annexa findings")
        return numbered[int(what) - 1]
    found = [
        row
        for row in open_findings(rows) + [r for r in rows if r.status not in {"fail", "unknown"}]
        if row.check_id == what and (resource is None or (row.resource_id or "").endswith(resource))
    ]
    if not found:
        raise click.UsageError(f"no finding of {what} here; see annexa findings --format csv")
    return found[0]


def _facts(context: Context, store: Store, row: FindingRow) -> dict[str, Any]:
    check = context.catalog.checks.get(row.check_id)
    document: dict[str, Any] = {}
    if row.resource_id is not None:
        for stored in store.resource(row.target, row.resource_id, context.as_of, row.kind):
            document = orjson.loads(stored.body)
    return {
        **row_of(row, context.framework),
        "title": check.title if check else "(the check is not installed)",
        "remediation": check.remediation if check else "",
        "criteria": dict(row.criteria),
        "sources": _sources(context, row.check_id),
        "requests": _requests(store, row),
        "document": document,
        "because": [
            {
                "control": related.control,
                "title": context.framework.controls[related.control].title,
                "relation": related.relation.value,
                "rationale": related.rationale,
            }
            for related in context.framework.controls_of(row.check_id)
        ],
        "entry": row.entry,
        "sweep": row.sweep,
        "check_version": row.check_version,
    }


def _sources(context: Context, check_id: str) -> dict[str, str]:
    return {
        name: f"{c.source.document} v{c.source.version} §{c.source.section}, "
        f"approved {c.source.approved_on} by {c.source.approved_by}"
        for name, c in context.settings.criteria.get(check_id, {}).items()
    }


def _requests(store: Store, row: FindingRow) -> list[dict[str, Any]]:
    """The journal's lines about this resource, or where none names it, the listing's."""
    if "journal" not in store.attachments(row.entry):
        return []
    lines: list[dict[str, Any]] = orjson.loads(store.attachment(row.entry, "journal"))
    name = (row.resource_id or "").rpartition(":")[2].rpartition("/")[2]
    about = [
        line
        for line in lines
        if name and any(name in str(value) for value in line["parameters"].values())
    ]
    return about or lines[:1]


def _print(facts: dict[str, Any]) -> None:
    out = console()
    say(f"{facts['status']} · {facts['severity']} · {facts['check_id']}", "bold")
    for name, value in (
        ("asks", facts["title"]),
        ("of", f"{facts['target']}  {facts['resource_id'] or '(the whole listing)'}"),
        ("because", facts["reason"] or "the condition holds"),
        ("since", f"{cell(facts['since'])} UTC · observed {_when(facts['observed_at'])}"),
        ("fix", facts["remediation"]),
    ):
        say(f"  {name:<9}{value}", hang=11)
    for name, criterion in facts["criteria"].items():
        given = "default criterion" if criterion["value"] else "not bound"
        source = facts["sources"].get(name) or ("bound" if criterion["bound"] else given)
        value = cell(criterion["value"]) or "not given"
        say(f"  criterion {name} = {value} {criterion['unit']} ({source})")
    for related in facts["because"]:
        say(
            f"  {related['control']:<9}{related['title']} ({related['relation']}): "
            f"{related['rationale']}",
            hang=11,
        )
    if facts["document"]:
        say("  read", "bold")
        out.print_json(json_text({k: facts["document"][k] for k in ("listed", "facts")}))
    for line in facts["requests"][:CALLS]:
        words = f"  call     {line['operation']} {orjson.dumps(line['parameters']).decode()}"
        say(f"{words} → {line['outcome']} {line['started']}", hang=11)
    if (left := len(facts["requests"]) - CALLS) > 0:
        say(f"           … {counted(left, 'more call')}: --format json")
    say(
        f"  kept     sweep {facts['sweep']}, entry {facts['entry']}, check version "
        f"{facts['check_version']}: annexa evidence show {facts['target']} "
        f"'{facts['resource_id'] or ''}'",
        hang=11,
    )


def _when(time: datetime | None) -> str:
    return f"{cell(time)} UTC" if time else "never"
