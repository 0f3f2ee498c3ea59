"""On a server: whoever led before records nothing more, and nobody is held up by it for long."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from annexa.operations import (
    FencedError,
    Lease,
    Operations,
    OperationsError,
    database,
    fence,
    open_operations,
    schema,
)
from annexa.operations.tables import leases
from evidence_store import NotAllowedError, Plan, PlannedTarget, Server, Store, roles
from tests.annexa.operations.conftest import Hands
from tests.postgres import PostgresServer

LENGTH = timedelta(seconds=15)
PLAN = Plan([PlannedTarget("linux/a", 1)], "s", "1", "m", "c", "2026-11-25T12:00:00Z", {})


@pytest.fixture
def location(postgres: PostgresServer, tmp_path: Path) -> Iterator[Server]:
    with postgres.database(empty=False) as name:
        yield Server(postgres.url(name), tmp_path / "keys")


@pytest.fixture
def new(operations: Operations, clock: Hands) -> Callable[[], Lease]:
    return lambda: Lease(operations, LENGTH, clock, alone=False)


@pytest.fixture
def store(location: Server) -> Iterator[Store]:
    with Store.open(location, fence=lambda connection: fence(connection, 1)) as opened:
        yield opened


def test_a_former_leader_records_nothing(
    new: Callable[[], Lease], clock: Hands, store: Store
) -> None:
    first, second = new(), new()
    first.take()
    sweep = store.begin_sweep(PLAN)
    clock.forward(2 * LENGTH)
    assert second.take()
    before = [entry.id for entry in store.entries()]
    for write in (
        lambda: store.begin_sweep(PLAN),
        lambda: store.close_sweep(sweep, {}),
        store.checkpoint,
        store.sequence,
    ):
        with pytest.raises(FencedError, match="epoch 2, ours was 1"):
            write()
    assert [entry.id for entry in store.entries()] == before


class Recording:
    """A transaction of the evidence's that stands still before its end."""

    def __init__(self, location: Server) -> None:
        self.begun, self.go_on, self.ended = (threading.Event() for _ in range(3))
        self.error: Exception | None = None
        self._location = location
        threading.Thread(target=self._record, daemon=True).start()
        assert self.begun.wait(10)

    def _record(self) -> None:
        def stand_still(connection: sa.Connection) -> None:
            fence(connection, 1)
            self.begun.set()
            self.go_on.wait(20)

        try:
            with Store.open(self._location, fence=stand_still) as store:
                store.begin_sweep(PLAN)
        except Exception as error:  # noqa: BLE001 - handed to the test
            self.error = error
        self.ended.set()


def test_a_takeover_does_not_come_between_the_fence_and_the_commit(
    new: Callable[[], Lease], clock: Hands, store: Store, location: Server
) -> None:
    first, second = new(), new()
    first.take()
    recording = Recording(location)
    clock.forward(2 * LENGTH)
    assert not second.take(), "the former leader's transaction is still under way"
    recording.go_on.set()
    assert recording.ended.wait(10)
    assert recording.error is None
    assert len(store.sweeps()) == 1
    assert second.take()


def test_a_long_transaction_does_not_keep_its_leader_from_renewing(
    new: Callable[[], Lease], location: Server
) -> None:
    lease = new()
    lease.take()
    recording = Recording(location)
    assert lease.take()
    assert lease.epoch == 1
    recording.go_on.set()
    assert recording.ended.wait(10)


def test_a_leader_paused_inside_a_transaction_is_cut_off(
    new: Callable[[], Lease],
    clock: Hands,
    location: Server,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database, "PAUSED", "300ms")
    first, second = new(), new()
    first.take()
    recording = Recording(location)
    clock.forward(2 * LENGTH)
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while not second.take() and datetime.now(UTC) < deadline:
        recording.ended.wait(0.05)
    assert second.epoch == 2
    recording.go_on.set()
    assert recording.ended.wait(10)
    assert recording.error is not None
    assert store.sweeps() == []


def test_two_that_begin_in_the_same_moment_do_not_both_lead(
    location: Server, operations: Operations, clock: Hands
) -> None:
    for _ in range(5):
        with operations.writing("test") as connection:
            connection.execute(sa.delete(leases))
        others = [open_operations(location) for _ in range(4)]
        both = threading.Barrier(len(others))
        led: list[bool] = []

        def take(other: Operations, both: threading.Barrier = both, led: list[bool] = led) -> None:
            lease = Lease(other, LENGTH, clock, alone=False)
            both.wait(10)
            try:
                led.append(lease.take())
            except OperationsError:
                led.append(False)

        threads = [threading.Thread(target=take, args=[other]) for other in others]
        for thread in threads:
            thread.start()
        for thread, other in zip(threads, others, strict=True):
            thread.join()
            other.close()
        assert led.count(True) == 1


def test_an_account_that_may_only_record_keeps_the_book_and_passes_the_fence(
    postgres: PostgresServer, tmp_path: Path, clock: Hands
) -> None:
    """The owner makes the tables; the daemon's account cannot, and says who can."""
    with postgres.database(empty=True) as name:
        postgres.execute(roles.script(name) + schema.script(), name)
        member = f"daemon_{name}"
        postgres.execute(
            f"CREATE ROLE {member} LOGIN IN ROLE {roles.WRITER}, {roles.SEQUENCER}", name
        )
        ours = Server(postgres.url(name, member), tmp_path / "keys")
        with pytest.raises(NotAllowedError, match="annexa store upgrade"):
            open_operations(ours)
        owner = Server(postgres.url(name, roles.OWNER), tmp_path / "keys")
        Store.open(owner).close()
        open_operations(owner).close()
        operations = open_operations(ours)
        lease = Lease(operations, LENGTH, clock, alone=False)
        assert lease.take()
        with Store.open(ours, fence=lambda connection: fence(connection, 1)) as store:
            assert store.begin_sweep(PLAN) == 1
            store.checkpoint()
        operations.close()
        postgres.execute(f"DROP OWNED BY {member}; DROP ROLE {member}", name)
