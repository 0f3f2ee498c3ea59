"""The command line as its users meet it: output, exit codes, and errors that say what to do."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from annexa.cli import main

ROOT = Path(__file__).parents[3]

FILES = {
    "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nNAME="Debian GNU/Linux"\n',
    "/etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/bash\n",
    "/etc/shadow": "root:*:19000:0:99999:7:::\ntoor:!:19000:0:99999:7:::\n",
    "/etc/group": "root:x:0:\n",
    "/etc/login.defs": "PASS_MAX_DAYS 99999\n",
    "/etc/pam.d/su": "auth sufficient pam_rootok.so\n",
}

FINDING_COLUMNS = (
    "target,check_id,resource_id,kind,scope,status,cause,reason,severity,since,observed_at,"
    "recorded_at,controls"
)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class World:
    """A folder with an image of a host, a configuration that declares it, and no evidence yet."""

    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "image"

    @property
    def store(self) -> Path:
        return self.folder / "kept" / "evidence.db"

    @property
    def config(self) -> Path:
        return self.folder / "annexa.toml"

    def write(self, path: str, text: str) -> None:
        place = self.image / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)

    def declare(self, more: str = "") -> None:
        self.config.write_text(
            f'organisation = "ACME"\n[store]\npath = "{self.store}"\norigin = "acme.example/test"\n'
            f'[targets.web]\nplatform = "linux"\nroot = "{self.image}"\nowner = "web team"\n{more}'
        )


Run = Callable[..., Ended]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    for name in [name for name in os.environ if name.startswith(("AWS_", "ANNEXA_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    made = World(tmp_path)
    for path, text in FILES.items():
        made.write(path, text)
    made.declare()
    return made


@pytest.fixture
def run(world: World, capfd: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        captured = capfd.readouterr()
        code = ended.value.code
        return Ended(code if isinstance(code, int) else 1, captured.out, captured.err)

    assert world.config.exists()
    return command


@pytest.fixture
def swept(run: Run, world: World) -> World:
    assert run("sweep").code == 0
    return world


def test_a_sweep_says_what_it_found_and_where_it_is_kept(run: Run, world: World) -> None:
    ended = run("sweep")
    assert ended.code == 0
    assert "Recorded in" in ended.out
    assert ended.err.startswith("Sweep 1 · scope not declared · mapping ")
    assert "linux.accounts.uid0_unique" in ended.out
    assert str(world.store) in ended.out
    assert "NO outside copy" in ended.out
    assert "linux/web: listed with gaps" in ended.err, (
        "an image cannot answer what needs a running host"
    )


def test_piped_output_has_no_colour_and_no_cursor_movement(run: Run, world: World) -> None:
    assert world.store
    for ended in (run("sweep"), run("status"), run("findings"), run("verify")):
        assert "\x1b" not in ended.out + ended.err


def test_findings_as_csv_have_the_promised_columns_sorted_and_stable(
    run: Run, swept: World
) -> None:
    first, second = run("findings", "--format", "csv"), run("findings", "--format", "csv")
    assert swept
    assert first.out == second.out
    lines = first.out.splitlines()
    assert lines[0] == FINDING_COLUMNS
    rows = list(csv.DictReader(io.StringIO(first.out)))
    keys = [(row["target"], row["check_id"], row["kind"], row["resource_id"]) for row in rows]
    assert keys == sorted(keys)
    double = next(
        r for r in rows if r["check_id"] == "linux.accounts.uid0_unique" and r["status"] == "fail"
    )
    assert double["severity"] == "critical"
    assert double["controls"] == "A.8.2"
    assert double["since"].endswith("Z")


@pytest.mark.parametrize(
    "command",
    [
        ("status",), ("controls",), ("controls", "a.8.2"), ("findings",), ("findings", "--by", "fix"),
        ("unknowns",), ("scope",), ("criteria",), ("criteria", "--unbound"), ("collectors",),
        ("collectors", "--checks"), ("permissions", "linux"), ("doctor", "--offline"), ("verify",),
        ("evidence", "replay"), ("evidence", "show", "web"), ("explain", "1"),
    ],
)  # fmt: skip
def test_every_listing_speaks_json_and_a_table(
    run: Run, swept: World, command: tuple[str, ...]
) -> None:
    assert swept
    asked = run(*command, "--format", "json")
    assert asked.code == 0, asked.err
    assert json.loads(asked.out)
    table = run(*command)
    assert table.code == 0
    assert table.out.strip()


def test_all_93_controls_are_always_there(run: Run, swept: World) -> None:
    assert swept
    rows = json.loads(run("controls", "--format", "json").out)
    assert len(rows) == 93
    privileged = next(row for row in rows if row["control"] == "A.8.2")
    assert privileged["status"] in {"not_met", "partly_met"}
    physical = next(row for row in rows if row["control"] == "A.7.1")
    assert physical["status"] == "no_evidence"


def test_exit_codes_are_asked_for(run: Run, world: World) -> None:
    assert run("sweep", "--exit-on", "fail,unknown").code == 1
    assert run("sweep", "--exit-on", "unknown").code == 2
    assert run("sweep").code == 0
    assert run("sweep", "--exit-on", "warn").code == 3
    assert world.store.exists()


def test_a_second_sweep_of_the_same_image_changes_nothing(run: Run, swept: World) -> None:
    again = json.loads(run("sweep", "--format", "json").out)
    assert again["changed"] == 0
    assert again["new_failures"] == 0
    assert [unit["unchanged"] for unit in again["units"]] == [True]
    assert "nothing changed" in run("diff").out
    assert swept


def test_what_was_mended_is_recovered(run: Run, swept: World) -> None:
    swept.write("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n")
    result = json.loads(run("sweep", "--format", "json").out)
    assert result["changed"] >= 1
    rows = json.loads(run("diff", "--format", "json").out)
    assert any(row["check_id"] == "linux.accounts.uid0_unique" for row in rows)


def test_as_of_shows_what_was_known_then(run: Run, swept: World) -> None:
    assert swept
    assert json.loads(run("findings", "--as-of", "2020-01-01", "--format", "json").out) == []
    assert run("findings", "--as-of", "yesterday").code == 3


def test_verify_names_the_row_that_was_edited(run: Run, swept: World) -> None:
    with closing(sqlite3.connect(swept.store)) as database, database:
        for (guard,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'verdicts'"
        ).fetchall():
            database.execute(f'DROP TRIGGER "{guard}"')
        database.execute("UPDATE verdicts SET status = 1 WHERE status = 2")
    ended = run("verify")
    assert ended.code == 4
    assert "PROBLEM" in ended.out


def test_an_export_is_complete_and_says_what_cannot_be_excluded(run: Run, swept: World) -> None:
    ended = run("export", "--format", "csv", "--output", str(swept.folder / "out"))
    assert ended.code == 0
    names = {path.name for path in (swept.folder / "out").iterdir()}
    assert names == {"about.json", "controls.csv", "criteria.csv", "findings.csv", "parts.csv"}
    about = json.loads((swept.folder / "out" / "about.json").read_text())
    assert "cannot be excluded" in about["ledger"]["outside_copies"][0]
    whole = json.loads(run("export", "--format", "json").out)
    assert len(whole["controls"]) == 93
    assert run("export").code == 3


def test_cells_that_a_spreadsheet_would_run_are_quoted(run: Run, world: World) -> None:
    world.write("/etc/passwd", FILES["/etc/passwd"] + "=cmd|x:x:0:0::/:/bin/sh\n")
    run("sweep")
    out = run("findings", "--format", "csv").out
    assert ",=cmd|x," not in out


def test_a_mistyped_command_is_suggested(run: Run) -> None:
    ended = run("sweeep")
    assert ended.code == 3
    assert "Did you mean 'sweep'?" in ended.err


def test_unknown_names_are_refused_with_what_there_is(run: Run, swept: World) -> None:
    assert swept
    for arguments, word in (
        (("sweep", "--target", "mail"), "web"),
        (("sweep", "--collector", "linux.nett"), "linux.net"),
        (("controls", "A.9.9"), "A.8.34"),
        (("evidence", "show", "mail"), "linux/web"),
        (("explain", "4000"), "annexa findings"),
    ):
        ended = run(*arguments)
        assert ended.code == 3, arguments
        assert word in ended.err, arguments


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("colour = true\n", "unknown setting"),
        ('[criteria."linux.no.such".x]\nvalue = 1\n', "source"),
        ('freshness = "soon"\n', "write"),
    ],
)
def test_a_bad_configuration_is_named_with_its_line(
    run: Run, world: World, more: str, message: str
) -> None:
    world.declare(more)
    ended = run("sweep")
    assert ended.code == 3
    assert message in ended.err
    assert "annexa.toml:" in ended.err
    assert not world.store.exists()


SOURCE = (
    'source = {document = "P", version = "1", section = "2", approved_by = "J", '
    "approved_on = 2020-01-01}\n"
)


@pytest.mark.parametrize(
    ("criterion", "message"),
    [
        ('[criteria."linux.no.such".x]\nvalue = 1\n', "no installed check has this id"),
        ('[criteria."linux.auth.password_ageing".x]\nvalue = 1\n', "no such criterion"),
        ('[criteria."linux.auth.shell_timeout".idle]\nvalue = ["a"]\n', "write a whole number"),
    ],
)
def test_a_criterion_that_fits_no_check_is_refused(
    run: Run, world: World, criterion: str, message: str
) -> None:
    world.declare(criterion + SOURCE)
    for command in (("config", "check"), ("sweep",)):
        ended = run(*command)
        assert ended.code == 3
        assert message in ended.err
        assert re.match(r".*annexa\.toml:\d+: criteria\.", ended.err)


def test_a_target_out_of_scope_is_not_read_and_counts_as_decided(run: Run, world: World) -> None:
    world.declare(
        '[[scope.out]]\ntarget = "web"\nreason = "sold"\nauthor = "M"\ndate = 2020-01-01\n'
    )
    assert run("sweep", "--target", "web").code == 3
    scope = run("scope").out
    assert "out of scope" in scope
    assert "sold" in scope


def test_a_store_that_is_none_ends_with_code_4(run: Run, world: World) -> None:
    assert run("status").code == 4, "there is no store yet"
    world.store.parent.mkdir()
    world.store.write_text("no database, but long enough to be looked at" * 20)
    ended = run("sweep")
    assert ended.code == 4
    assert str(world.store) in ended.err


def test_a_newer_store_is_refused(run: Run, swept: World) -> None:
    with closing(sqlite3.connect(swept.store)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    ended = run("sweep")
    assert ended.code == 4
    assert "newer release" in ended.err


def test_a_locked_store_says_so(run: Run, swept: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from evidence_store import Store  # noqa: PLC0415 - to shorten its patience

    whole = Store.open

    def impatient(path: Path, **options: object) -> Store:
        return whole(path, busy_seconds=0.2, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Store, "open", impatient)
    with closing(sqlite3.connect(swept.store, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = run("sweep")
    assert ended.code == 4
    assert "locked" in ended.err.lower() or "another process" in ended.err
    assert run("sweep").code == 0


def test_an_image_is_read_below_root(run: Run, world: World) -> None:
    ended = run("sweep", "--root", str(world.image), "--format", "json")
    assert ended.code == 0
    assert json.loads(ended.out)["units"][0]["target"].startswith("linux/image-")


def test_a_terminal_ctrl_c_keeps_what_was_finished(world: World) -> None:
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "annexa", "sweep", "--config", str(world.config)]
    code = ""
    # Interrupted at the first sign of life, so that some listings are still open; a run that was
    # faster than the signal is tried again.
    for _ in range(5):
        with subprocess.Popen(
            command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True
        ) as sweep:
            assert sweep.stderr is not None
            assert sweep.stderr.readline().startswith("Sweep ")
            sweep.send_signal(signal.SIGINT)
            began = time.monotonic()
            words = sweep.stderr.read()
        assert time.monotonic() - began < 10
        assert sweep.returncode in {0, 130}
        if sweep.returncode == 130:
            code = words
            break
    assert "annexa sweep --resume" in code


def test_the_example_configuration_is_printed_and_loads(run: Run, world: World) -> None:
    example = run("config", "example").out
    world.config.write_text(example)
    assert run("config", "check").code == 0
    assert json.loads(run("config", "schema").out)["type"] == "object"
