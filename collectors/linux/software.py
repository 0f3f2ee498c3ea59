"""Software of a host: from where, unchanged, and nothing that need not be there?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
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
    unknown,
)
from collectors.linux.repositories import RepositoryRow, repositories
from collectors.linux.target import LinuxTarget

software = Collector("linux.software", title="Installed software and listening services")

DPKG: Final = ("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\\n")
RPM: Final = ("rpm", "-qa", "--qf", "%{NAME}\\n")
DPKG_VERIFY: Final = ("dpkg", "--verify")
RPM_VERIFY: Final = ("rpm", "-Va", "--nomtime", "--nouser", "--nogroup", "--nomode")
VERIFY_SECONDS: Final = 1800
SOCKETS: Final = ("ss", "-H", "-l", "-n", "-t", "-u", "-p")

CHANGED: Final = re.compile(r"^(?P<flags>missing|\S{8,9})\s+(?:(?P<kind>[a-z])\s+)?(?P<path>/.*)$")
"""A line of `dpkg --verify` and `rpm -V`: nine flags, the kind (c: configuration), the path."""

INSECURE: Final = (
    "ftp", "ftpd", "inetutils-ftp*", "inetutils-telnet*", "krb5-telnet*", "netkit-ftp*",
    "netkit-rsh*", "netkit-telnet*", "proftpd*", "pure-ftpd*", "rsh", "rsh-client",
    "rsh-redone-*", "rsh-server", "telnet", "telnet-server", "telnet-ssl", "telnetd*", "tftp",
    "tftp-hpa", "tftp-server", "tftpd*", "tnftp", "vsftpd",
)  # fmt: skip
"""Packages of telnet, rsh, ftp and tftp, clients and servers, on Debian's and RHEL's families."""

LOOPBACK: Final = re.compile(r"127\.|\[::1\]|::1$|\[::ffff:127\.")


class Repository(Resource[RepositoryRow], kind="linux.software.repository"):
    """A place packages are installed from."""


class Socket(TypedDict):
    """A socket that waits for others; the process is "" where we may not see it."""

    protocol: str
    address: str
    port: str
    process: str


class Software(Resource[dict[str, str]], kind="linux.software.installation"):
    """The installed packages, whether they are unchanged, and what listens."""

    @fact(f"run:{' '.join(DPKG)}", f"run:{' '.join(RPM)}")
    def packages(self, host: LinuxTarget) -> list[str]:
        """The names of all installed packages."""
        answer = host.run(*(DPKG if host.family() == "debian" else RPM))
        if answer is None or answer["code"]:
            raise CallError(Cause.UNREACHABLE, "package manager failed", "no list of packages")
        lines = answer["text"].splitlines()
        if host.family() == "debian":
            return sorted({ln.split()[1] for ln in lines if ln.startswith("installed ")})
        return sorted(set(lines))

    @fact(f"run:{' '.join(DPKG_VERIFY)}", f"run:{' '.join(RPM_VERIFY)}", slow=True)
    def changed(self, host: LinuxTarget) -> list[str]:
        """Files that differ from their package, configuration left out."""
        tool = DPKG_VERIFY if host.family() == "debian" else RPM_VERIFY
        answer = host.run(*tool, seconds=VERIFY_SECONDS)
        if answer is None:
            raise CallError(Cause.UNREACHABLE, "package manager failed", "no check of packages")
        if answer["code"] and not answer["text"]:
            raise CallError(Cause.UNREACHABLE, "package manager failed", answer.get("errors", ""))
        return changed_files(answer["text"])

    @fact(f"run:{' '.join(SOCKETS)}")
    def sockets(self, host: LinuxTarget) -> list[Socket]:
        """Every TCP and UDP socket that waits for others."""
        answer = host.run(*SOCKETS)
        if answer is None or answer["code"]:
            raise CallError(Cause.UNREACHABLE, "ss failed", "no list of sockets: install iproute2")
        return listening(answer["text"])


@software.resources(
    Repository,
    permission=(
        "list:/etc/apt/sources.list.d",
        "read:/etc/apt/sources.list",
        "list:/etc/yum.repos.d",
        "read:/etc/dnf/dnf.conf",
    ),
)
def sources(host: LinuxTarget) -> Iterator[Repository]:
    """Every enabled repository, named by its file, address and suite."""
    found = {f"{r['file']} {r['address']} {r['suite']}".strip(): r for r in repositories(host)}
    for name, row in found.items():
        yield Repository(id=name, listed=row)


@software.resources(Software, permission="read:/etc/os-release")
def installation(host: LinuxTarget) -> Iterator[Software]:
    """One per host."""
    yield Software(id="installation", listed={"family": host.family()})


@software.check(
    Repository,
    "medium",
    remediation="Remove the repository, or approve it; turn its signature check on.",
)
def repositories_approved(
    repository: Repository,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("addresses of repositories, * as wildcard"),
) -> Verdict:
    """A repository is approved, and its packages' signatures are checked."""
    del scene
    row = repository.listed
    if not row["checked"]:
        return fails("signatures are not checked")
    if any(fnmatchcase(row["address"], pattern) for pattern in approved):
        return passes()
    return fails(f"not approved: {row['address'] or 'no address'}")


