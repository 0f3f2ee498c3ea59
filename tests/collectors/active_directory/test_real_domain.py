"""A real domain: Samba's domain controller, provisioned for the test, on this machine alone.

Its ports are fixed (389, 636, 3268, 3269 on loopback), so one runs at a time, as root.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from collectors import CallError, Cause, Status
from collectors.active_directory import AdConnection
from collectors.active_directory.accounts import accounts
from collectors.active_directory.computers import computers
from collectors.active_directory.domain import domain
from collectors.active_directory.groups import groups
from collectors.active_directory.pki import pki
from collectors.testing import Collected, collect
from tests.collectors.fake_clock import patient_caller

ALL = (accounts, computers, domain, groups, pki)
BASE = "DC=corp,DC=example,DC=test"
ADMIN, READER = "Lab-Passw0rd-2026!", "Re4d-Only-Account-E5!"
PROGRAMS = {name: shutil.which(name) for name in ("samba", "samba-tool", "ldbmodify")}
MISSING = [name for name, path in PROGRAMS.items() if path is None]
SAMBA, SAMBA_TOOL, LDBMODIFY = (path or "" for path in PROGRAMS.values())
BOUND = {
    "active_directory.accounts.password_never_expires": {"registered": ()},
    "active_directory.groups.domain_admins_count": {"approved": ("Administrator",)},
    "active_directory.groups.nested_privilege_reviewed": {"approved": ()},
    "active_directory.domain.adminsdholder_acl_baseline": {"approved": ()},
}

pytestmark = [
    pytest.mark.prove,
    pytest.mark.skipif(bool(MISSING), reason=f"Samba's {', '.join(MISSING)} not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="a domain controller needs root"),
]

CHANGES = f"""\
dn: CN=bob,OU=Staff,{BASE}
changetype: modify
replace: lastLogonTimestamp
lastLogonTimestamp: 132500000000000000

dn: CN=svc-web,CN=Users,{BASE}
changetype: modify
replace: servicePrincipalName
servicePrincipalName: HTTP/web.corp.example.test
-
replace: userAccountControl
userAccountControl: 4194816

