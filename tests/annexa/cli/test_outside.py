"""Holders as people meet them: configured, asked by doctor, named by every report."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evidence_store import Store
from tests.annexa.cli.conftest import Shell


@pytest.fixture
def held(shell: Shell) -> Path:
    """The fixed world with a share that holds heads."""
    share = shell.folder / "share"
    share.mkdir()
    path = shell.folder / "annexa.toml"
    text = path.read_text()
    table = f'[[store.outside]]\nname = "share"\nkind = "directory"\npath = "{share}"\n'
    path.write_text(f"{text}\n{table}")
    return share


def heads(share: Path) -> list[Path]:
    return sorted(share.rglob("*.checkpoint"))


def test_every_report_names_who_holds_heads(shell: Shell, held: Path) -> None:
    assert "holds nothing yet" in shell("doctor", "--format", "json").out
    assert "held by share since 2026-11-24" in shell.ok("sweep")
    assert len(heads(held)) == 1
    assert "held by share since 2026-11-24" in shell.ok("status")
    said = shell.ok("verify")
    assert "holds 1 heads, the last over 5 of 5 leaves" in said
    assert "cannot be excluded" not in said
    assert "Held outside by share" in shell.ok("export", "--format", "json")
    assert "holds heads up to 5" in shell("doctor", "--format", "json").out


def test_a_holder_that_is_away_is_owed_and_stops_nothing(shell: Shell, held: Path) -> None:
    held.rmdir()
    said = shell.ok("sweep")
    assert "NO outside copy" in said
    assert "held by share is owed" in said
    assert shell("doctor").code == 3


@pytest.mark.usefixtures("held")
def test_a_rollback_stops_the_sweep_and_a_new_epoch_says_what_is_lost(shell: Shell) -> None:
    shell.ok("sweep")
    store = shell.folder / "evidence.db"
    old = shell.folder / "old.db"
    shutil.copy(store, old)
    shell.clock.shift(3600)
    shell.ok("sweep")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{store}{suffix}").unlink(missing_ok=True)
    shutil.copy(old, store)
    stopped = shell("sweep")
    assert stopped.code == 4
    assert "was rolled back, or restored from an older copy" in stopped.err
    assert "annexa store new-epoch" in stopped.err
    assert "goes on as" in shell.ok("store", "new-epoch", "--reason", "disk failed")
    shell.clock.shift(3600)
    shell.ok("sweep")
    assert "Reason given: disk failed" in shell.ok("verify")


def test_a_kept_checkpoint_is_compared(shell: Shell, held: Path) -> None:
    shell.ok("sweep")
    (head,) = heads(held)
    assert "the copy you gave" in shell.ok("verify", "--against", str(head))
    other = shell.folder / "other"
    other.write_text(head.read_text().replace("\n5\n", "\n4\n"))
    said = shell("verify", "--against", str(other))
    assert (said.code, "outside copy 4" in said.out) == (4, True)
    other.write_text("hello")
    assert shell("verify", "--against", str(other)).code == 3


def test_a_new_key_is_told_and_old_heads_still_verify(shell: Shell, held: Path) -> None:
    shell.ok("sweep")
    assert "+" in shell.ok("store", "rotate-key")
    assert len(heads(held)) == 2
    assert "The signing key was changed" in shell.ok("verify")


def test_what_came_after_a_head_is_verified_alone(shell: Shell, tmp_path: Path) -> None:
    shell.ok("sweep")
    with Store.open(shell.folder / "evidence.db") as store:
        kept = store.checkpoints()[-1]
    head = tmp_path / "head.txt"
    head.write_text(kept.note)
    shell.ok("sweep")
    said = shell.ok("verify", "--since", str(head))
    assert f"The head over {kept.size} entries is a prefix of this ledger" in said
    assert "NOT looked at again" in said
    assert "That head is the store's own" in shell.ok("verify", "--since", str(kept.size))
    assert f"since size {kept.size}, 0 problems" in shell.ok("evidence", "accesses")
    head.write_text(kept.note.replace(f"\n{kept.size}\n", f"\n{kept.size - 1}\n"))
    assert shell("verify", "--since", str(head)).code == 4
    assert shell("verify", "--since", "1000000").code == 4
    assert shell("verify", "--since", str(tmp_path / "none")).code == 3
