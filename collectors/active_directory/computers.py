"""Computers of a domain: in use, supported, with a local administrator's password of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from collectors import (
    CallError,
    Cause,
    Collector,
    Resource,
    Scene,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.active_directory import values
from collectors.active_directory.accounts import flags_of, generalized, weak_types
from collectors.active_directory.domain import Domain
from collectors.active_directory.releases import CHECKED_ON, supported_until
from collectors.active_directory.target import AdTarget
from collectors.active_directory.values import day, moment_of, named, past

computers = Collector("active_directory.computers", title="Computers of a domain")

READ: Final = "Read on computer objects"

ATTRIBUTES: Final = (
    "sAMAccountName",
    "objectSid",
    "userAccountControl",
    "lastLogonTimestamp",
    "whenCreated",
    "operatingSystem",
    "operatingSystemVersion",
    "msDS-SupportedEncryptionTypes",
    "msLAPS-PasswordExpirationTime",
    "ms-Mcs-AdmPwdExpirationTime",
)
"""The dates at which local passwords expire; the passwords themselves are never asked for."""


class Computer(Resource[dict[str, Any]], kind="active_directory.computer"):
    """A computer's account; its id is its name in the domain, which ends in a dollar sign."""

    volatile = (
        "listed.lastLogonTimestamp",
        "listed.msLAPS-PasswordExpirationTime",
        "listed.ms-Mcs-AdmPwdExpirationTime",
    )

    def has(self, flag: int) -> bool:
        """Whether a control flag is set."""
        return bool(flags_of(self.listed, READ) & flag)

    @property
    def enabled(self) -> bool:
        """Whether it can sign in."""
        return not self.has(values.DISABLED)

    @property
    def controller(self) -> bool:
        """Whether it is a domain controller, a read-only one included."""
        return self.has(values.SERVER_TRUST) or self.has(values.READ_ONLY_CONTROLLER)

    @property
    def system(self) -> str:
        """What it says it runs."""
        return str(self.listed.get("operatingSystem", ""))


@computers.resources(Computer, permission=READ)
def all_computers(target: AdTarget) -> Iterator[Computer]:
    """Every computer of the domain; at least one must be a controller."""
    controller = False
    for row in target.search(target.base, "(objectClass=computer)", *ATTRIBUTES):
        found = Computer(id=named(row, "sAMAccountName"), listed=row)
        visible = "userAccountControl" in row
        controller = controller or (visible and found.controller)
        yield found
    if not controller:
        raise CallError(
            Cause.PARTIAL,
            "no domain controller is visible",
            "a directory leaves out what the reader may not see; grant the right to read",
            READ,
        )


@computers.check(Computer, "low", remediation="Disable the account of what is no longer there.")
def stale_disabled(
    computer: Computer, scene: Scene, *, limit: int = criterion(90, "days")
) -> Verdict:
    """Computers that no longer sign in are disabled."""
    if not computer.enabled:
        return not_applicable("disabled")
    since = scene.at - timedelta(days=limit)
    last = past(computer.listed, "lastLogonTimestamp", scene.at)
    if last is not None:
        return passes() if last >= since else fails(f"last sign-in {day(last)}, limit {limit} days")
    made = computer.listed.get("whenCreated")
    if made is not None and generalized(made) >= since:
        return passes()
    return fails("never signed in")


@computers.check(Computer, "high", remediation="Upgrade, or take the computer out of service.")
def os_supported(computer: Computer, scene: Scene) -> Verdict:
    """Computers run systems that still get security updates."""
    if not computer.enabled:
        return not_applicable("disabled")
    if not computer.system:
        return unknown(Cause.PARTIAL, "the computer never told what it runs")
    version = str(computer.listed.get("operatingSystemVersion", ""))
    until = supported_until(computer.system, version)
    if until is None:
        return unknown(
            Cause.PARTIAL,
            f"{computer.system} {version} is not in the table of {CHECKED_ON}".replace("  ", " "),
        )
    words = f"{computer.system} {version}, updates until {until}"
    return passes() if scene.at.date().isoformat() <= until else fails(words)


@computers.check(
    Computer,
    "medium",
    remediation="Let Windows LAPS manage the local administrator's password.",
    also=(Domain,),
)
def local_admin_password_managed(computer: Computer, scene: Scene) -> Verdict:
    """Each workstation's local administrator has a password of its own, changed in time."""
    if not computer.enabled or computer.controller or "server" in computer.system.lower():
        return not_applicable("no enabled workstation")
    dates = ("msLAPS-PasswordExpirationTime", "ms-Mcs-AdmPwdExpirationTime")
    ends = [at for at in (moment_of(computer.listed, name) for name in dates) if at]
    if ends:
        last = max(ends)
        return passes() if last >= scene.at else fails(f"was to change by {day(last)}")
    for domain in scene.all(Domain):
        domain.must_show_local_passwords()
    return fails("no password is managed")


@computers.check(
    Computer, "medium", remediation="Set msDS-SupportedEncryptionTypes to AES only (24)."
)
def controllers_des_and_rc4_disabled(computer: Computer, _: Scene) -> Verdict:
    """Tickets for domain controllers are encrypted with neither DES nor RC4."""
    if not computer.enabled or not computer.controller:
        return not_applicable("no enabled domain controller")
    return weak_types(computer.listed)


@computers.check(Computer, "critical", remediation="Use constrained delegation, or none.")
def delegation_restricted(computer: Computer, _: Scene) -> Verdict:
    """Only domain controllers may act as anyone who signs in to them, towards any service."""
    if not computer.enabled or computer.controller:
        return not_applicable("disabled, or a domain controller")
    set_ = computer.has(values.TRUSTED_FOR_DELEGATION)
    return fails("TRUSTED_FOR_DELEGATION is set") if set_ else passes()
