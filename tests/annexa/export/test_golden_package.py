"""Packages of earlier releases verify for ever, and are still refused when one byte differs.

A version of the format never changes: a new one gets a file of its own here. `version-1.zip` was
written from two sweeps of `tests.acme`: the second was refused a listing, a member was erased
between them, teams' names and everybody's `listed.created` are withheld.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import pytest

from annexa.export import verify_annexa
from tests.annexa.export.conftest import Files, listed
from tests.annexa.export.test_verifier import claimed, flipped

ROUNDS = int(os.environ.get("ANNEXA_CRASH_ROUNDS", "100"))
GOLDEN = Path(__file__).parent / "golden"
ASKED = ["--key", (GOLDEN / "key.txt").read_text().strip(), "--head", str(GOLDEN / "head.txt")]


@pytest.mark.parametrize("name", ["version-1.zip"])
def test_a_package_of_an_earlier_release_verifies(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_annexa.main([str(GOLDEN / name), *ASKED]) == 0
    said = capsys.readouterr().out
    assert said.count("NOT READ in sweep 2 (denied AccessDenied people:list)") == 4
    assert "listed.city = erased" in said
    assert "acme.teams.team  resource-" in said
    assert "the head you kept, of size 4, is of this ledger" in said
    assert said.endswith("\nVERIFIED\n")


def test_its_own_copy_of_the_verifier_still_runs_and_agrees(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(GOLDEN / "version-1.zip") as archive:
        source = archive.read("verify_annexa.py").decode()
    module: dict[str, object] = {"__name__": "verify_annexa", "__doc__": "kept copy"}
    exec(compile(source, str(tmp_path / "verify_annexa.py"), "exec"), module)  # noqa: S102 - ours
    main = module["main"]
    assert callable(main)
    assert main([str(GOLDEN / "version-1.zip"), *ASKED]) == 0
    assert capsys.readouterr().out.endswith("\nVERIFIED\n")


def test_one_changed_byte_of_it_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zipfile.ZipFile(GOLDEN / "version-1.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    changed = files["items/000003.json"].replace(b"Graz", b"Wien", 1)
    assert changed != files["items/000003.json"]
    with zipfile.ZipFile(tmp_path / "changed.zip", "w") as archive:
        for name, data in listed(files | {"items/000003.json": changed}).items():
            archive.writestr(name, data)
    assert verify_annexa.main([str(tmp_path / "changed.zip"), *ASKED]) == 1
    assert capsys.readouterr().out.endswith("\nREFUSED\n")


class RefusedAtOnce(verify_annexa.Check):
    """A run that ends with the first thing that is wrong: one is enough to refuse the package."""

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        with super().step(what):
            yield
        if self.failed:
            raise EndedError


class EndedError(Exception):
    """Something was wrong."""


def refused(files: Files) -> bool:
    check = RefusedAtOnce([verify_annexa.Key(ASKED[1])], "")
    with suppress(EndedError):
        check.run(files, None)  # type: ignore[arg-type]  # read is replaced
    return bool(check.failed)


@pytest.mark.prove
@pytest.mark.parametrize("relisted", [False, True], ids=["as it is", "with a fitting manifest"])
@pytest.mark.parametrize("half", [0, 1], ids=["first half", "second half"])
def test_every_flipped_bit_of_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, half: int, *, relisted: bool
) -> None:
    """Of 215,328 bits of the files that are vouched for, 200 a round; all from 1,100 rounds on.

    All take about six minutes of one core.
    """
    monkeypatch.setattr(verify_annexa, "read", dict)
    # Only what held is remembered: a changed head is verified anew.
    monkeypatch.setattr(verify_annexa, "need_signature", cache(verify_annexa.need_signature))
    with zipfile.ZipFile(GOLDEN / "version-1.zip") as archive:
        files: Files = {name: archive.read(name) for name in archive.namelist()}
    assert not refused(files)
    bits = [(name, bit) for name in claimed(files) for bit in range(len(files[name]) * 8)]
    step = len(bits) // (ROUNDS * 200) | 1  # odd: every place in a byte takes its turn
    chosen = bits[::step][half::2]
    assert len(chosen) >= min(len(bits) // 2, ROUNDS * 70)
    for name, place in chosen:
        changed = files | {name: flipped(files[name], place)}
        assert refused(listed(changed) if relisted else changed), f"{name}, bit {place}"
