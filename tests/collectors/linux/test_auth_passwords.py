"""Passwords, lockout and idle shells, on hand-made documents and on images."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from collectors import Cause, Status, Unread
from collectors.linux.auth import auth
from collectors.linux.auth_passwords import (
    LocalPassword,
    SignInRules,
    lockout,
    password_ageing,
    password_hash_strong,
    password_quality,
    shell_timeout,
)
from collectors.testing import Conformance, collect, judge

PASSWD = "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n"
DENIED = Unread("EACCES", "read:/etc/shadow")
SET = {"state": "set", "algorithm": "y", "hidden": True, "maximum": 90, "inactive": 30}


def password(name: str = "ada", **state: Any) -> LocalPassword:
    listed: Any = {"name": name, "uid": 1000}
    read = state.pop("password", None) or SET | state
    return LocalPassword(id=name, listed=listed, facts={"password": read})


def rules(**facts: Any) -> SignInRules:
    read = {
        "auth_stacks": {"common-auth": [asks("preauth"), asks("authfail")]},
        "password_stacks": {"common-password": [asks(module="pam_pwquality.so")]},
        "faillock": {},
        "pwquality": {"minlen": "12"},
        "login_definitions": {"PASS_MAX_DAYS": "90"},
        "new_accounts": {"INACTIVE": "30"},
        "idle_timeouts": {"/etc/profile.d/tmout.sh": ["900"]},
    }
    return SignInRules(id="sign-in", listed={}, facts=read | facts)


def asks(*arguments: str, module: str = "pam_faillock.so", control: str = "required") -> Any:
    return {"control": control, "module": module, "arguments": list(arguments)}


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ({}, "pass"),
        ({"algorithm": "6"}, "pass"),
        ({"algorithm": "2b"}, "pass"),
        ({"algorithm": "5"}, "fail"),
        ({"algorithm": "1"}, "fail"),
        ({"algorithm": "des"}, "fail"),
        ({"algorithm": "1", "state": "locked"}, "fail"),
        ({"state": "empty", "algorithm": None}, "fail"),
        ({"state": "none", "algorithm": None}, "not_applicable"),
        ({"hidden": False}, "fail"),
        ({"password": DENIED}, "unknown"),
    ],
)
def test_password_hash_strong(state: dict[str, Any], status: str) -> None:
    assert judge(password_hash_strong, password(**state)).status == status


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "pass"),
        ({"pwquality": {"minlen": "11"}}, "fail"),
        ({"pwquality": {}}, "fail"),
        ({"pwquality": {"minlen": "12", "dcredit": "1"}}, "fail"),
        ({"pwquality": {"minlen": "12", "dcredit": "-1"}}, "pass"),
        ({"pwquality": {"minlen": "12", "enforcing": "0"}}, "fail"),
        ({"pwquality": {"minlen": "twelve"}}, "unknown"),
        ({"pwquality": DENIED}, "unknown"),
        ({"password_stacks": {}}, "fail"),
        ({"password_stacks": {"common-password": []}}, "fail"),
        ({"password_stacks": {"system-auth": [asks(module="pam_passwdqc.so")]}}, "unknown"),
        (
            {"password_stacks": {"x": [asks(module="pam_pwquality.so", control="optional")]}},
            "fail",
        ),
        (
            {"password_stacks": {"x": [asks("minlen=8", module="pam_pwquality.so")]}},
            "fail",
        ),
        (
            {
                "pwquality": {},
                "password_stacks": {"x": [asks("minlen=14", module="pam_pwquality.so")]},
            },
            "pass",
        ),
    ],
)
def test_password_quality(facts: dict[str, Any], status: str) -> None:
    assert judge(password_quality, rules(**facts)).status == status


@pytest.mark.parametrize(
    ("settings", "kinds", "status"),
    [
        ({"minclass": "3"}, 3, "pass"),
        ({"minclass": "3"}, 4, "fail"),
        ({"dcredit": "-1", "ucredit": "-1"}, 2, "pass"),
        ({"dcredit": "-1", "ucredit": "-1"}, 3, "fail"),
    ],
)
def test_kinds_of_characters(settings: dict[str, str], kinds: int, status: str) -> None:
    made = rules(pwquality={"minlen": "12"} | settings)
    assert judge(password_quality, made, classes=kinds).status == status


@pytest.mark.parametrize(
    ("facts", "others", "status"),
    [
        ({}, [password()], "pass"),
        ({}, [password(maximum=91)], "fail"),
        ({}, [password(maximum=None)], "fail"),
        ({}, [password(inactive=None)], "fail"),
        ({}, [password(maximum=None, state="none")], "pass"),
        ({}, [password(password=DENIED)], "unknown"),
        ({"login_definitions": {"PASS_MAX_DAYS": "99999"}}, [password(password=DENIED)], "fail"),
        ({"login_definitions": {"PASS_MAX_DAYS": "-1"}}, [], "fail"),
        ({"login_definitions": {}}, [], "fail"),
        ({"new_accounts": {"INACTIVE": "-1"}}, [], "fail"),
        ({"new_accounts": {}}, [], "fail"),
        ({"new_accounts": {"INACTIVE": "31"}}, [], "fail"),
        ({"login_definitions": DENIED}, [], "unknown"),
    ],
)
def test_password_ageing(facts: dict[str, Any], others: list[Any], status: str) -> None:
    verdict = judge(password_ageing, rules(**facts), *others, maximum=90, inactive=30)
    assert verdict.status == status


def test_ageing_has_no_default() -> None:
    assert judge(password_ageing, rules()).cause is Cause.CRITERION_MISSING


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({}, "pass"),
        ({"auth_stacks": {}}, "fail"),
        ({"auth_stacks": {"common-auth": []}}, "fail"),
        ({"auth_stacks": {"common-auth": [asks("preauth")]}}, "fail"),
        ({"auth_stacks": {"common-auth": [asks("authfail"), asks("authsucc")]}}, "pass"),
        ({"auth_stacks": {"a": [asks("preauth"), asks("authfail")], "b": []}}, "fail"),
        ({"faillock": {"deny": "5"}}, "pass"),
        ({"faillock": {"deny": "6"}}, "fail"),
        ({"faillock": {"deny": "0"}}, "fail"),
        ({"faillock": {"unlock_time": "599"}}, "fail"),
        ({"faillock": {"unlock_time": "0"}}, "pass"),
        ({"faillock": {"unlock_time": "never"}}, "pass"),
        (
            {
                "faillock": {"deny": "9"},
                "auth_stacks": {"a": [asks("preauth", "deny=3"), asks("authfail", "deny=3")]},
            },
            "pass",
        ),
        (
            {"auth_stacks": {"a": [asks("preauth", "deny=50"), asks("authfail", "deny=3")]}},
            "fail",
        ),
        ({"auth_stacks": {"a": [asks("preauth", "conf=/x"), asks("authfail")]}}, "unknown"),
        ({"faillock": DENIED}, "unknown"),
        ({"auth_stacks": DENIED}, "unknown"),
    ],
)
def test_lockout(facts: dict[str, Any], status: str) -> None:
    assert judge(lockout, rules(**facts)).status == status


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (["900"], "pass"),
        (["901"], "fail"),
        (["0"], "fail"),
        ([""], "fail"),
        (["600", "0"], "fail"),
        (["$IDLE"], "unknown"),
    ],
)
def test_shell_timeout(values: list[str], status: str) -> None:
    made = rules(idle_timeouts={"/etc/profile": values})
    assert judge(shell_timeout, made).status == status


def test_a_shell_without_any_timeout_fails() -> None:
    assert judge(shell_timeout, rules(idle_timeouts={})).status is Status.FAIL


RHEL_AUTH = """#%PAM-1.0
auth        required                                     pam_env.so
auth        required                                     pam_faillock.so preauth silent
auth        [default=1 ignore=ignore success=ok]         pam_usertype.so isregular
auth        sufficient                                   pam_unix.so nullok
auth        [default=die]                                pam_faillock.so authfail
password    requisite                                    pam_pwquality.so \\
    local_users_only
