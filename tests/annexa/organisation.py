"""A simulated AWS organisation: a small server that knows accounts and roles; in each account
every service answers, and has hardly anything.

Which account a request is for is told by its access key, as AWS does: `ASIA` and the number.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from tests.collectors.aws.double import Answer, Double, Request, error, identity, s3_error

OWN = "100000000000"
"""The management account, whose credential lists the others."""

REGIONS = "".join(
    f"<item><regionName>{name}</regionName><optInStatus>{status}</optInStatus></item>"
    for name, status in (("eu-central-1", "opt-in-not-required"), ("me-south-1", "not-opted-in"))
)
SETTINGS = {
    "GetEbsEncryptionByDefault": "<ebsEncryptionByDefault>true</ebsEncryptionByDefault>",
    "GetImageBlockPublicAccessState": "<imageBlockPublicAccessState>unblocked"
    "</imageBlockPublicAccessState>",
    "GetSerialConsoleAccessStatus": "<serialConsoleAccessEnabled>false"
    "</serialConsoleAccessEnabled>",
    "GetSnapshotBlockPublicAccessState": "<state>unblocked</state>",
    "DescribeRegions": f"<regionInfo>{REGIONS}</regionInfo>",
}
"""EC2's answers, which lie right inside the response; a list that is left out is empty."""

USES = (
    "last_rotated",
    "last_used_date",
    "last_used_region",
    "last_used_service",
)
UNUSED = {
    "user_creation_time": "2024-01-01T00:00:00+00:00",
    "password_last_changed": "not_supported",
    "password_enabled": "not_supported",
    "password_last_used": "no_information",
    "mfa_active": "true",
    **{f"access_key_{n}_active": "false" for n in (1, 2)},
    **{f"access_key_{n}_{use}": "N/A" for n in (1, 2) for use in USES},
}
"""The root user in an account's credential report."""

LISTS = {
    "ListAliases": "Aliases",
    "ListKeys": "Keys",
    "DescribeTrails": "trailList",
    "DescribeConfigurationRecorders": "ConfigurationRecorders",
    "DescribeConfigurationRecorderStatus": "ConfigurationRecordersStatus",
    "DescribeRetentionConfigurations": "RetentionConfigurations",
}
"""The members that answers have even where they hold nothing, by JSON operation."""

ROLE = re.compile(r"arn:aws:iam::(\d{12}):role/(\S+)")


@dataclass
class Account:
    """One account as Organizations lists it; `trusts` is whether its role can be assumed."""

    number: str
    name: str
    state: str = "ACTIVE"
    trusts: bool = True

    @property
    def row(self) -> dict[str, str]:
        return {
            "Id": self.number,
            "Arn": f"arn:aws:organizations::{OWN}:account/o-acme/{self.number}",
            "Name": self.name,
            "State": self.state,
        }


def accounts(count: int) -> list[Account]:
    """The management account and others, without any that fails."""
    others = [Account(f"2{number:011}", f"team {number}") for number in range(1, count)]
    return [Account(OWN, "management"), *others]


