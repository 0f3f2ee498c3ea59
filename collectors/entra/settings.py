"""Microsoft Entra ID: what the tenant allows by default, to guests, to people, to passwords."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from collectors import (
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
)
from collectors.entra.site import DOMAINS, GROUP_SETTINGS, POLICIES
from collectors.graph import GraphTarget, Row, kept

guests = Collector("entra.guests", title="Microsoft Entra guests", reads_from="policies")
apps = Collector("entra.apps", title="Microsoft Entra applications", reads_from="applications")
authmethods = Collector(
    "entra.authmethods", title="Microsoft Entra authentication methods", reads_from="policies"
)
password = Collector("entra.password", title="Microsoft Entra passwords", reads_from="domains")

AUTHORIZATION: Final = (
    "id",
    "allowInvitesFrom",
    "guestUserRoleId",
    "defaultUserRolePermissions",
)
INVITES: Final = ("none", "adminsAndGuestInviters", "adminsGuestInvitersAndAllMembers", "everyone")
"""Who may invite guests, from nobody to everybody."""

GUEST_ROLES: Final = {
    "a0b1b346-4d3e-4e8b-98f8-753987be4970": "the same access as members",
    "10dae51f-b6af-4016-8d66-8c2a99b929b3": "limited access",
    "2af84b1e-32c8-42b7-82bc-daa82404023b": "access to themselves only",
}
RESTRICTED_GUEST: Final = "2af84b1e-32c8-42b7-82bc-daa82404023b"

PASSWORD_RULES: Final = "5cf42378-d67d-4f36-ba46-e8b86229381d"  # noqa: S105 - a template's id
"""The template of the settings for passwords."""

WEAK: Final = frozenset({"Sms", "Voice"})
EVERYONE: Final = "all_users"
STRONG: Final = frozenset({"Fido2", "X509Certificate"})
NEVER_EXPIRES: Final = 2147483647
"""Days after which a password expires where it never does."""
DEFAULT_DAYS: Final = 90
"""Where a domain says nothing."""

UNVERIFIED: Final = "ManagePermissionGrantsForSelf.microsoft-user-default-legacy"
"""The consent policy under which people may let any application in."""


class Tenant(Resource[Row], kind="entra.tenant"):
    """The tenant: `listed` is its authorization policy, the facts are its other settings."""

    @property
    def defaults(self) -> Mapping[str, Any]:
        """What people may do by default."""
        found = self.listed.get("defaultUserRolePermissions")
        if not isinstance(found, Mapping):
            raise MalformedError("the authorization policy has no defaultUserRolePermissions")
        return found

    @fact(POLICIES)
    def security_defaults(self, api: GraphTarget) -> Row:
        """Whether Microsoft's own baseline stands in for conditional access."""
        path = "GET /v1.0/policies/identitySecurityDefaultsEnforcementPolicy"
        return kept(api.get(path), "isEnabled")

    @fact(POLICIES)
    def cross_tenant(self, api: GraphTarget) -> Row:
        """What other tenants may do here, and ours there, where nothing else is agreed."""
        names = ("b2bCollaborationInbound", "b2bDirectConnectInbound", "inboundTrust")
        return kept(api.get("GET /v1.0/policies/crossTenantAccessPolicy/default"), *names)

    @fact(GROUP_SETTINGS)
    def password_settings(self, api: GraphTarget) -> Row | None:
        """The settings for passwords; absent while Microsoft's defaults were never changed.

        Of the banned words only their number is kept.
        """
        for row in api.rows("GET /v1.0/groupSettings", top=None):
            if row.get("templateId") == PASSWORD_RULES:
                values = {each["name"]: each["value"] for each in row["values"]}
                words = values.pop("BannedPasswordList", None) or ""
                return values | {"BannedPasswords": str(len(words.split()))}
        return None


class Method(Resource[Row], kind="entra.authentication_method"):
    """A way to authenticate: its state, and whom it is for."""

    @property
    def name(self) -> str:
        """Microsoft's name of it (`Fido2`)."""
        return self.id

    @property
    def on(self) -> bool:
        """Whether it is turned on.

        Raises:
            MalformedError: a state we do not know.
        """
        if self.listed.get("state") not in {"enabled", "disabled"}:
            raise MalformedError(f"the state of {self.name} is one we do not know")
        return bool(self.listed["state"] == "enabled")

    @property
    def targets(self) -> frozenset[str]:
        """The groups it is for; `all_users` is everyone."""
        return frozenset(each["id"] for each in self.listed["includeTargets"])


