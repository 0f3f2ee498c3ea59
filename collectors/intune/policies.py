"""Microsoft Intune: is each kind of device under the policies it needs?

Graph v1.0 knows no policies of the settings catalogue. Where one of those could do what no other
policy does, the answer is unknown, not a failure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from collectors import (
    Cause,
    Collector,
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.graph import GraphTarget, Row, kept
from collectors.intune.devices import Device
from collectors.intune.site import CONFIGURATION, DEVICES

policy = Collector("intune.policy", title="Intune policies", reads_from="deviceManagement")
apps = Collector("intune.apps", title="Software Intune found", reads_from="detectedApps")

EVERYBODY: Final = frozenset(
    {
        "#microsoft.graph.allDevicesAssignmentTarget",
        "#microsoft.graph.allLicensedUsersAssignmentTarget",
    }
)
EXCLUSION: Final = "#microsoft.graph.exclusionGroupAssignmentTarget"

SYSTEMS: Final = {
    "windows": ("windows10", "windows81", "windowsUpdate", "windowsPhone"),
    "macos": ("macOS",),
    "ios": ("ios",),
    "ipados": ("ios",),
    "android": ("android", "aosp"),
}
"""How the types of policies for an operating system begin."""

SETTINGS: Final = (
    "@odata.type",
    "displayName",
    "bitLockerEnabled",
    "storageRequireEncryption",
    "osMinimumVersion",
    "passwordRequired",
    "passcodeRequired",
    "passwordMinutesOfInactivityBeforeLock",
    "passcodeMinutesOfInactivityBeforeLock",
    "passwordMinutesOfInactivityBeforeScreenTimeout",
    "passcodeMinutesOfInactivityBeforeScreenTimeout",
    "firewallEnabled",
    "firewallProfileDomain",
    "firewallProfilePrivate",
    "firewallProfilePublic",
    "storageBlockRemovableStorage",
    "bitLockerRemovableDrivePolicy",
    "appLockerApplicationControl",
    "deadlineForQualityUpdatesInDays",
)
LOCKS: Final = (
    "passwordMinutesOfInactivityBeforeLock",
    "passcodeMinutesOfInactivityBeforeLock",
    "passwordMinutesOfInactivityBeforeScreenTimeout",
    "passcodeMinutesOfInactivityBeforeScreenTimeout",
)


class Fleet(Resource[Row], kind="intune.fleet"):
    """All devices that Intune manages, as one."""

    volatile = ("listed.enrolledDeviceCount",)


class Policy(Resource[Row], kind="intune.policy"):
    """A compliance policy or a device configuration; of its settings those that checks read."""

    @property
    def form(self) -> str:
        """Its type without what all types have."""
        return str(self.listed.get("@odata.type") or "").removeprefix("#microsoft.graph.")

    @property
    def targets(self) -> frozenset[str]:
        """The kinds of whom it is assigned to."""
        return frozenset(self.listed["targets"])

    @property
    def for_all(self) -> bool:
        """Whether it is assigned to all devices or all people, without exception."""
        return bool(self.targets & EVERYBODY) and EXCLUSION not in self.targets

    def suits(self, system: str) -> bool:
        """Whether it is a policy for an operating system."""
        return self.form.startswith(SYSTEMS.get(system, ("?",)))


class CompliancePolicy(Policy, kind="intune.compliance_policy"):
    """A compliance policy: rules that devices keep, and what happens when one does not."""


class Configuration(Policy, kind="intune.configuration"):
    """A configuration that is set on devices."""


class DetectedApp(Resource[Row], kind="intune.detected_app"):
    """Software that was found on devices."""

    volatile = ("listed.deviceCount",)


def _targets(row: Mapping[str, Any]) -> list[str]:
    found = ((each.get("target") or {}).get("@odata.type") for each in row.get("assignments") or ())
    return sorted({str(each) for each in found})


@policy.resources(Fleet, permission=DEVICES)
def fleet(target: GraphTarget) -> Iterator[Fleet]:
    """The one fleet of the tenant."""
    answer = target.get("GET /v1.0/deviceManagement/managedDeviceOverview")
    yield Fleet(id=target.tenant, listed=kept(answer, "enrolledDeviceCount"))


@policy.resources(CompliancePolicy, permission=CONFIGURATION)
def compliance_policies(target: GraphTarget) -> Iterator[CompliancePolicy]:
    """Every compliance policy, with its assignments and what it does to devices."""
    actions = "scheduledActionsForRule($expand=scheduledActionConfigurations)"
    query = {"$expand": f"assignments,{actions}"}
    path = "GET /v1.0/deviceManagement/deviceCompliancePolicies"
    for row in target.rows(path, top=None, query=query):
        steps = [
            kept(step, "actionType", "gracePeriodHours")
            for rule in row.get("scheduledActionsForRule") or ()
            for step in rule.get("scheduledActionConfigurations") or ()
        ]
        listed = {**kept(row, *SETTINGS), "targets": _targets(row), "actions": steps}
        yield CompliancePolicy(id=row["id"], listed=listed)


@policy.resources(Configuration, permission=CONFIGURATION)
def configurations(target: GraphTarget) -> Iterator[Configuration]:
    """Every device configuration, with its assignments."""
    path = "GET /v1.0/deviceManagement/deviceConfigurations"
    for row in target.rows(path, top=None, query={"$expand": "assignments"}):
        yield Configuration(id=row["id"], listed={**kept(row, *SETTINGS), "targets": _targets(row)})


@apps.resources(DetectedApp, permission=DEVICES)
def detected_apps(target: GraphTarget) -> Iterator[DetectedApp]:
    """All software that was found on devices."""
    select = ("id", "displayName", "version", "publisher", "platform", "deviceCount")
    for row in target.rows("GET /v1.0/deviceManagement/detectedApps", select=select):
        yield DetectedApp(id=row["id"], listed=kept(row, *select[1:]))


RING: Final = "windowsUpdateForBusinessConfiguration"

Serves = Callable[[Policy], bool]


def _systems(scene: Scene) -> list[str]:
    """The operating systems of the fleet that there are policies for."""
    return sorted({device.system for device in scene.all(Device)} & SYSTEMS.keys())


def _without(systems: list[str], found: list[Policy], serves: Serves) -> list[str]:
    """The operating systems for which no policy that all of them get does it."""
    good = [each for each in found if each.for_all and serves(each)]
    return [system for system in systems if not any(each.suits(system) for each in good)]


def _covered(systems: list[str], found: list[Policy], serves: Serves, what: str) -> Verdict:
    """Pass where all are served; else unknown, for the settings catalogue is not in v1.0."""
    if not systems:
        return not_applicable("no such device is managed")
    missing = _without(systems, found, serves)
    if not missing:
        return passes()
    words = f"no policy here {what} for {', '.join(missing)}; those of the settings catalogue "
    return unknown(Cause.PARTIAL, words + "are not in Graph v1.0")


@policy.check(
    Fleet,
    "high",
    remediation="Assign a compliance policy with encryption, lock and version to all devices.",
    also=(CompliancePolicy, Device),
)
def compliance_policy_assigned(fleet: Fleet, scene: Scene) -> Verdict:
    """All devices of each system are under rules for encryption, lock and version."""
    del fleet
    systems, found = _systems(scene), list[Policy](scene.all(CompliancePolicy))
    if not systems:
        return not_applicable("no device is managed")
    wrong = [
        f"{', '.join(missing)} without a rule for {rule}"
        for rule, serves in RULES.items()
        if (missing := _without(systems, found, serves))
    ]
    return fails("; ".join(wrong)) if wrong else passes()


def _encrypts(found: Policy) -> bool:
    """Whether it asks for encryption; Apple's phones encrypt as soon as they have a passcode."""
    given = found.listed
    named = given.get("storageRequireEncryption") or given.get("bitLockerEnabled")
    return bool(named or (found.form.startswith("ios") and given.get("passcodeRequired")))


