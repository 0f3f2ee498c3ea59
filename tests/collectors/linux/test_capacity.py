"""Filesystems, inodes and memory of a host."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Status
from collectors.linux import LinuxConnection
from collectors.linux.capacity import DF, Space, capacity, disk_and_memory
from collectors.testing import Conformance, collect, judge
from tests.collectors.linux.scripted import read

BuildImage = Callable[..., LinuxConnection]

BLOCKS = """\
Filesystem     1024-blocks      Used Available Capacity Mounted on
/dev/vda         264212084  23096916  83293996      22% /
/dev/vdb1             1000       900       100      90% /srv/two words
/dev/vdc              1000       100       900      10% /mnt/over
/dev/vdd              1000       999         1     100% /mnt/over
"""
INODES = """\
Filesystem      Inodes  IUsed   IFree IUse% Mounted on
/dev/vda      16777216 400000 16377216    3% /
/dev/vdb1            -      -        -     - /srv/two words
/dev/vdc             0      0        0     - /mnt/over
"""
MEMORY = "MemTotal:  1000 kB\nMemFree: 10 kB\nMemAvailable: 600 kB\nHugePages_Total: 0\n"


def space(of: str, used: int, free: int) -> Space:
    return Space(id="/", listed={"of": of, "used": used, "free": free})


@pytest.mark.parametrize(
    ("found", "status", "because"),
    [
        (space("space", 85, 15), "pass", ""),
        (space("space", 86, 14), "fail", "limit of 85 percent"),
        (space("files", 86, 14), "fail", "limit of 85 percent"),
        (space("memory", 95, 5), "pass", ""),
        (space("memory", 96, 4), "fail", "limit of 95 percent"),
    ],
)
def test_disk_and_memory(found: Space, status: str, because: str) -> None:
    verdict = judge(disk_and_memory, found)
    assert verdict.status == status
    assert because in verdict.because


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, 100))
def test_more_in_use_never_turns_a_failure_into_a_pass(used: int, free: int, limit: int) -> None:
    first = judge(disk_and_memory, space("space", used, free), disk=limit)
    more = judge(disk_and_memory, space("space", used + 1, free - 1), disk=limit)
    assert not (first.status is Status.FAIL and more.status is Status.PASS)


def test_filesystems_inodes_and_memory_are_read(image: BuildImage) -> None:
    command = " ".join(DF)
    tools = {command: BLOCKS, f"{command} -i": INODES}
    found = read(image({"/proc/meminfo": MEMORY}), capacity, tools)
    assert {name: row.listed for name, row in found.items()} == {
        "/ space": {"of": "space", "used": 23096916, "free": 83293996},
        "/srv/two words space": {"of": "space", "used": 900, "free": 100},
        "/mnt/over space": {"of": "space", "used": 999, "free": 1},
        "/ files": {"of": "files", "used": 400000, "free": 16377216},
        "memory": {"of": "memory", "used": 400, "free": 600},
    }


@pytest.mark.parametrize(("printed", "cause"), [("a\nb c\n", "malformed"), (1, "partial")])
def test_an_unreadable_answer_is_unknown(image: BuildImage, printed: str | int, cause: str) -> None:
    with pytest.raises(AssertionError, match=cause):
        read(image(), capacity, {"df": printed})


def test_an_image_has_nothing_mounted(image: BuildImage) -> None:
    [verdict] = collect(image(), (capacity,)).findings().values()
    assert verdict.status == "unknown"
    assert "needs a running system" in verdict.because


class TestConformance(Conformance):
    collectors = (capacity,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
