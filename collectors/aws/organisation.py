"""An AWS organisation: every account of it is a target of its own, read by a role of one name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from collectors import Caller, Expansion, LeftOut, Member
from collectors.aws.target import AwsConnection, AwsTarget

if TYPE_CHECKING:
    from mypy_boto3_organizations.type_defs import AccountTypeDef

PAGE = 20
"""Accounts a page, the most that Organizations gives."""

OWN = "own"
"""The detail that names the account the listing credential belongs to."""


@dataclass(frozen=True)
class AwsOrganisation:
    """A declared organisation; `base` lists its accounts, as the management account or a delegate.

    `accounts` names the only ones to read, `accounts_out` why the others are not; `out` says the
    same of single ones. `only` is what one sweep was asked for.
    """

    base: AwsConnection
    role_name: str
    accounts: tuple[str, ...] = ()
    accounts_out: str = ""
    out: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()

    platform = "aws"

    @property
    def key(self) -> str:
        """`aws/<name>`; its accounts are `aws/<name>.<account number>`."""
        return self.base.key

    def open(self, caller: Caller) -> AwsTarget:
        """Connect to the account that lists the others."""
        return self.base.open(caller)

    def expand(self, caller: Caller) -> Expansion:
        """The accounts of the organisation, those that are not active left out with their state.

        Raises:
            CallError: the accounts could not be listed.
        """
        target = self.open(caller)
        own = target.identify().subject
        listed: list[AccountTypeDef] = list(
            target.pages("organizations", "list_accounts", "Accounts", MaxResults=PAGE)
        )
        details = {OWN: own, "partition": _partition(listed)}
        members, left = [], []
        for row in sorted(listed, key=lambda row: row["Id"]):
            key, title = self._key(row["Id"]), row.get("Name", "")
            if why := self._why_not(row):
                left.append(LeftOut(key, why, title))
            elif not self.only or key in self.only:
                members.append(Member(self.member(key, details), title))
        absent = set(self.accounts) - {row["Id"] for row in listed}
        left += [LeftOut(self._key(name), NO_ACCOUNT) for name in sorted(absent)]
        return Expansion(tuple(members), tuple(left), details)

    def member(self, key: str, details: Mapping[str, str]) -> AwsConnection:
        """The account of that key; the one that lists the others needs no further role."""
        number = key.rpartition(".")[2]
        own = number == details[OWN]
        role = f"arn:{details['partition']}:iam::{number}:role/{self.role_name}"
        return replace(
            self.base,
            name=key.partition("/")[2],
            account=number,
            role_arn=self.base.role_arn if own else role,
            through=None if own else self.base.role_arn,
        )

    def _key(self, number: str) -> str:
        return f"{self.key}.{number}"

    def _why_not(self, row: AccountTypeDef) -> str:
        """Why an account is not read; empty if it is."""
        # `Status` is the older word of the two, which AWS gives up in 2026.
        state = row.get("State") or row.get("Status") or "ACTIVE"
        if state != "ACTIVE":
            return f"AWS says the account is {state}"
        if self.accounts and row["Id"] not in self.accounts:
            return self.accounts_out
        return self.out.get(row["Id"], "")


NO_ACCOUNT = "the organisation has no such account"


def _partition(listed: list[AccountTypeDef]) -> str:
    return listed[0]["Arn"].split(":")[1] if listed else "aws"
