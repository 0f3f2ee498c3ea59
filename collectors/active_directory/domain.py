"""A domain's own settings: passwords, keys, levels, trusts, and who could take it over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from collectors import (
    CallError,
    Cause,
    Collector,
    FactUnknown,
    Resource,
    Scene,
    Unread,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.active_directory import access_lists
from collectors.active_directory.access_lists import Grant
from collectors.active_directory.accounts import KRBTGT, User
from collectors.active_directory.target import BASE, LEVELS, ONE, AdTarget
from collectors.active_directory.values import Entry, day, interval, named, number, past

domain = Collector("active_directory.domain", title="Settings and trusts of a domain")

READ: Final = "Read on the domain object"
FOREST: Final = "Read on the configuration container"
TRUSTS: Final = "Read on trustedDomain objects"
POLICIES: Final = "Read on CN=Password Settings Container,CN=System"
"""Domain administrators have it; others see an empty container, and no error."""
LOCAL: Final = "Read msLAPS-PasswordExpirationTime on computer objects"
RIGHTS: Final = "Read permissions on the domain object and AdminSDHolder"

COMPLEX: Final = 0x1
REVERSIBLE: Final = 0x10
RECYCLE_BIN: Final = "CN=Recycle Bin Feature,"

# trustAttributes and trustDirection ([MS-ADTS] 6.1.6.7.9 and 6.1.6.7.12).
QUARANTINED: Final = 0x4
FOREST_TRUST: Final = 0x8
WITHIN_FOREST: Final = 0x20
TREATED_AS_EXTERNAL: Final = 0x40
OUTBOUND: Final = 0x2

REPLICATE_ALL: Final = UUID("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")
"""DS-Replication-Get-Changes-All ([MS-ADTS] 5.1.3.2.1): whoever has it can read every password."""
CREATOR_OWNER: Final = "S-1-3-0"

POLICY: Final = (
    "minPwdLength",
    "pwdHistoryLength",
    "pwdProperties",
    "maxPwdAge",
    "lockoutThreshold",
    "lockoutDuration",
)
FINE_GRAINED: Final = (
    "cn",
    "msDS-MinimumPasswordLength",
    "msDS-PasswordHistoryLength",
    "msDS-PasswordComplexityEnabled",
    "msDS-PasswordReversibleEncryptionEnabled",
    "msDS-LockoutThreshold",
    "msDS-PSOAppliesTo",
)


class Domain(Resource[dict[str, Any]], kind="active_directory.domain"):
    """The domain itself; its id is its distinguished name."""

    volatile = ("facts.backup",)

    def listed_number(self, name: str) -> int:
        """A number every domain has.

        Raises:
            FactUnknown: the directory left it out.
        """
        if name not in self.listed:
            raise FactUnknown(Unread(f"{name} is not visible", READ))
        return number(self.listed, name)

    @fact(READ)
    def levels(self, api: AdTarget) -> Mapping[str, str]:
        """The functional levels, as the controller's root states them."""
        return {name: str(value) for name, value in api.root().items() if name in LEVELS}

    @fact(POLICIES)
    def password_settings(self, api: AdTarget) -> list[Entry]:
        """The fine-grained policies; a container whose own name is hidden hides them too."""
        container = f"CN=Password Settings Container,CN=System,{api.base}"
        found = api.one(container, "cn")
        if found is None or "cn" not in found:
            raise CallError(Cause.DENIED, "none, or not visible", "the container hides its content")
        query = "(objectClass=msDS-PasswordSettings)"
        return list(api.search(container, query, *FINE_GRAINED, within=ONE))

    @fact(FOREST)
    def features(self, api: AdTarget) -> list[str]:
        """The optional features that are enabled in the forest."""
        found = api.one(f"CN=Partitions,{api.configuration}", "cn", "msDS-EnabledFeature")
        if found is None or "cn" not in found:
            raise CallError(Cause.DENIED, "CN=Partitions is not visible")
        return list(found.get("msDS-EnabledFeature", ()))

    @fact(READ)
    def backup(self, api: AdTarget) -> str | None:
        """What the domain remembers of its last backup, or None where the server does not tell."""
        name = "msDS-ReplAttributeMetaData"
        rows = list(api.search(api.base, "(objectClass=*)", name, within=BASE))
        kept = [text for row in rows for text in row.get(name, ()) if "dSASignature" in text]
        return str(kept[0]).rstrip("\0\n ") if kept else None

    @fact(LOCAL)
    def local_passwords(self, api: AdTarget) -> bool:
        """Whether the expiry of any computer's local password is visible."""
        attributes = ("msLAPS-PasswordExpirationTime", "ms-Mcs-AdmPwdExpirationTime")
        query = f"(|{''.join(f'({name}=*)' for name in attributes)})"
        return next(api.search(api.base, query, "sAMAccountName"), None) is not None

    def must_show_local_passwords(self) -> None:
        """Raise FactUnknown where no computer shows an expiry: nobody can tell why."""
        if not self.local_passwords:
            raise FactUnknown(Unread("none, or not visible on any computer", LOCAL))

    @fact(RIGHTS)
    def rights(self, api: AdTarget) -> Mapping[str, str]:
        """The access lists of the domain and of the template of administrators' accounts."""
        found = {}
        for dn in (api.base, f"CN=AdminSDHolder,CN=System,{api.base}"):
            entry = api.one(dn, "nTSecurityDescriptor", rights=True)
            if entry is None or "nTSecurityDescriptor" not in entry:
                raise CallError(Cause.DENIED, f"the access list of {dn} is not visible")
            found[dn] = str(entry["nTSecurityDescriptor"])
        return found


