"""What people see: the output of the commands on a small fixed world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from inline_snapshot import snapshot

from annexa.cli.listing import unread
from annexa.cli.unknowns import IAM_ACTION
from collectors import CallError, Cause
from evidence_store.answers import FindingRow
from tests.annexa.cli.conftest import Shell
from tests.annexa.cli.world import NOON

if TYPE_CHECKING:
    import pytest


def test_the_first_sweep_names_the_failures_and_what_was_not_read(shell: Shell) -> None:
    said = shell("sweep")
    assert said.out == snapshot("""\
Recorded in 0 s · 12 calls · 0 throttled · 6 of 6 resources added, changed or gone
  pass 4   fail 3   unknown 1   undecided 2   not applicable 2
Failures (3), the most severe first
  A.8.2  high     linux.accounts.uid0_unique          toor  uid 0
  A.8.2  high     linux.auth.ssh_root_login_disabled  sshd  PermitRootLogin yes
  A.5.16 medium   linux.accounts.inactive_locked      toor  last used 2026-01-02, limit 60 days
Not read (1 unknown): annexa unknowns
     1  denied: AccessDenied; needs read:/etc/shadow
Undecided (2): 1 check needs a list or limit you have not given: annexa criteria --unbound
Scope   "Web shop" v3 · linux 2 of 2 read
Ledger  5 entries · head ········ · NO outside copy: a rollback cannot be excluded
Kept    FOLDER/evidence.db
Next    annexa status · annexa findings · annexa explain 1
""")
    assert sorted(said.err.splitlines()) == snapshot(
        [
            "  linux  lab-1  out of scope by decision of 2026-10-02 (no customer data)",
            'Sweep 1 · scope "Web shop" v3 · mapping 2026.11 · 2026-11-24 12:00 UTC',
            "linux/db-1: listed in full, 2/2 parts, 2 resources; unread: 1 denied",
            "linux/web-1: listed in full, 2/2 parts, 4 resources",
        ]
    )


def test_a_later_sweep_tells_what_is_new_and_what_recovered(swept: Shell) -> None:
    swept.clock.shift(3600)
    world = swept.worlds["web-1"]
    world.people[1]["uid"] = 1001
    world.people.append({"name": "root2", "uid": 0})
    assert swept.ok("sweep") == snapshot("""\
Recorded in 0 s · 13 calls · 0 throttled · 2 of 7 resources added, changed or gone
  pass 4   fail 3   unknown 1   undecided 2   not applicable 4
New failures (1) · recovered 0 · still open 2
  A.8.2  high     linux.accounts.uid0_unique  root2  uid 0
Not read (1 unknown): annexa unknowns
     1  denied: AccessDenied; needs read:/etc/shadow
Undecided (2): 1 check needs a list or limit you have not given: annexa criteria --unbound
Scope   "Web shop" v3 · linux 2 of 2 read
Ledger  9 entries · head ········ · NO outside copy: a rollback cannot be excluded
Kept    FOLDER/evidence.db
Next    annexa diff · annexa status · annexa findings · annexa explain 1
""")


def test_status_shows_the_open_controls_first(swept: Shell) -> None:
    swept.clock.shift(3600)
    head = swept.ok("status").splitlines()[:7]
    assert [line.split("  ")[0] for line in head] == snapshot(
        [
            "Web shop (scope v3) · ISO/IEC 27001:2022 with Amd 1:2024 · no statement of applicability",
            "As of 2026-11-24 13:00 UTC · observed 2026-11-24 … 2026-11-24 · sweep 1 · mapping 2026.11",
            "Ledger NO outside copy: a rollback cannot be excluded",
            "93 = met 0 · not met 2 · unknown 18 · no evidence 73",
            "CONTROL",
            "A.8.2 Privileged access rights",
            "A.5.16 Identity management",
        ]
    )


def test_one_control_with_everything_behind_it(swept: Shell) -> None:
    lines = swept.ok("controls", "A.5.16").splitlines()
    assert [line for line in lines if "linux.accounts" in line or line.startswith("A.")] == (
        snapshot(
            [
                "A.5.16 Identity management",
                "not met  linux.accounts.inactive_locked         direct      operation  1 of 3 fails",
                "unknown  linux.accounts.no_shared_or_duplicate  direct      operation  2 never read of 2",
                "unknown  linux.accounts.system_accounts_locked  direct      operation  2 never read of 2",
            ]
        )
    )


def test_findings_are_numbered_the_worst_first(swept: Shell) -> None:
    assert swept.ok("findings") == snapshot("""\