@software.check(
    Software,
    "medium",
    remediation="Find out who changed the files and reinstall their packages.",
)
def package_integrity(installed: Software, scene: Scene) -> Verdict:
    """Installed files are as their packages brought them, apart from configuration."""
    del scene
    return _named("changed", installed.changed)


@software.check(
    Software,
    "medium",
    remediation="Stop and disable the service, bind it to the loopback, or approve its port.",
)
def unneeded_services_absent(
    installed: Software,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("ports that may listen, such as tcp/22"),
) -> Verdict:
    """Only approved services listen for others; the loopback is left out."""
    del scene
    found = {
        f"{socket['protocol']}/{socket['port']}"
        for socket in installed.sockets
        if not LOOPBACK.match(socket["address"])
    }
    return _named("not approved", sorted(found - set(approved)))


@software.check(
    Software, "medium", remediation="Remove the packages; use SSH, SFTP or HTTPS in their place."
)
def insecure_clients_absent(installed: Software, scene: Scene) -> Verdict:
    """No telnet, rsh, ftp or tftp program is installed: they send passwords in the clear."""
    del scene
    if not installed.packages:
        return unknown(Cause.PARTIAL, "the package manager knows no package")
    found = [n for n in installed.packages if any(fnmatchcase(n, p) for p in INSECURE)]
    return _named("installed", sorted(found))


def changed_files(text: str) -> list[str]:
    """The files with another checksum than their package's, or missing; not its configuration.

    Raises:
        CallError: some files could not be read, so that their state is unknown.
    """
    found = []
    for line in text.splitlines():
        match = CHANGED.match(line)
        if match is None:
            raise MalformedError("a line of the package check has another form than documented")
        if match["kind"] in {"c", "g", "d"}:  # configuration, ghost, documentation left out
            continue
        if match["flags"] == "missing":
            found.append(f"{match['path']} (missing)")
        elif match["flags"][2] == "5":
            found.append(match["path"])
        elif match["flags"][2] == "?" and match["flags"].strip("?"):
            raise CallError(
                Cause.DENIED, "files not readable", match["path"], "CAP_DAC_READ_SEARCH"
            )
    return sorted(found)


def listening(text: str) -> list[Socket]:
    """The rows of `ss -Hlntup`, without queues, process ids and descriptors, each once."""
    found = set()
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 5:
            raise MalformedError("ss printed a line without five fields")
        address, _, port = fields[4].rpartition(":")
        process = re.search(r'\(\("([^"]*)"', line)
        found.add((fields[0], address, port, process[1] if process else ""))
    return [
        {"protocol": protocol, "address": address, "port": port, "process": process}
        for protocol, address, port, process in sorted(found)
    ]


def _named(what: str, names: list[str], most: int = 20) -> Verdict:
    """Pass where nothing is named; the document has those beyond the first twenty."""
    if not names:
        return passes()
    return fails(f"{what}: {', '.join(names[:most])}" + (", and others" if names[most:] else ""))
