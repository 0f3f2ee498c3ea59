"""Targets verified side by side by several processes that see the store as one does.

A process that ends, or sees another state of the store, is no problem: what it did not do, this
one does. So the report is the same whatever their number.
"""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, Final

import sqlalchemy as sa

from evidence_store.database import Database, database_of, open_database
from evidence_store.errors import StoreError
from evidence_store.location import Location, Server
from evidence_store.tables import contents, observations, resources
from evidence_store.target_verification import Found, LetGo, check

LARGE: Final = 50_000
"""Documents from which on several processes are worth their start, about a second of CPU each."""


@dataclass(frozen=True)
class Order:
    """What a process is told. It goes through a pipe, and is in no list of processes."""

    location: Location
    password: str | None
    secret: bytes
    view: str
    let_go: LetGo


def checked(
    connection: sa.Connection,
    secret: bytes,
    let_go: LetGo,
    names: Mapping[int, str],
    jobs: int | None,
    done: Callable[[str, int, int], None],
) -> list[Found]:
    """Check every target; what was found, by target.

    Args:
        connection: The view that all processes share.
        secret: The store's.
        let_go: What is known of contents that were let go.
        names: The targets.
        jobs: Processes; None: one for each core if the store is large.
        done: Told which target was done, how many are, and how many there are.
    """
    found: dict[int, Found] = {}
    waiting = deque(_largest_first(connection, names))
    number = min(_jobs(connection) if jobs is None else jobs, len(names))
    if number > 1:
        database = database_of(connection)
        order = _order(database, database.view(connection), secret, let_go)
        for each in _side_by_side(order, waiting, names, number):
            found[each.target] = each
            done(names[each.target], len(found), len(names))
    for target in sorted(waiting):
        found[target] = check(connection, secret, let_go, target, names[target])
        done(names[target], len(found), len(names))
    return [found[target] for target in sorted(found)]


def _jobs(connection: sa.Connection) -> int:
    count = connection.scalar(sa.select(sa.func.count()).select_from(contents)) or 0
    return os.cpu_count() or 1 if count >= LARGE else 1


def _largest_first(connection: sa.Connection, names: Mapping[int, str]) -> list[int]:
    """The targets, so that no process has a large one left when the others are done."""
    rows = connection.execute(
        sa.select(resources.c.target_id, sa.func.count())
        .join(observations, observations.c.resource_id == resources.c.id)
        .group_by(resources.c.target_id)
    )
    sizes: dict[int, int] = dict(rows.all())
    return sorted(names, key=lambda target: (-sizes.get(target, 0), target))


def _order(database: Database, view: str, secret: bytes, let_go: LetGo) -> Order:
    location = database.location
    password = None
    if isinstance(location, Server) and location.password is not None:
        password = location.password()
        location = replace(location, password=None)
    return Order(location, password, secret, view, let_go)


def _side_by_side(
    order: Order, waiting: deque[int], names: Mapping[int, str], number: int
) -> Iterator[Found]:
    """What processes find; targets they did not do are left in `waiting`."""
    context = get_context("spawn")
    pipes: dict[Connection[Any, Any], Any] = {}
    for _ in range(number):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, order), daemon=True)
        process.start()
        theirs.close()
        pipes[ours] = process
    doing: dict[Connection[Any, Any], int | None] = dict.fromkeys(pipes)
    try:
        while doing:
            for pipe in wait(list(doing)):
                assert isinstance(pipe, Connection)  # noqa: S101 - nothing else was waited for
                target = doing.pop(pipe)
                try:
                    found = pipe.recv()
                except (EOFError, OSError):
                    if target is not None:
                        waiting.append(target)
                    continue
                if waiting:
                    doing[pipe] = waiting.popleft()
                    with suppress(OSError):  # it has ended: the next wait says so
                        pipe.send((doing[pipe], names[doing[pipe] or 0]))
                if found is not None:
                    yield found
    finally:
        for pipe, process in pipes.items():
            pipe.close()
            process.join(5)
            if process.is_alive():  # amid a large target, when somebody stopped us
                process.terminate()
                process.join()


def work(pipe: Connection[Any, Any], order: Order) -> None:
    """One process: check what is asked for until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asks decides, and closes the pipe
    location, password = order.location, order.password
    if isinstance(location, Server) and password is not None:
        location = replace(location, password=lambda: password)
    # Without an answer the asker does it itself, and says what is wrong with the store.
    with suppress(StoreError, EOFError, OSError):
        database = open_database(location)
        try:
            with database.seen(order.view) as connection:
                pipe.send(None)
                while True:
                    target, name = pipe.recv()
                    pipe.send(check(connection, order.secret, order.let_go, target, name))
        finally:
            database.close()
