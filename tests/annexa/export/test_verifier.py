"""The offline verifier: what it accepts, and that it refuses everything else with a clear word."""

from __future__ import annotations

import ast
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from annexa import export
from annexa.export import verify_annexa
from tests.annexa.export.conftest import Evidence, Files, Verify, listed

SOURCE = Path(verify_annexa.__file__)
FOR_PEOPLE = ("README.md", "verify_annexa.py", "index.txt", "manifest.txt")


@pytest.fixture(scope="session")
def packages(evidence: Evidence) -> dict[str, Files]:
    """A whole package since an earlier head, a redacted one, and one without others' leaves."""
    return {
        "whole": dict(evidence.package(since=evidence.head).files),
        "redacted": dict(evidence.package("listed.city", "acme.people.person:key").files),
        "paths": dict(evidence.package("facts.key", leaves=False).files),
    }


def claimed(files: Files) -> list[str]:
    """The files whose content the verifier vouches for."""
    return [
        name
        for name in sorted(files)
        if name not in FOR_PEOPLE and not (name.startswith("items/") and name.endswith(".txt"))
    ]


@pytest.mark.parametrize("name", ["whole", "redacted", "paths"])
def test_a_package_verifies(packages: dict[str, Files], verify: Verify, name: str) -> None:
    said = verify(packages[name], head=name == "whole")
    assert said.failed == []
    assert said.unchecked == []
    assert len(said.items) == len([n for n in packages[name] if n.startswith("items/")]) / 2


@pytest.mark.parametrize("suffix", ["", ".zip"])
def test_it_runs_in_an_empty_folder_with_nothing_of_ours(
    evidence: Evidence, tmp_path: Path, suffix: str
) -> None:
    made = evidence.package()
    export.write(made.files, tmp_path / f"package{suffix}", made.dated)
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "verify.py").write_bytes(made.files["verify_annexa.py"])
    asked = ["-I", "-S", "verify.py", f"../package{suffix}", "--key", evidence.key]
    ended = subprocess.run(
        [sys.executable, *asked], cwd=empty, capture_output=True, text=True, check=False
    )
    assert ended.stderr == ""
    assert ended.stdout.endswith("\nVERIFIED\n")
    assert "NOT READ in sweep 2 (denied AccessDenied people:list): carried since sweep 1" in (
        ended.stdout
    )
    assert ended.returncode == 0


def test_it_is_one_short_file_of_python_3_9_and_its_standard_library() -> None:
    text = SOURCE.read_text()
    tree = ast.parse(text, feature_version=(3, 9))
    names = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    names |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    assert names <= {*sys.stdlib_module_names}
    assert len(text.splitlines()) <= 500


@pytest.mark.parametrize("relisted", [False, True], ids=["as it is", "with a fitting manifest"])
@pytest.mark.parametrize("name", ["whole", "redacted", "paths"])
def test_flipped_bits_are_refused(
    packages: dict[str, Files], verify: Verify, name: str, *, relisted: bool
) -> None:
    """A sample; `test_every_flipped_bit_of_it_is_refused` flips all of the golden package."""
    files, chance = packages[name], random.Random(20261125)  # noqa: S311 - a sample
    for each in chance.sample(claimed(files), 20):
        for _ in range(2):
            place = chance.randrange(len(files[each]) * 8)
            changed = files | {each: flipped(files[each], place)}
            said = verify(listed(changed) if relisted else changed)
            assert said.failed, f"{each}, bit {place}"


