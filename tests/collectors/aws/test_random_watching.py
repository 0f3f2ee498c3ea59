"""Random AWS accounts and what guards them, over HTTP: verdicts, requests, refusals."""

from __future__ import annotations

import json
import random
import re
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from collectors import CallError, Cause, Status, catalog
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
from tests.collectors.aws.double import Answer, Double, Request, caller, error
from tests.collectors.aws.random_account import RandomAccount
from tests.collectors.aws.random_alarms import alarms
from tests.collectors.aws.random_databases import databases
from tests.collectors.aws.random_watching import WATCHING

catalog(plugins=False)  # the questions of a service stand in several modules
MINE = (kms, cloudtrail, cloudwatch, config, guardduty, rds, securityhub)
READ = (account, s3, *MINE)
AT = datetime.now(UTC)
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


@pytest.fixture(scope="module")
def company(moto_server: str) -> RandomAccount:
    reset = urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset).read()  # noqa: S310 - the simulation's own address
    return RandomAccount(moto_server, seed=20261125, size=3).make(*MAKERS)


@pytest.fixture(scope="module")
def copy(company: RandomAccount) -> Iterator[Double]:
    """A server that asks the simulation each thing once."""
    made = Double(company.url, remembers=True)
    yield made
    made.close()


@pytest.fixture
def connection(company: RandomAccount, copy: Double, credential: None) -> AwsConnection:  # noqa: ARG001
    copy.script = {}
    copy.seen.clear()
    return AwsConnection(
        "prod", endpoint_url=copy.url, regions=company.regions, regions_out="not used"
    )


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


DETECTOR = "/detector/[0-9a-f]{32}"
REST = {
    "guardduty:DescribeOrganizationConfiguration": rf" GET {DETECTOR}/admin[? ]",
    "guardduty:GetAdministratorAccount": rf" GET {DETECTOR}/administrator ",
    "guardduty:GetDetector": rf" GET {DETECTOR} ",
    "guardduty:GetFindings": rf" POST {DETECTOR}/findings/get ",
    "guardduty:GetThreatIntelSet": rf" GET {DETECTOR}/threatintelset/",
    "guardduty:ListDetectors": r" GET /detector[? ]",
    "guardduty:ListFindings": rf" POST {DETECTOR}/findings ",
    "guardduty:ListMalwareProtectionPlans": r" GET /malware-protection-plan",
    "guardduty:ListPublishingDestinations": rf" GET {DETECTOR}/publishingDestination",
    "guardduty:ListThreatIntelSets": rf" GET {DETECTOR}/threatintelset[? ]",
    "securityhub:DescribeHub": r" GET /accounts",
    "securityhub:GetEnabledStandards": r" POST /standards/get",
    "securityhub:GetFindingAggregator": r" GET /findingAggregator/get/",
    "securityhub:GetFindings": r" POST /findings ",
    "securityhub:ListFindingAggregators": r" GET /findingAggregator/list",
}
"""What a service without operation names is asked by."""


def refuse(copy: Double, permissions: set[str]) -> None:
    """The simulation answers these calls as AWS does where the permission is missing."""
    for permission in permissions:
        action = permission.partition(":")[2]
        words = f"User: arn:aws:iam::1:user/a is not authorized to perform: {permission}"
        told = {"__type": "AccessDeniedException", "message": words}
        body = json.dumps(told)
        if permission in REST:
            kind = {"x-amzn-ErrorType": "AccessDeniedException"}
            copy.script[REST[permission]] = [Answer(403, body, kind)]
            continue
        copy.script[rf"Action={action}(&|$)"] = [error("AccessDenied", 403, words)]
        copy.script[rf"\.{action}$"] = [Answer(400, body)]
        copy.script[rf"/operation/{action} "] = [Answer(400, raw=cbor(told))]


def cbor(told: dict[str, str]) -> bytes:
    """A short object of texts as the concise binary form of younger protocols."""
    texts = [text.encode() for pair in told.items() for text in pair]
    return bytes([0xA0 + len(told)]) + b"".join(bytes([0x78, len(t)]) + t for t in texts)


def check_refusals(
    before: dict[tuple[str, str], Verdict], after: Collected, bound: RandomAccount, lost: set[str]
) -> None:
    """Nothing flips, nothing vanishes, every unknown names a permission that is missing."""
    found = verdicts(after, bound)
    unlisted = {part.kind for part in after.parts if not part.complete}
    checks = {check.id: check for collector in READ for check in collector.checks}
    for key, verdict in before.items():
        now = found.get(key)
        if now is None:
            assert checks[key[0]].kind.kind in unlisted, key
            assert found[key[0], ""].status is Status.UNKNOWN
        elif now != verdict:
            assert now.status is Status.UNKNOWN, key
            assert any(permission in now.because for permission in lost), (key, now.because)


PERMISSIONS = sorted({p for collector in MINE for p in collector.permissions} - NEVER)


@pytest.mark.parametrize(
    "permissions", [PERMISSIONS[::6], pytest.param(PERMISSIONS, marks=pytest.mark.prove)]
)
def test_each_permission_refused_in_turn_gives_unknowns_that_name_it(
    company: RandomAccount, copy: Double, connection: AwsConnection, permissions: list[str]
) -> None:
    one = replace(connection, regions=company.regions[:1])
    before = verdicts(collect(one, READ), company)
    for permission in permissions:
        copy.script = {}
        refuse(copy, {permission})
        after = collect(one, READ)
        check_refusals(before, after, company, {permission})
        unknown = [v for v in verdicts(after, company).values() if permission in v.because]
        assert unknown, permission


@pytest.mark.parametrize("seed", range(2))
def test_a_random_third_of_the_permissions_refused_at_once_flips_nothing(
    company: RandomAccount, copy: Double, connection: AwsConnection, seed: int
) -> None:
    before = verdicts(collect(connection, READ), company)
    lost = set(random.Random(seed).sample(PERMISSIONS, len(PERMISSIONS) // 3))  # noqa: S311
    refuse(copy, lost)
    check_refusals(before, collect(connection, READ), company, lost)


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
