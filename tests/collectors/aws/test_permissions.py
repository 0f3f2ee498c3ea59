"""AWS permissions against a maintained list of IAM's actions: each exists, and only reads."""

from __future__ import annotations

import json

import pytest
from policy_sentry.querying.actions import get_action_data

from annexa.cli.permissions import needed, policy_text, terraform_text
from collectors import catalog

ACTIONS = needed(catalog(plugins=False), "aws")
READS = {"Read", "List"}
NAMED_EXCEPTION = "iam:GenerateCredentialReport"
"""Asks IAM to make its report of credentials; can be switched off."""


def level(action: str) -> str:
    """The access level that AWS gives an action; empty where AWS knows no such action."""
    service, _, name = action.partition(":")
    found = get_action_data(service, name)
    rows = found[service] if found else []
    exact = [row for row in rows if row["action"] == action]
    return str(exact[0]["access_level"]) if exact else ""


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_exists_and_reads(action: str) -> None:
    found = level(action)
    assert found, "IAM knows no such action"
    assert found in READS or action == NAMED_EXCEPTION, found


@pytest.mark.parametrize("wrong", ["ec2:DescribeVolume", "s3:ListBuckets", "ec2:RunInstances"])
def test_the_list_tells_what_is_wrong(wrong: str) -> None:
    assert level(wrong) not in READS


def test_the_policy_allows_exactly_these_actions() -> None:
    document = json.loads(policy_text(ACTIONS))
    assert document["Version"] == "2012-10-17"
    (statement,) = document["Statement"]
    assert statement["Effect"] == "Allow"
    assert statement["Action"] == ACTIONS == sorted(set(ACTIONS))
    assert "*" not in "".join(statement["Action"])
    assert all(f'"{action}",' in terraform_text(ACTIONS) for action in ACTIONS)


def test_the_policy_fits_into_a_managed_policy() -> None:
    """IAM takes 6,144 characters, blanks not counted."""
    assert len("".join(policy_text(ACTIONS).split())) < 6144
