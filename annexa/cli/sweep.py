"""`annexa sweep`: read every target in scope, judge, keep, and say what changed."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

import click

from annexa.cli import FAILS, INTERRUPTED, OK, UNKNOWNS
from annexa.cli.beside import beside_daemon
from annexa.cli.context import Context, common

if TYPE_CHECKING:
    from annexa.sweep import Recorded, Result, Unit
    from evidence_store import Store


class Watcher(Protocol):
    """Is told what a sweep does."""

    def begun(self, sweep: int, units: Sequence[Unit]) -> None:
        """The sweep has its number and its units."""

    def recorded(self, recorded: Recorded) -> None:
        """A unit is durable."""


@dataclass(frozen=True)
class Due:
    """A sweep that a schedule asks for.

    Attributes:
        targets: the keys of the targets to read.
        collectors: the collectors to ask; empty for all.
        details: what its plan says about why and when it was due.
    """

    targets: Sequence[str]
    collectors: Sequence[str]
    details: Mapping[str, Any]


@click.command()
@common
@click.option("--resume", is_flag=True, help="Go on with the sweep that was stopped.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Read the Linux host below this folder, such as a mounted image.",
)
@click.option(
    "--exit-on",
    default="",
    metavar="LIST",
    help="fail, unknown or both: exit 1 if anything fails, 2 if there are only unknowns.",
)
def sweep(context: Context, *, resume: bool, root: Path | None, exit_on: str) -> int:
    """Read every target in scope, judge it, and keep the evidence.

    Without a configuration this host is read, and AWS if the environment has a credential.
    """
    from annexa import declared  # noqa: PLC0415 - a sweep only
    from annexa.cli.progress import Watch  # noqa: PLC0415 - a sweep only
    from annexa.cli.summary import standing_before, summary  # noqa: PLC0415 - a sweep only

    wanted = _exit_on(exit_on)
    context.takes("target", "collector", why="a sweep reads what is there now")
    if context.layout == "csv":
        raise click.UsageError("a sweep tells its end as table or json; then: annexa findings")
    context.check_names()
    with context.store(create=True) as store:
        before = standing_before(store)
        title, out = _title(context), declared.out_of_scope(context.settings, context.at.date())
        with Watch(title, out) as watch, stopped_by_signals() as stop:
            result = run(context, store, watch, resume=resume, root=root, stop=stop)
        summary(context, store, result, before)
        if context.settings.alerts.endpoints:
            _look(context, store)
    if result.stopped:
        click.echo("stopped; what was finished is recorded. Go on: annexa sweep --resume", err=True)
        return INTERRUPTED
    return _code(result, wanted)


def _look(context: Context, store: Store) -> None:
    """Put down what is to be told of it; the daemon, or `annexa alerts send`, sends it."""
    from contextlib import closing  # noqa: PLC0415 - where somebody is told

    from annexa.cli import telling  # noqa: PLC0415
    from annexa.operations import open_operations  # noqa: PLC0415
    from evidence_store import StoreError  # noqa: PLC0415

    try:
        with closing(open_operations(context.location)) as operations:
            telling.look(context, store, operations)
    except StoreError as error:  # the evidence is recorded; the next look finds it
        click.echo(f"alerts were not put down: {error}; the next look does it", err=True)


def run(
    context: Context,
    store: Store,
    watch: Watcher,
    *,
    resume: bool = False,
    root: Path | None = None,
    stop: threading.Event | None = None,
    due: Due | None = None,
) -> Result:
    """Make the sweep of the declared targets, or go on with the stopped one.

    Args:
        context: the settings and what is asked for.
        store: where it is recorded.
        watch: is told what happens.
        resume: go on with the stopped sweep.
        root: read the Linux host below this folder instead.
        stop: ends it early, with what was finished recorded.
        due: what the daemon's schedule asks for, instead of what the command line does.
    """
    from annexa import declared, logs  # noqa: PLC0415 - a sweep only
    from annexa.sweep import Means, Sweep, check_refs, digest_of  # noqa: PLC0415
    from collectors.documents import marker  # noqa: PLC0415

    settings = context.settings
    today = context.at.date()
    jobs = declared.jobs(settings, today, due.targets if due else context.targets)
    if root is not None:
        jobs = [declared.image_job(root)]
    bound = context.bound()
    means = Means(
        refs=check_refs(
            [
                check
                for check in context.catalog.checks.values()
                if check.id.partition(".")[0] in {job.connection.platform for job in jobs}
            ],
            bound,
        ),
        mark=marker(store.derive_key("redaction")),
        defect=logs.defect,
        config_digest=digest_of(context.config_text),
        folder=_spool_folder(context.location.keys.parent),
        stop=stop or threading.Event(),
    )
    made = Sweep(
        store,
        context.catalog,
        means,
        threads=settings.sweep.threads,
        cap=settings.sweep.cap,
    )
    beside = due is not None or beside_daemon(
        context, frozenset(job.connection.key for job in jobs), resume=resume
    )
    if resume:
        return made.resume(jobs, watch=watch.recorded, begun=watch.begun)
    scope = declared.scope(settings, context.framework.edition.mapping_version, today)
    if due is not None:
        scope = replace(scope, details={**scope.details, **due.details})
    return made.run(
        jobs,
        scope,
        collectors=due.collectors if due else context.collectors,
        watch=watch.recorded,
        begun=watch.begun,
        beside=beside,
    )


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C or SIGTERM sets; a second Ctrl-C interrupts at once.

    A transaction that is being committed is never torn: the event is looked at between calls.
    """
    stop = threading.Event()

    def end(number: int, _frame: FrameType | None) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _spool_folder(beside: Path) -> Path | None:
    """The folder of the store, where documents wait; one of keys alone may not be ours to write."""
    return beside if os.access(beside, os.W_OK) else None


def _title(context: Context) -> str:
    """What stands behind the sweep's number: scope, mapping, time."""
    scope = context.settings.scope
    named = f'scope "{scope.name}" v{scope.version}' if scope.name else "scope not declared"
    mapping = context.framework.edition.mapping_version
    return f"{named} · mapping {mapping} · {context.at:%Y-%m-%d %H:%M} UTC"


def _exit_on(text: str) -> frozenset[str]:
    words = frozenset(word.strip() for word in text.split(",") if word.strip())
    if strange := sorted(words - {"fail", "unknown"}):
        raise click.UsageError(f"--exit-on takes fail and unknown, not {', '.join(strange)}")
    return words


def _code(result: Result, wanted: frozenset[str]) -> int:
    counts: Counter[str] = result.findings
    if "fail" in wanted and counts["fail"]:
        return FAILS
    if "unknown" in wanted and counts["unknown"]:
        return UNKNOWNS
    return OK
