"""The collector's own account on a host: does assessing the machine need more than reading it?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
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
    passes,
)
from collectors.linux.target import LinuxTarget

audit = Collector("linux.audit", title="The collector's own account on a Linux host")

ASK: Final = ("sudo", "-n", "-ll")
"""`-n` never asks for a password, `-ll` prints one command a line; see sudo(8)."""


class ReaderRow(TypedDict):
    """The user that the collector runs as."""

    uid: int
    name: str


class Reader(Resource[ReaderRow], kind="linux.audit.reader"):
    """The account that reads the host; in an image nobody does."""

    @fact("run:sudo -n -ll")
    def sudo_rights(self, host: LinuxTarget) -> str | None:
        """What sudo lets the account do, as sudo prints it; None where sudo is not installed."""
        printed = host.run(*ASK)
        if printed is None:
            return None
        said = printed["text"] + printed.get("errors", "")
        if printed["code"] == 0 or "may not run sudo" in said:
            return printed["text"]
        if "a password is required" in said:
            # Refused, not empty: without a NOPASSWD rule sudo first asks who is there.
            raise CallError(Cause.DENIED, "sudo asks for a password", permission="run:sudo -n -ll")
        raise CallError(Cause.UNREACHABLE, "sudo failed")

    @property
    def commands(self) -> list[str]:
        """Every command that sudo grants, sorted; exclusions, which grant nothing, left out."""
        found: list[str] = []
        for line in (self.sudo_rights or "").splitlines():
            if line.startswith("\t"):
                found.append(line.strip())
            elif line.startswith(" " * 8) and found:  # a command longer than 80 columns goes on
                found[-1] += f" {line.strip()}"
            elif not line.strip():
                found.append("")
        # sudo prints a backslash before its own signs, which nobody would write in a list
        plain = (re.sub(r'\\([,:=#"\\])', r"\1", command) for command in found)
        return sorted({command for command in plain if command and not command.startswith("!")})


@audit.resources(Reader, permission="read:/etc/passwd")
def reader(host: LinuxTarget) -> Iterator[Reader]:
    """The one account the collector runs as."""
    if not host.live:
        return
    uid = os.geteuid()
    lines = (line.split(":") for line in (host.text("/etc/passwd") or "").splitlines())
    names = [fields[0] for fields in lines if len(fields) > 2 and fields[2] == str(uid)]
    name = names[0] if names else f"uid {uid}"
    yield Reader(id=name, listed={"uid": uid, "name": name})


@audit.check(
    Reader,
    "medium",
    remediation=(
        "Run the collector as an account of its own whose sudo rules name single read commands."
    ),
)
def scanner_account_read_only(
    account: Reader, _: Scene, *, approved: tuple[str, ...] = criterion("commands")
) -> Verdict:
    """The account that collects has no sudo right beyond the approved read commands.

    `approved` holds commands with their arguments, as `sudo -ll` prints them, without backslashes
    before `,`, `:` and `=`. Root needs no sudo
    and may write everywhere, so an account that is root does not meet the condition.
    """
    if account.listed["uid"] == 0:
        return fails("the collector runs as root")
    if more := [command for command in account.commands if command not in approved]:
        return fails(f"sudo also grants: {', '.join(more)}")
    return passes()
