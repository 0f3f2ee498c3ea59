"""The daemon's sweeps: one after the other, with what went wrong in the log and not in the way."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

import scheduler
from evidence_store import StoreError
from tests.annexa.cli.conftest import Said, Shell

Sweep = Callable[[threading.Event], None]


def run(
    shell: Shell, patch: pytest.MonkeyPatch, then: Callable[[Sweep, threading.Event], None]
) -> Said:
    """Run the daemon with a clockwork that does `then` in place of waiting for hours."""
    stop = threading.Event()

    def serve(sweep: Sweep, every: timedelta) -> None:
        assert every == timedelta(hours=6)
        then(sweep, stop)

    patch.setattr(scheduler, "serve", serve)
    said = shell("daemon")
    assert said.code == 0, said.err
    return said


def sweeps(shell: Shell) -> list[bool]:
    """Whether each sweep was closed, oldest first."""
    from evidence_store import Store  # noqa: PLC0415 - opened after the daemon ended

    with Store.open(shell.folder / "evidence.db", create=False) as store:
        return [row.closed_at is not None for row in reversed(store.sweeps())]


def test_one_sweep_after_the_other_is_made_and_the_daemon_is_not_stopped_by_them(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def twice(sweep: Sweep, stop: threading.Event) -> None:
        for _ in range(2):
            sweep(stop)
            assert not stop.is_set()
            shell.clock.shift(6 * 3600)

    said = run(shell, monkeypatch, twice)
    assert sweeps(shell) == [True, True]
    for event in (
        "daemon_started",
        "sweep_begun",
        "unit_recorded",
        "sweep_ended",
        "daemon_stopped",
    ):
        assert event in said.err


def test_a_stop_in_the_middle_leaves_a_sweep_that_the_next_one_closes(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(sweep: Sweep, stop: threading.Event) -> None:
        shell.worlds["web-1"].before = lambda _: stop.set()
        sweep(stop)

    run(shell, monkeypatch, stopped)
    assert sweeps(shell) == [False]
    shell.worlds["web-1"].before = lambda _: None
    shell.ok("sweep", "--resume")
    assert sweeps(shell) == [True]


def test_a_store_that_fails_once_is_logged_and_the_next_sweep_is_made(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(sweep: Sweep, stop: threading.Event) -> None:
        with monkeypatch.context() as broken:

            def full(*_: object) -> None:
                raise StoreError("no space left")

            broken.setattr("evidence_store.store.Store.record", full)
            sweep(stop)
        assert not stop.is_set()
        sweep(stop)

    said = run(shell, monkeypatch, failing)
    assert "sweep_failed" in said.err
    assert "no space left" in said.err
    assert sweeps(shell) == [True, True]


def test_a_configuration_that_no_check_fits_ends_it_before_the_first_sweep(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "serve", lambda *_: pytest.fail("it must not begin"))
    shell.configure(
        '[criteria."linux.no.check".days]\nvalue = 3\nsource = { document = "P", version = "1", '
        'section = "1", approved_by = "x", approved_on = 2026-01-01 }\n'
    )
    said = shell("daemon")
    assert said.code == 3
    assert "no installed check has this id" in said.err
