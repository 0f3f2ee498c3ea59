"""A tenant of Microsoft Entra ID: 700 accounts, some of them guests, ten policies."""

from __future__ import annotations

from typing import Any

from collectors.entra import EntraConnection
from collectors.entra.sign_in import PRIVILEGED
from tests.graph import serve
from tests.microsoft import SECRET, Authority
from tests.spec_server import SpecServer

SINCE = "2024-03-01T08:00:00Z"
USED = "2026-11-20T08:00:00Z"
NEVER = "0001-01-01T00:00:00Z"
BREAK_GLASS = ("u-1", "u-2")

USERS = "GET /v1.0/users"
REGISTERED = "GET /v1.0/reports/authenticationMethods/userRegistrationDetails"
POLICIES = "GET /v1.0/identity/conditionalAccess/policies"
PLACES = "GET /v1.0/identity/conditionalAccess/namedLocations"
AUTHORIZATION = "GET /v1.0/policies/authorizationPolicy"
DEFAULTS = "GET /v1.0/policies/identitySecurityDefaultsEnforcementPolicy"
METHODS = "GET /v1.0/policies/authenticationMethodsPolicy"
CROSS_TENANT = "GET /v1.0/policies/crossTenantAccessPolicy/default"
GROUP_SETTINGS = "GET /v1.0/groupSettings"
APPLICATIONS = "GET /v1.0/applications"
ASSIGNMENTS = "GET /v1.0/roleManagement/directory/roleAssignments"
SCHEDULES = "GET /v1.0/roleManagement/directory/roleAssignmentSchedules"
ROLE_POLICIES = "GET /v1.0/policies/roleManagementPolicyAssignments"
GROUPS = "GET /v1.0/groups"
MEMBERS = "GET /v1.0/groups/{group-id}/members"
DEVICES = "GET /v1.0/devices"
RISKY = "GET /v1.0/identityProtection/riskyUsers"
REVIEWS = "GET /v1.0/identityGovernance/accessReviews/definitions"
INSTANCES = f"{REVIEWS}/{{accessReviewScheduleDefinition-id}}/instances"
DOMAINS = "GET /v1.0/domains"


def user(number: int, **changed: Any) -> dict[str, Any]:
    """An account, with all that we do not want to keep."""
    guest = number % 18 == 17
    name = f"person{number}"
    return {
        "id": f"u-{number}",
        "userPrincipalName": f"{name}#EXT#@acme.example" if guest else f"{name}@acme.example",
        "accountEnabled": number % 50 != 49,
        "userType": "Guest" if guest else "Member",
        "createdDateTime": SINCE,
        "onPremisesSyncEnabled": None if guest or number < 2 else True,
        "displayName": f"Per Son {number}",
        "mobilePhone": "+49 170 0000000",
        "assignedLicenses": [] if guest else [{"skuId": "sku-e5", "disabledPlans": []}],
        "signInActivity": {
            "lastSignInDateTime": "2026-05-01T08:00:00Z" if number % 30 == 29 else USED,
            "lastSignInRequestId": f"r-{number}",
            "lastNonInteractiveSignInDateTime": NEVER,
            "lastNonInteractiveSignInRequestId": "",
        },
        **changed,
    }


def registration(number: int, **changed: Any) -> dict[str, Any]:
    """What an account has registered."""
    return {
        "id": f"u-{number}",
        "userPrincipalName": f"person{number}@acme.example",
        "userDisplayName": f"Per Son {number}",
        "userType": "member",
        "isAdmin": number < 5,
        "isMfaRegistered": number % 25 != 24,
        "isMfaCapable": number % 25 != 24,
        "methodsRegistered": ["microsoftAuthenticatorPush"],
        "lastUpdatedDateTime": USED,
        **changed,
    }


