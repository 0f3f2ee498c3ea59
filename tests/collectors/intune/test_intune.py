"""Microsoft Intune: verdicts, and the calls behind them."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, ClassVar

import pytest

from collectors import Cause, Collector, Status, Unread, catalog
from collectors.intune import IntuneConnection
from collectors.intune import devices as d
from collectors.intune import policies as p
from collectors.intune.site import KEYS as KEYS_READ
from collectors.intune.site import NEEDS, SITE
from collectors.testing import Collected, Conformance, collect, judge
from tests.collectors.intune.double import (
    APPS,
    COMPLIANCE,
    CONFIGURATIONS,
    DEVICES,
    EVERYONE,
    EXCLUDED,
    FIREWALL,
    GROUP,
    KEYS,
    RULES,
    app,
    compliance,
    configuration,
    connection,
    device,
)
from tests.collectors.refusals import Refusals, needed
from tests.graph import DENIED, INTUNE_DENIED, NO_INTUNE
from tests.microsoft import TENANT, Authority
from tests.spec_server import SPECS, Asked, Scripted, SpecServer, operations

INTUNE = catalog(plugins=False).of("intune")
LEAST = ("Windows 10.0.22631", "macOS 14.0", "iOS 17.0", "Android 14")
PASS, FAIL, UNKNOWN, NONE = Status.PASS, Status.FAIL, Status.UNKNOWN, Status.NOT_APPLICABLE


class TestConformance(Conformance):
    collectors = INTUNE
    bound: ClassVar[Any] = {
        "intune.devices.os_supported": {"least": LEAST},
        "intune.apps.detected_software_approved": {"forbidden": ("Program 7",)},
    }


def part(collected: Collected, kind: str) -> Any:
    return next(each for each in collected.parts if each.kind == f"intune.{kind}")


def test_every_read_is_microsofts_and_its_permission_suffices() -> None:
    assert set(NEEDS) <= operations("msgraph-v1.0")
    documented = json.loads((SPECS / "msgraph-app-permissions.json").read_text())["paths"]
    for operation, permission in NEEDS.items():
        path = documented[operation.removeprefix("GET ")]
        assert permission in [*path["least"], *path["also"]], operation


def test_1100_devices_come_in_the_fewest_calls(double: SpecServer, authority: Authority) -> None:
    collected = collect(connection(double, authority), INTUNE)
    assert collected.defects == []
    assert [each.unread for each in collected.parts if each.unread] == []
    assert part(collected, "device").collected == 1100
    assert part(collected, "detected_app").collected == 1050
    assert part(collected, "recovery_keys").collected == 275
    keys = 3  # a hundred on a page, as Graph gives them by itself
    assert len(double.journal) == 2 + 2 + keys + 3
    kept = repr(collected.resources)
    for unwanted in ("canary", "phoneNumber", "imei", "userDisplayName", "serialNumber"):
        assert unwanted not in kept
    assert all("key" not in asked.query["$select"].split(",") for asked in double.asked(KEYS))
    assert double.asked(KEYS)[0].headers["ocp-client-name"] == "annexa"


def test_the_fleet_of_the_double_passes_what_it_was_made_to_pass(
    connection: IntuneConnection,
) -> None:
    findings = collect(connection, INTUNE).findings()
    fleet = {check: each for (check, resource), each in findings.items() if resource == TENANT}
    assert {check for check, each in fleet.items() if each.status is not PASS} == set(), fleet
    assert len(fleet) == 6


def of(kind: str) -> tuple[Collector, ...]:
    return tuple(each for each in INTUNE if f"intune.{kind}" in {k.kind for k in each.kinds})


LISTED = {
    "device": DEVICES,
    "detected_app": APPS,
    "compliance_policy": COMPLIANCE,
    "configuration": CONFIGURATIONS,
    "recovery_keys": KEYS,
}


@pytest.mark.parametrize("kind", LISTED)
@pytest.mark.parametrize(
    ("answer", "cause", "code"),
    [
        (INTUNE_DENIED, Cause.DENIED, "Forbidden"),
        (NO_INTUNE, Cause.NOT_LICENSED, "no Intune"),
        (Scripted(400, body={"error": {"code": "BadRequest"}}), Cause.PARTIAL, "BadRequest"),
        (Scripted(raw=b'{"value": ['), Cause.MALFORMED, "unexpected answer"),
    ],
)
def test_denied_not_licensed_and_broken_are_told_apart(
    connection: IntuneConnection,
    double: SpecServer,
    kind: str,
    answer: Scripted,
    cause: Cause,
    code: str,
) -> None:
    double.script(LISTED[kind], answer)
    unread = part(collect(connection, of(kind)), kind).unread
    assert (unread.cause, unread.code) == (cause, code)
    assert unread.permission == (NEEDS[LISTED[kind]] if cause is Cause.DENIED else "")


@pytest.mark.parametrize("kind", LISTED)
def test_empty_is_complete(connection: IntuneConnection, double: SpecServer, kind: str) -> None:
    double.data[LISTED[kind]] = []
    found = part(collect(connection, of(kind)), kind)
    assert (found.complete, found.collected) == (True, 0)


def test_a_page_that_is_throttled_or_cut_off_is_read_again(
    connection: IntuneConnection, double: SpecServer
) -> None:
    slow = Scripted(429, {"Retry-After": "0"}, {"error": {"code": "TooManyRequests"}})
    double.script(DEVICES, slow, Scripted(body={"value": []}, cut=True))
    found = part(collect(connection, of("device")), "device")
    assert (found.complete, found.collected) == (True, 80)
    assert len(double.asked(DEVICES)) == 3


def test_a_next_link_elsewhere_is_not_followed(
    connection: IntuneConnection, double: SpecServer
) -> None:
    link = "https://graph.microsoft.com.evil.example/v1.0/deviceManagement/managedDevices"
    double.script(DEVICES, Scripted(body={"value": [device(1)], "@odata.nextLink": link}))
    unread = part(collect(connection, of("device")), "device").unread
    assert unread.cause is Cause.MALFORMED


def a_device(number: int = 0, **changed: Any) -> d.Device:
    row = device(number, **changed)
    return d.Device(id=row["id"], listed=row)


LONG_AGO = "2026-08-01T00:00:00Z"
KEPT = d.RecoveryKeys(id="aad-0", listed={"keys": [{"id": "k"}]})

VERDICTS: list[tuple[Any, d.Device, Status]] = [
    (d.compliant, a_device(), PASS),
    (d.compliant, a_device(complianceState="noncompliant"), FAIL),
    (d.compliant, a_device(complianceState="conflict"), FAIL),
    (d.compliant, a_device(complianceState="inGracePeriod"), PASS),
    (d.compliant, a_device(complianceState="configManager"), NONE),
    (d.compliant, a_device(complianceState="unknown"), UNKNOWN),
    (d.compliant, a_device(complianceState="somethingNew"), UNKNOWN),
    (d.compliant, a_device(lastSyncDateTime=LONG_AGO), UNKNOWN),
    (d.compliant, a_device(lastSyncDateTime=None), UNKNOWN),
    (d.encrypted, a_device(), PASS),
    (d.encrypted, a_device(isEncrypted=False), FAIL),
    (d.encrypted, a_device(isEncrypted=None), UNKNOWN),
    (d.recovery_keys_escrowed, a_device(1), NONE),
    (d.recovery_keys_escrowed, a_device(managedDeviceOwnerType="personal"), NONE),
    (d.recovery_keys_escrowed, a_device(isEncrypted=False), NONE),
    (d.recovery_keys_escrowed, a_device(), FAIL),
    (d.stale_devices, a_device(), PASS),
    (d.stale_devices, a_device(lastSyncDateTime=LONG_AGO), FAIL),
    (d.not_jailbroken, a_device(), NONE),
    (d.not_jailbroken, a_device(2), PASS),
    (d.not_jailbroken, a_device(3, operatingSystem="AndroidEnterprise"), PASS),
    (d.not_jailbroken, a_device(2, jailBroken="True"), FAIL),
    (d.not_jailbroken, a_device(2, jailBroken="Unknown"), UNKNOWN),
    (d.not_jailbroken, a_device(2, jailBroken="somethingNew"), UNKNOWN),
    (d.os_supported, a_device(), UNKNOWN),
]


@pytest.mark.parametrize(("check", "found", "status"), VERDICTS)
def test_each_question_about_a_device_has_its_outcomes(
    check: Any, found: d.Device, status: Status
) -> None:
    assert judge(check, found).status is status


def test_a_kept_key_is_enough_and_belongs_to_its_device() -> None:
    assert judge(d.recovery_keys_escrowed, a_device(), KEPT).status is PASS
    other = a_device(azureADDeviceId="aad-9")
    assert judge(d.recovery_keys_escrowed, other, KEPT).status is FAIL


@pytest.mark.parametrize(
    ("system", "version", "status"),
    [
        ("Windows", "10.0.26100.2033", PASS),
        ("Windows", "10.0.22631", PASS),
        ("Windows", "10.0.22631.0", PASS),
        ("Windows", "10.0.9200", FAIL),
        ("macOS", "13.7.1 (22H221)", FAIL),
        ("macOS", "14", PASS),
        ("ChromeOS", "120.0", UNKNOWN),
        ("Windows", "unknown", UNKNOWN),
    ],
)
def test_versions_are_compared_as_numbers(system: str, version: str, status: Status) -> None:
    found = a_device(operatingSystem=system, osVersion=version)
    assert judge(d.os_supported, found, least=LEAST).status is status


FLEET = p.Fleet(id=TENANT, listed={})


def rules(kind: str, *targets: str, **changed: Any) -> p.CompliancePolicy:
    row = compliance(kind, *targets, **{**RULES.get(kind, {}), **changed})
    steps = row["scheduledActionsForRule"][0]["scheduledActionConfigurations"]
    to = [each["target"]["@odata.type"] for each in row["assignments"]]
    return p.CompliancePolicy(id=row["id"], listed={**row, "targets": to, "actions": steps})


def settings(kind: str, *targets: str, **given: Any) -> p.Configuration:
    row = configuration(kind, *targets, **given)
    to = [each["target"]["@odata.type"] for each in row["assignments"]]
    return p.Configuration(id=row["id"], listed={**row, "targets": to})


def fleet(check: Any, *others: Any, **bound: Any) -> Status:
    return judge(check, FLEET, *others, **bound).status


def test_every_system_of_the_fleet_is_under_rules() -> None:
    check, windows, mac = p.compliance_policy_assigned, a_device(0), a_device(1)
    assert fleet(check, windows, rules("windows10")) is PASS
    assert fleet(check, windows, mac, rules("windows10")) is FAIL
    assert fleet(check, windows, mac, rules("windows10"), rules("macOS")) is PASS
    assert fleet(check, windows, rules("windows10", GROUP)) is FAIL
    assert fleet(check, windows, rules("windows10", EVERYONE, EXCLUDED)) is FAIL
    assert fleet(check, windows, rules("windows10", bitLockerEnabled=False)) is FAIL
    assert fleet(check, windows, rules("windows10", osMinimumVersion=None)) is FAIL
    assert fleet(check, windows) is FAIL
    assert fleet(check, rules("windows10")) is NONE
    assert fleet(check, a_device(2), rules("ios")) is PASS


@pytest.mark.parametrize(
    ("policy", "status"),
    [
        (rules("windows10"), PASS),
        (rules("windows10", hours=720), FAIL),
        (rules("windows10", hours=None), FAIL),
        (rules("windows10", EXCLUDED), NONE),
        (rules("windows10", GROUP), PASS),
    ],
)
def test_devices_that_break_the_rules_are_marked(
    policy: p.CompliancePolicy, status: Status
) -> None:
    assert judge(p.noncompliant_blocked, policy).status is status


ENDPOINT = "windows10EndpointProtectionConfiguration"
GENERAL = "windows10GeneralConfiguration"
RING = "windowsUpdateForBusinessConfiguration"
HALF = {**FIREWALL, "firewallProfilePublic": {"firewallEnabled": "notConfigured"}}
DRIVES = {"requireEncryptionForWriteAccess": True}

FLEET_VERDICTS: list[tuple[Any, Any, Status]] = [
    (p.screen_lock, rules("windows10"), PASS),
    (p.screen_lock, rules("windows10", passwordMinutesOfInactivityBeforeLock=60), UNKNOWN),
    (p.screen_lock, settings(GENERAL, passwordMinutesOfInactivityBeforeScreenTimeout=5), PASS),
    (p.removable_storage_blocked, settings(GENERAL, storageBlockRemovableStorage=True), PASS),
    (p.removable_storage_blocked, settings(ENDPOINT, bitLockerRemovableDrivePolicy=DRIVES), PASS),
    (p.removable_storage_blocked, settings(GENERAL), UNKNOWN),
    (
        p.removable_storage_blocked,
        settings(GENERAL, GROUP, storageBlockRemovableStorage=True),
        UNKNOWN,
    ),
    (p.firewall_enabled, settings(ENDPOINT, **FIREWALL), PASS),
    (p.firewall_enabled, settings(ENDPOINT, **HALF), UNKNOWN),
    (
        p.application_control,
        settings(ENDPOINT, appLockerApplicationControl="enforceComponentsAndStoreApps"),
        PASS,
    ),
    (
        p.application_control,
        settings(ENDPOINT, appLockerApplicationControl="auditComponentsAndStoreApps"),
        UNKNOWN,
    ),
    (p.update_rings_assigned, settings(RING, deadlineForQualityUpdatesInDays=7), PASS),
    (p.update_rings_assigned, settings(RING, deadlineForQualityUpdatesInDays=30), FAIL),
    (p.update_rings_assigned, settings(RING), FAIL),
    (p.update_rings_assigned, settings(RING, GROUP, deadlineForQualityUpdatesInDays=7), FAIL),
]


@pytest.mark.parametrize(("check", "policy", "status"), FLEET_VERDICTS)
def test_what_only_the_settings_catalogue_could_do_is_unknown_never_a_failure(
    check: Any, policy: Any, status: Status
) -> None:
    assert fleet(check, a_device(), policy) is status
    assert fleet(check, policy) is NONE


def test_forbidden_software_is_found_by_its_name() -> None:
    def status(row: dict[str, Any]) -> Status:
        found = p.DetectedApp(id="a", listed=row)
        check = p.detected_software_approved
        return judge(check, found, forbidden=("TeamViewer", "µTorrent")).status

    assert status(app(1)) is PASS
    assert status(app(1, displayName="teamviewer 15 Host")) is FAIL
    assert status(app(1, displayName=None)) is UNKNOWN
    found = p.DetectedApp(id="a", listed=app(1))
    assert judge(p.detected_software_approved, found).cause is Cause.CRITERION_MISSING


def test_an_unread_list_of_policies_settles_nothing(
    connection: IntuneConnection, double: SpecServer
) -> None:
    double.script(CONFIGURATIONS, INTUNE_DENIED)
    findings = collect(connection, INTUNE).findings()
    ring = findings["intune.policy.update_rings_assigned", TENANT]
    assert (ring.status, ring.cause) == (UNKNOWN, Cause.DENIED)
    assert Unread("Forbidden", NEEDS[CONFIGURATIONS]).because == ring.because


def test_permissions_refused_each_in_turn_and_a_third_at_once_give_only_unknowns(
    connection: IntuneConnection, double: SpecServer
) -> None:
    def refuse(lost: Collection[str]) -> None:
        def answer(asked: Asked) -> Scripted | None:
            needs = needed(SITE, NEEDS, asked)
            return (DENIED if needs == KEYS_READ else INTUNE_DENIED) if needs in lost else None

        double.refuse = answer

    bound = TestConformance.bound
    Refusals(lambda: collect(connection, INTUNE), refuse, bound=bound).give_only_unknowns()
