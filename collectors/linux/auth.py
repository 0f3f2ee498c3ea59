"""The OpenSSH server of a Linux host: who may sign in, and how."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from collectors import (
    CallError,
    Cause,
    Collector,
    FactUnknown,
    MalformedError,
    Resource,
    Scene,
    Unread,
    Verdict,
    criterion,
    fact,
    fails,
    known,
    passes,
)
from collectors.linux import pam, sshd_config
from collectors.linux.target import FileState, LinuxTarget

auth = Collector("linux.auth", title="Signing in to a Linux host")

PROGRAMS = ("/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd")
"""Where distributions put the server; the last is OpenSSH's own default."""

DEFAULTS = {
    "PasswordAuthentication": "yes",
    "KbdInteractiveAuthentication": "yes",
    "AuthenticationMethods": "any",
    "MaxAuthTries": "6",
    "LoginGraceTime": "120",
    "ClientAliveInterval": "0",
    "ClientAliveCountMax": "3",
    "UsePAM": "no",
}
"""What sshd_config(5) documents alike for every version since 7.0; others depend on the version."""

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

KEYS = {"prohibit-password", "without-password"}
"""Root with a key but without a password; the second is what older versions call it."""

SECOND_FACTORS = {
    f"pam_{name}.so"
    for name in ("duo", "google_authenticator", "oath", "otpw", "pkcs11", "u2f", "yubico")
}
"""PAM modules that ask for a thing one has."""


class Sshd(Resource[FileState], kind="linux.auth.sshd"):
    """The installed server; `listed` is the state of its program."""

    @fact("run:sshd -T")
    def effective(self, host: LinuxTarget) -> dict[str, list[str]] | None:
        """What the server itself says it would use outside of Match blocks, by keyword."""
        output = host.run("sshd", "-T")
        if output is None:
            return None
        if output["code"] != 0:
            raise _failure(output.get("errors", ""))
        found: dict[str, list[str]] = {}
        for line in output["text"].splitlines():
            keyword, _, value = line.partition(" ")
            found.setdefault(keyword.lower(), []).append(value.strip())
        return found

    @fact("read:/etc/ssh/sshd_config", "list:/etc/ssh/sshd_config.d")
    def configuration(self, host: LinuxTarget) -> dict[str, str]:
        """The texts of its configuration files by path."""
        return sshd_config.configuration(host)

    @fact("read:/etc/pam.d/sshd")
    def pam(self, host: LinuxTarget) -> list[pam.Line] | None:
        """What PAM asks at a sign-in through SSH."""
        return pam.stack(host, "sshd", "auth")

    def everywhere(self, keyword: str) -> list[str]:
        """The values outside of Match blocks: the server's own answer, else what the files settle.

        Raises:
            FactUnknown: neither could be read, or the default depends on the server's version.
        """
        for values in known(lambda: self._used(keyword), lambda: self._written(keyword)):
            if values is not None:
                return values
        raise FactUnknown(Unread(f"{keyword} is not set", "run:sshd -T", Cause.PARTIAL))

    def in_blocks(self, keyword: str) -> list[str]:
        """The values that Match blocks set for some connections."""
        said = sshd_config.settings(self.configuration)
        return [s.value for s in said if s.keyword == keyword.lower() and s.match]

    def _used(self, keyword: str) -> list[str] | None:
        """Versions before 8.7 print a second name for the same thing: both are looked at."""
        if self.effective is None:
            return None
        older = [old for old, new in sshd_config.OLD_NAMES.items() if new == keyword.lower()]
        found = [v for name in (keyword.lower(), *older) for v in self.effective.get(name, [])]
        return found if found or keyword.lower() in sshd_config.REPEATABLE else None

    def _written(self, keyword: str) -> list[str] | None:
        said = sshd_config.settings(self.configuration)
        values = sshd_config.global_values(said, keyword.lower())
        if not values and keyword.lower() not in sshd_config.REPEATABLE:
            return [DEFAULTS[keyword]] if keyword in DEFAULTS else None
        relative = any(value.startswith(("+", "-", "^")) for value in values)
        return None if relative else values


@auth.resources(Sshd, permission="stat:/usr/sbin/sshd")
def servers(host: LinuxTarget) -> Iterator[Sshd]:
    """The server where it is installed."""
    for path in PROGRAMS:
        if state := host.stat(path):
            yield Sshd(id="sshd", scope="host", listed=state)
            return


@auth.check(
    Sshd, "high", remediation="Set `PermitRootLogin no` (or `prohibit-password`) in sshd_config."
)
def ssh_root_login_disabled(
    sshd: Sshd, _: Scene, *, keys_allowed: bool = criterion(True, "root may sign in with a key")
) -> Verdict:
    """Root cannot sign in through SSH, or only with a key where that is allowed."""
    allowed = {"no", "forced-commands-only"} | (KEYS if keys_allowed else set())
    return _judged(_others(sshd, "PermitRootLogin", lambda value: value.lower() in allowed))