def policy(number: int, **changed: Any) -> dict[str, Any]:
    """A policy that asks everyone for a second factor; `users`, `grant` and so on change it."""
    users = {"includeUsers": ["All"], "excludeUsers": [*BREAK_GLASS], **changed.pop("users", {})}
    applications = {"includeApplications": ["All"], **changed.pop("applications", {})}
    grant = {"operator": "OR", "builtInControls": ["mfa"], **changed.pop("grant", {})}
    conditions = {
        "users": users,
        "applications": applications,
        "clientAppTypes": ["all"],
        **changed.pop("conditions", {}),
    }
    return {
        "id": f"p-{number}",
        "displayName": f"CA{number:03}",
        "state": "enabled",
        "createdDateTime": SINCE,
        "modifiedDateTime": "2026-06-01T08:00:00Z",
        "conditions": conditions,
        "grantControls": grant,
        "sessionControls": None,
        **changed,
    }


UNPHISHABLE = {
    "id": "00000000-0000-0000-0000-000000000004",
    "displayName": "Phishing-resistant MFA",
    "requirementsSatisfied": "mfa",
    "allowedCombinations": ["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
}
ADMINS = {"includeUsers": [], "includeRoles": sorted(PRIVILEGED)}
BLOCK = {"builtInControls": ["block"]}
SESSION = {
    "signInFrequency": {"isEnabled": True, "value": 8, "type": "hours"},
    "persistentBrowser": {"isEnabled": True, "mode": "never"},
}


def policies() -> list[dict[str, Any]]:
    """The policies of the tenant: all that the checks look for, and one that is only tried."""
    strong = {"builtInControls": [], "authenticationStrength": UNPHISHABLE}
    device = {"builtInControls": ["compliantDevice", "domainJoinedDevice"]}
    new_password = {"operator": "AND", "builtInControls": ["mfa", "passwordChange"]}
    home = {"includeLocations": ["All"], "excludeLocations": ["l-eu", "AllTrusted"]}
    download = {"applicationEnforcedRestrictions": {"isEnabled": True}}
    return [
        policy(1),
        policy(2, users=ADMINS, grant=strong),
        policy(3, conditions={"clientAppTypes": ["exchangeActiveSync", "other"]}, grant=BLOCK),
        policy(4, applications={"includeApplications": ["app-erp", "Office365"]}, grant=device),
        policy(5, conditions={"signInRiskLevels": ["high", "medium"]}),
        policy(6, conditions={"userRiskLevels": ["high"]}, grant=new_password),
        policy(7, users=ADMINS, sessionControls=SESSION, grantControls=None),
        policy(8, sessionControls=download, grantControls=None),
        policy(9, conditions={"locations": home}, grant=BLOCK),
        policy(10, state="enabledForReportingButNotEnforced"),
    ]


def place(number: str, **changed: Any) -> dict[str, Any]:
    """A named location of countries."""
    return {
        "@odata.type": "#microsoft.graph.countryNamedLocation",
        "id": number,
        "displayName": "Home countries",
        "createdDateTime": SINCE,
        "countriesAndRegions": ["DE", "AT"],
        "includeUnknownCountriesAndRegions": False,
        **changed,
    }


NETWORK = {
    "@odata.type": "#microsoft.graph.ipNamedLocation",
    "id": "l-office",
    "displayName": "Office",
    "isTrusted": True,
    "ipRanges": [
        {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "203.0.113.0/24"}
    ],
}


def authorization(**changed: Any) -> dict[str, Any]:
    """The authorization policy."""
    people = {
        "allowedToCreateApps": False,
        "allowedToCreateTenants": False,
        "allowedToCreateSecurityGroups": False,
        "allowedToReadOtherUsers": True,
        "permissionGrantPoliciesAssigned": [
            "ManagePermissionGrantsForSelf.microsoft-user-default-low"
        ],
        **changed.pop("people", {}),
    }
    return {
        "id": "authorizationPolicy",
        "displayName": "Authorization Policy",
        "allowInvitesFrom": "adminsAndGuestInviters",
        "guestUserRoleId": "2af84b1e-32c8-42b7-82bc-daa82404023b",
        "defaultUserRolePermissions": people,
        **changed,
    }


def method(name: str, state: str = "enabled", group: str = "all_users") -> dict[str, Any]:
    """A way to authenticate."""
    kind = {"Sms": "sms", "Voice": "voice", "Fido2": "fido2"}.get(name, name)
    return {
        "@odata.type": f"#microsoft.graph.{kind}AuthenticationMethodConfiguration",
        "id": name,
        "state": state,
        "excludeTargets": [],
        "includeTargets": [{"targetType": "group", "id": group, "isRegistrationRequired": False}],
    }


ALL_BLOCKED = {
    "usersAndGroups": {
        "accessType": "blocked",
        "targets": [{"target": "AllUsers", "targetType": "user"}],
    },
    "applications": {
        "accessType": "blocked",
        "targets": [{"target": "AllApplications", "targetType": "application"}],
    },
}

PASSWORDS = {
    "id": "gs-1",
    "displayName": "Password Rule Settings",
    "templateId": "5cf42378-d67d-4f36-ba46-e8b86229381d",
    "values": [
        {"name": "EnableBannedPasswordCheck", "value": "True"},
        {"name": "BannedPasswordList", "value": "acme\tanvil\troadrunner"},
        {"name": "LockoutThreshold", "value": "10"},
        {"name": "LockoutDurationInSeconds", "value": "60"},
    ],
}


def domain(name: str, **changed: Any) -> dict[str, Any]:
    """A domain."""
    return {
        "id": name,
        "isVerified": True,
        "authenticationType": "Managed",
        "passwordValidityPeriodInDays": 2147483647,
        "isDefault": True,
        **changed,
    }


def application(number: int, **changed: Any) -> dict[str, Any]:
    """An application of our own, with a secret and a certificate."""
    since, until = "2026-06-01T00:00:00Z", "2026-12-31T00:00:00Z"
    credential = {
        "keyId": f"k-{number}",
        "displayName": "deploy",
        "startDateTime": since,
        "endDateTime": until,
    }
    return {
        "id": f"a-{number}",
        "appId": f"app-{number}",
        "displayName": f"App {number}",
        "createdDateTime": SINCE,
        "signInAudience": "AzureADMyOrg",
        "passwordCredentials": [{**credential, "hint": "abc", "secretText": None}],
        "keyCredentials": [{**credential, "type": "AsymmetricX509Cert", "usage": "Verify"}],
        "owners": [{"@odata.type": "#microsoft.graph.user", "id": f"u-{number % 40}"}],
        **changed,
    }


GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
EXCHANGE = "29232cdf-9323-42fd-ade2-1d097af3e4de"


def assignment(number: int, principal: str, role: str = GLOBAL) -> dict[str, Any]:
    """That somebody holds a role."""
    return {
        "id": f"ra-{number}",
        "principalId": principal,
        "roleDefinitionId": role,
        "directoryScopeId": "/",
    }


def schedule(number: int, principal: str, kind: str = "Activated", **changed: Any) -> Any:
    """For how long somebody holds a role."""
    return {
        **assignment(number, principal),
        "assignmentType": kind,
        "memberType": "Direct",
        "status": "Provisioned",
        "scheduleInfo": {
            "startDateTime": "2026-11-24T08:00:00Z",
            "expiration": {"type": changed.pop("ends", "afterDateTime")},
        },
        **changed,
    }


def role_policy(
    role: str, *asked: str, approval: bool = True, lasts: str = "PT8H"
) -> dict[str, Any]:
    """What activating a role asks for."""
    kinds = "#microsoft.graph.unifiedRoleManagementPolicy"
    rules = [
        {
            "@odata.type": f"{kinds}EnablementRule",
            "id": "Enablement_EndUser_Assignment",
            "enabledRules": list(asked or ("MultiFactorAuthentication", "Justification")),
        },
        {
            "@odata.type": f"{kinds}ApprovalRule",
            "id": "Approval_EndUser_Assignment",
            "setting": {"isApprovalRequired": approval, "approvalStages": []},
        },
        {
            "@odata.type": f"{kinds}ExpirationRule",
            "id": "Expiration_EndUser_Assignment",
            "isExpirationRequired": True,
            "maximumDuration": lasts,
        },
        {
            "@odata.type": f"{kinds}AuthenticationContextRule",
            "id": "AuthenticationContext_EndUser_Assignment",
            "isEnabled": False,
            "claimValue": "",
        },
    ]
    return {
        "id": f"DirectoryRole_{role}",
        "policyId": f"DirectoryRole_{role}",
        "scopeId": "/",
        "scopeType": "DirectoryRole",
        "roleDefinitionId": role,
        "policy": {"id": f"DirectoryRole_{role}", "rules": rules},
    }


def device(number: int, **changed: Any) -> dict[str, Any]:
    """A device of the directory."""
    return {
        "id": f"dev-{number}",
        "deviceId": f"aad-{number}",
        "displayName": f"ACME-{number}",
        "accountEnabled": True,
        "operatingSystem": "Windows",
        "trustType": "AzureAd",
        "isManaged": True,
        "registrationDateTime": SINCE,
        "approximateLastSignInDateTime": USED,
        **changed,
    }


def risky(number: int, **changed: Any) -> dict[str, Any]:
    """An account at risk."""
    return {
        "id": f"u-{number}",
        "userDisplayName": f"Per Son {number}",
        "riskLevel": "high",
        "riskState": "atRisk",
        "riskLastUpdatedDateTime": "2026-11-23T20:00:00Z",
        **changed,
    }


def review(number: int, query: str) -> dict[str, Any]:
    """An access review about something."""
    return {
        "id": f"rev-{number}",
        "displayName": f"Review {number}",
        "status": "InProgress",
        "scope": {"@odata.type": "#microsoft.graph.accessReviewQueryScope", "query": query},
        "settings": {"autoApplyDecisionsEnabled": True},
        "createdBy": {"id": "u-1", "displayName": "Per Son 1"},
    }


def instance(status: str = "Applied", end: str = "2026-09-30T00:00:00Z") -> dict[str, Any]:
    """One time that a review was held."""
    return {"id": "i-1", "status": status, "startDateTime": SINCE, "endDateTime": end}


def tenant(people: int = 700) -> SpecServer:
    """The tenant; enter it to serve."""
    return serve(
        {
            USERS: [user(number) for number in range(people)],
            REGISTERED: [registration(number) for number in range(people) if number % 50 != 49],
            APPLICATIONS: [application(number) for number in range(30)],
            ASSIGNMENTS: [
                assignment(0, "u-1"),
                assignment(1, "g-admins"),
                assignment(2, "u-9", EXCHANGE),
            ],
            SCHEDULES: [schedule(0, "u-1", "Assigned", ends="noExpiration"), schedule(1, "u-3")],
            ROLE_POLICIES: [role_policy(GLOBAL), role_policy("role-of-our-own", approval=False)],
            GROUPS: [
                {
                    "id": "g-admins",
                    "displayName": "Admins",
                    "isAssignableToRole": True,
                    "mail": "admins@acme.example",
                }
            ],
            MEMBERS: [{"@odata.type": "#microsoft.graph.user", "id": "u-0", "displayName": "Per"}],
            DEVICES: [device(number) for number in range(40)],
            RISKY: [risky(3), risky(4, riskState="remediated")],
            REVIEWS: [review(0, "/roleManagement/directory/roleDefinitions"), review(1, "g-erp")],
            INSTANCES: [instance()],
            POLICIES: policies(),
            PLACES: [place("l-eu"), NETWORK],
            AUTHORIZATION: authorization(),
            DEFAULTS: {"id": "defaults", "displayName": "Security Defaults", "isEnabled": False},
            METHODS: {
                "id": "authenticationMethodsPolicy",
                "authenticationMethodConfigurations": [
                    method("Fido2"),
                    method("Sms", "disabled"),
                    method("Voice", group="g-old-phones"),
                ],
            },
            CROSS_TENANT: {
                "id": "default",
                "isServiceDefault": False,
                "b2bCollaborationInbound": ALL_BLOCKED,
                "b2bDirectConnectInbound": ALL_BLOCKED,
            },
            GROUP_SETTINGS: [PASSWORDS],
            DOMAINS: [domain("acme.example"), domain("acme.onmicrosoft.com")],
        }
    )


def connection(double: SpecServer, authority: Authority) -> EntraConnection:
    """The tenant as it is declared."""
    sign_in = authority.sign_in(client_secret=lambda: SECRET)
    return EntraConnection("acme", sign_in, double.url)
