"""Until when Microsoft gives security updates for releases of Windows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

CHECKED_ON: Final = "2026-11-25"
"""The day this table was last compared with its sources: Microsoft's lifecycle pages
(learn.microsoft.com/lifecycle) and its release information (learn.microsoft.com/windows).
"""

SERVERS: Final[Mapping[str, str]] = {
    "2003": "2015-07-14",
    "2008": "2020-01-14",
    "2012": "2023-10-10",
    "2016": "2027-01-12",
    "2019": "2029-01-09",
    "2022": "2031-10-14",
    "2025": "2034-10-10",
}
"""The last day of extended support, by year; a release's R2 ends with it."""

CLIENTS: Final[Mapping[int, tuple[str, str]]] = {
    # Windows 10
    19041: ("2021-12-14", "2021-12-14"),
    19042: ("2022-05-10", "2023-05-09"),
    19043: ("2022-12-13", "2022-12-13"),
    19044: ("2023-06-13", "2024-06-11"),
    19045: ("2025-10-14", "2025-10-14"),
    # Windows 11
    22000: ("2023-10-10", "2024-10-08"),
    22621: ("2024-10-08", "2025-10-14"),
    22631: ("2025-11-11", "2026-11-10"),
    26100: ("2026-10-13", "2027-10-12"),
    26200: ("2027-10-12", "2028-10-10"),
}
"""The last day of servicing by build: of Home and Pro, and of Enterprise and Education."""

LONG_TERM: Final[Mapping[int, str]] = {
    14393: "2026-10-13",
    17763: "2029-01-09",
    19044: "2027-01-12",
    26100: "2029-10-09",
}
"""The last day of Enterprise releases of the long-term channel, by build."""

OLDER: Final[Mapping[str, str]] = {
    "Windows XP": "2014-04-08",
    "Windows Vista": "2017-04-11",
    "Windows 7": "2020-01-14",
    "Windows 8": "2016-01-12",
    "Windows 8.1": "2023-01-10",
}

_SERVER: Final = re.compile(r"Windows Server\W*(?:\S* )?(20\d\d)", re.IGNORECASE)
_CLIENT: Final = re.compile(r"Windows (?:XP|Vista|\d+(?:\.\d)?)", re.IGNORECASE)
_BUILD: Final = re.compile(r"\((\d+)\)")
_LONGER: Final = re.compile(r"Enterprise|Education", re.IGNORECASE)


def supported_until(system: str, version: str) -> str | None:
    """The last day of support of what a computer says it runs; None where the table has it not.

    A contract for extended security updates is not in it: no directory tells of one.
    """
    if server := _SERVER.search(system):
        return SERVERS.get(server[1])
    client = _CLIENT.search(system)
    if client is None:
        return None
    if older := OLDER.get(client[0]):
        return older
    built = _BUILD.search(version)
    build = int(built[1]) if built else 0
    if "LTS" in system.upper():
        return LONG_TERM.get(build)
    if build and build < min(CLIENTS):
        return "2020-12-08"  # every earlier release of Windows 10 but the long-term ones
    dates = CLIENTS.get(build)
    return dates[bool(_LONGER.search(system))] if dates else None
