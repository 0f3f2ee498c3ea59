"""An account or an organisation of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from config.declarations import Decision
from config.platforms.interface import Endpoint, Example, TargetSettings
from config.values import FilePath, Listed, Place, Secret, Text

Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
RoleArn = Annotated[str, StringConstraints(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$")]
RoleName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_+=,.@/-]{1,576}$")]
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,}(-[a-z]+)+-[0-9]+$")]


class AwsTarget(TargetSettings):
    """An AWS account, read with the credentials of the environment, a profile or a role."""

    platform: Literal["aws"]
    """`aws`: an AWS account."""
    account: Account | None = None
    """The account's 12 digits, in quotes; a credential of another account is then refused."""
    profile: Text | None = None
    """The profile of the AWS configuration to read with; without it, the default credentials."""
    role_arn: RoleArn | None = None
    """The role to assume for reading."""
    external_id: Secret | None = None
    """The external id the role asks for: `env:NAME`, `file:path` or `cred:name`."""
    region: Region = "us-east-1"
    """The region asked for what is not regional, and for the list of regions."""
    endpoint_url: Endpoint | None = None
    """Another address for all services, such as a proxy's or a simulation's."""
    ca_file: FilePath | None = None
    """The certificate authorities to trust, as a PEM file, where a proxy inspects TLS."""
    generate_credential_report: bool = True
    """Ask IAM to make its credential report: the only call that is not a plain read."""
    rate: float = Field(default=50.0, gt=0, le=1000)
    """Calls per second to begin with, per service and region; throttling lowers it."""
    slow: bool = False
    """Also read what takes a call for each resource, such as whom each snapshot is shared with."""
    regions: Annotated[tuple[Region, ...], Listed] = ()
    """The only regions to read; without any, all that are enabled. It needs `regions_out`."""
    regions_out: Decision | None = None
    """Why the other regions are not read: `{ reason = "…", author = "…", date = 2026-05-01 }`."""
    organisation: bool = False
    """Read every account of the organisation that this credential may list; needs `role_name`."""
    role_name: RoleName | None = None
    """The role that is assumed in each account of the organisation."""
    accounts: Annotated[tuple[Account, ...], Listed] = ()
    """The only accounts of the organisation to read. It needs `accounts_out`."""
    accounts_out: Decision | None = None
    """Why the other accounts are not read, as in `regions_out`."""

    @property
    def first_rate(self) -> float:
        """The `rate`."""
        return self.rate

    @property
    def subject(self) -> tuple[str, str] | None:
        """The account, named or as the role's."""
        if self.account is not None:
            return self.account, "account"
        return (self.role_arn.split(":")[4], "role_arn") if self.role_arn else None

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """A role names its account, which can be contradicted; some settings need another."""
        yield from self._halves()
        if self.external_id is not None and self.role_arn is None and self.role_name is None:
            yield ("external_id",), "is only sent when a role is assumed; add role_arn"
        if self.role_arn is None:
            return
        account = self.role_arn.split(":")[4]
        if self.account is not None and self.account != account:
            yield ("role_arn",), "the role belongs to another account than account says"

    def _halves(self) -> Iterator[tuple[Place, str]]:
        """A restriction comes with its decision, an organisation with its role."""
        for name in ("regions", "accounts"):
            only, decision = getattr(self, name), getattr(self, f"{name}_out")
            if bool(only) != (decision is not None):
                lacking = f"{name}_out" if only else name
                yield (name if only else f"{name}_out",), f"needs {lacking}"
        if self.organisation != (self.role_name is not None):
            lacking = "role_name" if self.organisation else "organisation = true"
            yield ("organisation" if self.organisation else "role_name",), f"needs {lacking}"
        if self.accounts and not self.organisation:
            yield ("accounts",), "needs organisation = true"


EXAMPLES = (
    Example(
        "acme-prod",
        AwsTarget,
        {
            "platform": "aws",
            "account": "111122223333",
            "profile": "acme-audit",
            "role_arn": "arn:aws:iam::111122223333:role/annexa-read",
            "external_id": "env:ACME_EXTERNAL_ID",
        },
    ),
    Example(
        "acme-old",
        AwsTarget,
        {"platform": "aws", "account": "777788889999"},
    ),
)
