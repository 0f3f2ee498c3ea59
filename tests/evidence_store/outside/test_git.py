from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from evidence_store.errors import OutsideError
from evidence_store.outside.git import GitHolder
from tests.evidence_store.outside.conftest import LEDGER, signed


@pytest.fixture
def holder(remote: Path) -> GitHolder:
    return GitHolder("remote", str(remote))


def git(remote: Path, *arguments: str) -> list[str]:
    command = ["git", "-C", str(remote), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.splitlines()


def test_each_head_is_one_commit_on_the_one_before(holder: GitHolder, remote: Path) -> None:
    for size in (3, 4, 4):
        holder.publish(LEDGER, signed(size))
    log = git(remote, "log", "--format=%s", "main")
    assert log == [f"{LEDGER} 4", f"{LEDGER} 3"]
    assert git(remote, "log", "--merges", "main") == []


def test_a_push_is_never_forced(
    holder: GitHolder, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[tuple[str, ...]] = []
    plain = GitHolder._git

    def seen(self: GitHolder, folder: Path, *arguments: str) -> str:
        commands.append(arguments)
        return plain(self, folder, *arguments)

    monkeypatch.setattr(GitHolder, "_git", seen)
    holder.publish(LEDGER, signed(3))
    (push,) = [words for words in commands if words[0] == "push"]
    assert not {"-f", "--force", "--force-with-lease", "--mirror"} & set(push)
    assert not any(word.startswith("+") for word in push)
    assert git(remote, "for-each-ref", "--format=%(refname)") == ["refs/heads/main"]


def test_a_writer_who_was_faster_is_followed_not_overwritten(
    holder: GitHolder, remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = GitHolder._checkout
    raced = []

    @contextmanager
    def slow(self: GitHolder) -> Iterator[Path]:
        with plain(self) as folder:
            if not raced:
                raced.append(True)
                replace(self, name="faster").publish(LEDGER, signed(5))
            yield folder

    holder.publish(LEDGER, signed(3))
    monkeypatch.setattr(GitHolder, "_checkout", slow)
    holder.publish(LEDGER, signed(4))
    assert git(remote, "log", "--format=%s", "main") == [f"{LEDGER} {size}" for size in (4, 5, 3)]
    assert [head.size for head in holder.all(LEDGER)] == [3, 4, 5]


def test_a_remote_that_is_not_there_says_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(OutsideError, match="check address, branch and key"):
        GitHolder("remote", str(tmp_path / "nowhere")).latest(LEDGER)


def test_an_address_that_would_run_a_program_does_not(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for url in (f"ext::sh -c touch% {mark}", f"--upload-pack=touch {mark}"):
        with pytest.raises(OutsideError):
            GitHolder("remote", url).latest(LEDGER)
    assert not mark.exists()


def test_without_the_program_it_is_named(
    holder: GitHolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OutsideError, match="the program git is not installed"):
        holder.latest(LEDGER)
