"""A simulated AWS organisation: a small server that knows accounts, roles and one bucket list.

Which account a request is for is told by its access key, as AWS does: `ASIA` and the number.
"""

from __future__ import annotations

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
            return self._json(json.loads(request.body))
        form = {key: values[0] for key, values in parse_qs(request.body).items()}
        action = form.get("Action", "")
        if action == "GetCallerIdentity":
            return identity(OWN if request.access_key == "AKIAREADER" else request.access_key[4:])
        if action == "AssumeRole":
            return self._assume(form["RoleArn"])
        if action == "DescribeRegions":
            return Answer(body=f"<R><regionInfo>{REGIONS}</regionInfo></R>")
        return s3_error("NoSuchPublicAccessBlockConfiguration", 404)

    def _json(self, asked: dict[str, str]) -> Answer:
        if "includeShadowTrails" in asked:
            return Answer(body=json.dumps({"trailList": []}))
        if "AlternateContactType" in asked:
            body = json.dumps({"message": "none"})
            return Answer(404, body, {"x-amzn-errortype": "ResourceNotFoundException"})
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
