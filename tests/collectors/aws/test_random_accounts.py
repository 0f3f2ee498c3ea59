"""AWS accounts made by chance, read over HTTP: verdicts, requests, refusals."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from annexa.sweep import Job, Means, Scope, Sweep, check_refs
from collectors import Catalog, catalog
from collectors.aws import AwsConnection
from collectors.aws.account import account
from collectors.aws.ec2 import ec2
from collectors.aws.vpc import vpc
from collectors.documents import marker
from collectors.judging import Verdict
from collectors.testing import Collected, Conformance, collect
from evidence_store import Store
from tests.collectors.aws.double import Double
from tests.collectors.aws.random_account import MAKERS as NETWORKS
from tests.collectors.aws.random_account import RandomAccount
from tests.collectors.aws.refusing import refuse
from tests.collectors.refusals import Refusals

catalog(plugins=False)  # the questions of a service stand in several modules
READ = (account, ec2, vpc)
SIZE, MAKERS = 2, NETWORKS
NOT_ASKED = {
    "account:GetAlternateContact",
    "s3:GetAccountPublicAccessBlock",
    "sts:GetCallerIdentity",
    "ec2:DescribeRegions",
    "ec2:GetManagedPrefixListEntries",
    "ec2:DescribeSnapshotAttribute",
}
"""Permissions that are not asked of these accounts, or without which nothing can be placed."""


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


def refusals(company: RandomAccount, copy: Double, connection: AwsConnection) -> Refusals:
    return Refusals(
        lambda: collect(connection, READ),
        lambda lost: refuse(copy, lost),
        bound=company.bound,
        permissions={p for c in (ec2, vpc) for p in c.permissions} - NOT_ASKED,
    )


def test_each_permission_refused_in_turn_gives_unknowns_that_name_it(
    company: RandomAccount, copy: Double, connection: AwsConnection
) -> None:
    one = replace(connection, regions=company.regions[:1])
    refusals(company, copy, one).give_only_unknowns(thirds=0)


def test_a_random_third_of_the_permissions_refused_at_once_flips_nothing(
    company: RandomAccount, copy: Double, connection: AwsConnection
) -> None:
    refusals(company, copy, connection).give_only_unknowns(in_turn=0, thirds=3)


def test_two_successive_sweeps_of_an_untouched_account_change_nothing(
    company: RandomAccount,
    credential: None,  # noqa: ARG001 - in the environment
    tmp_path: Path,
) -> None:
    """Each asks the simulation itself, so that what moves there by itself would be seen."""
    connection = AwsConnection(
        "prod", endpoint_url=company.url, regions=company.regions, regions_out="not used"
    )
    found = Catalog((account, ec2, vpc))
    means = Means(check_refs(list(found.checks.values()), company.bound), marker(b"two sweeps"))
    with Store.open(tmp_path / "evidence.db") as store:
        first, second = (
            Sweep(store, found, means)
            .run([Job(connection, rate=None)], Scope())
            .recorded[0]
            .receipt
            for _ in range(2)
        )
        assert store.verify().problems == ()
    assert (first.unchanged, second.unchanged) == (False, True)
    assert (second.added, second.changed, second.gone) == (0, 0, 0)
    assert second.resources == first.resources == first.added