class Trust(Resource[dict[str, Any]], kind="active_directory.trust"):
    """A trust between this domain and another; its id is the other's name."""


@domain.resources(Domain, permission=READ)
def the_domain(target: AdTarget) -> Iterator[Domain]:
    """The one domain the controller serves."""
    names = ("objectSid", "ms-DS-MachineAccountQuota", "msDS-Behavior-Version", *POLICY)
    found = target.one(target.base, *names)
    if found is None:
        raise CallError(Cause.DENIED, "the domain object is not visible")
    yield Domain(id=target.base, listed=found)


@domain.resources(Trust, permission=TRUSTS)
def trusts(target: AdTarget) -> Iterator[Trust]:
    """Every trust of the domain; trusts stand in a container that is never empty."""
    names = ("trustPartner", "trustDirection", "trustType", "trustAttributes")
    none = True
    for row in target.search(target.base, "(objectClass=trustedDomain)", *names):
        none = False
        yield Trust(id=named(row, "trustPartner"), listed=row)
    if none and not target.shows(f"CN=System,{target.base}", "(objectClass=*)", within=ONE):
        raise CallError(Cause.PARTIAL, "CN=System shows nothing", "grant the right", TRUSTS)


@domain.check(Domain, "medium", remediation="Raise the default policy and each fine-grained one.")
def password_policy(
    domain: Domain,
    _: Scene,
    *,
    length: int = criterion(14, "characters"),
    history: int = criterion(24, "passwords"),
    lockout: int = criterion(10, "tries"),
) -> Verdict:
    """Length, history, complexity and lockout meet the rule, in fine-grained policies too."""
    wrong = _weak(
        domain.listed_number("minPwdLength") < length and f"length below {length}",
        domain.listed_number("pwdHistoryLength") < history and f"history below {history}",
        not domain.listed_number("pwdProperties") & COMPLEX and "no complexity",
        domain.listed_number("pwdProperties") & REVERSIBLE and "reversible encryption",
        not 0 < domain.listed_number("lockoutThreshold") <= lockout
        and f"no lockout within {lockout} tries",
        interval(domain.listed, "lockoutDuration") == timedelta() and "lockout ends at once",
    )
    if wrong:
        return fails(f"default policy: {wrong}")
    for policy in domain.password_settings:
        wrong = _weak(
            number(policy, "msDS-MinimumPasswordLength") < length and f"length below {length}",
            number(policy, "msDS-PasswordHistoryLength") < history and f"history below {history}",
            policy.get("msDS-PasswordComplexityEnabled") != "TRUE" and "no complexity",
            policy.get("msDS-PasswordReversibleEncryptionEnabled") == "TRUE"
            and "reversible encryption",
            not 0 < number(policy, "msDS-LockoutThreshold") <= lockout
            and f"no lockout within {lockout} tries",
        )
        if wrong and policy.get("msDS-PSOAppliesTo"):
            return fails(f"{policy.get('cn', policy['dn'])}: {wrong}")
    return passes()


def _weak(*found: object) -> str:
    return ", ".join(words for words in found if isinstance(words, str))


@domain.check(Domain, "medium", remediation="Set ms-DS-MachineAccountQuota to 0.")
def machine_account_quota(domain: Domain, _: Scene) -> Verdict:
    """No ordinary user may join computers to the domain."""
    quota = domain.listed_number("ms-DS-MachineAccountQuota")
    return fails(f"every user may join {quota}") if quota else passes()


