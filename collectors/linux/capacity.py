"""Room of a host: are its filesystems and its memory below the limit?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypedDict

from collectors import (
    CallError,
    Cause,
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fails,
    passes,
)
from collectors.linux.running import kernel_text
from collectors.linux.target import LinuxTarget

capacity = Collector("linux.capacity", title="Disk and memory in use")

DF: Final = (
    "df",
    "-P",
    "-k",
    "-l",
    "-x",
    "tmpfs",
    "-x",
    "devtmpfs",
    "-x",
    "squashfs",
    "-x",
    "efivarfs",
    "-x",
    "iso9660",
    "-x",
    "overlay",
)
"""Local filesystems in POSIX form; those in memory and those that are always full are left out."""

FORMS: Final = {"space": (), "files": ("-i",)}
"""What is asked of every filesystem: its blocks, and its inodes."""

MEMORY: Final = "/proc/meminfo"


class SpaceRow(TypedDict):
    """What there is and what is in use: KiB, or inodes where `of` is `files`."""

    of: str
    used: int
    free: int


class Space(Resource[SpaceRow], kind="linux.capacity.space"):
    """A filesystem's blocks, its inodes, or the memory; the numbers move by themselves."""

    volatile = ("listed.used", "listed.free")


@capacity.resources(Space, permission=(f"run:{' '.join(DF)}", f"read:{MEMORY}"))
def spaces(host: LinuxTarget) -> Iterator[Space]:
    """Every local filesystem twice, and the memory."""
    for of, option in FORMS.items():
        answer = host.run(*DF, *option)
        if answer is None:
            raise CallError(Cause.UNREACHABLE, "df failed", "df gave no list of filesystems")
        yield from _filesystems(answer["text"], of)
        if answer["code"]:
            raise CallError(Cause.PARTIAL, "df failed", "df could not look at every filesystem")
    lines = (line.partition(":") for line in (kernel_text(host, MEMORY) or "").splitlines())
    sizes = {name: int(value.split()[0]) for name, _, value in lines if value.split()}
    if {"MemTotal", "MemAvailable"} <= sizes.keys():
        free = sizes["MemAvailable"]
        row: SpaceRow = {"of": "memory", "used": sizes["MemTotal"] - free, "free": free}
        yield Space(id="memory", listed=row)


@capacity.check(
    Space, "medium", remediation="Free or add space before it is full, and look at what grew."
)
def disk_and_memory(
    space: Space,
    scene: Scene,
    *,
    disk: int = criterion(85, "percent of a filesystem in use"),
    memory: int = criterion(95, "percent of memory in use"),
) -> Verdict:
    """Filesystems, their inodes and the memory are not fuller than the limit.

    One look cannot tell a trend: how fast something fills is seen between sweeps.
    """
    del scene
    row = space.listed
    limit = memory if row["of"] == "memory" else disk
    whole = row["used"] + row["free"]
    above = row["used"] * 100 > limit * whole
    return fails(f"in use above the limit of {limit} percent") if above else passes()


def _filesystems(text: str, of: str) -> Iterator[Space]:
    """Rows of `df -P`: device, whole, used, free, percent, mount point (which may hold spaces)."""
    seen: dict[str, Space] = {}
    for line in text.splitlines()[1:]:
        fields = line.split(maxsplit=5)
        if len(fields) != 6:
            raise MalformedError("df printed a line without six fields")
        if not fields[2].isdigit() or not fields[3].isdigit():
            continue  # a filesystem without inodes prints "-"
        row: SpaceRow = {"of": of, "used": int(fields[2]), "free": int(fields[3])}
        # what is mounted over another is listed with it; the last one is what is seen
        seen[fields[5]] = Space(id=f"{fields[5]} {of}", listed=row)
    yield from (space for space in seen.values() if space.listed["used"] + space.listed["free"])
