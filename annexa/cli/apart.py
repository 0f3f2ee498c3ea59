"""A run in a process of its own: what it needs of memory, and what hangs in it, ends with it.

Parent and child speak JSON: the order on the child's standard input, whose end means that the
daemon is gone; what it did on its standard output. Logs go where the daemon's go.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from annexa.cli.context import Context
from evidence_store import StoreError
from scheduler import COMPLETE, ENDING, FAILED, INTERRUPTED, Duty, Ended, LostError, Run

if TYPE_CHECKING:
    from annexa.cli.duties import Told

STOP: Final = b"stop\n"
PREPARE: Final = "prepare"
"""What is done once at the start, before there is anything due."""

SEND: Final = "alerts/send"
"""What is done by every daemon, leading or not, whenever an alert is due to be sent."""

SENDING: Final = 600.0
"""Seconds after which a sender ends; what is due then is the next one's."""


def apart(duty: Duty, context: Context, told: Told, kept_open: tuple[int, ...] = ()) -> Duty:
    """The duty, done in a process of its own.

    Args:
        duty: what is to be done.
        context: the configuration in force.
        told: is told what the run found.
        kept_open: files the child keeps open as well: a lock is only free when it has ended, too.
    """

    def work(run: Run, stop: threading.Event) -> Ended:
        order = _order(context, duty.name) | {"run": run.__dict__}
        return _carried_out(order, stop, told, kept_open)

    return replace(duty, work=work)


def prepared(context: Context, kept_open: tuple[int, ...] = ()) -> str:
    """Make or upgrade the store and the operations database; the ledger's name.

    In a process of its own as well: what that needs is not needed again.

    Raises:
        StoreError: one of them cannot be used.
    """
    ended = _carried_out(_order(context, PREPARE), threading.Event(), _no_news, kept_open)
    if ended.state != COMPLETE:
        raise StoreError(ended.detail)
    return ended.detail


def sent(
    context: Context, source: str, stop: threading.Event, kept_open: tuple[int, ...] = ()
) -> Ended:
    """Send the alerts that are due, in a process of its own: TLS needs memory only meanwhile.

    Args:
        context: the configuration in force.
        source: the ledger's name.
        stop: ends it in good order.
        kept_open: files the child keeps open as well.
    """
    return _carried_out(_order(context, SEND) | {"source": source}, stop, _no_news, kept_open)


def _order(context: Context, duty: str) -> dict[str, Any]:
    return {
        "config": str(context.config_path) if context.config_path else None,
        "text": context.config_text.decode(),
        "store": context.named_store,
        "duty": duty,
    }


def _no_news(_about: str, _said: Mapping[str, Any]) -> None:
    """Preparing finds nothing."""


def _carried_out(
    order: Mapping[str, Any], stop: threading.Event, told: Told, kept_open: tuple[int, ...]
) -> Ended:
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "annexa.cli.apart"],  # -P: nothing from this folder
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is the daemon's to act on
        pass_fds=kept_open if os.name == "posix" else (),
    )
    answer: list[bytes] = []
    with child:
        if child.stdin is None or child.stdout is None:  # pragma: no cover - both were asked for
            raise OSError("no pipe to the run's process")
        reader = threading.Thread(target=_read, args=(child.stdout, answer), daemon=True)
        reader.start()
        _tell(child.stdin, orjson.dumps(order) + b"\n")
        _wait(child, child.stdin, stop)
        reader.join()
        with suppress(BrokenPipeError):  # it ended before it took its order
            child.stdin.close()
    if not answer or not answer[0]:
        code = child.returncode
        if stop.is_set():
            return Ended(INTERRUPTED, "ended by force: it did not end in good order")
        return Ended(FAILED, f"its process ended with {code}; the log says why")
    said = orjson.loads(answer[0])
    for about, values in said["told"]:
        told(about, values)
    if said["lost"]:
        raise LostError(said["detail"])
    return Ended(said["state"], said["detail"])


def _wait(child: subprocess.Popen[bytes], order: IO[bytes], stop: threading.Event) -> None:
    """Until the child ends; one that was told to stop and does not is killed."""
    patience: float | None = None
    while child.poll() is None:
        if patience is None and stop.wait(0.1):
            _tell(order, STOP)
            patience = time.monotonic() + ENDING.total_seconds() - 5
        elif patience is not None:
            time.sleep(0.1)
            if time.monotonic() > patience:
                child.kill()


