"""A store on PostgreSQL behind the same commands: the same words, and the same digests."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator

import pytest

from evidence_store.schema import REVISION
from tests.annexa.cli.conftest import Shell
from tests.postgres import PostgresServer


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database(empty=True) as name:
        yield postgres.url(name)


READS = (
    ("status",),
    ("findings", "--format", "json"),
    ("unknowns",),
    ("controls", "--format", "csv"),
    ("diff", "--format", "json"),
    ("scope", "--format", "json"),
    ("verify", "--format", "json"),
    ("evidence", "show", "linux/web-1"),
    ("evidence", "replay"),
)


def test_both_databases_give_the_same_answers_and_the_same_digests(shell: Shell, url: str) -> None:
    shell.ok("sweep", "--store", "annexa.db")
    keys = shell.folder / "home" / "annexa" / "keys"
    keys.mkdir(parents=True)
    for name in ("digest-key", "signing-key"):
        shutil.copy(
            f"annexa.db.{name}", keys / f"{url.partition('@/')[2].partition('?')[0]}.{name}"
        )
    shell.configure((shell.folder / "annexa.toml").read_text() + '\n[store]\norigin = "a/b"\n')
    (shell.folder / "annexa.db").unlink()
    for store in ("annexa.db", url):
        shell.ok("sweep", "--target", "web-1", "--store", store)
    shell.clock.shift(3600)
    shell.worlds["web-1"].people.append({"name": "root2", "uid": 0})
    for store in ("annexa.db", url):
        shell.ok("sweep", "--target", "web-1", "--store", store)
    for command in READS:
        said = [shell(*command, "--store", store) for store in ("annexa.db", url)]
        assert said[0].code == said[1].code, said[1].err
        assert said[0].out == said[1].out, command
    items = []
    for store in ("annexa.db", url):
        item = json.loads(shell.ok("evidence", "show", "linux/web-1", "toor", "--store", store))
        # The journal tells calls in the order they came in, and the tree commits to it.
        assert item.pop("ledger")["size"] == 7
        items.append(item)
    assert items[0] == items[1]
    assert items[0]["entry"]["state_root"]


def test_what_a_person_sees_names_the_server_and_nothing_else(shell: Shell, url: str) -> None:
    shown = url.partition("?")[0].replace("@/", f"@{url.partition('host=')[2]}/")
    shell.configure((shell.folder / "annexa.toml").read_text() + f'\n[store]\nurl = "{url}"\n')
    shell.forget("ANNEXA_STORE")
    assert f"store {shown}\n" in shell.ok("config", "check")
    fresh = shell("doctor", "--offline", "--format", "json").out
    assert f"{shown}: made by the first sweep" in fresh
    said = shell("status")
    assert (said.code, said.err) == (
        4,
        f"{shown}: no store there; `annexa sweep` creates it\n",
    )
    assert "never read" in shell.ok("scope")
    assert f"Kept    {shown}\n" in shell.ok("sweep")
    doctor = shell("doctor", "--offline", "--format", "json").out
    assert f"{shown}: 1 sweep, origin annexa/" in doctor
    assert "MB free" not in doctor
    assert (
        shell.ok("store", "upgrade") == f"{shown}: schema {REVISION}; guards and rights renewed\n"
    )


@pytest.mark.parametrize("source", ["--store", "$ANNEXA_STORE", "annexa.toml"])
def test_a_password_in_the_address_is_refused_and_never_repeated(
    shell: Shell, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = "postgresql://annexa:hunter2@db/annexa"
    arguments = ["--store", told] if source == "--store" else []
    if source == "$ANNEXA_STORE":
        monkeypatch.setenv("ANNEXA_STORE", told)
    if source == "annexa.toml":
        shell.configure(f'[store]\nurl = "{told}"\n')
        shell.forget("ANNEXA_STORE")
    said = shell("status", *arguments)
    assert said.code == 3
    assert "hunter2" not in said.out + said.err
    assert source in said.err
    assert "password" in said.err or "secret" in said.err


def test_a_server_that_is_not_there_is_named_with_what_to_do(shell: Shell) -> None:
    said = shell("status", "--store", "postgresql://annexa@/annexa?host=/nowhere")
    assert said.code == 4
    assert said.err.startswith("postgresql://annexa@/nowhere/annexa: ")
    assert "check server, address and account" in said.err


def test_without_the_extra_the_message_names_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "evidence_store.postgres", raising=False)
    said = shell("status", "--store", "postgresql://annexa@db/annexa")
    assert said.code == 4
    assert "annexa[postgres]" in said.err


def test_the_roles_are_told_as_a_table_and_as_sql(shell: Shell) -> None:
    store = ["--store", "postgresql://annexa@db/my-evidence"]
    table = shell.ok("store", "roles", *store, "--format", "csv")
    assert 'annexa_writer,entries,"select, insert"' in table
    assert "annexa_reader,leaves,select" in table
    sql = shell.ok("store", "roles", "--sql", *store)
    assert "CREATE ROLE annexa_sequencer NOLOGIN" in sql
    assert 'ON DATABASE "my-evidence"' in sql
    assert shell("store", "roles").code == 3
