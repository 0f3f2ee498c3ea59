"""Ways to root on a Linux host: what sudo and su let people do, and whether it is recorded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
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
    not_applicable,
    passes,
    unknown,
)
from collectors.linux import pam, sudoers
from collectors.linux.target import FileState, FileText, LinuxTarget

sudo = Collector("linux.sudo", title="sudo and su on a Linux host")

MAINS: Final = ("/etc/sudoers", "/usr/etc/sudoers")
"""Where the main file is; the second is openSUSE's, used where the first is missing."""

SU: Final = ("/usr/bin/su", "/bin/su")

ROOT: Final = frozenset({"ALL", "root", "#0"})

DEEPEST: Final = 128
"""Files included inside one another, as sudo allows; see sudoers(5)."""


class PolicyRow(TypedDict):
    """The main file."""

    main: str


class Policy(Resource[PolicyRow], kind="linux.sudo.policy"):
    """All that sudo goes by, taken together."""


class RuleFile(Resource[FileText], kind="linux.sudo.file"):
    """The main file, or one that it includes."""


class Su(Resource[FileState], kind="linux.sudo.su"):
    """The program su."""

    @fact("read:/etc/pam.d/su")
    def pam(self, host: LinuxTarget) -> list[pam.Line] | None:
        """What PAM asks of a person who uses su; without a file of its own, what `other` says."""
        own = pam.stack(host, "su", "auth")
        return pam.stack(host, "other", "auth") if own is None else own


@sudo.resources(
    Policy,
    RuleFile,
    permission=("read:/etc/sudoers", "list:/etc/sudoers.d", "read:/etc/nsswitch.conf"),
)
def sudo_files(host: LinuxTarget) -> Iterator[Policy | RuleFile]:
    """Every file of rules; none where sudo is not installed. Rules of a directory are not read."""
    found: dict[str, FileText] = {}
    main = next((path for path in MAINS if host.stat(path)), None)
    if main is None:
        return
    yield Policy(id="sudoers", listed={"main": main})
    for path, file in _files(host, main, 0):
        if path not in found:
            found[path] = file
            yield RuleFile(id=path, listed=file)
    if elsewhere := _elsewhere(host.text("/etc/nsswitch.conf") or ""):
        raise CallError(Cause.PARTIAL, f"sudo also takes rules from {', '.join(elsewhere)}")


@sudo.resources(Su, permission="stat:/usr/bin/su")
def su_program(host: LinuxTarget) -> Iterator[Su]:
    """The program where it is installed."""
    for path in SU:
        if state := host.stat(path):
            yield Su(id=path, listed=state)
            return


@sudo.check(
    RuleFile,
    "high",
    remediation="Ask for the password, or name the single commands that the account needs.",
    also=(RuleFile, Policy),
)
def rules_least_privilege(
    file: RuleFile, scene: Scene, *, approved: tuple[str, ...] = criterion("sudo users and groups")
) -> Verdict:
    """Nobody outside the approved list may run everything as root without a password.

    `approved` holds users and groups as sudoers names them (`deploy`, `%admins`). The tag NOPASSWD
    and the default `!authenticate` both count, aliases are followed, root itself is left out. A
    rule for another host counts too: the same file may be on that host.
    """
    whole = _in_order(scene)
    known = sudoers.aliases(whole)
    without = {
        default.scope: not default.on
        for default in sudoers.defaults(whole)
        if default.name == "authenticate"
    }
    own = list(sudoers.lines(file.listed["text"]))
    found: set[str] = set()
    for grant in sudoers.grants(own):
        everything = "ALL" in sudoers.expanded((grant.command,), known)
        as_root = ROOT & set(sudoers.expanded(grant.run_as, known))
        if everything and as_root:
            who = sudoers.expanded(grant.who, known)
            found |= {name for name in who if _unasked(grant, name, without)}
    more = sorted(found - set(approved) - {"root", "#0"})
    return fails(f"everything without a password: {', '.join(more)}") if more else passes()


@sudo.check(
    Policy,
    "medium",
    remediation="Remove `!syslog` and `!log_allowed` from the Defaults, or set a logfile.",
    also=(RuleFile, Policy),
)
def logged(_: Policy, scene: Scene) -> Verdict:
    """Every use of sudo is recorded, through syslog, a log file or a recording of the session.

    sudo does so unless its Defaults turn it off, for all or for some; see sudoers(5).
    """
    settings = sudoers.defaults(_in_order(scene))
    off = [s for s in sorted({"", *(s.scope for s in settings)}) if not _is_logged(settings, s)]
    if not off:
        return passes()
    names = ["everyone" if not scope else f"Defaults{scope}" for scope in off]
    return fails(f"not recorded for {', '.join(names)}")


