"""The threads of a sweep share one heap."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading
if sys.argv[1] == "one":
    from annexa.sweep.heap import share_one_heap
    assert share_one_heap()
kept, done = [], threading.Event()
def work():
    pieces = [b"x" * (40_000 + n) for n in range(250)]  # below what is mapped alone
    kept.append(pieces.pop())  # the last one: nothing below it goes back to the system
    del pieces
    done.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
for number, thread in enumerate(threads, 1):
    thread.start()
    while len(kept) < number:
        thread.join(0.001)
done.set()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="other C libraries have one heap, or none to choose"
)
def test_what_one_thread_freed_the_next_one_uses() -> None:
    def peak(how: str) -> int:
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
        )
        return int(ended.stdout)

    assert peak("many") - peak("one") > 30_000, "kilobytes"
