"""AWS account: the checks on hand-made documents, and the real calls."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

from collectors import Absent, Cause, Status, Unread
from collectors.aws import AwsConnection
from collectors.aws.account import (
    Account,
    Region,
    account,
    region_opt_in_approved,
    security_contact_registered,
)
from collectors.documents import document_of, marker, without_secrets
from collectors.testing import Conformance, collect, judge
from tests.collectors.aws.double import Double, error, identity

NUMBER = "123456789012"
CONTACT = {
    "AlternateContactType": "SECURITY",
    "EmailAddress": "Security@acme.example",
    "Name": "Canary Person",
    "PhoneNumber": "+49 4711",
    "Title": "CISO",
}

BOUND: dict[str, dict[str, object]] = {
    "aws.account.security_contact_registered": {"approved": ["security@acme.example"]},
    "aws.account.region_opt_in_approved": {"approved": ["eu-south-1"]},
}


def holder(contact: object) -> Account:
    return Account(id=NUMBER, listed={"Account": NUMBER}, facts={"security_contact": contact})


@pytest.mark.parametrize(
    ("contact", "status", "because"),
    [
        (CONTACT, "pass", ""),
        (
            CONTACT | {"EmailAddress": "joe@acme.example"},
            "fail",
            "not approved: joe@acme.example",
        ),
        (Absent("ResourceNotFoundException"), "fail", "no SECURITY alternate contact"),
        (
            Unread("AccessDeniedException", "account:GetAlternateContact"),
            "unknown",
            "AccessDeniedException; needs account:GetAlternateContact",
        ),
    ],
)
def test_security_contact_registered(contact: object, status: str, because: str) -> None:
    verdict = judge(
        security_contact_registered, holder(contact), approved=["security@acme.example"]
    )
    assert (verdict.status, verdict.because) == (status, because)


def test_without_approved_addresses_nothing_is_said() -> None:
    verdict = judge(security_contact_registered, holder(CONTACT))
    assert verdict.cause is Cause.CRITERION_MISSING


@pytest.mark.parametrize(
    ("status", "approved", "expected"),
    [
        ("opt-in-not-required", [], "not_applicable"),
        ("not-opted-in", [], "not_applicable"),
        ("opted-in", ["me-south-1"], "pass"),
        ("opted-in", ["eu-south-1"], "fail"),
    ],
)
def test_region_opt_in_approved(status: str, approved: list[str], expected: str) -> None:
    region = Region(id="me-south-1", listed={"RegionName": "me-south-1", "OptInStatus": status})
    assert judge(region_opt_in_approved, region, approved=approved).status == expected


@pytest.fixture
def connection(moto_server: str, credential: None) -> AwsConnection:  # noqa: ARG001 - environment
    client = boto3.client("account", region_name="us-east-1", endpoint_url=moto_server)
    client.put_alternate_contact(**CONTACT)
    return AwsConnection("prod", endpoint_url=moto_server)


class TestConformance(Conformance):
    collectors = (account,)
    bound = BOUND


def test_the_account_and_its_regions_are_read(connection: AwsConnection) -> None:
    collected = collect(connection, (account,))
    assert all(part.complete for part in collected.parts)
    found = collected.findings(bound=BOUND)
    assert found["aws.account.security_contact_registered", NUMBER].status is Status.PASS
    assert found["aws.account.region_opt_in_approved", "us-east-1"].because == "on in every account"
    block = next(r for r in collected.resources if isinstance(r, Account)).facts["access_block"]
    assert block == Absent("NoSuchPublicAccessBlockConfiguration")


def test_name_and_telephone_of_the_contact_are_not_kept(connection: AwsConnection) -> None:
    collected = collect(connection, (account,))
    holder = next(r for r in collected.resources if isinstance(r, Account))
    document = without_secrets(document_of(holder), Account.secrets, marker(b"key"))
    text = json.dumps(document)
    assert "Canary Person" not in text
    assert "4711" not in text
    assert "Security@acme.example" in text


def test_a_refused_list_of_regions_is_unknown_and_leaves_the_account(double: Double) -> None:
    message = "You are not authorized to perform: ec2:DescribeRegions"
    double.script = {
        "GetCallerIdentity": [identity(NUMBER)],
        "DescribeRegions": [error("UnauthorizedOperation", 403, message)],
    }
    collected = collect(AwsConnection("prod", endpoint_url=double.url), (account,))
    unread: dict[str, Any] = {part.kind: part.unread for part in collected.parts}
    assert unread["aws.account.account"] is None
    assert unread["aws.account.region"] == Unread("UnauthorizedOperation", "ec2:DescribeRegions")
    findings = collected.findings(bound=BOUND)
    assert findings["aws.account.region_opt_in_approved", ""].status is Status.UNKNOWN
