"""A fresh clone becomes a running command: the lists agree, are hashed, and pip can stand in."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
LISTS = ROOT / "requirements"
NAMES = ("run", "demo", "all", "dev", "build", "uv")


def script(path: Path) -> ModuleType:
    """A script of the repository as a module; it stands outside of any package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


bootstrap = script(ROOT / "bootstrap.py")
lock = script(LISTS / "lock.py")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def wanted(name: str) -> set[str]:
    """The requirements of an .in file, with those of the files it includes."""
    found: set[str] = set()
    for line in (LISTS / f"{name}.in").read_text(encoding="utf-8").splitlines():
        if line.startswith("-r "):
            found |= wanted(line.removeprefix("-r ").removesuffix(".in"))
        elif line and not line.startswith("#"):
            found.add(line)
    return found


def declared(*extras: str) -> set[str]:
    """pyproject's dependencies and those of some extras, extras of extras included."""
    every = PROJECT["project"]["optional-dependencies"]
    found = set(PROJECT["project"]["dependencies"])
    for extra in extras:
        for requirement in every[extra]:
            inner = re.fullmatch(r"annexa\[(.*)\]", requirement)
            found |= declared(*inner[1].split(",")) if inner else {requirement}
    return found


def version_of(package: str, text: str) -> str | None:
    match = re.search(rf"(?m)^{re.escape(package)}(?:\[[^]]*\])?==([^ ;\\]+)", text)
    return match[1] if match else None


def test_the_lists_ask_for_what_the_project_declares() -> None:
    assert wanted("run") == declared("aws")
    assert wanted("demo") == declared("demo") | wanted("build")
    assert wanted("all") == declared("all")
    assert wanted("dev") > wanted("demo")
    build = {re.split("[>=<]", one)[0] for one in PROJECT["build-system"]["requires"]}
    assert build < {re.split("[>=<]", one)[0] for one in wanted("build")}


@pytest.mark.parametrize("name", NAMES)
def test_a_lock_file_has_a_hash_for_everything_and_no_address(name: str) -> None:
    text = (LISTS / f"{name}.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert lock.refused(text) == []
    assert all(lock.packages(text).values())


@pytest.mark.parametrize("name", NAMES)
def test_everything_asked_for_is_locked(name: str) -> None:
    text = (LISTS / f"{name}.txt").read_text(encoding="utf-8")
    names = {re.split(r"[\[>=<]", one)[0] for one in wanted(name)}
    assert [one for one in sorted(names) if version_of(one, text) is None] == []


def test_what_is_tested_is_what_is_run() -> None:
    dev = (LISTS / "dev.txt").read_text(encoding="utf-8")
    for name in ("run", "demo"):
        text = (LISTS / f"{name}.txt").read_text(encoding="utf-8")
        pinned = set(re.findall(r"(?m)^\S+==[^ \\]+", text))
        assert [one for one in sorted(pinned) if one not in dev] == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("--index-url https://x/simple\na==1 --hash=sha256:00", "line 1 has an address"),
        ("a @ file:a.whl --hash=sha256:00", "line 1 has an address"),
        ("a==1", "a==1 has no hash"),
        ("a>=1 --hash=sha256:00", "a>=1 has no version"),
        ("orjson==3 --hash=sha256:00", "orjson==3 has 1 hashes: lock against the full index"),
    ],
)
def test_what_may_not_be_committed_is_refused(text: str, problem: str) -> None:
    assert any(found.startswith(problem) for found in lock.refused(text))


