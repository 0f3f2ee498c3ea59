"""A host's patch state: are security updates installed, and is its release still supported?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
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
    moment,
    passes,
    unknown,
)
from collectors.linux.releases import CHECKED_ON, supported_until
from collectors.linux.running import CONTAINER, require_running
from collectors.linux.target import LinuxTarget

patch = Collector("linux.patch", title="Patch state of the host")

APT: Final = (
    "apt-get",
    "-s",
    "--ignore-hold",
    "-o",
    "Debug::NoLocking=1",
    # Kept in memory: a simulation must not write the caches either.
    "-o",
    "Dir::Cache::pkgcache=",
    "-o",
    "Dir::Cache::srcpkgcache=",
    "dist-upgrade",
)
DNF: Final = ("dnf", "-q", "--cacheonly", "updateinfo", "list", "--security")
"""`--cacheonly` never refreshes: metadata of the last run, no network (dnf(8))."""

INST: Final = re.compile(r"^Inst (\S+) (?:\[(\S+)\] )?\((\S+) (.*?) \[[^]]*\]\)", re.MULTILINE)
SECURITY: Final = re.compile(r"-security\b|\bDebian-Security:|\bUbuntuESM\w*:", re.IGNORECASE)


class Place(TypedDict):
    """Where packages are installed, and by which family of tools."""

    container: str
    family: str


class Update(TypedDict):
    """A security update that is not installed; `published` where the tool tells."""

    package: str
    version: str
    published: NotRequired[str]


class PackageList(TypedDict):
    """A list of available packages, as old as its archive says."""

    path: str
    date: str
    valid_until: NotRequired[str]


class Updates(Resource[Place], kind="linux.patch.updates"):
    """The security updates that are known and not installed, and how fresh that knowledge is."""

    @fact("run:" + " ".join(APT), "run:" + " ".join(DNF))
    def pending(self, host: LinuxTarget) -> list[Update] | None:
        """Security updates not installed, held ones included; None without apt and dnf."""
        if self.listed["family"] == "debian":
            answer = host.run(*APT, seconds=180)
            if answer is None:
                return None
            if answer["code"]:
                raise CallError(Cause.UNREACHABLE, "apt-get failed", answer.get("errors", ""))
            return _apt(answer["text"])
        answer = host.run(*DNF, seconds=180)
        if answer is None:
            return None
        if answer["code"]:
            raise CallError(Cause.UNREACHABLE, "no cached metadata", answer.get("errors", ""))
        return _dnf(answer["text"])

    @fact("list:/var/lib/apt/lists", "list:/var/cache/dnf")
    def lists(self, host: LinuxTarget) -> list[PackageList]:
        """The lists that announce security updates, with the dates their archives state."""
        found = _apt_lists(host) if self.listed["family"] == "debian" else _dnf_lists(host)
        return sorted(found, key=lambda row: row["path"])


class Release(Resource[Place], kind="linux.patch.release"):
    """The distribution's release."""

    @fact("read:/etc/os-release")
    def names(self, host: LinuxTarget) -> dict[str, str] | None:
        """os-release, as names and values."""
        return host.release()


@patch.resources(Updates, Release, permission=(*CONTAINER, "read:/etc/os-release"))
def packages(host: LinuxTarget) -> Iterator[Updates | Release]:
    """The one set of packages and the one release of the host."""
    where: Place = {"container": host.container(), "family": host.family()}
    yield Updates(id="updates", listed=where)
    yield Release(id="release", listed=where)


@patch.check(
    Updates,
    "high",
    remediation="Install the named updates: apt-get upgrade, or dnf upgrade --security.",
)
def security_updates(
    updates: Updates,
    scene: Scene,
    *,
    deadline: int = criterion(14, "days after publication"),
    undated: int = criterion(0, "security updates without a publication date"),
    fresh: int = criterion(7, "days since the package lists were made"),
) -> Verdict:
    """No security update is pending beyond the deadline.

    apt does not tell when an update was published, so every pending one counts at once, up to the
    criterion `undated`; dnf 5 tells, and the deadline applies. That nothing is pending is believed
    only from fresh lists: made within `fresh` days and not past their own Valid-Until.
    """
    if updates.pending is None:
        family = updates.listed["family"] or "unnamed"
        return unknown(Cause.PARTIAL, f"no reader for the packages of this family: {family}")
    undatable = [u["package"] for u in updates.pending if "published" not in u]
    latest = scene.at - timedelta(days=deadline)
    late = [u["package"] for u in updates.pending if _published_before(u, latest)]
    if len(undatable) > undated:
        late += undatable
    if late:
        return fails(f"pending: {', '.join(sorted(set(late)))}")
    if not updates.lists:
        return unknown(Cause.PARTIAL, "no package list that announces security updates")
    newest = max(updates.lists, key=lambda row: moment(row["date"]))
    date = newest["date"][:10]
    if moment(newest["date"]) < scene.at - timedelta(days=fresh):
        return unknown(Cause.PARTIAL, f"package lists of {date}, limit {fresh} days")
    if (end := newest.get("valid_until")) and moment(end) < scene.at:
        return unknown(Cause.PARTIAL, f"package lists of {date} were valid until {end[:10]}")
    return passes()


