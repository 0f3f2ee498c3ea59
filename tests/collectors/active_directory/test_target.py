"""The domain as a target: pages, refusals, torn answers, secrets, over real sockets."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import ClassVar

import pytest

from collectors import Caller, CallError, Cause, MalformedError, Status
from collectors.active_directory import AdConnection
from collectors.active_directory.accounts import User, accounts, users
from collectors.active_directory.computers import computers
from collectors.active_directory.domain import domain
from collectors.active_directory.groups import groups
from collectors.active_directory.pki import pki
from collectors.testing import Conformance, collect
from tests.collectors.active_directory.conftest import SECRET, World
from tests.collectors.active_directory.corp import BASE, DOMAIN, PEOPLE, SERVICES, SYSTEM
from tests.collectors.active_directory.directory import Asked
from tests.collectors.fake_clock import patient_caller

ALL = (accounts, computers, domain, groups, pki)
BOUND = {
    "active_directory.accounts.password_never_expires": {"registered": ()},
    "active_directory.groups.domain_admins_count": {"approved": ("ada", "Administrator")},
    "active_directory.groups.nested_privilege_reviewed": {"approved": ("Server Team",)},
    "active_directory.domain.trusts_reviewed": {"approved": ("partner.example",)},
    "active_directory.domain.adminsdholder_acl_baseline": {"approved": ()},
}


class TestConformance(Conformance):
    collectors = ALL
    bound: ClassVar = BOUND


def unread(world: World) -> dict[str, tuple[Cause, str]]:
    """How each listing failed, by kind."""
    read = collect(world.connection, ALL)
    assert not read.defects
    return {p.kind: (p.unread.cause, p.unread.code) for p in read.parts if p.unread}


def test_a_whole_domain_is_read_in_pages_and_found_in_order(world: World) -> None:
    read = collect(world.connection, ALL)
    people = [r for r in read.resources if isinstance(r, User)]
    assert len(people) == PEOPLE + 4
    assert read.identity.subject == DOMAIN
    assert read.identity.principal == "CORP\\annexa"
    findings = read.findings(bound=BOUND)
    wrong = {k: v for k, v in findings.items() if v.status in {Status.FAIL, Status.UNKNOWN}}
    assert wrong == {}
    pages = [a for a in world.directory.asked if "pwdLastSet" in a.attributes]
    assert [a.cookie for a in pages] == [b"", b"300", b"600"]


def test_no_more_searches_are_made_than_there_are_listings_facts_and_pages(world: World) -> None:
    read = collect(world.connection, ALL)
    facts = sum(len(type(r).fact_definitions()) for r in read.resources)
    # Root and head for who we are; the list of rights takes two objects and the levels none;
    # people come in three pages, and templates need what is published; a group without members
    # needs to be told from one whose members are hidden.
    least = 2 + len(read.parts) + facts + 2 + 1 + 1
    assert len(world.directory.asked) <= least * 1.05


def test_passwords_and_what_no_check_reads_are_never_asked_for(world: World) -> None:
    collect(world.connection, ALL)
    asked = {name.lower() for a in world.directory.asked for name in a.attributes}
    assert not asked & {
        "mslaps-password", "mslaps-encryptedpassword", "ms-mcs-admpwd", "unicodepwd",
        "mail", "telephonenumber", "displayname", "*", "+",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "cause", "words"),
    [
        (50, Cause.DENIED, "insufficientAccessRights"),
        (8, Cause.DENIED, "strongerAuthRequired"),
        (4, Cause.PARTIAL, "sizeLimitExceeded"),
        (11, Cause.PARTIAL, "adminLimitExceeded"),
        (51, Cause.THROTTLED, "busy"),
        (52, Cause.UNREACHABLE, "unavailable"),
        (2, Cause.MALFORMED, "protocolError"),
    ],
)
def test_a_refused_search_leaves_unknowns_with_its_cause(
    world: World, code: int, cause: Cause, words: str
) -> None:
    def refuse(asked: Asked) -> int | None:
        return code if "pwdLastSet" in asked.attributes else None

    world.directory.answer = refuse
    caller = patient_caller()
    target = world.connection.open(caller)
    with pytest.raises(CallError) as refused:
        list(users(target))
    assert (refused.value.cause, refused.value.code) == (cause, words)


def test_a_wrong_password_is_a_denial_that_does_not_tell_it(world: World) -> None:
    wrong = replace(world.connection, password=lambda: "hunter2-canary")
    with pytest.raises(CallError) as refused:
        wrong.open(patient_caller()).identify()
    assert refused.value.cause is Cause.DENIED
    assert refused.value.code == "invalidCredentials"
    assert "canary" not in repr(refused.value) + repr(wrong)


def test_the_password_stands_in_no_journal(world: World) -> None:
    caller = patient_caller()
    world.connection.open(caller).identify()
    assert SECRET not in json.dumps(caller.journal.document())


# ldap3 drops the socket of a server whose name is wrong; it is closed when it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_certificate_of_nobody_we_know_is_refused(world: World) -> None:
    strict = replace(world.connection, ca_file=None)
    with pytest.raises(CallError) as refused:
        strict.open(patient_caller()).identify()
    assert refused.value.code == "untrusted certificate"
    other = replace(world.connection, url=_by_name(world))
    with pytest.raises(CallError) as refused:
        other.open(patient_caller()).identify()
    assert refused.value.code == "untrusted certificate"


def test_a_certificate_may_bear_another_name_than_the_host(world: World) -> None:
    named = replace(world.connection, url=_by_name(world), certificate_name="dc1.corp.example")
    assert named.open(patient_caller()).identify().subject == DOMAIN


def _by_name(world: World) -> str:
    """The address by a name that is not in the certificate."""
    return world.connection.url.replace("127.0.0.1", "localhost")


def test_nobody_there_is_unreachable() -> None:
    nobody = AdConnection("corp", "ldaps://127.0.0.1:1", "CORP\\annexa", lambda: SECRET)
    with pytest.raises(CallError) as refused:
        nobody.open(patient_caller()).identify()
    assert refused.value.cause is Cause.UNREACHABLE


def test_an_answer_that_does_not_say_whether_there_is_more_is_partial(world: World) -> None:
    world.directory.paged = False
    assert unread(world)["active_directory.user"] == (Cause.PARTIAL, "answer without paging")


def test_a_page_that_comes_twice_is_malformed(world: World) -> None:
    world.directory.cookie = lambda asked, cookie: b"300" if asked.cookie else cookie
    assert unread(world)["active_directory.user"][0] is Cause.MALFORMED


def test_a_domain_whose_signing_account_is_hidden_is_partial(world: World) -> None:
    del world.directory.entries[f"CN=krbtgt,CN=Users,{BASE}"]
    cause, code = unread(world)["active_directory.user"]
    assert (cause, code) == (Cause.PARTIAL, "the account krbtgt is not visible")


def test_without_an_authority_there_are_no_templates(world: World) -> None:
    del world.directory.entries[f"CN=CORP-CA,CN=Enrollment Services,{SERVICES}"]
    read = collect(world.connection, (pki,))
    (part,) = read.parts
    assert part.complete
    assert part.collected == 0


def test_a_forest_without_the_container_of_authorities_is_told_apart(world: World) -> None:
    """AD answers noSuchObject for what is hidden, too: nothing is concluded from it."""
    for dn in [dn for dn in world.directory.entries if dn.endswith(SERVICES)]:
        del world.directory.entries[dn]
    assert unread(world) == {
        "active_directory.certificate_template": (Cause.DENIED, "noSuchObject")
    }


def test_attributes_that_are_hidden_are_unknown_never_a_pass(world: World) -> None:
    world.directory.hidden = lambda dn, name: (
        name == "userAccountControl" and dn.startswith("CN=person0001,")
    )
    found = collect(world.connection, (accounts, groups)).findings(bound=BOUND)
    of = {check: v for (check, name), v in found.items() if name == "person0001"}
    assert {v.status for v in of.values()} == {Status.UNKNOWN}
    assert all("Read on user objects" in v.because for v in of.values())


def test_hidden_policies_are_unknown_and_their_right_is_named(world: World) -> None:
    world.directory.hidden = lambda dn, _: dn.startswith("CN=Password Settings Container")
    found = collect(world.connection, ALL).findings(bound=BOUND)
    verdict = found["active_directory.domain.password_policy", BASE]
    assert verdict.status is Status.UNKNOWN
    assert verdict.cause is Cause.DENIED
    assert "CN=Password Settings Container" in verdict.because


def test_a_value_out_of_form_is_malformed_and_the_others_stand(world: World) -> None:
    person = world.directory.entries[f"CN=person0001,CN=Users,{BASE}"]
    person["pwdLastSet"] = [b"yesterday"]
    person["servicePrincipalName"] = [b"HTTP/x"]
    found = collect(world.connection, (accounts, groups)).findings(bound=BOUND)
    verdict = found["active_directory.accounts.service_accounts_managed", "person0001"]
    assert verdict.cause is Cause.MALFORMED
    assert found["active_directory.accounts.preauth_required", "person0001"].status is Status.PASS


@pytest.mark.parametrize("number", [b"9" * 18, b"9" * 19, b"-" + b"9" * 18])
def test_a_sign_in_beyond_all_calendars_or_still_to_come_is_malformed(
    world: World, number: bytes
) -> None:
    person = world.directory.entries[f"CN=person0001,CN=Users,{BASE}"]
    person["lastLogonTimestamp"] = [number]
    found = collect(world.connection, (accounts, groups)).findings(bound=BOUND)
    verdict = found["active_directory.accounts.stale_users_disabled", "person0001"]
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.MALFORMED)


def test_a_container_of_trusts_that_shows_nothing_is_no_proof_that_there_are_none(
    world: World,
) -> None:
    world.directory.hidden = lambda dn, _: dn.endswith(SYSTEM)
    assert unread(world)["active_directory.trust"] == (Cause.PARTIAL, "CN=System shows nothing")


def test_members_that_are_hidden_are_not_taken_for_none(world: World) -> None:
    world.directory.hidden = lambda _, name: name == "memberOf"
    found = collect(world.connection, (groups,)).findings(bound=BOUND)
    verdict = found["active_directory.groups.domain_admins_count", "Domain Admins"]
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.DENIED)
    assert "Read memberOf and primaryGroupID on members" in verdict.because


def test_what_is_cut_off_is_tried_again_on_a_new_connection(world: World) -> None:
    caller: Caller = patient_caller()
    target = world.connection.open(caller)
    target.identify()
    target._bound.unbind()  # type: ignore[union-attr]
    (found,) = target.search(BASE, "(sAMAccountName=ada)", "userAccountControl")
    assert found["userAccountControl"] == str(0x40200)


def test_two_values_where_there_can_be_one_are_malformed(world: World) -> None:
    world.directory.entries[BASE]["minPwdLength"] = [b"1", b"2"]
    target = world.connection.open(patient_caller())
    with pytest.raises(MalformedError):
        target.one(BASE, "minPwdLength")
