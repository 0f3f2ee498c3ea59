"""Conditional access policies: whom and what one covers, and what it asks for; unsure is never yes.

Every function that looks for a strength says what is missing to it, so that a verdict can name it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

from collectors import Collector, MalformedError, Resource, Scene, Verdict, fails, passes
from collectors.entra.site import POLICIES
from collectors.graph import GraphTarget, Row, kept

conditionalaccess = Collector(
    "entra.conditionalaccess", title="Microsoft Entra conditional access", reads_from="identity"
)

STATES: Final = frozenset({"enabled", "disabled", "enabledForReportingButNotEnforced"})
INTERACTIVE: Final = frozenset({"browser", "mobileAppsAndDesktopClients"})
LEGACY: Final = frozenset({"exchangeActiveSync", "other"})
GUESTS: Final = frozenset(
    {
        "internalGuest",
        "b2bCollaborationGuest",
        "b2bCollaborationMember",
        "b2bDirectConnectUser",
        "otherExternalUser",
        "serviceProvider",
    }
)
UNPHISHABLE: Final = frozenset({"windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"})

CONDITIONS: Final = (
    "platforms",
    "locations",
    "devices",
    "signInRiskLevels",
    "userRiskLevels",
    "insiderRiskLevels",
    "authenticationFlows",
    "clientApplications",
)
"""Conditions that make a policy count at times only."""

Want = Callable[["Policy"], list[str]]
"""What a policy lacks for a purpose; nothing where it serves it."""


class Policy(Resource[Row], kind="entra.conditional_access_policy"):
    """A conditional access policy."""

    @property
    def name(self) -> str:
        """How people call it."""
        return str(self.listed.get("displayName") or self.id)

    @property
    def state(self) -> str:
        """Its state; only `enabled` is in force.

        Raises:
            MalformedError: one we do not know.
        """
        state = self.listed.get("state")
        if state not in STATES:
            raise MalformedError(f"the policy {self.name} has a state we do not know")
        return str(state)

    def condition(self, name: str) -> Mapping[str, Any]:
        """A condition's object; empty where it is not set."""
        return (self.listed.get("conditions") or {}).get(name) or {}

    def conditions(self, name: str) -> frozenset[str]:
        """A condition that is a list of words."""
        return frozenset((self.listed.get("conditions") or {}).get(name) or ())

    def users(self, name: str) -> frozenset[str]:
        """A list of its users condition (`includeRoles`)."""
        return frozenset(self.condition("users").get(name) or ())

    def session(self, name: str) -> Mapping[str, Any]:
        """A session control that is turned on; empty where it is not."""
        found = (self.listed.get("sessionControls") or {}).get(name) or {}
        return found if found.get("isEnabled") else {}

    @property
    def controls(self) -> tuple[str, frozenset[str]]:
        """How its grant controls are joined, and the controls: an authentication strength too."""
        grant = self.listed.get("grantControls") or {}
        named = {*(grant.get("builtInControls") or ())}
        named |= {"custom factor" for _ in grant.get("customAuthenticationFactors") or ()}
        named |= {"terms of use" for _ in grant.get("termsOfUse") or ()}
        if strength := grant.get("authenticationStrength"):
            named.add(_strength(strength))
        return str(grant.get("operator")), frozenset(named)

    def asks_for(self, *wanted: str) -> bool:
        """Whether nobody gets through without one of these controls."""
        operator, controls = self.controls
        if operator == "AND":
            return not controls.isdisjoint(wanted)
        return operator == "OR" and bool(controls) and controls <= set(wanted)


@conditionalaccess.resources(Policy, permission=POLICIES)
def policies(target: GraphTarget) -> Iterator[Policy]:
    """Every conditional access policy."""
    names = (
        "displayName",
        "state",
        "createdDateTime",
        "modifiedDateTime",
        "conditions",
        "grantControls",
        "sessionControls",
    )
    for row in target.rows("GET /v1.0/identity/conditionalAccess/policies", top=None):
        yield Policy(id=row["id"], listed=kept(row, *names))


def _strength(strength: Mapping[str, Any]) -> str:
    """An authentication strength as a control: what it asks for at least."""
    allowed = frozenset(strength.get("allowedCombinations") or ())
    if allowed and allowed <= UNPHISHABLE:
        return "unphishable"
    return "strong" if strength.get("requirementsSatisfied") == "mfa" else "some strength"