class Domain(Resource[Row], kind="entra.domain"):
    """A domain of the tenant."""


@guests.resources(Tenant, permission=POLICIES)
def the_tenant(target: GraphTarget) -> Iterator[Tenant]:
    """The one tenant."""
    answer = target.get("GET /v1.0/policies/authorizationPolicy")
    yield Tenant(id=target.tenant, listed=kept(answer, *AUTHORIZATION[1:]))


@authmethods.resources(Method, permission=POLICIES)
def methods(target: GraphTarget) -> Iterator[Method]:
    """Every way to authenticate."""
    found = target.get("GET /v1.0/policies/authenticationMethodsPolicy").get(
        "authenticationMethodConfigurations"
    )
    if not isinstance(found, list):
        raise MalformedError("the authentication methods policy lists no methods")
    for row in found:
        targets = [kept(each, "id") for each in row.get("includeTargets") or ()]
        yield Method(id=row["id"], listed={**kept(row, "state"), "includeTargets": targets})


@password.resources(Domain, permission=DOMAINS)
def domains(target: GraphTarget) -> Iterator[Domain]:
    """Every domain."""
    select = ("id", "isVerified", "authenticationType", "passwordValidityPeriodInDays")
    for row in target.rows("GET /v1.0/domains", select=select, top=None):
        yield Domain(id=row["id"], listed=kept(row, *select))


@guests.check(
    Tenant,
    "medium",
    remediation="Let only administrators and guest inviters invite guests.",
)
def invite_restricted(tenant: Tenant, scene: Scene) -> Verdict:
    """Only administrators and those named for it may invite guests."""
    del scene
    given = tenant.listed.get("allowInvitesFrom")
    if given not in INVITES:
        raise MalformedError("allowInvitesFrom has a value we do not know")
    return passes(given) if given in INVITES[:2] else fails(f"invitations by {given}")


@guests.check(
    Tenant,
    "medium",
    remediation="Give guests the restricted guest role in the external collaboration settings.",
)
def restricted_permissions(tenant: Tenant, scene: Scene) -> Verdict:
    """Guests see themselves only, not the directory."""
    del scene
    role = str(tenant.listed.get("guestUserRoleId")).lower()
    if role not in GUEST_ROLES:
        raise MalformedError("guestUserRoleId is no role we know")
    words = f"guests have {GUEST_ROLES[role]}"
    return passes(words) if role == RESTRICTED_GUEST else fails(words)


@guests.check(
    Tenant,
    "medium",
    remediation="Block inbound B2B access by default, and allow the approved partners by name.",
)
def cross_tenant_default_restricted(tenant: Tenant, scene: Scene) -> Verdict:
    """Other tenants are let in only where that was agreed with them."""
    del scene
    return _inbound(tenant.cross_tenant)


def _inbound(default: Mapping[str, Any]) -> Verdict:
    """Both ways in are blocked for all users and all applications."""
    open_ways = []
    for name in ("b2bCollaborationInbound", "b2bDirectConnectInbound"):
        setting = default.get(name) or {}
        users, targets = setting.get("usersAndGroups") or {}, setting.get("applications") or {}
        access = {users.get("accessType"), targets.get("accessType")}
        if not access <= {"allowed", "blocked"}:
            raise MalformedError(f"{name} has an accessType we do not know")
        everyone = {"target": "AllUsers", "targetType": "user"} in (users.get("targets") or [])
        if not (users.get("accessType") == "blocked" and everyone):
            open_ways.append(name)
    return fails(f"open by default: {', '.join(open_ways)}") if open_ways else passes()


@apps.check(
    Tenant,
    "high",
    remediation="Let people consent only to low-risk permissions of verified publishers, or never.",
)
def user_consent_restricted(tenant: Tenant, scene: Scene) -> Verdict:
    """People cannot let any application into the tenant's data."""
    del scene
    granted = tenant.defaults.get("permissionGrantPoliciesAssigned")
    if not isinstance(granted, list):
        raise MalformedError("the authorization policy names no consent policies")
    own = sorted(each for each in granted if each.startswith("ManagePermissionGrantsForSelf."))
    if UNVERIFIED in own:
        return fails("people may consent to any application")
    return passes(", ".join(own) or "people may consent to none")


