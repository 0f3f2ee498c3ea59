"""GitHub organisation: who and what reaches it?"""

from __future__ import annotations

from datetime import timedelta

from collectors import Scene, Verdict, criterion, fails, moment, not_applicable, passes
from collectors.github.org_kinds import (
    AccessToken,
    Installation,
    Member,
    Organization,
    Outsider,
    org,
)
from collectors.github.words import some


@org.check(
    Organization,
    "high",
    remediation="Keep at least two owners, and no more than the approved number.",
    also=(Member,),
)
def owner_count(
    organization: Organization,
    scene: Scene,
    *,
    least: int = criterion(2, "owners"),
    most: int = criterion(5, "owners"),
) -> Verdict:
    """Owners are neither one alone nor more than approved."""
    del organization
    owners = sorted(m.login for m in scene.all(Member) if m.listed["role"] == "ADMIN")
    if least <= len(owners) <= most:
        return passes(f"owners: {some(owners)}")
    return fails(f"{len(owners)} owners, limit {least} to {most}: {some(owners)}")


@org.check(
    Outsider,
    "high",
    remediation="Remove the collaborator, or approve and list the account.",
)
def outside_collaborators_approved(
    outsider: Outsider, scene: Scene, *, approved: tuple[str, ...] = criterion("logins")
) -> Verdict:
    """Every outside collaborator is on the approved list."""
    del scene
    known = {login.lower() for login in approved}
    listed = str(outsider.listed["login"]).lower() in known
    return passes() if listed else fails("not on the approved list")


@org.check(
    Installation,
    "high",
    remediation="Uninstall the app, or approve it and list its name.",
)
def installed_apps_approved(
    installation: Installation, scene: Scene, *, approved: tuple[str, ...] = criterion("app names")
) -> Verdict:
    """Every installed app is on the approved list."""
    del scene
    if installation.listed.get("suspended_at"):
        return not_applicable("the installation is suspended")
    name = installation.listed["app_slug"]
    writes = sorted(p for p, a in installation.listed["permissions"].items() if a != "read")
    if name in approved:
        return passes(f"may write: {some(writes)}" if writes else "")
    return fails(f"{name} is not on the approved list")


@org.check(
    AccessToken,
    "medium",
    remediation="Revoke the token, or have it issued anew with an end date.",
)
def token_lifetime_and_approval(
    token: AccessToken,
    scene: Scene,
    *,
    longest: int = criterion(366, "days"),
    unused: int = criterion(90, "days"),
) -> Verdict:
    """Every personal token that reaches the organisation ends in time and is in use."""
    if token.listed["token_expired"]:
        return not_applicable("the token has ended")
    if token.listed["token_expires_at"] is None:
        return fails("the token never ends")
    granted, ends = (
        moment(token.listed["access_granted_at"]),
        moment(token.listed["token_expires_at"]),
    )
    if ends - granted > timedelta(days=longest):
        return fails(f"granted {granted.date()}, ends {ends.date()}, limit {longest} days")
    used = moment(token.listed["token_last_used_at"] or token.listed["access_granted_at"])
    if scene.at - used > timedelta(days=unused):
        return fails(f"not used since {used.date()}, limit {unused} days")
    return passes(f"ends {ends.date()}")
