"""The devices of a tenant: 1,100 of four systems, twelve policies, 1,050 programs."""

from __future__ import annotations

from typing import Any

from collectors.intune import IntuneConnection
from tests.graph import serve
from tests.microsoft import SECRET, Authority
from tests.spec_server import SpecServer

DEVICES = "GET /v1.0/deviceManagement/managedDevices"
OVERVIEW = "GET /v1.0/deviceManagement/managedDeviceOverview"
APPS = "GET /v1.0/deviceManagement/detectedApps"
COMPLIANCE = "GET /v1.0/deviceManagement/deviceCompliancePolicies"
CONFIGURATIONS = "GET /v1.0/deviceManagement/deviceConfigurations"
KEYS = "GET /v1.0/informationProtection/bitlocker/recoveryKeys"

SINCE = "2025-03-01T08:00:00Z"
USED = "2026-11-23T08:00:00Z"
SYSTEMS = (("Windows", "10.0.26100.2033"), ("macOS", "15.1"), ("iOS", "18.1"), ("Android", "15"))
EVERYONE = "#microsoft.graph.allDevicesAssignmentTarget"
GROUP = "#microsoft.graph.groupAssignmentTarget"
EXCLUDED = "#microsoft.graph.exclusionGroupAssignmentTarget"


def device(number: int, **changed: Any) -> dict[str, Any]:
    """A device, with all that we do not want to know."""
    system, version = SYSTEMS[number % 4]
    return {
        "id": f"d-{number}",
        "deviceName": f"ACME-{number:05}",
        "operatingSystem": system,
        "osVersion": version,
        "complianceState": "noncompliant" if number % 40 == 39 else "compliant",
        "complianceGracePeriodExpirationDateTime": "9999-12-31T23:59:59Z",
        "isEncrypted": number % 60 != 59,
        "jailBroken": "False",
        "lastSyncDateTime": "2026-08-01T08:00:00Z" if number % 70 == 69 else USED,
        "enrolledDateTime": SINCE,
        "managedDeviceOwnerType": "company",
        "managementAgent": "mdm",
        "azureADDeviceId": f"aad-{number}",
        "userDisplayName": f"Per Son {number}",
        "phoneNumber": "+49 170 0000000",
        "imei": "350000000000000",
        "serialNumber": f"SN{number}",
        **changed,
    }


def assigned(*targets: str) -> list[dict[str, Any]]:
    """Assignments to kinds of targets."""
    return [
        {"id": f"as-{number}", "target": {"@odata.type": each}}
        for number, each in enumerate(targets)
    ]


def compliance(kind: str, *targets: str, hours: int | None = 24, **rules: Any) -> dict[str, Any]:
    """A compliance policy of a kind (`windows10`)."""
    steps = [{"id": "s-1", "actionType": "notification", "gracePeriodHours": 0}]
    if hours is not None:
        steps.append({"id": "s-2", "actionType": "block", "gracePeriodHours": hours})
    return {
        "@odata.type": f"#microsoft.graph.{kind}CompliancePolicy",
        "id": f"c-{kind}",
        "displayName": f"Rules for {kind}",
        "createdDateTime": SINCE,
        "lastModifiedDateTime": SINCE,
        "version": 3,
        "assignments": assigned(*(targets or (EVERYONE,))),
        "scheduledActionsForRule": [
            {"id": "r-1", "ruleName": None, "scheduledActionConfigurations": steps}
        ],
        **rules,
    }


def configuration(kind: str, *targets: str, **settings: Any) -> dict[str, Any]:
    """A device configuration of a kind."""
    return {
        "@odata.type": f"#microsoft.graph.{kind}",
        "id": f"k-{kind}",
        "displayName": f"Settings of {kind}",
        "createdDateTime": SINCE,
        "lastModifiedDateTime": SINCE,
        "version": 2,
        "assignments": assigned(*(targets or (EVERYONE,))),
        **settings,
    }


RULES: dict[str, dict[str, Any]] = {
    "windows10": {
        "bitLockerEnabled": True,
        "passwordRequired": True,
        "passwordMinutesOfInactivityBeforeLock": 10,
        "osMinimumVersion": "10.0.22631",
    },
    "macOS": {
        "storageRequireEncryption": True,
        "passwordRequired": True,
        "passwordMinutesOfInactivityBeforeLock": 10,
        "osMinimumVersion": "14.0",
        "firewallEnabled": True,
    },
    "ios": {
        "passcodeRequired": True,
        "passcodeMinutesOfInactivityBeforeLock": 5,
        "osMinimumVersion": "17.0",
    },
    "android": {
        "storageRequireEncryption": True,
        "passwordRequired": True,
        "passwordMinutesOfInactivityBeforeLock": 5,
        "osMinimumVersion": "14",
    },
}
ON = {"firewallEnabled": "allowed"}
FIREWALL = {
    "firewallProfileDomain": ON,
    "firewallProfilePrivate": ON,
    "firewallProfilePublic": ON,
}


def app(number: int, **changed: Any) -> dict[str, Any]:
    """Software that was found."""
    return {
        "id": f"app-{number}",
        "displayName": f"Program {number}",
        "version": "1.0",
        "publisher": "Acme",
        "platform": "windows",
        "deviceCount": number,
        "sizeInByte": 1000,
        **changed,
    }


def key(number: int) -> dict[str, Any]:
    """A recovery key, with what is never to be asked for."""
    return {
        "id": f"key-{number}",
        "createdDateTime": SINCE,
        "deviceId": f"aad-{number % 1100}",
        "volumeType": "operatingSystemVolume",
        "key": "canary-recovery-key",
    }


def tenant(devices: int = 1100) -> SpecServer:
    """The tenant; enter it to serve."""
    endpoint = configuration(
        "windows10EndpointProtectionConfiguration",
        appLockerApplicationControl="enforceComponentsAndStoreApps",
        bitLockerRemovableDrivePolicy={"requireEncryptionForWriteAccess": True},
        **FIREWALL,
    )
    ring = configuration("windowsUpdateForBusinessConfiguration", deadlineForQualityUpdatesInDays=7)
    return serve(
        {
            DEVICES: [device(number) for number in range(devices)],
            OVERVIEW: {"id": "overview", "enrolledDeviceCount": devices},
            APPS: [app(number) for number in range(1050)],
            COMPLIANCE: [compliance(kind, **rules) for kind, rules in RULES.items()],
            CONFIGURATIONS: [endpoint, ring],
            KEYS: [key(number) for number in range(0, 1100, 4)],
        }
    )


def connection(double: SpecServer, authority: Authority) -> IntuneConnection:
    """The tenant as it is declared."""
    sign_in = authority.sign_in(client_secret=lambda: SECRET)
    return IntuneConnection("acme", sign_in, double.url)
