"""An Okta organisation behind Okta's own description: 450 people, 210 applications, 12 policies."""

from __future__ import annotations

import json
from typing import Any

from collectors.okta import OktaConnection
from collectors.okta.site import GRANT, WELL_KNOWN
from tests.spec_server import Asked, Scripted, SpecServer, load_spec, okta_pages

TOKEN = "canary-" + "okta" * 6
SINCE = "2024-03-01T08:00:00.000Z"
USED = "2026-11-20T08:00:00.000Z"
MANAGEMENT, OAUTH = load_spec("okta-management"), load_spec("okta-oauth")


def with_tokens() -> dict[str, Any]:
    """Okta's management description with the token endpoint of its OAuth one.

    The trimming left out what Okta tells everybody (getWellknownOrgMetadata, without security).
    """
    management = json.loads(json.dumps(MANAGEMENT))
    token = OAUTH["paths"]["/oauth2/v1/token"]
    management["paths"]["/oauth2/v1/token"] = token
    for part, named in OAUTH["components"].items():
        management["components"].setdefault(part, {})
        for name, value in named.items():
            management["components"][part].setdefault(name, value)
    known = {"type": "object", "properties": {"id": {"type": "string"}}}
    answer = {"content": {"application/json": {"schema": known}}}
    management["paths"][WELL_KNOWN.removeprefix("GET ")] = {"get": {"responses": {"200": answer}}}
    made: dict[str, Any] = management
    return made


SPEC = with_tokens()


def user(number: int, **changed: Any) -> dict[str, Any]:
    """A person's account, with all that we do not want to keep."""
    return {
        "id": f"00u{number}",
        "status": "ACTIVE",
        "created": SINCE,
        "activated": SINCE,
        "statusChanged": SINCE,
        "lastLogin": USED,
        "lastUpdated": SINCE,
        "passwordChanged": SINCE,
        "type": {"id": "oty1"},
        "profile": {
            "login": f"person{number}@acme.example",
            "email": f"person{number}@acme.example",
            "firstName": "Per",
            "lastName": f"Son{number}",
            "mobilePhone": "+49 170 0000000",
        },
        "credentials": {"provider": {"type": "ACTIVE_DIRECTORY", "name": "corp.example"}},
        **changed,
    }


def policy(number: int, kind: str, **more: Any) -> dict[str, Any]:
    """A policy of a kind."""
    return {
        "id": f"00p-{kind}-{number}",
        "name": f"{kind} {number}",
        "type": kind,
        "status": "ACTIVE",
        "system": number == 0,
        "priority": number + 1,
        "created": SINCE,
        "lastUpdated": SINCE,
        **more,
    }


PASSWORD = {
    "password": {
        "complexity": {"minLength": 14, "dictionary": {"common": {"exclude": True}}},
        "age": {"historyCount": 5},
        "lockout": {"maxAttempts": 5},
    }
}
SESSION = {
    "maxSessionLifetimeMinutes": 480,
    "maxSessionIdleMinutes": 60,
    "usePersistentCookie": False,
}


def rule(kind: str, number: int) -> dict[str, Any]:
    """A rule of a policy of a kind."""
    actions: dict[str, Any] = {"signon": {"access": "ALLOW", "session": SESSION}}
    if kind == "ACCESS_POLICY":
        method = {"type": "ASSURANCE", "factorMode": "2FA"}
        actions = {"appSignOn": {"access": "ALLOW", "verificationMethod": method}}
    return {
        "id": f"0pr{number}",
        "name": "Catch-all",
        "type": kind if kind == "ACCESS_POLICY" else "SIGN_ON",
        "status": "ACTIVE",
        "system": True,
        "priority": 99,
        "actions": actions,
    }


def policies(asked: Asked) -> list[dict[str, Any]]:
    """Four policies of each kind."""
    kind = asked.query["type"]
    more = {"settings": PASSWORD} if kind == "PASSWORD" else {}
    return [policy(number, kind, **more) for number in range(4)]


def factors(asked: Asked) -> list[dict[str, Any]]:
    """What a person has enrolled."""
    return [
        {
            "id": f"opf-{asked.names['userId']}",
            "factorType": "push",
            "provider": "OKTA",
            "status": "ACTIVE",
            "created": SINCE,
            "lastUpdated": SINCE,
        }
    ]


