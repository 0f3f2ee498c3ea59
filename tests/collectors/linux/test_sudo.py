"""sudo and su: who gets to root unasked, what is recorded, who may use su."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from collectors import Cause, Status, Unread, Verdict
from collectors.linux import LinuxConnection
from collectors.linux.sudo import (
    Policy,
    RuleFile,
    Su,
    logged,
    rules_least_privilege,
    su_restricted,
    sudo,
)
from collectors.testing import Conformance, collect, judge

BuildImage = Callable[..., LinuxConnection]

MAIN = "Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n%sudo ALL=(ALL:ALL) ALL\n"


def rule_file(text: str, path: str = "/etc/sudoers") -> RuleFile:
    return RuleFile(id=path, listed={"text": text, "mode": "0440", "uid": 0, "gid": 0})


def policy() -> Policy:
    return Policy(id="sudoers", listed={"main": "/etc/sudoers"})


def least(text: str, *approved: str) -> Verdict:
    file = rule_file(text)
    return judge(rules_least_privilege, file, file, policy(), approved=approved)


@pytest.mark.parametrize(
    ("text", "approved", "named"),
    [
        (MAIN, (), ""),
        ("a ALL=(ALL) NOPASSWD: ALL", (), "a"),
        ("a ALL=(ALL) NOPASSWD: ALL", ("a",), ""),
        ("a ALL=(ALL) NOPASSWD: ALL", ("%a",), "a"),
        ("%ops, b ALL=NOPASSWD: ALL", ("b",), "%ops"),
        ("root ALL=NOPASSWD: ALL", (), ""),
        ("a ALL=(www) NOPASSWD: ALL", (), ""),
        ("a ALL=(:wheel) NOPASSWD: ALL", (), ""),
        ("a ALL=NOPASSWD: /bin/ls", (), ""),
        ("a ALL=NOPASSWD: /bin/ls, PASSWD: ALL", (), ""),
        ("a ALL=NOPASSWD: ALL, !/bin/su", (), "a"),
        ("Cmnd_Alias X = ALL\nRunas_Alias R = root\nUser_Alias U = b, c\nU ALL=(R) NOPASSWD: X",
         (), "b, c"),
        ("Defaults !authenticate\n%sudo ALL=(ALL) ALL", (), "%sudo"),
        ("Defaults !authenticate\n%sudo ALL=(ALL) PASSWD: ALL", (), ""),
        ("Defaults:a !authenticate\na ALL=ALL\nb ALL=ALL", (), "a"),
        ("Defaults !authenticate\nDefaults:a authenticate\na ALL=ALL\nb ALL=ALL", (), "b"),
        ("Defaults@web1 !authenticate\na ALL=ALL", (), "a"),
    ],
)  # fmt: skip
def test_everything_without_a_password_must_be_approved(
    text: str, approved: tuple[str, ...], named: str
) -> None:
    verdict = least(text, *approved)
    because = f"everything without a password: {named}" if named else ""
    assert (verdict.status, verdict.because) == (Status.FAIL if named else Status.PASS, because)


def test_an_alias_may_stand_in_another_file() -> None:
    main = rule_file("User_Alias OPS = a\n@includedir /etc/sudoers.d")
    rules = rule_file("OPS ALL=NOPASSWD: ALL", "/etc/sudoers.d/ops")
    ask = lambda file: judge(rules_least_privilege, file, main, rules, policy(), approved=())  # noqa: E731
    assert ask(main).status is Status.PASS
    assert ask(rules).because == "everything without a password: a"


def test_without_an_approved_list_nothing_is_decided() -> None:
    file = rule_file(MAIN)
    assert judge(rules_least_privilege, file, file, policy()).cause is Cause.CRITERION_MISSING


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("", ""),
        (MAIN, ""),
        ("Defaults !syslog", "not recorded for everyone"),
        ("Defaults !syslog\nDefaults syslog=authpriv", ""),
        ("Defaults syslog\nDefaults !syslog", "not recorded for everyone"),
        ("Defaults !syslog, logfile=/var/log/sudo.log", ""),
        ("Defaults !syslog\nDefaults log_output", ""),
        ("Defaults logfile=/x, !log_allowed", "not recorded for everyone"),
        ("Defaults syslog_goodpri=none", "not recorded for everyone"),
        ("Defaults !syslog_goodpri", "not recorded for everyone"),
        ("Defaults:a !syslog", "not recorded for Defaults:a"),
        ("Defaults:a !syslog\nDefaults logfile=/x", ""),
        ("Defaults!/bin/ls !log_allowed\nDefaults>www !syslog",
         "not recorded for Defaults!/bin/ls, Defaults>www"),
    ],
)  # fmt: skip
def test_what_records_the_use_of_sudo(text: str, because: str) -> None:
    verdict = judge(logged, policy(), policy(), rule_file(text))
    assert verdict.because == because
    assert verdict.status is (Status.FAIL if because else Status.PASS)


ROOTOK = {"control": "sufficient", "module": "pam_rootok.so", "arguments": []}
WHEEL = {"control": "required", "module": "pam_wheel.so", "arguments": ["use_uid"]}
UNIX = {"control": "[success=1 default=ignore]", "module": "pam_unix.so", "arguments": []}
DENY = {"control": "requisite", "module": "pam_deny.so", "arguments": []}


@pytest.mark.parametrize(
    ("mode", "lines", "status"),
    [
        ("4755", [ROOTOK, WHEEL, UNIX, DENY], Status.PASS),
        ("4755", [ROOTOK, WHEEL | {"control": "requisite"}], Status.PASS),
        ("4755", [ROOTOK, UNIX, DENY], Status.FAIL),
        ("4755", [ROOTOK, WHEEL | {"control": "sufficient"}], Status.FAIL),
        ("4755", [ROOTOK, WHEEL | {"control": "optional"}], Status.FAIL),
        ("4755", [ROOTOK, WHEEL | {"arguments": ["deny", "group=guests"]}], Status.FAIL),
        ("4755", [WHEEL | {"control": "sufficient", "arguments": ["trust"]}, WHEEL], Status.PASS),
        ("4755", [UNIX, DENY, WHEEL], Status.PASS),
        ("4755", [UNIX, WHEEL], Status.UNKNOWN),
        ("4755", [UNIX | {"control": "sufficient"}, WHEEL], Status.UNKNOWN),
        ("4755", [UNIX | {"control": "[success=done new_authtok_reqd=done]"}, WHEEL],
         Status.UNKNOWN),
        ("4755", None, Status.FAIL),
        ("4755", Unread("EACCES", "read:/etc/pam.d/su"), Status.UNKNOWN),
        ("4750", Unread("EACCES", "read:/etc/pam.d/su"), Status.PASS),
        ("0755", None, Status.NOT_APPLICABLE),
    ],
)  # fmt: skip
def test_su_is_for_a_group(mode: str, lines: object, status: Status) -> None:
    listed: Any = {"type": "file", "mode": mode, "uid": 0, "gid": 0}
    su = Su(id="/usr/bin/su", listed=listed, facts={"pam": lines})
    assert judge(su_restricted, su).status is status


def test_every_included_file_is_listed_once_and_backups_are_not(image: BuildImage) -> None:
    connection = image({
        "/etc/sudoers": MAIN + "@includedir /etc/sudoers.d\n#include /etc/sudoers.local\n",
        "/etc/sudoers.d/ops": "@include /etc/sudoers.local\n",
        "/etc/sudoers.d/ops.bak": "x ALL=NOPASSWD: ALL\n",
        "/etc/sudoers.d/README~": "",
        "/etc/sudoers.local": "",
    })  # fmt: skip
    collected = collect(connection, [sudo])
    assert [r.id for r in collected.resources] == [
        "sudoers", "/etc/sudoers", "/etc/sudoers.d/ops", "/etc/sudoers.local"
    ]  # fmt: skip
    assert all(part.complete for part in collected.parts)


def test_a_host_without_sudo_has_no_rules_and_that_is_complete(image: BuildImage) -> None:
    collected = collect(image({"/usr/bin/su": ("", 0o4755)}), [sudo])
    assert [r.kind for r in collected.resources] == ["linux.sudo.su"]
    assert all(part.complete for part in collected.parts)


@pytest.mark.parametrize("refused", ["/etc/sudoers", "/etc/sudoers.d", "/etc/sudoers.d/ops"])
def test_a_refused_file_makes_every_question_of_sudo_unknown(
    refused: str, image: BuildImage
) -> None:
    files = {
        "/etc/sudoers": MAIN + "@includedir /etc/sudoers.d\n",
        "/etc/sudoers.d/ops": "a ALL=NOPASSWD: ALL\n",
    }
    collected = collect(image(files, refused={refused}), [sudo])
    bound = {rules_least_privilege.id: {"approved": ()}}
    found = collected.findings(bound=bound)
    about_sudo = [v for (check, _), v in found.items() if check != su_restricted.id]
    assert {v.status for v in about_sudo} == {Status.UNKNOWN}
    assert all(refused in v.because for v in about_sudo)


def test_rules_of_a_directory_are_told_to_be_missing(image: BuildImage) -> None:
    files = {"/etc/sudoers": MAIN, "/etc/nsswitch.conf": "sudoers: files [success=return] sss # x"}
    parts = collect(image(files), [sudo]).parts
    assert {p.unread.code for p in parts if p.unread} == {"sudo also takes rules from sss"}


def test_su_without_a_file_of_its_own_goes_by_other(image: BuildImage) -> None:
    files = {"/usr/bin/su": ("", 0o4755), "/etc/pam.d/other": "auth required pam_wheel.so\n"}
    (su,) = collect(image(files), [sudo]).resources
    assert judge(su_restricted, su).status is Status.PASS


def test_su_of_red_hat_with_its_substack(image: BuildImage) -> None:
    connection = image({
        "/usr/bin/su": ("", 0o4755),
        "/etc/pam.d/su": (
            "auth sufficient pam_rootok.so\n#auth sufficient pam_wheel.so trust use_uid\n"
            "auth required pam_wheel.so use_uid\nauth substack system-auth\n"
        ),
        "/etc/pam.d/system-auth": "auth sufficient pam_unix.so\nauth required pam_deny.so\n",
    })  # fmt: skip
    (su,) = collect(connection, [sudo]).resources
    assert judge(su_restricted, su).status is Status.PASS


class TestConformance(Conformance):
    collectors = (sudo,)
    bound = {"linux.sudo.rules_least_privilege": {"approved": ["deploy"]}}  # noqa: RUF012

    @pytest.fixture
    def connection(self, image: BuildImage) -> LinuxConnection:
        return image({
            "/etc/sudoers": MAIN + "Defaults:eve !syslog\n@includedir /etc/sudoers.d\n",
            "/etc/sudoers.d/ops": "deploy, eve ALL=NOPASSWD: ALL\n",
            "/usr/bin/su": ("", 0o4755),
            "/etc/pam.d/su": "auth sufficient pam_rootok.so\nauth required pam_wheel.so\n",
        })  # fmt: skip