def _tell(order: IO[bytes], line: bytes) -> None:
    with contextlib.suppress(OSError):  # it has ended: its answer, or none, says how
        order.write(line)
        order.flush()


def _read(out: IO[bytes], answer: list[bytes]) -> None:
    answer.append(out.read())


def _obey(order: IO[bytes], stop: threading.Event) -> None:
    """Stop when told to; end at once, as by kill -9, when the daemon is gone."""
    while line := order.readline():
        if line == STOP:
            stop.set()
    os._exit(1)


def main() -> None:
    """The child: carry the order out, answer, and end."""
    order = orjson.loads(sys.stdin.buffer.readline())
    answer = sys.stdout.buffer
    sys.stdout = sys.stderr  # whatever prints must not be taken for the answer
    stop = threading.Event()
    threading.Thread(target=_obey, args=(sys.stdin.buffer, stop), daemon=True).start()
    told: list[tuple[str, Mapping[str, Any]]] = []
    try:
        ended, lost = _do(order, stop, lambda about, said: told.append((about, said))), False
    except LostError as error:
        ended, lost = Ended(FAILED, str(error)), True
    except StoreError as error:
        ended, lost = Ended(FAILED, str(error)), False
    except Exception as error:  # noqa: BLE001 - said with its trace; ending by it would abort us
        from annexa import logs  # noqa: PLC0415 - a defect only

        logs.defect(error, order["duty"])
        ended, lost = Ended(FAILED, f"{type(error).__name__}: {error}"), False
    said = {"state": ended.state, "detail": ended.detail, "lost": lost, "told": told}
    answer.write(orjson.dumps(said))
    answer.flush()
    os._exit(0)  # a thread that hangs in a call has nothing left to record


def _do(order: Mapping[str, Any], stop: threading.Event, told: Told) -> Ended:
    from datetime import UTC  # noqa: PLC0415 - the child only
    from datetime import timedelta as span  # noqa: PLC0415

    from annexa.cli.duties import Duties  # noqa: PLC0415
    from annexa.operations import Lease, OperationsBook, open_operations  # noqa: PLC0415

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - a clock
    context = Context(
        config=Path(order["config"]) if order["config"] else None,
        named_store=order["store"],
        given_text=order["text"].encode(),
    )
    if order["duty"] == PREPARE:
        return prepare(context)
    if order["duty"] == SEND:
        return send(context, order["source"], stop)
    raw = dict(order["run"])
    raw |= {name: datetime.fromisoformat(raw[name]) for name in ("slot", "started")}
    operations = open_operations(context.location)
    try:
        lease = Lease(operations, span(seconds=1), clock, alone=False)  # never taken here
        book = OperationsBook(operations, lease, clock)
        duties = Duties(context, book, told, operations)
        due = {duty.name: duty for duty in duties.due()}
        if order["duty"] not in due:
            return Ended(FAILED, f"{order['duty']} has nothing left to read today")
        return due[order["duty"]].work(Run(**raw), stop)
    finally:
        operations.close()


def prepare(context: Context) -> Ended:
    """Open both databases once; what is said is the ledger's name."""
    from annexa.operations import open_operations  # noqa: PLC0415 - the child only

    try:
        with context.store(create=True) as store:
            origin = store.origin
        open_operations(context.location).close()
    except StoreError as error:
        return Ended(FAILED, str(error))
    return Ended(COMPLETE, origin)


def send(context: Context, source: str, stop: threading.Event) -> Ended:
    """Send until nothing is due."""
    from datetime import UTC  # noqa: PLC0415 - the child only

    from annexa.alerts import Sender, sinks  # noqa: PLC0415 - the child only
    from annexa.operations import open_operations  # noqa: PLC0415

    with contextlib.closing(open_operations(context.location)) as operations:
        sender = Sender(
            operations, source, sinks(context.settings.alerts), lambda: datetime.now(UTC)
        )
        timer = threading.Timer(SENDING, stop.set)
        timer.daemon = True
        timer.start()
        number = sender.run(stop)
    return Ended(COMPLETE, f"{number} attempts")


if __name__ == "__main__":
    main()
