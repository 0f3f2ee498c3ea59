"""What Okta lists: people, policies, administrators, applications and what watches over them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from collectors import Collector, Resource, fact
from collectors.http_pages import by_next_link
from collectors.okta.site import (
    APPS,
    AUTHENTICATORS,
    HOOKS,
    LOG_STREAMS,
    ORGANIZATION,
    POLICIES,
    ROLES,
    THREATS,
    TOKENS,
    USERS,
    ZONES,
)
from collectors.okta.target import OktaTarget

support = Collector("okta.support", title="Okta organisation", reads_from="org")
users = Collector("okta.users", title="Okta users", reads_from="users")
policy = Collector("okta.policy", title="Okta policies", reads_from="policies")
authenticators = Collector(
    "okta.authenticators", title="Okta authenticators", reads_from="authenticators"
)
admins = Collector("okta.admins", title="Okta administrators", reads_from="iam")
apps = Collector("okta.apps", title="Okta applications", reads_from="apps")
logs = Collector("okta.logs", title="Okta log streams", reads_from="logStreams")
threat = Collector("okta.threat", title="Okta ThreatInsight", reads_from="threats")
network = Collector("okta.network", title="Okta network zones", reads_from="zones")
events = Collector("okta.events", title="Okta event hooks", reads_from="eventHooks")

Row = dict[str, Any]


class Organization(Resource[Row], kind="okta.organization"):
    """The organisation."""

    @fact(ORGANIZATION)
    def okta_support(self, api: OktaTarget) -> Mapping[str, Any]:
        """Whether Okta's support may sign in, and until when."""
        answer: Mapping[str, Any] = api.get("GET /api/v1/org/privacy/oktaSupport")
        return kept(answer, "support", "expiration")


class User(Resource[Row], kind="okta.user"):
    """A person's account: login, status and where it is mastered."""

    volatile = ("listed.lastLogin",)

    @property
    def active(self) -> bool:
        """Whether it can sign in."""
        return self.listed["status"] in LIVE

    @fact(USERS)
    def factors(self, api: OktaTarget) -> list[Row]:
        """The active factors; asked for accounts that can sign in, as Okta has no bulk form."""
        if not self.active:
            return []
        found = api.get("GET /api/v1/users/{userId}/factors", userId=self.id)
        return [kept(row, "factorType", "provider", "status") for row in found]


class SignOnRule(Resource[Row], kind="okta.sign_on_rule"):
    """A rule of the global session policies."""


class AccessRule(Resource[Row], kind="okta.access_rule"):
    """A rule of an application's sign-in policy."""


class PasswordPolicy(Resource[Row], kind="okta.password_policy"):
    """A password policy."""


class Authenticator(Resource[Row], kind="okta.authenticator"):
    """A way to prove who one is."""


class AdminRole(Resource[Row], kind="okta.admin_role"):
    """A role that a person holds; its id names both."""


class ApiToken(Resource[Row], kind="okta.api_token"):
    """An API token; the value is never given."""


class App(Resource[Row], kind="okta.app"):
    """An application that people reach through Okta."""


class LogStream(Resource[Row], kind="okta.log_stream"):
    """A stream of the system log to another place."""


class ThreatInsight(Resource[Row], kind="okta.threat_insight"):
    """What happens to sign-ins from suspicious addresses."""


class Zone(Resource[Row], kind="okta.network_zone"):
    """A network zone."""


class EventHook(Resource[Row], kind="okta.event_hook"):
    """Somebody who is told of events."""


LIVE: Final = frozenset({"ACTIVE", "LOCKED_OUT", "PASSWORD_EXPIRED", "RECOVERY"})
PAGE: Final = {"limit": 200}


def kept(row: Mapping[str, Any], *names: str) -> Row:
    """The members of a row that checks need."""
    return {name: row[name] for name in names if name in row}


@support.resources(Organization, permission=ORGANIZATION)
def organizations(target: OktaTarget) -> Iterator[Organization]:
    """The one organisation of the target."""
    row = target.get("GET /api/v1/org")
    yield Organization(id=row["id"], listed=kept(row, "id", "status", "subdomain"))


@users.resources(User, permission=USERS)
def people(target: OktaTarget) -> Iterator[User]:
    """Every account that is not deactivated; Okta leaves those out by itself."""
    for row in target.rows("GET /api/v1/users", query=PAGE):
        listed = kept(row, "status", "created", "activated", "lastLogin")
        listed["login"] = row["profile"]["login"]
        listed["provider"] = row.get("credentials", {}).get("provider", {}).get("type")
        yield User(id=row["id"], listed=listed)


