"""Targets of Google Cloud: what names a scope, what does not, and what the collector is handed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from annexa.connections import connection
from collectors.gcp import GcpConnection
from config import GcpTarget, SecretError, Settings

Read = Callable[[str], Settings]
Refused = Callable[[str], list[str]]
HEAD = '[targets.g]\nplatform = "gcp"\n'
TODAY = dt.date(2026, 11, 24)


@pytest.mark.parametrize("scope", ["organizations/123", "folders/4", "projects/acme-prod"])
def test_an_organisation_a_folder_and_a_project_are_scopes(read: Read, scope: str) -> None:
    target = read(f'{HEAD}scope = "{scope}"').targets["g"]
    assert isinstance(target, GcpTarget)
    made = connection("g", target, TODAY)
    assert made == GcpConnection("g", scope)
    assert (made.key, target.subject, target.first_rate) == ("gcp/g", (scope, "scope"), 1.5)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('scope = "acme"', "3: targets.g.scope: write organizations/NUMBER, folders/NUMBER or"),
        ('scope = "organizations/acme"', "3: targets.g.scope: write organizations/NUMBER"),
        ('scope = "folders/1"\nendpoint = "https://x"', "4: targets.g.endpoint: write a host's"),
        ('scope = "folders/1"\ncredentials = "{}"', "4: targets.g.credentials: write where"),
    ],
)
def test_what_names_no_scope_host_or_secret_is_refused(
    refused: Refused, line: str, words: str
) -> None:
    [message] = refused(HEAD + line)
    assert message.startswith(f"annexa.toml:{words}")


def test_a_key_is_handed_over_by_reference_and_missed_before_anything_is_read(
    read: Read, tmp_path: Path
) -> None:
    target = read(f'{HEAD}scope = "folders/1"\ncredentials = "file:key.json"').targets["g"]
    with pytest.raises(SecretError, match=r"targets\.g\.credentials"):
        connection("g", target, TODAY)
    key = tmp_path / "key.json"
    key.write_text('{"type": "service_account"}')
    key.chmod(0o600)
    made = connection("g", target, TODAY)
    assert isinstance(made, GcpConnection)
    assert made.credentials is not None
    assert made.credentials() == '{"type": "service_account"}'
    assert "service_account" not in repr(made)
