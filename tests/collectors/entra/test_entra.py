"""Microsoft Entra ID: the calls behind the verdicts, and what a refused one means."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, ClassVar

import pytest

from collectors import CallError, Cause, Collector, catalog
from collectors.entra import EntraConnection
from collectors.entra import people as accounts
from collectors.entra.site import NEEDS, REPORTS, SITE
from collectors.testing import Collected, Conformance, collect
from tests.collectors.entra.double import (
    APPLICATIONS,
    ASSIGNMENTS,
    BREAK_GLASS,
    DEVICES,
    DOMAINS,
    GROUPS,
    PLACES,
    POLICIES,
    REGISTERED,
    REVIEWS,
    RISKY,
    ROLE_POLICIES,
    SCHEDULES,
    USERS,
    connection,
    place,
)
from tests.collectors.refusals import Refusals, needed
from tests.graph import DENIED, NO_P2, NO_PIM_SCOPE, NO_RISK, NO_SCOPES, NOT_PREMIUM
from tests.microsoft import APP, TENANT, Authority
from tests.spec_server import SPECS, Asked, Scripted, SpecServer, operations

ENTRA = catalog(plugins=False).of("entra")
BOUND: Any = {
    check.id: {
        **({"break_glass": BREAK_GLASS} if "break_glass" in check.criteria else {}),
        **({"resources": ("app-erp", "Office365")} if "resources" in check.criteria else {}),
        **({"groups": ("g-erp",)} if "groups" in check.criteria else {}),
        **({"days": 0} if check.id.endswith("expiry_matches_rule") else {}),
    }
    for collector in ENTRA
    for check in collector.checks
}
BOUND["entra.conditionalaccess.location_blocked"]["approved"] = ("DE", "AT", "CH")


class TestConformance(Conformance):
    collectors = ENTRA
    bound: ClassVar[Any] = BOUND


def part(collected: Collected, kind: str) -> Any:
    return next(each for each in collected.parts if each.kind == f"entra.{kind}")


def test_every_read_is_microsofts_and_its_permission_suffices() -> None:
    def plain(path: str) -> str:
        return re.sub(r"\{[^}]*\}", "{}", path.removeprefix("GET "))

    assert {plain(each) for each in NEEDS} <= {plain(e) for e in operations("msgraph-v1.0")}
    read = json.loads((SPECS / "msgraph-app-permissions.json").read_text())["paths"]
    documented = {plain(name): path for name, path in read.items()}
    for operation, permission in NEEDS.items():
        path = documented[plain(operation)]
        assert permission in [*path["least"], *path["also"]], operation


def test_700_accounts_come_in_the_fewest_calls(double: SpecServer, authority: Authority) -> None:
    collected = collect(connection(double, authority), ENTRA)
    assert collected.defects == []
    assert [part.unread for part in collected.parts if part.unread] == []
    assert part(collected, "user").collected == part(collected, "user").stated == 700
    assert part(collected, "registration").collected == 686
    pages = 6 + 1  # 120 accounts on a page with their sign-ins; the report in one
    settings = 1 + 3 + 1  # the tenant and its facts, and the methods
    roles = 3 + 1 + 1  # assignments, schedules, policies; groups that may hold roles, members
    others = 1 + 1 + 1 + 2  # risky users, devices, reviews with their instances
    assert len(double.journal) == pages + settings + 4 + roles + others
    kept = repr(collected.resources)
    for unwanted in (
        "mobilePhone",
        "displayName': 'Per",
        "userDisplayName",
        "RequestId",
        "anvil",
        "hint",
    ):
        assert unwanted not in kept


def test_the_tenant_of_the_double_passes_what_it_was_made_to_pass(
    double: SpecServer, authority: Authority
) -> None:
    findings = collect(connection(double, authority), ENTRA).findings(bound=BOUND)
    tenant = {check: each for (check, resource), each in findings.items() if resource == TENANT}
    assert {check for check, each in tenant.items() if each.status != "pass"} == set(), tenant


def test_who_reads_is_what_the_token_says(double: SpecServer, authority: Authority) -> None:
    identity = collect(connection(double, authority), ()).identity
    assert (identity.subject, identity.principal) == (TENANT, f"app {APP}")
    assert identity.details["permissions"] == "Policy.Read.All, User.Read.All"


def test_permissions_refused_each_in_turn_and_a_third_at_once_give_only_unknowns(
    connection: EntraConnection, double: SpecServer
) -> None:
    def refuse(lost: Collection[str]) -> None:
        def answer(asked: Asked) -> Scripted | None:
            signs_in = "signInActivity" in asked.query.get("$select", "")
            needs = {needed(SITE, NEEDS, asked), *([REPORTS] if signs_in else [])}
            return DENIED if needs & set(lost) else None

        double.refuse = answer

    Refusals(lambda: collect(connection, ENTRA), refuse, bound=BOUND).give_only_unknowns()


def of(kind: str) -> tuple[Collector, ...]:
    return tuple(each for each in ENTRA if f"entra.{kind}" in {k.kind for k in each.kinds})


LISTED = {
    "role_assignment": ASSIGNMENTS,
    "role_group": GROUPS,
    "device": DEVICES,
    "risky_user": RISKY,
    "access_review": REVIEWS,
    "application": APPLICATIONS,
    "conditional_access_policy": POLICIES,
    "named_location": PLACES,
    "registration": REGISTERED,
    "domain": DOMAINS,
}


@pytest.mark.parametrize("kind", LISTED)
@pytest.mark.parametrize(
    ("answer", "cause", "code"),
    [
        (DENIED, Cause.DENIED, "Authorization_RequestDenied"),
        (NO_SCOPES, Cause.DENIED, "AccessDenied"),
        (
            NOT_PREMIUM,
            Cause.NOT_LICENSED,
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        ),
        (Scripted(404, body={"error": {"code": "x"}}), Cause.PARTIAL, "x"),
        (Scripted(raw=b'{"value": ['), Cause.MALFORMED, "unexpected answer"),
        (Scripted(body={"values": []}), Cause.MALFORMED, "unexpected answer"),
    ],
)
def test_denied_not_licensed_and_broken_are_told_apart(
    connection: EntraConnection,
    double: SpecServer,
    kind: str,
    answer: Scripted,
    cause: Cause,
    code: str,
) -> None:
    double.script(LISTED[kind], answer)
    unread = part(collect(connection, of(kind)), kind).unread
    assert (unread.cause, unread.code) == (cause, code)
    needed = NEEDS[LISTED[kind]] if cause is Cause.DENIED else ""
    assert unread.permission == needed


@pytest.mark.parametrize("kind", LISTED)
def test_empty_is_complete(connection: EntraConnection, double: SpecServer, kind: str) -> None:
    double.data[LISTED[kind]] = []
    found = part(collect(connection, of(kind)), kind)
    assert (found.complete, found.collected) == (True, 0)


@pytest.mark.parametrize(
    ("answer", "cause", "permission"),
    [(NOT_PREMIUM, Cause.NOT_LICENSED, ""), (DENIED, Cause.DENIED, "AuditLog.Read.All")],
)
def test_without_licence_or_permission_for_sign_ins_the_accounts_are_still_read(
    connection: EntraConnection,
    double: SpecServer,
    answer: Scripted,
    cause: Cause,
    permission: str,
) -> None:
    double.script(USERS, answer)
    collected = collect(connection, (accounts.users, accounts.guests))
    assert (part(collected, "user").complete, part(collected, "user").collected) == (True, 60)
    stale = {
        (each.cause, permission in each.because)
        for (check, _), each in collected.findings().items()
        if check.endswith(("stale_accounts", "stale_guests_removed"))
        and each.status != "not_applicable"
    }
    assert stale == {(cause, True)}
    assert "signInActivity" not in double.asked(USERS)[-1].query["$select"]


def test_accounts_that_are_refused_altogether_are_unread(
    connection: EntraConnection, double: SpecServer
) -> None:
    double.script(USERS, DENIED, DENIED)
    unread = part(collect(connection, (accounts.users,)), "user").unread
    assert (unread.cause, unread.permission) == (Cause.DENIED, "User.Read.All")


def test_a_refusal_in_the_middle_is_no_reason_to_begin_anew(
    double: SpecServer, authority: Authority
) -> None:
    double.script(USERS, DENIED, after=2)
    found = part(collect(connection(double, authority), (accounts.users,)), "user")
    assert found.collected == 240
    assert found.unread.cause is Cause.DENIED
    assert len(double.asked(USERS)) == 3


def test_fewer_accounts_than_counted_are_partial(
    connection: EntraConnection, double: SpecServer
) -> None:
    page = {"@odata.count": 3, "value": [double.data[USERS][0]]}
    double.script(USERS, Scripted(body=page))
    unread = part(collect(connection, (accounts.users,)), "user").unread
    assert unread.cause is Cause.PARTIAL


def test_a_throttled_read_waits_as_long_as_it_is_told(
    connection: EntraConnection, double: SpecServer
) -> None:
    slow = {"error": {"code": "TooManyRequests", "message": "Too many requests"}}
    double.script(USERS, Scripted(429, {"Retry-After": "0"}, slow))
    double.script(REGISTERED, Scripted(429, {"Retry-After": "0"}, slow))
    collected = collect(connection, (accounts.users,))
    assert all(each.complete for each in collected.parts)


@pytest.mark.parametrize(
    "link", ["https://graph.microsoft.com.evil.example/v1.0/users", "{url}/v1.0/domains"]
)
def test_a_next_link_elsewhere_is_not_followed(
    connection: EntraConnection, double: SpecServer, link: str
) -> None:
    page = {"value": [place("l-1")], "@odata.nextLink": link.format(url=double.url)}
    double.script(PLACES, Scripted(body=page))
    collected = collect(connection, of("named_location"))
    unread = part(collected, "named_location").unread
    assert unread.cause is Cause.MALFORMED


def test_a_refused_sign_in_refuses_every_read_by_its_code(
    connection: EntraConnection, authority: Authority
) -> None:
    for _ in range(2):
        authority.refuse("AADSTS7000222")
    with pytest.raises(CallError, match="AADSTS7000222"):
        collect(connection, ())
    authority.failures.clear()


PIM = {"role_schedule": SCHEDULES, "role_policy": ROLE_POLICIES}


@pytest.mark.parametrize("kind", PIM)
@pytest.mark.parametrize(
    ("answer", "cause", "code"),
    [
        (NO_P2, Cause.NOT_LICENSED, "AadPremiumLicenseRequired"),
        (NO_PIM_SCOPE, Cause.DENIED, "PermissionScopeNotGranted"),
    ],
)
def test_privileged_identity_management_is_unlicensed_or_denied_in_its_own_words(
    connection: EntraConnection,
    double: SpecServer,
    kind: str,
    answer: Scripted,
    cause: Cause,
    code: str,
) -> None:
    double.script(PIM[kind], answer)
    collected = collect(connection, of(kind))
    unread = part(collected, kind).unread
    assert (unread.cause, unread.code) == (cause, code)
    assert part(collected, "role_assignment").complete


def test_identity_protection_is_unlicensed_in_its_own_words(
    connection: EntraConnection, double: SpecServer
) -> None:
    double.script(RISKY, NO_RISK)
    unread = part(collect(connection, of("risky_user")), "risky_user").unread
    assert (unread.cause, unread.permission) == (Cause.NOT_LICENSED, "")
