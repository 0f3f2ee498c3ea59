"""The demo's simulated AWS: what moto leaves out is added, and what is refused is refused."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("moto", reason="the demo's extra is not installed")

from annexa.demo.server import with_root_user
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