class Machine:
    """A machine with or without uv and pip; remembers what bootstrap ran, and runs nothing."""

    def __init__(self, broken: Sequence[str] = ()) -> None:
        self.broken = broken
        self.ran: list[str] = []

    def works(self, words: str, command: Sequence[str]) -> bool:
        self.ran.append(f"{words}: {' '.join(command)}")
        return not any(part in self.ran[-1] for part in self.broken)

    def quiet(self, command: Sequence[str]) -> bool:
        return not any(part in " ".join(command) for part in self.broken)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty environment: no uv in it, none on the path, and no wish for or against it."""
    monkeypatch.setattr(bootstrap, "HOME", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _name: None)
    monkeypatch.delenv("NO_UV", raising=False)
    (tmp_path / ".venv").mkdir()
    return tmp_path


def machine(monkeypatch: pytest.MonkeyPatch, *broken: str) -> Machine:
    double = Machine(broken)
    monkeypatch.setattr(bootstrap, "works", double.works)
    monkeypatch.setattr(bootstrap, "quiet", double.quiet)
    return double


@pytest.mark.usefixtures("folder")
def test_uv_is_installed_by_its_hash_and_then_installs_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    double = machine(monkeypatch)
    bootstrap.install("demo")
    first, second, third = double.ran
    assert first.startswith("installing uv: ")
    assert "--require-hashes" in first
    assert first.endswith("uv.txt")
    assert "uv pip install" in second.replace(".exe", "")
    assert "--only-binary :all: --require-hashes -r" in second
    assert second.endswith("demo.txt")
    assert "--no-deps --no-build-isolation -e" in third


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("broken", ["installing uv", "packages by uv"])
def test_pip_stands_in_where_uv_cannot_be_had_or_does_not_manage(
    monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    double = machine(monkeypatch, broken)
    bootstrap.install("demo")
    assert "packages by pip" in double.ran[-2]
    assert "--only-binary :all: --require-hashes -r" in double.ran[-2]
    assert "-m pip install" in double.ran[-1]


@pytest.mark.usefixtures("folder")
def test_pip_is_forced_by_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_UV", "1")
    monkeypatch.setattr(bootstrap.shutil, "which", lambda _name: "/usr/bin/uv")
    double = machine(monkeypatch)
    bootstrap.install("demo")
    assert [line.split(" install ")[0][-6:] for line in double.ran] == ["-m pip", "-m pip"]


@pytest.mark.usefixtures("folder")
def test_no_index_address_is_ever_given(monkeypatch: pytest.MonkeyPatch) -> None:
    double = machine(monkeypatch, "packages by uv")
    bootstrap.install("dev")
    assert [
        line for line in double.ran if "--index" in line or "--extra" in line or "://" in line
    ] == []


@pytest.mark.usefixtures("folder")
def test_a_failed_install_says_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, "installing")
    with pytest.raises(bootstrap.BootstrapError, match="mirror or certificate"):
        bootstrap.install("demo")


@pytest.mark.usefixtures("folder")
def test_a_python_without_ensurepip_is_told_which_package_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(bootstrap.BootstrapError, match="apt install python3-venv"):
        bootstrap.make_environment()


def test_a_second_run_installs_nothing_until_a_list_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists = folder / "requirements"
    lists.mkdir()
    for name in ("demo", "dev"):
        (lists / f"{name}.txt").write_text("a==1 --hash=sha256:00\n")
    monkeypatch.setattr(bootstrap, "LOCKS", lists)
    monkeypatch.setattr(bootstrap, "make_environment", lambda: None)
    installed: list[str] = []
    monkeypatch.setattr(bootstrap, "install", installed.append)
    bootstrap.prepare(("dev",))
    bootstrap.prepare(("dev",))
    bootstrap.prepare(("demo", "dev"))  # the larger environment serves the demo as well
    assert installed == ["dev"]
    (lists / "dev.txt").write_text("a==2 --hash=sha256:00\n")
    bootstrap.prepare(("dev",))
    assert installed == ["dev", "dev"]


@pytest.mark.parametrize("command", ["demo", "test", "check", "prove", "docs", "lock"])
def test_every_target_of_the_makefile_is_a_command(command: str) -> None:
    rule = re.search(r"(?m)^(demo .*):$", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert rule is not None
    assert command in rule[1].split()
    assert command in bootstrap.NEEDS
    assert bootstrap.steps_of(command, [])


def test_the_check_runs_every_tool_and_the_tests() -> None:
    lines = [" ".join(step.command) for step in bootstrap.steps_of("check", [])]
    for tool in ("ruff check", "format --check", "mypy", "lint-imports", "deptry", "pytest"):
        assert any(tool in line for line in lines), tool
    assert lines[-1].endswith("annexa.docs --check")


def test_long_proofs_run_only_when_they_are_asked_for() -> None:
    test, prove = (bootstrap.steps_of(command, [])[0] for command in ("test", "prove"))
    assert test.command[-2:] == ["-m", "not prove"]
    assert prove.command[-2:] == ["-m", "prove"]
    assert int(prove.settings["ANNEXA_CRASH_ROUNDS"]) > 8


def test_a_check_that_fails_does_not_hide_the_next_and_is_named_at_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = {"good": 0, "bad": 5, "worse": 7}
    steps = [
        bootstrap.Step(name, [sys.executable, "-c", f"raise SystemExit({code})"])
        for name, code in ends.items()
    ]
    monkeypatch.setattr(bootstrap, "prepare", lambda _sets: None)
    monkeypatch.setattr(bootstrap, "steps_of", lambda _command, _extra: steps)
    assert bootstrap.main(["check"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "annexa: failed: bad, worse"
    monkeypatch.setattr(bootstrap, "steps_of", lambda _command, _extra: steps[1:2])
    assert bootstrap.main(["demo"]) == 5


def test_an_unknown_command_is_a_usage_error() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "bootstrap.py"), "nonsense"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "usage: python bootstrap.py demo|test|check|prove|docs|lock|clean" in done.stdout


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored() -> None:
    kept = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"(?m)^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text())
    names = [name.rstrip("/") for line in copied for name in line.split()]
    assert "requirements" in names
    assert [name for name in names if f"!{name}" not in kept] == []
    assert {f"{one}.txt" for one in ("run", "all", "build")} <= {f.name for f in LISTS.iterdir()}