@patch.check(
    Release, "high", remediation="Upgrade to a supported release, or buy extended support."
)
def os_supported(release: Release, scene: Scene) -> Verdict:
    """The distribution's release gets security updates from its vendor.

    The release's own SUPPORT_END, else the dates this program carries; paid extensions do not
    count.
    """
    names = release.names or {}
    name = " ".join(filter(None, (names.get("ID"), names.get("VERSION_ID")))) or "no os-release"
    until = supported_until(names)
    if until is None:
        return unknown(Cause.PARTIAL, f"support of {name} is not listed, table of {CHECKED_ON}")
    # The last day itself is still supported.
    if scene.at < moment(until) + timedelta(days=1):
        return passes(f"{name} is supported until {until}")
    return fails(f"{name} was supported until {until}")


def _published_before(update: Update, latest: datetime) -> bool:
    return "published" in update and moment(update["published"]) < latest


def _apt(text: str) -> list[Update]:
    """The security updates among the Inst lines of a simulation (apt-get(8), -s)."""
    found: list[Update] = [
        {"package": package, "version": version}
        for package, installed, version, origins in INST.findall(text)
        if installed and SECURITY.search(origins)
    ]
    return sorted(found, key=lambda update: update["package"])


def _dnf(text: str) -> list[Update]:
    """The lines of `updateinfo list`: `id severity/Sec. package` (dnf 4), or a table (dnf 5)."""
    found: dict[str, Update] = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) < 3 or words[:2] == ["Name", "Type"]:
            continue
        if words[1] == "security" and len(words) > 3:
            update: Update = {"package": words[3], "version": words[0]}
            if len(words) > 4:
                update["published"] = moment(words[4]).isoformat()
        elif words[1].endswith("Sec."):
            update = {"package": words[2], "version": words[0]}
        else:
            raise MalformedError("dnf updateinfo printed a line of unknown form")
        found.setdefault(update["package"], update)
    return [found[package] for package in sorted(found)]


def _apt_lists(host: LinuxTarget) -> Iterator[PackageList]:
    for name in host.names("/var/lib/apt/lists") or ():
        if not name.endswith(("InRelease", "_Release")):
            continue
        path = f"/var/lib/apt/lists/{name}"
        header = (host.text(path) or "").partition("\nSHA256:")[0]
        fields = dict(line.partition(": ")[::2] for line in header.splitlines())
        if not SECURITY.search(f"{fields.get('Suite', '')} {fields.get('Codename', '')}"):
            continue
        row: PackageList = {"path": path, "date": _mail_date(fields.get("Date", ""))}
        if end := fields.get("Valid-Until"):
            row["valid_until"] = _mail_date(end)
        yield row


def _dnf_lists(host: LinuxTarget) -> Iterator[PackageList]:
    require_running(host, "list:/var/cache/dnf")
    for cache in ("/var/cache/dnf", "/var/cache/libdnf5"):
        for name in host.names(cache) or ():
            path = f"{cache}/{name}/repodata/repomd.xml"
            # The revision is the second the metadata was made in (createrepo_c(8), --revision).
            made = re.search(r"<revision>(\d{9,11})</revision>", host.text(path) or "")
            if made:
                date = datetime.fromtimestamp(int(made[1]), UTC).isoformat()
                yield {"path": path, "date": date}


def _mail_date(value: str) -> str:
    """A date of a Release file (RFC 5322) as ISO 8601, the form `moment` reads."""
    try:
        return parsedate_to_datetime(value).astimezone(UTC).isoformat()
    except ValueError:
        raise CallError(Cause.MALFORMED, "malformed", f"no date: {value!r}") from None
