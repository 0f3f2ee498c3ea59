"""A host's software: where it comes from, whether it is unchanged, and what it should not be."""

from __future__ import annotations

import configparser
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
    not_applicable,
    passes,
    unknown,
)
from collectors.linux.running import kernel_text, require_running
from collectors.linux.target import LinuxTarget

software = Collector("linux.software", title="Software of the host")

INSECURE: Final = {
    *("telnet", "telnetd", "telnet-server", "telnetd-ssl", "inetutils-telnet"),
    *("inetutils-telnetd", "rsh", "rsh-client", "rsh-server", "rsh-redone-client"),
    *("rsh-redone-server", "ftp", "tnftp", "inetutils-ftp", "inetutils-ftpd", "ftpd", "vsftpd"),
    *(
        "proftpd",
        "proftpd-core",
        "proftpd-basic",
        "pure-ftpd",
        "tftp-server",
        "tftpd-hpa",
        "atftpd",
    ),
}
"""Packages of protocols that send passwords, or everything, in clear."""

LISTENING: Final = {"tcp": "0A", "udp": "07"}
"""Socket states of /proc/net (proc(5)); an unconnected UDP socket is in state 07."""

LOOPBACK: Final = re.compile(
    r"[0-9A-F]{6}7F|0{24}01000000|0{16}FFFF0000[0-9A-F]{6}7F", re.IGNORECASE
)
CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]+@")
YES: Final = {"yes", "true", "1", "on"}


class Family(TypedDict):
    """By which family of tools packages are managed."""

    family: str


class RepositoryRow(TypedDict):
    """A source of packages; credentials in its address are left out."""

    address: str
    file: str
    signed: bool


class ListenerRow(TypedDict):
    """A port that is listened on."""

    protocol: str
    port: int
    loopback_only: bool


class Repository(Resource[RepositoryRow], kind="linux.software.repository"):
    """An enabled source of packages; `signed` where its signature is checked."""


class Listener(Resource[ListenerRow], kind="linux.software.listener"):
    """A port on which a service of the host listens, over all its addresses."""


class Packages(Resource[Family], kind="linux.software.packages"):
    """The installed packages."""

    @fact("run:dpkg-query", "run:rpm -qa")
    def insecure(self, host: LinuxTarget) -> list[str] | None:
        """The installed packages of clear-text protocols; None without dpkg and rpm."""
        installed = host.once("software.packages", lambda: _installed(host, self.listed["family"]))
        return None if installed is None else sorted(INSECURE & set(installed))

    @fact("run:dpkg --verify", "run:rpm -Va --nodeps --noscripts", slow=True)
    def altered(self, host: LinuxTarget) -> list[str] | None:
        """The lines of files that differ from their package; None without dpkg and rpm."""
        if self.listed["family"] == "debian":
            answer = host.run("dpkg", "--verify", seconds=600)
        else:
            answer = host.run("rpm", "-Va", "--nodeps", "--noscripts", seconds=600)
        # Both end with 1 where something differs; more is their own failure.
        if answer and answer["code"] > 1:
            raise CallError(Cause.UNREACHABLE, "verification failed", answer.get("errors", ""))
        return None if answer is None else sorted(answer["text"].splitlines())


@software.resources(
    Repository,
    permission=(
        "read:/etc/apt/sources.list",
        "list:/etc/apt/sources.list.d",
        "list:/etc/yum.repos.d",
    ),
)
def repositories(host: LinuxTarget) -> Iterator[Repository]:
    """Every enabled repository of apt and of dnf."""
    files = host.texts("/etc/apt/sources.list.d")
    if main := host.text("/etc/apt/sources.list"):
        files["/etc/apt/sources.list"] = main
    rows: list[RepositoryRow] = []
    for path, text in sorted(files.items()):
        if path.endswith(".list"):
            rows += _one_line(path, text)
        elif path.endswith(".sources"):
            rows += _stanzas(path, text)
    settings = host.text("/etc/dnf/dnf.conf") or host.text("/etc/yum.conf") or ""
    for path, text in host.texts("/etc/yum.repos.d", ".repo").items():
        rows += _dnf(path, text, settings)
    named: dict[str, RepositoryRow] = {}
    for row in rows:
        same = named.setdefault(row["address"], row)
        same["signed"] = same["signed"] and row["signed"]
    for address in sorted(named):
        yield Repository(id=address, listed=named[address])


@software.resources(Listener, permission=("read:/proc/net/tcp", "read:/proc/net/udp"))
def listeners(host: LinuxTarget) -> Iterator[Listener]:
    """Every TCP port listened on, and every UDP port outside the range clients are given."""
    require_running(host, "read:/proc/net/tcp")
    first = int((kernel_text(host, "/proc/sys/net/ipv4/ip_local_port_range") or "32768").split()[0])
    found: dict[tuple[str, int], bool] = {}
    for protocol, state in LISTENING.items():
        for file in (protocol, f"{protocol}6"):
            for line in (host.text(f"/proc/net/{file}") or "").splitlines()[1:]:
                fields = line.split()
                address, _, number = fields[1].partition(":")
                key = (protocol, int(number, 16))
                if fields[3] != state or (protocol == "udp" and key[1] >= first):
                    continue
                found[key] = found.get(key, True) and bool(LOOPBACK.fullmatch(address))
    for (protocol, port), loopback_only in sorted(found.items()):
        row: ListenerRow = {"protocol": protocol, "port": port, "loopback_only": loopback_only}
        yield Listener(id=f"{protocol}/{port}", listed=row)


@software.resources(Packages, permission="read:/etc/os-release")
def package_sets(host: LinuxTarget) -> Iterator[Packages]:
    """The one set of packages of the host."""
    yield Packages(id="packages", listed={"family": host.family()})


