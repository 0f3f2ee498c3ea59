"""Microsoft Entra ID: what does conditional access ask of people, administrators and guests?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final

from collectors import (
    MalformedError,
    Resource,
    Scene,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.entra.policies import (
    GUESTS,
    LEGACY,
    MFA,
    Policy,
    always,
    asks,
    conditionalaccess,
    enabled,
    exclusions,
    for_all_resources,
    for_everyone,
    served,
)
from collectors.entra.settings import Tenant
from collectors.entra.site import POLICIES
from collectors.graph import GraphTarget, Row, kept

PRIVILEGED: Final = {
    "62e90394-69f5-4237-9190-012177145e10": "Global Administrator",
    "e8611ab8-c189-46e8-94e1-60213ab1f814": "Privileged Role Administrator",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13": "Privileged Authentication Administrator",
    "194ae4cb-b126-40b2-bd5b-6091b380977d": "Security Administrator",
    "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9": "Conditional Access Administrator",
    "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3": "Application Administrator",
    "158c047a-c907-4556-b7ef-446551a6b5f7": "Cloud Application Administrator",
    "29232cdf-9323-42fd-ade2-1d097af3e4de": "Exchange Administrator",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c": "SharePoint Administrator",
    "fe930be7-5e62-47db-91af-98c3a49a38b1": "User Administrator",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f": "Authentication Administrator",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8": "Helpdesk Administrator",
    "966707d0-3269-4727-9be2-8c3a10f19b9d": "Password Administrator",
    "b0f54661-2d74-4c50-afa3-1ec803f12efe": "Billing Administrator",
}
"""The roles Microsoft's own template for administrators names, by their ids in every tenant."""


class NamedLocation(Resource[Row], kind="entra.named_location"):
    """A named location: addresses, or countries."""


@conditionalaccess.resources(NamedLocation, permission=POLICIES)
def named_locations(target: GraphTarget) -> Iterator[NamedLocation]:
    """Every named location; of those by address, only whether they are trusted."""
    names = (
        "@odata.type",
        "displayName",
        "countriesAndRegions",
        "includeUnknownCountriesAndRegions",
        "isTrusted",
    )
    for row in target.rows("GET /v1.0/identity/conditionalAccess/namedLocations", top=None):
        yield NamedLocation(id=row["id"], listed=kept(row, *names))


def has_defaults(tenant: Tenant) -> bool:
    """Whether Microsoft's security defaults are on, beside which there is no conditional access."""
    given = tenant.security_defaults.get("isEnabled")
    if not isinstance(given, bool):
        raise MalformedError("the security defaults policy does not say whether it is on")
    return given


