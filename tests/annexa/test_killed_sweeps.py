"""kill -9 of a whole sweep of this host, at random moments: the next one goes on."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidence_store import Store

ROUNDS = max(3, int(os.environ.get("ANNEXA_CRASH_ROUNDS", "100")) // 5)
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the host collector is Linux only")


def annexa(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "annexa", *arguments, "--store", str(store)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.prove
def test_a_killed_sweep_leaves_nothing_half_there_and_the_next_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "evidence.db"
    moments = random.Random(2)  # noqa: S311 - moments, not secrets
    began = time.monotonic()
    whole = annexa(store, "sweep", "--format", "json")
    lasts = time.monotonic() - began  # how long one is on this machine, now
    acknowledged: set[int] = {json.loads(whole.stdout)["sweep"]}
    for _ in range(ROUNDS):
        command = [
            sys.executable,
            "-m",
            "annexa",
            "sweep",
            "--format",
            "json",
            "--store",
            str(store),
        ]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
        ) as run:
            time.sleep(moments.random() * lasts)
            run.kill()
            said, _ = run.communicate()
        if said.strip().endswith(b"}"):
            acknowledged.add(json.loads(said)["sweep"])
        resumed = annexa(store, "sweep", "--resume", "--format", "json")
        if resumed.returncode == 0:
            acknowledged.add(json.loads(resumed.stdout)["sweep"])
        else:
            assert resumed.returncode == 3, resumed.stderr
            assert "nothing to resume" in resumed.stderr
    last = annexa(store, "sweep", "--format", "json")
    assert last.returncode == 0, last.stderr
    acknowledged.add(json.loads(last.stdout)["sweep"])
    verified = annexa(store, "verify", "--format", "json")
    assert verified.returncode == 0, verified.stdout
    with Store.open(store, create=False) as opened:
        closed = {row.sweep for row in opened.sweeps() if row.closed_at}
    assert acknowledged <= closed
    assert len(acknowledged) > 1
