"""An AWS account as a target: every request goes through the unit's caller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar, cast

from collectors import Caller, CallError, Cause, Identity, Place
from collectors.aws.errors import CURES
from collectors.aws.operation import Operation
from collectors.aws.session import Ambience, Clients, clients

if TYPE_CHECKING:
    from botocore.credentials import Credentials

Made = TypeVar("Made")

GLOBAL = "global"
"""The scope of what is not regional; it is asked in the target's own region."""

SESSION = "annexa"
"""The session name under which a role is assumed; it appears in the account's CloudTrail."""


NOT_OPTED_IN = "not-opted-in"
TURNED_OFF = "region not enabled in the account"
NO_REGION = "AWS lists no such region"


class RegionRow(TypedDict):
    """A row of EC2's DescribeRegions."""

    RegionName: str
    OptInStatus: str


@dataclass(frozen=True)
class AwsConnection:
    """A declared AWS account; the SDK finds the credential as it does for the AWS CLI.

    `account` is the number the credential must reach. `role_arn` is assumed with the credential
    of `profile` or of the environment, or with the one of the role `through`. `endpoint_url`
    stands for every service; the variables `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`
    work too. `regions` names the only ones to read, `regions_out` says why the others are not;
    without any, every enabled region is read.
    """

    name: str
    account: str | None = None
    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    through: str | None = None
    region: str = "us-east-1"
    regions: tuple[str, ...] = ()
    regions_out: str = ""
    endpoint_url: str | None = None
    ca_file: str | None = None
    generate_credential_report: bool = True
    slow: bool = False

    platform = "aws"

    @property
    def key(self) -> str:
        """`aws/<name>`."""
        return f"aws/{self.name}"

    def open(self, caller: Caller) -> AwsTarget:
        """Connect; nothing is sent yet.

        Raises:
            CallError: the SDK is not installed, or does not know the profile.
        """
        return AwsTarget(self, caller, clients(self.profile, self.endpoint_url, self.ca_file))


