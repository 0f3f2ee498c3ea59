"""Organisation policies: what nobody in the organisation can do, whatever their role.

Read by content type ORG_POLICY, which gives what is set on each organisation, folder and project.
What a folder or project inherits from above a target's scope is not in it, so the questions are
asked of organisations only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from collectors import (
    Collector,
    Scene,
    Unlisted,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
)
from collectors.gcp.assets import with_constraints
from collectors.gcp.iam import iam
from collectors.gcp.refusals import UnheardType
from collectors.gcp.target import PERMISSIONS, GcpTarget
from collectors.gcp.values import CONTAINERS, Asset

orgpolicy = Collector("gcp.orgpolicy", title="Organisation policies", reads_from="orgpolicy")


class Constraints(Asset, kind="gcp.orgpolicy.policies"):
    """The organisation policies that are set on an organisation, a folder or a project."""

    @property
    def of_organisation(self) -> bool:
        """Whether they are an organisation's."""
        return bool(self.listed["assetType"] == CONTAINERS[0])

    def policy(self, constraint: str) -> Mapping[str, Any] | None:
        """The policy of a constraint such as `iam.disableServiceAccountKeyCreation`."""
        name = f"constraints/{constraint}"
        rows = self.listed["orgPolicy"]
        return next((row for row in rows if row.get("constraint") == name), None)

    def enforced(self, *constraints: str) -> bool:
        """Whether one of these yes-or-no constraints is enforced."""
        policies = [self.policy(each) for each in constraints]
        return any(bool((p or {}).get("booleanPolicy", {}).get("enforced")) for p in policies)

    def limits(self, constraint: str) -> bool:
        """Whether a constraint that has a list allows or denies anything less than all."""
        listed = (self.policy(constraint) or {}).get("listPolicy", {})
        denied = listed.get("deniedValues") or listed.get("allValues") == "DENY"
        return bool(listed.get("allowedValues") or denied)


@orgpolicy.resources(Constraints, permission=PERMISSIONS["ORG_POLICY"])
def policies(target: GcpTarget) -> Iterator[Constraints | Unlisted]:
    """What is set on every organisation, folder and project."""
    for found in target.assets("ORG_POLICY", CONTAINERS):
        if isinstance(found, UnheardType):
            yield Unlisted(Constraints, found.error)
        else:
            yield with_constraints(Constraints, found)


def _asked(found: Constraints, constraint: str, *, holds: bool) -> Verdict:
    if not found.of_organisation:
        return not_applicable("not an organisation")
    return passes() if holds else fails(f"{constraint} is not enforced")


@iam.check(
    Constraints,
    "medium",
    remediation="Enforce iam.disableServiceAccountKeyCreation on the organisation.",
)
def sa_key_creation_disabled(found: Constraints, _: Scene) -> Verdict:
    """Nobody can create keys of service accounts."""
    name = "iam.disableServiceAccountKeyCreation"
    holds = found.enforced(name, "iam.managed.disableServiceAccountKeyCreation")
    return _asked(found, name, holds=holds)


@iam.check(
    Constraints,
    "medium",
    remediation="Set iam.allowedPolicyMemberDomains to the organisation's own domains.",
)
def domain_restricted_sharing(found: Constraints, _: Scene) -> Verdict:
    """Access can be granted to identities of named domains only."""
    name = "iam.allowedPolicyMemberDomains"
    return _asked(found, name, holds=found.limits(name))


@orgpolicy.check(
    Constraints, "medium", remediation="Set gcp.resourceLocations to the approved locations."
)
def resource_locations(found: Constraints, _: Scene) -> Verdict:
    """Resources can be created in named locations only."""
    name = "gcp.resourceLocations"
    return _asked(found, name, holds=found.limits(name))


@orgpolicy.check(
    Constraints, "low", remediation="Set gcp.restrictServiceUsage to the services in use."
)
def service_usage_restricted(found: Constraints, _: Scene) -> Verdict:
    """Only services that were chosen can be used."""
    names = "gcp.restrictServiceUsage", "serviceuser.services"
    return _asked(found, names[0], holds=any(found.limits(name) for name in names))


@orgpolicy.check(
    Constraints, "medium", remediation="Enforce the constraints of the baseline you adopted."
)
def baseline_enforced(
    found: Constraints, _: Scene, *, baseline: tuple[str, ...] = criterion("constraints")
) -> Verdict:
    """The constraints of the adopted baseline are enforced on the organisation."""
    if not found.of_organisation:
        return not_applicable("not an organisation")
    missing = [each for each in baseline if not (found.enforced(each) or found.limits(each))]
    return fails(f"not enforced: {', '.join(sorted(missing))}") if missing else passes()
