"""A host's logs, continued: are they sent away, kept long enough, and safe from users?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypedDict

from collectors import (
    Cause,
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
from collectors.linux.log import log
from collectors.linux.running import CONTAINER, Setting, is_running, process_names
from collectors.linux.target import LinuxTarget

SYSLOG: Final = ("rsyslogd", "syslog-ng")
SHIPPERS: Final = (
    "filebeat",
    "fluent-bit",
    "fluentd",
    "vector",
    "promtail",
    "alloy",
    "splunkd",
    "elastic-agent",
    "otelcol",
    "amazon-cloudwatch-agent",
    "nxlog",
)
"""Processes that send logs by a configuration of their own, which is not read here."""

LOOPBACK: Final = ("127.", "localhost", "::1", "[::1]")
PERIODS: Final = {"hourly": 1 / 24, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}
SCRIPTS: Final = re.compile(r"(?ms)^\s*(?:pre|post|first|last)\w+\s*$.*?^\s*endscript\s*$")
SECURITY_LOGS: Final = {"syslog", "messages", "auth.log", "secure"}
FIRST_USER: Final = 1000
NOBODY: Final = 65534
MOST_DEPTH: Final = 4


class Exposed(TypedDict):
    """A log file or folder that someone besides the system may write."""

    path: str
    mode: str
    uid: int
    gid: int


class Syslog(Resource[Setting], kind="linux.log.syslog"):
    """The host's log services: where they send, how long they keep."""

    @fact("list:/proc")
    def services(self, host: LinuxTarget) -> list[str]:
        """The log services and shippers that are running."""
        names = process_names(host)
        wanted = (*SYSLOG, *SHIPPERS, "systemd-journald", "systemd-journal-upload")
        return [name for name in wanted if is_running(name, names)]

    @fact("read:/etc/rsyslog.conf", "list:/etc/rsyslog.d")
    def rsyslog(self, host: LinuxTarget) -> str | None:
        """Rsyslog's configuration as one text; None where it is not installed."""
        main = host.text("/etc/rsyslog.conf")
        if main is None:
            return None
        return "\n".join([main, *host.texts("/etc/rsyslog.d", ".conf").values()])

    @fact("read:/etc/syslog-ng/syslog-ng.conf", "list:/etc/syslog-ng/conf.d")
    def syslog_ng(self, host: LinuxTarget) -> str | None:
        """syslog-ng's configuration as one text; None where it is not installed."""
        main = host.text("/etc/syslog-ng/syslog-ng.conf")
        if main is None:
            return None
        return "\n".join([main, *host.texts("/etc/syslog-ng/conf.d", ".conf").values()])

    @fact("read:/etc/systemd/journal-upload.conf")
    def journal_upload(self, host: LinuxTarget) -> str | None:
        """The address systemd-journal-upload sends to; None where it is not set."""
        text = host.text("/etc/systemd/journal-upload.conf") or ""
        found = re.search(r"(?m)^\s*URL\s*=\s*(\S+)", text)
        return found[1] if found else None

    @fact("read:/etc/systemd/journald.conf", "list:/etc/systemd/journald.conf.d")
    def journald(self, host: LinuxTarget) -> dict[str, str]:
        """Journald's settings, later files over earlier ones (journald.conf(5))."""
        texts = [
            *host.texts("/usr/lib/systemd/journald.conf.d", ".conf").values(),
            host.text("/etc/systemd/journald.conf") or "",
            *host.texts("/etc/systemd/journald.conf.d", ".conf").values(),
        ]
        pairs = re.findall(r"(?m)^\s*(\w+)\s*=\s*(.*?)\s*$", "\n".join(texts))
        return {name: value for name, value in pairs if value}

    @fact("stat:/var/log/journal")
    def persistent_journal(self, host: LinuxTarget) -> bool:
        """Whether the folder exists in which the journal outlives a restart."""
        return host.stat("/var/log/journal") is not None

    @fact("read:/etc/logrotate.conf", "list:/etc/logrotate.d")
    def logrotate(self, host: LinuxTarget) -> list[str] | None:
        """Logrotate's files, the general one first; None where it is not installed."""
        main = host.text("/etc/logrotate.conf")
        return None if main is None else [main, *host.texts("/etc/logrotate.d").values()]


