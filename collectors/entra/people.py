"""Microsoft Entra ID: whose accounts are there, are they used, and can they prove who they are?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from collectors import (
    CallError,
    Cause,
    Collector,
    Fact,
    MalformedError,
    Resource,
    Scene,
    Total,
    Unread,
    Verdict,
    brought,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.entra.settings import guests
from collectors.entra.site import REPORTS, USERS
from collectors.graph import GraphTarget, Row, kept

users = Collector("entra.users", title="Microsoft Entra users", reads_from="users")

SELECTED: Final = (
    "id",
    "userPrincipalName",
    "accountEnabled",
    "userType",
    "createdDateTime",
    "onPremisesSyncEnabled",
    "assignedLicenses",
)
SIGN_INS: Final = (
    "lastSignInDateTime",
    "lastNonInteractiveSignInDateTime",
    "lastSuccessfulSignInDateTime",
)


class User(Resource[Row], kind="entra.user"):
    """An account of the tenant, a member's or a guest's."""

    volatile = ("facts.sign_ins",)

    sign_ins: Fact[Any, Any, Row] = brought(REPORTS)
    """When it last signed in; needs a licence (P1) and a permission of its own."""

    @property
    def enabled(self) -> bool:
        """Whether it can sign in.

        Raises:
            MalformedError: the account does not say.
        """
        given = self.listed.get("accountEnabled")
        if not isinstance(given, bool):
            raise MalformedError("the account does not say whether it is enabled")
        return given

    @property
    def guest(self) -> bool:
        """Whether it is a guest's."""
        return self.listed.get("userType") == "Guest"

    @property
    def seen(self) -> datetime | None:
        """When it last signed in, in whatever way; None for never, or before Microsoft kept it."""
        times = [moment(self.sign_ins[name]) for name in SIGN_INS if self.sign_ins.get(name)]
        return max(times, default=None)


class Registration(Resource[Row], kind="entra.registration"):
    """What an account has registered to prove who it is; there is none for disabled accounts."""


@users.resources(User, permission=USERS)
def people(target: GraphTarget) -> Iterator[User | Total]:
    """Every account; where its sign-ins are refused, without them."""
    try:
        yield from _accounts(target, "signInActivity")
    except _SignInsError as refused:
        yield from _accounts(target, unread=refused.unread)


class _SignInsError(Exception):
    """The first page was refused, perhaps for the sign-ins that were asked with it."""

    def __init__(self, unread: Unread) -> None:
        super().__init__(unread.code)
        self.unread = unread


def _accounts(
    target: GraphTarget, *more: str, unread: Unread | None = None
) -> Iterator[User | Total]:
    """The accounts with further properties; `unread` is why there are no sign-ins.

    Raises:
        _SignInsError: the first page was refused, and sign-ins were among what was asked.
    """
    rows = target.rows("GET /v1.0/users", select=(*SELECTED, *more), count=True)
    started = False
    try:
        for row in rows:
            started = True
            if isinstance(row, Total):
                yield row
                continue
            sign_ins = unread or kept(row.get("signInActivity") or {}, *SIGN_INS)
            yield User(id=row["id"], listed=kept(row, *SELECTED), facts={"sign_ins": sign_ins})
    except CallError as error:
        if started or not more or error.cause not in {Cause.DENIED, Cause.NOT_LICENSED}:
            raise
        permission = REPORTS if error.cause is Cause.DENIED else ""
        raise _SignInsError(Unread(error.code, permission, error.cause)) from None


@users.resources(Registration, permission=REPORTS)
def registrations(target: GraphTarget) -> Iterator[Registration]:
    """What everyone has registered: one report for all, not a question for each."""
    select = ("id", "isMfaCapable", "isMfaRegistered", "isAdmin", "methodsRegistered")
    path = "GET /v1.0/reports/authenticationMethods/userRegistrationDetails"
    for row in target.rows(path, select=select):
        yield Registration(id=row["id"], listed=kept(row, *select))


@users.check(
    User,
    "high",
    remediation="Have the person register a second factor, or require it by a policy.",
    also=(Registration,),
)
def mfa_registered(user: User, scene: Scene) -> Verdict:
    """Every member who can sign in has registered a second factor."""
    if user.guest:
        return not_applicable("a guest proves who they are at home, or by a policy for guests")
    if not user.enabled:
        return not_applicable("cannot sign in")
    found = scene.one(Registration, user.id)
    if found is None:
        return unknown(Cause.PARTIAL, "not in Microsoft's registration report yet")
    capable = found.listed.get("isMfaCapable")
    if not isinstance(capable, bool):
        raise MalformedError("the registration report does not say isMfaCapable")
    return passes() if capable else fails("no second factor that is allowed")


def _unused(user: User, scene: Scene, days: int) -> Verdict:
    """Whether an account that can sign in was not used for so long."""
    if not user.enabled:
        return not_applicable("cannot sign in")
    last = user.seen or moment(user.listed.get("createdDateTime"))
    words = f"not used since {last.date()}" if user.seen else f"never used, made {last.date()}"
    if scene.at - last > timedelta(days=days):
        return fails(f"{words}, limit {days} days")
    return passes()


@users.check(User, "medium", remediation="Disable the account, or say who needs it.")
def stale_accounts(user: User, scene: Scene, *, unused: int = criterion(90, "days")) -> Verdict:
    """Accounts of members that can sign in are used."""
    return not_applicable("a guest") if user.guest else _unused(user, scene, unused)


@guests.check(User, "medium", remediation="Remove the guest, or say who still works with them.")
def stale_guests_removed(
    user: User, scene: Scene, *, unused: int = criterion(90, "days")
) -> Verdict:
    """Guests who can sign in still do."""
    return _unused(user, scene, unused) if user.guest else not_applicable("a member")