class AwsTarget:
    """One account during one unit."""

    def __init__(self, connection: AwsConnection, caller: Caller, shared: Clients) -> None:
        self.connection = connection
        self.caller = caller
        self._clients = shared
        between = connection.through
        base = self._role(between, None) if between else None
        self._credential = self._role(connection.role_arn, base) if connection.role_arn else base
        self.scope = GLOBAL
        self._once: dict[str, _Once] = {}
        self._lock = threading.Lock()

    @property
    def key(self) -> str:
        """`aws/<name>`."""
        return self.connection.key

    @property
    def slow(self) -> bool:
        """Whether facts and listings marked slow are read."""
        return self.connection.slow

    @property
    def generate_credential_report(self) -> bool:
        """Whether IAM may be asked to make its credential report."""
        return self.connection.generate_credential_report

    def identify(self) -> Identity:
        """The account number, and the ARN that reads it.

        Raises:
            CallError: no answer, or the credential reaches another account than declared.
        """
        who = self.once(
            "sts.identity", lambda: self.call("sts", "get_caller_identity", scope=GLOBAL)
        )
        declared = self.connection.account
        if declared not in {None, who["Account"]}:
            raise CallError(
                Cause.DENIED,
                "WrongAccount",
                f"{self.key} is declared as account {declared}, the credential reaches "
                f"{who['Account']}; correct account, profile or role_arn",
                f"a credential for account {declared}",
            )
        return Identity(who["Account"], who["Arn"], {"region": self.connection.region})

    def scopes(self, per: str) -> Sequence[str]:
        """The regions that are read for `region`, else the one global scope.

        Raises:
            CallError: the regions could not be listed, and none were declared.
        """
        return self.regions() if per == "region" else (GLOBAL,)

    def regions(self) -> Sequence[str]:
        """The names of the regions to read, sorted: enabled in the account, and not left out.

        Where EC2 does not list them, those that are declared.
        """
        try:
            named = self.all_regions()
        except CallError:
            if self.connection.regions:
                return sorted(self.connection.regions)
            raise
        return sorted({r["RegionName"] for r in named} - self._left_out().keys())

    def left_out(self, per: str) -> Mapping[str, str]:
        """The regions that are not read: not enabled in the account, or out by decision.

        Raises:
            CallError: the regions could not be listed.
        """
        return self._left_out() if per == "region" else {}

    def _left_out(self) -> dict[str, str]:
        status = {row["RegionName"]: row["OptInStatus"] for row in self.all_regions()}
        only = set(self.connection.regions) or status.keys()
        return {
            **dict.fromkeys(status.keys() - only, self.connection.regions_out),
            **dict.fromkeys(only - status.keys(), NO_REGION),
            **{name: TURNED_OFF for name in status if status[name] == NOT_OPTED_IN},
        }

    def all_regions(self) -> Sequence[RegionRow]:
        """Every region of the partition with its opt-in status, as EC2 tells; asked once."""
        return self.once(
            "ec2.regions",
            lambda: cast(
                "Sequence[RegionRow]",
                self.call("ec2", "describe_regions", scope=GLOBAL, AllRegions=True)["Regions"],
            ),
        )

    def within(self, scope: str) -> AwsTarget:
        """The same target, whose calls go to that scope where they name no other."""
        seen = copy(self)
        seen.scope = scope
        return seen

    def api(self, service: str, scope: str) -> Any:  # noqa: ANN401 - typed by whoever asks
        """The service's client at a scope, each call of it made through the caller.

        Answers come without `ResponseMetadata`, times as ISO 8601 text.
        """
        return Api(self, service, scope)

    def call(self, service: str, operation: str, *, scope: str = "", **parameters: object) -> Any:  # noqa: ANN401 - an answer
        """The answer of one operation, named as in the SDK (`get_caller_identity`).

        Raises:
            CallError: it was refused, or no answer came in time.
        """
        return self.operation(service, operation, scope)(**parameters)

    def pages(
        self,
        service: str,
        operation: str,
        result_key: str,
        *,
        scope: str = "",
        **parameters: object,
    ) -> Iterator[Any]:
        """The rows of all pages of an operation, paged as the SDK's own model of it says.

        Raises:
            CallError: refused; partial where an answer is truncated and gives no token;
                malformed where a token comes again.
        """
        for page in self.operation(service, operation, scope).pages(**parameters):
            yield from page.get(result_key, [])

    def operation(self, service: str, operation: str, scope: str = "") -> Operation:
        """One operation at a scope, else at the target's own, ready to be asked."""
        where = scope or self.scope
        region = self.connection.region if where == GLOBAL else where
        around = Ambience(region, self._credential)
        return Operation(self.caller, self._clients, operation, Place(service, where), around)

    def once(self, key: str, make: Callable[[], Made]) -> Made:
        """What `make` gives, asked for once in the life of the target; a refusal is kept too."""
        with self._lock:
            kept = self._once.setdefault(key, _Once())
        return kept.get(make)

    def _role(self, arn: str, base: Credentials | None) -> Credentials:
        from botocore.credentials import (  # noqa: PLC0415 - loaded where AWS is read only
            DeferredRefreshableCredentials,
        )

        return DeferredRefreshableCredentials(lambda: self._assume(arn, base), "assume-role")

    def _assume(self, arn: str, base: Credentials | None) -> dict[str, str]:
        """The role's own credential, which AWS gives for an hour.

        Raises:
            CallError: it was refused; says which trust policy cures it.
        """
        declared = self.connection
        asked = {"RoleArn": arn, "RoleSessionName": SESSION}
        if declared.external_id:
            asked["ExternalId"] = declared.external_id
        around = Ambience(declared.region, base)
        place = Place("sts", GLOBAL)
        try:
            given = Operation(self.caller, self._clients, "assume_role", place, around)(**asked)
        except CallError as error:
            if error.cause is not Cause.DENIED or error.permission in CURES.values():
                raise
            raise CallError(
                Cause.DENIED,
                error.code,
                f"the role {arn} cannot be assumed: {error}; create it, and let its trust policy "
                f"allow sts:AssumeRole to the identity that reads{self._condition()}",
                f"sts:AssumeRole on {arn}, granted by the role's trust policy",
            ) from error
        keys = given["Credentials"]
        return {
            "access_key": keys["AccessKeyId"],
            "secret_key": keys["SecretAccessKey"],
            "token": keys["SessionToken"],
            "expiry_time": keys["Expiration"],
        }

    def _condition(self) -> str:
        return " with the declared external id" if self.connection.external_id else ""


class Api:
    """A service's operations as attributes."""

    def __init__(self, target: AwsTarget, service: str, scope: str) -> None:
        self._target = target
        self._service = service
        self._scope = scope

    def __getattr__(self, name: str) -> Operation:
        return self._target.operation(self._service, name, self._scope)


class _Once:
    """One value that is made by whoever asks first; the others wait for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: list[Any] = []
        self._refused: CallError | None = None

    def get(self, make: Callable[[], Made]) -> Made:
        with self._lock:
            if not self._made and self._refused is None:
                try:
                    self._made.append(make())
                except CallError as error:
                    self._refused = error
            if refused := self._refused:
                # A fresh one each time: an exception collects the traces of all who raise it.
                raise CallError(refused.cause, refused.code, str(refused), refused.permission)
            return cast("Made", self._made[0])
