"""The demo's simulated AWS: what moto leaves out is added, and what is refused is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("moto", reason="the demo's extra is not installed")

from annexa.demo import company
from annexa.demo.gaps import with_root_user
from annexa.demo.story import Steps, simulation, tell
from collectors.aws.iam_report import COLUMNS, parse


def test_the_credential_report_begins_with_the_root_user() -> None:
    heading = ",".join(["user", "arn", *sorted(COLUMNS - {"user", "arn"})])
    user = ",".join(
        ["maria", "arn:aws:iam::111122223333:user/maria", *["N/A"] * (len(COLUMNS) - 2)]
    )
    backend = SimpleNamespace(account_id="111122223333")
    text = with_root_user(lambda _: f"{heading}\n{user}\n")(backend)
    rows = parse(text, "").rows
    assert list(rows) == ["arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/maria"]
    root = rows["arn:aws:iam::111122223333:root"]
    assert (root["user"], root["mfa_active"], root["access_key_1_active"]) == (
        "<root_account>", "false", "false",
    )  # fmt: skip


@pytest.mark.enable_socket
def test_the_simulated_company_answers_everything_it_is_asked(tmp_path: Path) -> None:
    """A read that fails for want of a simulation would puzzle: `annexa/demo/gaps.py` fills it."""
    with simulation() as endpoint:
        company.found(endpoint)
        step = Steps(tmp_path, endpoint)
        step.configure()
        swept = _json(step, tmp_path, "sweep")
        unknown = [
            (row["cause"], row["reason"], row["needs"])
            for row in _json(step, tmp_path, "unknowns")
            if row["cause"] != "criterion_missing"
        ]
    assert unknown == []
    assert [unit["outcome"] for unit in swept["units"]] == ["complete", "complete"]
    assert 10 < swept["findings"]["fail"] < 200, "believable faults, and a list one can read"


@pytest.mark.prove
@pytest.mark.enable_socket
def test_the_whole_story_comes_out_as_told(tmp_path: Path) -> None:
    tell(tmp_path)


def _json(step: Steps, folder: Path, command: str) -> Any:
    ended = subprocess.run(
        [sys.executable, "-m", "annexa", command, "--format", "json"],
        cwd=folder,
        env=step.environ,
        capture_output=True,
        check=True,
        text=True,
    )
    return json.loads(ended.stdout)
