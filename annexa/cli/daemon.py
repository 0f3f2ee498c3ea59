"""`annexa daemon` and `annexa health`: evidence on time, all year, without anyone watching."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli import FAILS, OK, STORE
from annexa.cli.context import Context, common

if TYPE_CHECKING:
    from annexa.cli.duties import Duties
    from annexa.daemon import Metrics
    from scheduler import Duty, Scheduler

SILENT: Final = 120.0
"""Seconds without a tick after which the process is no longer taken for alive."""

MOST_BETWEEN_TICKS: Final = timedelta(seconds=5)


@click.command()
@common
def daemon(context: Context) -> int:
    """Sweep on the schedules of the configuration until SIGTERM or Ctrl-C.

    SIGTERM lets a running sweep go on for `drain`, then records what it has read and ends. SIGHUP
    reads the configuration again and keeps the old one if the new one has a problem.
    """
    import structlog  # noqa: PLC0415 - this command only

    from annexa.cli.apart import apart, prepared, sent  # noqa: PLC0415
    from annexa.cli.duties import FORGET, Duties  # noqa: PLC0415
    from annexa.daemon import DaemonWatch, Mailroom, Metrics  # noqa: PLC0415
    from annexa.operations import Hold, Lease, OperationsBook, open_operations  # noqa: PLC0415
    from evidence_store import File  # noqa: PLC0415
    from scheduler import Scheduler  # noqa: PLC0415

    settings = context.settings.daemon
    where = context.location
    hold = Hold(where.path) if isinstance(where, File) else None
    origin = prepared(context, hold.files if hold else ())
    operations = open_operations(where)
    lease = Lease(operations, settings.lease, _now, alone=hold is not None)
    book = OperationsBook(operations, lease, _now)
    metrics = Metrics(lambda: lease.held)
    watch = DaemonWatch(metrics)
    duties = Duties(context, book, watch.told, operations)

    def due() -> Sequence[Duty]:
        """All that is more than a statement or two is done in a process of its own."""
        return [
            each
            if each.name == FORGET
            else apart(each, duties.context, watch.told, hold.files if hold else ())
            for each in duties.due()
        ]

    scheduler = Scheduler(
        book,
        due,
        clock=_now,
        watch=watch,
        salt=origin,
        at_once=lambda: duties.context.settings.daemon.sweeps,
    )
    kept_open = hold.files if hold else ()
    mailroom = Mailroom(
        operations,
        metrics,
        lambda: [each.name for each in duties.context.settings.alerts.endpoints],
        lambda stop: sent(duties.context, origin, stop, kept_open),
    )
    log = structlog.get_logger()
    log.info("daemon_started", store=where.name, listen=settings.listen)
    try:
        with mailroom:
            drained = _serve(context, scheduler, duties, metrics)
    finally:
        operations.close()
        if hold is not None:
            hold.release()
    log.info("daemon_stopped", drained=drained)
    return OK if drained else STORE


def _serve(context: Context, scheduler: Scheduler, duties: Duties, metrics: Metrics) -> bool:
    from annexa.daemon import Endpoints, notify  # noqa: PLC0415 - this command only
    from scheduler import serve  # noqa: PLC0415 - this command only

    stopping: list[bool] = []

    def alive() -> tuple[bool, Mapping[str, Any]]:
        silent = time.monotonic() - scheduler.ticked
        return silent < SILENT, {"alive": silent < SILENT, "silent_seconds": round(silent, 1)}

    def ready() -> tuple[bool, Mapping[str, Any]]:
        good = not stopping and scheduler.error is None
        return good, {
            "ready": good,
            "stopping": bool(stopping),
            "leader": scheduler.leads,
            "running": [run.name for run in scheduler.running],
            "error": str(scheduler.error) if scheduler.error else None,
        }

    def end() -> None:
        stopping.append(True)
        notify("STOPPING=1", "STATUS=recording what was read")

    def beat() -> None:
        if alive()[0]:
            notify("WATCHDOG=1")

    listen = context.settings.daemon.listen
    endpoints = None if listen == "off" else Endpoints(listen, alive, ready, metrics.text)
    try:
        return serve(
            scheduler,
            every=min(MOST_BETWEEN_TICKS, context.settings.daemon.lease / 3),
            drain=lambda: duties.context.settings.daemon.drain,
            ready=lambda: notify("READY=1"),
            beat=beat,
            reload=lambda: _reload(duties, metrics),
            stopping=end,
        )
    finally:
        if endpoints is not None:
            endpoints.close()


def _reload(duties: Duties, metrics: Metrics) -> None:
    """Take the changed configuration over; one with a problem is logged, and the old one kept."""
    import structlog  # noqa: PLC0415 - this command only

    from annexa.daemon import notify  # noqa: PLC0415
    from annexa.declared import DeclarationError  # noqa: PLC0415
    from config import ConfigError  # noqa: PLC0415

    log = structlog.get_logger()
    notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
    try:
        duties.reload()
    except (ConfigError, DeclarationError, click.UsageError) as error:
        metrics.reloaded.set(0)
        log.error("config_kept", reason=str(error), do="annexa config check, then SIGHUP again")  # noqa: TRY400 - the message says what to do
    else:
        metrics.reloaded.set(1)
        log.info("config_reloaded", config=str(duties.context.config_path))
    notify("READY=1")


def _now() -> datetime:
    return datetime.now(UTC)


@click.command()
@common
@click.option("--ready", is_flag=True, help="Ask whether it can sweep, not only whether it lives.")
def health(context: Context, *, ready: bool) -> int:
    """Whether the daemon of this configuration is well; exit 0 if it is, 1 if not."""
    import http.client  # noqa: PLC0415 - this command only
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    from config.listening import listening  # noqa: PLC0415

    listen = listening(context.config_text)
    if listen == "off":
        raise click.UsageError('[daemon] listen = "off": there is nothing to ask')
    host, _, port = listen.rpartition(":")
    if host in {"0.0.0.0", "[::]"}:  # noqa: S104 - the address it listens on, asked from here
        host = "127.0.0.1" if host == "0.0.0.0" else "[::1]"  # noqa: S104
    address = f"http://{host}:{port}/{'readyz' if ready else 'healthz'}"
    ask = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with ask.open(address, timeout=5) as answer:
            click.echo(answer.read().decode())
    except urllib.error.HTTPError as error:
        click.echo(error.read().decode(), err=True)
        return FAILS
    except (OSError, http.client.HTTPException) as error:
        click.echo(f"{address}: {error}; is the daemon running?", err=True)
        return FAILS
    return OK
