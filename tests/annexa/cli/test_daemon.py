"""What the daemon does when something comes due, and its command from start to end."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog

import scheduler
from annexa.cli.apart import prepare
from annexa.cli.context import Context
from annexa.cli.duties import Duties
from annexa.daemon import DaemonWatch, Metrics
from annexa.operations import Hold, Lease, OperationsBook, open_operations
from evidence_store import Store, StoreError
from evidence_store.location import File
from scheduler import COMPLETE, FAILED, INTERRUPTED, Duty, Ended, Line, Run
from tests.annexa.cli import world as fixed
from tests.annexa.cli.conftest import Said, Shell


def clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Hand:
    """Does duties by hand, as the scheduler would."""

    shell: Shell
    duties: Duties
    book: OperationsBook
    metrics: Metrics

    def due(self, name: str) -> Duty:
        return {duty.name: duty for duty in self.duties.due()}[name]

    def begin(self, name: str, attempt: int = 1) -> Run:
        now = clock()
        spec = self.due(name).spec
        following = Line(name, spec, now + timedelta(hours=1), now + timedelta(hours=1))
        slot = now.replace(minute=0)
        return self.book.begin(Run(0, name, slot, attempt, 0, self.book.epoch, now), following)

    def do(self, name: str, stop: threading.Event | None = None, attempt: int = 1) -> Ended:
        run = self.begin(name, attempt)
        ended = self.due(name).work(run, stop or threading.Event())
        self.book.end(run, ended, None)
        self.shell.clock.shift(3600)
        return ended

    def series(self, start: str) -> list[str]:
        lines = self.metrics.text().decode().splitlines()
        return [line for line in lines if line.startswith(start)]


@pytest.fixture
def hand(shell: Shell) -> Iterator[Hand]:
    operations = open_operations(File(shell.folder / "evidence.db"))
    lease = Lease(operations, timedelta(days=1), clock, alone=True)
    lease.take()
    book, metrics = OperationsBook(operations, lease, clock), Metrics(lambda: lease.held)
    yield Hand(shell, Duties(Context(), book, DaemonWatch(metrics).told, operations), book, metrics)
    operations.close()


def sweeps(shell: Shell) -> list[tuple[bool, str]]:
    """Whether each sweep was closed, oldest first, and how."""
    with Store.open(shell.folder / "evidence.db", create=False) as store:
        return [
            (row.closed_at is not None, (row.summary or {}).get("outcome", ""))
            for row in reversed(store.sweeps())
        ]


def test_a_sweep_says_in_its_plan_which_schedule_asked_for_it_and_when(hand: Hand) -> None:
    assert hand.do("sweep/default") == Ended(COMPLETE, "sweep 1")
    assert sweeps(hand.shell) == [(True, "complete")]
    with Store.open(hand.shell.folder / "evidence.db", create=False) as store:
        details = store.sweeps()[0].plan["details"]
    assert details["scheduled"] == {
        "schedule": "default",
        "due": "2026-11-24T12:00:00+00:00",
        "missed": 0,
    }
    assert 'annexa_findings{status="fail"} 3.0' in hand.series("annexa_findings")
    assert 'annexa_unknowns{cause="denied"} 1.0' in hand.series("annexa_unknowns")
    assert any('control="A.8.2"' in line for line in hand.series("annexa_evidence_age"))


def test_a_stop_in_the_middle_leaves_a_sweep_that_the_next_try_goes_on_with(hand: Hand) -> None:
    stop = threading.Event()
    hand.shell.worlds["web-1"].before = lambda _: stop.set()
    assert hand.do("sweep/default", stop).state == INTERRUPTED
    assert sweeps(hand.shell) == [(False, "")]
    hand.shell.worlds["web-1"].before = lambda _: None
    hand.shell.clock.shift(-3600)
    assert hand.do("sweep/default", attempt=2) == Ended(COMPLETE, "sweep 1")
    assert sweeps(hand.shell) == [(True, "complete")]


def test_what_the_schedule_left_open_is_closed_as_abandoned_by_its_next_due_time(
    hand: Hand,
) -> None:
    stop = threading.Event()
    hand.shell.worlds["web-1"].before = lambda _: stop.set()
    hand.do("sweep/default", stop)
    hand.shell.worlds["web-1"].before = lambda _: None
    assert hand.do("sweep/default") == Ended(COMPLETE, "sweep 2")
    assert sweeps(hand.shell) == [(True, "abandoned"), (True, "complete")]


def test_a_store_that_fails_is_a_failed_run_with_its_reason(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr("evidence_store.store.Store.record", full)
        assert hand.do("sweep/default") == Ended(FAILED, "no space left")
    assert hand.do("sweep/default").state == COMPLETE


def test_the_head_is_signed_between_sweeps_too(hand: Hand) -> None:
    hand.do("sweep/default")
    ended = hand.do("checkpoint")
    assert ended.state == COMPLETE
    size = ended.detail.removeprefix("size ")
    assert hand.series("annexa_ledger_size") == [f"annexa_ledger_size {size}.0"]


def test_a_clean_store_is_verified_and_a_changed_one_is_an_error(hand: Hand) -> None:
    hand.do("sweep/default")
    assert hand.do("verify/whole") == Ended(COMPLETE, "")
    assert 'annexa_verification_clean{verification="whole"} 1.0' in hand.series("annexa_ver")
    with sqlite3.connect(hand.shell.folder / "evidence.db") as raw:
        raw.execute("DROP TRIGGER entries_refuses_update")
        raw.execute("UPDATE entries SET recorded_at = recorded_at + 1 WHERE id = 2")
    raw.close()
    with structlog.testing.capture_logs() as said:
        assert hand.do("verify/whole") == Ended(COMPLETE, "1 problems")
    assert 'annexa_verification_clean{verification="whole"} 0.0' in hand.series("annexa_ver")
    (event,) = said
    assert (event["event"], event["log_level"]) == ("integrity_verification_failed", "error")
    assert event["first"] == "entries 2: column recorded_at differs from the body"


def test_what_is_recent_is_verified_from_the_last_head_before_it(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.do("sweep/default")
    begun: list[object] = []
    whole = Store.verify

    def verify(store: Store, *args: Any, **more: Any) -> Any:
        begun.append(more["after"])
        return whole(store, *args, **more)

    monkeypatch.setattr(Store, "verify", verify)
    assert hand.do("verify/recent") == Ended(COMPLETE, "")  # nothing is older yet: all of it
    with sqlite3.connect(hand.shell.folder / "evidence.db") as raw:
        (size,) = raw.execute("SELECT max(size) FROM checkpoints").fetchone()
    raw.close()
    monkeypatch.setattr(Store, "head_before", lambda _store, _at: size)
    assert hand.do("verify/recent") == Ended(COMPLETE, "")
    assert begun == [None, size]
    assert 'annexa_verification_clean{verification="recent"} 1.0' in hand.series("annexa_ver")


def test_a_verification_that_is_stopped_is_not_taken_for_a_clean_one(hand: Hand) -> None:
    hand.do("sweep/default")
    stop = threading.Event()
    stop.set()
    assert hand.do("verify/whole", stop).state == INTERRUPTED
    assert hand.series("annexa_verification_clean") == []


def test_evidence_that_grew_old_is_a_stale_control_and_said_once(hand: Hand) -> None:
    text = (hand.shell.folder / "annexa.toml").read_text()
    hand.shell.configure(text.replace("[scope.population]\nlinux = 2\n", ""))
    hand.duties.reload()
    for world in hand.shell.worlds.values():
        world.people = world.people[:1]
        world.teams = {"north": [{"permitrootlogin": "no", "users": []}]}
        world.refuse = {}
    hand.do("sweep/default")
    hand.shell.clock.shift(100 * 86_400)
    with structlog.testing.capture_logs() as said:
        hand.do("posture")
        hand.do("posture")
    assert {each["event"] for each in said} == {"evidence_stale"}
    stale = [each["control"] for each in said]
    assert len(stale) == len(set(stale)) > 0
    assert f'annexa_controls{{status="stale"}} {len(stale)}.0' in hand.series("annexa_controls")


def test_a_changed_configuration_is_taken_over_and_a_broken_one_is_not(hand: Hand) -> None:
    from config import ConfigError  # noqa: PLC0415 - this test only

    before = (hand.shell.folder / "annexa.toml").read_text()
    hand.shell.configure(before + '[schedule]\nevery = "1h"\n')
    hand.duties.reload()
    assert hand.due("sweep/default").spec.startswith("every 1h")
    hand.shell.configure(before + '[schedule]\nevery = "soon"\n')
    with pytest.raises(ConfigError, match="write a duration"):
        hand.duties.reload()
    assert hand.due("sweep/default").spec.startswith("every 1h")


def test_a_running_configuration_is_the_one_evidence_names(hand: Hand) -> None:
    """A file that was edited and not yet taken over made nothing."""
    hand.do("sweep/default")
    hand.shell.configure("nothing = 1")
    hand.do("sweep/default")
    with Store.open(hand.shell.folder / "evidence.db", create=False) as store:
        digests = {
            row.body.partition(b'"config":"')[2][:64] for row in store.entries("linux/web-1")
        }
    assert len(digests) == 1


def command(
    shell: Shell, patch: pytest.MonkeyPatch, then: Callable[[scheduler.Scheduler], None]
) -> Said:
    """Run the command with a clockwork that does `then` in place of waiting for hours."""

    def serve(made: scheduler.Scheduler, **more: Callable[[], None]) -> bool:
        more["ready"]()
        then(made)
        more["reload"]()
        more["stopping"]()
        made.release()
        return True

    patch.setattr(scheduler, "serve", serve)
    patch.setattr("annexa.cli.apart.apart", lambda duty, *_: duty)
    patch.setattr("annexa.cli.apart.prepared", lambda context, _: prepare(context).detail)
    shell.configure((shell.folder / "annexa.toml").read_text() + '[daemon]\nlisten = "off"\n')
    return shell("daemon")


def wait_for(made: scheduler.Scheduler) -> None:
    for thread in threading.enumerate():
        if thread.name.startswith("annexa-"):
            thread.join(20)
    made.tick()


def test_the_command_sweeps_when_due_and_says_so(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two(made: scheduler.Scheduler) -> None:
        for _ in range(2):
            made.tick()
            wait_for(made)
            shell.clock.shift(7 * 3600)

    said = command(shell, monkeypatch, two)
    assert said.code == 0, said.err
    assert sweeps(shell) == [(True, "complete")] * 2
    for event in ("daemon_started", "leading", "run_started", "sweep_ended", "config_reloaded"):
        assert event in said.err


def test_a_configuration_that_no_check_fits_ends_it_before_the_first_sweep(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.configure(
        '[criteria."linux.no.check".days]\nvalue = 3\nsource = { document = "P", version = "1", '
        'section = "1", approved_by = "x", approved_on = 2026-01-01 }\n'
    )
    said = command(shell, monkeypatch, lambda _: pytest.fail("it must not begin"))
    assert said.code == 3
    assert "no installed check has this id" in said.err


def test_a_second_daemon_on_the_file_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner: list[Said] = []
    said = command(shell, monkeypatch, lambda _: inner.append(shell("daemon")))
    assert said.code == 0
    assert inner[0].code == 4
    assert f"process {os.getpid()} on " in inner[0].err


def test_health_says_how_it_is_and_what_to_do_where_nobody_answers(shell: Shell) -> None:
    assert shell("health").code == 1
    assert "is the daemon running?" in shell("health").err
    shell.configure('[daemon]\nlisten = "off"\n')
    assert shell("health").code == 3
    shell.configure('[daemon]\nlisten = "127.0.0.1:nowhere"\n')
    assert shell("health").code == 1


def test_a_mistake_in_the_file_makes_no_healthy_daemon_look_ill(shell: Shell) -> None:
    at = "127.0.0.1:9"
    for text in (f'[daemon]\nlisten = "{at}"\nlaese = 3\n', "[daemon", "[daemon]\nlisten = 1\n"):
        shell.configure(text)
        assert (at if at in text else "127.0.0.1:9477") in shell("health").err


def test_a_sweep_by_hand_is_refused_what_the_daemon_reads_and_leaves_its_sweep_open(
    hand: Hand,
) -> None:
    shell = hand.shell
    shell.configure(fixed.SETTINGS + '[schedules.web]\ntargets = ["web-1"]\nevery = "1h"\n')
    hand.duties.reload()
    hold, stop = Hold(shell.folder / "evidence.db"), threading.Event()
    stop.set()
    run = hand.begin("sweep/web")  # and it does not end
    assert hand.due("sweep/web").work(run, stop).state == INTERRUPTED

    said = shell("sweep")
    assert said.code == 3
    assert said.err == (
        "the daemon sweeps just now (schedule web, since 12:00:00 UTC), and reads linux/web-1:"
        " wait until it has, or name other targets with --target\n"
    )
    assert "goes on with itself" in shell("sweep", "--resume").err
    shell.ok("sweep", "--target", "db-1")
    assert sweeps(shell) == [(False, ""), (True, "complete")]

    hold.release()  # the daemon is gone, whatever its book says
    shell.ok("sweep", "--target", "web-1")