@conditionalaccess.check(
    Tenant,
    "critical",
    remediation="Require MFA of all users for all resources; leave out emergency accounts only.",
    also=(Policy,),
)
def mfa_all_users(
    tenant: Tenant,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Everyone but the emergency accounts needs a second factor, for everything."""
    if has_defaults(tenant):
        return passes("by security defaults")
    everyone = for_everyone(break_glass)
    return served(scene, everyone, for_all_resources, always(), asks("ask for MFA", *MFA))


def _roles_covered(
    scene: Scene, spared: tuple[str, ...], serves: Callable[[Policy], bool]
) -> set[str]:
    """The privileged roles that policies in force cover, each alone and at every sign-in."""
    covered: set[str] = set()
    for policy in enabled(scene):
        others = exclusions(policy, {*spared, "guests"}) + for_all_resources(policy)
        if serves(policy) and not others + always()(policy):
            everyone = "All" in policy.users("includeUsers")
            covered |= PRIVILEGED.keys() if everyone else policy.users("includeRoles")
        if covered >= PRIVILEGED.keys():
            break
    return covered


def _missing(covered: set[str]) -> str:
    return ", ".join(sorted(PRIVILEGED[role] for role in PRIVILEGED.keys() - covered))


@conditionalaccess.check(
    Tenant,
    "critical",
    remediation="Require the phishing-resistant authentication strength of all privileged roles.",
    also=(Policy,),
)
def mfa_admin_roles(
    tenant: Tenant,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Holders of privileged roles sign in by a method that cannot be phished."""
    if has_defaults(tenant):
        return fails("security defaults ask administrators for any second factor")
    covered = _roles_covered(scene, break_glass, lambda policy: policy.asks_for("unphishable"))
    missing = _missing(covered)
    return fails(f"not asked of {missing}") if missing else passes()


@conditionalaccess.check(
    Tenant,
    "low",
    remediation="Limit the sign-in frequency of privileged roles, without persistent browsers.",
    also=(Policy,),
)
def session_limits_admins(
    tenant: Tenant,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Administrators sign in anew after a while, and browsers do not remember them."""
    if has_defaults(tenant):
        return fails("security defaults limit no sessions")
    often = _roles_covered(scene, break_glass, lambda each: bool(each.session("signInFrequency")))
    forget = _roles_covered(
        scene, break_glass, lambda each: each.session("persistentBrowser").get("mode") == "never"
    )
    wrong = []
    if missing := _missing(often):
        wrong.append(f"no sign-in frequency for {missing}")
    if missing := _missing(forget):
        wrong.append(f"browsers may remember {missing}")
    return fails("; ".join(wrong)) if wrong else passes()


@conditionalaccess.check(
    Tenant,
    "high",
    remediation="Block Exchange ActiveSync and other legacy clients for all users.",
    also=(Policy,),
)
def legacy_auth_blocked(
    tenant: Tenant,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Old protocols that know no second factor are blocked for everyone."""
    if has_defaults(tenant):
        return passes("by security defaults")

    def legacy(policy: Policy) -> list[str]:
        types = policy.conditions("clientAppTypes")
        covers = types >= LEGACY or "all" in types
        return [] if covers else ["is not for legacy clients"]

    everyone, clients = for_everyone(break_glass), always("clientAppTypes")
    return served(scene, everyone, for_all_resources, legacy, clients, asks("block", "block"))


@conditionalaccess.check(
    Tenant,
    "high",
    remediation="Require MFA of guests and external users of every kind, for all resources.",
    also=(Policy,),
)
def guest_mfa(tenant: Tenant, scene: Scene) -> Verdict:
    """Guests and external users of every kind need a second factor."""
    if has_defaults(tenant):
        return passes("by security defaults")
    return served(scene, _for_guests, for_all_resources, always(), asks("ask for MFA", *MFA))


def _for_guests(policy: Policy) -> list[str]:
    users = policy.condition("users")
    if users.get("excludeGuestsOrExternalUsers") or "GuestsOrExternalUsers" in policy.users(
        "excludeUsers"
    ):
        return ["leaves out guests"]
    if policy.users("includeUsers") & {"All", "GuestsOrExternalUsers"}:
        return []
    named = users.get("includeGuestsOrExternalUsers") or {}
    kinds = set(str(named.get("guestOrExternalUserTypes") or "").split(","))
    tenants = (named.get("externalTenants") or {}).get("membershipKind", "all")
    return [] if kinds >= GUESTS and tenants == "all" else ["is not for all guests"]


@conditionalaccess.check(
    Tenant,
    "medium",
    remediation="Require a managed device for the resources on your list.",
    also=(Policy,),
)
def compliant_device_required(
    tenant: Tenant,
    scene: Scene,
    *,
    resources: tuple[str, ...] = criterion("application ids"),
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """The listed resources are reached from managed devices only."""
    del tenant
    wanted, everyone = set(resources), for_everyone(break_glass)
    asked = asks("ask for a managed device", "compliantDevice", "domainJoinedDevice", "block")
    for policy in enabled(scene):
        if everyone(policy) or always()(policy) or asked(policy):
            continue
        named = policy.condition("applications")
        left = set(named.get("excludeApplications") or ())
        included = set(named.get("includeApplications") or ())
        wanted -= (wanted if "All" in included else included) - left
        if not wanted:
            return passes()
    return fails(f"from any device: {', '.join(sorted(wanted))}") if wanted else passes()


def _risks(name: str, *levels: str) -> Callable[[Policy], list[str]]:
    def lacks(policy: Policy) -> list[str]:
        missing = [level for level in levels if level not in policy.conditions(name)]
        return [f"does not react to {' and '.join(missing)} risk"] if missing else []

    return lacks


@conditionalaccess.check(
    Tenant,
    "medium",
    remediation="Ask for MFA, or block, at medium and high sign-in risk.",
    also=(Policy,),
)
def sign_in_risk(
    tenant: Tenant,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Sign-ins that look risky are asked for more, or blocked."""
    del tenant
    return served(
        scene,
        for_everyone(break_glass),
        for_all_resources,
        always("signInRiskLevels"),
        _risks("signInRiskLevels", "medium", "high"),
        asks("ask for MFA or block", *MFA, "block"),
    )


@conditionalaccess.check(
    Tenant,
    "medium",
    remediation="Ask for a new password, or block, at high user risk.",
    also=(Policy,),
)
def user_risk(
    tenant: Tenant,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Accounts that are probably taken over need a new password, or are blocked."""
    del tenant
    return served(
        scene,
        for_everyone(break_glass),
        for_all_resources,
        always("userRiskLevels"),
        _risks("userRiskLevels", "high"),
        asks("ask for a new password or block", "passwordChange", "riskRemediation", "block"),
    )


@conditionalaccess.check(
    Tenant,
    "medium",
    remediation="Use app-enforced restrictions or block downloads on devices nobody manages.",
    also=(Policy,),
)
def download_restricted_unmanaged(
    tenant: Tenant,
    scene: Scene,
    *,
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Downloads to devices that nobody manages are restricted."""
    del tenant

    def restricts(policy: Policy) -> list[str]:
        app = policy.session("applicationEnforcedRestrictions")
        kind = policy.session("cloudAppSecurity").get("cloudAppSecurityType")
        return [] if app or kind == "blockDownloads" else ["restricts no downloads"]

    devices = always("devices", "clientAppTypes", "platforms")
    return served(scene, for_everyone(break_glass), devices, restricts)


@conditionalaccess.check(
    Tenant,
    "low",
    remediation="Block sign-ins from everywhere but the approved countries.",
    also=(Policy, NamedLocation),
)
def location_blocked(
    tenant: Tenant,
    scene: Scene,
    *,
    approved: tuple[str, ...] = criterion("country codes"),
    break_glass: tuple[str, ...] = criterion("ids of emergency accounts and their groups"),
) -> Verdict:
    """Sign-ins from other countries than the approved are blocked or need more proof."""
    del tenant
    known = {place.id: place for place in scene.all(NamedLocation)}

    def elsewhere(policy: Policy) -> list[str]:
        places = policy.condition("locations")
        if "All" not in (places.get("includeLocations") or ()):
            return ["is not for all locations"]
        spared = set(places.get("excludeLocations") or ())
        wide = sorted(_name(known, each) for each in spared if not _within(known, each, approved))
        return [f"leaves out {', '.join(wide)}"] if wide else []

    everyone, asked = for_everyone(break_glass), asks("block or ask for MFA", *MFA, "block")
    return served(scene, everyone, for_all_resources, always("locations"), elsewhere, asked)


def _name(known: dict[str, NamedLocation], place: str) -> str:
    return str(known[place].listed.get("displayName")) if place in known else place


def _within(known: dict[str, NamedLocation], place: str, approved: tuple[str, ...]) -> bool:
    """Whether a place holds approved countries only, or is one of our trusted networks."""
    if place == "AllTrusted":
        return True
    listed = known[place].listed if place in known else {}
    if listed.get("@odata.type") == "#microsoft.graph.ipNamedLocation":
        return listed.get("isTrusted") is True
    countries = set(listed.get("countriesAndRegions") or ())
    vague = listed.get("includeUnknownCountriesAndRegions")
    return bool(countries) and countries <= set(approved) and not vague


@conditionalaccess.check(
    Policy,
    "medium",
    remediation="Turn the policy on, or delete it: a report-only policy protects nothing.",
)
def no_report_only_baseline(
    policy: Policy, scene: Scene, *, pilot: int = criterion(30, "days")
) -> Verdict:
    """No policy is left in report-only beyond its pilot."""
    if policy.state == "enabled":
        return passes("in force")
    if policy.state == "disabled":
        return not_applicable("the policy is turned off")
    since = moment(policy.listed.get("modifiedDateTime") or policy.listed.get("createdDateTime"))
    if scene.at - since > timedelta(days=pilot):
        return fails(f"report-only since {since.date()} at the latest, limit {pilot} days")
    return passes(f"report-only since {since.date()}")