dn: CN=partner.example,CN=System,{BASE}
changetype: add
objectClass: trustedDomain
trustPartner: partner.example
trustDirection: 3
trustType: 2
trustAttributes: 0
"""


@dataclass(frozen=True)
class Controller:
    """A running controller."""

    connection: AdConnection
    folder: Path

    def collect(self, user: str = "CORP\\reader", password: str = READER) -> Collected:
        """What an account sees."""
        who = replace(self.connection, user=user, password=lambda: password)
        return collect(who, ALL)


def _tool(configuration: Path, *arguments: str) -> None:
    subprocess.run(
        [SAMBA_TOOL, *arguments, "-s", str(configuration)],
        check=True,
        capture_output=True,
        timeout=120,
    )


def _provision(folder: Path) -> Path:
    seed = folder / "seed.conf"
    seed.write_text("[global]\n")
    subprocess.run(
        [
            SAMBA_TOOL, "domain", "provision", f"--configfile={seed}",
            f"--targetdir={folder / 'dom'}", "--realm=CORP.EXAMPLE.TEST", "--domain=CORP",
            "--server-role=dc", "--host-name=dc1", "--host-ip=127.0.0.1", "--dns-backend=NONE",
            f"--adminpass={ADMIN}", "--option=interfaces=lo",
            "--option=bind interfaces only=yes",
        ],
        check=True,
        capture_output=True,
        timeout=240,
    )  # fmt: skip
    made = folder / "dom" / "etc" / "smb.conf"
    _tool(
        made, "domain", "passwordsettings", "set", "--min-pwd-length=14", "--history-length=24",
        "--complexity=on", "--account-lockout-threshold=5", "--account-lockout-duration=15",
    )  # fmt: skip
    _tool(made, "ou", "create", "OU=Staff")
    for name in ("alice", "bob", "leaver"):
        _tool(made, "user", "create", name, f"Str0ng-Passw0rd-{name}!", "--userou=OU=Staff")
    _tool(made, "user", "create", "svc-web", "Str0ng-Passw0rd-C3!")
    _tool(made, "user", "setexpiry", "svc-web", "--noexpiry")
    _tool(made, "user", "create", "reader", READER)
    _tool(made, "user", "disable", "leaver")
    _tool(made, "group", "add", "Server Team")
    _tool(made, "group", "addmembers", "Server Team", "alice")
    _tool(made, "group", "addmembers", "Domain Admins", "Server Team")
    changes = folder / "changes.ldif"
    changes.write_text(CHANGES)
    directory = folder / "dom" / "private" / "sam.ldb"
    subprocess.run([LDBMODIFY, "-H", str(directory), str(changes)], check=True, capture_output=True)
    return made


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    folder = tmp_path_factory.mktemp("domain")
    made = _provision(folder)
    process = subprocess.Popen(
        [
            SAMBA, "-F", "--no-process-group", "-M", "single", "-s", str(made),
            "--option=server services=ldap", f"--option=log file={folder / 'log'}",
            f"--option=pid directory={folder / 'dom'}",
            f"--option=ncalrpc dir={folder / 'dom' / 'ncalrpc'}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait(process)
        connection = AdConnection(
            "corp",
            "ldaps://127.0.0.1:636",
            "CORP\\reader",
            lambda: READER,
            str(folder / "dom" / "private" / "tls" / "ca.pem"),
            "DC1.corp.example.test",
        )
        yield Controller(connection, folder)
    finally:
        process.terminate()
        process.wait(20)


def _wait(process: subprocess.Popen[Any]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if process.poll() is not None:
            pytest.fail(f"samba ended with {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", 636)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("samba did not listen within a minute")


def _by_name(found: Collected, check: str) -> dict[str, tuple[Status, str]]:
    return {
        name: (verdict.status, verdict.because)
        for (each, name), verdict in found.findings(bound=BOUND).items()
        if each == f"active_directory.{check}" and verdict.status is not Status.NOT_APPLICABLE
    }


def test_an_ordinary_account_reads_a_real_domain(controller: Controller) -> None:
    found = controller.collect()
    assert found.defects == []
    assert {part.kind for part in found.parts if not part.complete} == set()
    assert found.identity.subject.startswith("S-1-5-21-")
    stale = _by_name(found, "accounts.stale_users_disabled")
    assert stale["bob"] == (Status.FAIL, "last sign-in 2020-11-16, limit 90 days")
    assert "leaver" not in stale
    assert _by_name(found, "accounts.preauth_required")["svc-web"][0] is Status.FAIL
    eternal = _by_name(found, "accounts.password_never_expires")
    assert eternal["alice"][0] is Status.PASS
    admins = _by_name(found, "groups.domain_admins_count")["Domain Admins"]
    assert admins == (Status.FAIL, "not approved: alice")
    nested = _by_name(found, "groups.nested_privilege_reviewed")
    assert nested["Domain Admins"] == (Status.FAIL, "not approved: Server Team")
    assert nested["Administrators"][1] == (
        "not approved: Domain Admins, Enterprise Admins, Server Team"
    )
    quota = _by_name(found, "domain.machine_account_quota")[BASE]
    assert quota == (Status.FAIL, "every user may join 10")
    assert _by_name(found, "domain.adminsdholder_acl_baseline")[BASE][0] is Status.PASS
    assert _by_name(found, "computers.delegation_restricted") == {}


def test_what_only_administrators_see_is_unknown_to_others(controller: Controller) -> None:
    """Samba and Active Directory show an empty container and no error."""
    status, because = _by_name(controller.collect(), "domain.password_policy")[BASE]
    assert status is Status.UNKNOWN
    assert "CN=Password Settings Container" in because
    whole = controller.collect("CORP\\Administrator", ADMIN)
    assert _by_name(whole, "domain.password_policy")[BASE] == (Status.PASS, "")


def test_a_locked_out_or_wrong_account_is_denied(controller: Controller) -> None:
    wrong = replace(controller.connection, password=lambda: "wrong")
    with pytest.raises(CallError) as refused:
        wrong.open(patient_caller()).identify()
    assert (refused.value.cause, refused.value.code) == (Cause.DENIED, "invalidCredentials")


def test_an_untouched_domain_gives_the_same_documents_twice(controller: Controller) -> None:
    first, second = controller.collect(), controller.collect()
    assert [r.id for r in first.resources] == [r.id for r in second.resources]
    assert first.findings(bound=BOUND) == second.findings(bound=BOUND)