@domain.check(
    Domain,
    "high",
    remediation="Reset the password of krbtgt twice, a ticket's lifetime apart.",
    also=(User,),
)
def krbtgt_password_age(_: Domain, scene: Scene, *, limit: int = criterion(180, "days")) -> Verdict:
    """The key that signs every ticket was renewed in time."""
    for user in scene.all(User):
        if user.sid.endswith(KRBTGT):
            changed = past(user.listed, "pwdLastSet", scene.at)
            if changed is None:
                raise FactUnknown(Unread("pwdLastSet of krbtgt is not visible", "Read on krbtgt"))
            if changed >= scene.at - timedelta(days=limit):
                return passes()
            return fails(f"the key is of {day(changed)}, limit {limit} days")
    raise FactUnknown(Unread("krbtgt is not visible", "Read on krbtgt"))


@domain.check(
    Domain, "low", remediation="Raise the functional levels after the last old controller."
)
def functional_level(domain: Domain, _: Scene, *, least: int = criterion(7, "level")) -> Verdict:
    """Domain and forest run at a supported functional level (7 is Windows Server 2016)."""
    names = {"domainFunctionality": "domain", "forestFunctionality": "forest"}
    if missing := [name for name in names if name not in domain.levels]:
        raise FactUnknown(Unread(f"{missing[0]} is not visible", READ))
    low = [word for name, word in names.items() if number(domain.levels, name) < least]
    return fails(f"below level {least}: {', '.join(low)}") if low else passes()


@domain.check(
    Trust, "medium", remediation="Turn on SID filtering, or end the trust; approve the rest."
)
def trusts_reviewed(
    trust: Trust, _: Scene, *, approved: tuple[str, ...] = criterion("domain names")
) -> Verdict:
    """Every trust is approved, and identities that cross it are filtered."""
    if trust.id not in approved:
        return fails("not approved")
    attributes = number(trust.listed, "trustAttributes")
    if not number(trust.listed, "trustDirection") & OUTBOUND:
        return passes("this domain does not trust the other")
    if attributes & WITHIN_FOREST:
        return not_applicable("within the forest, which is one place of trust")
    forest = attributes & FOREST_TRUST and not attributes & TREATED_AS_EXTERNAL
    return passes() if forest or attributes & QUARANTINED else fails("SID filtering is off")


@domain.check(Domain, "medium", remediation="Enable the recycle bin; back up a controller's state.")
def recycle_bin_and_backup(
    domain: Domain, scene: Scene, *, limit: int = criterion(7, "days")
) -> Verdict:
    """Deleted objects can be restored, and the directory was backed up in time."""
    if not any(name.startswith(RECYCLE_BIN) for name in domain.features):
        return fails("the recycle bin is off")
    if domain.backup is None:
        raise FactUnknown(Unread("the server tells no time of a backup", READ, Cause.PARTIAL))
    found = re.search(r"<ftimeLastOriginatingChange>([^<]+)<", domain.backup)
    at = moment(found[1] if found else None)
    since = scene.at - timedelta(days=limit)
    return passes() if at >= since else fails(f"last backup {day(at)}, limit {limit} days")


@domain.check(
    Domain, "critical", remediation="Take the right away, or approve who has it by identifier."
)
def adminsdholder_acl_baseline(
    domain: Domain, _: Scene, *, approved: tuple[str, ...] = criterion("security identifiers")
) -> Verdict:
    """Nobody unapproved could take the domain over by a right on its root or its administrators."""
    own = str(domain.listed.get("objectSid", ""))
    expected = {
        *approved, "S-1-5-18", "S-1-5-9", "S-1-5-32-544", CREATOR_OWNER,
        f"{own}-512", f"{own}-516", f"{own}-519",
    }  # fmt: skip
    found = {
        f"{grant.who} on {dn.partition(',')[0]}"
        for dn, descriptor in domain.rights.items()
        for grant in access_lists.grants(descriptor)
        if grant.who not in expected and _takes_over(grant)
    }
    return fails(f"not approved: {', '.join(sorted(found))}") if found else passes()


def _takes_over(grant: Grant) -> bool:
    masks = (access_lists.WRITE_DACL, access_lists.WRITE_OWNER, access_lists.FULL)
    wide = grant.of is None and any(grant.gives(mask) for mask in masks)
    return wide or grant.extends(REPLICATE_ALL)
