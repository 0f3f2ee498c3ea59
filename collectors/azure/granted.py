"""What a principal may do, as Azure's roles say it: actions with wildcards, less the exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any


def allows(roles: Iterable[Mapping[str, Any]], action: str) -> bool:
    """Whether one of the roles has the action; what a role excepts, another may still give."""
    return any(
        _named(role.get("actions"), action) and not _named(role.get("notActions"), action)
        for role in roles
    )


def writes(roles: Iterable[Mapping[str, Any]]) -> list[str]:
    """The actions that do more than read, sorted."""
    given = {str(each) for role in roles for each in role.get("actions") or ()}
    return sorted(each for each in given if not each.lower().endswith("/read"))


def _named(patterns: Any, action: str) -> bool:  # noqa: ANN401 - a member of an answer
    return any(_pattern(str(each)).fullmatch(action) for each in patterns or ())


@lru_cache(maxsize=1024)
def _pattern(action: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, action.split("*"))), re.IGNORECASE)