RULES: Final[Mapping[str, Serves]] = {
    "encryption": _encrypts,
    "lock": lambda found: bool(
        found.listed.get("passwordRequired") or found.listed.get("passcodeRequired")
    ),
    "version": lambda found: bool(found.listed.get("osMinimumVersion")),
}


@policy.check(
    CompliancePolicy,
    "medium",
    remediation="Mark devices that break the policy within the grace period.",
)
def noncompliant_blocked(
    policy: CompliancePolicy, scene: Scene, *, grace: int = criterion(72, "hours")
) -> Verdict:
    """Devices that break the policy are marked, so that access can be refused to them.

    Whether it is refused is conditional access's to say (`entra.conditionalaccess`).
    """
    del scene
    if not policy.targets - {EXCLUSION}:
        return not_applicable("assigned to nobody")
    hours = [step.get("gracePeriodHours") for step in policy.listed["actions"] if _marks(step)]
    if not hours:
        return fails("nothing marks them")
    first = min(each if isinstance(each, int) else 0 for each in hours)
    if first > grace:
        return fails(f"after {first} hours, limit {grace}")
    return passes(f"after {first} hours")


def _marks(step: Mapping[str, Any]) -> bool:
    return step.get("actionType") == "block"


@policy.check(
    Fleet,
    "medium",
    remediation="Require a lock after a few minutes without use, on every system.",
    also=(CompliancePolicy, Configuration, Device),
)
def screen_lock(fleet: Fleet, scene: Scene, *, minutes: int = criterion(15, "minutes")) -> Verdict:
    """Devices of each system lock after a few minutes without use."""
    del fleet

    def locks(found: Policy) -> bool:
        given = [found.listed.get(name) for name in LOCKS]
        return any(isinstance(each, int) and 0 < each <= minutes for each in given)

    found: list[Policy] = [*scene.all(CompliancePolicy), *scene.all(Configuration)]
    return _covered(_systems(scene), found, locks, f"locks within {minutes} minutes")


