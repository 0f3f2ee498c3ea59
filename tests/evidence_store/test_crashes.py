"""kill -9 at random moments: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidence_store import Store
from tests.evidence_store.builders import Bench, Clock

ROUNDS = int(os.environ.get("ANNEXA_CRASH_ROUNDS", "100"))
ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from evidence_store import Store
from tests.evidence_store.builders import Bench, Clock, document, fails, passes
path, clock = Path(sys.argv[1]), Clock()
with Store.open(path, clock=clock) as store:
    bench = Bench(store, clock, path)
    while True:
        sweep = bench.begin("prod", "data")
        for target in ("prod", "data"):
            finding = fails() if sweep % 3 else passes()
            some = [document(f"{n}", finding, versioning=str((n + sweep) % 7)) for n in range(60)]
            bench.unit(sweep, some, target=target)
            print(sweep, target, flush=True)
        store.sequence()
        if sweep % 2:
            store.checkpoint()
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no kill -9")
@pytest.mark.parametrize("rounds", [4, pytest.param(ROUNDS, marks=pytest.mark.prove)])
def test_a_killed_writer_loses_nothing_it_acknowledged(tmp_path: Path, rounds: int) -> None:
    path, acknowledged = tmp_path / "annexa.db", set()
    moments = random.Random(1)  # noqa: S311 - moments, not secrets
    for _ in range(rounds):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            time.sleep(moments.random() / 5)
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        # The last line may have been cut off in the middle.
        whole = [line.split() for line in lines if line.endswith("\n")]
        acknowledged |= {(int(sweep), target) for sweep, target in whole}
    with Store.open(path, clock=Clock()) as store:
        recorded = {(row.sweep, row.target) for row in store.entries() if row.kind == "unit"}
        assert acknowledged <= recorded
        store.checkpoint()
        assert Bench(store, Clock(), path).problems() == []
        assert [row.index for row in store.entries()] == list(range(len(list(store.entries()))))
