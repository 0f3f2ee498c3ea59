"""A sweep by hand beside a daemon: never of a target the daemon reads just now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from annexa.cli.context import Context
    from scheduler import Run

SWEEP: Final = "sweep/"
"""How the names of runs begin that are sweeps; the schedule's name follows."""


def beside_daemon(context: Context, targets: frozenset[str], *, resume: bool) -> bool:
    """Whether a daemon sweeps now, so that what is open in the store is its own to close.

    Args:
        context: the configuration.
        targets: the keys of what is to be read.
        resume: whether an open sweep is to be gone on with.

    Raises:
        SweepError: the daemon reads one of them, or the sweep to go on with is the daemon's.
        StoreError: the operations database cannot be read.
    """
    from annexa.daemon.planned import planned  # noqa: PLC0415 - where a daemon sweeps
    from annexa.operations import under_way  # noqa: PLC0415 - a sweep by hand only
    from annexa.sweep import SweepError  # noqa: PLC0415 - as above

    found = [run for run in under_way(context.location) if run.name.startswith(SWEEP)]
    if not found:
        return False
    if resume:
        raise SweepError(f"{_words(found[0])}; what it leaves open, it goes on with itself")
    plans = planned(context.settings, context.catalog, context.at.date())
    read = {f"{SWEEP}{each.name}": frozenset(each.targets) for each in plans}
    for run in found:
        if both := sorted(read.get(run.name, frozenset()) & targets):
            raise SweepError(
                f"{_words(run)}, and reads {', '.join(both)}: wait until it has,"
                " or name other targets with --target"
            )
    return True


def _words(run: Run) -> str:
    schedule = run.name.removeprefix(SWEEP)
    return f"the daemon sweeps just now (schedule {schedule}, since {run.started:%H:%M:%S} UTC)"
