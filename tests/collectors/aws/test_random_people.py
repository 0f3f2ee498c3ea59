"""Random AWS accounts with their people and buckets, over HTTP: verdicts and requests."""

from __future__ import annotations

import re
from collections import Counter

from collectors import catalog
from collectors.aws import AwsConnection
from collectors.aws.account import account
from collectors.aws.iam import iam
from collectors.aws.s3 import s3
from collectors.testing import collect
from tests.collectors.aws.double import Double, Request
from tests.collectors.aws.random_account import RandomAccount
from tests.collectors.aws.random_people import PEOPLE

catalog(plugins=False)  # the questions of a service stand in several modules


SIZE, MAKERS = 2, PEOPLE


def test_people_and_buckets_are_judged_as_they_were_made_in_the_fewest_requests(
    company: RandomAccount, copy: Double, connection: AwsConnection
) -> None:
    collected = collect(connection, (account, iam, s3))
    assert [part for part in collected.parts if not part.complete] == []
    verdicts = collected.findings(bound=company.bound)
    found = {key: verdict.status.value for key, verdict in verdicts.items()}
    assert {key: found.get(key) for key in company.expected} == company.expected
    assert {"pass", "fail", "not_applicable"} <= set(company.expected.values())
    asked = Counter(map(operation, copy.seen))
    # AWS's list tells each bucket's region since 2024; the simulation's does not.
    assert asked.pop("GET bucket?location") == asked["GET bucket?tagging"]
    assert asked == company.least + Counter(["DescribeRegions", "GetCallerIdentity"])


ADDRESSES = {
    r"/v20180820/configuration/publicAccessBlock$": "GetAccountPublicAccessBlock",
    r"/v20180820/accesspoint($|\?)": "ListAccessPoints",
    r"/getAlternateContact$": "GetAlternateContact",
    r"/\?(.+&)?max-buckets=": "ListBuckets",
}


def operation(request: Request) -> str:
    """What a request asks for: a form's action, a header, or what its address says."""
    if form := re.search(r"Action=(\w+)", request.body):
        return form.group(1)
    if request.target:
        return request.target.rpartition(".")[2]
    for pattern, name in ADDRESSES.items():
        if re.search(pattern, request.url):
            return name
    return f"GET bucket?{request.url.partition('?')[2]}"
