"""Microsoft Graph behind Microsoft's own metadata, for tests of every platform read over it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.spec_server import Asked, Page, Scripted, SpecServer, load_spec, odata_pages

SIGN_IN_PAGE = 120
"""Users of a page at most where sign-ins are asked for, as Microsoft documents."""

DENIED = Scripted(
    403,
    {"request-id": "00000000-0000-0000-0000-0000000000d1"},
    {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges."}},
)
NO_SCOPES = Scripted(
    403,
    body={"error": {"code": "AccessDenied", "message": "required scopes are missing in the token"}},
)
NOT_PREMIUM = Scripted(
    403,
    body={
        "error": {
            "code": "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "message": "Neither tenant is B2C or tenant doesn't have premium license",
        }
    },
)
NO_P2 = Scripted(
    400,
    body={
        "error": {
            "code": "AadPremiumLicenseRequired",
            "message": "The tenant needs to have Microsoft Entra ID P2 license.",
        }
    },
)
NO_RISK = Scripted(
    403,
    body={
        "error": {"code": "Forbidden", "message": "Your tenant is not licensed for this feature."},
    },
)
NO_PIM_SCOPE = Scripted(
    403,
    body={
        "error": {
            "code": "UnknownError",
            "message": json.dumps({"errorCode": "PermissionScopeNotGranted", "message": "…"}),
        }
    },
)
NO_INTUNE = Scripted(
    400,
    body={
        "error": {"code": "BadRequest", "message": "Request not applicable to target tenant."},
    },
)
INTUNE_DENIED = Scripted(
    403,
    body={
        "error": {"code": "UnknownError", "message": json.dumps({"ErrorCode": "Forbidden"})},
    },
)


def patched() -> dict[str, Any]:
    """Microsoft's metadata as it is trimmed here, with what the trimming left out.

    The metadata here has plain properties only. `authenticationStrength` is a navigation property
    of the grant controls that Graph gives without being asked; `scheduledActionConfigurations` is
    one of a rule's actions, which is expanded.
    """
    spec: dict[str, Any] = json.loads(json.dumps(load_spec("msgraph-v1.0")))
    schemas = spec["components"]["schemas"]
    grant = schemas["microsoft.graph.conditionalAccessGrantControls"]
    grant["properties"]["authenticationStrength"] = {
        "type": "object",
        "nullable": True,
        "properties": {
            "id": {"type": "string"},
            "displayName": {"type": "string"},
            "requirementsSatisfied": {"enum": ["none", "mfa", "unknownFutureValue"]},
            "allowedCombinations": {"type": "array", "items": {"type": "string"}},
        },
    }
    rule = schemas["microsoft.graph.deviceComplianceScheduledActionForRule"]
    rule["properties"]["scheduledActionConfigurations"] = {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "id": {"type": "string"},
                "actionType": {"type": "string"},
                "gracePeriodHours": {"type": "integer"},
            },
        },
    }
    return spec


SPEC = patched()


def graph_pages(rows: Sequence[Any], asked: Asked, most: int) -> Page:
    """Pages of OData; counted where the request asks for it as Graph demands."""
    if "signInActivity" in asked.query.get("$select", ""):
        most = SIGN_IN_PAGE
    body, headers = odata_pages(rows, asked, most)
    if asked.query.get("$count") == "true":
        assert asked.headers.get("consistencylevel") == "eventual", "no count without it"
        assert "$expand" not in asked.query, "Graph counts nothing that is expanded"
        body["@odata.count"] = len(rows)
    return {**body, "value": [chosen(row, asked) for row in body["value"]]}, headers


def chosen(row: Any, asked: Asked) -> Any:
    """The properties that `$select` names, what is expanded, and what OData always adds."""
    names = set(filter(None, asked.query.get("$select", "").split(",")))
    if not names:
        return row
    names |= {each.partition("(")[0] for each in asked.query.get("$expand", "").split(",")}
    return {name: value for name, value in row.items() if name in names or name.startswith("@")}


def serve(data: dict[str, Any]) -> SpecServer:
    """A tenant that holds the data; enter it to serve."""
    made = SpecServer(SPEC, paging=graph_pages, most=999)
    made.data |= data
    return made
