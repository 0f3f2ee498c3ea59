"""GitHub, Okta and a domain through the whole program: swept twice, verified, no secret kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.collectors.active_directory.corp import corp, few
from tests.collectors.active_directory.directory import serving
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
[targets.corp]
platform = "active_directory"
url = "{corp}"
user = "CORP\\\\annexa"
password = "env:CORP_PASSWORD"
ca_file = "{ca_file}"
rate = 500
"""


SECRETS = {
    "CODE_TOKEN": GITHUB_TOKEN,
    "PEOPLE_TOKEN": OKTA_TOKEN,
    "CORP_PASSWORD": "canary-of-the-domain",
}


def test_they_are_swept_twice_and_verified(tmp_path: Path) -> None:
    store = tmp_path / "evidence.db"
    config = tmp_path / "annexa.toml"

    def annexa(*words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "annexa", *words, "--config", config, "--store", store],
            env={**os.environ, **SECRETS},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert not [secret for secret in SECRETS.values() if secret in ended.stdout + ended.stderr]
        return ended.stdout

    domain = corp()
    few(domain)
    domain.password = SECRETS["CORP_PASSWORD"]
    with (
        serve_github(Tenant()) as github,
        serve_okta() as okta,
        serving(domain) as (address, authority),
    ):
        trusted = tmp_path / "authority.pem"
        authority.cert_pem.write_to_path(str(trusted))
        okta.data["GET /api/v1/users"] = okta.data["GET /api/v1/users"][:40]
        config.write_text(
            FILE.format(github=github.url, okta=okta.url, corp=address, ca_file=trusted)
        )
        assert "1 as audit-bot" in annexa("doctor")
        annexa("sweep")
        assert "0 of 2,493 resources added, changed or gone" in annexa("sweep")
        assert "agrees with what is stored" in annexa("verify")
        github.check()
        okta.check()
    raw = store.read_bytes()
    assert not [name for name, secret in SECRETS.items() if secret.encode() in raw]
