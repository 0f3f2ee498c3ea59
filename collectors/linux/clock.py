"""A host's clock: is it synchronised, and with sources that are approved?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final, NotRequired, TypedDict

from collectors import (
    CallError,
    Cause,
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.linux.running import CONTAINER, Setting, is_running, process_names, require_running
from collectors.linux.target import LinuxTarget

clock = Collector("linux.time", title="Clock of the host")

DAEMONS: Final = ("chronyd", "systemd-timesyncd", "ntpd", "openntpd", "ptp4l", "phc2sys")
"""The services that set a Linux clock."""

CHRONY_FILES: Final = ("/etc/chrony/chrony.conf", "/etc/chrony.conf")
NOT_RUNNING: Final = "daemon not running"
LOCAL_REFERENCE: Final = "7F7F0101"
"""The reference chronyd names where it follows its own clock (chronyc(1), tracking)."""

POOL_SOURCES: Final = 4
"""Servers chronyd takes from one pool (chrony.conf(5), maxsources)."""

UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0}


class Tracking(TypedDict):
    """What a time service says of itself; the offset in seconds."""

    service: str
    synchronised: bool
    offset: NotRequired[float]


class Clock(Resource[Setting], kind="linux.time.clock"):
    """The clock: which services set it, how well, from which sources."""

    volatile = ("facts.chrony", "facts.timesyncd")

    @fact("list:/proc")
    def daemons(self, host: LinuxTarget) -> list[str]:
        """The time services that are running, whatever the init system."""
        names = process_names(host)
        return [name for name in DAEMONS if is_running(name, names)]

    @fact("run:chronyc -c tracking", absent=NOT_RUNNING)
    def chrony(self, host: LinuxTarget) -> list[str] | None:
        """The fields of `chronyc -c tracking`; None where chronyd is not running or installed."""
        answer = host.run("chronyc", "-c", "tracking")
        if answer is None:
            return None
        if answer["code"]:
            # 506 is chronyc's own code for "Cannot talk to daemon"
            off = "506" in answer["text"]
            code = NOT_RUNNING if off else "chronyc failed"
            raise CallError(Cause.UNREACHABLE, code, answer["text"].strip())
        return answer["text"].strip().split(",")

    @fact("run:timedatectl timesync-status", absent=NOT_RUNNING)
    def timesyncd(self, host: LinuxTarget) -> dict[str, str] | None:
        """The lines of `timedatectl timesync-status`; None where systemd-timesyncd is off."""
        if not host.systemd():
            require_running(host, "run:timedatectl timesync-status")
            raise CallError(Cause.UNREACHABLE, NOT_RUNNING, "systemd does not run this host")
        answer = host.run("timedatectl", "timesync-status")
        if answer is None:
            return None
        if answer["code"]:
            raise CallError(Cause.UNREACHABLE, NOT_RUNNING, answer.get("errors", ""))
        pairs = (line.partition(":") for line in answer["text"].splitlines())
        return {name.strip(): value.strip() for name, sign, value in pairs if sign}

    @fact("read:/etc/chrony.conf")
    def chrony_sources(self, host: LinuxTarget) -> list[str] | None:
        """The server, pool, peer and refclock lines of chrony's files; None without any."""
        main = next((path for path in CHRONY_FILES if host.stat(path)), None)
        return None if main is None else sorted(_chrony_lines(host, main))

    @fact("run:timedatectl show-timesync", absent=NOT_RUNNING)
    def timesyncd_sources(self, host: LinuxTarget) -> dict[str, str] | None:
        """The servers systemd-timesyncd was given, by where they come from."""
        if not host.systemd():
            require_running(host, "run:timedatectl show-timesync")
            raise CallError(Cause.UNREACHABLE, NOT_RUNNING, "systemd does not run this host")
        answer = host.run("timedatectl", "show-timesync")
        if answer is None:
            return None
        if answer["code"]:
            raise CallError(Cause.UNREACHABLE, NOT_RUNNING, answer.get("errors", ""))
        pairs = (line.partition("=") for line in answer["text"].splitlines())
        return {name: value for name, _, value in pairs if name.endswith("NTPServers")}


@clock.resources(Clock, permission=CONTAINER)
def clocks(host: LinuxTarget) -> Iterator[Clock]:
    """The one clock of the host."""
    yield Clock(id="clock", listed={"container": host.container()})


