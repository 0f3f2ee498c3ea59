"""Programs that override normal controls: files that run as their owner, and unwanted tools."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
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
    fact,
    fails,
    passes,
)
from collectors.linux.target import LinuxTarget

priv = Collector("linux.priv", title="Programs with special rights on a Linux host")

NOT_SEARCHED: Final = (
    *("autofs", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs"),
    *("efivarfs", "fusectl", "hugetlbfs", "mqueue", "proc", "pstore", "securityfs", "sysfs"),
    *("tracefs", "9p", "afs", "ceph", "cifs", "fuse.glusterfs", "fuse.rclone", "fuse.s3fs"),
    *("fuse.sshfs", "gpfs", "lustre", "nfs", "nfs4", "smb3"),
)
"""File systems of the kernel, which hold no programs, and of other machines."""

SEARCH_PERMISSION: Final = "run:find / -perm /6000"

SEARCH_SECONDS: Final = 1800

DPKG: Final = "/var/lib/dpkg/status"
APK: Final = "/lib/apk/db/installed"
DPKG_LINE: Final = "${db:Status-Status} ${Package}\\n"
RPM: Final = ("/usr/lib/sysimage/rpm", "/var/lib/rpm")


class SpecialRow(TypedDict):
    """A file's mode in octal, and whose rights it takes."""

    mode: str
    uid: int
    gid: int


class SpecialFile(Resource[SpecialRow], kind="linux.priv.setuid_file"):
    """A file that runs with the rights of its owner (setuid) or group (setgid)."""


class PackagesRow(TypedDict):
    """The package manager that knows what is installed."""

    manager: str


class Packages(Resource[PackagesRow], kind="linux.priv.packages"):
    """What the package manager has installed."""

    @fact("run:dpkg-query -W", "run:rpm -qa", "read:/var/lib/dpkg/status")
    def names(self, host: LinuxTarget) -> list[str]:
        """The names of the installed packages, sorted."""
        manager = self.listed["manager"]
        return host.once(f"packages of {manager}", lambda: sorted(set(_names(host, manager))))


@priv.resources(SpecialFile, permission=SEARCH_PERMISSION, slow=True)
def special_files(host: LinuxTarget) -> Iterator[SpecialFile]:
    """Every setuid and setgid file of the local file systems; the whole disk is searched."""
    for entry in _found(host).split("\0"):
        if not entry:
            continue
        try:
            mode, uid, gid, path = entry.split(" ", 3)
            row = SpecialRow(mode=mode.zfill(4), uid=int(uid), gid=int(gid))
        except ValueError:
            raise MalformedError("find printed something else than mode, owner and path") from None
        yield SpecialFile(id=path, listed=row)


@priv.resources(Packages, permission="stat:/var/lib/dpkg/status")
def packages(host: LinuxTarget) -> Iterator[Packages]:
    """The host's one package manager."""
    yield Packages(id="packages", listed={"manager": _manager(host)})


@priv.check(
    SpecialFile,
    "medium",
    remediation="Remove the bit (`chmod u-s,g-s`) or the package, or approve the file.",
)
def setuid_files_approved(
    file: SpecialFile, _: Scene, *, approved: tuple[str, ...] = criterion("paths or patterns")
) -> Verdict:
    """Every setuid and setgid file is on the approved list.

    `approved` holds paths, or patterns such as `/snap/*/usr/bin/su`. A file on the list that is
    not on the host is no finding. Files of other machines (NFS, CIFS) are not searched.
    """
    if any(fnmatch.fnmatchcase(file.id, pattern) for pattern in approved):
        return passes()
    row = file.listed
    return fails(f"not on the list: mode {row['mode']}, owner {row['uid']}:{row['gid']}")


@priv.check(Packages, "low", remediation="Uninstall the package, or move the work to a build host.")
def compilers_and_debug_tools(
    installed: Packages, _: Scene, *, forbidden: tuple[str, ...] = criterion("package names")
) -> Verdict:
    """No forbidden compiler, debugger or attack tool is installed as a package.

    `forbidden` holds names of packages, or patterns such as `gcc*`. What was copied to the host
    without the package manager is not seen.
    """
    found = [
        name
        for name in installed.names
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in forbidden)
    ]
    return fails(f"installed: {', '.join(found)}") if found else passes()


def _found(host: LinuxTarget) -> str:
    types = " -o ".join(f"-fstype {name}" for name in NOT_SEARCHED).split()
    what = ("-type", "f", "-perm", "/6000", "-printf", "%m %U %G %p\\0")
    try:
        printed = host.run(
            "find", "/", "(", *types, ")", "-prune", "-o", *what, seconds=SEARCH_SECONDS
        )
    except CallError as error:
        # The command is too long to be read as the right that is missing.
        cure = SEARCH_PERMISSION if error.permission else ""
        raise CallError(error.cause, error.code, str(error), cure) from error
    if printed is None:
        raise CallError(Cause.PARTIAL, "find is not installed")
    if printed["code"]:
        raise CallError(Cause.PARTIAL, "find did not reach every file")
    return printed["text"]


def _manager(host: LinuxTarget) -> str:
    if host.stat(DPKG):
        return "dpkg"
    if host.stat(APK):
        return "apk"
    if any(host.stat(folder) for folder in RPM):
        return "rpm"
    raise CallError(Cause.PARTIAL, "no database of dpkg, rpm or apk")


def _names(host: LinuxTarget, manager: str) -> Iterator[str]:
    """The installed packages; dpkg's and apk's databases are texts, so images have them too."""
    if manager == "apk":
        lines = (host.text(APK) or "").splitlines()
        yield from (line[2:] for line in lines if line.startswith("P:"))
    elif manager == "rpm":
        yield from _printed(host, "rpm", "-qa", "--qf", "%{NAME}\\n")
    elif host.live:
        words = (line.split() for line in _printed(host, "dpkg-query", "-W", "-f", DPKG_LINE))
        yield from (pair[1] for pair in words if pair[0] == "installed")
    else:
        yield from _of_status(host.text(DPKG) or "")


def _printed(host: LinuxTarget, *command: str) -> Sequence[str]:
    printed = host.run(*command, seconds=60)
    if printed is None:
        raise CallError(Cause.PARTIAL, f"{command[0]} is not installed")
    if printed["code"]:
        raise CallError(Cause.PARTIAL, f"{command[0]} failed")
    return printed["text"].splitlines()


def _of_status(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line)
        if fields.get("Status", "").endswith(" installed"):
            yield fields["Package"]
