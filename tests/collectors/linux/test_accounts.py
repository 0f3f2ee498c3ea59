"""Local accounts, on hand-made documents and on images."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Absent, Cause, Status, Unread
from collectors.linux.accounts import (
    LocalAccount,
    accounts,
    inactive_locked,
    no_shared_or_duplicate,
    system_accounts_locked,
    uid0_unique,
)
from collectors.linux.users import passwords
from collectors.testing import Conformance, collect, judge

PASSWD = (
    "root:x:0:0:root:/root:/bin/bash\n"
    "daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "ada:x:1000:1000:Ada Lovelace:/home/ada:/bin/bash\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
)
SECRET = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7"
SHADOW = f"root:*:20000:0:99999:7:::\ndaemon:*:20000::::::\nada:{SECRET}:20576:0:90:7:30::\n"
DENIED = Unread("EACCES", "read:/etc/shadow")
PASSWORD = {
    "state": "set",
    "algorithm": "y",
    "hidden": True,
    "changed": "2026-10-01",
    "maximum": 90,
    "inactive": 30,
    "expires": None,
}


def account(name: str = "ada", uid: int = 1000, program: str = "/bin/bash", **facts: Any) -> Any:
    listed: Any = {
        "name": name,
        "uid": uid,
        "gid": uid,
        "comment": "",
        "home": f"/home/{name}",
        "shell": program,
        "hidden": True,
    }
    state: Any = facts.pop("password", {})
    read: Any = {
        "password": state if isinstance(state, Unread) else PASSWORD | state,
        "login_definitions": {"UID_MIN": "1000"},
        "keys": [],
        "last_sign_in": "2026-11-20T08:00:00+00:00",
    }
    return LocalAccount(id=name, scope="host", listed=listed, facts=read | facts)


@pytest.mark.parametrize(
    ("name", "uid", "status"),
    [("root", 0, "pass"), ("toor", 0, "fail"), ("ada", 1000, "pass"), ("daemon", 1, "pass")],
)
def test_uid0_unique(name: str, uid: int, status: str) -> None:
    assert judge(uid0_unique, account(name, uid)).status == status


@pytest.mark.parametrize(
    ("made", "others", "status", "because"),
    [
        (account(), [account("bob", 1001)], "pass", ""),
        (account(), [account("bob", 1000)], "fail", "user id 1000 is shared with bob"),
        (account("deploy"), [], "fail", "a generic account that is not registered"),
        (account("deploy", program="/usr/sbin/nologin"), [], "pass", ""),
        (account("backup2"), [], "pass", ""),
    ],
)
def test_no_shared_or_duplicate(made: Any, others: list[Any], status: str, because: str) -> None:
    verdict = judge(no_shared_or_duplicate, made, made, *others, registered=())
    assert (verdict.status, verdict.because) == (status, because)


def test_a_registered_generic_account_passes_and_without_a_register_nothing_is_decided() -> None:
    made = account("deploy")
    bound = judge(no_shared_or_duplicate, made, made, registered=("deploy",))
    assert bound.status is Status.PASS
    assert judge(no_shared_or_duplicate, made, made).cause is Cause.CRITERION_MISSING


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (account("root", 0), "not_applicable"),
        (account("ada", 1000), "not_applicable"),
        (account("svc", 999, "/bin/bash", password=DENIED), "fail"),
        (account("svc", 999, "", password=DENIED), "fail"),
        (account("svc", 999, "/usr/sbin/nologin", password={"state": "none"}), "pass"),
        (account("svc", 999, "/usr/sbin/nologin", password={"state": "locked"}), "pass"),
        (account("svc", 999, "/usr/sbin/nologin"), "fail"),
        (account("svc", 999, "/bin/false", password={"state": "empty"}), "fail"),
        (account("sync", 4, "/bin/sync", password={"state": "none"}), "pass"),
        (account("nobody", 65534, "/usr/sbin/nologin", password={"state": "none"}), "pass"),
        (account("nobody", 65534, "/bin/sh"), "fail"),
        (account("svc", 999, "/usr/sbin/nologin", password=DENIED), "unknown"),
        (account("svc", 400, login_definitions={"UID_MIN": "400"}), "not_applicable"),
    ],
)
def test_system_accounts_locked(made: Any, status: str) -> None:
    assert judge(system_accounts_locked, made).status == status


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "pass"),
        ({"last_sign_in": "2026-08-26T09:00:00+00:00"}, "pass"),
        ({"last_sign_in": "2026-08-26T08:59:59+00:00"}, "fail"),
        ({"last_sign_in": "never"}, "pass"),
        ({"last_sign_in": "never", "password": {"changed": "2026-01-01"}}, "fail"),
        ({"last_sign_in": "never", "password": {"changed": None}}, "unknown"),
        ({"last_sign_in": Absent("none")}, "unknown"),
        ({"last_sign_in": Unread("needs a running system")}, "unknown"),
        ({"last_sign_in": "never", "password": {"state": "locked"}}, "pass"),
        ({"last_sign_in": "2026-01-01T00:00:00+00:00", "password": {"state": "locked"}}, "pass"),
        (
            {
                "last_sign_in": "2026-01-01T00:00:00+00:00",
                "password": {"state": "locked"},
                "keys": ["SHA256:x"],
            },
            "fail",
        ),
        ({"last_sign_in": "never", "password": {"expires": "2026-11-01"}}, "pass"),
        ({"password": DENIED}, "unknown"),
        ({"password": {"state": "none"}, "keys": Unread("EACCES")}, "unknown"),
    ],
)
def test_inactive_locked(facts: dict[str, Any], status: str) -> None:
    assert judge(inactive_locked, account(**facts)).status == status


def test_root_and_accounts_without_a_shell_are_not_asked_for_their_last_use() -> None:
    for made in (account("root", 0), account("svc", 999, "/usr/sbin/nologin")):
        assert judge(inactive_locked, made).status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("field", "state", "algorithm"),
    [
        ("", "empty", None),
        ("*", "none", None),
        ("!", "none", None),
        ("!!", "none", None),
        ("!*", "none", None),
        (SECRET, "set", "y"),
        (f"!{SECRET}", "locked", "y"),
        ("$6$salt$" + "a" * 86, "set", "6"),
        ("$1$salt$" + "a" * 22, "set", "1"),
        ("ab0123456789.", "set", "des"),
        ("_J9..rasmBYk8r9AiWNc", "set", "bsdi"),
    ],
)
def test_a_password_field_is_read_as_its_manual_page_says(
    field: str, state: str, algorithm: str | None
) -> None:
    found = passwords(f"ada:{field}:20576:0:90:7:30:20700:\n")["ada"]
    assert (found["state"], found["algorithm"]) == (state, algorithm)
    assert (found["changed"], found["expires"]) == ("2026-05-03", "2026-09-04")
    assert (found["maximum"], found["inactive"]) == (90, 30)


@given(st.text(alphabet=st.characters(codec="ascii", exclude_characters="\n\r:"), max_size=99))
def test_no_line_of_shadow_lets_its_hash_through(text: str) -> None:
    for salt in (text, ""):
        found = passwords(f"ada:{text}$6${salt}$SeCrEtHaSh0123456789:::::::\n")
        assert "SeCrEtHaSh" not in json.dumps(found)


def test_an_image_gives_its_accounts_without_a_hash(image: Any) -> None:
    collected = collect(image({"/etc/passwd": PASSWD, "/etc/shadow": (SHADOW, 0o640)}), [accounts])
    assert collected.defects == []
    found = {resource.id: resource for resource in collected.resources}
    assert sorted(found) == ["ada", "daemon", "nobody", "root"]
    assert found["ada"].facts["password"] == PASSWORD | {"changed": "2026-05-03"}
    nobody: Any = found["nobody"].facts["password"]
    assert nobody["state"] == "none"
    assert SECRET[8:] not in repr([r.facts for r in collected.resources])


def test_repeated_names_are_two_accounts_and_both_fail(image: Any) -> None:
    twice = PASSWD + "ada:x:1001:1001::/home/ada2:/bin/sh\n"
    findings = collect(image({"/etc/passwd": twice}), [accounts]).findings(
        bound={no_shared_or_duplicate.id: {"registered": []}}
    )
    failed = [k for k, v in findings.items() if v.status is Status.FAIL]
    names = [name for check, name in failed if check == no_shared_or_duplicate.id]
    assert names == ["ada", "ada#2"]


def test_a_password_in_passwd_itself_is_seen_and_marked_as_open(image: Any) -> None:
    old = f"ada:{SECRET}:1000:1000::/home/ada:/bin/sh\nbob::1001:1001::/home/bob:/bin/sh\n"
    found: Any = [
        r.facts["password"] for r in collect(image({"/etc/passwd": old}), [accounts]).resources
    ]
    assert [(p["state"], p["hidden"]) for p in found] == [("set", False), ("empty", False)]


def test_a_refused_shadow_is_unknown_and_names_the_right_to_grant(image: Any) -> None:
    connection = image(
        {"/etc/passwd": PASSWD, "/etc/shadow": SHADOW}, refused={"/etc/shadow", "/root"}
    )
    verdict = collect(connection, [accounts]).findings()[system_accounts_locked.id, "daemon"]
    assert verdict.status is Status.UNKNOWN
    assert verdict.because == "EACCES; needs read:/etc/shadow"


def test_a_damaged_passwd_makes_the_listing_malformed(image: Any) -> None:
    [part] = collect(image({"/etc/passwd": "root:x:0\n"}), [accounts]).parts
    assert part.unread
    assert part.unread.cause is Cause.MALFORMED


def test_an_image_without_accounts_has_none(image: Any) -> None:
    collected = collect(image(), [accounts])
    assert collected.resources == []
    assert collected.parts[0].complete


class TestConformance(Conformance):
    collectors = (accounts,)
    bound: ClassVar[dict[str, dict[str, object]]] = {no_shared_or_duplicate.id: {"registered": []}}

    @pytest.fixture
    def connection(self, image: Any) -> Any:
        return image({"/etc/passwd": PASSWD, "/etc/shadow": SHADOW})
