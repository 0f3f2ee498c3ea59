"""The SSH server, on hand-made documents and on images."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from collectors import Cause, Status, Unread
from collectors.linux.auth import (
    Sshd,
    auth,
    servers,
    ssh_password_disabled,
    ssh_root_login_disabled,
    ssh_session_limits,
    ssh_strong_algorithms,
    ssh_users_restricted,
)
from collectors.linux.sshd_config import configuration, global_values, settings
from collectors.testing import Conformance, collect, judge

MAIN = "/etc/ssh/sshd_config"
DENIED = Unread("no readable host keys", "run:sshd -T")
EFFECTIVE = {
    "permitrootlogin": ["no"],
    "passwordauthentication": ["no"],
    "kbdinteractiveauthentication": ["no"],
    "authenticationmethods": ["any"],
    "usepam": ["yes"],
    "maxauthtries": ["4"],
    "logingracetime": ["60"],
    "clientaliveinterval": ["300"],
    "clientalivecountmax": ["3"],
    "allowgroups": ["ssh-users"],
    "ciphers": ["chacha20-poly1305@openssh.com,aes256-gcm@openssh.com"],
    "macs": ["hmac-sha2-512-etm@openssh.com"],
    "kexalgorithms": ["sntrup761x25519-sha512@openssh.com"],
}
OTP: Any = {"control": "required", "module": "pam_google_authenticator.so", "arguments": []}


def sshd(
    effective: dict[str, list[str]] | Unread | None = None,
    config: str | Unread = "",
    pam: Any = (),
) -> Sshd:
    said = effective if isinstance(effective, Unread) else EFFECTIVE | (effective or {})
    files = config if isinstance(config, Unread) else {MAIN: config}
    state: Any = {"type": "file", "mode": "0755", "uid": 0, "gid": 0}
    facts = {"effective": said, "configuration": files, "pam": list(pam)}
    return Sshd(id="sshd", scope="host", listed=state, facts=facts)


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (sshd(), "pass"),
        (sshd({"permitrootlogin": ["without-password"]}), "pass"),
        (sshd({"permitrootlogin": ["forced-commands-only"]}), "pass"),
        (sshd({"permitrootlogin": ["yes"]}), "fail"),
        (sshd({"permitrootlogin": ["yes"]}, Unread("EACCES")), "fail"),
        (sshd({}, Unread("EACCES", "read:/etc/ssh/sshd_config")), "unknown"),
        (sshd({}, "Match Address 10.0.0.0/8\n  PermitRootLogin yes\n"), "fail"),
        (sshd(DENIED, "PermitRootLogin no\nPermitRootLogin yes\n"), "pass"),
        (sshd(DENIED, "permitrootlogin=yes\n"), "fail"),
        (sshd(DENIED, "#PermitRootLogin no\n"), "unknown"),
        (sshd(DENIED, Unread("EACCES")), "unknown"),
    ],
)
def test_ssh_root_login_disabled(made: Sshd, status: str) -> None:
    assert judge(ssh_root_login_disabled, made).status == status


def test_an_organisation_may_allow_root_no_key_either() -> None:
    made = sshd({"permitrootlogin": ["prohibit-password"]})
    assert judge(ssh_root_login_disabled, made).status is Status.PASS
    assert judge(ssh_root_login_disabled, made, keys_allowed=False).status is Status.FAIL


def test_a_default_that_depends_on_the_version_names_the_command_that_would_tell() -> None:
    verdict = judge(ssh_root_login_disabled, sshd(DENIED))
    assert verdict.cause is Cause.DENIED
    assert verdict.because == "no readable host keys; needs run:sshd -T"


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (sshd(), "pass"),
        (sshd({"passwordauthentication": ["yes"]}), "fail"),
        (sshd({"kbdinteractiveauthentication": ["yes"]}), "fail"),
        (sshd({"challengeresponseauthentication": ["yes"]}), "fail"),
        (sshd({}, "Match User ftp\nPasswordAuthentication yes\n"), "fail"),
        (
            sshd(
                {
                    "passwordauthentication": ["yes"],
                    "authenticationmethods": ["publickey,password publickey"],
                }
            ),
            "pass",
        ),
        (
            sshd(
                {
                    "passwordauthentication": ["yes"],
                    "authenticationmethods": ["publickey,password password"],
                }
            ),
            "fail",
        ),
        (
            sshd(
                {
                    "passwordauthentication": ["yes"],
                    "authenticationmethods": ["publickey,password"],
                },
                "Match User ftp\nAuthenticationMethods password\n",
            ),
            "fail",
        ),
        (sshd({"kbdinteractiveauthentication": ["yes"]}, pam=[OTP]), "pass"),
        (
            sshd({"kbdinteractiveauthentication": ["yes"]}, pam=[OTP | {"arguments": ["nullok"]}]),
            "fail",
        ),
        (
            sshd({"kbdinteractiveauthentication": ["yes"]}, pam=[OTP | {"control": "sufficient"}]),
            "fail",
        ),
        (
            sshd({"kbdinteractiveauthentication": ["yes"], "usepam": ["no"]}, pam=[OTP]),
            "fail",
        ),
        (sshd(DENIED, ""), "fail"),
        (sshd(DENIED, "PasswordAuthentication no\nChallengeResponseAuthentication no\n"), "pass"),
        (sshd(DENIED, Unread("EACCES")), "unknown"),
    ],
)
def test_ssh_password_disabled(made: Sshd, status: str) -> None:
    assert judge(ssh_password_disabled, made).status == status


APPROVED = (
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "sntrup761x25519-sha512@openssh.com",
)


@pytest.mark.parametrize(
    ("made", "because"),
    [
        (sshd(), ""),
        (sshd({"ciphers": ["aes128-cbc,3des-cbc"]}), "not approved: 3des-cbc, aes128-cbc"),
        (sshd({"macs": ["hmac-md5"]}), "not approved: hmac-md5"),
    ],
)
def test_ssh_strong_algorithms(made: Sshd, because: str) -> None:
    verdict = judge(ssh_strong_algorithms, made, approved=APPROVED)
    assert (verdict.status == "pass", verdict.because) == (not because, because)


@pytest.mark.parametrize("config", ["", "Ciphers -aes128-cbc\n", "Ciphers aes256-gcm@openssh.com"])
def test_files_that_leave_algorithms_to_the_version_settle_nothing(config: str) -> None:
    verdict = judge(ssh_strong_algorithms, sshd(DENIED, config), approved=APPROVED)
    assert verdict.status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("effective", "status"),
    [
        ({}, "pass"),
        ({"maxauthtries": ["5"]}, "fail"),
        ({"logingracetime": ["61"]}, "fail"),
        ({"logingracetime": ["0"]}, "fail"),
        ({"clientaliveinterval": ["301"]}, "fail"),
        ({"clientaliveinterval": ["0"]}, "fail"),
        ({"clientalivecountmax": ["0"]}, "fail"),
        ({"maxauthtries": ["many"]}, "unknown"),
    ],
)
def test_ssh_session_limits(effective: dict[str, list[str]], status: str) -> None:
    assert judge(ssh_session_limits, sshd(effective)).status == status


def test_times_in_files_may_carry_units() -> None:
    config = "MaxAuthTries 3\nLoginGraceTime 1m\nClientAliveInterval 5m\nClientAliveCountMax 3\n"
    assert judge(ssh_session_limits, sshd(DENIED, config)).status is Status.PASS
    assert judge(ssh_session_limits, sshd(DENIED, config), grace=59).status is Status.FAIL


@pytest.mark.parametrize(
    ("made", "status"),
    [
        (sshd(), "pass"),
        (sshd({"allowgroups": []}), "fail"),
        (sshd({"allowgroups": [], "allowusers": ["ada", "bob@10.0.0.0/8"]}), "pass"),
        (sshd({"allowgroups": ["*"]}), "fail"),
        (sshd({"allowgroups": ["ops"], "allowusers": ["*"]}), "pass"),
        (sshd({"allowgroups": ["*"], "allowusers": ["*", "ada"]}), "fail"),
        (sshd({}, "Match Address 10.0.0.0/8\nAllowGroups *\n"), "fail"),
        (sshd(DENIED, "AllowUsers ada\nAllowUsers bob\n"), "pass"),
        (sshd(DENIED, "Match User ada\nAllowUsers ada\n"), "fail"),
        (sshd(DENIED, Unread("EACCES")), "unknown"),
    ],
)
def test_ssh_users_restricted(made: Sshd, status: str) -> None:
    assert judge(ssh_users_restricted, made).status == status


def test_a_keyword_the_server_does_not_print_is_looked_for_in_the_files_never_passed() -> None:
    silent: Any = {name: v for name, v in EFFECTIVE.items() if name != "permitrootlogin"}
    made = sshd(config=Unread("EACCES", "read:/etc/ssh/sshd_config"))
    made = Sshd(id="sshd", listed=made.listed, facts={**made.facts, "effective": silent})
    assert judge(ssh_root_login_disabled, made).status is Status.UNKNOWN


INCLUDES = {
    MAIN: "Include sshd_config.d/*.conf /etc/crypto/server.config\nPermitRootLogin yes # last\n"
    "Match User ada\n  Include sshd_config.d/ada\n  X11Forwarding yes\n",
    "/etc/ssh/sshd_config.d/10-b.conf": "Match Group ops\nPermitRootLogin prohibit-password\n",
    "/etc/ssh/sshd_config.d/05-a.conf": 'PermitRootLogin "no"\nAllowUsers ada\n',
    "/etc/ssh/sshd_config.d/.hidden.conf": "PermitRootLogin yes\n",
    "/etc/ssh/sshd_config.d/ada": "PasswordAuthentication yes\n",
    "/etc/crypto/server.config": "Ciphers aes256-gcm@openssh.com\nAllowUsers bob\n",
}


def test_includes_are_unfolded_in_their_places(image: Any, open_host: Any) -> None:
    said = settings(configuration(open_host(image(INCLUDES))))
    assert global_values(said, "permitrootlogin") == ["no"]
    assert global_values(said, "allowusers") == ["ada", "bob"]
    assert global_values(said, "ciphers") == ["aes256-gcm@openssh.com"]
    assert [(s.keyword, s.value, s.match) for s in said if s.match] == [
        ("permitrootlogin", "prohibit-password", "Group ops"),
        ("passwordauthentication", "yes", "User ada"),
        ("x11forwarding", "yes", "User ada"),
    ]


def test_an_include_that_is_refused_is_unknown_never_left_out(image: Any) -> None:
    files = {**INCLUDES, "/usr/sbin/sshd": ("", 0o755)}
    connection = image(files, refused={"/etc/ssh/sshd_config.d"})
    findings = collect(connection, [auth]).findings()
    assert findings[ssh_users_restricted.id, "sshd"].status is Status.UNKNOWN


def test_a_host_without_the_server_has_none(image: Any) -> None:
    collected = collect(image(), [auth])
    assert [r for r in collected.resources if r.kind == Sshd.kind] == []
    assert all(part.complete for part in collected.parts if part.kind == Sshd.kind)


def test_files_include_themselves_without_end_and_are_malformed(image: Any) -> None:
    files = {"/usr/sbin/sshd": ("", 0o755), MAIN: f"Include {MAIN}\n"}
    verdict = collect(image(files), [auth]).findings()[ssh_users_restricted.id, "sshd"]
    assert verdict.status is Status.UNKNOWN


def test_the_listing_names_the_program_it_found(image: Any, open_host: Any) -> None:
    [found] = servers(open_host(image({"/usr/bin/sshd": ("", 0o755)})))
    assert found.id == "sshd"  # type: ignore[union-attr]  # one resource, no total


class TestConformance(Conformance):
    collectors = (auth,)
    bound: ClassVar[dict[str, dict[str, object]]] = {ssh_strong_algorithms.id: {"approved": []}}

    @pytest.fixture
    def connection(self, image: Any) -> Any:
        return image({**INCLUDES, "/usr/sbin/sshd": ("", 0o755), "/etc/pam.d/sshd": ""})
