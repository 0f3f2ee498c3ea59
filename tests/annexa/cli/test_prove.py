"""`annexa evidence prove`: proofs that are checked as the guide says, and refused when edited."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from evidence_store import Store
from tests.annexa.cli.conftest import Shell

GUIDE = Path(__file__).parents[3] / "docs/how-to/verify-a-package.md"


@pytest.fixture
def proven(swept: Shell) -> Shell:
    """Proofs of the last unit and of growth since the first head, and the verifier."""
    with Store.open(swept.folder / "evidence.db") as store:
        head = store.checkpoints()[-1]
        unit = max(row.id for row in store.entries() if row.kind == "unit")
    (swept.folder / "kept.txt").write_text(head.note)
    swept.ok("sweep")
    swept.ok("evidence", "prove", str(unit), "--output", "proof")
    swept.ok("evidence", "prove", "--from", "kept.txt", "--output", "growth")
    (swept.folder / "verify_annexa.py").write_text(swept.ok("evidence", "verifier"))
    return swept


def checked(shell: Shell) -> bool:
    """Runs the guide's own lines with the ledger's key."""
    (code,) = re.findall("```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    key = shell.ok("evidence", "key").strip()
    code = code.replace("annexa/acme+0f3a51c2+AbCd…", key)
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=shell.folder, capture_output=True, check=False
    )
    return ended.returncode == 0


def test_proofs_are_checked_with_the_lines_of_the_guide(proven: Shell) -> None:
    assert checked(proven)
    said = proven.ok("evidence", "accesses")
    assert said.count("proved") == 2
    assert "growth from size 5 to 9" in said


def test_an_edited_proof_is_refused(proven: Shell) -> None:
    files = [path for name in ("proof", "growth") for path in (proven.folder / name).iterdir()]
    assert len(files) == 6
    for path in files:
        whole = path.read_bytes()
        edited = bytearray(whole)
        edited[whole.index(b"\n") - 4 if b"\n" in whole else -4] ^= 1
        path.write_bytes(edited)
        assert not checked(proven), path
        path.write_bytes(whole)
    assert checked(proven)


def test_a_proof_is_printed_as_c2sp_writes_it(proven: Shell) -> None:
    said = proven.ok("evidence", "prove", "1")
    assert said.startswith("c2sp.org/tlog-proof@v1\nindex 0\n")
    assert said.count("\n\n") == 2


def test_what_cannot_be_proven_is_refused_with_the_reason(proven: Shell) -> None:
    assert proven("evidence", "prove").code == 3
    assert proven("evidence", "prove", "1", "--from", "kept.txt").code == 3
    assert proven("evidence", "prove", "9999").code == 4
    said = proven("evidence", "prove", "1", "--output", "proof")
    assert (said.code, said.err) == (3, "proof: File exists; name another --output\n")
    kept = proven.folder / "kept.txt"
    kept.write_text(kept.read_text().replace("\n5\n", "\n4\n"))
    assert "is none of this ledger" in proven("evidence", "prove", "--from", "kept.txt").err
