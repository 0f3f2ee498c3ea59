"""Proofs against the real OpenSSH server, sudo and account tools, where they are installed.

Nothing of the machine's own state is changed: settings are put over the real ones in a mount
namespace that ends with the test.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from collectors.linux import LinuxConnection, keys, sudoers, users
from collectors.linux.priv import SpecialFile, priv
from collectors.linux.sudoers import CALLER
from collectors.testing import collect

pytestmark = pytest.mark.prove

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

READ = """
import json, os
from collectors import FactUnknown
from collectors.linux import LinuxConnection
from collectors.linux.{module} import {collector}, {kind}
from collectors.testing import collect
uid = {uid}
if uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
found = collect(LinuxConnection("here"), [{collector}]).resources
[one] = [each for each in found if isinstance(each, {kind})]
try:
    print(json.dumps({ask}))
except FactUnknown as refusal:
    print(json.dumps(refusal.unread.because))
"""

LONG = "/var/log/a-long-name-that-makes-the-line-longer-than-eighty-columns"
SUDO_RULES = f"""
Cmnd_Alias READ = /usr/bin/cat /etc/shadow, /usr/sbin/nft -j list ruleset
Defaults:nobody log_output
nobody ALL=(root) NOPASSWD: READ, /usr/bin/tail --lines=100 /var/log/messages \
 {LONG}, !/usr/bin/su
"""

SSHD_RULES = """
PermitRootLogin no
PasswordAuthentication no
MaxAuthTries 3
LoginGraceTime 1m
ClientAliveInterval 5m
AllowGroups ssh ops
Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com
Match User eve
  PasswordAuthentication yes
