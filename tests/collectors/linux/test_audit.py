"""The collector's own account: what sudo grants it, as sudo itself prints it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from collectors import CallError, Cause, Status, Unread
from collectors.linux import LinuxConnection, LinuxTarget, commands
from collectors.linux.audit import Reader, audit, scanner_account_read_only
from collectors.testing import Conformance, collect, judge

GRANTED = """Matching Defaults entries for annexa on web1:
    env_reset, mail_badpass,
    secure_path=/usr/local/sbin\\:/usr/local/bin\\:/usr/sbin\\:/usr/bin\\:/sbin\\:/bin

User annexa may run the following commands on web1:

Sudoers entry:
    RunAsUsers: root
    Options: !authenticate
    Commands:
\t/usr/sbin/nft -j list ruleset
\t!/usr/bin/su

Sudoers entry: /etc/sudoers.d/annexa
    RunAsUsers: root
    Options: !authenticate
    Commands:
\t/usr/bin/cat /etc/shadow
        /etc/sudoers
"""
READS = ("/usr/bin/cat /etc/shadow /etc/sudoers", "/usr/sbin/nft -j list ruleset")


def reader(said: object = GRANTED, uid: int = 990) -> Reader:
    return Reader(id="annexa", listed={"uid": uid, "name": "annexa"}, facts={"sudo_rights": said})


@pytest.mark.parametrize(
    ("account", "status"),
    [
        (reader(), Status.PASS),
        (reader(None), Status.PASS),
        (reader(""), Status.PASS),
        (reader(GRANTED + "\tALL\n"), Status.FAIL),
        (reader(GRANTED + "\t/usr/bin/cat\n"), Status.FAIL),
        (reader(None, uid=0), Status.FAIL),
        (reader(Unread("sudo asks for a password", "run:sudo -n -ll")), Status.UNKNOWN),
    ],
)
def test_only_the_approved_commands_are_granted(account: Reader, status: Status) -> None:
    assert judge(scanner_account_read_only, account, approved=READS).status is status


def test_a_reason_names_every_command_beyond_the_list() -> None:
    verdict = judge(scanner_account_read_only, reader(), approved=READS[1:])
    assert verdict.because == "sudo also grants: /usr/bin/cat /etc/shadow /etc/sudoers"


def test_the_backslashes_that_sudo_prints_are_not_part_of_a_command() -> None:
    said = "\t/usr/bin/tail --lines\\=9 /var/log/a\\,b\\:c \\*\n"
    assert reader(said).commands == ["/usr/bin/tail --lines=9 /var/log/a,b:c \\*"]


def test_without_an_approved_list_nothing_is_decided() -> None:
    assert judge(scanner_account_read_only, reader()).cause is Cause.CRITERION_MISSING


def test_commands_longer_than_a_line_are_joined_and_exclusions_left_out() -> None:
    assert reader().commands == list(READS)


@pytest.mark.parametrize(
    ("ended", "cause"),
    [
        (commands.Ended(1, "", "sudo: a password is required\n"), Cause.DENIED),
        (commands.Ended(1, "", 'sudo: The "no new privileges" flag is set'), Cause.UNREACHABLE),
    ],
)
def test_an_answer_that_says_nothing_of_rights_is_never_read_as_no_rights(
    ended: commands.Ended,
    cause: Cause,
    monkeypatch: pytest.MonkeyPatch,
    open_host: Callable[[LinuxConnection], LinuxTarget],
    this_host: LinuxConnection,
) -> None:
    monkeypatch.setattr(commands, "find", lambda _: "/usr/bin/sudo")
    monkeypatch.setattr(commands, "run", lambda *_: ended)
    ask = Reader.fact_definitions()["sudo_rights"].call
    with pytest.raises(CallError) as refusal:
        ask(reader(), open_host(this_host))
    assert refusal.value.cause is cause


def test_an_account_that_sudo_refuses_has_no_right(
    monkeypatch: pytest.MonkeyPatch, this_host: LinuxConnection
) -> None:
    refused = commands.Ended(1, "", "Sorry, user annexa may not run sudo on web1.\n")
    monkeypatch.setattr(commands, "find", lambda _: "/usr/bin/sudo")
    monkeypatch.setattr(commands, "run", lambda *_: refused)
    (account,) = collect(this_host, [audit]).resources
    assert isinstance(account, Reader)
    assert account.commands == []


def test_nobody_reads_an_image_so_nothing_is_listed(
    image: Callable[..., LinuxConnection],
) -> None:
    collected = collect(image({"/etc/passwd": "root:x:0:0::/root:/bin/sh\n"}), [audit])
    assert collected.resources == []
    assert collected.parts[0].complete


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
def test_an_ordinary_user_is_named_and_never_taken_for_one_without_rights() -> None:
    code = (
        "import os\n"
        "from collectors.testing import collect, judge\n"
        "from collectors.linux import LinuxConnection\n"
        "from collectors.linux.audit import audit, scanner_account_read_only\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "(account,) = collect(LinuxConnection('here'), [audit]).resources\n"
        "verdict = judge(scanner_account_read_only, account, approved=())\n"
        "print(account.listed['uid'], verdict.status.value)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    uid, status = ended.stdout.split()
    assert uid == "65534"
    assert status in {"pass", "unknown"}  # by whether sudo is installed


class TestConformance(Conformance):
    collectors = (audit,)
    bound = {"linux.audit.scanner_account_read_only": {"approved": READS}}  # noqa: RUF012

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
