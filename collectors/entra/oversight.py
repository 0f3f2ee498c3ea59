"""Microsoft Entra ID: accounts at risk, devices nobody uses, access that was reviewed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from collectors import (
    Collector,
    MalformedError,
    Resource,
    Scene,
    Total,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.entra.settings import Tenant
from collectors.entra.site import DEVICES, REVIEWS, RISKS
from collectors.graph import GraphTarget, Row, kept

risk = Collector("entra.riskyusers", title="Microsoft Entra users at risk", reads_from="risk")
devices = Collector("entra.devices", title="Microsoft Entra devices", reads_from="devices")
reviews = Collector(
    "entra.accessreviews", title="Microsoft Entra access reviews", reads_from="identityGovernance"
)

OPEN: Final = frozenset({"atRisk", "confirmedCompromised"})
LEVELS: Final = frozenset({"low", "medium", "high", "hidden", "none"})
DONE: Final = frozenset({"Applied", "Completed"})
"""States of an instance whose decisions are there; `Applied` where they took effect."""


class RiskyUser(Resource[Row], kind="entra.risky_user"):
    """An account that Microsoft thinks was taken over, and nobody has dealt with."""


class Device(Resource[Row], kind="entra.device"):
    """A device that is registered or joined."""

    volatile = ("listed.approximateLastSignInDateTime",)


class Review(Resource[Row], kind="entra.access_review"):
    """An access review: what it is about; its instances are the fact."""

    @fact(REVIEWS)
    def instances(self, api: GraphTarget) -> list[Row]:
        """Every time it was held: when it began and ended, and its state."""
        path = "GET /v1.0/identityGovernance/accessReviews/definitions/{review}/instances"
        names = ("id", "status", "startDateTime", "endDateTime")
        return [kept(row, *names) for row in api.rows(path, top=None, review=self.id)]

    @property
    def about(self) -> str:
        """What it is about, as one text to be searched."""
        return json.dumps([self.listed.get(name) for name in SCOPES])

    @property
    def last(self) -> datetime | None:
        """When it last ended with decisions that took effect; None for never."""
        own = self.listed.get("autoApplyDecisionsEnabled") is True
        good = DONE if own else {"Applied"}
        ends = [moment(each["endDateTime"]) for each in self.instances if each["status"] in good]
        return max(ends, default=None)


SCOPES: Final = ("scope", "instanceEnumerationScope")


@risk.resources(RiskyUser, permission=RISKS)
def risky_users(target: GraphTarget) -> Iterator[RiskyUser]:
    """The accounts at risk that are not dealt with; needs a licence (P2) to be complete."""
    select = ("id", "riskLevel", "riskState", "riskLastUpdatedDateTime")
    for row in target.rows("GET /v1.0/identityProtection/riskyUsers", select=select, top=500):
        if row.get("riskState") not in {"none", "confirmedSafe", "remediated", "dismissed"}:
            yield RiskyUser(id=row["id"], listed=kept(row, *select[1:]))


@devices.resources(Device, permission=DEVICES)
def registered_devices(target: GraphTarget) -> Iterator[Device | Total]:
    """Every device of the tenant."""
    select = (
        "id",
        "deviceId",
        "displayName",
        "accountEnabled",
        "operatingSystem",
        "trustType",
        "isManaged",
        "registrationDateTime",
        "approximateLastSignInDateTime",
    )
    for row in target.rows("GET /v1.0/devices", select=select, count=True):
        yield row if isinstance(row, Total) else Device(id=row["id"], listed=kept(row, *select[1:]))


@reviews.resources(Review, permission=REVIEWS)
def access_reviews(target: GraphTarget) -> Iterator[Review]:
    """Every access review that was set up."""
    path = "GET /v1.0/identityGovernance/accessReviews/definitions"
    for row in target.rows(path, top=100):
        applied = kept(row.get("settings") or {}, "autoApplyDecisionsEnabled")
        yield Review(id=row["id"], listed={**kept(row, "displayName", *SCOPES), **applied})


@risk.check(
    RiskyUser,
    "high",
    remediation="Look into the account; confirm, reset or dismiss the risk.",
)
def handled_within_sla(
    user: RiskyUser, scene: Scene, *, deadline: int = criterion(24, "hours")
) -> Verdict:
    """Accounts at high risk are dealt with by the deadline."""
    level, state = user.listed.get("riskLevel"), user.listed.get("riskState")
    if level not in LEVELS or state not in OPEN:
        raise MalformedError("the risk has a level or state we do not know")
    if level != "high" and state != "confirmedCompromised":
        return not_applicable(f"the risk is {level}")
    since = moment(user.listed.get("riskLastUpdatedDateTime"))
    if scene.at - since > timedelta(hours=deadline):
        return fails(f"open since {since:%Y-%m-%d %H:%M}, limit {deadline} hours")
    return passes(f"open since {since:%Y-%m-%d %H:%M}, within {deadline} hours")


@devices.check(Device, "low", remediation="Disable the device, and delete it later.")
def stale_devices(device: Device, scene: Scene, *, unused: int = criterion(90, "days")) -> Verdict:
    """Devices that are enabled are in use."""
    enabled = device.listed.get("accountEnabled")
    if not isinstance(enabled, bool):
        raise MalformedError("the device does not say whether it is enabled")
    if not enabled:
        return not_applicable("the device is disabled")
    last = device.listed.get("approximateLastSignInDateTime")
    seen = moment(last or device.listed.get("registrationDateTime"))
    if scene.at - seen > timedelta(days=unused):
        return fails(f"not used since {seen.date()}, limit {unused} days")
    return passes()


@reviews.check(
    Tenant,
    "high",
    remediation="Hold a recurring access review over privileged roles, and apply its decisions.",
    also=(Review,),
)
def privileged_roles_reviewed(
    tenant: Tenant, scene: Scene, *, period: int = criterion(365, "days")
) -> Verdict:
    """Who holds privileged roles was reviewed in the last period, with effect."""
    del tenant
    found = [each for each in scene.all(Review) if "roleManagement/directory" in each.about]
    if not found:
        return fails("no access review is about roles")
    last = max((each.last for each in found if each.last), default=None)
    return _in_time(last, scene, period)


@reviews.check(
    Tenant,
    "medium",
    remediation="Hold an access review over each group that gives access to a critical system.",
    also=(Review,),
)
def group_and_app_reviewed(
    tenant: Tenant,
    scene: Scene,
    *,
    groups: tuple[str, ...] = criterion("ids of groups and applications"),
    period: int = criterion(365, "days"),
) -> Verdict:
    """Groups that give access to critical systems were reviewed in the last period."""
    del tenant
    found = list(scene.all(Review))
    wrong = []
    for group in groups:
        ends = [each.last for each in found if group in each.about]
        verdict = _in_time(max(filter(None, ends), default=None), scene, period)
        if verdict.because.startswith(LATE):
            wrong.append(f"{group} {verdict.because}")
    return fails("; ".join(wrong)) if wrong else passes()


LATE: Final = "not reviewed"


def _in_time(last: datetime | None, scene: Scene, period: int) -> Verdict:
    if last is None:
        return fails(f"{LATE}, with effect, at all")
    if scene.at - last > timedelta(days=period):
        return fails(f"{LATE} since {last.date()}, limit {period} days")
    return passes(f"reviewed {last.date()}")