"""


def tool(name: str) -> str:
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def output(*command: str, text: str | None = None) -> str:
    run = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return run.stdout


def read_apart(
    *mounts: str, module: str, collector: str, kind: str, ask: str, uid: int = 0
) -> object:
    """What a collector reads where these mounts are made first, seen by nobody else."""
    if os.geteuid() != 0:
        pytest.skip("a mount namespace needs root")
    code = READ.format(module=module, collector=collector, kind=kind, ask=ask, uid=uid)
    script = "\n".join((*mounts, 'exec "$0" -c "$1"'))
    command = [tool("unshare"), "--mount", "sh", "-ec", script, sys.executable, code]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if ended.returncode and "Operation not permitted" in ended.stderr:
        pytest.skip("this machine lets nobody make mount namespaces")
    assert ended.returncode == 0, ended.stderr
    answer: object = json.loads(ended.stdout)
    return answer


def over(folder: Path, place: str, name: str, text: str) -> str:
    """A mount that shows a folder with one file at a place."""
    folder.mkdir()
    (folder / name).write_text(text)
    (folder / name).chmod(0o440)
    return f"mount --bind {folder} {place}"


@pytest.mark.parametrize(
    "text",
    [
        "a, %b ALL=(www, root) NOPASSWD: /bin/ls -l, PASSWD: X\nCmnd_Alias X = ALL",
        "#1000 web=(:wheel) ALL : db=NOPASSWD: ALL, !/bin/su",
        "a ALL=NOEXEC: NOPASSWD: /bin/ls, (www) /bin/cat /etc/a\\,b",
        "a ALL=(ALL:ALL) ALL # comment\n# b ALL=ALL",
        "a web1, db1 = \\\n NOPASSWD: ALL\nDefaults:a !authenticate\nDefaults env_reset, !syslog",
        "%a\\ b ALL=(root) TIMEOUT=5m NOPASSWD: /bin/ls",
    ],
)
def test_rules_are_read_as_sudo_itself_reads_them(text: str) -> None:
    document = json.loads(output(tool("cvtsudoers"), "-f", "json", text=text + "\n"))
    ours = [
        (
            sorted(name.replace("\\", "") for name in grant.who),
            sorted(grant.run_as),
            grant.command.replace("\\", ""),
            grant.password,
        )
        for grant in sudoers.grants(list(sudoers.lines(text)))
    ]
    assert ours == _theirs(document)


def _theirs(document: dict[str, Any]) -> list[tuple[list[str], list[str], str, bool | None]]:
    found = []
    for rule in document["User_Specs"]:
        who = sorted(_name(each) for each in rule["User_List"])
        for part in rule["Cmnd_Specs"]:
            run_as = [_name(each) for each in part.get("runasusers", [])]
            run_as = run_as or ([CALLER] if "runasgroups" in part else ["root"])
            options = {k: v for each in part.get("Options", []) for k, v in each.items()}
            for command in part["Commands"]:
                text = command.get("command") or command["cmndalias"]
                sign = "!" if command.get("negated") else ""
                found.append((who, sorted(run_as), sign + text, options.get("authenticate")))
    return found


def _name(each: dict[str, Any]) -> str:
    signs = {"usergroup": "%", "userid": "#"}
    [(kind, name)] = each.items()
    return f"{signs.get(kind, '')}{name}"


def test_what_sudo_lets_an_ordinary_user_do_is_read_from_sudo(tmp_path: Path) -> None:
    tool("sudo")
    answer = read_apart(
        over(tmp_path / "rules", "/etc/sudoers.d", "proof", SUDO_RULES),
        module="audit", collector="audit", kind="Reader", ask="one.commands", uid=65534,
    )  # fmt: skip
    assert answer == [
        "/usr/bin/cat /etc/shadow",
        f"/usr/bin/tail --lines=100 /var/log/messages {LONG}",
        "/usr/sbin/nft -j list ruleset",
    ]


@pytest.mark.parametrize(
    ("rules", "answer"),
    [("Defaults listpw=never\n", []), ("", "sudo asks for a password; needs run:sudo -n -ll")],
)
def test_a_user_without_rules_has_none_only_where_sudo_says_so(
    rules: str, answer: object, tmp_path: Path
) -> None:
    tool("sudo")
    found = read_apart(
        over(tmp_path / "rules", "/etc/sudoers.d", "proof", rules),
        module="audit", collector="audit", kind="Reader", ask="one.commands", uid=65534,
    )  # fmt: skip
    assert found == answer


KEYWORDS = (
    *("PermitRootLogin", "PasswordAuthentication", "MaxAuthTries", "LoginGraceTime"),
    *("ClientAliveInterval", "ClientAliveCountMax", "Ciphers"),
)


def test_the_server_and_its_files_tell_the_same(tmp_path: Path) -> None:
    tool("sshd")
    mounts = (
        "mount -t tmpfs none /run && mkdir /run/sshd",
        over(tmp_path / "sshd", "/etc/ssh/sshd_config.d", "proof.conf", SSHD_RULES),
    )
    ask = "[[one._used(k), one._written(k)] for k in {}]"
    pairs = read_apart(
        *mounts, module="auth", collector="auth", kind="Sshd", ask=ask.format(KEYWORDS)
    )
    assert isinstance(pairs, list)
    seconds = {"1m": "60", "5m": "300"}
    for keyword, (used, written) in zip(KEYWORDS, pairs, strict=True):
        assert used == [seconds.get(value, value) for value in written], keyword
    groups = read_apart(
        *mounts, module="auth", collector="auth", kind="Sshd",
        ask="[one.everywhere('AllowGroups'), one.in_blocks('PasswordAuthentication')]",
    )  # fmt: skip
    assert groups == [["ssh", "ops"], ["yes"]]


def test_an_ordinary_user_reads_the_files_where_the_server_does_not_answer(tmp_path: Path) -> None:
    tool("sshd")
    mounts = (
        over(tmp_path / "sshd", "/etc/ssh/sshd_config.d", "proof.conf", SSHD_RULES),
        "chmod 444 /etc/ssh/sshd_config.d/proof.conf",
    )
    ask = "[one.everywhere('PermitRootLogin'), one.everywhere('KexAlgorithms')]"
    found = read_apart(
        *mounts, module="auth", collector="auth", kind="Sshd", uid=65534,
        ask="one.everywhere('PermitRootLogin')",
    )  # fmt: skip
    assert found == ["no"]
    unset = read_apart(*mounts, module="auth", collector="auth", kind="Sshd", uid=65534, ask=ask)
    assert unset == "no readable host keys; needs run:sshd -T"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_fingerprint_is_the_one_ssh_keygen_prints(kind: str, tmp_path: Path) -> None:
    made = tmp_path / "key"
    output(tool("ssh-keygen"), "-q", "-t", kind, "-N", "", "-C", "ada", "-f", str(made))
    theirs = output(tool("ssh-keygen"), "-lf", f"{made}.pub").split()[1]
    line = 'from="10.0.0.1",no-pty ' + made.with_suffix(".pub").read_text()
    [ours] = keys.parsed(line, "ada", "/home/ada/.ssh/authorized_keys")
    assert ours["fingerprint"] == theirs
    assert (ours["comment"], ours["options"]) == ("ada", ["from", "no-pty"])


def test_the_state_of_every_password_is_the_one_passwd_prints() -> None:
    if os.geteuid() != 0:
        pytest.skip("/etc/shadow is root's")
    printed = [line.split() for line in output(tool("passwd"), "-S", "-a").splitlines()]
    ours = users.passwords(Path("/etc/shadow").read_text())
    letters = {"set": "P", "locked": "L", "none": "L", "empty": "NP"}
    assert {words[0]: words[1] for words in printed} == {
        name: letters[row["state"]] for name, row in ours.items()
    }


def test_the_real_search_finds_what_the_packages_brought() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may search every folder")
    passwd = tool("passwd")
    collected = collect(LinuxConnection("here", slow=True), [priv])
    found = {each.id for each in collected.resources if isinstance(each, SpecialFile)}
    assert collected.parts[0].complete
    assert os.path.realpath(passwd) in found
    assert not [path for path in found if path.startswith(("/proc/", "/sys/"))]