@clock.check(
    Clock, "high", remediation="Install chrony, point it at approved sources and enable it."
)
def synchronised(
    found: Clock, scene: Scene, *, limit: float = criterion(1.0, "seconds of offset")
) -> Verdict:
    """The clock is synchronised and its offset is within the limit."""
    del scene
    if kind := found.listed["container"]:
        return not_applicable(f"container ({kind}): the clock belongs to its host")
    services = [_chrony(found.chrony), _timesyncd(found.timesyncd)]
    tracked = next((service for service in services if service), None)
    if tracked is None:
        if found.daemons:
            names = ", ".join(found.daemons)
            return unknown(Cause.PARTIAL, f"the offset of {names} is not read")
        return fails("no time service is running")
    if not tracked["synchronised"]:
        return fails(f"{tracked['service']} is not synchronised")
    if "offset" not in tracked:
        return unknown(Cause.PARTIAL, f"{tracked['service']} does not tell its offset")
    within = abs(tracked["offset"]) <= limit
    return passes() if within else fails(f"offset above the limit of {limit:g} s")


@clock.check(
    Clock,
    "medium",
    remediation="Configure the approved sources, four or more, and remove the others.",
)
def approved_sources(
    found: Clock,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("host names of time sources, * as wildcard"),
    least: int = criterion(4, "sources"),
) -> Verdict:
    """Every configured time source is approved, and there are enough of them.

    Four sources are what RFC 8633 section 3.2 recommends; a chrony pool counts as four.
    """
    del scene
    if kind := found.listed["container"]:
        return not_applicable(f"container ({kind}): the clock belongs to its host")
    names = _sources(found)
    if names is None:
        others = ", ".join(found.daemons)
        why = f"the configuration of {others} is not read"
        return unknown(Cause.PARTIAL, why) if others else fails("no time service is running")
    strange = sorted(name for name in names if not any(fnmatchcase(name, p) for p in approved))
    if strange:
        return fails(f"not approved: {', '.join(strange)}")
    enough = sum(names.values()) >= least
    return passes() if enough else fails(f"fewer than {least} sources configured")


def _chrony(fields: list[str] | None) -> Tracking | None:
    if fields is None:
        return None
    if len(fields) < 14:
        raise MalformedError("chronyc tracking has fewer than 14 fields")
    followed = fields[13] != "Not synchronised" and fields[0] != LOCAL_REFERENCE
    return {"service": "chronyd", "synchronised": followed, "offset": float(fields[4])}


def _timesyncd(lines: dict[str, str] | None) -> Tracking | None:
    if lines is None:
        return None
    offset = lines.get("Offset", "")
    answer: Tracking = {"service": "systemd-timesyncd", "synchronised": bool(offset)}
    parts = re.findall(r"([\d.]+)(us|ms|s|min|h)\b", offset)
    if parts:
        answer["offset"] = sum(float(number) * UNITS[unit] for number, unit in parts)
    return answer


def _sources(found: Clock) -> dict[str, int] | None:
    """The configured sources with what each counts for; None where the service is another."""
    if "chronyd" in found.daemons:
        lines = [line.split() for line in found.chrony_sources or []]
        return {words[1]: POOL_SOURCES if words[0] == "pool" else 1 for words in lines}
    if "systemd-timesyncd" in found.daemons:
        given = found.timesyncd_sources or {}
        own = [*given.get("LinkNTPServers", "").split(), *given.get("SystemNTPServers", "").split()]
        return dict.fromkeys(own or given.get("FallbackNTPServers", "").split(), 1)
    return None


def _chrony_lines(host: LinuxTarget, path: str, depth: int = 0) -> Iterator[str]:
    """Source lines of a chrony file and of what it includes (chrony.conf(5); ten levels deep)."""
    for line in (host.text(path) or "").splitlines():
        word, *rest = line.split() or [""]
        directive = word.lower()
        if directive in {"server", "pool", "peer", "refclock"} and rest:
            yield " ".join((directive, *rest))
        elif directive in {"confdir", "sourcedir"} and depth < 10:
            suffix = ".conf" if directive == "confdir" else ".sources"
            for folder in rest:
                for file in host.texts(folder, suffix):
                    yield from _chrony_lines(host, file, depth + 1)
        elif directive == "include" and rest and depth < 10:
            folder, _, pattern = rest[0].rpartition("/")
            for name in host.names(folder or "/") or ():
                if fnmatchcase(name, pattern):
                    yield from _chrony_lines(host, f"{folder}/{name}", depth + 1)
