"""What an entry says about how its evidence came to be."""

from __future__ import annotations

import hashlib
import platform
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from annexa import __version__
from annexa.sweep.unit import Unit

REDACTION: Final = "declared paths and secret shapes replaced by keyed markers, version 1"
"""What is done to documents before they are hashed."""


def provenance(unit: Unit) -> dict[str, Any]:
    """Who read, with which identity and permissions, with what code, against what clock.

    `at` is the clock the checks were judged with. `subject` is the platform's own id of the target,
    or where it could not be asked, the one of the sweeps before.
    """
    identity = unit.identity
    journal = unit.caller.journal
    return {
        "title": unit.title,
        "at": unit.started.isoformat(timespec="milliseconds"),
        "subject": identity.subject if identity and not unit.refused else unit.expected_subject,
        "identity": {
            "subject": identity.subject,
            "principal": identity.principal,
            "details": dict(identity.details),
        }
        if identity
        else None,
        "permissions": permissions(unit),
        "places_left_out": dict(sorted(unit.left_out.items())),
        "versions": {"annexa": __version__, "python": platform.python_version()},
        "config": unit.means.config_digest,
        "redaction": REDACTION,
        "clock_skew_seconds": _skew(unit),
        "calls": len(journal.lines),
        "throttled": journal.throttled,
        "refused": unit.refusal,
    }


def permissions(unit: Unit) -> dict[str, Any]:
    """What the collectors declare, by its digest, and what was really called, by service.

    The needed set is the same for every unit of a release: its digest says whether two sweeps
    were asked to read the same; `annexa permissions` lists it.
    """
    needed = unit.asked.permissions
    used: dict[str, set[str]] = {}
    for line in unit.caller.journal.lines:
        used.setdefault(line.service, set()).add(line.operation)
    return {
        "needed": needed,
        "needed_sha256": hashlib.sha256("\n".join(needed).encode()).hexdigest(),
        "used": {service: sorted(names) for service, names in sorted(used.items())},
    }


def _skew(unit: Unit) -> int | None:
    """The largest difference between our clock and the platform's `Date` header, in seconds."""
    found: list[int] = []
    for line in unit.caller.journal.lines:
        if line.server_date:
            try:
                theirs = parsedate_to_datetime(line.server_date).astimezone(UTC)
            except ValueError:
                continue
            found.append(round((datetime.fromisoformat(line.ended) - theirs).total_seconds()))
    return max(found, key=abs, default=None)
