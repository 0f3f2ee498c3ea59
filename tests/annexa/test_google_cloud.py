"""Google Cloud through the whole program: swept twice, a list denied, verified, no secret kept."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.collectors.gcp.acme import SECRET, organisation, project
from tests.collectors.gcp.double import Inventory, Refusal, key, serving

FILE = """
[targets.acme]
platform = "gcp"
scope = "{scope}"
credentials = "env:GOOGLE_KEY"
endpoint = "{endpoint}"
ca_file = "{ca_file}"
rate = 500
"""
IAM_POLICY = 2


def test_an_organisation_is_swept_twice_and_a_denied_list_flips_nothing(tmp_path: Path) -> None:
    store = tmp_path / "evidence.db"
    config = tmp_path / "annexa.toml"

    def annexa(*words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "annexa", *words, "--config", config, "--store", store],
            env={**os.environ, "GOOGLE_KEY": key()},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "PRIVATE KEY" not in ended.stdout + ended.stderr
        return ended.stdout

    def findings() -> dict[tuple[str, str], tuple[str, str]]:
        lines = json.loads(annexa("findings", "--format", "json"))
        return {(f["check_id"], f["resource_id"]): (f["status"], f["reason"]) for f in lines}

    inventory = Inventory([*organisation(), *project(0), *project(1)])
    with serving(inventory, tmp_path) as declared:
        config.write_text(
            FILE.format(scope=declared.scope, endpoint=declared.endpoint, ca_file=declared.ca_file)
        )
        annexa("doctor")
        annexa("sweep")
        before = findings()
        assert len(inventory.asked) == 3
        assert "0 of 176 resources added, changed or gone" in annexa("sweep")
        inventory.answer = deny_policies
        annexa("sweep")
        after = findings()
        assert "agrees with what is stored" in annexa("verify")
        inventory.check()
    changed = {name for name, verdict in after.items() if before.get(name) != verdict}
    assert changed
    assert {after[name] for name in changed} == {
        ("unknown", "PERMISSION_DENIED; needs cloudasset.assets.listIamPolicy")
    }
    raw = store.read_bytes()
    assert SECRET.encode() not in raw
    assert json.loads(key())["private_key"].encode() not in raw


def deny_policies(request: Any, _: Any) -> Refusal | None:
    return Refusal("PERMISSION_DENIED") if request.content_type == IAM_POLICY else None
