"""The local accounts of a host, and the state of their passwords; never a password's hash."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypedDict

from collectors import MalformedError
from collectors.linux.target import LinuxTarget

ACCOUNTS: Final = "/etc/passwd"
HASHES: Final = "/etc/shadow"
LOGIN_DEFS: Final = "/etc/login.defs"

NO_SIGN_IN: Final = ("nologin", "false", "sync", "shutdown", "halt")
"""Programs that stand for a shell and open none, by the last part of their path."""

FIRST_ORDINARY: Final = 1000
"""UID_MIN where /etc/login.defs names none (login.defs(5))."""

NOBODY: Final = 65534

NAME: Final = re.compile(r"[0-9a-z]{1,6}")
"""An algorithm's id; anything else may be part of a hash and is not kept."""


class Account(TypedDict):
    """A line of /etc/passwd; `hidden` tells whether its password stands in /etc/shadow."""

    name: str
    uid: int
    gid: int
    comment: str
    home: str
    shell: str
    hidden: bool


class Password(TypedDict):
    """A password's state, as passwd(5) and shadow(5) define it.

    `state` is `set`, `locked` (a hash with a mark before it), `none` or `empty`; `algorithm` the
    id of crypt(5). Dates are days, spans are days; None where the field is empty.
    """

    state: str
    algorithm: str | None
    hidden: bool
    changed: str | None
    maximum: int | None
    inactive: int | None
    expires: str | None


def accounts(host: LinuxTarget) -> dict[str, Account]:
    """The local accounts by a name that is unique even where the file repeats one."""
    found: dict[str, Account] = {}
    for account in host.once("accounts", lambda: list(_lines(host.text(ACCOUNTS) or ""))):
        times = 1
        key = account["name"]
        while key in found:
            times += 1
            key = f"{account['name']}#{times}"
        found[key] = account
    return found


def password(host: LinuxTarget, account: Account) -> Password:
    """The state of an account's password; without a line in /etc/shadow it has none."""
    if not account["hidden"]:
        fields = host.once("open passwords", lambda: _open_passwords(host))
        return fields[account["name"]]
    found = host.once("passwords", lambda: passwords(host.text(HASHES) or ""))
    return found.get(account["name"]) or _password(["", "*"], hidden=True)


def passwords(text: str) -> dict[str, Password]:
    """What /etc/shadow says of each account; the first line of a name counts."""
    found: dict[str, Password] = {}
    for line in text.split("\n"):
        fields = line.split(":")
        if len(fields) > 1:
            found.setdefault(fields[0], _password(fields, hidden=True))
    return found


def opens_shell(account: Account) -> bool:
    """Whether its shell is one; an empty field means /bin/sh (passwd(5))."""
    return account["shell"].rpartition("/")[2] not in NO_SIGN_IN


def login_definitions(text: str) -> dict[str, str]:
    """The names and values of /etc/login.defs."""
    lines = (line.split() for line in text.split("\n"))
    return {words[0]: words[1] for words in lines if len(words) > 1 and words[0][0] != "#"}


def first_ordinary(definitions: Mapping[str, str]) -> int:
    """The least user id of an ordinary account."""
    value = definitions.get("UID_MIN", "")
    return int(value) if value.isdecimal() else FIRST_ORDINARY


def day(value: str) -> datetime:
    """A day of a password's state as a time."""
    return datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)


def _lines(text: str) -> Iterator[Account]:
    """Lines that begin with + or - ask a directory (nsswitch.conf(5)) and are no accounts."""
    for line in text.split("\n"):
        fields = line.split(":")
        if not line.strip() or line[0] in "+-#":
            continue
        if len(fields) != 7 or not fields[2].isdecimal() or not fields[3].isdecimal():
            raise MalformedError(f"{ACCOUNTS}: a line of {len(fields)} fields is no account")
        name, field, uid, gid, comment, home, shell = fields
        yield Account(
            name=name,
            uid=int(uid),
            gid=int(gid),
            comment=comment,
            home=home,
            shell=shell.strip(),
            hidden=field == "x",
        )


def _open_passwords(host: LinuxTarget) -> dict[str, Password]:
    lines = (line.split(":") for line in (host.text(ACCOUNTS) or "").split("\n"))
    return {f[0]: _password(f[:2], hidden=False) for f in lines if len(f) > 1 and f[1] != "x"}


def _password(fields: list[str], *, hidden: bool) -> Password:
    fields += [""] * (8 - len(fields))
    secret = fields[1]
    bare = secret.lstrip("!*")
    if not secret:
        state = "empty"
    elif len(bare) < 13:  # the shortest hash, DES, has 13 characters: shorter is none (crypt(5))
        state = "none"
    else:
        state = "set" if bare == secret else "locked"
    return {
        "state": state,
        "algorithm": _algorithm(bare) if state in {"set", "locked"} else None,
        "hidden": hidden,
        "changed": _day(fields[2]),
        "maximum": _span(fields[4]),
        "inactive": _span(fields[6]),
        "expires": _day(fields[7]),
    }


def _algorithm(secret: str) -> str:
    """The id between the first two `$`; the older forms have none (crypt(5))."""
    if secret.startswith("$"):
        name = secret.split("$")[1]
        return name if NAME.fullmatch(name) else "unnamed"
    return "bsdi" if secret.startswith("_") else "des"


def _day(field: str) -> str | None:
    days = _span(field)
    if days is None:
        return None
    try:
        return (date(1970, 1, 1) + timedelta(days)).isoformat()
    except OverflowError:
        return None


def _span(field: str) -> int | None:
    return int(field) if field.strip().isdecimal() else None