MFA: Final = ("mfa", "strong", "unphishable")


def served(scene: Scene, *wants: Want) -> Verdict:
    """Pass where one policy in force serves every purpose; else say what each lacks.

    Raises:
        MalformedError: none does, and one has a state we do not know.
    """
    found = sorted(scene.all(Policy), key=lambda each: (each.name, each.id))
    known = [each for each in found if each.listed.get("state") in STATES]
    lacks: list[tuple[str, list[str]]] = []
    for policy in (each for each in known if each.state == "enabled"):
        lacking = [words for want in wants for words in want(policy)]
        if not lacking:
            return passes(policy.name)
        lacks.append((policy.name, lacking))
    if len(known) < len(found):
        raise MalformedError("a conditional access policy has a state we do not know")
    return fails(nearest(lacks))


def nearest(lacks: list[tuple[str, list[str]]]) -> str:
    """The reason of a failure: the policies that come nearest, and what they lack."""
    if not lacks:
        return "no policy is in force"
    fewest = min(len(lacking) for _, lacking in lacks)
    near = [f"{name}: {', '.join(words)}" for name, words in lacks if len(words) == fewest]
    return f"no policy in force does it; nearest: {'; '.join(near[:3])}"


def enabled(scene: Scene) -> Iterator[Policy]:
    """The policies in force; after the last, a state we do not know is an error.

    So a question that one of them settles is answered, and a failure is never said too early.
    """
    strange = None
    for policy in sorted(scene.all(Policy), key=lambda each: (each.name, each.id)):
        if policy.listed.get("state") == "enabled":
            yield policy
        elif policy.listed.get("state") not in STATES:
            strange = policy
    if strange:
        raise MalformedError(f"the policy {strange.name} has a state we do not know")


def for_everyone(spared: Collection[str]) -> Want:
    """It covers everybody but the emergency accounts or groups named."""

    def lacks(policy: Policy) -> list[str]:
        if "All" not in policy.users("includeUsers"):
            return ["is not for all users"]
        return exclusions(policy, spared)

    return lacks


def exclusions(policy: Policy, spared: Collection[str]) -> list[str]:
    """Who is left out that may not be."""
    left = policy.users("excludeUsers") | policy.users("excludeGroups")
    left |= policy.users("excludeRoles")
    if policy.condition("users").get("excludeGuestsOrExternalUsers"):
        left |= {"guests"}
    beyond = sorted(left - set(spared))
    return [f"leaves out {', '.join(beyond)}"] if beyond else []


def for_all_resources(policy: Policy) -> list[str]:
    """It covers every application."""
    wanted = policy.condition("applications")
    if "All" not in (wanted.get("includeApplications") or ()):
        return ["is not for all resources"]
    left = sorted(wanted.get("excludeApplications") or ())
    narrowed = ["is for some applications by filter"] if wanted.get("applicationFilter") else []
    return narrowed + ([f"leaves out the applications {', '.join(left)}"] if left else [])


def always(*besides: str) -> Want:
    """It counts at every sign-in, whatever its other conditions than those named."""

    def lacks(policy: Policy) -> list[str]:
        set_ = [name for name in CONDITIONS if name not in besides and _narrows(policy, name)]
        words = [f"only under the condition {', '.join(set_)}"] if set_ else []
        types = policy.conditions("clientAppTypes")
        if "clientAppTypes" not in besides and types and "all" not in types:
            words += [] if types >= INTERACTIVE else ["not for all kinds of client"]
        return words

    return lacks


def _narrows(policy: Policy, name: str) -> bool:
    """Whether a condition is set, and to something else than everywhere."""
    found = (policy.listed.get("conditions") or {}).get(name)
    if not found:
        return False
    if name == "locations":
        return set(found.get("includeLocations") or ()) != {"All"} or bool(
            found.get("excludeLocations")
        )
    if name == "platforms":
        return set(found.get("includePlatforms") or ()) != {"all"} or bool(
            found.get("excludePlatforms")
        )
    return True


def asks(words: str, *controls: str) -> Want:
    """It lets nobody through without one of the controls."""
    return lambda policy: [] if policy.asks_for(*controls) else [f"does not {words}"]
