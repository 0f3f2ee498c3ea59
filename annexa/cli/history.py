"""`annexa evidence history`: what a resource was, what a check said of it, and what was missed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli.context import Context, Instant, common, target_named
from annexa.cli.render import Column, cell, counted, json_text, say, table

if TYPE_CHECKING:
    from evidence_store import PartKey, ResourceKey, Store
    from evidence_store.timeline import FindingRun, Gap, Sighting
    from mappings import Observation

CONTENTS: Final = (
    Column("first", "FIRST OBSERVED"),
    Column("last", "LAST OBSERVED"),
    Column("times", "TIMES", right=True),
    Column("entry", "ENTRY", right=True),
    Column("content", "CONTENT"),
)
RUNS: Final = (
    Column("since", "SINCE"),
    Column("status", "STATUS"),
    Column("entry", "ENTRY", right=True),
    Column("reason", "WHY", wide=True),
)
WORDS: Final = {
    "met": "met",
    "not_met": "not met",
    "unknown": "unknown",
    "not_observed": "not observed",
}


@click.command()
@common
@click.argument("target_key", metavar="TARGET")
@click.argument("resource")
@click.option("--kind", help="Of which kind, where several kinds have this id.")
@click.option("--check", "check_id", help="Also what this check said of it, and for how long.")
@click.option("--from", "start", type=Instant(), help="The window's start; by default its first.")
@click.option("--to", "end", type=Instant(), help="The window's end; by default now.")
def history(  # noqa: PLR0917 - one parameter an option
    context: Context,
    target_key: str,
    resource: str,
    kind: str | None,
    check_id: str | None,
    start: datetime | None,
    end: datetime | None,
) -> None:
    """Every content of a resource with how often it was confirmed, and the gaps between readings.

    With --check, what the check said, and the share of the window it was met, not met, unknown and
    not observed: a stretch between two readings counts as the worse of its ends, and as not
    observed where readings are too far apart.
    """
    context.takes("as_of", why="name the target and the resource")
    with context.store() as store:
        target = target_named(store, target_key)
        found = []
        for key, _ in store.resources(target, resource, kind):
            of = _History(context, store, target, key)
            found.append(of.told(of.window(start, end), check_id))
            context.accessed(store, "shown", target, key, "history")
    if context.layout == "table":
        for each in found:
            _print(each)
    else:
        click.echo(json_text(found))


class _History:
    """The history of one resource."""

    def __init__(self, context: Context, store: Store, target: str, key: ResourceKey) -> None:
        self.context = context
        self.store = store
        self.target = target
        self.key = key
        self.seen = store.sightings(target, key, context.as_of)
        self.part = _part(store, target, key)
        # Beyond it, two readings cannot vouch for what lies between them.
        self.longest = context.settings.read_every(target.partition("/")[2], self.part.collector)

    def window(
        self, start: datetime | None, end: datetime | None
    ) -> tuple[datetime, datetime] | None:
        """The window asked for; by default from the first reading until now.

        None if it was read for the first time just now.
        """
        last = end or self.context.at
        first = start or next((s.observed_at for s in self.seen if s.observed_at), last)
        if first >= last and start is None and end is None:
            return None
        if first >= last:
            raise click.UsageError(
                f"the window is empty: it begins {cell(first)} and ends {cell(last)}"
            )
        return first, last

    def told(
        self, window: tuple[datetime, datetime] | None, check_id: str | None
    ) -> dict[str, Any]:
        """All that is told of it."""
        from evidence_store.timeline import confirmations, gaps  # noqa: PLC0415 - when needed

        readings = self.store.readings(self.target, self.part, self.context.as_of)
        found: dict[str, Any] = {
            "target": self.target,
            **self.key._asdict(),
            "contents": [each._asdict() for each in confirmations(self.seen)],
            "from": window[0] if window else None,
            "to": window[1] if window else None,
            "longest": self.longest.total_seconds(),
            "gaps": [],
        }
        if window is not None:
            found["gaps"] = [_gap(each) for each in gaps(readings, *window, self.longest)]
        if check_id is None:
            return found
        runs = self.store.finding_history(self.target, self.key, check_id, self.context.as_of)
        if not runs:
            raise click.UsageError(f"{check_id} never said anything of {self.key.id}")
        found["findings"] = [run._asdict() for run in runs]
        if window is not None:
            found["shares"] = shares(observed(self.seen, runs), window, self.longest)
        return found


def _part(store: Store, target: str, key: ResourceKey) -> PartKey:
    return next(
        part.key
        for part in store.parts(target)
        if (part.key.kind, part.key.scope) == (key.kind, key.scope)
    )


def _gap(gap: Gap) -> dict[str, Any]:
    return {"start": gap.start, "end": gap.end, "seconds": gap.length.total_seconds()}


def observed(seen: Sequence[Sighting], runs: Sequence[FindingRun]) -> list[Observation]:
    """What the check said at each reading; where the resource was gone, nothing applies."""
    from mappings import CriterionStatus, Observation  # noqa: PLC0415 - when needed

    said = {
        "pass": CriterionStatus.MET,
        "fail": CriterionStatus.NOT_MET,
        "unknown": CriterionStatus.UNKNOWN,
        "not_applicable": CriterionStatus.NOT_APPLICABLE,
        None: CriterionStatus.NOT_APPLICABLE,
    }
    found, waiting, now = [], sorted(runs, key=lambda run: run.entry), None
    for each in seen:
        while waiting and waiting[0].entry <= each.entry:
            now = waiting.pop(0).status
        if each.observed_at is not None:
            found.append(Observation(each.observed_at, said[now]))
    return found


def shares(
    found: Sequence[Observation], window: tuple[datetime, datetime], longest: timedelta
) -> dict[str, Any]:
    """The share of the window in each state, in hundredths of a percent that add up to 100 %."""
    from mappings import lengths, over_window  # noqa: PLC0415 - when needed

    parts = lengths(over_window(found, *window, longest))
    whole = window[1] - window[0]
    # Rounded where they end, not each by itself: so the sum is exact.
    reached = itertools.accumulate(parts.values(), initial=timedelta())
    ends = [round(10_000 * (length / whole)) for length in reached]
    return {
        lived.value: {"seconds": length.total_seconds(), "percent": (second - before) / 100}
        for (lived, length), (before, second) in zip(
            parts.items(), itertools.pairwise(ends), strict=True
        )
    }


def _print(found: dict[str, Any]) -> None:
    say(f"{found['target']}  {found['kind']}  {found['id']}", "bold")
    table(
        CONTENTS,
        [
            {**each, "content": each["content"].hex()[:16] if each["content"] else "gone"}
            for each in found["contents"]
        ],
    )
    if "findings" in found:
        table(RUNS, [{**run, "status": run["status"] or "ended"} for run in found["findings"]])
    if "shares" in found:
        told = ", ".join(
            f"{WORDS[name]} {share['percent']:g} %" for name, share in found["shares"].items()
        )
        say(f"from {cell(found['from'])} to {cell(found['to'])}: {told}")
    gaps = found["gaps"]
    hours = found["longest"] / 3600
    say(f"{counted(len(gaps), 'gap')} of more than {hours:g} h between complete readings")
    for gap in gaps:
        say(f"  {cell(gap['start'])} to {cell(gap['end'])}")
