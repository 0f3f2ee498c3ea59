"""From the configuration to jobs, scope and criteria, as the engine takes them."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from pathlib import Path

import pytest

from annexa import declared
from annexa.declared import DeclarationError, bound, jobs, out_of_scope, scope
from collectors import CallError
from collectors.github import GithubConnection
from collectors.linux import LinuxConnection
from config import ConfigError, SecretError, Settings
from config.load import parse
from tests.acme import CATALOG

TODAY = dt.date(2026, 11, 24)

TARGETS = """
organisation = "Acme"

[scope]
name = "Web shop"
version = "3"
approved_by = "M. Boss"
approved_on = 2026-10-01

[[scope.out]]
target = "lab-1"
reason = "no customer data"
author = "M. Boss"
date = 2026-11-24

[scope.population]
linux = 5
aws = 2

[targets.web-1]
platform = "linux"
root = "/mnt/web-1"
slow = true

[targets.lab-1]
platform = "linux"
root = "/mnt/lab-1"
deadline = "90s"
"""


def settings(text: str = TARGETS) -> Settings:
    return parse(text, Path("annexa.toml"), {})


def criterion(
    check: str, name: str, value: str, approved: str = "2026-01-01", more: str = ""
) -> str:
    return (
        f'[criteria."{check}".{name}]\nvalue = {value}\n{more}\nsource = {{ document = "P", '
        f'version = "1", section = "2", approved_by = "x", approved_on = {approved} }}\n'
    )


def test_every_declared_target_becomes_a_job_with_its_limits() -> None:
    made = jobs(settings(), TODAY - timedelta(days=1))
    assert [job.connection.key for job in made] == ["linux/lab-1", "linux/web-1"]
    assert [job.deadline for job in made] == [timedelta(seconds=90), timedelta(minutes=30)]
    assert [job.rate for job in made] == [None, None]
    web = made[1].connection
    assert isinstance(web, LinuxConnection)
    assert (web.root, web.slow) == ("/mnt/web-1", True)


def test_a_target_out_of_scope_is_not_read_from_the_day_of_the_decision() -> None:
    before, after = TODAY - timedelta(days=1), TODAY
    assert len(jobs(settings(), before)) == 2
    assert [job.connection.key for job in jobs(settings(), after)] == ["linux/web-1"]
    assert out_of_scope(settings(), before) == []
    (out,) = out_of_scope(settings(), after)
    assert (out.key, out.reason, out.author, out.date) == (
        "linux/lab-1",
        "no customer data",
        "M. Boss",
        TODAY,
    )


@pytest.mark.parametrize("name", ["lab-1", "linux/lab-1"])
def test_a_target_out_of_scope_is_refused_by_name_with_the_decision(name: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        jobs(settings(), TODAY, [name])
    assert "out of scope by decision of 2026-11-24 (no customer data)" in str(raised.value)


@pytest.mark.parametrize("name", ["web-2", "linux/web-2", "aws/web-1", ""])
def test_a_target_nobody_declared_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(DeclarationError, match=r"is not declared; declared: .*web-1"):
        jobs(settings(), TODAY, [name])


def test_a_target_named_twice_is_read_once() -> None:
    assert len(jobs(settings(), TODAY, ["web-1", "linux/web-1", "web-1"])) == 1


def test_without_targets_this_host_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in declared.AWS_CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(declared.socket, "gethostname", lambda: "web 1/ä")
    monkeypatch.setattr(declared.Path, "exists", lambda _: True)
    assert [declared.key_of(n, t) for n, t in declared.targets(Settings()).items()] == [
        "linux/web-1--"
    ]


def test_without_targets_an_account_is_read_where_there_is_a_credential(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in declared.AWS_CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(declared.Path, "exists", lambda _: False)
    assert declared.targets(Settings()) == {}
    monkeypatch.setenv("AWS_PROFILE", "audit")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    (target,) = declared.targets(Settings()).values()
    assert target.platform == "aws"
    assert target.region == "eu-central-1"
    assert list(declared.targets(Settings())) == ["audit"]


def test_the_plan_says_what_is_in_and_out_of_scope() -> None:
    said = scope(settings(), "2026.11", TODAY)
    assert (said.name, said.version, said.mapping_edition) == ("Web shop", "3", "2026.11")
    assert said.details == {
        "organisation": "Acme",
        "approved_by": "M. Boss",
        "approved_on": "2026-10-01",
        "out": [
            {
                "target": "linux/lab-1",
                "reason": "no customer data",
                "author": "M. Boss",
                "date": "2026-11-24",
            }
        ],
        "population": {"aws": 2, "linux": 5},
    }


def test_an_undeclared_scope_is_said_to_be_none() -> None:
    said = scope(Settings(), "2026.11", TODAY)
    assert (said.name, said.version) == ("not declared", "0")
    assert said.details["approved_on"] is None


def test_a_bound_criterion_counts_from_its_approval_and_never_backwards() -> None:
    text = criterion("acme.people.key_is_young", "max_age", "7", "2026-11-24")
    check = "acme.people.key_is_young"
    assert bound(settings(text), CATALOG, TODAY) == {check: {"max_age": 7}}
    assert bound(settings(text), CATALOG, TODAY - timedelta(days=1)) == {}


def test_a_bound_list_may_be_empty_and_is_still_bound() -> None:
    text = criterion("acme.people.works_in_approved_city", "cities", "[]")
    assert bound(settings(text), CATALOG, TODAY) == {
        "acme.people.works_in_approved_city": {"cities": ()}
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (criterion("acme.people.has_keys", "x", "1"), "no installed check has this id"),
        (criterion("acme.people.has_key", "x", "1"), "it has: none"),
        (criterion("acme.people.key_is_young", "age", "1"), "it has: max_age"),
        (criterion("acme.people.key_is_young", "max_age", '"7"'), "whole number (days)"),
        (criterion("acme.people.key_is_young", "max_age", "7.5"), "whole number (days)"),
        (criterion("acme.people.key_is_young", "max_age", "true"), "whole number (days)"),
        (criterion("acme.people.key_is_young", "max_age", '["7"]'), "whole number (days)"),
        (
            criterion("acme.people.works_in_approved_city", "cities", '"Graz"'),
            "a list of texts (city names)",
        ),
        (
            criterion("acme.people.key_is_young", "max_age", "7", more='unit = "hours"'),
            "the check counts in days",
        ),
        (
            criterion("acme.people.key_is_young", "max_age", '"x"', "2030-01-01"),
            "whole number (days)",
        ),
    ],
)
def test_a_criterion_that_fits_no_check_is_refused(text: str, message: str) -> None:
    with pytest.raises(DeclarationError) as raised:
        bound(settings(text), CATALOG, TODAY)
    assert message in str(raised.value)


def test_an_image_is_named_by_its_folder(tmp_path: Path) -> None:
    job = declared.image_job(tmp_path)
    assert job.connection.key.startswith("linux/image-")
    assert "/" not in job.connection.key.partition("/")[2]
    assert isinstance(job.connection, LinuxConnection)
    assert job.connection.root == str(tmp_path)


GITHUB = """
[targets.code]
platform = "github"
organisation = "acme"
rate = 3
"""


def test_a_github_organisation_is_read_by_app_or_token_fetched_when_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("APP_KEY", "a key")
    app = 'app_id = "1"\ninstallation_id = "2"\nprivate_key = "env:APP_KEY"\n'
    (job,) = jobs(settings(GITHUB + app), dt.date(2026, 11, 24))
    assert isinstance(job.connection, GithubConnection)
    assert (job.connection.key, job.rate) == ("github/code", 3)
    assert job.connection.app is not None
    assert job.connection.app.private_key() == "a key"
    monkeypatch.delenv("APP_KEY")
    with pytest.raises(CallError, match=r"targets\.code\.private_key: .* APP_KEY is not set"):
        job.connection.app.private_key()
    with pytest.raises(SecretError, match=r"targets\.code\.token"):
        jobs(settings(GITHUB + 'token = "env:TOKEN"'), dt.date(2026, 11, 24))


@pytest.mark.parametrize(
    "sign_in",
    [
        "",
        'app_id = "1"',
        'token = "env:T"\napp_id = "1"\ninstallation_id = "2"\nprivate_key = "env:K"',
    ],
)
def test_a_github_organisation_needs_one_whole_way_to_sign_in(sign_in: str) -> None:
    with pytest.raises(ConfigError):
        settings(GITHUB + sign_in)
