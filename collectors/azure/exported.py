"""Diagnostic settings: which logs go somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from collectors.azure.rows import flag, objects, word

DESTINATIONS: Final = (
    "workspaceId",
    "storageAccountId",
    "eventHubAuthorizationRuleId",
    "marketplacePartnerId",
)
EVERYTHING: Final = "alllogs"


def exported(settings: Iterable[Mapping[str, Any]]) -> set[str]:
    """The categories and groups of logs that are sent to a place, in lower case."""
    found = set()
    for setting in settings:
        held = setting.get("properties") or {}
        if not any(held.get(name) for name in DESTINATIONS):  # an empty text is unset
            continue
        for log in objects(held.get("logs"), "logs"):
            if flag(log.get("enabled"), "logs.enabled"):
                found.add(word(log.get("category") or log.get("categoryGroup")))
    return found
