"""What is asked of Microsoft Entra ID, with the application permission each read needs."""

from __future__ import annotations

from typing import Final

from collectors.graph import GraphConnection, graph_site
from collectors.http import Read

POLICIES: Final = "Policy.Read.All"
USERS: Final = "User.Read.All"
REPORTS: Final = "AuditLog.Read.All"
GROUP_SETTINGS: Final = "GroupSettings.Read.All"
ROLES: Final = "RoleManagement.Read.Directory"
MEMBERS: Final = "GroupMember.Read.All"
REVIEWS: Final = "AccessReview.Read.All"
RISKS: Final = "IdentityRiskyUser.Read.All"
DEVICES: Final = "Device.Read.All"
APPLICATIONS: Final = "Application.Read.All"
DOMAINS: Final = "Domain.Read.All"

NEEDS: Final = {
    "GET /v1.0/policies/authorizationPolicy": POLICIES,
    "GET /v1.0/policies/identitySecurityDefaultsEnforcementPolicy": POLICIES,
    "GET /v1.0/policies/authenticationMethodsPolicy": POLICIES,
    "GET /v1.0/policies/crossTenantAccessPolicy/default": POLICIES,
    "GET /v1.0/identity/conditionalAccess/policies": POLICIES,
    "GET /v1.0/identity/conditionalAccess/namedLocations": POLICIES,
    "GET /v1.0/groupSettings": GROUP_SETTINGS,
    "GET /v1.0/domains": DOMAINS,
    "GET /v1.0/users": USERS,
    "GET /v1.0/applications": APPLICATIONS,
    "GET /v1.0/devices": DEVICES,
    "GET /v1.0/groups": MEMBERS,
    "GET /v1.0/groups/{group}/members": MEMBERS,
    "GET /v1.0/roleManagement/directory/roleAssignments": ROLES,
    "GET /v1.0/roleManagement/directory/roleAssignmentSchedules": ROLES,
    "GET /v1.0/policies/roleManagementPolicyAssignments": ROLES,
    "GET /v1.0/identityGovernance/accessReviews/definitions": REVIEWS,
    "GET /v1.0/identityGovernance/accessReviews/definitions/{review}/instances": REVIEWS,
    "GET /v1.0/identityProtection/riskyUsers": RISKS,
    "GET /v1.0/reports/authenticationMethods/userRegistrationDetails": REPORTS,
}
"""Every read with a permission that suffices for it, as Microsoft's permissions file says."""

CONDITIONAL_ACCESS: Final = "GET /v1.0/identity/"
RISKY: Final = "GET /v1.0/identityProtection/"
REPORTING: Final = "GET /v1.0/reports/"


def _read(operation: str) -> Read:
    """A read with its documented limit, where it is narrower than a target's own rate."""
    if operation.startswith(CONDITIONAL_ACCESS):  # one a second for all apps; no Retry-After
        return Read(operation, service="identity", rate=1.0, burst=2)
    if operation.startswith(RISKY):  # the same
        return Read(operation, service="risk", rate=1.0, burst=2)
    if operation.startswith(REPORTING):  # five in ten seconds
        return Read(operation, service="reports", rate=0.5, burst=5)
    return Read(operation, service="directory")


SITE: Final = graph_site("entra", [_read(each) for each in NEEDS])


class EntraConnection(GraphConnection):
    """A tenant of Microsoft Entra ID."""

    platform = "entra"
    site = SITE
