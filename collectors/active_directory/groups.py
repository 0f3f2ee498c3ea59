"""Privileged groups of a domain: who is in them, also through other groups."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final

from collectors import (
    CallError,
    Cause,
    Collector,
    Resource,
    Scene,
    Verdict,
    criterion,
    fact,
    fails,
    not_applicable,
    passes,
)
from collectors.active_directory.target import AdTarget
from collectors.active_directory.values import Entry, named, quoted

groups = Collector("active_directory.groups", title="Privileged groups")

READ: Final = "Read on group objects"
MEMBERS: Final = "Read memberOf and primaryGroupID on members"

MEMBERSHIP: Final = "(&(memberOf=*)(primaryGroupID=*))"
"""Accounts in a group beside their primary one, as every domain's first administrator is."""

IN_CHAIN: Final = "memberOf:1.2.840.113556.1.4.1941:"
"""LDAP_MATCHING_RULE_IN_CHAIN: members of members too.
https://learn.microsoft.com/en-us/windows/win32/adsi/search-filter-syntax"""

DOMAIN_ADMINS: Final = 512
ENTERPRISE: Final = (518, 519)
"""Schema Admins and Enterprise Admins: of the forest's first domain only."""
PROTECTED_USERS: Final = 525
ADMINISTRATORS: Final = 544
OPERATORS: Final = (548, 549, 550, 551)
"""Account, Server, Print and Backup Operators.
https://learn.microsoft.com/en-us/windows-server/identity/ad-ds/manage/understand-security-identifiers"""


class Group(Resource[dict[str, Any]], kind="active_directory.group"):
    """A privileged group; the names differ by language, so it is known by its identifier's end."""

    @cached_property
    def rid(self) -> int:
        """The last number of its security identifier, the same in every domain."""
        return int(self.listed["objectSid"].rpartition("-")[2])

    @property
    def privileged(self) -> bool:
        """Whether its members administer the domain or more."""
        return self.rid in {DOMAIN_ADMINS, ADMINISTRATORS, *ENTERPRISE}

    @fact(MEMBERS)
    def members(self, api: AdTarget) -> list[Entry]:
        """Every account in it, also through other groups and as primary group."""
        chain = f"({IN_CHAIN}={quoted(self.listed['dn'])})"
        query = f"(&(!(objectClass=group))(|{chain}(primaryGroupID={self.rid})))"
        return _found(api, query)

    @fact(MEMBERS)
    def nested(self, api: AdTarget) -> list[Entry]:
        """Every group in it, also through other groups."""
        query = f"(&(objectClass=group)({IN_CHAIN}={quoted(self.listed['dn'])}))"
        return _found(api, query)

    @cached_property
    def _sids(self) -> frozenset[str]:
        return frozenset(str(member.get("objectSid", "")) for member in self.members)

    def holds(self, sid: str) -> bool:
        """Whether the account with this identifier is in it."""
        return sid in self._sids


def _found(api: AdTarget, query: str) -> list[Entry]:
    """What is in a group; nothing only where memberships are visible at all.

    Raises:
        CallError: nobody is seen to be in any group, but in every domain somebody is.
    """
    found = list(api.search(api.base, query, "sAMAccountName", "objectSid"))
    if not found and not api.shows(api.base, MEMBERSHIP):
        raise CallError(Cause.DENIED, "no membership is visible")
    return sorted(found, key=lambda member: str(member["dn"]))


@groups.resources(Group, permission=READ)
def privileged_groups(target: AdTarget) -> Iterator[Group]:
    """The groups whose members can do more than others, as far as the domain has them."""
    domain = target.identify().subject
    own = [f"{domain}-{rid}" for rid in (DOMAIN_ADMINS, *ENTERPRISE, PROTECTED_USERS)]
    built_in = [f"S-1-5-32-{rid}" for rid in (ADMINISTRATORS, *OPERATORS)]
    wanted = "".join(f"(objectSid={sid})" for sid in (*own, *built_in))
    seen = False
    for row in target.search(
        target.base, f"(&(objectClass=group)(|{wanted}))", "sAMAccountName", "objectSid"
    ):
        if "objectSid" not in row:
            continue
        seen = seen or row["objectSid"] == own[0]
        yield Group(id=named(row, "sAMAccountName"), listed=row)
    if not seen:  # every domain has it
        raise CallError(Cause.PARTIAL, "Domain Admins is not visible", "grant the right", READ)


@groups.check(Group, "critical", remediation="Remove the member, or approve it.")
def domain_admins_count(
    group: Group, _: Scene, *, approved: tuple[str, ...] = criterion("account names")
) -> Verdict:
    """Members of Domain, Enterprise and Schema Admins are the approved ones."""
    if not group.privileged or group.rid == ADMINISTRATORS:
        return not_applicable("not one of the three groups")
    return _only(group.members, approved)


@groups.check(Group, "medium", remediation="Take the group out, or approve the path.")
def nested_privilege_reviewed(
    group: Group, _: Scene, *, approved: tuple[str, ...] = criterion("group names")
) -> Verdict:
    """Only approved groups lead to a privileged group."""
    if not group.privileged:
        return not_applicable("not a group of administrators")
    return _only(group.nested, approved)


@groups.check(Group, "medium", remediation="Empty the group and delegate the single right.")
def operators_empty(
    group: Group, _: Scene, *, registered: tuple[str, ...] = criterion((), "account names")
) -> Verdict:
    """Account, Server, Print and Backup Operators hold nobody who is not registered."""
    if group.rid not in OPERATORS:
        return not_applicable("not a group of operators")
    return _only(group.members, registered)


def _only(found: list[Entry], names: tuple[str, ...]) -> Verdict:
    held = {str(member.get("sAMAccountName", member["dn"])) for member in found}
    others = sorted(held - set(names))
    return fails(f"not approved: {', '.join(others)}") if others else passes()