def _rules(target: OktaTarget, kind: str) -> Iterator[tuple[str, Row]]:
    """The active rules of every active policy of a kind, with their ids."""
    for each in target.rows("GET /api/v1/policies", query={"type": kind}):
        if each["status"] != "ACTIVE":
            continue
        asked = target.rows("GET /api/v1/policies/{policyId}/rules", policyId=each["id"])
        for rule in asked:
            if rule["status"] == "ACTIVE":
                listed = kept(rule, "name", "priority", "system", "actions", "type")
                yield f"{each['id']}/{rule['id']}", {**listed, "policy": each["name"]}


@policy.resources(SignOnRule, permission=POLICIES)
def sign_on_rules(target: OktaTarget) -> Iterator[SignOnRule]:
    """The rules of global sessions that are in force."""
    for number, listed in _rules(target, "OKTA_SIGN_ON"):
        yield SignOnRule(id=number, listed=listed)


@policy.resources(AccessRule, permission=POLICIES)
def access_rules(target: OktaTarget) -> Iterator[AccessRule]:
    """The rules of sign-in to applications that are in force."""
    for number, listed in _rules(target, "ACCESS_POLICY"):
        yield AccessRule(id=number, listed=listed)


@policy.resources(PasswordPolicy, permission=POLICIES)
def password_policies(target: OktaTarget) -> Iterator[PasswordPolicy]:
    """The password policies that are in force."""
    for row in target.rows("GET /api/v1/policies", query={"type": "PASSWORD"}):
        if row["status"] == "ACTIVE":
            yield PasswordPolicy(id=row["id"], listed=kept(row, "name", "priority", "settings"))


@authenticators.resources(Authenticator, permission=AUTHENTICATORS)
def ways_to_sign_in(target: OktaTarget) -> Iterator[Authenticator]:
    """Every authenticator of the organisation."""
    for row in target.rows("GET /api/v1/authenticators"):
        yield Authenticator(id=row["id"], listed=kept(row, "key", "name", "status", "type"))


@admins.resources(AdminRole, permission=ROLES)
def admin_roles(target: OktaTarget) -> Iterator[AdminRole]:
    """Every role of every person who holds one."""
    listing = target.rows(
        "GET /api/v1/iam/assignees/users", pager=by_next_link("_links/next/href"), at="value"
    )
    for holder in listing:
        for role in target.rows("GET /api/v1/users/{userId}/roles", userId=holder["id"]):
            listed = {**kept(role, "type", "status", "assignmentType"), "user": holder["id"]}
            yield AdminRole(id=f"{holder['id']}/{role['id']}", listed=listed)


@admins.resources(ApiToken, permission=TOKENS)
def api_tokens(target: OktaTarget) -> Iterator[ApiToken]:
    """Every API token of the organisation."""
    for row in target.rows("GET /api/v1/api-tokens"):
        listed = kept(row, "name", "userId", "created", "lastUpdated", "expiresAt")
        yield ApiToken(id=row["id"], listed=listed)


@apps.resources(App, permission=APPS)
def applications(target: OktaTarget) -> Iterator[App]:
    """Every application."""
    for row in target.rows("GET /api/v1/apps", query=PAGE):
        yield App(id=row["id"], listed=kept(row, "label", "name", "status", "signOnMode"))


@logs.resources(LogStream, permission=LOG_STREAMS)
def log_streams(target: OktaTarget) -> Iterator[LogStream]:
    """Every stream of the system log."""
    for row in target.rows("GET /api/v1/logStreams"):
        yield LogStream(id=row["id"], listed=kept(row, "name", "status", "type"))


@threat.resources(ThreatInsight, permission=THREATS)
def threat_insight(target: OktaTarget) -> Iterator[ThreatInsight]:
    """The one configuration of ThreatInsight."""
    row = target.get("GET /api/v1/threats/configuration")
    yield ThreatInsight(id="ThreatInsight", listed=kept(row, "action", "excludeZones"))


@network.resources(Zone, permission=ZONES)
def zones(target: OktaTarget) -> Iterator[Zone]:
    """Every network zone."""
    for row in target.rows("GET /api/v1/zones"):
        yield Zone(id=row["id"], listed=kept(row, "name", "status", "usage", "type"))


@events.resources(EventHook, permission=HOOKS)
def event_hooks(target: OktaTarget) -> Iterator[EventHook]:
    """Every event hook; of its channel, which may hold a secret, nothing is kept."""
    for row in target.rows("GET /api/v1/eventHooks"):
        listed = kept(row, "name", "status", "verificationStatus")
        listed["events"] = sorted(row["events"]["items"])
        yield EventHook(id=row["id"], listed=listed)