def flipped(data: bytes, place: int) -> bytes:
    at, bit = divmod(place, 8)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def variants(value: Any) -> Iterator[Any]:
    """The value with each of its fields changed in turn: dropped, doubled, replaced."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield {n: v for n, v in value.items() if n != name}
            yield from ({**value, name: other} for other in variants(each))
        yield {**value, "more": 1}
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield value[:place] + value[place + 1 :]
            yield [*value[:place], each, *value[place:]]
            yield from ([*value[:place], v, *value[place + 1 :]] for v in variants(each))
        yield from ([value[::-1]] if len(value) > 1 and value[::-1] != value else [])
    elif isinstance(value, str):
        yield value + "0"
        yield value[:-1]
        yield from ([value[1:] + value[0]] if len(set(value)) > 1 else [])
        yield None
    else:
        yield "x"
        yield 10**30
        yield (value or 0) + 1 if not isinstance(value, bool) else None


@pytest.mark.parametrize("name", ["whole", "redacted", "paths"])
def test_each_changed_field_of_each_proof_is_refused(
    packages: dict[str, Files], verify: Verify, name: str
) -> None:
    files, chance = packages[name], random.Random(7)  # noqa: S311 - a sample
    for each in [n for n in claimed(files) if n.startswith("items/") or n.endswith("lines.json")]:
        made = [v for v in variants(json.loads(files[each])) if not fewer(v, files[each])]
        for value in chance.sample(made, min(len(made), 12)):
            if value == json.loads(files[each]):
                continue
            data = (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()
            said = verify(listed(files | {each: data}))
            assert said.failed, f"{each}: {value}"


def fewer(value: Any, data: bytes) -> bool:
    """Whether only lines of an attachment were dropped: a smaller package, and not a false one."""
    shown = json.loads(data)
    return "journal" in shown and all(
        isinstance(lines, list)
        and all(line in shown.get(name, ()) for line in lines)
        and len(lines) <= len(shown[name])
        for name, lines in value.items()
    )


def swapped(files: Files, one: str, other: str) -> Files:
    return files | {one: files[other], other: files[one]}


CHANGES: dict[str, Callable[[Files], Files]] = {
    "two items swapped": lambda f: swapped(f, "items/000001.json", "items/000002.json"),
    "an item dropped": lambda f: {n: d for n, d in f.items() if "items/000002" not in n},
    "an item twice": lambda f: f | {"items/000001.json": f["items/000002.json"]},
    "an entry dropped": lambda f: {n: d for n, d in f.items() if n != "ledger/6.json"},
    "two entries swapped": lambda f: swapped(f, "ledger/5.json", "ledger/8.json"),
    "two proofs swapped": lambda f: swapped(f, "ledger/5.tlog-proof", "ledger/8.tlog-proof"),
    "leaves of another unit": lambda f: swapped(f, "units/7/leaves.txt", "units/6/leaves.txt"),
    "a leaf dropped": lambda f: f | {"units/7/leaves.txt": f["units/7/leaves.txt"][196:]},
    "leaves out of order": lambda f: (
        f | {"units/7/leaves.txt": b"\n".join(f["units/7/leaves.txt"].split(b"\n")[-2::-1]) + b"\n"}
    ),
    "a file cut short": lambda f: f | {"items/000003.json": f["items/000003.json"][:-1]},
    "no checkpoint": lambda f: {n: d for n, d in f.items() if n != "checkpoint.txt"},
    "an older checkpoint": lambda f: f | {"checkpoint.txt": f["earlier.txt"]},
    "no consistency proof": lambda f: {n: d for n, d in f.items() if n != "consistency.txt"},
    "a unit of no entry": lambda f: f | {"units/99/parts.json": b"[]"},
    "a file in a unit": lambda f: f | {"units/7/more.json": b"[]"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_package_that_was_put_together_otherwise_is_refused(
    packages: dict[str, Files], verify: Verify, change: str
) -> None:
    changed = CHANGES[change](packages["whole"])
    assert changed != packages["whole"]
    assert verify(listed(changed)).failed
    said = verify(changed)
    assert said.failed or said.unchecked


def test_what_is_not_of_the_package_is_told(packages: dict[str, Files], verify: Verify) -> None:
    said = verify(packages["whole"] | {"items/notes.doc": b"see sheet 3"})
    assert said.failed == []
    assert said.unchecked == ["items/notes.doc: is no file of this package"]
    said = verify(listed(packages["whole"] | {"opinion.txt": b"all is well"}))
    assert said.unchecked == ["opinion.txt: is no file of this package"]
