"""How Okta is spoken to: what may be asked, with which scope, and what its answers mean."""

from __future__ import annotations

from typing import Final

from collectors import CallError, Cause
from collectors.http import Answer, Read, Site, reads

USERS: Final = "okta.users.read"
POLICIES: Final = "okta.policies.read"
AUTHENTICATORS: Final = "okta.authenticators.read"
ROLES: Final = "okta.roles.read"
TOKENS: Final = "okta.apiTokens.read"
APPS: Final = "okta.apps.read"
LOG_STREAMS: Final = "okta.logStreams.read"
THREATS: Final = "okta.threatInsights.read"
ZONES: Final = "okta.networkZones.read"
HOOKS: Final = "okta.eventHooks.read"
ORGANIZATION: Final = "okta.orgs.read"

SCOPES: Final = {
    "GET /api/v1/org": ORGANIZATION,
    "GET /api/v1/org/privacy/oktaSupport": ORGANIZATION,
    "GET /api/v1/users": USERS,
    "GET /api/v1/users/{userId}/factors": USERS,
    "GET /api/v1/users/{userId}/roles": ROLES,
    "GET /api/v1/iam/assignees/users": ROLES,
    "GET /api/v1/policies": POLICIES,
    "GET /api/v1/policies/{policyId}/rules": POLICIES,
    "GET /api/v1/authenticators": AUTHENTICATORS,
    "GET /api/v1/api-tokens": TOKENS,
    "GET /api/v1/apps": APPS,
    "GET /api/v1/logStreams": LOG_STREAMS,
    "GET /api/v1/threats/configuration": THREATS,
    "GET /api/v1/zones": ZONES,
    "GET /api/v1/eventHooks": HOOKS,
}
"""Every read with the one scope it needs, as Okta's own description says."""

WELL_KNOWN: Final = "GET /.well-known/okta-organization"
"""What Okta tells everybody of an organisation, its id among it; no scope and no token needed."""

RATES: Final = {
    "GET /api/v1/users": 5.0,
    "GET /api/v1/apps": 1.0,
    "GET /api/v1/users/{userId}/factors": 20.0,
}
"""Calls per second below Okta's documented limits per minute, half of which is left to others."""

NOT_LICENSED: Final = frozenset({"E0000015", "E0000060"})
"""The organisation lacks the feature."""

GRANT: Final = "POST /oauth2/v1/token"


def _code(answer: Answer) -> str:
    """Okta's error code, or OAuth's."""
    return str(answer.at("errorCode") or answer.at("error") or "")


def understand(answer: Answer) -> Exception | None:
    """What Okta says by its own codes only."""
    code = _code(answer)
    if answer.status >= 400 and code in NOT_LICENSED:
        return CallError(Cause.NOT_LICENSED, code, "the organisation lacks this feature")
    return None


def understand_grant(answer: Answer) -> Exception | None:
    """A refused token; the scope that was asked for is the cure, unless the app itself is wrong."""
    if answer.status not in {400, 401, 403}:
        return None
    code = _code(answer)
    cure = "a valid client_id and private_key"
    if code == "invalid_scope":
        cure = ""
    elif "dpop" in code:
        cure = "an app that does not require DPoP"
    return CallError(Cause.DENIED, code or "no token", f"Okta gave no token: {code}", cure)


SITE: Final = Site(
    "okta",
    reads(*(Read(each, service=each, rate=RATES.get(each)) for each in (*SCOPES, WELL_KNOWN))),
    headers={"User-Agent": "annexa"},
    request_ids=("x-okta-request-id",),
    resets={"x-rate-limit-reset": "epoch"},
    code=_code,
    understand=understand,
)

TOKEN_SITE: Final = Site(
    "okta",
    reads(Read(GRANT, service="token", form=True, private=True)),
    headers=SITE.headers,
    request_ids=SITE.request_ids,
    resets=SITE.resets,
    code=_code,
    understand=understand_grant,
)
