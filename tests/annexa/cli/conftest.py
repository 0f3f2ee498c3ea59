"""The command line in a folder of its own, with a fixed world, a fixed clock and no terminal."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner

from annexa import cli, declared
from tests.acme import AcmeConnection, World
from tests.annexa.cli import world as fixed


@dataclass
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Shell:
    """Runs commands as a process would, exit codes and messages included."""

    folder: Path
    clock: time_machine.Traveller
    worlds: dict[str, World] = field(default_factory=dict)

    def __call__(self, *arguments: str) -> Said:
        runner = CliRunner()
        with runner.isolation() as (out, err, _):
            code = 0
            try:
                cli.main(list(arguments))
            except SystemExit as ended:
                code = ended.code if isinstance(ended.code, int) else 0
            return Said(code, self._stable(out.getvalue()), self._stable(err.getvalue()))

    def ok(self, *arguments: str) -> str:
        said = self(*arguments)
        assert said.code == 0, said.err
        return said.out

    def configure(self, text: str) -> None:
        (self.folder / "annexa.toml").write_text(text)

    def forget(self, name: str) -> None:
        """Take a variable out of the environment; the fixture puts it back."""
        os.environ.pop(name, None)

    def _stable(self, text: bytes) -> str:
        """Output without what differs from run to run: head, duration, folder, end blanks."""
        masked = re.sub(r"\bhead [0-9a-f]{8}", "head ········", text.decode())
        masked = re.sub(r"\bRecorded in \d+ s", "Recorded in 0 s", masked)
        masked = masked.replace(str(self.folder), "FOLDER")
        masked = re.sub(r"Recorded in \d+ s", "Recorded in 0 s", masked)  # a busy machine
        return "\n".join(line.rstrip() for line in masked.split("\n"))


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.chdir(tmp_path)
    for name in ("ANNEXA_CONFIG", "ANNEXA_STORE", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.setenv("ANNEXA_STORE", "evidence.db")
    worlds = {"web-1": fixed.web(), "db-1": fixed.database()}
    monkeypatch.setattr("collectors.catalog", lambda **_: fixed.CATALOG)
    monkeypatch.setattr(
        declared,
        "connection",
        lambda name, *_, **__: AcmeConnection(name, worlds[name], platform="linux"),
    )
    with time_machine.travel(fixed.NOON, tick=False) as clock:
        made = Shell(tmp_path, clock, worlds)
        made.configure(fixed.SETTINGS)
        yield made


@pytest.fixture
def swept(shell: Shell) -> Shell:
    """A shell after its first sweep."""
    said = shell("sweep")
    assert said.code == 0, said.err
    return shell