#  STATUS   SEVERITY  CHECK AND RESOURCE                  WHY
1  fail     high      linux.accounts.uid0_unique          uid 0
                        toor
2  fail     high      linux.auth.ssh_root_login_disabled  PermitRootLogin yes
                        sshd
3  fail     medium    linux.accounts.inactive_locked      last used 2026-01-02, limit 60 days
                        toor
4  unknown  medium    linux.accounts.inactive_locked      AccessDenied; needs read:/etc/shadow
                        root
4 of 12 findings · one in full: annexa explain N
2 undecided for want of a list or limit: annexa criteria --unbound
""")


def test_findings_can_be_counted_by_owner_and_by_fix(swept: Shell) -> None:
    assert swept.ok("findings", "--by", "owner") == snapshot("""\
OWNER                           FAIL  UNKNOWN  UNDECIDED  RESOURCES  CONTROLS
no owner declared: linux/web-1     3        0          1          2  A.5.15, A.5.16, A.5.18, A.8.2
no owner declared: linux/db-1      0        1          1          2  A.5.15, A.5.16, A.5.18
""")
    assert swept.ok("findings", "--by", "fix") == snapshot("""\
FIX                                                                                   FAIL  UNKNOWN  UNDECIDED  RESOURCES  CONTROLS
Give the list or limit of linux.auth.ssh_users_restricted: annexa criteria --unbound     0        0          2          2  A.5.15
Give every other account with uid 0 its own uid.                                         1        0          0          1  A.8.2
Lock accounts nobody uses.                                                               1        0          0          1  A.5.16, A.5.18
Set PermitRootLogin no.                                                                  1        0          0          1  A.8.2
denied: AccessDenied; needs read:/etc/shadow                                             0        1          0          1  A.5.16, A.5.18
""")


def test_findings_for_programs_have_stable_columns(swept: Shell) -> None:
    assert swept.ok("findings", "--format", "csv", "--target", "web-1") == snapshot("""\
target,check_id,resource_id,kind,scope,status,cause,reason,severity,since,observed_at,recorded_at,controls
linux/web-1,linux.accounts.inactive_locked,'=cmd|' /C calc'!A0,linux.accounts.account,everywhere,not_applicable,,never used,medium,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.5.16 A.5.18
linux/web-1,linux.accounts.inactive_locked,root,linux.accounts.account,everywhere,pass,,,medium,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.5.16 A.5.18
linux/web-1,linux.accounts.inactive_locked,toor,linux.accounts.account,everywhere,fail,,"last used 2026-01-02, limit 60 days",medium,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.5.16 A.5.18
linux/web-1,linux.accounts.uid0_unique,'=cmd|' /C calc'!A0,linux.accounts.account,everywhere,not_applicable,,an ordinary account,high,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.8.2
linux/web-1,linux.accounts.uid0_unique,root,linux.accounts.account,everywhere,pass,,,high,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.8.2
linux/web-1,linux.accounts.uid0_unique,toor,linux.accounts.account,everywhere,fail,,uid 0,high,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.8.2
linux/web-1,linux.auth.ssh_root_login_disabled,sshd,linux.auth.sshd,everywhere,fail,,PermitRootLogin yes,high,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.8.2
linux/web-1,linux.auth.ssh_users_restricted,sshd,linux.auth.sshd,everywhere,unknown,criterion_missing,criterion not bound: users,medium,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,2026-11-24T12:00:00.000Z,A.5.15
""")


def test_a_finding_is_explained(swept: Shell) -> None:
    assert "\n".join(
        line for line in swept.ok("explain", "3").splitlines() if "check version" not in line
    ) == snapshot("""\
