"""Values of a directory: how they come over LDAP, how documents keep them, what they mean."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from collectors import MalformedError

Entry = dict[str, Any]
"""An object: its `dn`, and the attributes that were asked for; those it lacks are left out."""

MANY: Final = frozenset(
    {
        "certificateTemplates",
        "member",
        "memberOf",
        "msDS-AllowedToDelegateTo",
        "msDS-EnabledFeature",
        "msDS-PSOAppliesTo",
        "msDS-ReplAttributeMetaData",
        "objectClass",
        "pKIExtendedKeyUsage",
        "servicePrincipalName",
    }
)
"""Attributes of which an object can have several; sorted, since a directory keeps no order."""

SIDS: Final = frozenset({"objectSid", "securityIdentifier"})
BINARY: Final = frozenset({"nTSecurityDescriptor"})

NEVER: Final = frozenset({"0", str(2**63 - 1), str(-(2**63))})
"""How a time or an interval says that there is none.
https://learn.microsoft.com/en-us/windows/win32/adschema/a-accountexpires"""

EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
TICKS: Final = 10_000_000
"""Ticks of 100 ns a second."""

# userAccountControl: https://learn.microsoft.com/en-us/troubleshoot/windows-server/active-directory/useraccountcontrol-manipulate-account-properties
DISABLED: Final = 0x2
PASSWORD_NOT_REQUIRED: Final = 0x20
REVERSIBLE_PASSWORD: Final = 0x80
SERVER_TRUST: Final = 0x2000
PASSWORD_NEVER_EXPIRES: Final = 0x10000
SMARTCARD_REQUIRED: Final = 0x40000
TRUSTED_FOR_DELEGATION: Final = 0x80000
DES_ONLY: Final = 0x200000
NO_PREAUTHENTICATION: Final = 0x400000
READ_ONLY_CONTROLLER: Final = 0x4000000


def entry(dn: str, raw: Mapping[str, Iterable[bytes]], asked: Iterable[str]) -> Entry:
    """An object as documents keep it: numbers and times as the directory's own text.

    Raises:
        MalformedError: a value does not have the form of its attribute.
    """
    found: Entry = {"dn": dn}
    given = {name.lower(): list(values) for name, values in raw.items()}
    for name in asked:
        values = [_value(name, value) for value in given.get(name.lower(), ())]
        if not values:
            continue
        if name in MANY:
            found[name] = sorted(values)
        elif len(values) == 1:
            found[name] = values[0]
        else:
            raise MalformedError(f"{name} of {dn} has {len(values)} values, not one")
    return found


def named(found: Entry, name: str) -> str:
    """What an object is called: an attribute, or its distinguished name where that is hidden."""
    return str(found.get(name) or found["dn"])


def _value(name: str, value: bytes) -> str:
    if name in SIDS:
        return sid(value)
    if name in BINARY:
        return base64.b64encode(value).decode()
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"{name} is no text") from error


def sid(value: bytes) -> str:
    """A security identifier as Windows writes it ([MS-DTYP] 2.4.2.2), `S-1-5-21-…`."""
    if len(value) < 8 or value[0] != 1 or len(value) != 8 + 4 * value[1]:
        raise MalformedError("not a security identifier")
    authority = int.from_bytes(value[2:8], "big")
    parts = (int.from_bytes(value[8 + 4 * n : 12 + 4 * n], "little") for n in range(value[1]))
    return "-".join(["S", "1", str(authority), *map(str, parts)])


def number(found: Mapping[str, Any], name: str, default: int = 0) -> int:
    """An attribute as a number; the default where the object lacks it.

    Raises:
        MalformedError: it is no number.
    """
    text = found.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise MalformedError(f"{name} is no number") from None


def moment_of(found: Mapping[str, Any], name: str) -> datetime | None:
    """An attribute that counts 100 ns since 1601; None where it is missing or says "never".

    Raises:
        MalformedError: it is no time.
    """
    if found.get(name) is None or found[name] in NEVER:
        return None
    try:
        return EPOCH + timedelta(microseconds=number(found, name) // 10)
    except OverflowError:
        raise MalformedError(f"{name} is no time") from None


def past(found: Mapping[str, Any], name: str, now: datetime) -> datetime | None:
    """The same for what has happened; a controller's clock may be up to a day ahead of ours.

    Raises:
        MalformedError: it is no time, or has not come yet.
    """
    at = moment_of(found, name)
    if at is not None and at > now + timedelta(days=1):
        raise MalformedError(f"{name} lies in the future")
    return at


def interval(found: Mapping[str, Any], name: str) -> timedelta | None:
    """An attribute that is a length of time, kept as a negative count; None where there is none."""
    if found.get(name) is None or found[name] in NEVER:
        return None
    return timedelta(seconds=abs(number(found, name)) / TICKS)


def day(at: datetime) -> str:
    """A date as reasons give it."""
    return at.date().isoformat()


def quoted(text: str) -> str:
    """A value inside a search filter (RFC 4515, section 3)."""
    return "".join(f"\\{ord(c):02x}" if c in "\\*()\0" else c for c in text)
