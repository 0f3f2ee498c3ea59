"""`annexa daemon`: sweep on a schedule until told to stop."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import click

from annexa.cli.context import Context, common

if TYPE_CHECKING:
    from collections.abc import Sequence

    from annexa.sweep import Recorded, Unit


@click.command()
@common
def daemon(context: Context) -> None:
    """Sweep now, and then at every `schedule.every`, until SIGTERM or Ctrl-C.

    What a running sweep has finished is recorded before the daemon ends.
    """
    import structlog  # noqa: PLC0415 - this command only

    from scheduler import serve  # noqa: PLC0415 - this command only

    context.check_names()
    context.bound()
    every = context.settings.schedule.every
    log = structlog.get_logger()
    log.info(
        "daemon_started", every_seconds=int(every.total_seconds()), store=context.location.name
    )
    serve(lambda stop: _sweep(context, stop), every)
    log.info("daemon_stopped")


class _Log:
    """Tells the log what a sweep does."""

    def begun(self, sweep: int, units: Sequence[Unit]) -> None:
        import structlog  # noqa: PLC0415

        structlog.get_logger().info("sweep_begun", sweep=sweep, targets=len(units))

    def recorded(self, recorded: Recorded) -> None:
        import structlog  # noqa: PLC0415

        structlog.get_logger().info(
            "unit_recorded",
            target=recorded.unit.key,
            outcome=recorded.outcome,
            entry=recorded.receipt.entry,
            unchanged=recorded.receipt.unchanged,
        )


def _sweep(context: Context, stop: threading.Event) -> None:
    """One sweep; an error of the store or the declarations is logged, and the next is tried."""
    import structlog  # noqa: PLC0415

    from annexa.cli.sweep import run  # noqa: PLC0415
    from annexa.declared import DeclarationError  # noqa: PLC0415
    from evidence_store.errors import StoreError  # noqa: PLC0415

    log = structlog.get_logger()
    try:
        with context.store(create=True) as store:
            result = run(context, store, _Log(), stop=stop)
    except (StoreError, DeclarationError) as error:
        log.error("sweep_failed", reason=str(error))  # noqa: TRY400 - the message says what to do
    else:
        log.info(
            "sweep_ended",
            sweep=result.sweep,
            complete=result.complete,
            calls=result.calls,
            findings=dict(result.findings),
            seconds=round(result.seconds, 1),
        )
