"""Microsoft Intune: are the devices encrypted, up to date, unbroken, and still there?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import zip_longest
from typing import Final

from collectors import (
    Cause,
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
    unknown,
)
from collectors.graph import GraphTarget, Row, kept
from collectors.intune.site import DEVICES, KEYS

devices = Collector("intune.devices", title="Devices Intune manages", reads_from="managedDevices")
keys = Collector("intune.keys", title="Recovery keys kept by Entra", reads_from="recoveryKeys")

SELECTED: Final = (
    "id",
    "deviceName",
    "operatingSystem",
    "osVersion",
    "complianceState",
    "complianceGracePeriodExpirationDateTime",
    "isEncrypted",
    "jailBroken",
    "lastSyncDateTime",
    "enrolledDateTime",
    "managedDeviceOwnerType",
    "managementAgent",
    "azureADDeviceId",
)
STATES: Final = frozenset(
    {
        "unknown",
        "compliant",
        "noncompliant",
        "conflict",
        "error",
        "inGracePeriod",
        "configManager",
    }
)
PHONES: Final = frozenset({"ios", "ipados", "android"})


class Device(Resource[Row], kind="intune.device"):
    """A device that Intune manages: no name, number or address of a person is read."""

    volatile = ("listed.lastSyncDateTime",)

    @property
    def system(self) -> str:
        """Its operating system, in small letters; all of Android is one."""
        name = str(self.listed.get("operatingSystem") or "").lower()
        return "android" if name.startswith("android") else name


class RecoveryKeys(Resource[Row], kind="intune.recovery_keys"):
    """That recovery keys are kept for a device; the keys themselves are never asked for.

    Its id is the device's in Entra.
    """


@devices.resources(Device, permission=DEVICES)
def managed_devices(target: GraphTarget) -> Iterator[Device]:
    """Every device that is enrolled."""
    for row in target.rows("GET /v1.0/deviceManagement/managedDevices", select=SELECTED):
        yield Device(id=row["id"], listed=kept(row, *SELECTED[1:]))


@keys.resources(RecoveryKeys, permission=KEYS)
def recovery_keys(target: GraphTarget) -> Iterator[RecoveryKeys]:
    """Every BitLocker key that is kept, by device: since when, and for which volume."""
    select = ("id", "createdDateTime", "deviceId", "volumeType")
    path = "GET /v1.0/informationProtection/bitlocker/recoveryKeys"
    found: dict[str, list[Row]] = {}
    for row in target.rows(path, select=select, top=None):
        found.setdefault(row["deviceId"], []).append(kept(row, "id", *select[1::2]))
    for device, held in found.items():
        yield RecoveryKeys(id=device, listed={"keys": sorted(held, key=lambda each: each["id"])})


@devices.check(
    Device,
    "high",
    remediation="See in Intune which rule the device breaks, and repair or retire it.",
)
def compliant(device: Device, scene: Scene, *, fresh: int = criterion(30, "days")) -> Verdict:
    """Devices keep the rules of their policies, or are within their grace period."""
    state = device.listed.get("complianceState")
    if state not in STATES:
        raise MalformedError("complianceState has a value we do not know")
    if state == "configManager":
        return not_applicable("judged by Configuration Manager")
    seen = moment(device.listed.get("lastSyncDateTime"))
    if scene.at - seen > timedelta(days=fresh):
        words = f"last seen {seen.date()}, limit {fresh} days: its state is too old to count"
        return unknown(Cause.PARTIAL, words)
    if state == "unknown":
        return unknown(Cause.PARTIAL, "not judged yet")
    if state == "inGracePeriod":
        until = moment(device.listed.get("complianceGracePeriodExpirationDateTime"))
        return passes(f"in its grace period until {until.date()}")
    return passes() if state == "compliant" else fails(f"its state is {state}")


@devices.check(
    Device,
    "critical",
    remediation="Encrypt the device, and require encryption by a policy that blocks without it.",
)
def encrypted(device: Device, scene: Scene) -> Verdict:
    """The storage of every device is encrypted."""
    del scene
    given = device.listed.get("isEncrypted")
    if not isinstance(given, bool):
        raise MalformedError("the device does not say isEncrypted")
    return passes() if given else fails("not encrypted, or not reported as such")


@devices.check(
    Device,
    "medium",
    remediation="Have the device store its BitLocker key in Entra, by a policy.",
    also=(RecoveryKeys,),
)
def recovery_keys_escrowed(device: Device, scene: Scene) -> Verdict:
    """A recovery key is kept for every encrypted Windows device of the company."""
    if device.system != "windows":
        return not_applicable("no Windows device")
    if device.listed.get("managedDeviceOwnerType") != "company":
        return not_applicable("not the company's")
    if device.listed.get("isEncrypted") is not True:
        return not_applicable("not encrypted")
    found = scene.one(RecoveryKeys, str(device.listed.get("azureADDeviceId")))
    return passes() if found else fails("no recovery key is kept")


def _version(text: str) -> tuple[int, ...]:
    """A version's numbers.

    Raises:
        MalformedError: it has none.
    """
    numbers = text.strip().partition(" ")[0].split(".")
    if not all(number.isdigit() for number in numbers):
        raise MalformedError("the version of the operating system is no version")
    return tuple(int(number) for number in numbers)


def _older(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    pairs = list(zip_longest(one, other, fillvalue=0))
    return [left for left, _ in pairs] < [right for _, right in pairs]


@devices.check(
    Device,
    "high",
    remediation="Update the operating system, or retire the device.",
)
def os_supported(
    device: Device,
    scene: Scene,
    *,
    least: tuple[str, ...] = criterion("systems with their least version, `Windows 10.0.22631`"),
) -> Verdict:
    """The operating system is not older than the least version that is supported."""
    del scene
    named = {words.rpartition(" ")[0].lower(): words.rpartition(" ")[2] for words in least}
    if device.system not in named:
        words = f"the criterion names no version for {device.listed.get('operatingSystem')}"
        return unknown(Cause.CRITERION_MISSING, words)
    has, needs = str(device.listed.get("osVersion")), named[device.system]
    if _older(_version(has), _version(needs)):
        return fails(f"version {has}, least {needs}")
    return passes(f"version {has}")


@devices.check(
    Device,
    "medium",
    remediation="Find the device, or retire it.",
)
def stale_devices(device: Device, scene: Scene, *, silent: int = criterion(30, "days")) -> Verdict:
    """Every device reports to Intune."""
    seen = moment(device.listed.get("lastSyncDateTime"))
    if scene.at - seen > timedelta(days=silent):
        return fails(f"last seen {seen.date()}, limit {silent} days")
    return passes()


@devices.check(
    Device,
    "high",
    remediation="Wipe the device, and block broken ones by a policy.",
)
def not_jailbroken(device: Device, scene: Scene) -> Verdict:
    """No phone or tablet had its protection removed."""
    del scene
    if device.system not in PHONES:
        return not_applicable("neither phone nor tablet")
    state = str(device.listed.get("jailBroken")).lower()
    if state == "unknown":
        return unknown(Cause.PARTIAL, "not reported yet")
    if state not in {"true", "false"}:
        raise MalformedError("jailBroken has a value we do not know")
    return passes() if state == "false" else fails("its protection was removed")
