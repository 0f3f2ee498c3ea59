"""People's and services' accounts in the directory: in use, well kept, safely signed in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from collectors import (
    CallError,
    Cause,
    Collector,
    FactUnknown,
    Resource,
    Scene,
    Unread,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.active_directory import values
from collectors.active_directory.groups import PROTECTED_USERS, Group
from collectors.active_directory.target import AdTarget
from collectors.active_directory.values import day, named, number, past

accounts = Collector("active_directory.accounts", title="Accounts of people and services")

READ: Final = "Read on user objects"
KRBTGT: Final = "-502"
"""The end of the security identifier of the account whose key signs every ticket."""

# msDS-SupportedEncryptionTypes ([MS-KILE] 2.2.7).
DES: Final = 0x3
RC4: Final = 0x4
AES: Final = 0x18

ATTRIBUTES: Final = (
    "sAMAccountName",
    "objectSid",
    "userAccountControl",
    "lastLogonTimestamp",
    "pwdLastSet",
    "whenCreated",
    "servicePrincipalName",
    "msDS-SupportedEncryptionTypes",
)


def flags_of(listed: values.Entry, permission: str) -> int:
    """The account's control flags, which every account has.

    Raises:
        FactUnknown: the directory left them out: the account that reads may not see them.
    """
    if "userAccountControl" not in listed:
        raise FactUnknown(Unread("userAccountControl is not visible", permission))
    return number(listed, "userAccountControl")


def generalized(text: str) -> datetime:
    """A generalized time (RFC 4517, 3.3.13), as a directory writes when something was made."""
    digits = text[:14]
    return moment(f"{digits[:8]}T{digits[8:]}Z")


class User(Resource[dict[str, Any]], kind="active_directory.user"):
    """A user account; its id is its sign-in name, which the domain keeps unique."""

    volatile = ("listed.lastLogonTimestamp",)

    def has(self, flag: int) -> bool:
        """Whether a control flag is set."""
        return bool(flags_of(self.listed, READ) & flag)

    @property
    def enabled(self) -> bool:
        """Whether it can sign in."""
        return not self.has(values.DISABLED)

    @property
    def sid(self) -> str:
        """Its security identifier."""
        return str(self.listed.get("objectSid", ""))


@accounts.resources(User, permission=READ)
def users(target: AdTarget) -> Iterator[User]:
    """Every user account of the domain; managed service accounts are no user accounts."""
    signing = False
    query = "(&(objectCategory=person)(objectClass=user))"
    for row in target.search(target.base, query, *ATTRIBUTES):
        found = User(id=named(row, "sAMAccountName"), listed=row)
        signing = signing or found.sid.endswith(KRBTGT)
        yield found
    if not signing:  # every domain has it, so what hides it may hide more
        raise CallError(
            Cause.PARTIAL,
            "the account krbtgt is not visible",
            "a directory leaves out what the reader may not see; grant the right to read",
            READ,
        )


@accounts.check(User, "medium", remediation="Disable the account; delete it when nobody asks.")
def stale_users_disabled(
    user: User, scene: Scene, *, limit: int = criterion(90, "days")
) -> Verdict:
    """Accounts that nobody signs in with are disabled.

    The directory writes the last sign-in down with a delay of up to 14 days.
    """
    if not user.enabled:
        return not_applicable("disabled")
    since = scene.at - timedelta(days=limit)
    last = past(user.listed, "lastLogonTimestamp", scene.at)
    if last is not None:
        return passes() if last >= since else fails(f"last sign-in {day(last)}, limit {limit} days")
    if "whenCreated" not in user.listed:
        return fails("never signed in")
    made = generalized(user.listed["whenCreated"])
    if made >= since:
        return passes()
    return fails(f"never signed in, made {day(made)}, limit {limit} days")


@accounts.check(
    User, "medium", remediation="Let the password expire, or register the service account."
)
def password_never_expires(
    user: User, _: Scene, *, registered: tuple[str, ...] = criterion("account names")
) -> Verdict:
    """Only registered service accounts have a password that never expires."""
    if not user.enabled:
        return not_applicable("disabled")
    if not user.has(values.PASSWORD_NEVER_EXPIRES) or user.id in registered:
        return passes()
    return fails("the password never expires, and the account is not registered")


@accounts.check(User, "high", remediation="Clear PASSWD_NOTREQD and set a password.")
def password_not_required(user: User, _: Scene) -> Verdict:
    """No enabled account may go without a password."""
    if not user.enabled:
        return not_applicable("disabled")
    return _without(user, values.PASSWORD_NOT_REQUIRED, "PASSWD_NOTREQD is set")


@accounts.check(User, "high", remediation="Clear the flag and let the password be changed.")
def no_reversible_encryption(user: User, _: Scene) -> Verdict:
    """No account keeps its password in a form that can be decrypted."""
    return _without(user, values.REVERSIBLE_PASSWORD, "ENCRYPTED_TEXT_PWD_ALLOWED is set")


@accounts.check(User, "high", remediation="Clear DONT_REQ_PREAUTH.")
def preauth_required(user: User, _: Scene) -> Verdict:
    """No enabled account gives out material to guess its password by to whoever asks."""
    if not user.enabled:
        return not_applicable("disabled")
    return _without(user, values.NO_PREAUTHENTICATION, "DONT_REQ_PREAUTH is set")


def _without(user: User, flag: int, words: str) -> Verdict:
    return fails(words) if user.has(flag) else passes()


@accounts.check(
    User, "high", remediation="Use a group managed service account, or renew the password."
)
def service_accounts_managed(
    user: User, scene: Scene, *, limit: int = criterion(365, "days")
) -> Verdict:
    """Service accounts that are not group-managed have a recent password and AES keys."""
    if not _is_service(user):
        return not_applicable("no enabled account with a service principal name")
    changed = past(user.listed, "pwdLastSet", scene.at)
    if changed is None:
        return fails("the password was never set")
    if changed < scene.at - timedelta(days=limit):
        return fails(f"the password is of {day(changed)}, limit {limit} days")
    types = number(user.listed, "msDS-SupportedEncryptionTypes")
    return fails("set to encryption types without AES") if types and not types & AES else passes()


@accounts.check(User, "medium", remediation="Set msDS-SupportedEncryptionTypes to AES only (24).")
def des_and_rc4_disabled(user: User, _: Scene) -> Verdict:
    """Tickets for services are encrypted with neither DES nor RC4."""
    if user.has(values.DES_ONLY):
        return fails("USE_DES_KEY_ONLY is set")
    if not _is_service(user):
        return not_applicable("no enabled account with a service principal name")
    return weak_types(user.listed)


def weak_types(listed: values.Entry) -> Verdict:
    """Whether an account allows weak encryption of its tickets."""
    types = number(listed, "msDS-SupportedEncryptionTypes")
    if not types:
        return unknown(
            Cause.PARTIAL, "not set: the controllers' default decides, which LDAP does not show"
        )
    weak = [name for name, bits in (("DES", DES), ("RC4", RC4)) if types & bits]
    return fails(f"allows {' and '.join(weak)}") if weak else passes()


def _is_service(user: User) -> bool:
    return user.enabled and "servicePrincipalName" in user.listed


@accounts.check(
    User,
    "high",
    remediation="Demand a smart card, or add the account to Protected Users.",
    also=(Group,),
)
def smartcard_for_admins(user: User, scene: Scene) -> Verdict:
    """Privileged accounts need a smart card or are Protected Users."""
    if not user.enabled:
        return not_applicable("disabled")
    groups = scene.all(Group)
    if not any(group.privileged and group.holds(user.sid) for group in groups):
        return not_applicable("not privileged")
    if user.has(values.SMARTCARD_REQUIRED):
        return passes()
    protected = [group for group in groups if group.rid == PROTECTED_USERS]
    return passes() if any(g.holds(user.sid) for g in protected) else fails("neither holds")


@accounts.check(User, "critical", remediation="Use constrained delegation, or none.")
def delegation_restricted(user: User, _: Scene) -> Verdict:
    """No account may act as anyone who signs in to it, towards any service."""
    if not user.enabled:
        return not_applicable("disabled")
    return _without(user, values.TRUSTED_FOR_DELEGATION, "TRUSTED_FOR_DELEGATION is set")
