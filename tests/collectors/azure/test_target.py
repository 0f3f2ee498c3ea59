"""Azure as a target: what is asked, what cannot be seen, and what is said of it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

import pytest

from collectors import CallError, Cause, Status, catalog
from collectors.azure import AzureConnection
from collectors.azure.keyvault import KeyVault, keyvault
from collectors.azure.network import network
from collectors.azure.rows import GraphRow
from collectors.azure.site import (
    CONTACTS,
    DESCENDANTS,
    DESCENDANTS_READ,
    GRAPH,
    PERMISSIONS,
    SITE,
    SUBSCRIPTION_READ,
    SUBSCRIPTIONS,
    VERSIONS,
)
from collectors.azure.storage import StorageAccount, storage
from collectors.testing import Collected, Conformance, collect
from tests.collectors.azure.double import (
    Tenant,
    company,
    connection,
    networks,
    serve,
    storage_account,
    subscription,
)
from tests.collectors.fake_clock import FakeClock, eager_caller, patient_caller
from tests.microsoft import TENANT, Authority
from tests.spec_server import Scripted, SpecServer, load_spec

AZURE = catalog(plugins=False).of("azure")
READ_BUT_STORAGE = [
    {"actions": ["*/read"], "notActions": ["Microsoft.Storage/storageAccounts/read"]}
]


class TestConformance(Conformance):
    collectors = AZURE


def part(collected: Collected, kind: str) -> Any:
    return next(each for each in collected.parts if each.kind == f"azure.{kind}")


def test_every_read_is_microsofts_own_in_the_version_we_name() -> None:
    paths = load_spec("azure-arm.mini")["paths"]
    for operation, version in VERSIONS.items():
        method, _, path = operation.partition(" ")
        described = paths[path.replace("{+", "{")][method.lower()]["parameters"]
        versions = next(each for each in described if each["name"] == "api-version")
        assert version in versions["schema"]["enum"], operation
    assert set(SITE.allowed) == set(VERSIONS)


def test_every_type_and_path_of_the_graph_was_found_in_microsofts_own_models() -> None:
    """`documented.csv` names the model of each type, and its page."""
    with (Path(__file__).parent / "documented.csv").open(encoding="utf-8", newline="") as file:
        found = {row["type"]: set(row["paths"].split()) for row in csv.DictReader(file)}
    kinds = [kind for each in AZURE for kind in each.kinds if issubclass(kind, GraphRow)]
    assert {kind.type_name: set(kind.keeps) for kind in kinds} == found


def test_nothing_but_reads_is_asked_for() -> None:
    needed = {permission for each in AZURE for permission in each.permissions}
    assert all(permission.endswith("/read") for permission in needed)


def test_thousands_of_resources_come_in_the_fewest_pages_and_all_are_counted(
    authority: Authority,
) -> None:
    tenant = Tenant(6)
    for sub in range(1, 7):
        tenant.rows += networks(140, sub)
    with serve(tenant) as double:
        collected = collect(connection(double, authority), (network,))
        double.check()
    rows = len(tenant.rows)
    assert rows == 6 * (1 + 3 * 140)
    assert sum(each.collected for each in collected.parts) == rows
    assert all(each.complete for each in collected.parts)
    assert {each.stated for each in collected.parts} == {rows}
    pages = -(-rows // 1000)
    population = 1 + 1 + 6  # subscriptions, what the group holds, and what we may do in each
    assert (pages, len(double.asked(GRAPH))) == (3, 3)
    assert len(double.journal) <= 1.05 * (pages + population)
    assert {resource.scope for resource in collected.resources} == set(tenant.subscriptions)


def test_only_what_checks_need_is_kept(connection: AzureConnection) -> None:
    kept = repr(collect(connection, AZURE).resources)
    assert "primaryEndpoints" not in kept
    assert "sourcePortRange" not in kept


@pytest.mark.parametrize(
    ("answer", "cause", "code"),
    [
        (
            Scripted(403, body={"error": {"code": "AuthorizationFailed"}}),
            Cause.DENIED,
            "AuthorizationFailed",
        ),
        (
            Scripted(
                400,
                body={
                    "error": {
                        "code": "BadRequest",
                        "details": [{"code": "NoValidSubscriptionsInQueryRequest"}],
                    }
                },
            ),
            Cause.DENIED,
            "NoValidSubscriptionsInQueryRequest",
        ),
        (Scripted(400, body={"error": {"code": "BadRequest"}}), Cause.PARTIAL, "BadRequest"),
        (
            Scripted(
                body={"totalRecords": 9, "count": 1, "resultTruncated": "true", "data": []},
            ),
            Cause.PARTIAL,
            "truncated answer without token",
        ),
        (
            Scripted(
                headers={"x-ms-tenant-subscription-limit-hit": "true"},
                body={"totalRecords": 0, "count": 0, "resultTruncated": "false", "data": []},
            ),
            Cause.PARTIAL,
            "more than 10,000 subscriptions",
        ),
        (
            Scripted(
                body={"totalRecords": 7, "count": 0, "resultTruncated": "false", "data": []},
            ),
            Cause.PARTIAL,
            "0 of 7 rows came",
        ),
        (
            Scripted(
                body={
                    "totalRecords": 1,
                    "count": 1,
                    "resultTruncated": "false",
                    "data": [{"id": "/x", "type": "microsoft.other/things"}],
                },
            ),
            Cause.MALFORMED,
            "unexpected answer",
        ),
        (Scripted(body={"rows": []}), Cause.MALFORMED, "unexpected answer"),
    ],
)
def test_what_the_graph_refuses_or_leaves_out_is_told_apart(
    connection: AzureConnection, double: SpecServer, answer: Scripted, cause: Cause, code: str
) -> None:
    double.script(GRAPH, answer)
    unread = part(collect(connection, (storage,)), "storage_account").unread
    assert (unread.cause, unread.code) == (cause, code)


def test_a_graph_that_is_throttled_is_waited_for_by_its_own_clock(
    double: SpecServer, authority: Authority
) -> None:
    spent = {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:04"}
    double.script(GRAPH, Scripted(429, spent, {"error": {"code": "RateLimiting"}}))
    caller = patient_caller()
    target = connection(double, authority).open(caller)
    assert len(list(target.graph(StorageAccount))) == 6 + 1
    assert caller.journal.throttled == 1
    assert isinstance(caller.clock, FakeClock)
    assert 4 <= sum(caller.clock.slept) <= 5


def test_a_page_token_that_comes_twice_is_an_error(
    connection: AzureConnection, double: SpecServer
) -> None:
    page = {"totalRecords": 9, "count": 0, "resultTruncated": "false", "data": []}
    again = Scripted(body={**page, "$skipToken": "same"})
    double.script(GRAPH, again, again)
    unread = part(collect(connection, (storage,)), "storage_account").unread
    assert unread.cause is Cause.MALFORMED


def test_a_next_link_of_arm_that_leads_elsewhere_is_not_followed(
    connection: AzureConnection, double: SpecServer
) -> None:
    link = "https://management.azure.com.evil.example/subscriptions?api-version=2022-12-01"
    page = Scripted(body={"value": [], "nextLink": link})
    double.script(SUBSCRIPTIONS, page, page)
    unread = part(collect(connection, (storage,)), "storage_account").unread
    assert unread.cause is Cause.MALFORMED


def test_a_tenant_without_any_is_complete_and_empty(
    tenant: Tenant, connection: AzureConnection
) -> None:
    tenant.rows = []
    found = part(collect(connection, (storage,)), "storage_account")
    assert (found.complete, found.collected) == (True, 0)


def test_rows_left_out_for_want_of_an_action_are_not_taken_for_none(
    tenant: Tenant, connection: AzureConnection
) -> None:
    dark = subscription(2)
    tenant.granted[dark] = READ_BUT_STORAGE
    found = part(collect(connection, (storage,)), "storage_account")
    assert found.collected == 4
    assert found.unread.cause is Cause.PARTIAL
    assert found.unread.code == "not permitted in 1 of 3 subscriptions"
    assert found.unread.permission == "Microsoft.Storage/storageAccounts/read"


def test_an_action_that_is_missing_everywhere_is_a_refusal_of_that_kind_only(
    tenant: Tenant, connection: AzureConnection
) -> None:
    for number in tenant.subscriptions:
        tenant.granted[number] = READ_BUT_STORAGE
    collected = collect(connection, AZURE)
    unread = part(collected, "storage_account").unread
    assert (unread.cause, unread.code) == (Cause.DENIED, "not permitted in any subscription")
    assert part(collected, "virtual_network").complete
    about = {k: v for k, v in collected.findings().items() if k[0].startswith("azure.storage.")}
    assert {verdict.status for verdict in about.values()} == {Status.UNKNOWN}


def test_a_subscription_that_cannot_be_seen_makes_every_listing_partial(
    tenant: Tenant, connection: AzureConnection
) -> None:
    tenant.hidden.add(subscription(3))
    for each in collect(connection, AZURE).parts:
        assert each.unread, each
        assert each.unread.cause is Cause.PARTIAL
        assert each.unread.code == "1 of 3 subscriptions cannot be seen"
        assert each.unread.permission == SUBSCRIPTION_READ


def test_a_tenant_whose_groups_cannot_be_read_has_no_proven_list_of_subscriptions(
    connection: AzureConnection, double: SpecServer
) -> None:
    denied = Scripted(403, body={"error": {"code": "AuthorizationFailed"}})
    double.script(DESCENDANTS, denied)
    collected = collect(connection, AZURE)
    unread = part(collected, "subscription").unread
    assert (unread.cause, unread.permission) == (Cause.DENIED, DESCENDANTS_READ)
    assert part(collected, "storage_account").complete
    verdicts = {k[0]: v for k, v in collected.findings().items() if k[1]}
    assert verdicts["azure.rbac.owner_count"].status is Status.UNKNOWN
    assert verdicts["azure.subscription.in_management_group"].status is Status.UNKNOWN


def test_a_tenant_of_which_nothing_is_visible_is_not_taken_for_empty(
    tenant: Tenant, connection: AzureConnection, double: SpecServer
) -> None:
    tenant.hidden = set(tenant.subscriptions)
    double.script(DESCENDANTS, Scripted(403, body={"error": {"code": "AuthorizationFailed"}}))
    parts = collect(connection, AZURE).parts
    assert {(each.unread.cause, each.complete) for each in parts if each.unread} == {
        (Cause.DENIED, False)
    }
    assert all(each.unread for each in parts)


def test_a_provider_that_is_not_registered_is_told_from_a_refusal(
    connection: AzureConnection, double: SpecServer
) -> None:
    missing = Scripted(409, body={"error": {"code": "MissingSubscriptionRegistration"}})
    double.data[CONTACTS] = missing
    verdicts = {k[0]: v for k, v in collect(connection, AZURE).findings().items()}
    found = verdicts["azure.defender.security_contact"]
    assert (found.status, found.cause) == (Status.UNKNOWN, Cause.NOT_LICENSED)


def test_keys_come_in_pages_and_no_value_is_ever_asked_for(
    connection: AzureConnection, double: SpecServer
) -> None:
    found = [r for r in collect(connection, (keyvault,)).resources if isinstance(r, KeyVault)]
    assert [len(each.keys) for each in found] == [130] * 3
    assert all("/secrets/" not in asked.path for asked in double.journal)


def test_a_disabled_subscription_is_left_out_and_said(
    tenant: Tenant, connection: AzureConnection
) -> None:
    asleep = subscription(2)
    tenant.subscriptions[asleep] = "Disabled"
    collected = collect(connection, (storage,))
    assert collected.left_out == {f"subscriptions/{asleep}": "state Disabled"}
    assert part(collected, "storage_account").complete
    assert asleep not in {resource.scope for resource in collected.resources}


def test_another_tenants_subscriptions_are_not_this_targets(
    tenant: Tenant, connection: AzureConnection
) -> None:
    row = storage_account(77, 900)
    tenant.rows.append(row)
    collected = collect(connection, (storage,))
    assert row["id"].lower() not in {resource.id for resource in collected.resources}


def test_a_management_group_is_asked_for_alone(
    tenant: Tenant, double: SpecServer, authority: Authority
) -> None:
    declared = connection(double, authority, management_group="production")
    collected = collect(declared, (storage,))
    assert part(collected, "storage_account").scope == "managementGroups/production"
    assert [asked.body["managementGroups"] for asked in double.asked(GRAPH)] == [["production"]]
    assert [asked.names for asked in double.asked(DESCENDANTS)] == [{"groupId": "production"}]
    assert len(double.asked(PERMISSIONS)) == len(tenant.subscriptions)


def test_it_says_who_reads_and_refuses_a_credential_of_another_tenant(
    connection: AzureConnection, double: SpecServer
) -> None:
    identity = connection.open(eager_caller()).identify()
    assert identity.subject == f"{TENANT}/tenants/{TENANT}"
    assert re.fullmatch(r"app [0-9a-f-]{36}", identity.principal)
    with Authority(tid="00000000-9999-0000-0000-000000000000") as other:
        sign_in = other.sign_in(client_secret=lambda: "s")
        target = AzureConnection("acme", sign_in, base_url=double.url).open(eager_caller())
        with pytest.raises(CallError, match="belongs to tenant 0000") as refused:
            target.identify()
    assert refused.value.cause is Cause.DENIED


def test_a_refused_token_is_unknown_everywhere(double: SpecServer) -> None:
    with Authority() as authority:
        authority.failures = [(401, {"error_description": "AADSTS7000222: expired"})] * 99
        target = connection(double, authority).open(eager_caller())
        with pytest.raises(CallError) as refused:
            list(target.graph(StorageAccount))
    assert refused.value.code == "AADSTS7000222"
    assert double.journal == []


def test_the_company_of_these_tests_has_something_of_every_kind(
    connection: AzureConnection,
) -> None:
    kinds = {resource.kind for resource in collect(connection, AZURE).resources}
    listed = {kind.kind for each in AZURE for kind in each.kinds}
    rare = {"azure.firewall_policy", "azure.application_gateway", "azure.waf_policy"}
    assert listed - kinds <= rare
    assert company().rows
