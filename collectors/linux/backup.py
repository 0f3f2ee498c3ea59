"""Backup clients of a host: did their last run succeed in time?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final, TypedDict

from collectors import (
    CallError,
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
from collectors.linux.running import require_running
from collectors.linux.target import LinuxTarget

backup = Collector("linux.backup", title="Backup jobs of the host")

PROPERTIES: Final = "Id,LoadState,ActiveState,Type,Result,ExecMainExitTimestamp"
SHOW: Final = ("systemctl", "show", "*.service", f"--property={PROPERTIES}", "--all")
"""Every loaded service; a timer keeps its service loaded (systemctl(1), patterns and --all)."""


class Job(TypedDict):
    """How a service last ended: systemd's result (`success`, `exit-code`, …), ISO 8601 in UTC.

    `ended` is "" where it has not ended since the host started: systemd forgets with a restart.
    """

    result: str
    ended: str


class Jobs(Resource[dict[str, str]], kind="linux.backup.jobs"):
    """The services that run to an end, which is how backup jobs run."""

    volatile = ("facts.services",)

    @fact(f"run:{' '.join(SHOW)}")
    def services(self, host: LinuxTarget) -> dict[str, Job]:
        """Every loaded service by unit name."""
        require_running(host, f"run:{' '.join(SHOW)}")
        if not host.systemd():
            raise CallError(Cause.PARTIAL, "jobs are read from systemd, which does not run here")
        answer = host.run(*SHOW)
        if answer is None or answer["code"]:
            raise CallError(Cause.UNREACHABLE, "systemctl failed", "no list of services")
        return dict(_jobs(answer["text"]))


@backup.resources(Jobs, permission="read:/etc/os-release")
def jobs(host: LinuxTarget) -> Iterator[Jobs]:
    """One per host."""
    yield Jobs(id="jobs", listed={"distribution": (host.release() or {}).get("ID", "")})


@backup.check(
    Jobs, "high", remediation="Look at the unit's journal, repair the job and run it again."
)
def agent_last_success(
    found: Jobs,
    scene: Scene,
    *,
    units: tuple[str, ...] = criterion("service units that make the backup"),
    within: int = criterion(24, "hours"),
) -> Verdict:
    """Every backup job's last run succeeded within the recovery point objective.

    A job is a systemd service that ends, such as one started by a timer. Copies made from outside
    the host (snapshots of its platform) are seen where they are made.
    """
    bad: list[str] = []
    open_: list[str] = []
    for unit in sorted(units):
        job = found.services.get(unit if "." in unit else f"{unit}.service")
        if job is None:
            bad.append(f"no service {unit}")
        elif job["result"] != "success":
            bad.append(f"{unit}: {job['result']}")
        elif not job["ended"]:
            open_.append(unit)
        elif moment(job["ended"]) < scene.at - timedelta(hours=within):
            bad.append(
                f"{unit}: last success {moment(job['ended']):%Y-%m-%d}, limit {within} hours"
            )
    if bad:
        return fails("; ".join(bad))
    if open_:
        why = f"not ended since the host started: {', '.join(open_)}"
        return unknown(Cause.PARTIAL, why)
    return passes() if units else fails("no backup job is declared")


def _jobs(text: str) -> Iterator[tuple[str, Job]]:
    """The blocks `systemctl show` prints, one per unit, between empty lines."""
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("LoadState") == "loaded" and "Id" in values:
            # weekday, date, time and zone, which is UTC here (systemd.time(7))
            words = values.get("ExecMainExitTimestamp", "").split()
            ended = f"{words[1]}T{words[2]}+00:00" if len(words) == 4 else ""
            yield values["Id"], {"result": values.get("Result", ""), "ended": ended}
