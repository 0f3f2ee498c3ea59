"""What only a running host can answer: its container, its processes, when a file last changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, TypedDict

from collectors import CallError, Cause
from collectors.linux.target import LinuxTarget

CONTAINER: Final = ("stat:/.dockerenv", "read:/proc/1/cgroup")
"""What tells a container from a machine; needed by every listing that asks for it."""

NAME_LENGTH: Final = 15
"""The kernel keeps this much of a process's name (proc(5), /proc/pid/comm)."""


ENABLED: Final = {"enabled", "enabled-runtime", "static", "alias", "indirect", "generated"}
"""The states systemd gives a unit that starts without being asked for."""


class Setting(TypedDict):
    """Where a host-wide setting was found: the kind of container, "" for a machine."""

    container: str


def require_running(host: LinuxTarget, permission: str) -> None:
    """Raise where the host is an image, whose kernel and processes cannot be asked."""
    if not host.live:
        raise CallError(Cause.NOT_ASKED, "needs a running system", permission=permission)


def kernel_text(host: LinuxTarget, path: str) -> str | None:
    """A file of /proc or /sys without its line end; None where this kernel has none."""
    require_running(host, f"read:{path}")
    text = host.text(path)
    return None if text is None else text.rstrip("\n")


def process_names(host: LinuxTarget) -> list[str]:
    """The names of all running processes, each once, without the kernel's numbered threads.

    A name is what the kernel keeps of it, see `is_running`. Works with any init system.

    Raises:
        CallError: this is an image, or /proc hides other users' processes (mount option hidepid).
    """

    def ask() -> list[str]:
        require_running(host, "list:/proc")
        if any(_hides_processes(line) for line in (host.text("/proc/mounts") or "").splitlines()):
            first = host.read("/proc/1/comm")
            if first is None:
                raise CallError(
                    Cause.DENIED, "processes hidden by hidepid", permission="list:/proc"
                )
        # Processes end between the two reads: a comm that is gone is no process any more.
        pids = [name for name in host.names("/proc") or () if name.isdigit()]
        names = {(host.text(f"/proc/{pid}/comm") or "").strip() for pid in pids}
        return sorted(name for name in names if name and "/" not in name)

    return host.once("running.process_names", ask)


def is_running(name: str, names: list[str]) -> bool:
    """Whether a process of that name is among the running ones."""
    return name[:NAME_LENGTH] in names


def modified(host: LinuxTarget, path: str) -> str | None:
    """When a file's content last changed, ISO 8601 in UTC; None where it is not there."""
    if host.stat(path) is None:
        return None
    # An image's file times are those of its unpacking; stat(1) of the host needs no read right.
    answer = host.run("stat", "-L", "-c", "%Y", "--", path)
    if answer is None or answer["code"]:
        raise CallError(Cause.UNREACHABLE, "stat failed", f"no modification time of {path}")
    return datetime.fromtimestamp(int(answer["text"]), UTC).isoformat()


def starts_at_boot(host: LinuxTarget, service: str) -> bool | None:
    """Whether a service is enabled, by systemd, System V or OpenRC; None where none of them is.

    Units that others start (`static`, `alias`, `indirect`) count as enabled (systemctl(1)).
    """
    require_running(host, f"run:systemctl show --property=UnitFileState {service}")
    if host.systemd():
        answer = host.run("systemctl", "show", "--property=UnitFileState", service)
        if answer is None or answer["code"]:
            raise CallError(Cause.UNREACHABLE, "systemctl failed", f"no state of {service}")
        return answer["text"].strip().removeprefix("UnitFileState=") in ENABLED
    folders = [host.names(folder) for folder in ("/etc/rc2.d", "/etc/rc3.d")]
    links = [name for names in folders for name in names or ()]
    levels = host.names("/etc/runlevels/default")
    if levels is None and all(names is None for names in folders):
        return None
    started = any(name.startswith("S") and name[3:] == service for name in links)
    return started or service in (levels or ())


def _hides_processes(mount: str) -> bool:
    """Whether a line of /proc/mounts mounts proc with hidepid other than 0 or off."""
    fields = mount.split()
    options = fields[3].split(",") if len(fields) > 3 and fields[2] == "proc" else []
    return any(o.startswith("hidepid=") and o not in {"hidepid=0", "hidepid=off"} for o in options)
