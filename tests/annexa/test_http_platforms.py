"""Platforms over HTTP, through the whole program: swept twice, verified, no secret kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.collectors.github.double import TOKEN as GITHUB_TOKEN
from tests.collectors.github.double import Tenant
from tests.collectors.github.double import serve as serve_github
from tests.collectors.okta.double import TOKEN as OKTA_TOKEN
from tests.collectors.okta.double import serve as serve_okta

FILE = """
[targets.code]
platform = "github"
organisation = "acme"
token = "env:CODE_TOKEN"
base_url = "{github}"
rate = 500
[targets.people]
platform = "okta"
token = "env:PEOPLE_TOKEN"
base_url = "{okta}"
rate = 500
"""


def test_github_and_okta_are_swept_twice_and_verified(tmp_path: Path) -> None:
    store = tmp_path / "evidence.db"
    config = tmp_path / "annexa.toml"

    def annexa(*words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "annexa", *words, "--config", config, "--store", store],
            env={**os.environ, "CODE_TOKEN": GITHUB_TOKEN, "PEOPLE_TOKEN": OKTA_TOKEN},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert GITHUB_TOKEN not in ended.stdout + ended.stderr
        return ended.stdout

    with serve_github(Tenant()) as github, serve_okta() as okta:
        okta.data["GET /api/v1/users"] = okta.data["GET /api/v1/users"][:40]
        config.write_text(FILE.format(github=github.url, okta=okta.url))
        assert "1 as audit-bot" in annexa("doctor")
        annexa("sweep")
        assert "0 of 2,455 resources added, changed or gone" in annexa("sweep")
        assert "agrees with what is stored" in annexa("verify")
        github.check()
        okta.check()
    raw = store.read_bytes()
    assert GITHUB_TOKEN.encode() not in raw
    assert OKTA_TOKEN.encode() not in raw
