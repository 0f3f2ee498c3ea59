"""Heads held in a git remote: commits are only added, a push is never forced."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from evidence_store.answers import Checkpoint
from evidence_store.errors import OutsideError
from evidence_store.outside import names

SECONDS: Final = 60
"""Each call of git may take this long."""

TRIES: Final = 3
"""A push is tried again from the remote's new state if another one was faster."""

_SETTINGS: Final = (
    "-c", "user.name=annexa", "-c", "user.email=annexa@localhost",
    "-c", "commit.gpgSign=false", "-c", "core.hooksPath=/dev/null",
)  # fmt: skip


@dataclass(frozen=True)
class GitHolder:
    """A remote whose server refuses to rewrite the branch (protected, `denyNonFastForwards`)."""

    name: str
    url: str
    branch: str = "main"
    ssh_key: Path | None = None
    kind: str = "git"
    readable: bool = True

    @property
    def place(self) -> str:
        """Remote and branch."""
        return f"{self.url} ({self.branch})"

    def publish(self, ledger: str, head: Checkpoint) -> None:
        """Commit the head as a file of its own and push."""
        name = names.file_name(ledger, head)
        for last in range(1, TRIES + 1):
            with self._checkout() as folder:
                path = folder / names.folder(ledger) / name
                if path.exists():
                    if names.same_head(path.read_bytes(), head):
                        return
                    raise OutsideError(
                        f"holder {self.name}: {self.place}: {name} holds something else than the "
                        f"head of size {head.size}"
                    )
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(head.note.encode())
                self._git(folder, "add", "--", str(path.relative_to(folder)))
                self._git(folder, "commit", "--quiet", "--message", f"{ledger} {head.size}")
                try:
                    self._git(folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{self.branch}")
                except OutsideError:
                    if last == TRIES:
                        raise
                else:
                    return

    def latest(self, ledger: str) -> Checkpoint | None:
        """The last head by name."""
        with self._checkout() as folder:
            held = folder / names.folder(ledger)
            return names.read_latest(ledger, _listed(held), _reader(held), self.place)

    def all(self, ledger: str) -> Sequence[Checkpoint]:
        """Every head by name."""
        with self._checkout() as folder:
            held = folder / names.folder(ledger)
            return names.read_all(ledger, _listed(held), _reader(held), self.place)

    @contextmanager
    def _checkout(self) -> Iterator[Path]:
        """The branch's last commit in a folder of its own; an empty remote gives an empty one."""
        with tempfile.TemporaryDirectory(prefix="annexa-git-") as made:
            folder = Path(made)
            self._git(folder, "init", "--quiet", f"--initial-branch={self.branch}")
            self._git(folder, "remote", "add", "--", "origin", self.url)
            ref = f"refs/heads/{self.branch}"
            if self._git(folder, "ls-remote", "origin", ref):
                self._git(folder, "fetch", "--quiet", "--depth=1", "origin", ref)
                self._git(folder, "reset", "--quiet", "--hard", "FETCH_HEAD")
            yield folder

    def _git(self, folder: Path, *arguments: str) -> str:
        """Run git; nothing it could ask a person for is asked."""
        ssh = "ssh -oBatchMode=yes -oConnectTimeout=10"
        if self.ssh_key is not None:
            ssh += f" -oIdentitiesOnly=yes -i '{self.ssh_key}'"
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "true",
            "GIT_SSH_COMMAND": ssh,
            # Not `ext`, which would run a program the address names.
            "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
            "LC_ALL": "C",
        }
        try:
            done = subprocess.run(  # noqa: S603 - a list, no shell; the address is configured
                ["git", *_SETTINGS, "-C", str(folder), *arguments],  # noqa: S607 - from PATH
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise OutsideError(f"holder {self.name}: the program git is not installed") from error
        except subprocess.TimeoutExpired as error:
            raise OutsideError(
                f"holder {self.name}: {self.place}: git {arguments[0]} took over {SECONDS} s; "
                "check the network"
            ) from error
        if done.returncode:
            said = done.stderr.strip().splitlines()
            raise OutsideError(
                f"holder {self.name}: {self.place}: git {arguments[0]}: "
                f"{said[-1] if said else f'exit {done.returncode}'}; check address, branch and key"
            )
        return done.stdout


def _listed(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


def _reader(folder: Path) -> Callable[[str], bytes]:
    """Reads the files of a checkout; a link could lead out of it and is not followed."""

    def read(name: str) -> bytes:
        path = folder / name
        return b"" if path.is_symlink() else path.read_bytes()[: names.LONGEST]

    return read
