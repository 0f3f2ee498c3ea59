"""How commands end: 0, 1, 2 by the findings, 3 usage and configuration, 4 store, and one message."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from collectors import CallError, Cause
from evidence_store import StoreError
from tests.acme import World
from tests.annexa.cli import world as fixed
from tests.annexa.cli.conftest import Shell

READERS = ["status", "controls", "findings", "unknowns", "diff", "verify"]


@pytest.mark.parametrize(
    ("wanted", "code"), [("", 0), ("fail", 1), ("unknown", 2), ("fail,unknown", 1)]
)
def test_a_sweep_ends_with_what_was_asked_for(shell: Shell, wanted: str, code: int) -> None:
    assert shell("sweep", "--exit-on", wanted).code == code


def test_only_unknowns_end_with_two(shell: Shell) -> None:
    assert shell("sweep", "--target", "db-1", "--exit-on", "fail,unknown").code == 2
    assert shell("sweep", "--target", "db-1", "--exit-on", "fail").code == 0


def test_a_target_that_cannot_be_reached_is_recorded_and_no_error(shell: Shell) -> None:
    shell.worlds["web-1"] = World(refuse={"open": CallError(Cause.UNREACHABLE, "NoRoute", "down")})
    said = shell("sweep", "--target", "web-1")
    assert said.code == 0
    assert "linux/web-1: not read: NoRoute: down" in said.out
    assert shell("sweep", "--target", "web-1", "--exit-on", "fail,unknown").code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["swep"], "Did you mean 'sweep'?"),
        (["wholly-unknown"], "No such command 'wholly-unknown'"),
        (["sweep", "--exit-on", "fails"], "--exit-on takes fail and unknown, not fails"),
        (["sweep", "--collector", "linux.nets"], "no collector is named 'linux.nets'"),
        (["sweep", "--target", "web-9"], "target web-9 is not declared; declared: linux/db-1"),
        (["sweep", "--target", "aws/web-1"], "target aws/web-1 is not declared"),
        (["sweep", "--target", "lab-1"], "out of scope by decision of 2026-10-02"),
        (["sweep", "--target", "linux/lab-1"], "(no customer data)"),
        (["sweep", "--resume"], "no sweep was stopped"),
        (["sweep", "--root", "nowhere"], "does not exist"),
        (["findings", "--as-of", "yesterday"], "'yesterday' is no time; write 2026-11-24"),
        (["findings", "--as-of", "2026-13-01"], "is no time"),
        (["findings", "--format", "xml"], "'xml' is not one of"),
        (["findings", "--status", "broken"], "is not one of"),
        (["diff", "1"], "give two sweeps"),
        (["diff"], "only one sweep is recorded"),
        (["diff", "--since", "soon"], "nothing to compare"),
        (["controls", "A.9.9"], "A.9.9 is no control of ISO/IEC 27001:2022"),
        (["explain", "99"], "open findings"),
        (["explain", "linux.no.check"], "no finding of linux.no.check"),
        (["evidence", "show", "web-9"], "no target 'web-9' was ever read"),
        (["evidence", "show", "web-1", "nobody"], "has no resource 'nobody'"),
        (["export"], "choose --format csv or --format json"),
        (["export", "--format", "csv"], "give a folder with --output"),
        (["export", "--format", "json", "--output", "no/such/folder/x.json"], "no/such/folder"),
        (["export", "--format", "csv", "--output", "annexa.toml"], "annexa.toml"),
        (["--config", "x"], "No such option"),
        (["sweep", "--as-of", "2026-01-01"], "--as-of does not apply here: a sweep reads what is"),
        (["sweep", "--format", "csv"], "table or json"),
        (["status", "--target", "web-1"], "--target does not apply here: a control is judged over"),
        (["controls", "--collector", "linux.auth"], "annexa findings --target … --collector …"),
        (["export", "--format", "json", "--target", "web-1"], "--target does not apply here"),
        (["verify", "--as-of", "2026-01-01"], "the store is verified as a whole"),
        (["findings", "--config", "nowhere.toml"], "there is no such file (named by --config)"),
    ],
)
def test_a_mistake_ends_with_three_and_says_what_to_do(
    swept: Shell, arguments: list[str], message: str
) -> None:
    said = swept(*arguments)
    assert said.code == 3, said.err
    assert message in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_every_problem_of_the_configuration_is_named_with_its_line(shell: Shell) -> None:
    shell.configure('organisation = 3\n[sweep]\nthread = 4\ncap = "x"\n')
    said = shell("findings")
    assert said.code == 3
    assert said.err == (
        "annexa.toml:1: organisation: write a text in quotes\n"
        "annexa.toml:3: sweep.thread: unknown setting; did you mean 'threads'?\n"
        "annexa.toml:4: sweep.cap: write a whole number, without quotes\n"
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[criteria."linux.no.check".days]', "no installed check has this id"),
        (
            '[criteria."linux.accounts.inactive_locked".days]',
            "the check has no such criterion; it has: max_age",
        ),
        ('[criteria."linux.auth.ssh_users_restricted".users]', "write a list of texts"),
    ],
)
def test_a_criterion_that_fits_no_check_is_refused(shell: Shell, table: str, message: str) -> None:
    shell.configure(
        f"[targets.web-1]\nplatform = 'linux'\n{table}\nvalue = 3\nsource = {{ document = 'P', "
        "version = '1', section = '1', approved_by = 'x', approved_on = 2026-01-01 }\n"
    )
    for command in (["sweep"], ["criteria"], ["config", "check"]):
        said = shell(*command)
        assert said.code == 3
        assert message in said.err


@pytest.mark.parametrize("command", READERS)
def test_reading_where_no_store_is_says_which_command_makes_one(shell: Shell, command: str) -> None:
    said = shell(command)
    assert said.code == 4
    assert "no store there; `annexa sweep` creates it" in said.err
    assert not (shell.folder / "evidence.db").exists()


def test_a_sweep_makes_the_folder_of_its_store(shell: Shell) -> None:
    assert shell("sweep", "--store", "new/folder/evidence.db").code == 0
    assert (shell.folder / "new/folder/evidence.db").is_file()


@pytest.mark.parametrize("command", ["sweep", "findings"])
def test_a_file_that_is_no_store_is_refused_and_left_alone(shell: Shell, command: str) -> None:
    (shell.folder / "evidence.db").write_text("a shopping list\n" * 100)
    said = shell(command)
    assert said.code == 4
    assert "evidence.db" in said.err
    assert (shell.folder / "evidence.db").read_text() == "a shopping list\n" * 100


def test_a_store_below_a_file_is_refused(shell: Shell) -> None:
    said = shell("sweep", "--store", "annexa.toml/evidence.db")
    assert said.code == 4
    assert "annexa.toml/evidence.db" in said.err


def test_a_store_of_a_newer_release_is_refused_and_left_alone(swept: Shell) -> None:
    path = swept.folder / "evidence.db"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    before = path.read_bytes()
    said = swept("findings")
    assert said.code == 4
    assert "newer" in said.err
    assert path.read_bytes() == before


def test_a_store_without_its_keys_is_refused(swept: Shell) -> None:
    (key,) = [path for path in swept.folder.iterdir() if path.suffix not in {".db", ".toml"}][:1]
    Path(key).unlink()
    said = swept("findings")
    assert said.code == 4
    assert key.name in said.err


def test_a_changed_byte_is_found_by_verify(swept: Shell) -> None:
    assert swept("verify").code == 0
    with sqlite3.connect(swept.folder / "evidence.db") as database:
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in names:
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE reasons SET reason = 'all is well' WHERE reason = 'uid 0'")
    database.close()
    said = swept("verify")
    assert said.code == 4
    assert "PROBLEM" in said.out


def test_a_verdict_that_comes_out_differently_ends_with_one(
    swept: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert swept("evidence", "replay").code == 0
    monkeypatch.setitem(
        vars(fixed.uid0_unique), "ask", lambda _account, _scene: fixed.passes("waved through")
    )
    said = swept("evidence", "replay")
    assert said.code == 1
    assert "fail uid 0" in said.out
    assert "pass waved through" in said.out


def test_a_store_that_fails_in_the_middle_ends_with_four(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("evidence.db: no space left")

    monkeypatch.setattr("evidence_store.store.Store.record", full)
    said = shell("sweep")
    assert (said.code, said.err.splitlines()[-1]) == (4, "evidence.db: no space left")


def test_an_error_nobody_expected_is_not_hidden(
    swept: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("evidence_store.store.Store.findings", broken)
    with pytest.raises(ZeroDivisionError):
        swept("findings")


def test_help_and_version_end_with_zero(shell: Shell) -> None:
    assert shell("--help").code == 0
    assert shell("sweep", "-h").code == 0
    assert shell.ok("--version").startswith("annexa, version ")
