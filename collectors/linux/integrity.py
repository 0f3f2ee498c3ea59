"""File integrity monitoring: is it set up, and did it run lately?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, TypedDict

from collectors import (
    Cause,
    Collector,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    passes,
    unknown,
)
from collectors.linux.running import is_running, modified, process_names
from collectors.linux.target import LinuxTarget

integrity = Collector("linux.integrity", title="File integrity monitoring")

DATABASES: Final = ("/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz")
"""Where Debian's and RHEL's aide.conf keep the state that files are compared with."""

LOGS: Final = ("/var/log/aide/aide.log",)
"""Where both let each run report (report_url in aide.conf)."""

OTHERS: Final = ("wazuh-syscheckd", "ossec-syscheckd", "samhain", "osqueryd", "elastic-agent")
"""Monitors that run all the time, by process."""


class Aide(TypedDict):
    """When AIDE's database was made and when it last reported; "" where there is none."""

    database: str
    report: str


class Monitoring(Resource[dict[str, str]], kind="linux.integrity.monitoring"):
    """What watches the host's files."""

    volatile = ("facts.aide.report",)

    @fact(f"stat:{DATABASES[0]}", f"stat:{LOGS[0]}")
    def aide(self, host: LinuxTarget) -> Aide | None:
        """AIDE's traces; None where it has neither program nor database."""
        database = next((when for path in DATABASES if (when := modified(host, path))), "")
        if (
            not database
            and host.stat("/usr/bin/aide") is None
            and host.stat("/usr/sbin/aide") is None
        ):
            return None
        report = next((when for path in LOGS if (when := modified(host, path))), "")
        return {"database": database, "report": report}

    @fact("list:/proc")
    def others(self, host: LinuxTarget) -> list[str]:
        """Other monitors that are running."""
        names = process_names(host)
        return sorted(name for name in OTHERS if is_running(name, names))


@integrity.resources(Monitoring, permission="read:/etc/os-release")
def monitoring(host: LinuxTarget) -> Iterator[Monitoring]:
    """One per host."""
    yield Monitoring(id="monitoring", listed={"distribution": (host.release() or {}).get("ID", "")})


@integrity.check(
    Monitoring, "medium", remediation="Install AIDE, run `aide --init` and a daily check by timer."
)
def file_monitoring(
    found: Monitoring, scene: Scene, *, within: int = criterion(24, "hours")
) -> Verdict:
    """File integrity monitoring is set up and ran within the limit.

    AIDE's last run is the time of its log. Monitors that report to a console are seen to run, but
    what they last compared is known there.
    """
    aide = found.aide
    ran = aide["report"] if aide and aide["database"] else ""
    if ran and moment(ran) >= scene.at - timedelta(hours=within):
        return passes("AIDE")
    if found.others:
        why = f"{', '.join(found.others)}: running, its last comparison is not read on the host"
        return unknown(Cause.PARTIAL, why)
    if aide is None:
        return fails("no file integrity monitoring is installed")
    if not aide["database"]:
        return fails("AIDE has no database")
    if not ran:
        return fails(f"AIDE has no log at {LOGS[0]}")
    return fails(f"AIDE last ran {moment(ran):%Y-%m-%d}, limit {within} hours")