@sudo.check(
    Su,
    "medium",
    remediation="Put `auth required pam_wheel.so use_uid group=<group>` first in /etc/pam.d/su.",
)
def su_restricted(su: Su, _: Scene) -> Verdict:
    """Only members of an administrators' group may use su.

    Either PAM requires pam_wheel, or the program itself may be run by its group only.
    """
    mode = int(su.listed["mode"], 8)
    if not mode & 0o4000:
        return not_applicable(f"mode {su.listed['mode']}: su cannot change the user")
    if not mode & 0o001:
        return passes(f"mode {su.listed['mode']}: run by its group only")
    lines = su.pam or []
    for place, line in enumerate(lines):
        if line["module"] == "pam_wheel.so" and _restricts(line):
            passing = [_short(x) for n, x in enumerate(lines[:place]) if _ends(x, place - n)]
            if passing:
                why = f"{', '.join(passing)} may let people in before pam_wheel is asked"
                return unknown(Cause.PARTIAL, why)
            return passes()
    return fails("pam_wheel is not required")


def _files(host: LinuxTarget, path: str, depth: int) -> Iterator[tuple[str, FileText]]:
    if depth > DEEPEST:
        raise CallError(Cause.MALFORMED, "sudoers files include one another without end")
    file = host.read(path)
    if file is None:
        return
    yield path, file
    for line in sudoers.lines(file["text"]):
        if include := sudoers.included(line, path.rpartition("/")[0]):
            for inner in _targets(host, *include):
                yield from _files(host, inner, depth + 1)


def _targets(host: LinuxTarget, kind: str, path: str) -> list[str]:
    if "%h" in path:
        name = (host.text("/etc/hostname") or "").strip().partition(".")[0]
        path = path.replace("%h", name)
    if kind == "include":
        return [path]
    inside = [f"{path}/{name}" for name in host.names(path) or () if sudoers.counts(name)]
    return [each for each in inside if (state := host.stat(each)) and state["type"] == "file"]


def _elsewhere(switch: str) -> list[str]:
    """The sources of sudo rules beside the files, see nsswitch.conf(5) and sudoers.ldap(5)."""
    lines = (re.sub(r"\[[^\]]*\]|#.*$", " ", line).split() for line in switch.splitlines())
    return [s for words in lines if words[:1] == ["sudoers:"] for s in words[1:] if s != "files"]


def _in_order(scene: Scene) -> list[str]:
    texts = {file.id: file.listed["text"] for file in scene.all(RuleFile)}
    mains = [policy.listed["main"] for policy in scene.all(Policy)]
    return [line for main in mains for line in sudoers.in_order(texts, main)]


def _unasked(grant: sudoers.Grant, who: str, without: Mapping[str, bool]) -> bool:
    """Whether the rule asks no password: its tag goes before the defaults, the user's before all's.

    Defaults of a host, a command or another scope count as in force wherever they may be.
    """
    if grant.password is not None:
        return not grant.password
    scoped = [off for scope, off in without.items() if scope and not scope.startswith(":")]
    return without.get(f":{who}", without.get("", False)) or any(scoped)


def _is_logged(settings: list[sudoers.Default], scope: str) -> bool:
    """Whether something records, once the settings for all and then those of the scope are taken.

    The later of two settings counts; a priority of `none` records nothing.
    """
    value = {"syslog": True, "syslog_goodpri": True, "log_allowed": True}
    for setting in [s for s in settings if not s.scope] + [s for s in settings if s.scope == scope]:
        value[setting.name] = setting.on and setting.value != "none"
    lines = value["log_allowed"] and (
        (value["syslog"] and value["syslog_goodpri"]) or value.get("logfile", False)
    )
    return lines or value.get("log_output", False)


def _restricts(line: pam.Line) -> bool:
    """Whether the line turns away who is not in the group; `deny` turns its meaning round."""
    return pam.is_required(line) and "deny" not in pam.arguments(line)


def _ends(line: pam.Line, distance: int) -> bool:
    """Whether a success of this line lets a person in without the line that far below."""
    if line["module"] in {"pam_rootok.so", "pam_wheel.so"}:
        return False
    success = re.search(r"\bsuccess=(\w+)", line["control"])
    jump = success[1] if success else ""
    far = jump.isdigit() and int(jump) >= distance
    return line["control"].lower() == "sufficient" or jump == "done" or far


def _short(line: pam.Line) -> str:
    return line["module"].removesuffix(".so")
