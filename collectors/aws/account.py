"""The AWS account itself: whom AWS can reach about it, and which regions it uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from collectors import (
    Cause,
    Collector,
    FactUnknown,
    Resource,
    Scene,
    Unread,
    Verdict,
    criterion,
    fact,
    fails,
    passes,
)
from collectors.aws.target import NOT_OPTED_IN, AwsTarget, RegionRow
from collectors.judging import not_applicable

if TYPE_CHECKING:
    from mypy_boto3_account import AccountClient
    from mypy_boto3_account.type_defs import AlternateContactTypeDef
    from mypy_boto3_s3control import S3ControlClient
    from mypy_boto3_s3control.type_defs import PublicAccessBlockConfigurationTypeDef

account = Collector("aws.account", title="AWS account", reads_from="account")


class Account(Resource[dict[str, str]], kind="aws.account.account"):
    """The one account of a target; its id is the account number."""

    secrets = ("facts.security_contact.Name", "facts.security_contact.PhoneNumber")
    """Nobody is asked about who answers the telephone; the address is what checks compare."""

    @fact("account:GetAlternateContact", absent="ResourceNotFoundException")
    def security_contact(self, api: AccountClient) -> AlternateContactTypeDef | None:
        """The alternate contact for security."""
        return api.get_alternate_contact(AlternateContactType="SECURITY")["AlternateContact"]

    @fact(
        "s3:GetAccountPublicAccessBlock",
        absent="NoSuchPublicAccessBlockConfiguration",
        reads_from="s3control",
    )
    def access_block(self, api: S3ControlClient) -> PublicAccessBlockConfigurationTypeDef | None:
        """S3's Block Public Access for all buckets; an organisation's setting shows in it."""
        answer = api.get_public_access_block(AccountId=self.id)
        return answer["PublicAccessBlockConfiguration"]


class Region(Resource[RegionRow], kind="aws.account.region"):
    """A region of AWS, whether the account uses it or not."""


@account.resources(Account, permission="sts:GetCallerIdentity")
def accounts(target: AwsTarget) -> Iterator[Account]:
    """The account that the credential reaches."""
    number = target.identify().subject
    yield Account(id=number, listed={"Account": number})


@account.resources(Region, permission="ec2:DescribeRegions")
def regions(target: AwsTarget) -> Iterator[Region]:
    """EC2's list; the Account API has the same, a page of fifty at a time."""
    for row in target.all_regions():
        yield Region(
            id=row["RegionName"],
            listed={"RegionName": row["RegionName"], "OptInStatus": row["OptInStatus"]},
        )


@account.check(
    Account,
    "low",
    remediation="Register the security team's mailbox as the account's SECURITY alternate contact.",
)
def security_contact_registered(
    account: Account, scene: Scene, *, approved: tuple[str, ...] = criterion("e-mail addresses")
) -> Verdict:
    """AWS reaches the security team by an approved address.

    Without the alternate contact, security notices go to the root user's mailbox.
    """
    del scene
    contact = account.security_contact
    if contact is None:
        return fails("no SECURITY alternate contact")
    address = contact["EmailAddress"]
    known = {entry.casefold() for entry in approved}
    return passes() if address.casefold() in known else fails(f"not approved: {address}")


@account.check(
    Region,
    "low",
    remediation="Disable the region in the account, or have its use approved.",
)
def region_opt_in_approved(
    region: Region, scene: Scene, *, approved: tuple[str, ...] = criterion("region names")
) -> Verdict:
    """Regions that somebody had to opt in to are approved.

    The older regions are on in every account and cannot be turned off.
    """
    del scene
    status = region.listed["OptInStatus"]
    if status == "opt-in-not-required":
        return not_applicable("on in every account")
    if status == NOT_OPTED_IN:
        return not_applicable("not opted in")
    return passes() if region.id in approved else fails("opted in, not approved")


def account_of(scene: Scene) -> Account:
    """The account that the unit reads.

    Raises:
        FactUnknown: it could not be listed.
    """
    found = scene.all(Account)
    if not found:
        raise FactUnknown(Unread("the account was not listed", "", Cause.PARTIAL))
    return found[0]
