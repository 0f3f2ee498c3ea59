"""The audit trail of a host: who records, and what the loaded rules cover."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Unread
from collectors.linux import LinuxConnection
from collectors.linux.log import Audit, audit_rules_baseline, auditd_running, log, uncovered
from collectors.testing import Conformance, collect, judge

BuildImage = Callable[..., LinuxConnection]

# As auditctl -l of audit 3 prints them
WATCHES = [
    "-w /etc/passwd -p wa -k identity",
    "-w /etc/shadow -p wa -k identity",
    "-w /etc/group -p wa -k identity",
    "-w /etc/sudoers -p wa -k scope",
]
CALLS = [
    "-a always,exit -F arch=b64 -S adjtimex,settimeofday,clock_settime -F key=time",
    "-a always,exit -F arch=b64 -S init_module -S finit_module,delete_module -F key=modules",
]
# As auditctl -l of audit 4 prints a watch
AS_FIELDS = "-a always,exit -F arch=b64 -S all -F path=/etc/sudoers -F perm=wa -F key=scope"


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ([], ["identity", "privilege", "time", "modules"]),
        (WATCHES + CALLS, []),
        ([*WATCHES[:3], AS_FIELDS, *CALLS], []),
        ([*WATCHES[:2], WATCHES[3], *CALLS], ["identity"]),
        (["-w /etc/ -p wa -k all", *CALLS], []),
        (["-w /etc -p r -k reads", *CALLS], ["identity", "privilege"]),
        (["-w /etc", *CALLS], []),
        (["-a always,exit -F dir=/etc -F perm=wa", *CALLS], []),
        ([*WATCHES, CALLS[0]], ["modules"]),
        ([*WATCHES, CALLS[0], CALLS[1].replace("always", "never")], ["modules"]),
        ([*WATCHES, CALLS[1], CALLS[0].replace("-F arch=b64", "-F path=/bin/x")], ["time"]),
    ],
)
def test_what_rules_leave_out(rules: list[str], missing: list[str]) -> None:
    assert uncovered(rules) == missing


def audit(container: str = "", **facts: object) -> Audit:
    good: dict[str, object] = {
        "recorders": ["auditd"],
        "enabled": True,
        "loaded": WATCHES + CALLS,
        "status": "2",
        "configured": [],
    }
    return Audit(id="audit", listed={"container": container}, facts=good | facts)


DENIED = Unread("needs more rights", "run:auditctl -l")


@pytest.mark.parametrize(
    ("case", "status", "because"),
    [
        (audit(), "pass", ""),
        (audit(recorders=[]), "fail", "no audit daemon"),
        (audit(enabled=False), "fail", "not enabled"),
        (audit(enabled=None), "pass", ""),
        (audit(recorders=["osqueryd"], enabled=False), "pass", "osqueryd"),
        (audit(recorders=Unread("hidden", "list:/proc")), "unknown", "list:/proc"),
        (audit("docker", recorders=[]), "not_applicable", "host"),
    ],
)
def test_auditd_running(case: Audit, status: str, because: str) -> None:
    verdict = judge(auditd_running, case)
    assert verdict.status == status
    assert because in verdict.because


@pytest.mark.parametrize(
    ("case", "status", "because"),
    [
        (audit(), "pass", ""),
        (audit(status="1"), "fail", "not immutable"),
        (audit(loaded=[], status="0"), "fail", "auditing is off"),
        (audit(loaded=WATCHES), "fail", "not covered: time, modules"),
        (audit(loaded=DENIED, configured=WATCHES + CALLS), "unknown", "auditctl"),
        (audit(loaded=None, status=None, recorders=[]), "fail", "not installed"),
        (audit(loaded=None, status=None, recorders=["falco"]), "unknown", "falco"),
        (audit("lxc", loaded=DENIED), "not_applicable", "host"),
    ],
)
def test_audit_rules_baseline(case: Audit, status: str, because: str) -> None:
    verdict = judge(audit_rules_baseline, case)
    assert verdict.status == status
    assert because in verdict.because


def test_configured_rules_are_read_from_an_image_where_nothing_is_loaded(
    image: BuildImage,
) -> None:
    connection = image({"/etc/audit/rules.d/10.rules": "# none\n-e 2\n\n  -w /etc/passwd\n"})
    read = next(r for r in collect(connection, (log,)).resources if isinstance(r, Audit))
    assert read.facts["configured"] == ["-e 2", "-w /etc/passwd"]
    assert judge(audit_rules_baseline, read).status == "unknown"


class TestConformance(Conformance):
    collectors = (log,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