-password   sufficient                                   pam_systemd_home.so
"""
DEBIAN_AUTH = """auth requisite pam_faillock.so preauth
AUTH [success=1 default=ignore] pam_unix.so nullok
auth [default=die] pam_faillock.so authfail
# auth required pam_faillock.so deny=99
"""
DEBIAN = {
    "/etc/passwd": PASSWD,
    "/etc/shadow": "root:*:20000::::::\nada:!:20000::::::\n",
    "/etc/pam.d/common-auth": DEBIAN_AUTH,
    "/etc/pam.d/common-password": "@include strong\npassword [success=1 default=ignore] unix.so\n",
    "/etc/pam.d/strong": "password requisite /lib/security/pam_pwquality.so retry=3\n",
    "/etc/security/pwquality.conf": "minlen = 14\n",
    "/etc/security/pwquality.conf.d/a.conf": "minlen = 6\nminclass=3 # kinds\nlocal_users_only\n",
    "/etc/security/faillock.conf": "# deny = 99\ndeny = 4\naudit\n",
    "/etc/profile.d/tmout.sh": "# TMOUT=0\nreadonly TMOUT=600 ; export TMOUT\n",
    "/etc/bash.bashrc": 'if [ -z "$TMOUT" ]; then typeset -xr TMOUT="300"; fi\n',
    "/etc/login.defs": "PASS_MAX_DAYS\t90\nUMASK 022\n",
    "/etc/default/useradd": "SHELL=/bin/sh\nINACTIVE=30\n",
}
RED_HAT = {
    "/etc/passwd": PASSWD,
    "/etc/shadow": "root:*:20000::::::\nada:!:20000::::::\n",
    "/etc/pam.d/system-auth": RHEL_AUTH,
    "/etc/pam.d/password-auth": RHEL_AUTH,
    "/etc/security/pwquality.conf": "minlen=12\n",
}
LIMITS: dict[str, dict[str, object]] = {password_ageing.id: {"maximum": 90, "inactive": 30}}


@pytest.mark.parametrize("files", [DEBIAN, RED_HAT], ids=["debian", "red hat"])
def test_both_families_of_stacks_are_understood(image: Any, files: dict[str, str]) -> None:
    findings = collect(image(files), [auth]).findings(bound=LIMITS)
    for check in (password_quality, lockout):
        assert findings[check.id, "sign-in"].status is Status.PASS, findings[check.id, "sign-in"]


def test_what_is_read_is_what_the_files_say(image: Any) -> None:
    collected = collect(image(DEBIAN), [auth])
    [found] = [r for r in collected.resources if isinstance(r, SignInRules)]
    assert found.pwquality == {"minlen": "14", "minclass": "3", "local_users_only": ""}
    assert found.faillock == {"deny": "4", "audit": ""}
    assert found.idle_timeouts == {"/etc/bash.bashrc": ["300"], "/etc/profile.d/tmout.sh": ["600"]}
    assert found.login_definitions == {"PASS_MAX_DAYS": "90"}
    assert found.new_accounts["INACTIVE"] == "30"
    assert [line["module"] for line in found.auth_stacks["common-auth"]] == [
        "pam_faillock.so",
        "pam_unix.so",
        "pam_faillock.so",
    ]


def test_stacks_of_another_name_are_unknown_never_a_failure(image: Any) -> None:
    files = {"/etc/passwd": PASSWD, "/etc/pam.d/base-auth": RHEL_AUTH}
    findings = collect(image(files), [auth]).findings()
    assert findings[lockout.id, "sign-in"].cause is Cause.PARTIAL


def test_an_include_that_is_not_there_is_malformed(image: Any) -> None:
    files = {"/etc/passwd": PASSWD, "/etc/pam.d/common-auth": "@include nothing\n"}
    assert collect(image(files), [auth]).findings()[lockout.id, "sign-in"].cause is Cause.MALFORMED


def test_stacks_that_include_one_another_end(image: Any) -> None:
    files = {"/etc/passwd": PASSWD, "/etc/pam.d/common-auth": "@include common-auth\n"}
    assert collect(image(files), [auth]).findings()[lockout.id, "sign-in"].cause is Cause.MALFORMED


def test_a_form_feed_ends_no_line(image: Any) -> None:
    files = {**DEBIAN, "/etc/security/pwquality.conf": "#\x0cminlen=20\nminlen=8\n"}
    findings = collect(image(files), [auth]).findings()
    assert findings[password_quality.id, "sign-in"].status is Status.FAIL


class TestConformance(Conformance):
    collectors = (auth,)
    bound: ClassVar[dict[str, dict[str, object]]] = LIMITS

    @pytest.fixture
    def connection(self, image: Any) -> Any:
        return image(DEBIAN)
