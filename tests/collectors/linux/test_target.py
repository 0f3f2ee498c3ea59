"""The host as a target: absent, refused and unreadable told apart; an image is never left."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Caller, CallError, Cause, SystemClock
from collectors.linux import LinuxConnection, LinuxTarget, commands
from collectors.linux.disk import Disk

BuildImage = Callable[..., LinuxConnection]
OpenHost = Callable[[LinuxConnection], LinuxTarget]

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")


def refused(ask: Callable[[], object]) -> CallError:
    with pytest.raises(CallError) as error:
        ask()
    return error.value


def test_a_file_is_read_with_its_mode(image: BuildImage, open_host: OpenHost) -> None:
    host = open_host(image({"/etc/a": ("one\n", 0o4640)}))
    assert host.read("/etc/a") == {
        "text": "one\n", "mode": "4640", "uid": os.getuid(), "gid": os.getgid()
    }  # fmt: skip


def test_what_is_not_there_is_none(image: BuildImage, open_host: OpenHost) -> None:
    host = open_host(image({"/etc/a": ""}))
    assert host.read("/etc/b") is None
    assert host.read("/etc/a/b") is None
    assert host.names("/etc/b") is None
    assert host.stat("/etc/b") is None
    assert host.texts("/etc/b") == {}


def test_what_is_refused_names_the_right_to_grant(image: BuildImage, open_host: OpenHost) -> None:
    host = open_host(image({"/etc/d/a": ""}, refused={"/etc/d"}))
    read = refused(lambda: host.read("/etc/d/a"))
    listed = refused(lambda: host.names("/etc/d"))
    assert (read.cause, read.code, read.permission) == (Cause.DENIED, "EACCES", "read:/etc/d/a")
    assert (listed.cause, listed.permission) == (Cause.DENIED, "list:/etc/d")


def test_a_refused_folder_has_no_empty_texts(image: BuildImage, open_host: OpenHost) -> None:
    host = open_host(image({"/etc/d/a": ""}, refused={"/etc/d"}))
    assert refused(lambda: host.texts("/etc/d")).cause is Cause.DENIED


def test_texts_are_those_of_regular_files_with_the_suffix(
    image: BuildImage, open_host: OpenHost
) -> None:
    host = open_host(image({"/d/b.conf": "2", "/d/a.conf": "1", "/d/c": "3", "/d/e.conf/x": ""}))
    assert host.texts("/d", ".conf") == {"/d/a.conf": "1", "/d/b.conf": "2"}


@pytest.mark.parametrize(
    "link", ["/etc/inside", "inside", "../etc/inside", "../../../../../etc/inside"]
)
def test_links_of_an_image_end_inside_it(link: str, image: BuildImage, open_host: OpenHost) -> None:
    connection = image({"/etc/inside": "mine"})
    Path(connection.root, "etc/link").symlink_to(link)
    assert open_host(connection).text("/etc/link") == "mine"


def test_a_link_never_leads_out_of_an_image(
    image: BuildImage, open_host: OpenHost, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("theirs")
    connection = image()
    root = Path(connection.root)
    (root / "etc/file").symlink_to(outside / "secret")
    (root / "etc/folder").symlink_to(outside)
    (root / "etc/up").symlink_to("../../outside")
    host = open_host(connection)
    assert host.read("/etc/file") is None
    assert host.read("/etc/folder/secret") is None
    assert host.read("/etc/up/secret") is None
    assert host.read("/etc/../../outside/secret") is None
    assert host.names("/etc/folder") is None
    assert host.stat("/etc/up") is None


def test_links_that_name_one_another_end(image: BuildImage, open_host: OpenHost) -> None:
    connection = image()
    root = Path(connection.root, "etc")
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    found = refused(lambda: open_host(connection).read("/etc/a"))
    assert (found.cause, found.code) == (Cause.UNREACHABLE, "ELOOP")


@given(st.lists(st.sampled_from(["..", ".", "", "etc", "link", "up", "deep"]), max_size=12))
def test_no_path_is_resolved_outside_the_root(tmp_path_factory: object, names: list[str]) -> None:
    root = _maze(tmp_path_factory)
    try:
        place = Disk(str(root)).resolve("/".join(names))
    except OSError:
        return
    assert Path(place).resolve().is_relative_to(root.resolve())


def _maze(factory: object) -> Path:
    base: Path = factory.getbasetemp()  # type: ignore[attr-defined]
    root = base / "maze"
    if not root.exists():
        (root / "etc/deep").mkdir(parents=True)
        (root / "etc/link").symlink_to("/")
        (root / "etc/up").symlink_to("../../../..")
        (root / "link").symlink_to(base)
    return root


def test_a_pipe_is_never_opened(image: BuildImage, open_host: OpenHost) -> None:
    connection = image()
    os.mkfifo(Path(connection.root, "etc/pipe"))
    found = refused(lambda: open_host(connection).read("/etc/pipe"))
    assert (found.cause, found.code) == (Cause.MALFORMED, "no regular file")


def test_a_file_too_long_is_partial_not_cut(image: BuildImage, open_host: OpenHost) -> None:
    host = open_host(image({"/etc/long": "x" * 4_000_001, "/etc/just": "x" * 4_000_000}))
    assert refused(lambda: host.read("/etc/long")).cause is Cause.PARTIAL
    assert len(host.text("/etc/just") or "") == 4_000_000


def test_bytes_that_are_no_text_are_shown(image: BuildImage, open_host: OpenHost) -> None:
    connection = image({"/etc/a": ""})
    Path(connection.root, "etc/a").write_bytes(b"caf\xe9")
    assert open_host(connection).text("/etc/a") == "caf\\xe9"


def test_a_tool_needs_a_running_system(image: BuildImage, open_host: OpenHost) -> None:
    found = refused(lambda: open_host(image()).run("sshd", "-T"))
    assert (found.cause, found.permission) == (Cause.NOT_ASKED, "run:sshd -T")


def test_a_tool_that_is_not_installed_is_none(
    this_host: LinuxConnection, open_host: OpenHost
) -> None:
    assert open_host(this_host).run("no-such-tool") is None


def test_a_tool_is_never_looked_for_in_the_callers_path(
    this_host: LinuxConnection,
    open_host: OpenHost,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    planted = tmp_path / "planted"
    planted.write_text("#!/bin/sh\necho planted\n")
    planted.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert open_host(this_host).run("planted") is None


def test_a_tool_sees_no_variable_input_or_language_of_the_caller(
    this_host: LinuxConnection, open_host: OpenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANARY", "secret")
    host = open_host(this_host)
    printed = host.run("env")
    assert printed
    assert set(printed["text"].splitlines()) >= {"LC_ALL=C", "TZ=UTC"}
    assert "CANARY" not in printed["text"]
    assert host.run("cat") == {"code": 0, "text": ""}


def test_a_tool_that_fails_tells_its_code_and_words(
    this_host: LinuxConnection, open_host: OpenHost
) -> None:
    printed = open_host(this_host).run("ls", "/no/such/folder")
    assert printed
    assert printed["code"] == 2
    assert "No such file" in printed["errors"]


def test_a_tool_that_takes_too_long_is_stopped(
    this_host: LinuxConnection, open_host: OpenHost
) -> None:
    found = refused(lambda: open_host(this_host).run("sleep", "30", seconds=0.1))
    assert (found.cause, found.code) == (Cause.UNREACHABLE, "timeout")


def test_a_stopped_sweep_stops_its_tool(this_host: LinuxConnection) -> None:
    clock, cancelled = SystemClock(), threading.Event()
    caller = Caller(clock, clock.monotonic() + 60, cancelled, rate=None)
    host = this_host.open(caller)
    threading.Timer(0.2, cancelled.set).start()
    began = clock.monotonic()
    found = refused(lambda: host.run("sleep", "30"))
    assert found.cause is Cause.NOT_ASKED
    assert clock.monotonic() - began < 10


@pytest.mark.parametrize(
    "errors",
    [
        "cat: /etc/shadow: Permission denied",
        "Operation not permitted (you must be root)",
        "You must be root to run this",
        "auditctl: must be run as root",
    ],
)
def test_a_refused_tool_is_denied_never_a_result(
    errors: str,
    this_host: LinuxConnection,
    open_host: OpenHost,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "find", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr(commands, "run", lambda *_: commands.Ended(1, "", errors))
    found = refused(lambda: open_host(this_host).run("nft", "list"))
    assert (found.cause, found.permission) == (Cause.DENIED, "run:nft list")


def test_every_read_and_command_leaves_a_line(this_host: LinuxConnection) -> None:
    clock = SystemClock()
    caller = Caller(clock, clock.monotonic() + 60, threading.Event(), rate=None)
    host = this_host.open(caller)
    host.read("/etc/passwd")
    host.read("/no/such/file")
    host.names("/etc")
    host.run("true")
    lines = [(line.operation, dict(line.parameters), line.outcome) for line in caller.journal.lines]
    assert lines == [
        ("read", {"path": "/etc/passwd"}, "ok"),
        ("read", {"path": "/no/such/file"}, "ok"),
        ("list", {"path": "/etc"}, "ok"),
        ("run", {"command": "true"}, "ok"),
    ]


def test_several_facts_share_one_answer_or_one_refusal(
    image: BuildImage, open_host: OpenHost
) -> None:
    host = open_host(image())
    asked: list[str] = []

    def ask() -> str:
        asked.append("asked")
        raise CallError(Cause.DENIED, "EACCES")

    assert host.once("a", lambda: 1) == host.once("a", lambda: 2) == 1
    first, second = (refused(lambda: host.once("b", ask)) for _ in range(2))
    assert first is second
    assert asked == ["asked"]


def test_a_host_is_known_by_its_machine_id_which_is_not_told(
    image: BuildImage, open_host: OpenHost
) -> None:
    number = "0123456789abcdef0123456789abcdef"
    identity = open_host(image({"/etc/machine-id": f"{number}\n"})).identify()
    assert number not in repr(identity)
    assert identity == open_host(image({"/etc/machine-id": number})).identify()
    assert identity.details["distribution"] == "debian 12"


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ("ID=ubuntu\nID_LIKE=debian\n", "debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "rhel"),
        ("ID=amzn\n", "rhel"),
        ("ID=alpine\n", "alpine"),
        ("# nothing\n", ""),
    ],
)
def test_the_family_decides_where_things_are(
    release: str, family: str, image: BuildImage, open_host: OpenHost
) -> None:
    assert open_host(image(release=release)).family() == family


def test_another_system_says_that_only_linux_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    caller = Caller(SystemClock(), 1e12, threading.Event(), rate=None)
    assert "reads Linux only" in str(refused(lambda: LinuxConnection("mac").open(caller)))


AS_NOBODY = """
import os, threading
from collectors import CallError, Caller, SystemClock
from collectors.linux import LinuxConnection
caller = Caller(SystemClock(), 1e12, threading.Event(), rate=None)
host = LinuxConnection("here").open(caller)
os.setgroups([]); os.setgid(65534); os.setuid(65534)
for ask in (lambda: host.read("/etc/shadow"), lambda: host.names("/proc/1/fd"),
            lambda: host.run("cat", "/etc/shadow")):
    try:
        ask()
        print("answered")
    except CallError as error:
        print(error.cause.value, error.permission)
print(host.identify().principal)
"""


@needs_root
def test_an_ordinary_user_is_refused_what_only_root_may_read() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", AS_NOBODY], capture_output=True, text=True, check=True
    )
    assert ended.stdout.splitlines() == [
        "denied read:/etc/shadow",
        "denied list:/proc/1/fd",
        "denied run:cat /etc/shadow",
        "uid 65534",
    ]
