"""Okta: verdicts, and the calls behind them."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any, ClassVar

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from collectors import CallError, Cause, Resource, Status, Unread, catalog
from collectors.okta import OktaConnection, ServiceApp, oversight, sign_in
from collectors.okta import kinds as k
from collectors.okta.site import GRANT, SCOPES, SITE, WELL_KNOWN
from collectors.testing import Collected, Conformance, collect, judge
from tests.collectors.fake_clock import FakeClock, eager_caller
from tests.collectors.okta.double import (
    PASSWORD,
    SESSION,
    SPEC,
    TOKEN,
    api_token,
    app,
    connection,
    user,
)
from tests.collectors.refusals import Refusals, needed
from tests.spec_server import Asked, Scripted, SpecServer, operations

OKTA = catalog(plugins=False).of("okta")


def a_user(factors: Any = None, **listed: Any) -> k.User:
    row = user(1, **listed)
    facts = {"factors": factors or []} if not isinstance(factors, Unread) else {"factors": factors}
    return k.User(id=row["id"], listed={**row, "provider": listed.get("provider")}, facts=facts)


def a_password_policy(part: str, **changed: Any) -> k.PasswordPolicy:
    settings = {"password": {**PASSWORD["password"], part: changed}}
    if part != "complexity":
        settings["password"]["complexity"] = PASSWORD["password"]["complexity"]
    return k.PasswordPolicy(id="p", listed={"settings": settings})


def a_session(**changed: Any) -> k.SignOnRule:
    signon = {"access": "ALLOW", "session": {**SESSION, **changed}}
    return k.SignOnRule(id="r", listed={"actions": {"signon": signon}})


def an_access_rule(access: str = "ALLOW", **method: Any) -> k.AccessRule:
    given = {"type": "ASSURANCE", "factorMode": "2FA", **method}
    actions = {"appSignOn": {"access": access, "verificationMethod": given}}
    return k.AccessRule(id="r", listed={"actions": actions})


def a(kind: Any, **listed: Any) -> Any:
    return kind(id="x", listed=listed)


ORG = k.Organization(id="o", listed={})
PUSH = {"factorType": "push", "status": "ACTIVE"}
SMS = {"factorType": "sms", "status": "ACTIVE"}

VERDICTS: list[tuple[Any, Any, Status]] = [
    (sign_in.mfa_enrolled, a_user([PUSH]), Status.PASS),
    (sign_in.mfa_enrolled, a_user([SMS]), Status.FAIL),
    (sign_in.mfa_enrolled, a_user([{**PUSH, "status": "PENDING_ACTIVATION"}]), Status.FAIL),
    (sign_in.mfa_enrolled, a_user([]), Status.FAIL),
    (sign_in.mfa_enrolled, a_user(status="SUSPENDED"), Status.NOT_APPLICABLE),
    (sign_in.mfa_enrolled, a_user(Unread("E0000006", "okta.users.read")), Status.UNKNOWN),
    (sign_in.stale_accounts, a_user(), Status.PASS),
    (sign_in.stale_accounts, a_user(lastLogin="2026-01-01T00:00:00.000Z"), Status.FAIL),
    (sign_in.stale_accounts, a_user(lastLogin=None), Status.FAIL),
    (sign_in.stale_accounts, a_user(status="STAGED"), Status.NOT_APPLICABLE),
    (sign_in.sourced_from_hris, a_user(provider="ACTIVE_DIRECTORY"), Status.PASS),
    (sign_in.sourced_from_hris, a_user(provider="OKTA"), Status.FAIL),
    (sign_in.sourced_from_hris, a_user(), Status.UNKNOWN),
    (sign_in.global_session_limits, a_session(), Status.PASS),
    (sign_in.global_session_limits, a_session(maxSessionLifetimeMinutes=0), Status.FAIL),
    (sign_in.global_session_limits, a_session(maxSessionIdleMinutes=999), Status.FAIL),
    (sign_in.global_session_limits, a_session(usePersistentCookie=True), Status.FAIL),
    (sign_in.mfa_required_all_apps, an_access_rule(), Status.PASS),
    (sign_in.mfa_required_all_apps, an_access_rule(factorMode="1FA"), Status.FAIL),
    (sign_in.mfa_required_all_apps, an_access_rule(factorMode="3FA"), Status.UNKNOWN),
    (sign_in.mfa_required_all_apps, an_access_rule("DENY"), Status.PASS),
    (
        sign_in.mfa_required_all_apps,
        an_access_rule(type="AUTH_METHOD_CHAIN"),
        Status.NOT_APPLICABLE,
    ),
    (sign_in.password_length_and_history, a_password_policy("lockout"), Status.PASS),
    (
        sign_in.password_length_and_history,
        a_password_policy("age", historyCount=0),
        Status.FAIL,
    ),
    (
        sign_in.password_length_and_history,
        a_password_policy("complexity", minLength=8),
        Status.FAIL,
    ),
    (sign_in.password_lockout, a_password_policy("lockout", maxAttempts=10), Status.PASS),
    (sign_in.password_lockout, a_password_policy("lockout", maxAttempts=0), Status.FAIL),
    (sign_in.password_lockout, a_password_policy("lockout", maxAttempts=50), Status.FAIL),
    (
        sign_in.weak_disabled,
        a(k.Authenticator, key="phone_number", status="ACTIVE"),
        Status.FAIL,
    ),
    (
        sign_in.weak_disabled,
        a(k.Authenticator, key="phone_number", status="INACTIVE"),
        Status.PASS,
    ),
    (
        sign_in.weak_disabled,
        a(k.Authenticator, key="webauthn", status="ACTIVE"),
        Status.NOT_APPLICABLE,
    ),
    (oversight.api_tokens_age_and_owner, a(k.ApiToken, **api_token(1)), Status.PASS),
    (
        oversight.api_tokens_age_and_owner,
        a(k.ApiToken, **api_token(1, created="2024-01-01T00:00:00.000Z")),
        Status.FAIL,
    ),
    (
        oversight.api_tokens_age_and_owner,
        a(k.ApiToken, **api_token(1, lastUpdated="2026-08-01T00:00:00.000Z")),
        Status.FAIL,
    ),
    (oversight.sso_not_password, a(k.App, **app(1)), Status.PASS),
    (oversight.sso_not_password, a(k.App, **app(1, signOnMode="BROWSER_PLUGIN")), Status.FAIL),
    (oversight.sso_not_password, a(k.App, **app(1, signOnMode="BOOKMARK")), Status.NOT_APPLICABLE),
    (oversight.sso_not_password, a(k.App, **app(1, status="INACTIVE")), Status.NOT_APPLICABLE),
    (oversight.inventory_approved, a(k.App, **app(1)), Status.UNKNOWN),
    (oversight.insight_block, a(k.ThreatInsight, action="block"), Status.PASS),
    (oversight.insight_block, a(k.ThreatInsight, action="audit"), Status.FAIL),
    (oversight.zones_block_listed, a(k.Zone, usage="BLOCKLIST", status="ACTIVE"), Status.PASS),
    (oversight.zones_block_listed, a(k.Zone, usage="BLOCKLIST", status="INACTIVE"), Status.FAIL),
    (
        oversight.zones_block_listed,
        a(k.Zone, usage="POLICY", status="ACTIVE"),
        Status.NOT_APPLICABLE,
    ),
]


@pytest.mark.parametrize(("check", "resource", "status"), VERDICTS)
def test_each_check_has_its_outcomes(check: Any, resource: Any, status: Status) -> None:
    assert judge(check, resource).status is status


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (
            sign_in.phishing_resistant_enabled,
            a(k.Authenticator, key="webauthn", status="ACTIVE"),
            a(k.Authenticator, key="webauthn", status="INACTIVE"),
        ),
        (
            oversight.streaming_active,
            a(k.LogStream, name="siem", status="ACTIVE"),
            a(k.LogStream, name="siem", status="INACTIVE"),
        ),
        (
            oversight.hook_or_alert_on_admin_changes,
            a(
                k.EventHook,
                status="ACTIVE",
                verificationStatus="VERIFIED",
                events=[*oversight.WATCHED],
            ),
            a(
                k.EventHook,
                status="ACTIVE",
                verificationStatus="UNVERIFIED",
                events=[*oversight.WATCHED],
            ),
        ),
    ],
)
def test_what_the_organisation_has_and_what_it_lacks(
    check: Any, good: Resource[Any], bad: Resource[Any]
) -> None:
    assert judge(check, ORG, good).status is Status.PASS
    assert judge(check, ORG, bad).status is Status.FAIL
    assert judge(check, ORG).status is Status.FAIL


def test_super_administrators_are_counted_as_people() -> None:
    roles = [
        k.AdminRole(id=f"{n}", listed={"user": f"u{n % 5}", "type": "SUPER_ADMIN"})
        for n in range(9)
    ]
    assert judge(oversight.super_admin_count, ORG, *roles).status is Status.PASS
    assert judge(oversight.super_admin_count, ORG, *roles, most=4).status is Status.FAIL


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"support": "DISABLED"}, Status.PASS),
        ({"support": "ENABLED", "expiration": "2026-12-01T00:00:00.000Z"}, Status.PASS),
        ({"support": "ENABLED", "expiration": None}, Status.FAIL),
    ],
)
def test_oktas_support_has_no_lasting_access(given: dict[str, Any], status: Status) -> None:
    organization = k.Organization(id="o", listed={}, facts={"okta_support": given})
    assert judge(oversight.access_disabled, organization).status is status


class TestConformance(Conformance):
    collectors = OKTA
    bound: ClassVar[Any] = {"okta.apps.inventory_approved": {"approved": ("App 1",)}}


def test_every_read_and_its_scope_are_oktas_own() -> None:
    assert set(SCOPES) <= operations("okta-management")
    assert GRANT in operations("okta-oauth")
    for operation, scope in SCOPES.items():
        path = operation.removeprefix("GET ")
        wanted = [
            each["oauth2"] for each in SPEC["paths"][path]["get"]["security"] if "oauth2" in each
        ]
        assert wanted == [[scope]], operation


def part(collected: Collected, kind: str) -> Any:
    return next(each for each in collected.parts if each.kind == f"okta.{kind}")


def test_450_people_and_410_applications_come_in_the_fewest_calls(double: SpecServer) -> None:
    collected = collect(connection(double), OKTA, clock=FakeClock())
    assert collected.defects == []
    assert part(collected, "user").collected == 450
    assert part(collected, "app").collected == 410
    assert part(collected, "sign_on_rule").collected == 4 * 2
    people = 3 + 450  # pages, and Okta has no bulk form for factors
    policies = 3 + 4 + 4  # three kinds, rules of eight policies
    roles = 3 + 6  # pages of holders, and each one's roles
    once = 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + 1  # org twice, support, and six short lists
    assert len(double.journal) == people + policies + roles + 3 + once
    kept = repr(collected.resources)
    assert "mobilePhone" not in kept
    assert "firstName" not in kept
    assert TOKEN not in kept


PATHS = {"user": "users", "app": "apps", "network_zone": "zones", "api_token": "api-tokens"}


@pytest.mark.parametrize("kind", PATHS)
@pytest.mark.parametrize(
    ("answer", "cause", "code"),
    [
        (Scripted(403, body={"errorCode": "E0000006"}), Cause.DENIED, "E0000006"),
        (Scripted(401, body={"errorCode": "E0000015"}), Cause.NOT_LICENSED, "E0000015"),
        (Scripted(404, body={"errorCode": "E0000007"}), Cause.PARTIAL, "E0000007"),
        (Scripted(raw=b'[{"id": '), Cause.MALFORMED, "unexpected answer"),
        (Scripted(body={"errors": 1}), Cause.MALFORMED, "unexpected answer"),
    ],
)
def test_denied_not_licensed_and_broken_are_told_apart(
    connection: OktaConnection,
    double: SpecServer,
    kind: str,
    answer: Scripted,
    cause: Cause,
    code: str,
) -> None:
    double.script(f"GET /api/v1/{PATHS[kind]}", answer)
    unread = part(collect(connection, OKTA), kind).unread
    assert (unread.cause, unread.code) == (cause, code)


@pytest.mark.parametrize("kind", PATHS)
def test_empty_is_complete(connection: OktaConnection, double: SpecServer, kind: str) -> None:
    double.data[f"GET /api/v1/{PATHS[kind]}"] = []
    found = part(collect(connection, OKTA), kind)
    assert (found.complete, found.collected) == (True, 0)


def test_a_spent_quota_is_waited_for_by_oktas_own_clock(double: SpecServer) -> None:
    clock = FakeClock()
    reset = str(int(time.time()) + 40)  # on the server's clock; ours shows another day
    spent = Scripted(429, {"x-rate-limit-reset": reset}, {"errorCode": "E0000047"})
    double.script("GET /api/v1/users", spent, after=1)
    collected = collect(connection(double), (k.users,), clock=clock)
    assert part(collected, "user").collected == 450
    assert sum(step for step in clock.slept if step == 0.5) >= 35  # in steps


def test_a_page_that_is_cut_off_is_read_again(double: SpecServer) -> None:
    double.script("GET /api/v1/apps", Scripted(body=[app(1)], cut=True), after=1)
    found = part(collect(connection(double), (k.apps,)), "app")
    assert (found.complete, found.collected) == (True, 410)


@pytest.mark.parametrize(
    "link",
    ["https://acme.okta.com.evil.example/api/v1/apps?after=x", "{url}/api/v1/apps?limit=200"],
)
def test_a_next_link_elsewhere_or_in_circles_is_refused(double: SpecServer, link: str) -> None:
    headers = {"Link": f'<{link.format(url=double.url)}>; rel="next"'}
    page = Scripted(200, headers, [app(1)])
    double.script("GET /api/v1/apps", page, page)
    unread = part(collect(connection(double), (k.apps,)), "app").unread
    assert unread.cause is Cause.MALFORMED


KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def test_a_service_app_asks_for_a_token_for_each_scope_and_one_refused_denies_no_other(
    double: SpecServer,
) -> None:
    double.token = f"Bearer {TOKEN}"

    def grant(asked: Any) -> Scripted:
        if asked.body["scope"] == "okta.apps.read":
            return Scripted(400, body={"error": "invalid_scope"})
        return Scripted(body={"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})

    double.data[GRANT] = grant
    declared = connection(double, token=None, app=ServiceApp("0oa1", lambda: PEM))
    collected = collect(declared, (k.apps, k.network, k.support))
    unread = part(collected, "app").unread
    assert (unread.cause, unread.permission) == (Cause.DENIED, "okta.apps.read")
    assert part(collected, "network_zone").complete
    assert len(double.asked(GRANT)) == 3
    assert TOKEN not in repr(declared)


DENIED = Scripted(403, body={"errorCode": "E0000006", "errorSummary": "Not permitted"})


def test_scopes_refused_each_in_turn_and_a_third_at_once_give_only_unknowns(
    connection: OktaConnection, double: SpecServer
) -> None:
    def refuse(lost: Collection[str]) -> None:
        def answer(asked: Asked) -> Scripted | None:
            open_to_all = asked.key == WELL_KNOWN
            return None if open_to_all or needed(SITE, SCOPES, asked) not in lost else DENIED

        double.refuse = answer

    Refusals(lambda: collect(connection, OKTA), refuse).give_only_unknowns()


def test_without_the_organisations_scope_its_id_is_what_okta_tells_everybody(
    connection: OktaConnection, double: SpecServer
) -> None:
    whole = collect(connection, ()).identity
    assert double.asked(WELL_KNOWN) == []
    double.script("GET /api/v1/org", DENIED)
    assert collect(connection, ()).identity == whole
    assert len(double.asked(WELL_KNOWN)) == 1


def test_a_token_that_is_wrong_is_no_missing_scope(double: SpecServer) -> None:
    wrong = connection(double, token=lambda: "wrong")
    with pytest.raises(CallError) as refused:
        collect(wrong, ())
    assert refused.value.permission == "a valid credential"
    assert double.asked(WELL_KNOWN) == []


def test_without_a_credential_it_says_what_is_missing() -> None:
    with pytest.raises(CallError, match="neither an app nor a token"):
        OktaConnection("people", "https://acme.okta.com").open(eager_caller())
