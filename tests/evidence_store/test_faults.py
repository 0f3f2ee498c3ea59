"""One failing call at a time: a write, an fsync, a rename or link, injected by strace.

A writer makes a store, records, signs, hands heads to a folder and changes its key. Whichever of
its calls fails, it gets a named error, may try again, and nothing it acknowledged is lost.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from evidence_store import Store
from evidence_store.location import File
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder
from tests.evidence_store.builders import Bench, Clock, document, passes

ROOT: Final = Path(__file__).parents[2]
STRACE: Final = shutil.which("strace")
ROUNDS: Final = int(os.environ.get("ANNEXA_CRASH_ROUNDS", "100"))
"""How many calls of a kind fail, evenly spread; with as many as there are, each of them does."""
WRITER: Final = """
import os, sys
from pathlib import Path
from evidence_store import File, Store, StoreError
from evidence_store.errors import OutsideError
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder
from tests.evidence_store.builders import Bench, Clock, document, fails, passes
location, held = File(Path(sys.argv[1])), Path(sys.argv[2])

def say(*words):
    # In one call: all of it is said, or nothing.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def done(do, *more):
    for last in (False, True):
        try:
            found = do()
            break
        except (StoreError, OutsideError) as error:
            say("refused", type(error).__name__)
            if last:
                raise SystemExit(3)
    if more:
        say(*more)
    return found

clock = Clock()
outside = Outside([DirectoryHolder("share", held)])
store = done(lambda: Store.open(location, clock=clock, origin="annexa/test", outside=outside))
bench = Bench(store, clock, location)
for number in (1, 2):
    clock.forward(days=1)
    sweep = done(lambda: bench.begin("prod", "data"))
    for target in ("prod", "data"):
        some = [document(f"{n}", fails(), versioning=str(n * number)) for n in range(5)]
        done(lambda: bench.unit(sweep, some, target=target, journal=b"[1]"), "unit", sweep, target)
    done(lambda: store.close_sweep(sweep, {}))
    head = done(store.checkpoint)
    say("head", head.size, "-")
    found = done(store.hand_out)
    if any(each.error for each in found):
        found = done(store.hand_out)
    if not any(each.error for each in found):
        say("held", head.size, "-")
    if number == 1:
        done(store.rotate_key)
store.close()
"""
CALLS: Final = {
    "write": ("write,pwrite64,writev", ("EIO", "ENOSPC")),
    "fsync": ("fsync,fdatasync", ("EIO",)),
    "rename": ("rename,renameat,renameat2,link,linkat", ("EIO", "EACCES")),
}

pytestmark = pytest.mark.skipif(
    STRACE is None, reason="strace is not installed: apt-get install strace"
)


def run(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """The writer under strace; what it said, and the calls that were traced."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "held").mkdir(parents=True)
    log = folder / "calls"
    command = [
        str(STRACE), "-f", "--seccomp-bpf", "-qq", "-o", str(log), *options,
        sys.executable, "-B", "-c", WRITER, str(folder / "store" / "annexa.db"),
        str(folder / "held"),
    ]  # fmt: skip
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    return done, log.read_text(encoding="utf-8", errors="replace").splitlines()


def assert_whole(folder: Path, lines: Sequence[str]) -> None:
    """All that was acknowledged is there, nothing is half there, and work goes on."""
    told = [line.split() for line in lines]
    clock = Clock()
    clock.forward(days=10)
    held = DirectoryHolder("share", folder / "held")
    location = File(folder / "store" / "annexa.db")
    with Store.open(location, clock=clock, origin="annexa/test", outside=Outside([held])) as store:
        recorded = {(row.sweep, row.target) for row in store.entries() if row.kind == "unit"}
        assert {(int(s), t) for what, s, t in told if what == "unit"} <= recorded
        sizes = {head.size for head in store.checkpoints()}
        assert {int(size) for what, size, _ in told if what == "head"} <= sizes
        kept = {head.size for head in held.all(store.ledger)}
        assert {int(size) for what, size, _ in told if what == "held"} <= kept
        Bench(store, clock, location).sweep([document("0", passes())])
        store.checkpoint()
        assert not [each for each in store.hand_out() if each.error]
        report = store.verify()
        assert report.problems == ()
        assert not any("cannot be excluded" in each for each in report.statements)


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize(
    "step", [pytest.param(0, id="one"), pytest.param(1, id="each", marks=pytest.mark.prove)]
)
def test_a_call_that_fails_loses_nothing(
    tmp_path: Path, kind: str, step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    calls, errors = CALLS[kind]
    clean, traced = run(tmp_path / "clean", "-e", f"trace={calls}")
    assert clean.returncode == 0, clean.stderr
    assert_whole(tmp_path / "clean", clean.stdout.splitlines())
    # strace counts each name apart: "the third write", "the third pwrite64".
    made = Counter(found[1] for line in traced if (found := re.match(r"\d+ +(\w+)\(", line)))
    each = [(name, number) for name in sorted(made) for number in range(1, made[name] + 1)]
    assert len(each) > 5
    chosen = each[:: -(-len(each) // ROUNDS)] if step else [each[len(each) * 2 // 3]]
    refused = 0
    for name, number in chosen:
        for error in errors if step else errors[:1]:
            folder = tmp_path / "hit"
            hit, told = run(
                folder, "-e", f"trace={calls}", "-e", f"inject={name}:error={error}:when={number}"
            )
            injected = "".join(line for line in told if "(INJECTED)" in line)
            assert injected, (name, number)
            # An acknowledgement that cannot be written is none; all else is named, or healed.
            unsaid = "write(1," in injected
            assert hit.returncode in {0, 3} or unsaid, (name, number, error, hit.stderr[-2000:])
            said = [line for line in hit.stdout.splitlines() if not line.startswith("refused")]
            refused += len(hit.stdout.splitlines()) - len(said)
            assert_whole(folder, said)
    if step:
        with capsys.disabled():
            sys.stdout.write(
                f"\n{kind}: {len(chosen)} of {len(each)} calls failed once"
                f" with {' and '.join(errors)}; {refused} refusals, nothing acknowledged lost\n"
            )
