"""Runs in processes of their own: what comes back, and what becomes of them when things go wrong."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from annexa.cli.apart import apart, sent
from annexa.cli.context import Context
from annexa.cli.duties import Duties
from annexa.operations import (
    HeldError,
    Hold,
    Lease,
    OperationsBook,
    open_operations,
    operations_file,
)
from evidence_store import File, Store
from scheduler import COMPLETE, FAILED, INTERRUPTED, Duty, Ended, Line, Run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads a Linux host")

SETTINGS = """
[store]
path = "evidence.db"
[targets.image]
platform = "linux"
root = "image"
"""


def clock() -> datetime:
    return datetime.now(UTC)


class Site:
    def __init__(self, folder: Path) -> None:
        (folder / "image/etc").mkdir(parents=True)
        for name in ("os-release", "passwd", "group"):
            shutil.copy(f"/etc/{name}", folder / "image/etc" / name)
        (folder / "annexa.toml").write_text(SETTINGS)
        self.location = File(folder / "evidence.db")
        self.folder = folder
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.operations = open_operations(self.location)
        self.lease = Lease(self.operations, timedelta(days=1), clock, alone=True)
        self.lease.take()
        self.book = OperationsBook(self.operations, self.lease, clock)
        self.context = Context(config=folder / "annexa.toml")
        self.duties = Duties(self.context, self.book, self._tell, self.operations)

    def _tell(self, about: str, said: Mapping[str, Any]) -> None:
        self.told.append((about, said))

    def duty(self, name: str) -> Duty:
        found = {duty.name: duty for duty in self.duties.due()}[name]
        return apart(found, self.context, self._tell)

    def run(self, name: str, slot: datetime | None = None) -> Run:
        now = clock()
        made = Run(0, name, slot or now, 1, 0, self.book.epoch, now)
        return self.book.begin(made, Line(name, "", now, now + timedelta(hours=1)))

    def do(self, name: str, stop: threading.Event | None = None) -> Ended:
        return self.duty(name).work(self.run(name), stop or threading.Event())


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    yield made
    made.operations.close()


def test_a_sweep_in_a_process_of_its_own_is_recorded_and_told(site: Site) -> None:
    """With the configuration in force, whatever the file says by now."""
    assert site.context.settings.targets
    (site.folder / "annexa.toml").write_text("nothing = 1")
    assert site.do("sweep/default") == Ended(COMPLETE, "sweep 1")
    told = dict(site.told)
    assert told["swept"]["calls"] > 0
    assert told["posture"]["findings"]["pass"] > 0
    with Store.open(site.location, create=False) as store:
        assert store.sweeps()[0].closed_at is not None


def test_a_child_that_breaks_is_a_failed_run(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    ended = site.do("checkpoint")
    assert ended.state == FAILED
    assert "its process ended with" in ended.detail


def test_a_child_whose_database_is_gone_says_so_and_ends_in_good_order(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    site.operations.close()
    file = operations_file(site.location.path)
    file.write_bytes(b"no database" * 1000)
    ended = sent(site.context, "annexa/test", threading.Event())
    assert ended.state == FAILED
    assert str(file) in ended.detail
    assert not capfd.readouterr().err


def test_a_defect_in_a_child_is_a_failed_run_with_its_trace_in_the_log(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = replace(site.context, given_text=b"nothing = 1")
    ended = apart(site.duty("checkpoint"), broken, lambda *_: None).work(
        site.run("checkpoint"), threading.Event()
    )
    assert ended.state == FAILED
    assert ended.detail.startswith("ConfigError: ")
    assert "Traceback" in capfd.readouterr().err


def test_a_child_that_does_not_end_in_good_order_is_ended_by_force(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("annexa.cli.apart.ENDING", timedelta(seconds=5.5))
    monkeypatch.setattr("annexa.cli.apart.sys.executable", _sleeper(site.folder))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    ended = site.do("checkpoint", stop)
    assert ended == Ended(INTERRUPTED, "ended by force: it did not end in good order")


def _sleeper(folder: Path) -> str:
    """A program in Python's place that hears nothing."""
    program = folder / "python"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o700)
    return str(program)


PARENT = """
import sys, threading
from pathlib import Path
from annexa.operations import Hold
from annexa.cli.apart import apart, sent
from tests.annexa.cli.test_apart import Site
site = Site(Path(sys.argv[1]))
hold = Hold(site.location.path)
duty = apart(site.duty("sweep/default"), site.context, lambda *_: None, hold.files)
print("begins", flush=True)
duty.work(site.run("sweep/default"), threading.Event())
"""


@pytest.mark.prove
def test_a_child_ends_with_its_daemon_and_the_lock_is_held_until_then(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "begins\n"
        child = eventually(lambda: _children(parent.pid))[0]
        os.kill(child, signal.SIGSTOP)  # as if it were in the middle of a long transaction
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    with pytest.raises(HeldError, match="one daemon per SQLite file"):
        Hold(folder / "evidence.db")
    os.kill(child, signal.SIGCONT)
    Hold(folder / "evidence.db").release()
    eventually(lambda: not Path(f"/proc/{child}/cmdline").exists() or _zombie(child))


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def eventually(what: Callable[[], Any]) -> Any:
    end = time.monotonic() + 20
    while not (found := what()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
