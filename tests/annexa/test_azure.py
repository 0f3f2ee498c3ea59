"""Azure through the whole program: swept twice, verified, no secret and no token kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.collectors.azure.double import company, serve
from tests.microsoft import APP, SECRET, TENANT, Authority

FILE = """
[targets.cloud]
platform = "azure"
tenant_id = "{tenant}"
client_id = "{app}"
client_secret = "env:CLOUD_SECRET"
authority = "{authority}"
ca_file = "{ca_file}"
base_url = "{arm}"
rate = 500
"""


def test_azure_is_swept_twice_and_verified(tmp_path: Path) -> None:
    store, config = tmp_path / "evidence.db", tmp_path / "annexa.toml"

    def annexa(*words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "annexa", *words, "--config", config, "--store", store],
            env={**os.environ, "CLOUD_SECRET": SECRET},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert SECRET not in ended.stdout + ended.stderr
        return ended.stdout

    with Authority() as authority, serve(company(4, 10)) as arm:
        config.write_text(
            FILE.format(
                tenant=TENANT,
                app=APP,
                authority=authority.url,
                ca_file=authority.ca_file,
                arm=arm.url,
            )
        )
        annexa("sweep")
        assert "0 of 224 resources added, changed or gone" in annexa("sweep")
        assert "agrees with what is stored" in annexa("verify")
        arm.check()
        assert authority.given
    raw = store.read_bytes()
    assert SECRET.encode() not in raw
    assert not [token for token in authority.given if token.encode() in raw]
