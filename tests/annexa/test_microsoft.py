"""Azure, Entra and Intune through the whole program: swept twice, no secret and no token kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.collectors.azure.double import company, serve
from tests.collectors.entra.double import tenant
from tests.collectors.intune.double import tenant as devices
from tests.microsoft import APP, SECRET, TENANT, Authority

TARGET = """
[targets.{platform}]
platform = "{platform}"
tenant_id = "{tenant}"
client_id = "{app}"
client_secret = "env:CLOUD_SECRET"
authority = "{authority.url}"
ca_file = "{authority.ca_file}"
base_url = "{url}"
rate = 500
"""


def test_a_tenant_is_swept_twice_and_verified(tmp_path: Path) -> None:
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

    with (
        Authority() as authority,
        serve(company(4, 10)) as arm,
        tenant(40) as entra,
        devices(40) as intune,
    ):
        doubles = {"azure": arm, "entra": entra, "intune": intune}
        config.write_text(
            "".join(
                TARGET.format(
                    platform=platform, tenant=TENANT, app=APP, authority=authority, url=double.url
                )
                for platform, double in doubles.items()
            )
        )
        annexa("sweep")
        assert "0 of 1,775 resources added, changed or gone" in annexa("sweep")
        assert "agrees with what is stored" in annexa("verify")
        for double in doubles.values():
            double.check()
        assert authority.given
    raw = store.read_bytes()
    assert SECRET.encode() not in raw
    assert b"canary-recovery-key" not in raw
    assert not [token for token in authority.given if token.encode() in raw]
