"""The questions, on hand-made documents."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Cause, MalformedError, Status, Unread
from collectors.active_directory import access_lists, accounts, computers, domain, groups, pki
from collectors.active_directory.access_lists import grants
from collectors.active_directory.releases import CLIENTS, supported_until
from collectors.active_directory.values import (
    entry,
    interval,
    moment_of,
    quoted,
    sid,
)
from collectors.testing import NOW, judge
from tests.collectors.active_directory.corp import BASE, DOMAIN, ago, descriptor, grant, ticks
from tests.collectors.active_directory.directory import identifier

NORMAL = 0x200
OFF = NORMAL | 0x2


def user(flags: int = NORMAL, name: str = "ada", **listed: Any) -> accounts.User:
    return accounts.User(
        id=name,
        listed={
            "dn": f"CN={name},{BASE}",
            "objectSid": f"{DOMAIN}-1602",
            "userAccountControl": str(flags),
            "lastLogonTimestamp": ago(7),
            "pwdLastSet": ago(100),
            **listed,
        },
    )


def computer(flags: int = 0x1000, **listed: Any) -> computers.Computer:
    return computers.Computer(
        id="PC1$",
        listed={
            "dn": f"CN=PC1,{BASE}",
            "userAccountControl": str(flags),
            "operatingSystem": "Windows 11 Enterprise",
            "operatingSystemVersion": "10.0 (26100)",
            **listed,
        },
    )


def group(rid: int = 512, *members: str, nested: tuple[str, ...] = ()) -> groups.Group:
    def rows(names: tuple[str, ...]) -> list[dict[str, str]]:
        return [
            {"dn": f"CN={n},{BASE}", "sAMAccountName": n, "objectSid": f"{DOMAIN}-1602"}
            for n in names
        ]

    listed = {"dn": "CN=G", "objectSid": f"{DOMAIN}-{rid}"}
    return groups.Group(
        id="G", listed=listed, facts={"members": rows(members), "nested": rows(nested)}
    )


def the_domain(facts: dict[str, object] | None = None, **listed: Any) -> domain.Domain:
    full = descriptor(grant("S-1-5-18", access_lists.FULL))
    own = {
        "objectSid": DOMAIN,
        "minPwdLength": "14",
        "pwdHistoryLength": "24",
        "pwdProperties": "1",
        "lockoutThreshold": "5",
        "lockoutDuration": "-9000000000",
        "ms-DS-MachineAccountQuota": "0",
    }
    read: dict[str, object] = {
        "levels": {"domainFunctionality": "7", "forestFunctionality": "7"},
        "password_settings": [],
        "features": [f"CN=Recycle Bin Feature,CN=Optional Features,{BASE}"],
        "backup": "<ftimeLastOriginatingChange>2026-11-22T00:00:00Z</ftimeLastOriginatingChange>",
        "local_passwords": True,
        "rights": {BASE: _text(full)},
    }
    return domain.Domain(id=BASE, listed=own | listed, facts=read | (facts or {}))


def _text(raw: bytes) -> str:
    return str(
        entry("x", {"nTSecurityDescriptor": [raw]}, ["nTSecurityDescriptor"])[
            "nTSecurityDescriptor"
        ]
    )


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ({}, Status.PASS),
        ({"lastLogonTimestamp": ago(91)}, Status.FAIL),
        ({"userAccountControl": str(OFF), "lastLogonTimestamp": ago(999)}, Status.NOT_APPLICABLE),
        ({"lastLogonTimestamp": "0", "whenCreated": "20240301080000.0Z"}, Status.FAIL),
        ({"lastLogonTimestamp": "0", "whenCreated": "20261120080000.0Z"}, Status.PASS),
    ],
)
def test_stale_users(listed: dict[str, str], status: Status) -> None:
    assert judge(accounts.stale_users_disabled, user(**listed)).status is status


@pytest.mark.parametrize(
    ("check", "flag"),
    [
        (accounts.password_not_required, 0x20),
        (accounts.no_reversible_encryption, 0x80),
        (accounts.preauth_required, 0x400000),
        (accounts.delegation_restricted, 0x80000),
    ],
)
def test_a_flag_that_must_not_be_set(check: Any, flag: int) -> None:
    assert judge(check, user()).status is Status.PASS
    assert judge(check, user(NORMAL | flag)).status is Status.FAIL
    hidden = user()
    del hidden.listed["userAccountControl"]
    assert judge(check, hidden).status is Status.UNKNOWN


def test_only_registered_accounts_keep_a_password_for_ever() -> None:
    eternal = user(NORMAL | 0x10000, "svc")
    check = accounts.password_never_expires
    assert judge(check, eternal).cause is Cause.CRITERION_MISSING
    assert judge(check, eternal, registered=()).status is Status.FAIL
    assert judge(check, eternal, registered=("svc",)).status is Status.PASS
    assert judge(check, user(), registered=()).status is Status.PASS


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ({}, Status.NOT_APPLICABLE),
        ({"servicePrincipalName": ["HTTP/x"]}, Status.PASS),
        ({"servicePrincipalName": ["HTTP/x"], "pwdLastSet": ago(366)}, Status.FAIL),
        ({"servicePrincipalName": ["HTTP/x"], "pwdLastSet": "0"}, Status.FAIL),
        (
            {"servicePrincipalName": ["HTTP/x"], "msDS-SupportedEncryptionTypes": "4"},
            Status.FAIL,
        ),
    ],
)
def test_service_accounts(listed: dict[str, Any], status: Status) -> None:
    assert judge(accounts.service_accounts_managed, user(**listed)).status is status


@pytest.mark.parametrize(
    ("types", "status"), [("24", Status.PASS), ("28", Status.FAIL), ("3", Status.FAIL)]
)
def test_weak_ticket_encryption(types: str, status: Status) -> None:
    listed = {"servicePrincipalName": ["HTTP/x"], "msDS-SupportedEncryptionTypes": types}
    assert judge(accounts.des_and_rc4_disabled, user(**listed)).status is status
    controller = computer(0x82000, **{"msDS-SupportedEncryptionTypes": types})
    assert judge(computers.controllers_des_and_rc4_disabled, controller).status is status


def test_an_unset_encryption_is_the_controllers_default_which_is_not_read() -> None:
    verdict = judge(accounts.des_and_rc4_disabled, user(servicePrincipalName=["HTTP/x"]))
    assert verdict.status is Status.UNKNOWN


def test_administrators_need_a_card_or_protection() -> None:
    check = accounts.smartcard_for_admins
    admins, protected = group(512, "ada"), group(525, "ada")
    assert judge(check, user(), admins).status is Status.FAIL
    assert judge(check, user(NORMAL | 0x40000), admins).status is Status.PASS
    assert judge(check, user(), admins, protected).status is Status.PASS
    assert judge(check, user(), group(512)).status is Status.NOT_APPLICABLE
    refused = groups.Group(
        id="G", listed=admins.listed, facts={"members": Unread("denied", groups.MEMBERS)}
    )
    assert judge(check, user(), refused).status is Status.UNKNOWN


def test_groups_hold_whom_was_approved() -> None:
    check = groups.domain_admins_count
    assert judge(check, group(512, "ada"), approved=("ada",)).status is Status.PASS
    verdict = judge(check, group(512, "ada", "eve"), approved=("ada",))
    assert verdict.because == "not approved: eve"
    assert judge(check, group(548, "eve"), approved=()).status is Status.NOT_APPLICABLE
    nested = judge(groups.nested_privilege_reviewed, group(512, nested=("Team",)), approved=())
    assert nested.status is Status.FAIL
    assert judge(groups.operators_empty, group(551, "eve")).status is Status.FAIL
    assert judge(groups.operators_empty, group(551)).status is Status.PASS


@pytest.mark.parametrize(
    ("system", "version", "until"),
    [
        ("Windows 11 Enterprise", "10.0 (26100)", "2027-10-12"),
        ("Windows 11 Pro", "10.0 (26100)", "2026-10-13"),
        ("Windows 10 Enterprise LTSC", "10.0 (17763)", "2029-01-09"),
        ("Windows 10 Pro", "10.0 (17763)", "2020-12-08"),
        ("Windows Server 2012 R2 Standard", "6.3 (9600)", "2023-10-10"),
        ("Windows Server\u00ae 2008 Standard", "6.0 (6002)", "2020-01-14"),
        ("Windows 7 Professional", "6.1 (7601)", "2020-01-14"),
        ("Windows 11 Pro", "10.0 (99999)", None),
        ("Samba", "4.17", None),
    ],
)
def test_support_ends_by_system_and_build(system: str, version: str, until: str | None) -> None:
    assert supported_until(system, version) == until


def test_every_release_is_supported_longer_for_enterprises() -> None:
    assert all(home <= enterprise for home, enterprise in CLIENTS.values())


def test_an_old_system_fails_and_an_unknown_one_is_unknown() -> None:
    check = computers.os_supported
    assert judge(check, computer()).status is Status.PASS
    old = computer(operatingSystem="Windows 7 Professional", operatingSystemVersion="6.1 (7601)")
    assert judge(check, old).status is Status.FAIL
    assert judge(check, computer(operatingSystem="BeOS")).status is Status.UNKNOWN
    assert judge(check, computer(operatingSystem="")).status is Status.UNKNOWN
    later = NOW + timedelta(days=400)
    assert judge(check, computer(), at=later).status is Status.FAIL


def test_local_passwords() -> None:
    check = computers.local_admin_password_managed
    name = "msLAPS-PasswordExpirationTime"
    later, before = ticks(NOW + timedelta(days=9)), ago(1)
    assert judge(check, computer(**{name: later}), the_domain()).status is Status.PASS
    assert judge(check, computer(**{name: before}), the_domain()).status is Status.FAIL
    assert judge(check, computer(), the_domain()).status is Status.FAIL
    unseen = judge(check, computer(), the_domain({"local_passwords": False}))
    assert unseen.cause is Cause.DENIED
    server = computer(operatingSystem="Windows Server 2022")
    assert judge(check, server, the_domain()).status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        ({"minPwdLength": "8"}, "length below 14"),
        ({"pwdHistoryLength": "3"}, "history below 24"),
        ({"pwdProperties": "0"}, "no complexity"),
        ({"pwdProperties": "17"}, "reversible encryption"),
        ({"lockoutThreshold": "0"}, "no lockout within 10 tries"),
        ({"lockoutThreshold": "50"}, "no lockout within 10 tries"),
    ],
)
def test_a_weak_default_policy_fails(listed: dict[str, str], words: str) -> None:
    verdict = judge(domain.password_policy, the_domain(**listed))
    assert (verdict.status, words in verdict.because) == (Status.FAIL, True)


def test_a_fine_grained_policy_that_applies_must_hold_too() -> None:
    weak = {
        "dn": "CN=Temps",
        "cn": "Temps",
        "msDS-MinimumPasswordLength": "6",
        "msDS-PasswordHistoryLength": "24",
        "msDS-PasswordComplexityEnabled": "TRUE",
        "msDS-LockoutThreshold": "5",
        "msDS-PSOAppliesTo": ["CN=Temps"],
    }
    check = domain.password_policy
    assert judge(check, the_domain()).status is Status.PASS
    assert judge(check, the_domain({"password_settings": [weak]})).status is Status.FAIL
    unapplied = {name: v for name, v in weak.items() if name != "msDS-PSOAppliesTo"}
    assert judge(check, the_domain({"password_settings": [unapplied]})).status is Status.PASS
    refused = the_domain({"password_settings": Unread("denied", domain.POLICIES)})
    assert judge(check, refused).status is Status.UNKNOWN


def test_the_domains_own_settings() -> None:
    quota = the_domain(**{"ms-DS-MachineAccountQuota": "10"})
    assert judge(domain.machine_account_quota, quota).status is Status.FAIL
    assert judge(domain.machine_account_quota, the_domain()).status is Status.PASS
    low = the_domain({"levels": {"domainFunctionality": "4", "forestFunctionality": "7"}})
    assert judge(domain.functional_level, low).because == "below level 7: domain"
    assert judge(domain.functional_level, the_domain()).status is Status.PASS
    signing = user(OFF, "krbtgt", objectSid=f"{DOMAIN}-502", pwdLastSet=ago(90))
    assert judge(domain.krbtgt_password_age, the_domain(), signing).status is Status.PASS
    old = user(OFF, "krbtgt", objectSid=f"{DOMAIN}-502", pwdLastSet=ago(181))
    assert judge(domain.krbtgt_password_age, the_domain(), old).status is Status.FAIL
    assert judge(domain.krbtgt_password_age, the_domain(), user()).status is Status.UNKNOWN


def test_recycle_bin_and_backup() -> None:
    check = domain.recycle_bin_and_backup
    assert judge(check, the_domain()).status is Status.PASS
    assert judge(check, the_domain({"features": []})).status is Status.FAIL
    assert judge(check, the_domain({"backup": None})).status is Status.UNKNOWN
    assert judge(check, the_domain(), limit=1).status is Status.FAIL


@pytest.mark.parametrize(
    ("direction", "attributes", "status"),
    [
        ("3", "8", Status.PASS),
        ("3", "0", Status.FAIL),
        ("3", "4", Status.PASS),
        ("3", "72", Status.FAIL),
        ("1", "0", Status.PASS),
        ("3", "32", Status.NOT_APPLICABLE),
    ],
)
def test_trusts(direction: str, attributes: str, status: Status) -> None:
    trust = domain.Trust(
        id="partner.example",
        listed={"trustDirection": direction, "trustAttributes": attributes},
    )
    check = domain.trusts_reviewed
    assert judge(check, trust, approved=("partner.example",)).status is status
    assert judge(check, trust, approved=()).status is Status.FAIL


@pytest.mark.parametrize(
    ("right", "status"),
    [
        (grant(f"{DOMAIN}-1602", access_lists.WRITE_DACL), Status.FAIL),
        (grant(f"{DOMAIN}-1602", access_lists.GENERIC_ALL), Status.FAIL),
        (grant(f"{DOMAIN}-1602", 0x100, domain.REPLICATE_ALL), Status.FAIL),
        (grant(f"{DOMAIN}-1602", 0x100), Status.FAIL),
        (grant(f"{DOMAIN}-1602", 0x100, pki.ENROL), Status.PASS),
        (grant(f"{DOMAIN}-1602", 0x20014), Status.PASS),
        (grant(f"{DOMAIN}-512", access_lists.FULL), Status.PASS),
        (grant(f"{DOMAIN}-1602", access_lists.FULL, flags=access_lists.INHERIT_ONLY), Status.PASS),
    ],
)
def test_rights_that_take_a_domain_over(right: bytes, status: Status) -> None:
    found = the_domain({"rights": {BASE: _text(descriptor(right))}})
    check = domain.adminsdholder_acl_baseline
    assert judge(check, found, approved=()).status is status
    assert judge(check, found, approved=(f"{DOMAIN}-1602",)).status is Status.PASS


def template(**listed: Any) -> pki.Template:
    base = {
        "cn": "T",
        "pKIExtendedKeyUsage": ["1.3.6.1.5.5.7.3.2"],
        "msPKI-Certificate-Name-Flag": "1",
        "msPKI-Enrollment-Flag": "0",
        "msPKI-RA-Signature": "0",
        "nTSecurityDescriptor": _text(descriptor(grant(f"{DOMAIN}-513", 0x100, pki.ENROL))),
    }
    return pki.Template(id="T", listed={k: v for k, v in (base | listed).items() if v is not None})


@pytest.mark.parametrize(
    ("listed", "status"),
    [
        ({}, Status.FAIL),
        ({"pKIExtendedKeyUsage": None}, Status.FAIL),
        ({"msPKI-Certificate-Name-Flag": "134217728"}, Status.PASS),
        ({"msPKI-Enrollment-Flag": "2"}, Status.PASS),
        ({"msPKI-RA-Signature": "1"}, Status.PASS),
        ({"pKIExtendedKeyUsage": ["1.3.6.1.5.5.7.3.1"]}, Status.NOT_APPLICABLE),
        ({"nTSecurityDescriptor": None}, Status.UNKNOWN),
        ({"nTSecurityDescriptor": _text(descriptor(grant(f"{DOMAIN}-512", 0x100)))}, Status.PASS),
        ({"nTSecurityDescriptor": "AAAA"}, Status.UNKNOWN),
    ],
)
def test_templates(listed: dict[str, Any], status: Status) -> None:
    assert judge(pki.template_not_vulnerable, template(**listed)).status is status


@given(st.binary(max_size=200))
def test_bytes_that_are_no_access_list_are_malformed_or_read(raw: bytes) -> None:
    try:
        found = grants(_text(raw))
    except MalformedError:
        return
    assert all(each.who.startswith("S-1-") for each in found)


@given(
    st.integers(0, 2**48 - 1),
    st.lists(st.integers(0, 2**32 - 1), min_size=0, max_size=15),
)
def test_an_identifier_is_written_as_it_came(authority: int, parts: list[int]) -> None:
    text = "-".join(["S", "1", str(authority), *map(str, parts)])
    assert sid(identifier(text)) == text


@given(st.datetimes(min_value=datetime(1601, 1, 1)))  # noqa: DTZ001 - hypothesis wants it so
def test_a_time_is_read_as_it_was_counted(at: Any) -> None:
    aware = at.replace(tzinfo=NOW.tzinfo)
    never = ticks(aware) == "0"
    assert moment_of({"t": ticks(aware)}, "t") == (None if never else aware)


def test_never_is_no_time_and_no_length() -> None:
    assert moment_of({"t": "9223372036854775807"}, "t") is None
    assert interval({"t": "-9223372036854775808"}, "t") is None
    assert interval({"t": "-9000000000"}, "t") == timedelta(minutes=15)


def test_a_name_with_brackets_stays_inside_its_filter() -> None:
    assert quoted("CN=a(b)*\\c") == "CN=a\\28b\\29\\2a\\5cc"
