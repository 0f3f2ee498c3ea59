"""How Azure is spoken to: what may be asked, in which version of its API, and what answers mean."""

from __future__ import annotations

from typing import Final

from collectors import CallError, Cause, NotOfferedError
from collectors.http import Answer, Read, Site, reads

_IN_GROUP: Final = "GET /subscriptions/{subscriptionId}/resourceGroups/{rg}/providers"
GRAPH: Final = "POST /providers/Microsoft.ResourceGraph/resources"
SUBSCRIPTIONS: Final = "GET /subscriptions"
DESCENDANTS: Final = "GET /providers/Microsoft.Management/managementGroups/{groupId}/descendants"
DIAGNOSTICS: Final = "GET /{+resourceUri}/providers/Microsoft.Insights/diagnosticSettings"
_SQL: Final = f"{_IN_GROUP}/Microsoft.Sql/servers/{{server}}"
_VAULT: Final = f"{_IN_GROUP}/Microsoft.KeyVault/vaults/{{vault}}"
BLOB_SERVICE: Final = (
    f"{_IN_GROUP}/Microsoft.Storage/storageAccounts/{{account}}/blobServices/default"
)
AUDITING: Final = f"{_SQL}/auditingSettings/default"
FIREWALL_RULES: Final = f"{_SQL}/firewallRules"
ENCRYPTION: Final = f"{_SQL}/databases/{{database}}/transparentDataEncryption/current"
KEYS: Final = f"{_VAULT}/keys"
SECRETS: Final = f"{_VAULT}/secrets"
PERMISSIONS: Final = (
    "GET /subscriptions/{subscriptionId}/providers/Microsoft.Authorization/permissions"
)
CONTACTS: Final = (
    "GET /subscriptions/{subscriptionId}/providers/Microsoft.Security/securityContacts"
)

VERSIONS: Final = {
    GRAPH: "2022-10-01",
    SUBSCRIPTIONS: "2022-12-01",
    DESCENDANTS: "2023-04-01",
    PERMISSIONS: "2015-07-01",
    DIAGNOSTICS: "2021-05-01-preview",
    BLOB_SERVICE: "2023-05-01",
    AUDITING: "2021-11-01",
    FIREWALL_RULES: "2021-11-01",
    ENCRYPTION: "2021-11-01",
    KEYS: "2023-07-01",
    SECRETS: "2023-07-01",
    CONTACTS: "2020-01-01-preview",
}
"""Every read with the version of its resource provider's API."""

GRAPH_READ: Final = "Microsoft.ResourceGraph/resources/read"
SUBSCRIPTION_READ: Final = "Microsoft.Resources/subscriptions/read"
DESCENDANTS_READ: Final = "Microsoft.Management/managementGroups/descendants/read"
PERMISSIONS_READ: Final = "Microsoft.Authorization/permissions/read"
DIAGNOSTICS_READ: Final = "Microsoft.Insights/diagnosticSettings/read"

UNREGISTERED: Final = frozenset({"MissingSubscriptionRegistration", "SubscriptionNotRegistered"})
"""The subscription has never used this service, so it has nothing of it."""
NOTHING_VISIBLE: Final = frozenset({"NoValidSubscriptionsInQueryRequest"})


def code(answer: Answer) -> str:
    """Azure's error code; Resource Graph has the telling one inside."""
    inner = answer.at("error/details")
    for detail in inner if isinstance(inner, list) else ():
        found = detail.get("code") if isinstance(detail, dict) else None
        if found in NOTHING_VISIBLE:
            return str(found)
    return str(answer.at("error/code") or "")


def understand(answer: Answer) -> Exception | None:
    """What Azure says in its own words only."""
    if answer.headers.get("x-ms-tenant-subscription-limit-hit", "").lower() == "true":
        return CallError(
            Cause.PARTIAL,
            "more than 10,000 subscriptions",
            "Resource Graph answers for 10,000 subscriptions; declare management groups instead",
        )
    if answer.status < 400:
        return None
    found = code(answer)
    if found in UNREGISTERED:
        return NotOfferedError(f"the resource provider is not registered ({found})")
    if found in NOTHING_VISIBLE:
        return CallError(Cause.DENIED, found, "no subscription can be seen", SUBSCRIPTION_READ)
    return None


SITE: Final = Site(
    "azure",
    reads(
        *(
            Read(each, service="graph", rate=3, burst=15) if each == GRAPH else Read(each)
            for each in VERSIONS
        )
    ),
    headers={"User-Agent": "annexa"},
    request_ids=("x-ms-request-id", "x-ms-correlation-request-id"),
    resets={"x-ms-user-quota-resets-after": "duration"},
    code=code,
    understand=understand,
)
