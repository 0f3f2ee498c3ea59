"""A reference to a secret is resolved when used, and never shows what it leads to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config import SecretError, SecretRef, looks_secret
from config.secrets import LONGEST

CANARY = "canary-7f3a"


def kept(folder: Path, content: bytes, mode: int = 0o600) -> SecretRef:
    path = folder / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return SecretRef.parse("file:secret", folder)


def test_a_variable_of_the_environment_is_read_anew_each_time() -> None:
    reference = SecretRef.parse("env:TOKEN")
    assert reference.get({"TOKEN": "one"}) == "one"
    assert reference.get({"TOKEN": "two"}) == "two"


@pytest.mark.parametrize("environ", [{}, {"TOKEN": ""}])
def test_a_variable_that_is_not_set_is_named(environ: dict[str, str]) -> None:
    with pytest.raises(SecretError, match="environment variable TOKEN is not set; export it"):
        SecretRef.parse("env:TOKEN").get(environ)


@pytest.mark.parametrize("content", [b"canary-7f3a", b"canary-7f3a\n", b"canary-7f3a\r\n"])
def test_a_file_beside_the_configuration_is_read_without_its_last_line_break(
    tmp_path: Path, content: bytes
) -> None:
    assert kept(tmp_path, content).get() == CANARY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
def test_a_file_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(SecretError, match=rf"can be read by others \(mode {mode:04o}\); chmod 600"):
        kept(tmp_path, CANARY.encode(), mode).get()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"x" * (LONGEST + 1), "is longer than"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(SecretError, match=message):
        kept(tmp_path, content).get()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="nowhere cannot be read: No such file"):
        SecretRef.parse("file:nowhere", tmp_path).get()


def test_a_credential_of_systemd_is_read_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(CANARY)
    reference = SecretRef.parse("cred:token")
    assert reference.get({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == CANARY
    with pytest.raises(SecretError, match="run under systemd with LoadCredential=token:path"):
        reference.get({})


@pytest.mark.parametrize(
    "text",
    [CANARY, f"env:{CANARY}", "env:", "file:", "cred:../x", "cred:.x", "vault:a/b", "", 5, None],
)
def test_anything_but_a_reference_is_refused_without_repeating_it(text: object) -> None:
    with pytest.raises(ValueError, match="not the secret itself") as error:
        SecretRef.parse(text)
    assert CANARY not in repr(error.value)


@pytest.mark.parametrize("text", ["env:CANARY_7", "file:/run/canary", "cred:canary"])
def test_a_reference_does_not_show_where_it_leads(text: str) -> None:
    reference = SecretRef.parse(text)
    assert "canary" not in f"{reference} {reference!r}".lower()
    assert repr(reference) == f"SecretRef({text.split(':', maxsplit=1)[0]}:***)"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("AKIA" + "ABCDEFGHIJKLMNOP", True),
        ("ghp_" + "a1" * 15, True),
        ("xoxb-" + "123456789012", True),
        ("https://user:" + "pass@host", True),
        ("-----BEGIN RSA " + "PRIVATE KEY-----", True),
        ("eyJ" + "hbGciOiJI.eyJzdWIiOiIx.sig", True),
        ("arn:aws:iam::111122223333:role/annexa-read", False),
        ("https://proxy.acme.example:8080/x", False),
        ("the supplier rotates twice a year", False),
    ],
)
def test_well_known_tokens_are_recognised_by_their_shape(text: str, *, secret: bool) -> None:
    assert looks_secret(text) is secret
