"""Okta: who administers it, what is reached through it, and what watches over it?"""

from __future__ import annotations

from datetime import timedelta

from collectors import Scene, Verdict, criterion, fails, moment, not_applicable, passes
from collectors.okta.kinds import (
    AdminRole,
    ApiToken,
    App,
    EventHook,
    LogStream,
    Organization,
    ThreatInsight,
    Zone,
    admins,
    apps,
    events,
    logs,
    network,
    support,
    threat,
)

WATCHED = frozenset({"user.account.privilege.grant", "policy.lifecycle.update"})
STORED = frozenset({"SECURE_PASSWORD_STORE", "BROWSER_PLUGIN", "BASIC_AUTH", "AUTO_LOGIN"})


@admins.check(
    Organization,
    "high",
    remediation="Give narrower roles to all but the approved number of super administrators.",
    also=(AdminRole,),
)
def super_admin_count(
    organization: Organization, scene: Scene, *, most: int = criterion(5, "people")
) -> Verdict:
    """Super administrators are at most the approved number."""
    del organization
    holders = {r.listed["user"] for r in scene.all(AdminRole) if r.listed["type"] == "SUPER_ADMIN"}
    names = ", ".join(sorted(holders))
    if len(holders) > most:
        return fails(f"{len(holders)} people, limit {most}: {names}")
    return passes(names)


@admins.check(
    ApiToken,
    "high",
    remediation="Revoke the token; let a service app with scopes take its place.",
)
def api_tokens_age_and_owner(
    token: ApiToken,
    scene: Scene,
    *,
    oldest: int = criterion(365, "days"),
    unused: int = criterion(30, "days"),
) -> Verdict:
    """API tokens are young and in use."""
    created, used = moment(token.listed["created"]), moment(token.listed["lastUpdated"])
    if scene.at - created > timedelta(days=oldest):
        return fails(f"created {created.date()}, limit {oldest} days")
    if scene.at - used > timedelta(days=unused):
        return fails(f"not used since {used.date()}, limit {unused} days")
    return passes(f"created {created.date()}")


@apps.check(App, "medium", remediation="Deactivate the application, or approve it by its label.")
def inventory_approved(
    app: App, scene: Scene, *, approved: tuple[str, ...] = criterion("labels")
) -> Verdict:
    """Every active application is on the approved list."""
    del scene
    if app.listed["status"] != "ACTIVE":
        return not_applicable("the application is not active")
    return passes() if app.listed["label"] in approved else fails("not on the approved list")


@apps.check(App, "medium", remediation="Sign in by SAML or OpenID Connect.")
def sso_not_password(app: App, scene: Scene) -> Verdict:
    """Applications sign in by a federation protocol, not a stored password."""
    del scene
    if app.listed["status"] != "ACTIVE":
        return not_applicable("the application is not active")
    mode = app.listed["signOnMode"]
    if mode == "BOOKMARK":
        return not_applicable("a bookmark signs nobody in")
    return fails(f"signs in by {mode}") if mode in STORED else passes(str(mode))


@logs.check(
    Organization,
    "high",
    remediation="Add a log stream to the central store.",
    also=(LogStream,),
)
def streaming_active(organization: Organization, scene: Scene) -> Verdict:
    """The system log is streamed to another place."""
    del organization
    streams = sorted(
        s.listed["name"] for s in scene.all(LogStream) if s.listed["status"] == "ACTIVE"
    )
    return passes(", ".join(streams)) if streams else fails("no stream is active")


@threat.check(ThreatInsight, "medium", remediation="Let ThreatInsight log and block.")
def insight_block(insight: ThreatInsight, scene: Scene) -> Verdict:
    """Sign-ins from addresses known to be hostile are blocked."""
    del scene
    action = insight.listed["action"]
    return passes() if action == "block" else fails(f"the action is {action}")


@network.check(Zone, "low", remediation="Activate the blocked zone, or delete it.")
def zones_block_listed(zone: Zone, scene: Scene) -> Verdict:
    """Zones that are meant to be blocked are in force."""
    del scene
    if zone.listed.get("usage") != "BLOCKLIST":
        return not_applicable("not a blocked zone")
    return passes() if zone.listed["status"] == "ACTIVE" else fails("the zone is inactive")


@events.check(
    Organization,
    "medium",
    remediation="Add an event hook for granted privileges and changed policies.",
    also=(EventHook,),
)
def hook_or_alert_on_admin_changes(organization: Organization, scene: Scene) -> Verdict:
    """Somebody is told of granted privileges and changed policies."""
    del organization
    told = {
        event
        for hook in scene.all(EventHook)
        if hook.listed["status"] == "ACTIVE" and hook.listed["verificationStatus"] == "VERIFIED"
        for event in hook.listed["events"]
    }
    missing = sorted(WATCHED - told)
    return fails(f"nobody is told of {', '.join(missing)}") if missing else passes()


@support.check(Organization, "low", remediation="Revoke Okta Support's access.")
def access_disabled(organization: Organization, scene: Scene) -> Verdict:
    """Okta's support cannot sign in, or only for a limited time."""
    del scene
    given = organization.okta_support
    if given["support"] == "DISABLED":
        return passes()
    until = given.get("expiration")
    return passes(f"until {moment(until).date()}") if until else fails("enabled without an end")
