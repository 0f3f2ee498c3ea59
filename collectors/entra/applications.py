"""Microsoft Entra ID: the applications of the tenant, their keys and their owners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from collectors import Resource, Scene, Verdict, criterion, fails, moment, not_applicable, passes
from collectors.entra.people import User
from collectors.entra.settings import apps
from collectors.entra.site import APPLICATIONS
from collectors.graph import GraphTarget, Row, kept

CREDENTIALS: Final = ("passwordCredentials", "keyCredentials")
DATES: Final = ("keyId", "startDateTime", "endDateTime")


class Application(Resource[Row], kind="entra.application"):
    """An application that is registered here; of its secrets and keys, the dates only."""


@apps.resources(Application, permission=APPLICATIONS)
def applications(target: GraphTarget) -> Iterator[Application]:
    """Every application that is registered in the tenant, and who owns it."""
    select = ("id", "appId", "displayName", "createdDateTime", *CREDENTIALS)
    owners = {"$expand": "owners($select=id)"}
    for row in target.rows("GET /v1.0/applications", select=select, query=owners):
        listed = kept(row, "appId", "displayName", "createdDateTime")
        for name in CREDENTIALS:
            dates = [kept(each, *DATES) for each in row.get(name) or ()]
            listed[name] = sorted(dates, key=lambda each: str(each.get("keyId")))
        listed["owners"] = sorted(owner["id"] for owner in row.get("owners") or ())
        yield Application(id=row["id"], listed=listed)


@apps.check(
    Application,
    "medium",
    remediation="Remove expired secrets and certificates, and make new ones for a shorter time.",
)
def credentials_not_expired_or_long(
    application: Application, scene: Scene, *, longest: int = criterion(365, "days")
) -> Verdict:
    """Secrets and certificates of applications are not expired, and not good for too long."""
    found = [each for name in CREDENTIALS for each in application.listed[name]]
    if not found:
        return not_applicable("it has neither secrets nor certificates")
    wrong = []
    for each in found:
        start, end = moment(each.get("startDateTime")), moment(each.get("endDateTime"))
        if end <= scene.at:
            wrong.append(f"{each['keyId']} expired {end.date()}")
        elif end - start > timedelta(days=longest):
            wrong.append(f"{each['keyId']} good {start.date()} to {end.date()}")
    return fails(f"{'; '.join(wrong)}; limit {longest} days") if wrong else passes()


@apps.check(
    Application,
    "low",
    remediation="Name an owner who is still there.",
    also=(User,),
)
def owner_assigned(application: Application, scene: Scene) -> Verdict:
    """Every registered application has an owner who is still there."""
    owners = application.listed["owners"]
    if not owners:
        return fails("nobody owns it")
    people = [user for owner in owners if (user := scene.one(User, owner))]
    if any(user.enabled for user in people):
        return passes()
    if len(people) < len(owners):
        return passes("owned by another application")
    return fails("no owner can sign in any more")
