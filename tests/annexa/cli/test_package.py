"""`annexa evidence export`, `verifier` and `key` as an auditor and an operator use them."""

from __future__ import annotations

import subprocess
import sys

from tests.annexa.cli.conftest import Shell


def test_what_is_exported_is_verified_by_the_printed_verifier_and_key(swept: Shell) -> None:
    said = swept("evidence", "export", "--check", "linux.accounts.uid0_unique", "--output", "a.zip")
    assert (said.code, said.out, said.err) == (0, "", "a.zip: 4 items, 29 files\n")
    (swept.folder / "verify.py").write_text(swept.ok("evidence", "verifier"))
    key = swept.ok("evidence", "key").strip()
    asked = [sys.executable, "-I", "-S", "verify.py", "a.zip", "--key", key]
    ended = subprocess.run(asked, cwd=swept.folder, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("\nVERIFIED\n")


def test_the_same_evidence_gives_the_same_bytes(swept: Shell) -> None:
    for name in ("a.zip", "b.zip"):
        swept.ok("evidence", "export", "--output", name)
    one, other = ((swept.folder / name).read_bytes() for name in ("a.zip", "b.zip"))
    assert one == other


def test_a_rule_that_keeps_nothing_back_is_a_mistake(swept: Shell) -> None:
    said = swept("evidence", "export", "--withhold", "listed.nmae", "--output", "a")
    assert said.code == 3
    assert said.err.startswith("nothing that was to be exported has 'listed.nmae'; nothing was")
    assert not (swept.folder / "a").exists()


def test_a_redaction_file_withholds_and_says_what_can_still_be_read(swept: Shell) -> None:
    (swept.folder / "rules").write_text("linux.accounts.account:listed.name  # people\n")
    said = swept("evidence", "export", "--redact-file", "rules", "--output", "a")
    assert said.code == 0
    assert "what listed.name says still stands in key; withhold it too" in said.err


def test_a_package_is_never_mixed_with_another(swept: Shell) -> None:
    swept.ok("evidence", "export", "--output", "a")
    said = swept("evidence", "export", "--output", "a")
    assert (said.code, said.err) == (3, "a is there already; name another --output or remove it\n")
