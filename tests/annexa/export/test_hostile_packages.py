"""Packages made to break the reader: each ends in a clear refusal, none in a traceback."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from annexa import export
from annexa.export import verify_annexa
from tests.annexa.export.conftest import Evidence, Files, listed

DEEP = b"[" * 200_000 + b"]" * 200_000


@pytest.fixture(scope="session")
def files(evidence: Evidence) -> Files:
    return dict(evidence.package().files)


def item(files: Files, **changes: object) -> Files:
    value = json.loads(files["items/000001.json"]) | changes
    data = (json.dumps(value, sort_keys=True, indent=1) + "\n").encode()
    return files | {"items/000001.json": data}


HOSTILE: dict[str, Callable[[Files], Files]] = {
    "deep JSON in an item": lambda f: f | {"items/000001.json": DEEP},
    "deep JSON in a member": lambda f: item(f, key={"salt": "0" * 64, "value": DEEP.decode()}),
    "deep JSON of an entry": lambda f: f | {"ledger/0.json": DEEP},
    "no UTF-8 in an item": lambda f: f | {"items/000001.json": b"\xff\xfe\x00"},
    "no UTF-8 in a note": lambda f: f | {"checkpoint.txt": b"\x80" * 100},
    "no UTF-8 in the manifest": lambda f: f | {"manifest.txt": b"\xc3\x28"},
    "half a character": lambda f: item(f, key={"salt": "0" * 64, "value": "\ud800"}),
    "a huge number": lambda f: item(f, entry=10**4000),
    "an endless number": lambda f: f | {"items/000001.json": b'{"entry": ' + b"9" * 10**6 + b"}"},
    "a fraction for a place": lambda f: item(f, entry=1.5),
    "no number at all": lambda f: f | {"items/000001.json": b'{"entry": NaN}'},
    "a list for an object": lambda f: item(f, document=[1, 2]),
    "null for everything": lambda f: item(f, key=None, document=None, findings=None, entry=None),
    "an object for a hash": lambda f: item(f, key={"salt": {}, "value": "[]"}),
    "an unknown reason": lambda f: item(f, key={"digest": "0" * 64, "why": "lost"}),
    "a huge size": lambda f: f
    | {"checkpoint.txt": f["checkpoint.txt"].replace(b"\n9\n", b"\n%s\n" % (b"9" * 10**6))},
    "empty files": dict.fromkeys,
    "nothing": lambda _: {},
    "only a manifest": lambda f: {"manifest.txt": f["manifest.txt"]},
    "a doubled name in JSON": lambda f: f | {"items/000001.json": b'{"entry": 1, "entry": 1}'},
}  # fmt: skip


@pytest.mark.parametrize("how", HOSTILE)
@pytest.mark.parametrize("relisted", [False, True], ids=["as it is", "with a fitting manifest"])
def test_a_hostile_package_is_refused_in_words(
    files: Files,
    evidence: Evidence,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    how: str,
    *,
    relisted: bool,
) -> None:
    changed = {name: data or b"" for name, data in HOSTILE[how](files).items()}
    if changed.get("manifest.txt") != files["manifest.txt"]:
        relisted = False
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (listed(changed) if relisted else changed).items():
            archive.writestr(name, data)
    assert verify_annexa.main([str(path), "--key", evidence.key]) == 1
    said = capsys.readouterr()
    assert said.out.endswith("\nREFUSED\n")
    assert "FAILED" in said.out
    assert "Traceback" not in said.out + said.err


@pytest.mark.parametrize(
    "name",
    ["../outside.json", "/etc/passwd", "items/../../x.json", "C:\\x", "a\nb", "items//1", ".", "é"],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_is_never_followed(
    files: Files, evidence: Evidence, tmp_path: Path, name: str
) -> None:
    (tmp_path / "outside.json").write_text("untouched")
    path = tmp_path / "inside" / "package.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        for each, data in listed(files | {name: b"x"}).items():
            archive.writestr(each, data)
    assert verify_annexa.main([str(path), "--key", evidence.key]) in {1, 2}
    assert (tmp_path / "outside.json").read_text() == "untouched"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["inside", "outside.json"]


def test_a_link_in_a_folder_is_refused(
    files: Files, evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = evidence.package()
    export.write(made.files, tmp_path / "package", made.dated)
    secret = tmp_path / "secret.json"
    secret.write_bytes(files["items/000001.json"])
    (tmp_path / "package" / "items" / "000001.json").unlink()
    (tmp_path / "package" / "items" / "000001.json").symlink_to(secret)
    assert verify_annexa.main([str(tmp_path / "package"), "--key", evidence.key]) == 1
    assert "a link or device is in it" in capsys.readouterr().out


def test_a_pipe_in_a_folder_does_not_make_it_wait(evidence: Evidence, tmp_path: Path) -> None:
    made = evidence.package()
    export.write(made.files, tmp_path / "package", made.dated)
    os.mkfifo(tmp_path / "package" / "items" / "000099.json")
    assert verify_annexa.main([str(tmp_path / "package"), "--key", evidence.key]) == 1


def test_two_files_of_one_name_are_refused(
    files: Files, evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("checkpoint.txt", files["checkpoint.txt"])
    assert verify_annexa.main([str(path), "--key", evidence.key]) == 1
    assert "two files of one name" in capsys.readouterr().out


def test_a_zip_that_says_it_holds_more_than_it_may_is_not_unpacked(
    evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.txt", b"\0" * 10_000)
    data = made.getvalue()
    size = (10_000).to_bytes(4, "little")
    (tmp_path / "bomb.zip").write_bytes(data.replace(size, (0xFFFFFFFE).to_bytes(4, "little")))
    (tmp_path / "two.zip").write_bytes(b"PK\x03\x04 no zip at all")
    for name in ("bomb.zip", "two.zip", "missing.zip"):
        assert verify_annexa.main([str(tmp_path / name), "--key", evidence.key]) == 1
        assert capsys.readouterr().out.endswith("\nREFUSED\n")


def test_nothing_in_a_package_moves_the_cursor(
    files: Files, evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (files | {"items/\x1b[2J\nVERIFIED": b""}).items():
            archive.writestr(name, data)
    assert verify_annexa.main([str(path), "--key", evidence.key]) == 2
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\nVERIFIED\n" not in said
    assert said.endswith("\nNOT ALL CHECKED\n")


def test_without_a_key_it_never_says_verified(
    evidence: Evidence, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = evidence.package()
    export.write(made.files, tmp_path / "package", made.dated)
    assert verify_annexa.main([str(tmp_path / "package")]) == 2
    said = capsys.readouterr().out
    assert "UNCHECKED checkpoint.txt: annexa/test at size 9, its signature: no --key given" in said
    assert said.endswith("\nNOT ALL CHECKED\n")


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["a", "--key"], ["a", "--what"]])
def test_a_wrong_command_line_ends_with_3(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_annexa.main(arguments) == 3
    assert "--key 'ORIGIN+HASH+BASE64'" in capsys.readouterr().err
