"""Permissions of the files that define identities."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collectors import Status
from collectors.linux import LinuxConnection
from collectors.linux.file import IdentityFile, files, identity_file_permissions
from collectors.testing import Conformance, collect, judge

BuildImage = Callable[..., LinuxConnection]


def identity(path: str, mode: str, *, uid: int = 0, gid: int = 0, group: str = "") -> IdentityFile:
    state = {"type": "file", "mode": mode, "uid": uid, "gid": gid}
    return IdentityFile(id=path, listed={"state": state, "group": group or "root"})  # type: ignore[typeddict-item]  # the literal is a FileState


@pytest.mark.parametrize(
    ("file", "status", "because"),
    [
        (identity("/etc/passwd", "0644"), "pass", ""),
        (identity("/etc/passwd", "0664"), "fail", "mode 0664, widest allowed 0644"),
        (identity("/etc/passwd", "0644", uid=1000), "fail", "owned by uid 1000"),
        (identity("/etc/shadow", "0640", gid=42, group="shadow"), "pass", ""),
        (identity("/etc/shadow", "0000"), "pass", ""),
        (identity("/etc/shadow", "0644"), "fail", "mode 0644, widest allowed 0640"),
        (identity("/etc/shadow", "0640", gid=100, group="users"), "fail", "group users"),
        (identity("/etc/sudoers", "0440"), "pass", ""),
        (identity("/etc/sudoers", "0640"), "fail", "widest allowed 0440"),
        (identity("/etc/sudoers.d/ops", "0440"), "pass", ""),
        (identity("/etc/sudoers.d/ops", "0666"), "fail", "mode 0666"),
        (identity("/etc/passwd", "rw-r--r--"), "unknown", "no file mode"),
    ],
)
def test_identity_file_permissions(file: IdentityFile, status: str, because: str) -> None:
    verdict = judge(identity_file_permissions, file)
    assert verdict.status == status
    assert because in verdict.because


def test_a_group_that_nobody_knows_is_named_by_its_number() -> None:
    file = IdentityFile(
        id="/etc/shadow",
        listed={"state": {"type": "file", "mode": "0640", "uid": 0, "gid": 77}, "group": ""},
    )
    assert judge(identity_file_permissions, file).because == "readable by group 77"


def test_only_the_files_that_are_there_are_listed(image: BuildImage) -> None:
    connection = image(
        {
            "/etc/passwd": "root:x:0:0::/root:/bin/sh\n",
            "/etc/shadow": ("root:*:1::::::\n", 0o604),
            "/etc/sudoers.d/ops": ("%ops ALL=(ALL) ALL\n", 0o440),
        }
    )
    collected = collect(connection, (files,))
    assert [r.id for r in collected.resources] == [
        "/etc/passwd",
        "/etc/shadow",
        "/etc/sudoers.d/ops",
    ]
    assert "ops ALL" not in str(collected.resources), "the content is not read"
    verdict = collected.findings()["linux.file.identity_file_permissions", "/etc/shadow"]
    assert verdict.status is Status.FAIL


def test_a_folder_that_may_not_be_listed_leaves_the_listing_incomplete(image: BuildImage) -> None:
    connection = image({"/etc/sudoers.d/ops": "x\n"}, refused={"/etc/sudoers.d"})
    verdict = collect(connection, (files,)).findings()["linux.file.identity_file_permissions", ""]
    assert verdict.status is Status.UNKNOWN
    assert "list:/etc/sudoers.d" in verdict.because


class TestConformance(Conformance):
    collectors = (files,)

    @pytest.fixture
    def connection(self, this_host: LinuxConnection) -> LinuxConnection:
        return this_host