def app(number: int, **changed: Any) -> dict[str, Any]:
    """An application."""
    return {
        "id": f"0oa{number}",
        "name": f"app_{number}",
        "label": f"App {number}",
        "status": "ACTIVE",
        "signOnMode": "SAML_2_0",
        "created": SINCE,
        "lastUpdated": SINCE,
        "settings": {"signOn": {}},
        **changed,
    }


def named(prefix: str, number: int, **more: Any) -> dict[str, Any]:
    """A thing with an id, a name, a status and dates."""
    return {
        "id": f"{prefix}{number}",
        "name": f"{prefix} {number}",
        "status": "ACTIVE",
        "created": SINCE,
        "lastUpdated": USED,
        **more,
    }


def api_token(number: int, **changed: Any) -> dict[str, Any]:
    """An API token."""
    made = named("00T", number, userId="00u0", created="2026-06-01T08:00:00.000Z")
    del made["status"]
    return {**made, **changed}


def serve() -> SpecServer:
    """A double that holds the organisation; enter it to serve."""
    made = SpecServer(
        SPEC, paging=okta_pages, token=f"SSWS {TOKEN}", most=200, unsigned=[GRANT, WELL_KNOWN]
    )
    made.data |= {
        WELL_KNOWN: {"id": "00o1", "pipeline": "idx"},
        "GET /api/v1/org": {"id": "00o1", "status": "ACTIVE", "subdomain": "acme"},
        "GET /api/v1/org/privacy/oktaSupport": {"support": "DISABLED", "expiration": None},
        "GET /api/v1/users": [user(number) for number in range(450)],
        "GET /api/v1/users/{userId}/factors": lambda asked: Scripted(body=factors(asked)),
        "GET /api/v1/users/{userId}/roles": lambda asked: Scripted(
            body=[{"id": f"ra-{asked.names['userId']}", "type": "SUPER_ADMIN", "status": "ACTIVE"}]
        ),
        "GET /api/v1/iam/assignees/users": assignees,
        "GET /api/v1/policies": policies,
        "GET /api/v1/policies/{policyId}/rules": lambda asked: [
            rule(asked.names["policyId"].split("-")[1], number) for number in range(2)
        ],
        "GET /api/v1/authenticators": [
            named("aut", n, key=key, type="app")
            for n, key in enumerate(("okta_verify", "webauthn", "okta_password"))
        ],
        "GET /api/v1/api-tokens": [api_token(number) for number in range(8)],
        "GET /api/v1/apps": [app(number) for number in range(410)],
        "GET /api/v1/logStreams": [
            named("oel", 1, type="aws_eventbridge", _links={"self": {"href": "https://x.example"}})
        ],
        "GET /api/v1/threats/configuration": {"action": "block", "excludeZones": []},
        "GET /api/v1/zones": [named("nzo", n, type="IP", usage="BLOCKLIST") for n in range(3)],
        "GET /api/v1/eventHooks": [
            named(
                "who",
                1,
                verificationStatus="VERIFIED",
                events={
                    "type": "EVENT_TYPE",
                    "items": ["user.account.privilege.grant", "policy.lifecycle.update"],
                },
                channel={
                    "type": "HTTP",
                    "version": "1.0.0",
                    "config": {
                        "uri": "https://hooks.acme.example",
                        "authScheme": {"type": "HEADER", "key": "X-Key", "value": TOKEN},
                    },
                },
            )
        ],
    }
    return made


def assignees(asked: Asked) -> dict[str, Any]:
    """Six people with roles, two on a page."""
    start = int(asked.query.get("after", "0"))
    body: dict[str, Any] = {"value": [{"id": f"00u{n}"} for n in range(start, start + 2)]}
    if start + 2 < 6:
        body["_links"] = {"next": {"href": asked.link(after=start + 2)}}
    return body


def connection(double: SpecServer, **changed: Any) -> OktaConnection:
    """The organisation as it is declared."""
    return OktaConnection("people", double.url, **{"token": lambda: TOKEN, **changed})