class Organisation(Double):
    """The server; `seen` has every request, `numbers()` the accounts that were read."""

    def __init__(self, accounts: Sequence[Account], page: int = 20) -> None:
        self.accounts = accounts
        self.page = page
        self.refuses_list = False
        super().__init__()

    def unscripted(self, request: Request) -> Answer:
        """What AWS says."""
        if "{" in request.body:
            return self._json(json.loads(request.body), request.target)
        form = {key: values[0] for key, values in parse_qs(request.body).items()}
        action = form.get("Action", "")
        if action == "GetCallerIdentity":
            return identity(OWN if request.access_key == "AKIAREADER" else request.access_key[4:])
        if action == "AssumeRole":
            return self._assume(form["RoleArn"])
        return self._query(action, request) if action else self._by_path(request)

    def _query(self, action: str, request: Request) -> Answer:
        """What EC2, IAM and others say whose requests are forms."""
        if action in SETTINGS:
            return Answer(body=f"<R>{SETTINGS[action]}</R>")
        if action == "GetAccountPasswordPolicy":
            return error("NoSuchEntity", 404)
        inner = self._iam(action, request)
        return Answer(body=f"<R><{action}Result>{inner}</{action}Result></R>")

    def _iam(self, action: str, request: Request) -> str:
        """What answers of IAM hold; those of other services hold nothing."""
        if action == "GenerateCredentialReport":
            return "<State>COMPLETE</State>"
        if action == "GetCredentialReport":
            number = OWN if request.access_key == "AKIAREADER" else request.access_key[4:]
            row = {"user": "<root_account>", "arn": f"arn:aws:iam::{number}:root", **UNUSED}
            report = base64.b64encode("\n".join(map(",".join, (row, row.values()))).encode())
            return f"<Content>{report.decode()}</Content>"
        if action == "GetAccountSummary":
            rows = {"AccountMFAEnabled": 1, "AccountAccessKeysPresent": 0}
            entries = "".join(
                f"<entry><key>{name}</key><value>{value}</value></entry>"
                for name, value in rows.items()
            )
            return f"<SummaryMap>{entries}</SummaryMap>"
        return "<OpenIDConnectProviderList/><SAMLProviderList/>"

    def _by_path(self, request: Request) -> Answer:
        """What S3 and the younger protocols say."""
        if "/operation/" in request.url:
            return Answer(raw=b"\xa0")  # an object without members
        if request.url.startswith("/?"):
            return Answer(body="<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>")
        if request.url.endswith("/accesspoint"):
            return Answer(body="<ListAccessPointsResult/>")
        if "publicAccessBlock" in request.url:
            return s3_error("NoSuchPublicAccessBlockConfiguration", 404)
        if request.url.startswith(("/accounts", "/findingAggregator")):
            body = json.dumps({"message": "Account is not subscribed to AWS Security Hub"})
            return Answer(401, body, {"x-amzn-errortype": "InvalidAccessException"})
        return Answer(body=json.dumps({"DetectorIds": [], "MalwareProtectionPlans": []}))

    def _json(self, asked: dict[str, str], target: str) -> Answer:
        if "AlternateContactType" in asked:
            body = json.dumps({"message": "none"})
            return Answer(404, body, {"x-amzn-errortype": "ResourceNotFoundException"})
        service, _, operation = target.rpartition(".")
        if not service.startswith("AWSOrganizations"):
            held = {LISTS[operation]: []} if operation in LISTS else {}
            return Answer(body=json.dumps(held))
        if self.refuses_list:
            words = "not authorized to perform: organizations:ListAccounts"
            return Answer(400, json.dumps({"__type": "AccessDeniedException", "message": words}))
        start = int(asked.get("NextToken", 0))
        rows = [each.row for each in self.accounts[start : start + self.page]]
        more = start + self.page
        token = {"NextToken": str(more)} if more < len(self.accounts) else {}
        return Answer(body=json.dumps({"Accounts": rows, **token}))

    def _assume(self, arn: str) -> Answer:
        found = ROLE.fullmatch(arn)
        number = found.group(1) if found else ""
        account = next((each for each in self.accounts if each.number == number), None)
        if account is None or not account.trusts:
            words = f"User: a is not authorized to perform: sts:AssumeRole on resource: {arn}"
            return error("AccessDenied", 403, words)
        keys = (
            f"<AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>x</SecretAccessKey>"
            "<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
        )
        inner = f"<AssumeRoleResult><Credentials>{keys}</Credentials></AssumeRoleResult>"
        return Answer(body=f"<AssumeRoleResponse>{inner}</AssumeRoleResponse>")

    def numbers(self) -> set[str]:
        """The accounts of which something was asked by a role in them."""
        return {r.access_key[4:] for r in self.seen if r.access_key.startswith("ASIA")}