@auth.check(
    Sshd,
    "high",
    remediation="Set `PasswordAuthentication no` and `KbdInteractiveAuthentication no`, or require"
    " a key besides with `AuthenticationMethods publickey,keyboard-interactive`.",
)
def ssh_password_disabled(sshd: Sshd, _: Scene) -> Verdict:
    """A password alone opens no SSH session: keys only, or a second factor is required."""
    ways = [
        way
        for keyword in ("PasswordAuthentication", "KbdInteractiveAuthentication")
        for way in _others(sshd, keyword, lambda value: value.lower() == "no")
    ]
    if not ways:
        return passes()
    if not _others(sshd, "AuthenticationMethods", _needs_key):
        return passes("every way asks for a key")
    if "no" not in map(str.lower, sshd.everywhere("UsePAM")) and _asks_second_factor(sshd.pam):
        return passes("PAM asks for a second factor")
    return fails(f"a password is enough: {', '.join(ways)}")


@auth.check(
    Sshd,
    "medium",
    remediation="Set Ciphers, MACs and KexAlgorithms in sshd_config, or the system-wide crypto"
    " policy, to approved algorithms.",
)
def ssh_strong_algorithms(
    sshd: Sshd,
    _: Scene,
    *,
    approved: tuple[str, ...] = criterion("approved SSH ciphers, MACs and key exchanges"),
) -> Verdict:
    """The SSH server offers approved ciphers, MACs and key exchanges only."""
    offered = {
        name
        for keyword in ("Ciphers", "MACs", "KexAlgorithms")
        for value in sshd.everywhere(keyword)
        for name in value.split(",")
    }
    others = sorted(offered - set(approved))
    return fails(f"not approved: {', '.join(others)}") if others else passes()


@auth.check(
    Sshd,
    "low",
    remediation="Set MaxAuthTries, LoginGraceTime, ClientAliveInterval and ClientAliveCountMax in"
    " sshd_config within the limits.",
)
def ssh_session_limits(
    sshd: Sshd,
    _: Scene,
    *,
    tries: int = criterion(4, "attempts per connection"),
    grace: int = criterion(60, "seconds to sign in"),
    silence: int = criterion(900, "seconds until a silent client is dropped"),
) -> Verdict:
    """Attempts and time to sign in are limited, and silent clients are dropped.

    Silence is ClientAliveInterval times ClientAliveCountMax; 0 in either switches it off
    (sshd_config(5), since 8.2).
    """
    over = [
        *_others(sshd, "MaxAuthTries", lambda value: _number(value) <= tries),
        *_others(sshd, "LoginGraceTime", lambda value: 0 < _seconds(value) <= grace),
    ]
    interval = sshd.everywhere("ClientAliveInterval")[0]
    count = sshd.everywhere("ClientAliveCountMax")[0]
    if not 0 < _seconds(interval) * _number(count) <= silence:
        over.append(f"ClientAliveInterval {interval} × ClientAliveCountMax {count}")
    limits = f"limits {tries} attempts, {grace} s, {silence} s"
    return fails(f"{', '.join(over)}; {limits}") if over else passes(limits)


@auth.check(
    Sshd,
    "medium",
    remediation="Name the groups that may sign in with `AllowGroups` in sshd_config.",
)
def ssh_users_restricted(sshd: Sshd, _: Scene) -> Verdict:
    """AllowUsers or AllowGroups limits who may sign in through SSH."""
    keywords = ("AllowUsers", "AllowGroups")
    named = {keyword: sshd.everywhere(keyword) for keyword in keywords}
    if not any(named.values()):
        return fails("neither AllowUsers nor AllowGroups is set")
    # A user must pass both where both are set, so one that names somebody is enough.
    for keyword, values in named.items():
        if values and not any("*" in v.split() for v in (*values, *sshd.in_blocks(keyword))):
            return passes()
    return fails("the pattern * lets everybody in")


def _others(sshd: Sshd, keyword: str, accepts: Callable[[str], bool]) -> list[str]:
    """What is set otherwise; Match blocks are asked where the rest is as it should be."""
    found = [f"{keyword} {value}" for value in sshd.everywhere(keyword) if not accepts(value)]
    if found:
        return found
    blocks = sorted({value for value in sshd.in_blocks(keyword) if not accepts(value)})
    return [f"{keyword} {value} in a Match block" for value in blocks]


def _judged(others: list[str]) -> Verdict:
    return fails(", ".join(others)) if others else passes()


def _needs_key(methods: str) -> bool:
    """Whether each of the alternatives asks for a key; `any` asks for nothing certain."""
    return all("publickey" in way.split(",") for way in methods.split())


def _asks_second_factor(lines: list[pam.Line] | None) -> bool:
    return any(
        line["module"] in SECOND_FACTORS
        and pam.is_required(line)
        and "nullok" not in line["arguments"]
        for line in lines or ()
    )


def _number(value: str) -> int:
    if not value.isdecimal():
        raise MalformedError(f"not a number of sshd_config: {value!r}")
    return int(value)


def _seconds(value: str) -> int:
    """A time of sshd_config(5): `120`, `2m`, `1h30m`."""
    parts = re.findall(r"(\d+)([smhdw]?)", value.lower())
    if not parts:
        raise MalformedError(f"not a time of sshd_config: {value!r}")
    return sum(int(number) * SECONDS[unit] for number, unit in parts)


def _failure(errors: str) -> CallError:
    """Why `sshd -T` did not answer: without host keys it says nothing, and only root reads them."""
    if "no hostkeys" in errors:
        return CallError(Cause.DENIED, "no readable host keys", errors, "run:sshd -T")
    if "privilege separation directory" in errors:
        return CallError(Cause.UNREACHABLE, "the SSH server has not run since the start", errors)
    return CallError(Cause.UNREACHABLE, "sshd -T failed", errors)
