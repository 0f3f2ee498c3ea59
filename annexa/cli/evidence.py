"""`annexa evidence` and `annexa verify`: stored evidence, its re-performance, its integrity."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import orjson

from annexa.cli import FAILS, OK, STORE
from annexa.cli.accesses import accesses
from annexa.cli.context import Context, common, target_named
from annexa.cli.erase import erase
from annexa.cli.history import history
from annexa.cli.package import export_evidence, print_key, print_verifier
from annexa.cli.prove import prove
from annexa.cli.render import Column, cell, console, counted, json_text, say, show

if TYPE_CHECKING:
    from annexa.sweep.replay import Replay
    from evidence_store import Store
    from evidence_store.answers import Checkpoint, DocumentRow, Report


@click.group()
def evidence() -> None:
    """Show stored evidence, re-perform its checks, export and prove it, erase personal data."""


for each in (history, accesses, erase, export_evidence, prove, print_verifier, print_key):
    evidence.add_command(each)


@evidence.command("show")
@common
@click.argument("target_key", metavar="TARGET")
@click.argument("resource", required=False)
def show_evidence(context: Context, target_key: str, resource: str | None) -> None:
    """A stored resource with digest, entry and proof; without RESOURCE, the list of them."""
    context.takes("as_of", why="name the target, and a resource if you want one")
    with context.store() as store:
        key = target_named(store, target_key)
        if resource is None:
            _list(context, store, key)
            context.accessed(store, "listed", key)
            return
        found = list(store.resource(key, resource, context.as_of))
        if not found:
            found = [
                row
                for row in store.documents(key, context.as_of)
                if (row.key.id or "").endswith(resource)
            ]
        if not found:
            raise click.UsageError(
                f"{key} has no resource {resource!r}; list them: annexa evidence show {key}"
            )
        items = [_item(store, row) for row in found]
        for row in found:
            context.accessed(store, "shown", key, row.key)
    click.echo(json_text(items[0] if len(items) == 1 else items))


def _list(context: Context, store: Store, target: str) -> None:
    show(
        context.layout,
        (
            Column("kind", "KIND"),
            Column("scope", "LISTED IN"),
            Column("resource_id", "RESOURCE", wide=True),
            Column("sha256", "SHA-256"),
            Column("entry", "ENTRY", right=True),
        ),
        (
            {
                "kind": row.key.kind,
                "scope": row.key.scope,
                "resource_id": row.key.id,
                "sha256": row.sha256.hex() if context.layout != "table" else row.sha256.hex()[:12],
                "entry": row.entry,
            }
            for row in store.documents(target, context.as_of)
        ),
    )


def _item(store: Store, row: DocumentRow) -> dict[str, Any]:
    """One evidence item: who, what, when, how, how complete, and its integrity."""
    entry = store.entry(row.entry)
    body = orjson.loads(entry.body)
    proof = entry.proof
    return {
        "target": row.target,
        "document": orjson.loads(row.body),
        "erased": row.erased,
        "sha256": row.sha256 or None,
        "content_id": row.content_id,
        "entry": {
            "id": entry.id,
            "sweep": entry.sweep,
            "recorded_at": entry.recorded_at,
            "started": body.get("started"),
            "finished": body.get("finished"),
            "state_root": body.get("state"),
            "provenance": body.get("provenance"),
        },
        "ledger": {
            "index": entry.index,
            "size": proof.checkpoint.size if proof else None,
            "inclusion": [node.hex() for node in proof.path] if proof else None,
            "checkpoint": proof.checkpoint.note if proof else None,
        },
    }


@evidence.command()
@common
def replay(context: Context) -> int:
    """Ask the checks again on stored documents; exit 1 where a verdict comes out differently."""
    from annexa.sweep.replay import replay as again  # noqa: PLC0415 - this command only

    context.takes("target", "as_of", why="a target is re-performed as a whole")

    with context.store() as store:
        keys = [row.target for row in store.targets(context.as_of) if context.asked(row.target)]
        results = [again(store, context.catalog, key, context.as_of) for key in keys]
        for result in results:
            context.accessed(store, "replayed", result.target, detail=f"sweep {result.sweep}")
    if context.layout == "table":
        for result in results:
            _print_replay(result)
    else:
        click.echo(json_text([_replay_row(result) for result in results]))
    return OK if all(result.same for result in results) else FAILS


def _replay_row(result: Replay) -> dict[str, Any]:
    return {
        "target": result.target,
        "sweep": result.sweep,
        "compared": result.compared,
        "same": result.same,
        "skipped": result.skipped,
        "differences": [
            {
                "check_id": d.check_id,
                "resource_id": d.resource_id,
                "stored": d.stored,
                "replayed": d.replayed,
                "same_code": d.same_code,
            }
            for d in result.differences
        ],
    }


def _print_replay(result: Replay) -> None:
    again = counted(result.compared, "verdict")
    words = "all as stored" if result.same else f"{len(result.differences)} DIFFERENT"
    say(
        f"{result.target} sweep {result.sweep}: {again} re-performed, {words}",
        "green" if result.same else "bold red",
    )
    for why, count in sorted(result.skipped.items()):
        say(f"  {count} not compared: {why}")
    for each in result.differences:
        code = "same code" if each.same_code else "the check's code has changed since"
        say(f"  {each.check_id}  {each.resource_id}  ({code})")
        say(f"    stored    {each.stored}")
        say(f"    replayed  {each.replayed}")


@click.command()
@common
@click.option(
    "--rebuild-cache",
    is_flag=True,
    help="Make the cached state anew where it is the only thing that is wrong.",
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A checkpoint somebody kept, as a file; may be given more than once.",
)
@click.option(
    "--since",
    metavar="HEAD",
    help="Only what came after a checkpoint: a file, or the size of one of the store's own.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Processes that verify targets; by default one for each core from 50,000 documents on.",
)
def verify(
    context: Context,
    *,
    rebuild_cache: bool,
    against: tuple[Path, ...],
    since: str | None,
    jobs: int | None,
) -> int:
    """Recompute every digest, root and signature of the store; exit 4 on any mismatch.

    Configured holders are asked for what they hold, and it is compared.

    With --since the checkpoint is proven to be a prefix of the ledger, and only what came after it
    is recomputed; the report says what was not looked at again.
    """
    context.takes(why="the store is verified as a whole")
    kept = [_kept(path) for path in against]
    after = None if since is None else _since(since)
    with context.store() as store:
        report = _with_progress(store, kept, after, jobs)
        cached = {problem.table for problem in report.problems} == {"current_state"}
        if rebuild_cache and cached:
            click.echo(f"cached state of {store.rebuild_cache()} targets made anew", err=True)
            report = _with_progress(store, kept, after, jobs)
        told = counted(len(report.problems), "problem")
        size = after if isinstance(after, int) or after is None else after.size
        context.accessed(
            store, "verified", detail=told if size is None else f"since size {size}, {told}"
        )
    if context.layout == "table":
        _print_report(report)
    else:
        click.echo(
            json_text(
                {
                    "clean": report.clean,
                    "problems": [
                        {"table": p.table, "row": p.row, "what": p.what} for p in report.problems
                    ],
                    "counts": dict(report.counts),
                    "statements": list(report.statements),
                }
            )
        )
    return OK if report.clean else STORE


def _kept(path: Path) -> Checkpoint:
    """A checkpoint from a file: the signed note as it was handed over."""
    from evidence_store import note  # noqa: PLC0415 - this option only
    from evidence_store.errors import CorruptStoreError  # noqa: PLC0415

    try:
        return note.read(path.read_text(encoding="utf-8"))
    except (CorruptStoreError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{path}: no checkpoint: the ledger's name stands first") from error
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error


def _since(text: str) -> Checkpoint | int:
    """The head to begin from: a number is a size, everything else a file."""
    return int(text) if text.isdecimal() else _kept(Path(text))


def _with_progress(
    store: Store, kept: Sequence[Checkpoint], after: Checkpoint | int | None, jobs: int | None
) -> Report:
    if not sys.stderr.isatty():
        return store.verify(trusted=kept, after=after, jobs=jobs)
    from rich.progress import Progress, TaskID  # noqa: PLC0415 - only for people

    with Progress(console=console(err=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def step(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        return store.verify(step, kept, after, jobs)


def _print_report(report: Report) -> None:
    for problem in report.problems:
        say(f"PROBLEM  {problem.table} {problem.row}: {problem.what}", "bold red")
    for name, count in report.counts.items():
        say(f"  {cell(count):>10}  {name}")
    for statement in report.statements:
        say(f"  {statement}")
    if report.clean:
        say("Everything that was recomputed agrees with what is stored.", "green")
    else:
        problems = counted(len(report.problems), "problem")
        say(f"{problems}: the store is not as it was written.", "red")
