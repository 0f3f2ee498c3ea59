"""Passwords of a Linux host: how they are kept, what they must be, and how long they last."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from collectors import (
    CallError,
    Cause,
    FactUnknown,
    MalformedError,
    Resource,
    Scene,
    Unread,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
)
from collectors.linux import pam, users
from collectors.linux.auth import auth
from collectors.linux.target import LinuxTarget
from collectors.linux.users import Account, Password

STRONG = {
    "y": "yescrypt",
    "gy": "gost-yescrypt",
    "7": "scrypt",
    "2b": "bcrypt",
    "2y": "bcrypt",
    "6": "sha512",
}
"""Ids of crypt(5) that are recommended or acceptable for new hashes; sha256 is left out."""

WEAK = {"1": "md5", "2a": "old bcrypt", "2x": "old bcrypt", "3": "nt", "5": "sha256", "des": "des"}

COMMON = {
    "auth": ("common-auth", "system-auth", "password-auth"),
    "password": ("common-password", "system-auth", "password-auth"),
}
"""The stacks that sign-ins share: Debian and SUSE have one, the RHEL family has two."""

OTHER_QUALITY = {"pam_passwdqc.so", "pam_cracklib.so"}

TIMEOUT = re.compile(r"(?:^|[;\s])TMOUT=[\"']?(?P<value>[^\s;\"'&|#]*)")

FAILLOCK = "/etc/security/faillock.conf"

PROFILES = ("/etc/profile", "/etc/bash.bashrc", "/etc/bashrc")


class LocalPassword(Resource[Account], kind="linux.auth.password"):
    """The password of a local account."""

    @fact("read:/etc/shadow")
    def password(self, host: LinuxTarget) -> Password:
        """Its state, algorithm and dates; the hash is never kept."""
        return users.password(host, self.listed)


class SignInRules(Resource[Mapping[str, str]], kind="linux.auth.settings"):
    """What the host asks of passwords and sessions, for every account."""

    @fact("read:/etc/pam.d")
    def auth_stacks(self, host: LinuxTarget) -> dict[str, list[pam.Line]]:
        """What PAM asks at a sign-in, by common stack."""
        return _stacks(host, "auth")

    @fact("read:/etc/pam.d")
    def password_stacks(self, host: LinuxTarget) -> dict[str, list[pam.Line]]:
        """What PAM asks at a change of password, by common stack."""
        return _stacks(host, "password")

    @fact("read:/etc/security/faillock.conf")
    def faillock(self, host: LinuxTarget) -> dict[str, str]:
        """The settings of pam_faillock; empty where the file is not there."""
        return pam.settings(host.text(FAILLOCK) or "")

    @fact("read:/etc/security/pwquality.conf", "list:/etc/security/pwquality.conf.d")
    def pwquality(self, host: LinuxTarget) -> dict[str, str]:
        """The settings of libpwquality: the folder first, the file over it (pwquality.conf(5))."""
        texts = list(host.texts("/etc/security/pwquality.conf.d", ".conf").values())
        texts.append(host.text("/etc/security/pwquality.conf") or "")
        return {name: v for text in texts for name, v in pam.settings(text).items()}

    @fact("read:/etc/login.defs")
    def login_definitions(self, host: LinuxTarget) -> dict[str, str]:
        """The ages that new passwords get."""
        found = users.login_definitions(host.text(users.LOGIN_DEFS) or "")
        return {name: value for name, value in found.items() if name.startswith("PASS_")}

    @fact("read:/etc/default/useradd")
    def new_accounts(self, host: LinuxTarget) -> dict[str, str]:
        """What useradd(8) gives new accounts."""
        return pam.settings(host.text("/etc/default/useradd") or "")

    @fact("read:/etc/profile", "list:/etc/profile.d")
    def idle_timeouts(self, host: LinuxTarget) -> dict[str, list[str]]:
        """The values given to TMOUT, by file that shells read at their start."""
        texts = {path: host.text(path) or "" for path in PROFILES}
        texts |= host.texts("/etc/profile.d", ".sh")
        found = {path: _timeouts(text) for path, text in sorted(texts.items())}
        return {path: values for path, values in found.items() if values}


@auth.resources(LocalPassword, permission="read:/etc/passwd")
def local_passwords(host: LinuxTarget) -> Iterator[LocalPassword]:
    """One for each local account."""
    for name, account in users.accounts(host).items():
        yield LocalPassword(id=name, scope="host", listed=account)


@auth.resources(SignInRules, permission="read:/etc/passwd")
def sign_in_rules(host: LinuxTarget) -> Iterator[SignInRules]:
    """One for the host, where it has accounts at all."""
    if users.accounts(host):
        yield SignInRules(id="sign-in", scope="host", listed={})


@auth.check(
    LocalPassword,
    "high",
    remediation="Set `ENCRYPT_METHOD YESCRYPT` (or SHA512) in /etc/login.defs and the same in PAM,"
    " then set the account's password anew; lock accounts without a password.",
)
def password_hash_strong(account: LocalPassword, _: Scene) -> Verdict:
    """Passwords are kept as strong hashes that only root may read, and no account has an empty one.

    Strong: yescrypt, gost-yescrypt, scrypt, bcrypt or sha512.
    """
    password = account.password
    if password["state"] == "empty":
        return fails("no password is needed")
    algorithm = password["algorithm"]
    if algorithm is None:
        return not_applicable("no password is set")
    if not password["hidden"]:
        return fails("its hash stands in /etc/passwd, which everybody may read")
    if algorithm not in STRONG:
        return fails(f"hashed with {WEAK.get(algorithm, algorithm)}")
    return passes(STRONG[algorithm])


@auth.check(
    SignInRules,
    "medium",
    remediation="Ask for pam_pwquality in the password stack and set minlen and minclass in"
    " /etc/security/pwquality.conf.",
)
def password_quality(
    host: SignInRules,
    _: Scene,
    *,
    length: int = criterion(12, "characters"),
    classes: int = criterion(1, "kinds of characters"),
) -> Verdict:
    """New passwords must have the required length and kinds of characters."""
    short = [] if host.password_stacks else ["PAM is not set up"]
    for name, lines in sorted(host.password_stacks.items()):
        asked = [line for line in lines if line["module"] == "pam_pwquality.so"]
        if not asked and (other := sorted({line["module"] for line in lines} & OTHER_QUALITY)):
            raise FactUnknown(Unread(f"{name} asks {other[0]}", cause=Cause.PARTIAL))
        if not any(map(pam.is_required, asked)):
            short.append(f"{name} does not require pam_pwquality")
            continue
        has = _quality(host.pwquality | pam.arguments(asked[0]))
        if has["enforcing"] == 0:
            short.append(f"{name} only warns")
        if has["length"] < length:
            short.append(f"{name}: length {has['length']}")
        if has["classes"] < classes:
            short.append(f"{name}: kinds of characters {has['classes']}")
    limits = f"limits: length {length}, kinds {classes}"
    return fails(f"{', '.join(short)}; {limits}") if short else passes(limits)


@auth.check(
    SignInRules,
    "low",
    remediation="Set PASS_MAX_DAYS in /etc/login.defs and INACTIVE in /etc/default/useradd, and"
    " bring existing accounts in line with `chage`.",
    also=(LocalPassword,),
)
def password_ageing(
    host: SignInRules,
    scene: Scene,
    *,
    maximum: int = criterion("days a password may last", of=int),
    inactive: int = criterion("days until an account with an old password is locked", of=int),
) -> Verdict:
    """Passwords end after the time of the organisation's own rule, for new and existing accounts.

    There is no default: current guidance (NIST SP 800-63B) advises against ends without a cause.
    """
    late = []
    if not 0 <= _days(host.login_definitions.get("PASS_MAX_DAYS")) <= maximum:
        late.append("PASS_MAX_DAYS of new accounts")
    if not 0 <= _days(host.new_accounts.get("INACTIVE")) <= inactive:
        late.append("INACTIVE of new accounts")
    limits = f"limits {maximum} and {inactive} days"
    if late:
        return fails(f"{', '.join(late)}; {limits}")
    for account in sorted(scene.all(LocalPassword), key=lambda account: account.id):
        password = account.password
        if password["state"] == "set" and not (
            0 <= _or_never(password["maximum"]) <= maximum
            and 0 <= _or_never(password["inactive"]) <= inactive
        ):
            late.append(account.id)
    return fails(f"accounts {', '.join(late)}; {limits}") if late else passes(limits)


@auth.check(
    SignInRules,
    "medium",
    remediation="Ask for pam_faillock (preauth and authfail) in the common sign-in stack and set"
    " deny and unlock_time in /etc/security/faillock.conf.",
)
def lockout(
    host: SignInRules,
    _: Scene,
    *,
    attempts: int = criterion(5, "failed attempts"),
    seconds: int = criterion(600, "seconds of the lock"),
) -> Verdict:
    """An account is locked for a while after a number of failed attempts to sign in."""
    open_ = set() if host.auth_stacks else {"PAM is not set up"}
    for name, lines in host.auth_stacks.items():
        asked = [line for line in lines if line["module"] == "pam_faillock.so"]
        given = {word for line in asked for word in line["arguments"]}
        if "authfail" not in given or not {"preauth", "authsucc"} & given:
            open_.add(f"{name} does not ask pam_faillock")
        for line in asked:
            open_ |= {f"{name}: {weak}" for weak in _weak_lock(host, line, attempts, seconds)}
    limits = f"limits: {attempts} attempts, {seconds} s"
    return fails(f"{', '.join(sorted(open_))}; {limits}") if open_ else passes(limits)


@auth.check(
    SignInRules,
    "low",
    remediation="Set `readonly TMOUT=900; export TMOUT` in a file of /etc/profile.d.",
)
def shell_timeout(host: SignInRules, _: Scene, *, idle: int = criterion(900, "seconds")) -> Verdict:
    """Interactive shells end after a time without input (TMOUT of bash, ksh and zsh)."""
    if not host.idle_timeouts:
        return fails(f"TMOUT is not set; limit {idle} s")
    late = []
    for path, values in host.idle_timeouts.items():
        late += [f"{path}: {v or 'empty'}" for v in values if not 0 < _number(v or "0") <= idle]
    return fails(f"{', '.join(late)}; limit {idle} s") if late else passes(f"limit {idle} s")


def _stacks(host: LinuxTarget, kind: str) -> dict[str, list[pam.Line]]:
    found = {name: pam.stack(host, name, kind) for name in COMMON[kind]}
    there = {name: lines for name, lines in found.items() if lines is not None}
    if not there and host.names("/etc/pam.d"):
        raise CallError(Cause.PARTIAL, "PAM has none of the common stacks this tool knows")
    return there


def _weak_lock(host: SignInRules, line: pam.Line, attempts: int, seconds: int) -> set[str]:
    """What one call of pam_faillock lets through; its arguments stand above the file."""
    given = pam.arguments(line)
    if given.get("conf", FAILLOCK) != FAILLOCK:
        raise FactUnknown(Unread(f"pam_faillock reads {given['conf']}", cause=Cause.PARTIAL))
    has = host.faillock | given
    deny = _number(has.get("deny", "3"))
    lock = _number(has.get("unlock_time", "600").replace("never", "0"))
    weak = set() if 0 < deny <= attempts else {f"deny {deny}"}
    return weak | ({f"unlock_time {lock}"} if 0 < lock < seconds else set())


def _quality(has: Mapping[str, str]) -> dict[str, int]:
    """What libpwquality really asks: credits above 0 shorten, those below 0 ask for a kind."""
    extra = [_number(has.get(f"{kind}credit", "0")) for kind in "dulo"]
    return {
        "length": max(6, _number(has.get("minlen", "8"))) - sum(c for c in extra if c > 0),
        "classes": max(1, _number(has.get("minclass", "0")), sum(c < 0 for c in extra)),
        "enforcing": _number(has.get("enforcing", "1")),
    }


def _timeouts(text: str) -> list[str]:
    lines = (line for line in text.split("\n") if not line.lstrip().startswith("#"))
    return [found["value"] for line in lines for found in TIMEOUT.finditer(line)]


def _number(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise MalformedError(f"not a number: {value!r}") from None


def _days(value: str | None) -> int:
    return -1 if value is None or not value.strip() else _number(value)


def _or_never(days: int | None) -> int:
    return -1 if days is None else days
