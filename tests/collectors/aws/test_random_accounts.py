"""AWS accounts made by chance, read over HTTP: verdicts, requests, refusals."""

from __future__ import annotations

import json
import random
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest

from collectors import Status, catalog
from collectors.aws import AwsConnection
from collectors.aws.account import account
from collectors.aws.ec2 import ec2
from collectors.aws.vpc import vpc
from collectors.judging import Verdict
from collectors.testing import Collected, Conformance, collect
from tests.collectors.aws.double import Answer, Double, error
from tests.collectors.aws.random_account import MAKERS, RandomAccount

catalog(plugins=False)  # the questions of a service stand in several modules
READ = (account, ec2, vpc)
NOT_ASKED = {
    "account:GetAlternateContact",
    "s3:GetAccountPublicAccessBlock",
    "sts:GetCallerIdentity",
    "ec2:DescribeRegions",
    "ec2:GetManagedPrefixListEntries",
    "ec2:DescribeSnapshotAttribute",
}
"""Permissions that are not asked of these accounts, or without which nothing can be placed."""


@pytest.fixture(scope="module")
def company(moto_server: str) -> RandomAccount:
    reset = urllib.request.Request(f"{moto_server}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset).read()  # noqa: S310 - the simulation's own address
    return RandomAccount(moto_server, seed=20261125, size=2).make(*MAKERS)


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


def statuses(collected: Collected, company: RandomAccount) -> dict[tuple[str, str], Verdict]:
    return collected.findings(bound=company.bound)


def test_every_resource_is_judged_as_it_was_made(
    company: RandomAccount, connection: AwsConnection
) -> None:
    collected = collect(connection, READ)
    assert [part for part in collected.parts if not part.complete] == []
    found = {key: verdict.status.value for key, verdict in statuses(collected, company).items()}
    assert {key: found.get(key) for key in company.expected} == company.expected
    seen = {(check, status) for (check, _), status in company.expected.items()}
    assert len(company.expected) > 100
    assert {"pass", "fail", "not_applicable"} <= {status for _, status in seen}


def test_it_takes_the_fewest_requests(
    company: RandomAccount, copy: Double, connection: AwsConnection
) -> None:
    collect(connection, (ec2, vpc))
    action = "Action="
    asked = Counter(
        request.body.partition(action)[2].partition("&")[0]
        if action in request.body
        else "DescribeInstanceInformation"
        for request in copy.seen
    )
    assert asked == company.least + Counter(["DescribeRegions", "GetCallerIdentity"])


def refuse(copy: Double, permissions: set[str]) -> None:
    """The simulation answers these calls as AWS does where the permission is missing."""
    for permission in permissions:
        service, _, action = permission.partition(":")
        words = f"User: arn:aws:iam::1:user/a is not authorized to perform: {permission}"
        if service == "ssm":
            body = json.dumps({"__type": "AccessDeniedException", "message": words})
            copy.script["POST / {"] = [Answer(400, body)]
        else:
            copy.script[rf"Action={action}(&|$)"] = [error("UnauthorizedOperation", 403, words)]


def check_refusals(
    before: dict[tuple[str, str], Verdict], after: Collected, bound: RandomAccount, lost: set[str]
) -> None:
    """Nothing flips, nothing vanishes, every unknown names a permission that is missing."""
    found = statuses(after, bound)
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


def test_each_permission_refused_in_turn_gives_unknowns_that_name_it(
    company: RandomAccount, copy: Double, connection: AwsConnection
) -> None:
    one = replace(connection, regions=company.regions[:1])
    before = statuses(collect(one, READ), company)
    wanted = sorted({p for c in (ec2, vpc) for p in c.permissions} - NOT_ASKED)
    assert len(wanted) > 25
    for permission in wanted:
        copy.script = {}
        refuse(copy, {permission})
        after = collect(one, READ)
        check_refusals(before, after, company, {permission})
        unknown = [v for v in statuses(after, company).values() if permission in v.because]
        assert unknown, permission


@pytest.mark.parametrize("seed", range(3))
def test_a_random_third_of_the_permissions_refused_at_once_flips_nothing(
    company: RandomAccount, copy: Double, connection: AwsConnection, seed: int
) -> None:
    before = statuses(collect(connection, READ), company)
    every = sorted({p for c in (ec2, vpc) for p in c.permissions} - NOT_ASKED)
    lost = set(random.Random(seed).sample(every, len(every) // 3))  # noqa: S311
    refuse(copy, lost)
    check_refusals(before, collect(connection, READ), company, lost)
