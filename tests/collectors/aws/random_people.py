"""Makers of random accounts for IAM, S3 and the account itself."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError
from moto.iam.models import iam_backends

from collectors.aws.session import reach_address
from tests.collectors.aws.random_account import RandomAccount

HOME = "us-east-1"
"""Where IAM answers, and buckets need no location."""

CLASSES = ("RequireLowercaseCharacters", "RequireNumbers", "RequireSymbols")
BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
FACTS = (
    "publicAccessBlock",
    "policy",
    "ownershipControls",
    "encryption",
    "versioning",
    "lifecycle",
    "logging",
    "tagging",
)
"""What is asked of each bucket, for none of which there is a listing."""

OF_VERSIONED = ("object-lock", "replication")
"""What a bucket can have only once it keeps versions."""


def itself(account: RandomAccount) -> None:
    """The account: somebody to be told of security, public access to buckets blocked or not."""
    told, closed = account.flip(), account.flip()
    account.bound["aws.account.security_contact_registered"] = {"approved": ["sec@acme.example"]}
    if told:
        account.client("account", HOME).put_alternate_contact(
            AlternateContactType="SECURITY",
            EmailAddress="sec@acme.example",
            Name="Security",
            PhoneNumber="+15550100",
            Title="On duty",
        )
    account.expect("aws.account.security_contact_registered", account.number, told)
    account.expect("aws.s3.account_public_access_blocked", account.number, closed)
    if closed:
        api = account.client("s3control", HOME)
        api.meta.events.register("before-sign.s3-control.*", reach_address)
        settings = dict.fromkeys(BLOCKS, True)
        api.put_public_access_block(
            AccountId=account.number, PublicAccessBlockConfiguration=settings
        )
    for operation in ("GetAlternateContact", "GetAccountPublicAccessBlock"):
        account.pages(operation, 1)


def people(account: RandomAccount) -> None:
    """Users with and without a second factor, keys, passwords; policies wide and narrow."""
    iam = account.client("iam", HOME)
    users = 4 * account.size
    reads = _document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    iam.create_policy(PolicyName="readers", PolicyDocument=reads)
    for number in range(users):
        _person(account, iam, f"person-{number:04}")
    length, whole = account.chance.choice([8, 14, 20]), account.flip()
    iam.update_account_password_policy(
        MinimumPasswordLength=length,
        RequireUppercaseCharacters=True,
        **dict.fromkeys(CLASSES, whole),
    )
    account.bound["aws.iam.password_policy_complexity"] = {
        "classes": ["uppercase", "lowercase", "numbers", "symbols"]
    }
    account.expect("aws.iam.password_policy_length", account.number, length >= 14)
    account.expect("aws.iam.password_policy_complexity", account.number, whole)
    for number in range(account.size):
        _role(account, iam, f"service-{number:04}")
    while iam.generate_credential_report()["State"] != "COMPLETE":
        pass  # there is one, as where it was asked for in the last four hours
    account.pages("GetAccountAuthorizationDetails", users + 2 * account.size + 1)
    for operation in (
        "GenerateCredentialReport",
        "GetCredentialReport",
        "GetAccountSummary",
        "GetAccountPasswordPolicy",
        "ListVirtualMFADevices",
        "ListSAMLProviders",
        "ListOpenIDConnectProviders",
        "ListServerCertificates",
        "ListOrganizationsFeatures",
        "ListInstances",
    ):
        account.pages(operation, 1)


def _person(account: RandomAccount, iam: Any, name: str) -> None:
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    signs_in, second, direct = account.flip(), account.flip(), account.flip(0.3)
    keys = account.chance.choice([0, 0, 1, 2])
    if signs_in:
        iam.create_login_profile(UserName=name, Password="Abcd-1234-efgh!")
    old = account.flip()
    for number in range(keys):
        iam.create_access_key(UserName=name)
        made = iam_backends[account.number]["aws"].users[name].access_keys[number]
        made.create_date -= timedelta(days=200 if old else 2)
        account.expect("aws.iam.access_key_rotated", f"{arn}/access_key_{number + 1}", not old)
    if direct:
        readers = f"arn:aws:iam::{account.number}:policy/readers"
        iam.attach_user_policy(UserName=name, PolicyArn=readers)
    if second:
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=name)["VirtualMFADevice"]
        iam.enable_mfa_device(
            UserName=name,
            SerialNumber=device["SerialNumber"],
            AuthenticationCode1="123456",
            AuthenticationCode2="654321",
        )
    account.expect("aws.iam.user_console_mfa", arn, second if signs_in else "not_applicable")
    account.expect("aws.iam.user_no_direct_policy", arn, not direct)
    alone: bool | str = not old if keys == 2 else True
    account.expect("aws.iam.single_active_access_key", arn, alone if keys else "not_applicable")


def _role(account: RandomAccount, iam: Any, name: str) -> None:
    """A role that a service takes, with a policy of the organisation that is wide by chance."""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ec2.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=_document(trust))
    everything = account.flip(0.3)
    may = "*" if everything else ["s3:GetObject", "sqs:SendMessage"]
    made = iam.create_policy(
        PolicyName=f"{name}-policy",
        PolicyDocument=_document({"Effect": "Allow", "Action": may, "Resource": "*"}),
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=made)
    account.expect("aws.iam.policy_no_full_admin", made, not everything)


def buckets(account: RandomAccount) -> None:
    """Buckets open and closed, with and without versions, encryption, tags."""
    account.bound |= {
        "aws.s3.bucket_cross_account_approved": {"approved": []},
        "aws.s3.bucket_lifecycle_expiration": {"classes": ["holds=people: 365"]},
        "aws.s3.bucket_mfa_delete": {"records": ["holds=records"]},
        "aws.s3.bucket_object_lock": {"records": ["holds=records"], "retention": 365},
        "aws.s3.bucket_replication": {"critical": ["holds=records"]},
    }
    for number in range(4 * account.size):
        region = account.regions[number % len(account.regions)]
        _bucket(account, f"acme-data-{account.number}-{number:04}", region)
    account.pages("ListBuckets", 4 * account.size)
    for _ in account.regions:
        account.pages("ListAccessPoints", 0)


def _bucket(account: RandomAccount, name: str, region: str) -> None:
    s3 = account.client("s3", region)
    place: dict[str, Any] = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **({} if region == HOME else place))
    kept, closed, known, secret = (account.flip() for _ in range(4))
    holds = account.chance.choice(["records", "people", "nothing"])
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "holds", "Value": holds}]})
    _encrypt(s3, name, "aws:kms" if secret else "AES256")
    asked = [*FACTS, *(OF_VERSIONED if kept else ())]
    if kept:
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    if closed:
        settings = dict.fromkeys(BLOCKS, True)
        s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=settings)
    if not known and not closed:
        everyone = {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{name}/*",
        }
        s3.put_bucket_policy(Bucket=name, Policy=_document(everyone))
        asked.append("policyStatus")
    account.least.update(f"GET bucket?{each}" for each in asked)
    account.expect("aws.s3.bucket_versioning_enabled", name, kept)
    account.expect("aws.s3.bucket_default_encryption_kms", name, secret)
    account.expect("aws.s3.bucket_policy_not_public", name, known or closed)
    account.expect(
        "aws.s3.bucket_mfa_delete", name, "fail" if holds == "records" else "not_applicable"
    )


def other_buckets(account: RandomAccount) -> None:
    """Count what reads the buckets of other makers; encrypt them, as S3 does since 2023."""
    s3 = account.client("s3", HOME)
    for row in s3.list_buckets()["Buckets"]:
        name = row["Name"]
        with suppress(ClientError):  # made by `buckets`, which counts its own
            s3.get_bucket_encryption(Bucket=name)
            continue
        _encrypt(s3, name, "AES256")
        account.least.update(f"GET bucket?{each}" for each in FACTS)
        with suppress(ClientError):
            s3.get_bucket_policy(Bucket=name)
            account.least["GET bucket?policyStatus"] += 1


def _encrypt(s3: Any, name: str, algorithm: str) -> None:
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


PEOPLE = (itself, people, buckets)
"""Everything above."""