fail · medium · linux.accounts.inactive_locked
  asks     Accounts nobody uses are locked.
  of       linux/web-1  toor
  because  last used 2026-01-02, limit 60 days
  since    2026-11-24 12:00 UTC · observed 2026-11-24 12:00 UTC
  fix      Lock accounts nobody uses.
  criterion max_age = 60 days (Access policy v4 §2.3, approved 2026-09-01 by M. Boss)
  A.5.16   Identity management (direct): An account nobody uses reveals an identity that outlived its need.
  A.5.18   Access rights (supporting): Unused accounts usually still hold rights, but the account and not the right is what was measured.
  read
{
  "listed": {
    "name": "toor",
    "uid": 0
  },
  "facts": {
    "shadow": {
      "value": {
        "used": "2026-01-02T08:00:00Z"
      }
    }
  }
}
  call     shadow {"name":"toor"} → ok 2026-11-24T12:00:00.000+00:00\
""")


def test_diff_tells_regressions_from_recoveries(swept: Shell) -> None:
    swept.clock.shift(86400)
    world = swept.worlds["web-1"]
    world.people[1]["uid"] = 1001
    world.teams["north"][0] = {"permitrootlogin": "no", "users": []}
    del world.people[2]
    swept.worlds["db-1"].teams["north"][0]["permitrootlogin"] = "yes"
    swept.ok("sweep")
    assert swept.ok("diff", "--resources") == snapshot("""\
sweep 1 → 2: 5 findings and 4 resources changed
WHAT               TARGET       CHECK AND RESOURCE                  BEFORE → AFTER         WHY
regressed          linux/db-1   linux.auth.ssh_root_login_disabled  pass → fail            PermitRootLogin yes
                                  sshd
gone               linux/web-1  linux.accounts.inactive_locked      not applicable → –
                                  =cmd|' /C calc'!A0
gone               linux/web-1  linux.accounts.uid0_unique          not applicable → –
                                  =cmd|' /C calc'!A0
no longer applies  linux/web-1  linux.accounts.uid0_unique          fail → not applicable  an ordinary account
                                  toor
recovered          linux/web-1  linux.auth.ssh_root_login_disabled  fail → pass
                                  sshd
changed            linux/db-1   linux.auth.sshd
                                  sshd
gone               linux/web-1  linux.accounts.account
                                  =cmd|' /C calc'!A0
changed            linux/web-1  linux.accounts.account
                                  toor
changed            linux/web-1  linux.auth.sshd
                                  sshd
""")


def test_unknowns_are_grouped_by_cause_with_their_cure(swept: Shell) -> None:
    assert swept.ok("unknowns") == snapshot("""\
N  CAUSE   WHY           NEEDS             TARGETS     CHECKS  RESOURCES  CURE
1  denied  AccessDenied  read:/etc/shadow  linux/db-1       1          1  run as root or grant the capabilities named by annexa permissions linux
2 undecided for want of a list or limit: annexa criteria --unbound
""")


def test_scope_shows_what_is_in_out_and_read(swept: Shell) -> None:
    assert swept.ok("scope") == snapshot("""\
"Web shop" v3, approved 2026-10-01 by M. Boss
linux: 2 of 2 in scope read
TARGET       STATE           COMPLETE PARTS  SWEEP  RESOURCES  RECORDED          DECISION
linux/db-1   listed in full             2/2      1          2  2026-11-24 12:00
linux/lab-1  out of scope                                                        no customer data (M. Boss, 2026-10-02)
linux/web-1  listed in full             2/2      1          4  2026-11-24 12:00
""")


def test_criteria_show_value_unit_and_the_sentence_they_come_from(shell: Shell) -> None:
    assert shell.ok("criteria") == snapshot("""\
CHECK                            CRITERION  VALUE  UNIT                STATE      SOURCE
linux.accounts.inactive_locked   max_age    60     days                bound      Access policy v4 §2.3, approved 2026-09-01 by M. Boss
linux.auth.ssh_users_restricted  users             approved ssh users  not given

Bind one in annexa.toml:  [criteria."linux.accounts.inactive_locked".max_age]  value = …  with [….source] document, version, section, approved_by, approved_on
""")
    assert shell.ok("criteria", "--unbound") == snapshot("""\
CHECK                            CRITERION  VALUE  UNIT                STATE      SOURCE
linux.auth.ssh_users_restricted  users             approved ssh users  not given

Bind one in annexa.toml:  [criteria."linux.auth.ssh_users_restricted".users]  value = …  with [….source] document, version, section, approved_by, approved_on
""")


def test_a_re_performance_says_what_it_compared(swept: Shell) -> None:
    assert swept.ok("evidence", "replay") == snapshot("""\
