"""`annexa status` and `annexa controls`: what can be said about each control."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli.context import WHOLE_SCOPE, Context, common
from annexa.cli.render import Column, counted, json_text, say, show, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from annexa.since import Since
    from evidence_store import Store
    from evidence_store.answers import FindingRow
    from mappings import ControlResult, RollUp

CAUTION: Final = (
    "Words are about our own criteria on what was read. They are not an audit conclusion."
)

ORDER: Final = (
    "not_met",
    "unknown",
    "stale",
    "partly_met",
    "met",
    "attested",
    "inherited",
    "excluded",
    "no_evidence",
)
"""What wants attention comes first."""

COLUMNS: Final = (
    Column("control"),
    Column("title"),
    Column("status"),
    Column("why"),
    Column("met"),
    Column("applicable"),
    Column("hand"),
    Column("flags"),
    Column("declared"),
    Column("observed_from"),
    Column("observed_to"),
    Column("since"),
)

SHOWN: Final = 12


@click.command()
@common
def status(context: Context) -> None:
    """What can be said about each control now, the open ones first."""
    context.takes("as_of", why=WHOLE_SCOPE)
    with context.store() as store:
        rows = list(store.findings(context.as_of))
        rolled, began = _roll_up(context, store, rows)
        sweeps = [row for row in store.sweeps(context.as_of) if row.recorded]
        standing = store.standing().short
    if context.layout != "table":
        show(
            context.layout,
            COLUMNS,
            [control_row(context, each, began) for each in rolled.controls.values()],
        )
        return
    _head(context, rolled, rows, sweeps[0].sweep if sweeps else 0, standing)
    chosen = sorted(
        (each for each in rolled.controls.values() if each.status.value not in _QUIET),
        key=lambda each: (ORDER.index(each.status.value), -each.counts.failed, each.control),
    )
    _table(context, chosen[:SHOWN], began)
    left = len(chosen) - SHOWN
    more = f"… {left} more: annexa controls --open · " if left > 0 else ""
    say(f"{more}all 93: annexa controls · one: annexa controls A.8.24")
    say(CAUTION, "dim")


_QUIET: Final = frozenset({"no_evidence", "excluded"})


@click.command()
@common
@click.argument("control", required=False)
@click.option("--open", "only_open", is_flag=True, help="Only those that are not met or unknown.")
def controls(context: Context, control: str | None, *, only_open: bool) -> None:
    """All 93 controls, or one with every criterion and reason behind it."""
    context.takes("as_of", why=WHOLE_SCOPE)
    with context.store() as store:
        rows = list(store.findings(context.as_of))
        rolled, began = _roll_up(context, store, rows)
    if control is not None:
        _one(context, rolled, control.upper(), began)
        return
    chosen = [
        each
        for each in rolled.controls.values()
        if not only_open or each.status.value in {"not_met", "unknown", "stale", "partly_met"}
    ]
    if context.layout == "table":
        _table(context, chosen, began)
        say(CAUTION, "dim")
    else:
        show(context.layout, COLUMNS, [control_row(context, each, began) for each in chosen])


def _roll_up(
    context: Context, store: Store, rows: Sequence[FindingRow]
) -> tuple[RollUp, Mapping[str, Since]]:
    from annexa.posture import posture  # noqa: PLC0415 - these commands only
    from annexa.since import since  # noqa: PLC0415 - these commands only

    rolled = posture(store, context.settings, context.framework, context.at, rows)
    return rolled, since(store, context.settings, context.framework, rolled, rows)


def control_row(
    context: Context, result: ControlResult, began: Mapping[str, Since]
) -> dict[str, Any]:
    """A control with the stable columns."""
    return {
        "control": result.control,
        "title": context.framework.controls[result.control].title,
        "status": result.status.value,
        "why": result.why,
        "met": result.met,
        "applicable": result.applicable,
        "hand": result.hand.words,
        "flags": list(result.flags),
        "declared": result.declared,
        "observed_from": result.observed_from,
        "observed_to": result.observed_to,
        "since": began[result.control].at
        if result.control in began and began[result.control].exact
        else None,
    }


def _head(
    context: Context, rolled: RollUp, rows: Sequence[FindingRow], sweep: int, standing: str
) -> None:
    settings = context.settings
    scope = settings.scope
    title = f"{scope.name} (scope v{scope.version})" if scope.name else "scope not declared"
    soa = settings.soa
    statement = (
        f"SoA v{soa.version}, approved {soa.approved_on} by {soa.approved_by}"
        if soa
        else "no statement of applicability"
    )
    say(f"{title} · {rolled.edition} · {statement}", "bold")
    seen = [row.observed_at for row in rows if row.observed_at]
    span = f"{_day(min(seen))} … {_day(max(seen))}" if seen else "nothing"
    say(
        f"As of {rolled.at:%Y-%m-%d %H:%M} UTC · observed {span} · sweep {sweep} "
        f"· mapping {rolled.mapping_version}"
    )
    say(f"Ledger {standing}")
    totals = rolled.totals()
    words = " · ".join(
        f"{status.words} {count}" for status, count in totals.items() if count or status == "met"
    )
    say(f"{sum(totals.values())} = {words}")


def _table(context: Context, results: Sequence[ControlResult], began: Mapping[str, Since]) -> None:
    table(
        (
            Column("control", "CONTROL"),
            Column("status", "STATUS"),
            Column("why", "WHY (criteria met / applicable)", wide=True),
            Column("hand", "HAND"),
            Column("since", "SINCE"),
        ),
        (
            {
                "control": f"{r.control} {_title(context.framework.controls[r.control].title)}",
                "status": r.status.words,
                "why": _why(r),
                "hand": r.hand.words,
                "since": began[r.control].words if r.control in began else "",
            }
            for r in results
        ),
    )


def _why(result: ControlResult) -> str:
    """The share of criteria that are met, and what decided; what is owed has its own column."""
    share = f"{result.met}/{result.applicable} " if result.applicable else ""
    flags = [flag for flag in result.flags if not flag.endswith("by hand")]
    return share + "; ".join([result.why, *flags])


def _one(context: Context, rolled: RollUp, control: str, began: Mapping[str, Since]) -> None:
    if control not in rolled.controls:
        raise click.UsageError(
            f"{control} is no control of {rolled.edition}; they are A.5.1 to A.8.34"
        )
    result = rolled.controls[control]
    known = context.framework.controls[control]
    checks = context.catalog.checks
    criteria = [
        {
            "check_id": use.result.check_id,
            "status": use.result.status.value.replace("_", " "),
            "relation": use.related.relation.value,
            "phase": use.related.phase.value,
            "method": use.related.method.value,
            "key": use.related.key,
            "why": use.result.why,
            "title": checks[use.result.check_id].title if use.result.check_id in checks else "",
            "rationale": use.related.rationale,
        }
        for use in (*result.direct, *result.supporting)
    ]
    manual = [
        {"item": each.item, "evidence": each.evidence, "not_shown": each.not_shown}
        for each in context.framework.manual.get(control, ())
    ]
    if context.layout != "table":
        click.echo(
            json_text(
                {**control_row(context, result, began), "criteria": criteria, "manual": manual}
            )
        )
        return
    say(f"{control} {known.title}", "bold")
    say(
        f"{', '.join(known.control_type)} · {', '.join(known.properties)} · "
        f"{', '.join(known.concepts)} (attributes of ISO/IEC 27002, informative)",
        "dim",
    )
    when = f", since {began[control].words}" if control in began else ""
    say(f"{result.status.words}{when}: {'; '.join([result.why, *result.flags])}")
    if result.applicable:
        apply = counted(result.applicable, "criterion that applies", "criteria that apply")
        say(f"met: {result.met} of {apply}")
    table(
        (
            Column("status", "STATUS"),
            Column("check_id", "CRITERION"),
            Column("relation", "RELATION"),
            Column("phase", "PHASE"),
            Column("why", "WHY", wide=True),
        ),
        criteria,
    )
    for reason in dict.fromkeys(f"{c['relation']}: {c['rationale']}" for c in criteria):
        say(f"  {reason}", "dim")
    for each in manual:
        say(f"By hand  {each['evidence']}")
        say(f"  what no check shows: {each['not_shown']}", "dim")
    say(CAUTION, "dim")


def _title(title: str) -> str:
    return title if len(title) <= 30 else f"{title[:29]}…"


def _day(time: datetime) -> str:
    return f"{time:%Y-%m-%d}"
