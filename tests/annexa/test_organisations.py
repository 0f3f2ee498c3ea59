"""An AWS organisation by its declaration: each account a target, and what is said of the others."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from annexa import cli, posture
from config.load import load
from evidence_store import Store
from tests.annexa.organisation import OWN, Account, Organisation, accounts

ROOT = Path(__file__).parents[2]
SETTINGS = """
organisation = "ACME"
[scope]
name = "ACME"
version = "1"
approved_by = "J. Roth"
approved_on = 2026-01-01
[scope.population]
aws = {population}
[targets.acme]
platform = "aws"
organisation = true
role_name = "AnnexaAudit"
endpoint_url = "{url}"
owner = "platform team"
{more}
"""


@dataclass
class Said:
    """How a command ended."""

    code: str | int | None
    out: str
    err: str


class Company:
    """A folder with a configuration and a store, and the organisation it declares."""

    def __init__(self, folder: Path, server: Organisation) -> None:
        self.folder = folder
        self.server = server
        self.declare()

    def declare(self, more: str = "") -> None:
        text = SETTINGS.format(url=self.server.url, population=len(self.server.accounts), more=more)
        (self.folder / "annexa.toml").write_text(text)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def command(self, *arguments: str) -> list[str]:
        store = str(self.folder / "evidence.db")
        return [sys.executable, "-m", "annexa", *arguments, "--store", store]

    def __call__(self, *arguments: str) -> Said:
        """A command, in this process."""
        runner = CliRunner()
        with runner.isolation() as (out, err, _):
            code: str | int | None = 0
            try:
                cli.main([*arguments, "--store", str(self.folder / "evidence.db")])
            except SystemExit as ended:
                code = ended.code
            return Said(code, out.getvalue().decode(), err.getvalue().decode())

    def sweep(self, *arguments: str) -> dict[str, Any]:
        """A sweep of what AWS says of the account itself; its summary."""
        said = self("sweep", "--format", "json", "--collector", "aws.account", *arguments)
        assert said.code == 0, said.err
        found: dict[str, Any] = json.loads(said.out)
        return found

    def plan(self) -> dict[str, Any]:
        with Store.open(self.folder / "evidence.db", create=False) as store:
            return dict(store.sweeps()[0].plan)


def _credential(folder: Path) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "AKIAREADER",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
    }


Made = Callable[..., Company]


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("AWS_", "ANNEXA_"))]:
        monkeypatch.delenv(name)
    for name, value in _credential(tmp_path).items():
        monkeypatch.setenv(name, value)
    servers: list[Organisation] = []

    def make(found: list[Account], **more: Any) -> Company:
        servers.append(Organisation(found, **more))
        return Company(tmp_path, servers[-1])

    yield make
    for server in servers:
        server.close()


def test_every_account_is_a_target_of_its_own_and_the_others_are_named(company: Made) -> None:
    found = accounts(5)
    found[2].state = "SUSPENDED"
    found[3].trusts = False
    acme = company(found, page=2)
    acme.declare(
        '[[scope.out]]\ntarget = "acme.200000000004"\nreason = "sold"\n'
        'author = "J. Roth"\ndate = 2026-01-01\n'
    )
    told = acme.sweep()
    units = {unit["target"]: unit for unit in told["units"]}
    assert {key: (unit["title"], unit["outcome"]) for key, unit in units.items()} == {
        f"aws/acme.{OWN}": ("management", "complete"),
        "aws/acme.200000000001": ("team 1", "complete"),
        "aws/acme.200000000003": ("team 3", "failed"),
    }
    refused = units["aws/acme.200000000003"]["refused"]
    role = "arn:aws:iam::200000000003:role/AnnexaAudit"
    assert f"needs sts:AssumeRole on {role}, granted by the role's trust policy" in refused
    assert {each["target"]: each["reason"] for each in told["left_out"]} == {
        "aws/acme.200000000002": "AWS says the account is SUSPENDED",
        "aws/acme.200000000004": "out by decision of 2026-01-01 (sold)",
    }
    plan = acme.plan()
    assert set(plan["targets"]) == set(units)
    group = plan["details"]["groups"]["aws/acme"]
    assert group["calls"] == ["organizations:ListAccounts", "sts:GetCallerIdentity"]
    assert group["members"]["aws/acme.200000000001"] == "team 1"
    assert acme.server.numbers() == {"200000000001"}
    assert {r.access_key for r in acme.server.asked("GetAlternateContact|getAlternateContact")} == {
        "AKIAREADER",
        "ASIA200000000001",
    }
    # Seen again in the views: by account, by owner, and against the declared population.
    scope = acme("scope", "--format", "json")
    states = {row["target"]: row["state"] for row in json.loads(scope.out)}
    assert states[f"aws/acme.{OWN}"] == "listed in full"
    assert "aws/acme" not in states
    owners = acme("findings", "--by", "owner").out
    assert "platform team" in owners
    assert "no owner declared" not in owners


def test_an_account_that_is_closed_later_is_out_and_its_findings_with_it(company: Made) -> None:
    acme = company(accounts(3))
    acme.sweep()
    acme.server.accounts[1].state = "CLOSED"
    told = acme.sweep()
    assert [each["reason"] for each in told["left_out"]] == ["AWS says the account is CLOSED"]
    settings = load(acme.folder / "annexa.toml")
    with Store.open(acme.folder / "evidence.db", create=False) as store:
        at = datetime.now(UTC)
        asked = posture.question(store, settings, at, store.findings(at))
        judged = {finding.target for finding in asked.findings}
    assert judged == {f"aws/acme.{OWN}", "aws/acme.200000000002"}
    assert [(each.checks, each.never_read) for each in asked.populations] == [("aws.", ())]


def test_a_refused_list_leaves_the_accounts_known_from_before(company: Made) -> None:
    acme = company(accounts(3))
    acme.server.refuses_list = True
    first = acme.sweep()
    assert [(unit["target"], unit["outcome"]) for unit in first["units"]] == [
        ("aws/acme", "failed")
    ]
    assert "needs organizations:ListAccounts" in first["units"][0]["refused"]
    acme.server.refuses_list = False
    acme.sweep()
    acme.server.refuses_list = True
    told = acme.sweep()
    assert {unit["target"]: unit["outcome"] for unit in told["units"]} == {
        "aws/acme": "failed",
        f"aws/acme.{OWN}": "complete",
        "aws/acme.200000000001": "complete",
        "aws/acme.200000000002": "complete",
    }


def test_only_the_accounts_that_were_declared_or_named_are_read(company: Made) -> None:
    acme = company(accounts(4))
    acme.declare(
        'accounts = ["200000000001", "200000000002", "999999999999"]\n'
        'accounts_out = { reason = "no data", author = "J. Roth", date = 2026-01-01 }\n'
    )
    told = acme.sweep()
    assert [unit["target"] for unit in sorted(told["units"], key=lambda unit: unit["target"])] == [
        "aws/acme.200000000001",
        "aws/acme.200000000002",
    ]
    reasons = {each["target"]: each["reason"] for each in told["left_out"]}
    assert reasons["aws/acme.999999999999"] == "the organisation has no such account"
    assert reasons["aws/acme.200000000003"] == "out by decision of 2026-01-01 (no data)"
    one = acme.sweep("--target", "acme.200000000001")
    assert [unit["target"] for unit in one["units"]] == ["aws/acme.200000000001"]


def test_regions_that_are_turned_off_are_named_once_for_all_accounts(company: Made) -> None:
    acme = company(accounts(3))
    said = acme("sweep", "--collector", "aws.ec2")
    line = "3 targets: 1 not asked: region not enabled in the account (me-south-1)"
    assert line in said.out, said.err


@pytest.mark.parametrize(
    ("count", "read"),
    [(12, ["--collector", "aws.account"]), pytest.param(100, [], marks=pytest.mark.prove)],
)
def test_a_killed_sweep_goes_on_without_asking_again_for_what_was_recorded(
    company: Made, count: int, read: list[str]
) -> None:
    acme = company(accounts(count))
    command = acme.command("sweep", *read)
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=acme.folder,
        env=acme.environment,
    ) as run:
        recorded = set()
        for line in run.stderr or ():
            if ": complete," in line:
                recorded.add(line.split()[0])
            if len(recorded) >= count // 3:
                break
        run.kill()
    before = len(acme.server.seen)
    with Store.open(acme.folder / "evidence.db", create=False) as store:
        done = {row.target.rpartition(".")[2] for row in store.targets()}
    assert count // 3 <= len(done)
    told = acme("sweep", "--resume", "--format", "json")
    if len(done) < count:
        assert told.code == 0, told.err
        again = {r.access_key[4:] for r in acme.server.seen[before:]}
        roles = acme.server.seen[before:]
        assert again.isdisjoint(done)
        assert not any(number in r.body for r in roles for number in done)
        assert not any("MaxResults" in r.body for r in roles), "accounts are not listed again"
        assert len(json.loads(told.out)["units"]) == count - len(done)
    with Store.open(acme.folder / "evidence.db", create=False) as store:
        assert len(store.targets()) == count
        assert store.sweeps()[0].closed_at is not None
    assert acme("verify").code == 0