linux/db-1 sweep 1: 4 verdicts re-performed, all as stored
linux/web-1 sweep 1: 8 verdicts re-performed, all as stored
""")


def test_a_verification_says_what_it_counted_and_cannot_exclude(swept: Shell) -> None:
    assert swept.ok("verify") == snapshot("""\
           6  contents
           5  entries
           2  targets
           6  observations
          12  verdicts
           5  leaves
           1  checkpoints
           0  receipts
           1  sweeps
  No outside copy of a checkpoint is held: a rollback, or a rewrite of the whole history with the store's own keys, cannot be excluded.
Everything that was recomputed agrees with what is stored.
""")


def test_a_status_says_since_when_it_holds(swept: Shell) -> None:
    """Two days later the second uid 0 is gone and root's sign-in is closed."""
    swept.clock.shift(86400)
    assert swept.ok("diff", "1", "1") == "sweep 1 → 1: nothing changed\n"
    swept.ok("sweep")
    swept.clock.shift(86400)
    swept.worlds["web-1"].people[1]["uid"] = 1001
    swept.worlds["web-1"].teams["north"][0] = {"permitrootlogin": "no", "users": []}
    swept.ok("sweep")
    began = {
        row["control"]: row["since"] for row in json.loads(swept.ok("status", "--format", "json"))
    }
    assert began["A.8.2"] == "2026-11-26T12:00:00.000Z"
    assert began["A.5.16"] == "2026-11-24T12:00:00.000Z"
    assert began["A.5.1"] is None
    lines = [line for line in swept.ok("status").splitlines() if line.startswith("A.8.2 ")]
    assert lines[0].endswith("2026-11-26 new")
    swept.clock.shift(86400)
    swept.ok("sweep")
    lines = [line for line in swept.ok("status").splitlines() if line.startswith("A.8.2 ")]
    assert lines[0].endswith("2026-11-26")


def test_an_unreached_target_is_not_counted_as_read(shell: Shell) -> None:
    shell.worlds["web-1"].refuse = {"open": CallError(Cause.UNREACHABLE, "NoRoute", "down")}
    said = shell("sweep")
    assert 'Scope   "Web shop" v3 · linux 1 of 2 read' in said.out
    assert "linux/web-1: not reached, 0/2 parts, 0 resources; unread: 1 unreachable" in said.err
    assert "linux: 1 of 2 in scope read" in shell.ok("scope")


def test_a_missing_secret_names_the_setting(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(shell.folder)
    monkeypatch.delenv("ANNEXA_NO_SUCH_SECRET", raising=False)
    shell.configure(
        "[targets.prod]\nplatform = 'aws'\nregion = 'eu-central-1'\n"
        "role_arn = 'arn:aws:iam::111122223333:role/annexa'\n"
        "external_id = 'env:ANNEXA_NO_SUCH_SECRET'\n"
    )
    words = "targets.prod.external_id: environment variable ANNEXA_NO_SUCH_SECRET is not set"
    said = shell("sweep", "--store", "evidence.db")
    assert said.code == 3
    assert words in said.err
    rows = json.loads(shell("doctor", "--store", "evidence.db", "--format", "json").out)
    assert words in [row["found"].partition(";")[0] for row in rows if row["state"] == "bad"]


def test_what_an_image_cannot_tell_is_one_line_with_its_cure() -> None:
    """Seventeen reads of a running host are one reason, and no secret-like need is a permission."""
    rows = [
        _unknown("linux/img", "not_asked", f"needs a running system; needs read:/proc/{n}")
        for n in range(5)
    ] + [_unknown("aws/prod", "denied", "ExpiredToken; needs a valid credential")]
    first, second = unread(rows)
    assert (first.reason, len(first.rows)) == ("needs a running system", 5)
    assert first.needs_words == "read:/proc/0, read:/proc/1, read:/proc/2 and 2 more"
    assert second.needs == ("a valid credential",)
    assert not IAM_ACTION.fullmatch("a valid credential")
    assert IAM_ACTION.fullmatch("s3:GetBucketPolicyStatus")


def _unknown(target: str, cause: str, reason: str) -> FindingRow:
    return FindingRow(
        target, "linux.x.y", "1", "low", {}, "r", "k", "", "", "unknown", cause, reason,
        NOON, NOON, NOON, 1, 1,
    )  # fmt: skip