class LogFolder(Resource[Setting], kind="linux.log.folder"):
    """/var/log and what lies in it."""

    @fact("list:/var/log")
    def exposed(self, host: LinuxTarget) -> list[Exposed]:
        """What others, ordinary groups or ordinary users may write.

        A folder of the system that others may not enter protects all it holds, and is not entered.
        """
        return list(_exposed(host, "/var/log", 0))


@log.resources(Syslog, LogFolder, permission=CONTAINER)
def log_services(host: LinuxTarget) -> Iterator[Syslog | LogFolder]:
    """The log services and the log folder: one of each per host."""
    where: Setting = {"container": host.container()}
    yield Syslog(id="syslog", listed=where)
    yield LogFolder(id="/var/log", listed=where)


@log.check(
    Syslog,
    "high",
    remediation="Forward to the collector over TLS: omfwd with a StreamDriver, or omrelp.",
)
def forwarding(syslog: Syslog, scene: Scene) -> Verdict:
    """Logs are sent to another machine, over TLS.

    Whether that machine is the approved collector is for the reader of the reason to say.
    """
    del scene
    if kind := syslog.listed["container"]:
        return not_applicable(f"container ({kind}): its runtime collects what it prints")
    services = syslog.services
    sent: dict[str, bool] = {}
    if "rsyslogd" in services:
        sent |= rsyslog_targets(syslog.rsyslog or "")
    if "syslog-ng" in services:
        sent |= syslog_ng_targets(syslog.syslog_ng or "")
    if "systemd-journal-upload" in services and syslog.journal_upload:
        sent[syslog.journal_upload] = not syslog.journal_upload.startswith("http:")
    plain = sorted(target for target, safe in sent.items() if not safe)
    if plain:
        return fails(f"without TLS: {', '.join(plain)}")
    if sent:
        return passes(f"over TLS to {', '.join(sorted(sent))}")
    if shippers := [name for name in services if name in SHIPPERS]:
        return unknown(Cause.PARTIAL, f"the configuration of {', '.join(shippers)} is not read")
    return fails("logs are not forwarded")


@log.check(LogFolder, "medium", remediation="Take the write right away: chmod o-w,g-w, chown root.")
def permissions(folder: LogFolder, scene: Scene) -> Verdict:
    """Log files are not writable by ordinary users, nor by their groups."""
    del scene
    paths = [f"{row['path']} ({row['mode']})" for row in folder.exposed]
    more = " and others" if len(paths) > 10 else ""
    return fails(f"writable: {', '.join(paths[:10])}{more}") if paths else passes()


@log.check(
    Syslog,
    "low",
    remediation="Raise rotate in logrotate, and set Storage=persistent in journald.conf.",
)
def retention(syslog: Syslog, scene: Scene, *, days: int = criterion(28, "days")) -> Verdict:
    """Local logs outlive a restart and are rotated away no sooner than the minimum.

    28 days is what distributions ship (weekly, 4 rotations). A journal limited by size alone has
    no promise in days; it then only counts beside a syslog service.
    """
    del scene
    if kind := syslog.listed["container"]:
        return not_applicable(f"container ({kind}): its runtime keeps what it prints")
    storage = syslog.journald.get("Storage", "auto")
    kept = storage == "persistent" or (storage == "auto" and syslog.persistent_journal)
    if not any(name in SYSLOG for name in syslog.services):
        if not kept:
            return fails("no log outlives a restart: no syslog service, no persistent journal")
        limit = _seconds(syslog.journald.get("MaxRetentionSec", "0"))
        if limit and limit < days * 86400:
            return fails(f"MaxRetentionSec is below {days} days")
        return passes("the journal is persistent, limited by its size")
    if syslog.logrotate is None:
        return passes("nothing is rotated away: logrotate is not installed")
    short = sorted(name for name, kept_days in rotations(syslog.logrotate) if kept_days < days)
    return fails(f"kept less than {days} days: {', '.join(short)}") if short else passes()


