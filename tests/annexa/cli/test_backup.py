"""`annexa store backup` and `restore`, as an operator goes through a loss."""

from __future__ import annotations

from pathlib import Path

from tests.annexa.cli.conftest import Shell
from tests.annexa.cli.test_outside import held

__all__ = ["held"]


def lose(shell: Shell) -> None:
    for path in shell.folder.glob("evidence.db*"):
        path.unlink()


def test_what_was_backed_up_is_there_again_after_a_loss(swept: Shell) -> None:
    before = swept.ok("findings", "--format", "json")
    assert swept.ok("store", "backup", "kept").endswith("5 entries, with both keys\n")
    assert "backup, 5 entries" in swept.ok("evidence", "accesses")
    assert swept("store", "backup", "kept").code == 4
    assert "nothing is overwritten" in swept("store", "restore", "kept").err
    lose(swept)
    said = swept("store", "restore", "kept")
    assert said.code == 0
    assert "verified" in said.out
    assert "cannot be told" in said.err
    assert swept.ok("findings", "--format", "json") == before
    swept.ok("sweep")
    swept.ok("verify")


def test_a_restore_that_lacks_entries_leads_to_a_new_epoch(shell: Shell, held: Path) -> None:
    shell.ok("sweep")
    shell.ok("store", "backup", "kept")
    shell.ok("sweep")
    assert any(held.rglob("*.checkpoint"))
    lose(shell)
    said = shell("store", "restore", "kept")
    assert said.code == 4
    assert "is older than what was signed since" in said.err
    assert "annexa store new-epoch --reason" in said.err
    assert shell("sweep").code == 4
    shell.ok("store", "new-epoch", "--reason", "disk failed")
    shell.ok("sweep")
    assert "Reason given: disk failed" in shell.ok("verify")
