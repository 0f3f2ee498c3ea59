"""Microsoft Entra ID: each check's outcomes, on documents made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from collectors import Cause, Status, Unread
from collectors.entra import applications, oversight, people, roles, settings, sign_in
from collectors.entra.policies import Policy
from collectors.testing import judge
from tests.collectors.entra.double import (
    ADMINS,
    ALL_BLOCKED,
    BLOCK,
    BREAK_GLASS,
    EXCHANGE,
    GLOBAL,
    NETWORK,
    SESSION,
    UNPHISHABLE,
    assignment,
    authorization,
    device,
    domain,
    instance,
    method,
    place,
    policy,
    registration,
    review,
    risky,
    role_policy,
    schedule,
    user,
)

PASS, FAIL, UNKNOWN, NONE = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE


OFF_BY_DEFAULT: Any = False


def tenant(defaults: Any = OFF_BY_DEFAULT, people: Any = None, **facts: Any) -> settings.Tenant:
    changed = {n: facts.pop(n) for n in ("allowInvitesFrom", "guestUserRoleId") if n in facts}
    listed = authorization(people=people or {}, **changed)
    given = defaults if isinstance(defaults, Unread) else {"isEnabled": defaults}
    return settings.Tenant(id="t", listed=listed, facts={"security_defaults": given, **facts})


def made(**changed: Any) -> Policy:
    row = policy(1, **changed)
    return Policy(id=row["id"], listed=row)


def asked(check: Any, *policies: Any, defaults: Any = False, **bound: Any) -> Status:
    if "break_glass" in check.criteria:
        bound.setdefault("break_glass", BREAK_GLASS)
    return judge(check, tenant(defaults), *policies, **bound).status


HOLE: dict[str, Any] = {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]}

MFA_FOR_ALL: list[tuple[dict[str, Any], Status]] = [
    ({}, PASS),
    ({"state": "enabledForReportingButNotEnforced"}, FAIL),
    ({"state": "disabled"}, FAIL),
    ({"state": "somethingNew"}, UNKNOWN),
    ({"users": {"includeUsers": ["u-7"]}}, FAIL),
    ({"users": {"excludeUsers": ["u-1", "u-9"]}}, FAIL),
    ({"users": {"excludeGroups": ["g-many"]}}, FAIL),
    ({"users": {"excludeRoles": ["r-1"]}}, FAIL),
    ({"users": {"excludeGuestsOrExternalUsers": {"guestOrExternalUserTypes": "x"}}}, FAIL),
    ({"applications": {"includeApplications": ["Office365"]}}, FAIL),
    ({"applications": {"excludeApplications": ["app-1"]}}, FAIL),
    ({"applications": {"applicationFilter": {"mode": "include", "rule": "x"}}}, FAIL),
    ({"conditions": {"locations": HOLE}}, FAIL),
    ({"conditions": {"locations": {"includeLocations": ["All"]}}}, PASS),
    ({"conditions": {"platforms": {"includePlatforms": ["android"]}}}, FAIL),
    ({"conditions": {"platforms": {"includePlatforms": ["all"]}}}, PASS),
    ({"conditions": {"signInRiskLevels": ["high"]}}, FAIL),
    ({"conditions": {"clientAppTypes": ["browser"]}}, FAIL),
    ({"conditions": {"clientAppTypes": ["browser", "mobileAppsAndDesktopClients"]}}, PASS),
    ({"grant": {"builtInControls": ["mfa", "compliantDevice"]}}, FAIL),
    ({"grant": {"operator": "AND", "builtInControls": ["mfa", "compliantDevice"]}}, PASS),
    ({"grant": {"builtInControls": ["mfa", "somethingNew"]}}, FAIL),
    ({"grant": {"operator": "XOR"}}, FAIL),
    ({"grant": {"builtInControls": []}}, FAIL),
    ({"grant": {"builtInControls": [], "authenticationStrength": UNPHISHABLE}}, PASS),
    (
        {
            "grant": {
                "builtInControls": [],
                "authenticationStrength": {"id": "own", "requirementsSatisfied": "none"},
            }
        },
        FAIL,
    ),
    ({"grant": {"builtInControls": ["mfa"], "termsOfUse": ["tou-1"]}}, FAIL),
    ({"grantControls": None}, FAIL),
]


@pytest.mark.parametrize(("changed", "status"), MFA_FOR_ALL)
def test_only_a_policy_in_force_without_holes_asks_everyone_for_a_second_factor(
    changed: dict[str, Any], status: Status
) -> None:
    assert asked(sign_in.mfa_all_users, made(**changed)) is status


def test_a_state_we_do_not_know_hides_no_policy_that_does_it() -> None:
    strange = Policy(id="p-0", listed=policy(0, state="somethingNew"))
    assert asked(sign_in.mfa_all_users, strange, made()) is PASS
    assert asked(sign_in.mfa_all_users, made(state="disabled"), strange) is UNKNOWN
    assert asked(sign_in.compliant_device_required, strange, resources=("a",)) is UNKNOWN


def test_without_a_list_of_emergency_accounts_it_is_undecided() -> None:
    verdict = judge(sign_in.mfa_all_users, tenant(), made())
    assert (verdict.status, verdict.cause) == (UNKNOWN, Cause.CRITERION_MISSING)


def test_security_defaults_stand_in_for_what_they_do_and_for_nothing_else() -> None:
    for check in (sign_in.mfa_all_users, sign_in.legacy_auth_blocked, sign_in.guest_mfa):
        assert asked(check, defaults=True) is PASS
        assert asked(check) is FAIL
        denied = Unread("AccessDenied", "Policy.Read.All")
        assert asked(check, defaults=denied) is UNKNOWN
        assert asked(check, defaults=None) is UNKNOWN
    for check in (sign_in.mfa_admin_roles, sign_in.session_limits_admins):
        assert asked(check, defaults=True) is FAIL


STRONG = {"builtInControls": [], "authenticationStrength": UNPHISHABLE}
FEWER = {**ADMINS, "includeRoles": ADMINS["includeRoles"][1:]}
LEGACY = {"clientAppTypes": ["exchangeActiveSync", "other"]}
RISK = {"signInRiskLevels": ["high", "medium"]}
DEVICE = {"builtInControls": ["compliantDevice", "domainJoinedDevice"]}
CHANGE = {"operator": "AND", "builtInControls": ["mfa", "passwordChange"]}
DOWNLOADS = {"cloudAppSecurity": {"isEnabled": True, "cloudAppSecurityType": "blockDownloads"}}
WATCHED = {"cloudAppSecurity": {"isEnabled": True, "cloudAppSecurityType": "monitorOnly"}}
OFF = {"applicationEnforcedRestrictions": {"isEnabled": False}}
ABROAD = {"includeLocations": ["All"], "excludeLocations": ["l-eu"]}
ALL_GUESTS = {
    "includeUsers": [],
    "includeGuestsOrExternalUsers": {
        "guestOrExternalUserTypes": ",".join(sorted(sign_in.GUESTS)),
        "externalTenants": {"membershipKind": "all"},
    },
}
SOME_GUESTS = {
    "includeUsers": [],
    "includeGuestsOrExternalUsers": {"guestOrExternalUserTypes": "b2bCollaborationGuest"},
}

POLICY_CHECKS: list[tuple[Any, dict[str, Any], Status]] = [
    (sign_in.mfa_admin_roles, {"users": ADMINS, "grant": STRONG}, PASS),
    (sign_in.mfa_admin_roles, {"grant": STRONG}, PASS),
    (sign_in.mfa_admin_roles, {"users": ADMINS}, FAIL),
    (sign_in.mfa_admin_roles, {"users": FEWER, "grant": STRONG}, FAIL),
    (
        sign_in.mfa_admin_roles,
        {"users": {**ADMINS, "excludeUsers": ["u-5"]}, "grant": STRONG},
        FAIL,
    ),
    (sign_in.mfa_admin_roles, {"state": "somethingNew", "grant": STRONG}, UNKNOWN),
    (sign_in.session_limits_admins, {"users": ADMINS, "sessionControls": SESSION}, PASS),
    (sign_in.session_limits_admins, {"users": FEWER, "sessionControls": SESSION}, FAIL),
    (
        sign_in.session_limits_admins,
        {"users": ADMINS, "sessionControls": {**SESSION, "persistentBrowser": None}},
        FAIL,
    ),
    (sign_in.legacy_auth_blocked, {"conditions": LEGACY, "grant": BLOCK}, PASS),
    (sign_in.legacy_auth_blocked, {"conditions": LEGACY}, FAIL),
    (
        sign_in.legacy_auth_blocked,
        {"conditions": {"clientAppTypes": ["other"]}, "grant": BLOCK},
        FAIL,
    ),
    (sign_in.guest_mfa, {}, PASS),
    (sign_in.guest_mfa, {"users": ALL_GUESTS}, PASS),
    (sign_in.guest_mfa, {"users": {"includeUsers": ["GuestsOrExternalUsers"]}}, PASS),
    (sign_in.guest_mfa, {"users": SOME_GUESTS}, FAIL),
    (sign_in.guest_mfa, {"users": {"excludeUsers": ["GuestsOrExternalUsers"]}}, FAIL),
    (sign_in.sign_in_risk, {"conditions": RISK}, PASS),
    (sign_in.sign_in_risk, {"conditions": {"signInRiskLevels": ["high"]}}, FAIL),
    (sign_in.sign_in_risk, {}, FAIL),
    (sign_in.user_risk, {"conditions": {"userRiskLevels": ["high"]}, "grant": CHANGE}, PASS),
    (sign_in.user_risk, {"conditions": {"userRiskLevels": ["high"]}}, FAIL),
    (sign_in.user_risk, {"conditions": {"userRiskLevels": ["low"]}, "grant": CHANGE}, FAIL),
    (sign_in.download_restricted_unmanaged, {"sessionControls": DOWNLOADS}, PASS),
    (sign_in.download_restricted_unmanaged, {"sessionControls": WATCHED}, FAIL),
    (sign_in.download_restricted_unmanaged, {"sessionControls": OFF}, FAIL),
]


@pytest.mark.parametrize(("check", "changed", "status"), POLICY_CHECKS)
def test_each_question_about_policies_has_its_outcomes(
    check: Any, changed: dict[str, Any], status: Status
) -> None:
    assert asked(check, made(**changed)) is status


def test_listed_resources_are_reached_from_managed_devices_only() -> None:
    erp = made(applications={"includeApplications": ["erp"]}, grant=DEVICE)
    check = sign_in.compliant_device_required
    assert asked(check, erp, resources=("erp",)) is PASS
    assert asked(check, erp, resources=("erp", "wiki")) is FAIL
    assert asked(check, made(grant=DEVICE), resources=("erp", "wiki")) is PASS
    spared = made(grant=DEVICE, applications={"excludeApplications": ["erp"]})
    assert asked(check, spared, resources=("erp",)) is FAIL
    either = made(grant={"builtInControls": ["mfa", "compliantDevice"]})
    assert asked(check, either, resources=("erp",)) is FAIL


@pytest.mark.parametrize(
    ("where", "locations", "status"),
    [
        (place("l-eu"), ABROAD, PASS),
        (place("l-eu", countriesAndRegions=["DE", "KP"]), ABROAD, FAIL),
        (place("l-eu", includeUnknownCountriesAndRegions=True), ABROAD, FAIL),
        (place("l-other"), ABROAD, FAIL),
        (NETWORK | {"id": "l-eu"}, ABROAD, PASS),
        (NETWORK | {"id": "l-eu", "isTrusted": False}, ABROAD, FAIL),
        (place("l-eu"), {"includeLocations": ["l-eu"]}, FAIL),
    ],
)
def test_sign_ins_from_elsewhere_are_blocked(
    where: dict[str, Any], locations: dict[str, Any], status: Status
) -> None:
    found = sign_in.NamedLocation(id=where["id"], listed=where)
    blocking = made(conditions={"locations": locations}, grant=BLOCK)
    given = {"approved": ("DE", "AT")}
    assert asked(sign_in.location_blocked, blocking, found, **given) is status


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, PASS),
        ({"state": "disabled"}, NONE),
        ({"state": "enabledForReportingButNotEnforced"}, FAIL),
        (
            {
                "state": "enabledForReportingButNotEnforced",
                "modifiedDateTime": "2026-11-10T00:00:00Z",
            },
            PASS,
        ),
        ({"state": "somethingNew"}, UNKNOWN),
    ],
)
def test_a_pilot_ends(changed: dict[str, Any], status: Status) -> None:
    assert judge(sign_in.no_report_only_baseline, made(**changed)).status is status


LEGACY_CONSENT = "ManagePermissionGrantsForSelf.microsoft-user-default-legacy"
TARGETED = {**ALL_BLOCKED, "usersAndGroups": {"accessType": "blocked", "targets": []}}
ALLOWED = {**ALL_BLOCKED, "usersAndGroups": {"accessType": "allowed", "targets": []}}
STRANGE = {**ALL_BLOCKED, "applications": {"accessType": "somethingNew"}}
BOTH = ("b2bCollaborationInbound", "b2bDirectConnectInbound")
RULES = {
    "EnableBannedPasswordCheck": "True",
    "BannedPasswords": "3",
    "LockoutThreshold": "10",
    "LockoutDurationInSeconds": "60",
}

TENANT_CHECKS: list[tuple[Any, settings.Tenant, Status]] = [
    (settings.invite_restricted, tenant(), PASS),
    (settings.invite_restricted, tenant(allowInvitesFrom="everyone"), FAIL),
    (settings.invite_restricted, tenant(allowInvitesFrom="unknownFutureValue"), UNKNOWN),
    (settings.restricted_permissions, tenant(), PASS),
    (
        settings.restricted_permissions,
        tenant(guestUserRoleId="10dae51f-b6af-4016-8d66-8c2a99b929b3"),
        FAIL,
    ),
    (settings.restricted_permissions, tenant(guestUserRoleId="new"), UNKNOWN),
    (
        settings.cross_tenant_default_restricted,
        tenant(cross_tenant=dict.fromkeys(BOTH, ALL_BLOCKED)),
        PASS,
    ),
    (
        settings.cross_tenant_default_restricted,
        tenant(cross_tenant={BOTH[0]: ALLOWED, BOTH[1]: ALL_BLOCKED}),
        FAIL,
    ),
    (
        settings.cross_tenant_default_restricted,
        tenant(cross_tenant=dict.fromkeys(BOTH, TARGETED)),
        FAIL,
    ),
    (
        settings.cross_tenant_default_restricted,
        tenant(cross_tenant=dict.fromkeys(BOTH, STRANGE)),
        UNKNOWN,
    ),
    (settings.cross_tenant_default_restricted, tenant(cross_tenant={}), UNKNOWN),
    (settings.user_consent_restricted, tenant(), PASS),
    (
        settings.user_consent_restricted,
        tenant(people={"permissionGrantPoliciesAssigned": []}),
        PASS,
    ),
    (
        settings.user_consent_restricted,
        tenant(people={"permissionGrantPoliciesAssigned": [LEGACY_CONSENT]}),
        FAIL,
    ),
    (
        settings.user_consent_restricted,
        tenant(people={"permissionGrantPoliciesAssigned": None}),
        UNKNOWN,
    ),
    (settings.registration_restricted, tenant(), PASS),
    (settings.registration_restricted, tenant(people={"allowedToCreateApps": True}), FAIL),
    (settings.registration_restricted, tenant(people={"allowedToCreateTenants": None}), UNKNOWN),
    (settings.banned_list_enabled, tenant(password_settings=RULES), PASS),
    (
        settings.banned_list_enabled,
        tenant(password_settings=RULES | {"BannedPasswords": "0"}),
        FAIL,
    ),
    (
        settings.banned_list_enabled,
        tenant(password_settings=RULES | {"EnableBannedPasswordCheck": "False"}),
        FAIL,
    ),
    (
        settings.banned_list_enabled,
        tenant(password_settings=RULES | {"LockoutThreshold": "50"}),
        FAIL,
    ),
    (
        settings.banned_list_enabled,
        tenant(password_settings=RULES | {"LockoutThreshold": "many"}),
        UNKNOWN,
    ),
    (settings.banned_list_enabled, tenant(password_settings=None), FAIL),
    (
        settings.banned_list_enabled,
        tenant(password_settings=Unread("Authorization_RequestDenied", "GroupSettings.Read.All")),
        UNKNOWN,
    ),
]


@pytest.mark.parametrize(("check", "resource", "status"), TENANT_CHECKS)
def test_each_setting_has_its_outcomes(
    check: Any, resource: settings.Tenant, status: Status
) -> None:
    assert judge(check, resource).status is status


def way(*given: Any) -> settings.Method:
    row = method(*given)
    return settings.Method(id=row["id"], listed=row)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (way("Sms"), FAIL),
        (way("Voice", "enabled", "g-1"), PASS),
        (way("Sms", "disabled"), PASS),
        (way("Sms", "somethingNew"), UNKNOWN),
        (way("Fido2"), NONE),
    ],
)
def test_weak_methods_are_for_nobody_or_a_group(found: settings.Method, status: Status) -> None:
    assert judge(settings.weak_methods_disabled, found).status is status


def test_a_method_that_cannot_be_phished_is_there() -> None:
    check, here = settings.fido2_or_passkey_enabled, tenant()
    assert judge(check, here, way("Fido2")).status is PASS
    assert judge(check, here, way("Fido2", "disabled"), way("Sms")).status is FAIL
    assert judge(check, here, way("Fido2", "somethingNew")).status is UNKNOWN


@pytest.mark.parametrize(
    ("changed", "days", "status"),
    [
        ({}, 0, PASS),
        ({}, 90, FAIL),
        ({"passwordValidityPeriodInDays": None}, 90, PASS),
        ({"passwordValidityPeriodInDays": 180}, 90, FAIL),
        ({"isVerified": False}, 0, NONE),
        ({"authenticationType": "Federated"}, 0, NONE),
    ],
)
def test_passwords_expire_as_the_rule_says(
    changed: dict[str, Any], days: int, status: Status
) -> None:
    found = settings.Domain(id="d", listed=domain("d", **changed))
    assert judge(settings.expiry_matches_rule, found, days=days).status is status


def account(number: int = 3, sign_ins: Any = ..., **changed: Any) -> people.User:
    row = user(number, **changed)
    given = row["signInActivity"] if sign_ins is ... else sign_ins
    return people.User(id=row["id"], listed=row, facts={"sign_ins": given})


LONG_AGO = {"lastSignInDateTime": "2026-03-01T00:00:00Z"}
BY_MACHINE = {**LONG_AGO, "lastNonInteractiveSignInDateTime": "2026-11-01T00:00:00Z"}
REFUSED = Unread("Authorization_RequestDenied", "AuditLog.Read.All")
UNLICENSED = Unread("NotPremium", "", Cause.NOT_LICENSED)

STALE: list[tuple[people.User, Status]] = [
    (account(sign_ins={"lastSignInDateTime": "2026-11-01T00:00:00Z"}), PASS),
    (account(sign_ins=LONG_AGO), FAIL),
    (account(sign_ins=BY_MACHINE), PASS),
    (account(sign_ins={}), FAIL),
    (account(sign_ins={}, createdDateTime="2026-11-20T00:00:00Z"), PASS),
    (account(sign_ins=LONG_AGO, accountEnabled=False), NONE),
    (account(sign_ins=LONG_AGO, accountEnabled=None), UNKNOWN),
    (account(sign_ins=REFUSED), UNKNOWN),
    (account(sign_ins=UNLICENSED), UNKNOWN),
]


@pytest.mark.parametrize(("who", "status"), STALE)
def test_accounts_are_used_or_gone(who: people.User, status: Status) -> None:
    assert judge(people.stale_accounts, who).status is status
    guest = people.User(id=who.id, listed={**who.listed, "userType": "Guest"}, facts=who.facts)
    assert judge(people.stale_accounts, guest).status is NONE
    assert judge(people.stale_guests_removed, guest).status is status
    assert judge(people.stale_guests_removed, who).status is NONE


def test_members_have_registered_a_second_factor() -> None:
    def status(who: people.User, **changed: Any) -> Status:
        row = registration(3, **changed)
        return judge(
            people.mfa_registered, who, people.Registration(id=row["id"], listed=row)
        ).status

    assert status(account()) is PASS
    assert status(account(), isMfaCapable=False) is FAIL
    assert status(account(), isMfaCapable=None) is UNKNOWN
    assert status(account(), id="u-4") is UNKNOWN
    assert status(account(accountEnabled=False)) is NONE
    assert status(account(userType="Guest")) is NONE


def app(*dates: tuple[str, str], **changed: Any) -> applications.Application:
    keys = [{"keyId": "k", "startDateTime": start, "endDateTime": end} for start, end in dates]
    listed = {"passwordCredentials": keys, "keyCredentials": [], "owners": ["u-3"], **changed}
    return applications.Application(id="a", listed=listed)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (app(("2026-06-01T00:00:00Z", "2027-05-31T00:00:00Z")), PASS),
        (app(("2024-06-01T00:00:00Z", "2026-11-01T00:00:00Z")), FAIL),
        (app(("2026-06-01T00:00:00Z", "2299-12-31T00:00:00Z")), FAIL),
        (app(), NONE),
        (app(("2026-06-01T00:00:00Z", "soon")), UNKNOWN),
    ],
)
def test_secrets_of_applications_end_in_time(
    found: applications.Application, status: Status
) -> None:
    assert judge(applications.credentials_not_expired_or_long, found).status is status


def test_applications_have_an_owner_who_is_still_there() -> None:
    check = applications.owner_assigned
    assert judge(check, app(), account()).status is PASS
    assert judge(check, app(), account(accountEnabled=False)).status is FAIL
    assert judge(check, app(owners=[]), account()).status is FAIL
    assert judge(check, app(owners=["sp-1"]), account()).status is PASS


def holds(number: int, principal: str, role: str = GLOBAL) -> roles.Assignment:
    row = assignment(number, principal, role)
    return roles.Assignment(id=row["id"], listed=row)


def group(*members: str, unread: Unread | None = None) -> roles.Group:
    return roles.Group(id="g", listed={}, facts={"members": unread or list(members)})


CLOUD = [account(number, onPremisesSyncEnabled=None) for number in range(9)]


def test_global_administrators_are_few_and_of_the_cloud_also_in_groups() -> None:
    check, here = roles.global_admin_count, tenant()
    two = (holds(0, "u-0"), holds(1, "g"))
    assert judge(check, here, *two, group("u-1"), *CLOUD).status is PASS
    assert judge(check, here, *two, group("u-0"), *CLOUD).status is FAIL
    assert judge(check, here, *two, group("u-1", "u-2", "u-3", "u-4"), *CLOUD).status is FAIL
    assert (
        judge(check, here, *two, group("u-1"), account(0, onPremisesSyncEnabled=True)).status
        is FAIL
    )
    assert judge(check, here, *two, group(unread=REFUSED), *CLOUD).status is UNKNOWN
    other = (holds(0, "u-0"), holds(1, "u-1", EXCHANGE))
    assert judge(check, here, *other, *CLOUD).status is FAIL


def lasting(kind: str, ends: str = "noExpiration", **changed: Any) -> roles.Schedule:
    row = schedule(1, "u-3", kind, **changed)
    return roles.Schedule(id="s", listed={**row, "expiration": ends})


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (lasting("Activated"), PASS),
        (lasting("Assigned"), FAIL),
        (lasting("Assigned", "somethingNew"), FAIL),
        (lasting("Assigned", "afterDateTime"), PASS),
        (lasting("Assigned", principalId="u-1"), PASS),
        (lasting("Assigned", roleDefinitionId="ordinary"), NONE),
        (lasting("somethingNew"), UNKNOWN),
    ],
)
def test_privileged_roles_are_held_for_a_time(found: roles.Schedule, status: Status) -> None:
    check = roles.no_permanent_privileged_assignment
    assert judge(check, found, break_glass=BREAK_GLASS).status is status
    assert judge(check, found).status is UNKNOWN


def activation(role: str = GLOBAL, *asked: str, **changed: Any) -> roles.RolePolicy:
    row = role_policy(role, *asked, **changed)
    rules = [
        {**each, **{n: v for n, v in each.get("setting", {}).items() if n != "approvalStages"}}
        for each in row["policy"]["rules"]
    ]
    return roles.RolePolicy(id=role, listed={"rules": rules})


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (activation(), PASS),
        (activation(GLOBAL, "Justification"), FAIL),
        (activation(GLOBAL, "MultiFactorAuthentication"), FAIL),
        (activation(approval=False), FAIL),
        (activation(lasts="P1D"), FAIL),
        (activation(lasts="PT30M"), PASS),
        (activation(lasts="long"), UNKNOWN),
        (activation("ordinary", approval=False), NONE),
        (roles.RolePolicy(id=GLOBAL, listed={"rules": []}), UNKNOWN),
    ],
)
def test_activation_asks_for_proof(found: roles.RolePolicy, status: Status) -> None:
    assert judge(roles.pim_activation_settings, found).status is status


def test_disabled_accounts_hold_nothing() -> None:
    check = roles.disabled_have_no_sessions_or_roles
    gone = account(3, accountEnabled=False, assignedLicenses=[])
    assert judge(check, account(3)).status is NONE
    assert judge(check, gone).status is PASS
    assert judge(check, gone, holds(0, "u-3")).status is FAIL
    assert judge(check, gone, group("u-3")).status is FAIL
    assert judge(check, gone, group(unread=REFUSED)).status is UNKNOWN
    assert judge(check, account(3, accountEnabled=False)).status is FAIL


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, PASS),
        ({"riskLastUpdatedDateTime": "2026-11-20T20:00:00Z"}, FAIL),
        ({"riskLastUpdatedDateTime": "2026-11-20T20:00:00Z", "riskLevel": "low"}, NONE),
        (
            {
                "riskLastUpdatedDateTime": "2026-11-20T20:00:00Z",
                "riskLevel": "low",
                "riskState": "confirmedCompromised",
            },
            FAIL,
        ),
        ({"riskLevel": "unknownFutureValue"}, UNKNOWN),
        ({"riskState": "unknownFutureValue"}, UNKNOWN),
    ],
)
def test_accounts_at_risk_are_dealt_with(changed: dict[str, Any], status: Status) -> None:
    found = oversight.RiskyUser(id="u-3", listed=risky(3, **changed))
    assert judge(oversight.handled_within_sla, found).status is status


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({}, PASS),
        ({"approximateLastSignInDateTime": "2026-01-01T00:00:00Z"}, FAIL),
        ({"approximateLastSignInDateTime": None}, FAIL),
        ({"accountEnabled": False}, NONE),
        ({"accountEnabled": None}, UNKNOWN),
    ],
)
def test_devices_are_used(changed: dict[str, Any], status: Status) -> None:
    found = oversight.Device(id="d", listed=device(1, **changed))
    assert judge(oversight.stale_devices, found).status is status


ROLE_SCOPE = "/roleManagement/directory/roleDefinitions/x"


def held(query: str, *times: dict[str, Any], own: bool = True, **facts: Any) -> oversight.Review:
    row = {**review(1, query), "autoApplyDecisionsEnabled": own}
    return oversight.Review(id="r", listed=row, facts={"instances": list(times), **facts})


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (held(ROLE_SCOPE, instance()), PASS),
        (held(ROLE_SCOPE, instance("Completed")), PASS),
        (held(ROLE_SCOPE, instance("Completed"), own=False), FAIL),
        (held(ROLE_SCOPE, instance("InProgress")), FAIL),
        (held(ROLE_SCOPE, instance(end="2024-01-01T00:00:00Z")), FAIL),
        (held(ROLE_SCOPE), FAIL),
        (held("/groups/g", instance()), FAIL),
        (held(ROLE_SCOPE, instances=REFUSED), UNKNOWN),
    ],
)
def test_a_review_counts_when_it_ended_with_effect(found: oversight.Review, status: Status) -> None:
    assert judge(oversight.privileged_roles_reviewed, tenant(), found).status is status


def test_each_listed_group_was_reviewed() -> None:
    check, found = oversight.group_and_app_reviewed, held("/groups/g-erp", instance())
    assert judge(check, tenant(), found, groups=("g-erp",)).status is PASS
    assert judge(check, tenant(), found, groups=("g-erp", "g-pay")).status is FAIL
    assert judge(check, tenant(), found).status is UNKNOWN