def rsyslog_targets(text: str) -> dict[str, bool]:
    """The machines rsyslog sends to, and whether over TLS (rsyslog.conf(5), omfwd, omrelp)."""
    text = re.sub(r"(?m)^\s*#.*$", "", text)
    driver = re.search(r"(?i)DefaultNetstreamDriver\s*=?\s*\"?(gtls|ossl)", text) is not None
    mode = re.search(r"(?im)^\s*\$ActionSendStreamDriverMode\s+1\b", text) is not None
    found: dict[str, bool] = {}
    for sign, host in re.findall(r"(?m)^\s*[^\s$#][^\s]*\s+(@@?)(?:\([^)]*\))?(\S+)", text):
        found[host] = sign == "@@" and driver and mode
    for body in re.findall(r"(?is)\baction\s*\(([^)]*)\)", text):
        values = {n.lower(): v for n, v in re.findall(r"([\w.]+)\s*=\s*\"([^\"]*)\"", body)}
        if values.get("type", "").lower() == "omrelp":
            found[values.get("target", "")] = values.get("tls", "off").lower() == "on"
        elif values.get("type", "").lower() == "omfwd":
            own = values.get("streamdriver", "").lower() in {"gtls", "ossl"}
            wrapped = (
                values.get("streamdrivermode") == "1" or values.get("streamdriver.mode") == "1"
            )
            tcp = values.get("protocol", "udp").lower() == "tcp"
            found[values.get("target", "")] = tcp and wrapped and (own or driver)
    return {host: safe for host, safe in found.items() if host and not host.startswith(LOOPBACK)}


def syslog_ng_targets(text: str) -> dict[str, bool]:
    """The machines syslog-ng sends to, and whether over TLS (syslog-ng.conf(5), destinations)."""
    text = re.sub(r"(?m)#.*$", "", text)
    pattern = r'\b(?:network|syslog|tcp|udp|tcp6|udp6)\s*\(\s*"([^"]+)"((?:[^()]|\([^()]*\))*)'
    return {
        host: re.search(r'transport\s*\(\s*"?tls', rest) is not None
        for block in re.findall(r"(?s)\bdestination\b[^{]*\{(.*?)\}\s*;", text)
        for host, rest in re.findall(pattern, block)
        if not host.startswith(LOOPBACK)
    }


def rotations(texts: list[str]) -> list[tuple[str, float]]:
    """For how many days logrotate keeps each of the security logs (logrotate(8)).

    A log without rotation is kept for ever and left out; `rotate -1` keeps all.
    """
    cleaned = [SCRIPTS.sub("", re.sub(r"(?m)#.*$", "", text)) for text in texts]
    general, _, _ = cleaned[0].partition("{")
    found = []
    for clean in cleaned:
        for paths, body in re.findall(r"([^{}]*)\{([^{}]*)\}", clean):
            names = {path.strip('"').rpartition("/")[2] for path in paths.split()}
            if covered := names & SECURITY_LOGS:
                days = _days(general, body)
                found += [(name, days) for name in covered]
    return sorted(set(found))


def _days(general: str, own: str) -> float:
    words = [line.split() for line in f"{general}\n{own}".splitlines() if line.split()]
    count, period, most = 0, 7.0, float("inf")
    for word, *rest in words:
        if word in PERIODS:
            period = PERIODS[word]
        elif word == "rotate" and rest:
            count = int(rest[0])
        elif word == "maxage" and rest:
            most = int(rest[0])
    return most if count < 0 else min(count * period, most)


def _seconds(value: str) -> float:
    """A time span of systemd (systemd.time(7)) in seconds; the units journald.conf is given in."""
    units = {"": 1, "s": 1, "sec": 1, "min": 60, "h": 3600, "hour": 3600, "day": 86400, "d": 86400}
    units |= {"week": 604800, "w": 604800, "month": 2629800, "M": 2629800, "year": 31557600}
    parts = re.findall(r"([\d.]+)\s*([A-Za-z]*)", value)
    return sum(float(n) * units.get(u.removesuffix("s") or u, units.get(u, 0)) for n, u in parts)


def _exposed(host: LinuxTarget, folder: str, depth: int) -> Iterator[Exposed]:
    for name in host.names(folder) or ():
        path = f"{folder}/{name}"
        state = host.stat(path, follow=False)
        if state is None or state["type"] not in {"file", "folder"}:
            continue
        mode = int(state["mode"], 8)
        user, group = _ordinary(state["uid"]), _ordinary(state["gid"])
        # A sticky folder lets users add files, never change those of others.
        others = mode & 0o002 and not (state["type"] == "folder" and mode & 0o1000)
        if others or (mode & 0o020 and group) or (mode & 0o200 and user):
            yield {"path": path, "mode": state["mode"], "uid": state["uid"], "gid": state["gid"]}
        closed = not mode & 0o001 and not user and not (mode & 0o010 and group)
        if state["type"] == "folder" and not closed and depth < MOST_DEPTH:
            yield from _exposed(host, path, depth + 1)


def _ordinary(number: int) -> bool:
    return number >= FIRST_USER and number != NOBODY
