"""A host's audit trail: is the kernel's auditing on, and does it record what matters?"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from collectors import (
    CallError,
    Cause,
    Collector,
    Resource,
    Scene,
    Verdict,
    fact,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.linux.running import (
    CONTAINER,
    Setting,
    is_running,
    process_names,
    starts_at_boot,
)
from collectors.linux.target import LinuxTarget

log = Collector("linux.log", title="Logs of the host")

RECORDERS: Final = ("auditd", "auditbeat", "go-audit", "osqueryd", "falco", "sysmon")
"""Processes that record what happens on a host; all but auditd have their own rules."""

IMMUTABLE: Final = "2"
"""`enabled` of a kernel whose rules cannot be changed before a restart (auditctl(8), -e)."""

FILES: Final = {
    "identity": ("/etc/passwd", "/etc/shadow", "/etc/group"),
    "privilege": ("/etc/sudoers",),
}
CALLS: Final = {
    "time": ("adjtimex", "settimeofday", "clock_settime"),
    "modules": ("init_module", "finit_module", "delete_module"),
}


class Audit(Resource[Setting], kind="linux.log.audit"):
    """The audit trail: who records, and by which rules."""

    @fact("list:/proc")
    def recorders(self, host: LinuxTarget) -> list[str]:
        """The recording processes that are running."""
        names = process_names(host)
        return [name for name in RECORDERS if is_running(name, names)]

    @fact("run:systemctl show --property=UnitFileState auditd")
    def enabled(self, host: LinuxTarget) -> bool | None:
        """Whether auditd starts at boot; None without a known init system."""
        return starts_at_boot(host, "auditd")

    @fact("run:auditctl -l")
    def loaded(self, host: LinuxTarget) -> list[str] | None:
        """The rules in force; None where auditctl is not installed."""
        lines = _auditctl(host, "-l")
        return None if lines is None else [line for line in lines if line.startswith("-")]

    @fact("run:auditctl -s")
    def status(self, host: LinuxTarget) -> str | None:
        """The kernel's `enabled`: 0 off, 1 on, 2 on and immutable; its counters are left out."""
        lines = _auditctl(host, "-s")
        pairs = (line.split() for line in lines or ())
        return next((pair[1] for pair in pairs if pair[:1] == ["enabled"]), None)

    @fact("list:/etc/audit/rules.d")
    def configured(self, host: LinuxTarget) -> list[str]:
        """The rules that augenrules loads at boot, in its order."""
        texts = host.texts("/etc/audit/rules.d", ".rules").values()
        lines = (line.strip() for text in texts for line in text.splitlines())
        return [line for line in lines if line.startswith("-")]


@log.resources(Audit, permission=CONTAINER)
def audits(host: LinuxTarget) -> Iterator[Audit]:
    """The one audit trail of the host."""
    yield Audit(id="audit", listed={"container": host.container()})


@log.check(
    Audit, "high", remediation="Install auditd, start it and enable it: systemctl enable auditd."
)
def auditd_running(audit: Audit, scene: Scene) -> Verdict:
    """The audit daemon, or an equivalent recorder, is running and starts at boot.

    Equivalents are auditbeat, go-audit, osquery, Falco and Sysmon. Without a known init system
    only the running process is judged.
    """
    del scene
    if kind := audit.listed["container"]:
        return not_applicable(f"container ({kind}): the kernel's auditing belongs to its host")
    if not audit.recorders:
        return fails("no audit daemon is running")
    if audit.recorders == ["auditd"] and audit.enabled is False:
        return fails("auditd is running, but not enabled at boot")
    return passes(f"running: {', '.join(audit.recorders)}")


@log.check(
    Audit,
    "medium",
    remediation="Add the missing rules and a last line -e 2 in /etc/audit/rules.d, then restart.",
)
def audit_rules_baseline(audit: Audit, scene: Scene) -> Verdict:
    """The loaded audit rules cover identity, privilege, time and modules, and are immutable.

    Covered means writes to the account files and to sudoers, and the calls that set the clock or
    load a kernel module. What is configured but not loaded does not count.
    """
    del scene
    if kind := audit.listed["container"]:
        return not_applicable(f"container ({kind}): the kernel's auditing belongs to its host")
    if audit.loaded is None:
        others = ", ".join(audit.recorders)
        if others:
            return unknown(Cause.PARTIAL, f"the rules of {others} are not read")
        return fails("no audit rules: auditctl is not installed")
    missing = uncovered(audit.loaded)
    reasons = [f"not covered: {', '.join(missing)}"] if missing else []
    if audit.status == "0":
        reasons.append("auditing is off")
    elif audit.status != IMMUTABLE:
        reasons.append("not immutable")
    return fails("; ".join(reasons)) if reasons else passes()


@dataclass(frozen=True)
class Rule:
    """What one audit rule records."""

    path: str
    writes: bool
    calls: frozenset[str]


def uncovered(lines: list[str]) -> list[str]:
    """The subjects of the baseline that these rules leave out (audit.rules(7), auditctl(8))."""
    rules = [rule for rule in map(_rule, lines) if rule]
    paths = [rule.path.rstrip("/") for rule in rules if rule.path and rule.writes]
    calls = {call for rule in rules if not rule.path for call in rule.calls}
    missing = [
        subject
        for subject, wanted in FILES.items()
        if not all(_watched(path, paths) for path in wanted)
    ]
    return missing + [subject for subject, wanted in CALLS.items() if not calls >= set(wanted)]


def _watched(path: str, watches: list[str]) -> bool:
    return any(path == watch or path.startswith(f"{watch}/") for watch in watches)


def _rule(line: str) -> Rule | None:
    """A rule of either form: `-w path -p perms`, or `-a always,exit` with fields."""
    words = shlex.split(line)
    path, perms, calls, listed = "", "", set(), False
    for option, value in pairwise(words):
        if option == "-w":
            path, listed = value, True
        elif option in {"-a", "-A"}:
            if "never" in value.split(","):
                return None
            listed = "exit" in value.split(",")
        elif option == "-p":
            perms = value
        elif option == "-S":
            calls |= set(value.split(","))
        elif option == "-F" and value.startswith(("path=", "dir=")):
            path = value.partition("=")[2]
        elif option == "-F" and value.startswith("perm="):
            perms = value.partition("=")[2]
    # Without permissions a watch records every kind of access.
    return Rule(path, not perms or "w" in perms, frozenset(calls)) if listed else None


def _auditctl(host: LinuxTarget, option: str) -> list[str] | None:
    answer = host.run("auditctl", option)
    if answer is None:
        return None
    if answer["code"]:
        raise CallError(Cause.UNREACHABLE, "auditctl failed", answer.get("errors", ""))
    return answer["text"].splitlines()
