"""Local accounts of a Linux host: is each one somebody's, locked where nobody signs in, in use?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

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
    not_applicable,
    passes,
    unknown,
)
from collectors.linux import users
from collectors.linux.keys import further_sources, keys_of
from collectors.linux.target import LinuxTarget
from collectors.linux.users import Account, Password, opens_shell

accounts = Collector("linux.accounts", title="Local accounts of a Linux host")

GENERIC = re.compile(
    r"admin|administrator|ansible|app|backup|build|centos|cloud-user|debian|default|demo|deploy"
    r"|dev|developer|ec2-user|fedora|ftpuser|guest|installer|jenkins|master|office|operator|oracle"
    r"|pi|rocky|service|shared|staff|student|support|sysadmin|temp|test|tester|training|ubuntu"
    r"|user\d*|vagrant|web|webadmin|webmaster|work"
)
"""Names that say a task or a product, not a person."""

LASTLOG = re.compile(r"^(?P<name>\S+).*?(?P<when>\*\*Never logged in\*\*|[A-Z][a-z]{2} [A-Z].*)$")


class LocalAccount(Resource[Account], kind="linux.accounts.account"):
    """A line of /etc/passwd, with what else the host knows of it."""

    volatile = ("facts.last_sign_in",)

    @fact("read:/etc/shadow")
    def password(self, host: LinuxTarget) -> Password:
        """The state of its password; the hash is never kept."""
        return users.password(host, self.listed)

    @fact("read:/etc/login.defs")
    def login_definitions(self, host: LinuxTarget) -> dict[str, str]:
        """The bounds between system and ordinary accounts."""
        text = host.text(users.LOGIN_DEFS) or ""
        found = users.login_definitions(text)
        return {name: found[name] for name in ("UID_MIN", "SYS_UID_MAX") if name in found}

    @fact("read:~/.ssh/authorized_keys", "read:/etc/ssh/sshd_config")
    def keys(self, host: LinuxTarget) -> list[str]:
        """The fingerprints of the SSH keys that open it."""
        found = sorted({key["fingerprint"] for key in keys_of(host, self.listed)})
        if not found:
            further_sources(host)
        return found

    @fact("run:lastlog")
    def last_sign_in(self, host: LinuxTarget) -> str | None:
        """When it last signed in, "never", or None where the host keeps no such list."""
        found = host.once("last sign-ins", lambda: _last_sign_ins(host))
        return None if found is None else found.get(self.listed["name"], "never")


@accounts.resources(LocalAccount, permission="read:/etc/passwd")
def local_accounts(host: LinuxTarget) -> Iterator[LocalAccount]:
    """Every account of /etc/passwd; those of a directory are read where the directory is."""
    for name, account in users.accounts(host).items():
        yield LocalAccount(id=name, scope="host", listed=account)


@accounts.check(
    LocalAccount,
    "critical",
    remediation="Give the account a user id of its own, and sudo rights where it needs them.",
)
def uid0_unique(account: LocalAccount, _: Scene) -> Verdict:
    """No account but root has user id 0."""
    if account.listed["uid"] == 0 and account.listed["name"] != "root":
        return fails("user id 0: the rights of root under another name")
    return passes()


@accounts.check(
    LocalAccount,
    "medium",
    remediation="Give every person and service its own account; register generic ones with an"
    " owner, or remove them.",
    also=(LocalAccount,),
)
def no_shared_or_duplicate(
    account: LocalAccount,
    scene: Scene,
    *,
    registered: tuple[str, ...] = criterion("names of registered generic accounts"),
) -> Verdict:
    """Every account has a name and user id of its own; generic ones are registered.

    An account is generic where its name says a task or a product, and it opens a shell.
    """
    name, uid = account.listed["name"], account.listed["uid"]
    others = [other for other in scene.all(LocalAccount) if other.id != account.id]
    if any(other.listed["name"] == name for other in others):
        return fails("another line of /etc/passwd has the same name")
    if same := sorted(other.listed["name"] for other in others if other.listed["uid"] == uid):
        return fails(f"user id {uid} is shared with {', '.join(same)}")
    if GENERIC.fullmatch(name) and opens_shell(account.listed) and name not in registered:
        return fails("a generic account that is not registered")
    return passes()


@accounts.check(
    LocalAccount,
    "medium",
    remediation="Set the shell to /usr/sbin/nologin (`usermod -s`) and lock the password"
    " (`passwd -l`).",
)
def system_accounts_locked(account: LocalAccount, _: Scene) -> Verdict:
    """System accounts open no shell and have no usable password."""
    if account.listed["uid"] == 0:
        return not_applicable("user id 0 is judged by itself")
    least = users.first_ordinary(account.login_definitions)
    if least <= account.listed["uid"] != users.NOBODY:
        return not_applicable(f"an ordinary account: system accounts are below {least}")
    if opens_shell(account.listed):
        return fails(f"opens {account.listed['shell'] or '/bin/sh'}")
    if (state := account.password["state"]) in {"set", "empty"}:
        return fails("a password is set" if state == "set" else "no password is needed")
    return passes()


@accounts.check(
    LocalAccount,
    "medium",
    remediation="Lock or remove the account (`usermod -L -e 1`), or record why it stays.",
)
def inactive_locked(
    account: LocalAccount, scene: Scene, *, unused: int = criterion(90, "days")
) -> Verdict:
    """No account that can sign in has been unused for longer than the limit.

    The record is lastlog's: sign-ins through a terminal, a desktop or SSH. One that never signed
    in counts from the day its password was last set.
    """
    if account.listed["uid"] == 0 or not opens_shell(account.listed):
        return not_applicable("root, which the host needs, or an account that opens no shell")
    if _is_locked(account, scene.at):
        return passes("cannot sign in")
    last = account.last_sign_in
    if last is None:
        return unknown(Cause.PARTIAL, "the host keeps no list of last sign-ins")
    before = scene.at - timedelta(unused)
    if last == "never":
        return _never_used(account, before, unused)
    if moment(last) < before:
        return fails(f"last sign-in {moment(last).date().isoformat()}, limit {unused} days")
    return passes(f"limit {unused} days")


def _never_used(account: LocalAccount, before: datetime, unused: int) -> Verdict:
    changed = account.password["changed"]
    if changed is None:
        return unknown(Cause.PARTIAL, "never signed in; when it was made is not recorded")
    if users.day(changed) < before:
        return fails(f"never signed in since {changed}, limit {unused} days")
    return passes(f"made {changed}, limit {unused} days")


def _is_locked(account: LocalAccount, at: datetime) -> bool:
    """Expired, or neither a password nor a key; a locked password alone still lets keys in."""
    expires = account.password["expires"]
    if expires and users.day(expires) <= at:
        return True
    return account.password["state"] in {"none", "locked"} and not account.keys


def _last_sign_ins(host: LinuxTarget) -> dict[str, str] | None:
    """The last sign-ins by name in ISO 8601; lastlog(8), or lastlog2(8) where that replaced it."""
    output = host.run("lastlog") or host.run("lastlog2")
    if output is None:
        return None
    if output["code"] != 0:
        raise CallError(Cause.UNREACHABLE, "lastlog failed", output.get("errors", ""))
    found = {}
    for line in output["text"].splitlines()[1:]:
        if row := LASTLOG.match(line):
            found[row["name"]] = _when(row["when"])
    return found


def _when(text: str) -> str:
    if text.startswith("**"):
        return "never"
    try:
        return datetime.strptime(text.strip(), "%a %b %d %H:%M:%S %z %Y").isoformat()
    except ValueError:
        raise MalformedError(f"lastlog: not a time: {text.strip()!r}") from None