@apps.check(
    Tenant,
    "medium",
    remediation="Turn off that users register applications and create tenants.",
)
def registration_restricted(tenant: Tenant, scene: Scene) -> Verdict:
    """Ordinary people cannot register applications or create tenants."""
    del scene
    allowed = []
    for name in ("allowedToCreateApps", "allowedToCreateTenants"):
        value = tenant.defaults.get(name)
        if not isinstance(value, bool):
            raise MalformedError(f"the authorization policy does not say {name}")
        if value:
            allowed.append(name)
    return fails(f"people have {', '.join(allowed)}") if allowed else passes()


@authmethods.check(
    Method,
    "medium",
    remediation="Turn off SMS and voice calls, or limit them to a group that needs them.",
)
def weak_methods_disabled(method: Method, scene: Scene) -> Verdict:
    """Nobody, or a named group only, signs in by SMS or voice call."""
    del scene
    if method.name not in WEAK:
        return not_applicable("not one of the weak methods")
    if not method.on:
        return passes("turned off")
    return fails("for everyone") if EVERYONE in method.targets else passes("for a group only")


@authmethods.check(
    Tenant,
    "low",
    remediation="Turn on passkeys (FIDO2) or certificates for administrators.",
    also=(Method,),
)
def fido2_or_passkey_enabled(tenant: Tenant, scene: Scene) -> Verdict:
    """A way to sign in that cannot be phished is turned on."""
    del tenant
    strong = [each for each in scene.all(Method) if each.name in STRONG]
    names = sorted(each.name for each in strong if each.on and each.targets)
    return passes(", ".join(names)) if names else fails("neither passkeys nor certificates")


@password.check(
    Tenant,
    "low",
    remediation="Turn on the custom banned password list and a lockout in password protection.",
)
def banned_list_enabled(
    tenant: Tenant,
    scene: Scene,
    *,
    most: int = criterion(10, "attempts"),
    shortest: int = criterion(60, "seconds"),
) -> Verdict:
    """Own banned passwords are refused, and accounts lock after a few attempts."""
    del scene
    settings = tenant.password_settings
    if settings is None:
        return fails("no own list; Microsoft's defaults were never changed")
    wrong = []
    listed = _number(settings, "BannedPasswords", 0)
    if settings.get("EnableBannedPasswordCheck", "").lower() != "true" or not listed:
        wrong.append("no own list of banned passwords")
    threshold = _number(settings, "LockoutThreshold", 10)
    seconds = _number(settings, "LockoutDurationInSeconds", 60)
    if threshold > most:
        wrong.append(f"locked after {threshold} attempts, limit {most}")
    if seconds < shortest:
        wrong.append(f"locked for {seconds} seconds, limit {shortest}")
    return fails("; ".join(wrong)) if wrong else passes()


def _number(settings: Mapping[str, str], name: str, default: int) -> int:
    """A setting's number; empty is Microsoft's documented default."""
    value = settings.get(name) or str(default)
    if not value.isdigit():
        raise MalformedError(f"{name} is no number")
    return int(value)


@password.check(
    Domain,
    "low",
    remediation="Set the password validity of the domain to what your rule says.",
)
def expiry_matches_rule(
    domain: Domain,
    scene: Scene,
    *,
    days: int = criterion("days; 0 for never", of=int),
) -> Verdict:
    """Passwords of the domain expire as the own rule says."""
    del scene
    if not domain.listed.get("isVerified"):
        return not_applicable("the domain is not verified")
    if domain.listed.get("authenticationType") != "Managed":
        return not_applicable("passwords of the domain are kept elsewhere")
    given = domain.listed.get("passwordValidityPeriodInDays")
    actual = 0 if given == NEVER_EXPIRES else given or DEFAULT_DAYS
    words = f"expire after {actual} days" if actual else "never expire"
    return passes(words) if actual == days else fails(f"passwords {words}, rule {days or 'never'}")
