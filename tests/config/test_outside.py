"""Holders and authorities: typed, with secrets by reference, and every mistake with its line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config import Settings

Read = Callable[[str], Settings]
Refused = Callable[[str], list[str]]

HOLDER = '[[store.outside]]\nname = "one"\n'


def test_each_kind_of_holder_is_read(read: Read) -> None:
    store = read(
        HOLDER + 'kind = "directory"\npath = "heads"\n'
        '[[store.outside]]\nname = "two"\nkind = "s3"\nbucket = "acme-heads"\nretention = "30d"\n'
        '[[store.outside]]\nname = "three"\nkind = "git"\nurl = "git@git.acme.example:a/b.git"\n'
        '[[store.outside]]\nname = "four"\nkind = "webhook"\nurl = "https://a.example/h"\n'
        'token = "env:TOKEN"\n'
        '[[store.timestamps]]\nname = "tsa"\nurl = "https://tsa.example"\nca_file = "root.pem"\n'
    ).store
    assert [each.kind for each in store.outside] == ["directory", "s3", "git", "webhook"]
    assert store.timestamps[0].ca_file.is_absolute()
    assert store.outside[0].path == Path(store.timestamps[0].ca_file).with_name("heads")
    assert "TOKEN" not in repr(store.outside[3])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HOLDER, "1: store.outside[1].kind: is missing"),
        (
            HOLDER + 'kind = "ftp"',
            (
                "3: store.outside[1].kind: unknown; this release knows"
                " 'directory', 's3', 'git', 'webhook'"
            ),
        ),
        (HOLDER + 'kind = "directory"', "1: store.outside[1].path: is missing"),
        (
            HOLDER + 'kind = "directory"\npaht = "x"\npath = "y"',
            "4: store.outside[1].paht: unknown setting; did you mean 'path'?",
        ),
        (
            HOLDER + 'kind = "webhook"\nurl = "http://a.example"',
            "4: store.outside[1].url: write an https address, or set allow_http = true",
        ),
        (
            HOLDER + 'kind = "webhook"\nurl = "https://a.example"\ntoken = "hunter2"',
            (
                "5: store.outside[1].token: write where the secret is to be found (env:NAME,"
                " file:path or cred:name), not the secret itself"
            ),
        ),
        (
            HOLDER + 'kind = "git"\nurl = "ext::sh -c x"',
            "4: store.outside[1].url: write an address without a password",
        ),
        (
            HOLDER + 'kind = "git"\nurl = "https://me:secret@git.example/x"',
            "4: store.outside[1].url: looks like a secret; write a reference to it",
        ),
        (
            HOLDER + 'kind = "directory"\npath = "x"\n' + HOLDER + 'kind = "directory"\npath = "y"',
            "6: store.outside[2].name: the name 'one' is taken already",
        ),
        (
            '[[store.timestamps]]\nname = "tsa"\nurl = "https://tsa.example"',
            "1: store.timestamps[1].ca_file: is missing",
        ),
    ],
)
def test_a_mistake_is_said_with_its_line(refused: Refused, text: str, message: str) -> None:
    assert refused(text) == [f"annexa.toml:{message}"]
