"""Random AWS accounts and what guards them, over HTTP: verdicts, requests, refusals."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from collectors import CallError, Cause, catalog
from collectors.aws import AwsConnection
from collectors.aws.account import account
from collectors.aws.cloudtrail import cloudtrail, trails
from collectors.aws.cloudwatch import cloudwatch
from collectors.aws.config_service import config
from collectors.aws.guardduty import guardduty
from collectors.aws.kms import keys as kms_keys
from collectors.aws.kms import kms
from collectors.aws.rds import rds
from collectors.aws.s3 import s3
from collectors.aws.securityhub import securityhub
from collectors.aws.target import AwsTarget
from collectors.judging import Verdict
from collectors.testing import Collected, Conformance, collect
from tests.collectors.aws import random_posture
from tests.collectors.aws.double import Answer, Double, Request, caller
from tests.collectors.aws.random_account import RandomAccount
from tests.collectors.aws.random_alarms import alarms
from tests.collectors.aws.random_databases import databases
from tests.collectors.aws.random_watching import WATCHING
from tests.collectors.aws.refusing import refuse
from tests.collectors.refusals import Refusals

catalog(plugins=False)  # the questions of a service stand in several modules
MINE = (kms, cloudtrail, cloudwatch, config, guardduty, rds, securityhub)
READ = (account, s3, *MINE)
AT = datetime.now(UTC)
SIZE = 2
MAKERS = (
    *WATCHING,
    alarms,
    databases,
    random_posture.config,
    random_posture.guardduty,
    random_posture.securityhub,
)
NEVER = {
    "ec2:DescribeRegions",
    "logs:DescribeAccountPolicies",
    "logs:GetDataProtectionPolicy",
    "rds:DescribeDBClusterParameters",
    "rds:DescribeDBClusterSnapshotAttributes",
}
"""Not asked of these accounts, or nothing can be placed without; asked in tests of their own."""


class TestConformance(Conformance):
    collectors = READ


def verdicts(collected: Collected, company: RandomAccount) -> dict[tuple[str, str], Verdict]:
    return collected.findings(at=AT, bound=company.bound)


def test_every_resource_is_judged_as_it_was_made(
    company: RandomAccount, connection: AwsConnection
) -> None:
    collected = collect(connection, READ)
    assert [part for part in collected.parts if not part.complete] == []
    found = {key: verdict.status.value for key, verdict in verdicts(collected, company).items()}
    assert {key: found.get(key) for key in company.expected} == company.expected
    assert {"pass", "fail", "not_applicable"} <= set(company.expected.values())


def operation(request: Request) -> str:
    """What a request asks for: a form's action, a header, the end or all of an address."""
    if form := re.search(r"Action=(\w+)", request.body):
        return form.group(1)
    if request.target:
        return request.target.rpartition(".")[2]
    path = request.url.partition("?")[0]
    if "/operation/" in path:
        return path.rpartition("/")[2]
    path = re.sub(r"/get/arn.+", "/get/…", re.sub(r"[0-9a-f]{32}", "-", path))
    return f"{request.method} {path}"


def test_it_takes_the_fewest_requests(
    company: RandomAccount, copy: Double, connection: AwsConnection
) -> None:
    collect(connection, MINE)
    asked = Counter(map(operation, copy.seen))
    least = company.least + Counter(["DescribeRegions", "GetCallerIdentity"])
    assert asked == least


PERMISSIONS = sorted({p for collector in MINE for p in collector.permissions} - NEVER)


def refusals(company: RandomAccount, copy: Double, connection: AwsConnection) -> Refusals:
    return Refusals(
        lambda: collect(connection, READ),
        lambda lost: refuse(copy, lost),
        bound=company.bound,
        permissions=PERMISSIONS,
        at=AT,
    )


@pytest.mark.parametrize("in_turn", [6, pytest.param(1, marks=pytest.mark.prove)])
def test_each_permission_refused_in_turn_gives_unknowns_that_name_it(
    company: RandomAccount, copy: Double, connection: AwsConnection, in_turn: int
) -> None:
    one = replace(connection, regions=company.regions[:1])
    refusals(company, copy, one).give_only_unknowns(in_turn=in_turn, thirds=0)


def test_a_random_third_of_the_permissions_refused_at_once_flips_nothing(
    company: RandomAccount, copy: Double, connection: AwsConnection
) -> None:
    refusals(company, copy, connection).give_only_unknowns(in_turn=0)


@pytest.mark.parametrize("read", [kms_keys, trails])
def test_a_throttled_listing_is_unknown_and_asks_for_no_permission(
    copy: Double, connection: AwsConnection, read: Callable[[AwsTarget], Iterator[object]]
) -> None:
    slow = Answer(400, json.dumps({"__type": "ThrottlingException", "message": "Rate exceeded"}))
    copy.script = {r"\.(ListAliases|DescribeTrails)$": [slow]}
    target = connection.open(caller(1)).within("us-east-1")
    with pytest.raises(CallError) as caught:
        list(read(target))
    assert (caught.value.cause, caught.value.permission) == (Cause.THROTTLED, "")