def _windows(scene: Scene, serves: Serves, what: str) -> Verdict:
    """What only Windows devices are asked."""
    systems = [each for each in _systems(scene) if each == "windows"]
    return _covered(systems, list[Policy](scene.all(Configuration)), serves, what)


@policy.check(
    Fleet,
    "medium",
    remediation="Block removable storage, or allow writing to encrypted drives only.",
    also=(Configuration, Device),
)
def removable_storage_blocked(fleet: Fleet, scene: Scene) -> Verdict:
    """Removable storage of Windows devices is blocked, or written encrypted only."""
    del fleet

    def blocks(found: Policy) -> bool:
        drives = found.listed.get("bitLockerRemovableDrivePolicy") or {}
        return bool(
            found.listed.get("storageBlockRemovableStorage")
            or drives.get("requireEncryptionForWriteAccess")
        )

    return _windows(scene, blocks, "blocks removable storage")


@policy.check(
    Fleet,
    "medium",
    remediation="Turn the firewall on for the domain, private and public profile.",
    also=(CompliancePolicy, Configuration, Device),
)
def firewall_enabled(fleet: Fleet, scene: Scene) -> Verdict:
    """The firewall of Windows and macOS devices is on, in every network."""
    del fleet
    profiles = ("firewallProfileDomain", "firewallProfilePrivate", "firewallProfilePublic")

    def on(found: Policy) -> bool:
        states = [(found.listed.get(name) or {}).get("firewallEnabled") for name in profiles]
        return states == ["allowed"] * 3 or found.listed.get("firewallEnabled") is True

    systems = [each for each in _systems(scene) if each in {"windows", "macos"}]
    found: list[Policy] = [*scene.all(CompliancePolicy), *scene.all(Configuration)]
    return _covered(systems, found, on, "turns the firewall on")


@policy.check(
    Fleet,
    "medium",
    remediation="Assign application control in enforce mode.",
    also=(Configuration, Device),
)
def application_control(fleet: Fleet, scene: Scene) -> Verdict:
    """Windows devices run approved applications only."""
    del fleet

    def enforces(found: Policy) -> bool:
        mode = str(found.listed.get("appLockerApplicationControl") or "")
        return mode.startswith("enforce")

    return _windows(scene, enforces, "enforces application control")


@policy.check(
    Fleet,
    "medium",
    remediation="Assign an update ring with a deadline to all Windows devices.",
    also=(Configuration, Device),
)
def update_rings_assigned(
    fleet: Fleet, scene: Scene, *, deadline: int = criterion(14, "days")
) -> Verdict:
    """All Windows devices install updates by a deadline."""
    del fleet
    systems = [each for each in _systems(scene) if each == "windows"]
    if not systems:
        return not_applicable("no Windows device is managed")

    def rings(found: Policy) -> bool:
        days = found.listed.get("deadlineForQualityUpdatesInDays")
        return found.form == RING and isinstance(days, int) and days <= deadline

    if _without(systems, list[Policy](scene.all(Configuration)), rings):
        return fails(f"no ring with a deadline of at most {deadline} days for all of them")
    return passes()


@apps.check(
    DetectedApp,
    "medium",
    remediation="Remove the software from the devices it was found on.",
)
def detected_software_approved(
    app: DetectedApp, scene: Scene, *, forbidden: tuple[str, ...] = criterion("names of software")
) -> Verdict:
    """Software on the forbidden list is not on any device."""
    del scene
    name = app.listed.get("displayName")
    if not isinstance(name, str):
        raise MalformedError("the software has no name")
    found = sorted(each for each in forbidden if each.lower() in name.lower())
    return fails(f"forbidden as {', '.join(found)}") if found else passes()
