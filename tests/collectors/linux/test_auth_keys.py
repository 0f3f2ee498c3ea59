"""Authorised SSH keys, on images."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Cause, Status
from collectors.linux.auth import auth
from collectors.linux.auth_keys import AuthorizedKey, authorized_keys_known
from collectors.linux.keys import parsed, paths
from collectors.linux.sshd_config import Setting
from collectors.testing import Conformance, collect, judge

PASSWD = "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/bash\n"
ADA: Any = {"name": "ada", "uid": 1000, "home": "/home/ada"}
BLOB = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"a" * 32).decode()
OTHER = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + b"b" * 32).decode()
FILE = f"""# keys
ssh-ed25519 {BLOB} ada@laptop
from="10.0.0.0/8,*.example.org",command="echo \\"hi\\" secret-word",no-pty ssh-ed25519 {OTHER}
ssh-ed25519 {BLOB} the same again
ssh-ed25519 not-a-key
"""


def keys(image: Any, files: dict[str, str], **more: Any) -> tuple[list[Any], Any]:
    collected = collect(image({"/etc/passwd": PASSWD, **files}, **more), [auth])
    [part] = [part for part in collected.parts if part.kind == AuthorizedKey.kind]
    assert collected.defects == []
    return [r for r in collected.resources if isinstance(r, AuthorizedKey)], part


def test_a_file_gives_each_key_once_with_the_names_of_its_options(image: Any) -> None:
    found, part = keys(image, {"/home/ada/.ssh/authorized_keys": FILE})
    assert part.complete
    assert [(k.listed["account"], k.listed["comment"], k.listed["options"]) for k in found] == [
        ("ada", "the same again", []),
        ("ada", "", ["command", "from", "no-pty"]),
    ]
    assert "secret-word" not in repr(found)


@pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="ssh-keygen is not installed")
def test_fingerprints_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    file = tmp_path / "key.pub"
    file.write_text(f"ssh-ed25519 {BLOB} ada@laptop\n")
    tool = str(shutil.which("ssh-keygen"))
    printed = subprocess.run([tool, "-lf", str(file)], capture_output=True, text=True, check=True)
    [key] = parsed(file.read_text(), "ada", "x")
    assert printed.stdout.split()[1] == key["fingerprint"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], ["/home/ada/.ssh/authorized_keys", "/home/ada/.ssh/authorized_keys2"]),
        ([Setting("authorizedkeysfile", "/etc/keys/%u-%U%%")], ["/etc/keys/ada-1000%"]),
        ([Setting("authorizedkeysfile", "%h/keys .k")], ["/home/ada/keys", "/home/ada/.k"]),
        ([Setting("authorizedkeysfile", "none")], []),
        (
            [Setting("authorizedkeysfile", "/etc/keys/%u", "User ada")],
            ["/home/ada/.ssh/authorized_keys", "/home/ada/.ssh/authorized_keys2", "/etc/keys/ada"],
        ),
    ],
)
def test_the_files_are_those_the_server_is_told(said: list[Setting], expected: list[str]) -> None:
    assert paths(said, ADA) == expected


def test_a_refused_home_makes_the_listing_incomplete_and_keeps_what_was_read(image: Any) -> None:
    files = {
        "/home/ada/.ssh/authorized_keys": FILE,
        "/root/.ssh/authorized_keys": FILE,
    }
    found, part = keys(image, files, refused={"/root"})
    assert {k.listed["account"] for k in found} == {"ada"}
    assert part.unread
    assert part.unread.because == "EACCES; needs read:/root/.ssh/authorized_keys"


def test_keys_that_a_program_gives_are_not_all_keys(image: Any) -> None:
    config = "AuthorizedKeysCommand /usr/bin/sss_ssh_authorizedkeys\n"
    _, part = keys(image, {"/etc/ssh/sshd_config": config})
    assert part.unread
    assert part.unread.cause is Cause.PARTIAL


def test_no_keys_is_a_complete_answer(image: Any) -> None:
    assert keys(image, {"/etc/ssh/sshd_config": "AuthorizedKeysCommand none\n"})[0] == []


@pytest.mark.parametrize(
    ("registered", "status"),
    [(("SHA256:abc",), "pass"), (("SHA256:abc=",), "pass"), ((), "fail"), (("SHA256:x",), "fail")],
)
def test_authorized_keys_known(registered: tuple[str, ...], status: str) -> None:
    listed: Any = {"account": "ada", "fingerprint": "SHA256:abc"}
    key = AuthorizedKey(id="ada", listed=listed)
    assert judge(authorized_keys_known, key, registered=registered).status == status


def test_without_a_register_nothing_is_decided() -> None:
    listed: Any = {"account": "ada", "fingerprint": "SHA256:abc"}
    verdict = judge(authorized_keys_known, AuthorizedKey(id="ada", listed=listed))
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.CRITERION_MISSING)


@given(st.text(), st.binary(min_size=12, max_size=80))
def test_whatever_stands_around_it_a_key_is_found(comment: str, blob: bytes) -> None:
    text = f"ssh-rsa {base64.b64encode(blob).decode()} {comment.replace(chr(10), '')}"
    found = list(parsed(text, "ada", "x"))
    assert found
    assert found[0]["fingerprint"].startswith("SHA256:")


class TestConformance(Conformance):
    collectors = (auth,)
    bound: ClassVar[dict[str, dict[str, object]]] = {authorized_keys_known.id: {"registered": []}}

    @pytest.fixture
    def connection(self, image: Any) -> Any:
        return image({"/etc/passwd": PASSWD, "/home/ada/.ssh/authorized_keys": FILE})
