"""Setuid files and unwanted packages: found, approved, and never empty because refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

import pytest

from collectors import CallError, Cause, Status, Unread
from collectors.linux import LinuxConnection, LinuxTarget, commands
from collectors.linux.priv import (
    NOT_SEARCHED,
    Packages,
    SpecialFile,
    compilers_and_debug_tools,
    priv,
    setuid_files_approved,
)
from collectors.testing import Conformance, collect, judge

BuildImage = Callable[..., LinuxConnection]

FOUND = "4755 0 0 /usr/bin/sudo\x002755 0 42 /usr/bin/a b\nc\x00"
STATUS = (
    "Package: gcc-12\nStatus: install ok installed\nVersion: 12.2\n\n"
    "Package: gdb\nStatus: deinstall ok config-files\n\n"
    "Package: zlib1g\nStatus: install ok installed\nDescription: text\n more: text\n"
)


def special(path: str = "/usr/bin/sudo") -> SpecialFile:
    return SpecialFile(id=path, listed={"mode": "4755", "uid": 0, "gid": 0})


def installed(names: object) -> Packages:
    return Packages(id="packages", listed={"manager": "dpkg"}, facts={"names": names})


@pytest.mark.parametrize(
    ("path", "approved", "status"),
    [
        ("/usr/bin/sudo", ("/usr/bin/sudo",), Status.PASS),
        ("/usr/bin/sudo", ("/usr/bin/su",), Status.FAIL),
        ("/usr/bin/sudo", (), Status.FAIL),
        ("/snap/core22/1/usr/bin/su", ("/snap/*/usr/bin/su",), Status.PASS),
        ("/home/eve/usr/bin/su", ("/usr/bin/su",), Status.FAIL),
    ],
)
def test_a_setuid_file_must_be_on_the_list(
    path: str, approved: tuple[str, ...], status: Status
) -> None:
    assert judge(setuid_files_approved, special(path), approved=approved).status is status


def test_the_reason_tells_mode_and_owner() -> None:
    verdict = judge(setuid_files_approved, special(), approved=())
    assert verdict.because == "not on the list: mode 4755, owner 0:0"


@pytest.mark.parametrize(
    ("names", "status"),
    [
        (["bash"], Status.PASS),
        ([], Status.PASS),
        (["bash", "gcc-12"], Status.FAIL),
        (["nmap"], Status.FAIL),
        (["nmap-common"], Status.PASS),
        (Unread("EACCES", "run:dpkg-query -W"), Status.UNKNOWN),
    ],
)
def test_forbidden_packages_are_absent(names: object, status: Status) -> None:
    verdict = judge(compilers_and_debug_tools, installed(names), forbidden=("gcc*", "nmap"))
    assert verdict.status is status


@pytest.mark.parametrize("check", [setuid_files_approved, compilers_and_debug_tools])
def test_a_list_that_is_not_bound_decides_nothing(check: object) -> None:
    resource = special() if check is setuid_files_approved else installed([])
    verdict = check.judge(resource, None)  # type: ignore[attr-defined]
    assert verdict.cause is Cause.CRITERION_MISSING


@pytest.fixture
def find(monkeypatch: pytest.MonkeyPatch) -> Callable[[commands.Ended], list[Sequence[str]]]:
    """Let `find` end in this way; gives the arguments it was run with."""

    def end(ended: commands.Ended) -> list[Sequence[str]]:
        asked: list[Sequence[str]] = []

        def run(_: str, arguments: Sequence[str], *__: object) -> commands.Ended:
            asked.append(arguments)
            return ended

        monkeypatch.setattr(commands, "find", lambda tool: f"/usr/bin/{tool}")
        monkeypatch.setattr(commands, "run", run)
        monkeypatch.setattr(LinuxTarget, "slow", True)
        return asked

    return end


def files(connection: LinuxConnection) -> dict[str, SpecialFile]:
    found = collect(connection, [priv]).resources
    return {each.id: each for each in found if isinstance(each, SpecialFile)}


def test_names_with_spaces_and_line_ends_are_one_file(
    find: Callable[[commands.Ended], list[Sequence[str]]], this_host: LinuxConnection
) -> None:
    find(commands.Ended(0, FOUND, ""))
    found = files(this_host)
    assert list(found) == ["/usr/bin/sudo", "/usr/bin/a b\nc"]
    assert found["/usr/bin/a b\nc"].listed == {"mode": "2755", "uid": 0, "gid": 42}


def test_other_machines_disks_and_the_kernel_are_not_walked(
    find: Callable[[commands.Ended], list[Sequence[str]]], this_host: LinuxConnection
) -> None:
    asked = find(commands.Ended(0, "", ""))
    files(this_host)
    arguments = list(asked[0])
    pruned = arguments[: arguments.index("-prune")]
    assert [a for a in pruned if a not in {"/", "(", ")", "-o", "-fstype"}] == list(NOT_SEARCHED)
    assert not {"-exec", "-delete", "-ok", "-fprintf"} & set(arguments)


@pytest.mark.parametrize(
    ("ended", "cause", "permission"),
    [
        (
            commands.Ended(1, FOUND, "find: '/root': Permission denied\n"),
            Cause.DENIED,
            "run:find / -perm /6000",
        ),
        (commands.Ended(1, FOUND, "find: '/x': No such file or directory"), Cause.PARTIAL, ""),
        (commands.Ended(0, "4755 root\x00", ""), Cause.MALFORMED, ""),
    ],
)
def test_a_search_that_did_not_reach_everything_is_no_list(
    ended: commands.Ended,
    cause: Cause,
    permission: str,
    find: Callable[[commands.Ended], list[Sequence[str]]],
    this_host: LinuxConnection,
) -> None:
    find(ended)
    unread = collect(this_host, [priv]).parts[0].unread
    assert unread
    assert (unread.cause, unread.permission) == (cause, permission)


def test_the_disk_is_searched_only_where_slow_reads_are_wanted(this_host: LinuxConnection) -> None:
    part = collect(this_host, [priv]).parts[0]
    assert part.unread == Unread("slow reads are off", "slow = true", Cause.NOT_ASKED)


def test_an_image_is_not_searched(image: BuildImage) -> None:
    unread = collect(image(slow=True), [priv]).parts[0].unread
    assert unread
    assert unread.cause is Cause.NOT_ASKED


def packages_of(connection: LinuxConnection) -> Packages:
    found = collect(connection, [priv]).resources
    return next(each for each in found if isinstance(each, Packages))


def test_packages_that_only_left_their_configuration_are_not_installed(image: BuildImage) -> None:
    assert packages_of(image({"/var/lib/dpkg/status": STATUS})).names == ["gcc-12", "zlib1g"]


def test_packages_of_alpine_are_read(image: BuildImage) -> None:
    text = "P:musl\nV:1.2\n\nP:busybox\nV:1.36\n"
    assert packages_of(image({"/lib/apk/db/installed": text})).names == ["busybox", "musl"]


def test_an_image_of_rpm_needs_a_running_system(image: BuildImage) -> None:
    found = packages_of(image({"/var/lib/rpm/rpmdb.sqlite": ""}))
    verdict = judge(compilers_and_debug_tools, found, forbidden=("gcc",))
    assert (verdict.status, verdict.cause) == (Status.UNKNOWN, Cause.NOT_ASKED)


def test_a_running_rpm_host_is_asked(image: BuildImage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LinuxTarget, "live", True)
    monkeypatch.setattr(commands, "find", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr(commands, "run", lambda *_: commands.Ended(0, "gcc\nbash\ngcc\n", ""))
    assert packages_of(image({"/var/lib/rpm/rpmdb.sqlite": ""})).names == ["bash", "gcc"]


def test_a_host_without_a_known_database_is_unknown_never_clean(image: BuildImage) -> None:
    part = collect(image(), [priv]).parts[1]
    assert part.unread
    assert part.unread.cause is Cause.PARTIAL


def test_a_package_query_that_fails_is_not_an_empty_list(
    open_host: Callable[[LinuxConnection], LinuxTarget],
    this_host: LinuxConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(commands, "find", lambda tool: f"/usr/bin/{tool}")
    monkeypatch.setattr(commands, "run", lambda *_: commands.Ended(2, "", "error"))
    ask = Packages.fact_definitions()["names"].call
    with pytest.raises(CallError) as refusal:
        ask(installed([]), open_host(this_host))
    assert refusal.value.cause is Cause.PARTIAL


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="needs dpkg")
def test_this_host_tells_its_packages(this_host: LinuxConnection) -> None:
    assert "dpkg" in packages_of(this_host).names


class TestConformance(Conformance):
    collectors = (priv,)
    bound = {  # noqa: RUF012
        "linux.priv.setuid_files_approved": {"approved": ["/usr/bin/sudo"]},
        "linux.priv.compilers_and_debug_tools": {"forbidden": ["gcc*"]},
    }

    @pytest.fixture
    def connection(self, image: BuildImage, monkeypatch: pytest.MonkeyPatch) -> LinuxConnection:
        monkeypatch.setattr(LinuxTarget, "run", lambda *_, **__: {"code": 0, "text": FOUND})
        return image({"/var/lib/dpkg/status": STATUS}, slow=True)