@software.check(
    Repository,
    "medium",
    remediation="Remove the repository or have it approved, and turn its signature check on.",
)
def repositories_approved(
    repository: Repository,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("addresses of repositories, * as wildcard"),
) -> Verdict:
    """A package repository is approved and its signature is checked."""
    del scene
    row = repository.listed
    reasons = []
    if not any(fnmatchcase(row["address"], pattern) for pattern in approved):
        reasons.append("not approved")
    if not row["signed"]:
        reasons.append("its signature is not checked")
    return fails(f"{', '.join(reasons)} ({row['file']})") if reasons else passes()


@software.check(
    Packages,
    "medium",
    remediation="Reinstall the packages that own the files; find out who changed them.",
)
def package_integrity(packages: Packages, scene: Scene) -> Verdict:
    """Installed files match the checksums of their packages, apart from configuration.

    Files the reader may not open are unknown, whatever the others say, unless one has changed.
    """
    del scene
    if packages.altered is None:
        return _no_reader(packages)
    rest = [line for line in packages.altered if not re.match(r"\S+\s+[cg]\s", line)]
    changed = [_path(line) for line in rest if re.match(r"..5\S{6}\s", line)]
    closed = [line for line in rest if "ermission denied" in line or re.match(r"\.\.\?", line)]
    changed += [_path(line) for line in rest if line.startswith("missing") and line not in closed]
    if changed:
        more = " and others" if len(changed) > 10 else ""
        return fails(f"changed or missing: {', '.join(sorted(changed)[:10])}{more}")
    if closed:
        return unknown(Cause.DENIED, "some files may not be read; needs root")
    return passes()


@software.check(
    Listener,
    "medium",
    remediation="Stop and disable the service, or approve its port for the host.",
)
def unneeded_services_absent(
    listener: Listener,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("protocol/port pairs such as tcp/22"),
) -> Verdict:
    """Every port that is listened on is approved for the host.

    UDP ports in the range the kernel gives to clients are not listed: they come and go.
    """
    del scene
    if listener.listed["loopback_only"]:
        return not_applicable("listens on the loopback only")
    return passes() if listener.id in approved else fails("not approved")


@software.check(
    Packages, "medium", remediation="Remove the named packages; use SSH and SFTP in their place."
)
def insecure_clients_absent(packages: Packages, scene: Scene) -> Verdict:
    """Clients and servers of telnet, rsh, ftp and tftp are not installed."""
    del scene
    if packages.insecure is None:
        return _no_reader(packages)
    return fails(f"installed: {', '.join(packages.insecure)}") if packages.insecure else passes()


def _no_reader(packages: Packages) -> Verdict:
    family = packages.listed["family"] or "unnamed"
    return unknown(Cause.PARTIAL, f"no reader for the packages of this family: {family}")


def _path(line: str) -> str:
    return line[line.index("/") :]


def _installed(host: LinuxTarget, family: str) -> list[str] | None:
    if family == "debian":
        answer = host.run("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n")
        prefix = "installed "
    else:
        answer, prefix = host.run("rpm", "-qa", "--qf", "%{NAME}\n"), ""
    if answer is None:
        return None
    if answer["code"]:
        raise CallError(Cause.UNREACHABLE, "package query failed", answer.get("errors", ""))
    lines = answer["text"].splitlines()
    return [line.removeprefix(prefix) for line in lines if line.startswith(prefix)]


def _address(text: str) -> str:
    return CREDENTIALS.sub("", text)


def _one_line(path: str, text: str) -> Iterator[RepositoryRow]:
    """The `deb [options] address suite components` lines (sources.list(5))."""
    for line in text.splitlines():
        found = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)", line)
        if found:
            options = (found[1] or "").lower().split()
            off = any(
                o.partition("=")[0] in {"trusted", "allow-insecure"} and o.partition("=")[2] in YES
                for o in options
            )
            yield {"address": f"{_address(found[2])} {found[3]}", "file": path, "signed": not off}


def _stanzas(path: str, text: str) -> Iterator[RepositoryRow]:
    """The stanzas of a deb822 file (sources.list(5)); one row per address and suite."""
    for stanza in re.split(r"\n\s*\n", re.sub(r"(?m)^#.*\n?", "", text)):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        pairs = (line.partition(":") for line in unfolded.splitlines())
        fields = {name.strip().lower(): value.strip() for name, _, value in pairs}
        off = fields.get("enabled", "yes").lower() not in YES
        if "deb" not in fields.get("types", "").split() or off:
            continue
        trusted = any(fields.get(n, "").lower() in YES for n in ("trusted", "allow-insecure"))
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield {"address": f"{_address(uri)} {suite}", "file": path, "signed": not trusted}


def _dnf(path: str, text: str, settings: str) -> Iterator[RepositoryRow]:
    """The enabled sections of a .repo file (dnf.conf(5), gpgcheck and its default in [main])."""
    reader = configparser.ConfigParser(interpolation=None, strict=False)
    main = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        reader.read_string(text)
        main.read_string(settings)
    except configparser.Error:
        raise MalformedError(f"{path} is no repository file") from None
    default = main.get("main", "gpgcheck", fallback="0")
    for name in reader.sections():
        section = reader[name]
        if section.get("enabled", "1").lower() not in YES:
            continue
        places = (section.get(key) for key in ("baseurl", "metalink", "mirrorlist"))
        address = next((place.split()[0] for place in places if place), name)
        signed = section.get("gpgcheck", default).lower() in YES
        yield {"address": _address(address), "file": path, "signed": signed}
