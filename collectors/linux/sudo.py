"""Rights above one's own on a Linux host: sudo and su."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

from collectors import Collector, Resource, Scene, Verdict, criterion, fact, fails, passes
from collectors.linux import pam, sudoers
from collectors.linux.sudoers import Default, Grant
from collectors.linux.target import FileState, LinuxTarget

sudo = Collector("linux.sudo", title="sudo and su on a Linux host")

ROOT = {"root", "ALL", "#0"}


class ListedGrant(TypedDict):
    """A grant, and whether a setting switches the password off for it."""

    grant: Grant
    no_password: list[str]


class SudoGrant(Resource[ListedGrant], kind="linux.sudo.grant"):
    """A line of sudoers that lets somebody run something."""

    @property
    def is_unlimited(self) -> bool:
        """Whether it lets run everything as root without a password."""
        return any(
            allowed["command"] == "ALL"
            and ROOT & set(allowed["run_as"])
            and (not allowed["password"] or self.listed["no_password"])
            for allowed in self.listed["grant"]["allowed"]
        )


class Sudo(Resource[FileState], kind="linux.sudo.program"):
    """sudo itself; `listed` is the state of its program."""

    @fact("read:/etc/sudoers", "list:/etc/sudoers.d")
    def defaults(self, host: LinuxTarget) -> list[Default]:
        """Its settings, in the order in which they are set."""
        return sudoers.sudoers(host).defaults


class Su(Resource[FileState], kind="linux.sudo.su"):
    """su; `listed` is the state of its program."""

    @fact("read:/etc/pam.d/su")
    def auth(self, host: LinuxTarget) -> list[pam.Line] | None:
        """What PAM asks of those who call it."""
        return pam.stack(host, "su", "auth")


@sudo.resources(SudoGrant, permission=("read:/etc/sudoers", "list:/etc/sudoers.d"))
def grants(host: LinuxTarget) -> Iterator[SudoGrant]:
    """Every line that grants something, by file and text."""
    found = sudoers.sudoers(host)
    seen: set[str] = set()
    for grant in found.grants:
        name = f"{grant['path']}: {grant['text']}"
        if name not in seen:
            seen.add(name)
            off = _without_password(found.defaults, grant)
            yield SudoGrant(id=name, scope="host", listed={"grant": grant, "no_password": off})


@sudo.resources(Sudo, permission="stat:/usr/bin/sudo")
def programs(host: LinuxTarget) -> Iterator[Sudo]:
    """sudo where it is installed."""
    if state := host.stat("/usr/bin/sudo"):
        yield Sudo(id="sudo", scope="host", listed=state)


@sudo.resources(Su, permission="stat:/usr/bin/su")
def su_programs(host: LinuxTarget) -> Iterator[Su]:
    """su where it is installed."""
    if state := host.stat("/usr/bin/su") or host.stat("/bin/su"):
        yield Su(id="su", scope="host", listed=state)


@sudo.check(
    SudoGrant,
    "high",
    remediation="Name the commands that are needed in place of ALL, or drop NOPASSWD.",
)
def rules_least_privilege(
    grant: SudoGrant,
    _: Scene,
    *,
    approved: tuple[str, ...] = criterion("users and %groups that may run all without password"),
) -> Verdict:
    """Nobody outside the approved list may run everything as root without a password."""
    others = sorted(set(grant.listed["grant"]["who"]) - set(approved))
    if not grant.is_unlimited or not others:
        return passes()
    off = "".join(f", by {name}" for name in grant.listed["no_password"])
    return fails(f"everything without a password{off}: {', '.join(others)}")


@sudo.check(
    Sudo,
    "medium",
    remediation="Remove `!syslog` and `!log_allowed` from sudoers, or set `Defaults logfile=…`.",
)
def logged(program: Sudo, _: Scene) -> Verdict:
    """What is run through sudo is logged: by syslog, a file, a log server or an I/O log.

    Without any setting sudo logs to syslog's authpriv (sudoers(5)).
    """
    has = {"syslog": True, "log_allowed": True}
    has |= {default["name"]: default["on"] for default in program.defaults if not default["scope"]}
    recorded = any(has.get(name) for name in ("log_input", "log_output", "log_servers"))
    named = has["syslog"] or has.get("logfile", False)
    if not recorded and not (named and has["log_allowed"]):
        off = "log_allowed" if named else "syslog"
        return fails(f"switched off: {off}")
    scoped = {
        f"{default['name']} for {default['scope'].lstrip('@:!>')}"
        for default in program.defaults
        if default["scope"] and not default["on"] and default["name"] in {"syslog", "log_allowed"}
    }
    if scoped and not recorded:
        return fails(f"switched off: {', '.join(sorted(scoped))}")
    return passes()


@sudo.check(
    Su,
    "medium",
    remediation="Add `auth required pam_wheel.so use_uid group=<administrators>` to /etc/pam.d/su.",
)
def su_restricted(su: Su, _: Scene) -> Verdict:
    """Only members of an administrators' group can become another user with su."""
    for line in su.auth or ():
        given = pam.arguments(line)
        if line["module"] == "pam_wheel.so" and pam.is_required(line) and "deny" not in given:
            if "root_only" in given:
                return fails("pam_wheel asks only those who become root")
            return passes(f"group {given.get('group', 'wheel')}")
    return fails("pam_wheel is not required")


def _without_password(defaults: list[Default], grant: Grant) -> list[str]:
    """The settings that switch the password off for somebody of a grant.

    Those for hosts, commands and the user who is become are taken as holding: nothing here may
    call a grant harmless that is not.
    """
    found = []
    for default in defaults:
        scope = default["scope"]
        hit = not scope.startswith(":") or {"ALL", *grant["who"]} & set(scope[1:].split(","))
        if default["name"] == "authenticate" and not default["on"] and hit:
            found.append(f"Defaults{scope} !authenticate")
    return found
