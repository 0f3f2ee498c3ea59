"""The simulated company: three accounts with believable strengths and faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import ModuleType

PROD: Final = "111122223333"
DATA: Final = "444455556666"
OLD: Final = "777788889999"
PUBLIC_BUCKET: Final = "acme-exports"
DATABASE: Final = "customers"


def found(endpoint: str) -> None:
    """Make the company in the simulated AWS at that address."""
    import boto3  # noqa: PLC0415 - the demo's extra

    for account in (PROD, DATA, OLD):
        session = _in_account(boto3, endpoint, account)
        _people(session.client("iam", endpoint_url=endpoint), account)
        _buckets(session, endpoint, account)
    _database(_in_account(boto3, endpoint, DATA).client("rds", endpoint_url=endpoint))


def close_bucket(endpoint: str) -> None:
    """Mend the worst fault: the public bucket."""
    import boto3  # noqa: PLC0415 - the demo's extra

    s3 = _in_account(boto3, endpoint, PROD).client("s3", endpoint_url=endpoint)
    s3.delete_bucket_policy(Bucket=PUBLIC_BUCKET)
    s3.put_public_access_block(Bucket=PUBLIC_BUCKET, PublicAccessBlockConfiguration=_ALL_BLOCKED)


def role(account: str) -> str:
    """The role the collector assumes in an account."""
    return f"arn:aws:iam::{account}:role/annexa"


def _in_account(boto3: ModuleType, endpoint: str, account: str) -> Any:  # noqa: ANN401 - boto3's session
    sts = boto3.client("sts", region_name="eu-central-1", endpoint_url=endpoint)
    key = sts.assume_role(RoleArn=role(account), RoleSessionName="founding")["Credentials"]
    return boto3.Session(
        key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], region_name="eu-central-1"
    )


def _people(iam: Any, account: str) -> None:  # noqa: ANN401 - a client
    iam.create_role(RoleName="annexa", AssumeRolePolicyDocument=_trust(f"arn:aws:iam::{PROD}:root"))
    iam.attach_role_policy(RoleName="annexa", PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")
    iam.update_account_password_policy(
        MinimumPasswordLength=14 if account == DATA else 8,
        RequireSymbols=account == DATA,
        RequireNumbers=True,
        RequireLowercaseCharacters=True,
        RequireUppercaseCharacters=True,
        PasswordReusePrevention=24,
    )
    staff = {PROD: ("maria.weber", "jonas.roth", "svc-legacy"), DATA: ("maria.weber",), OLD: ()}
    for name in staff[account]:
        iam.create_user(UserName=name)
        iam.create_login_profile(UserName=name, Password="Demo-only-1234!")  # noqa: S106
        if name != "svc-legacy":
            _give_mfa(iam, name, account)
    if account == PROD:
        iam.create_access_key(UserName="svc-legacy")
        everything = _policy({"Effect": "Allow", "Action": "*", "Resource": "*"})
        iam.put_user_policy(
            UserName="svc-legacy", PolicyName="does-everything", PolicyDocument=everything
        )
        iam.create_role(
            RoleName="payroll-partner",
            AssumeRolePolicyDocument=_trust("arn:aws:iam::999988887777:root"),
        )


def _give_mfa(iam: Any, name: str, account: str) -> None:  # noqa: ANN401 - a client
    iam.create_virtual_mfa_device(VirtualMFADeviceName=name)
    iam.enable_mfa_device(
        UserName=name,
        SerialNumber=f"arn:aws:iam::{account}:mfa/{name}",
        AuthenticationCode1="123456",
        AuthenticationCode2="654321",
    )


def _database(rds: Any) -> None:  # noqa: ANN401 - a client
    """The company's one database: in order but for its backups, which somebody turned off."""
    rds.create_db_instance(
        DBInstanceIdentifier=DATABASE,
        Engine="postgres",
        EngineVersion="16.4",
        DBInstanceClass="db.t4g.medium",
        AllocatedStorage=50,
        MaxAllocatedStorage=200,
        MasterUsername="owner",
        MasterUserPassword="demo-only-1234",
        StorageEncrypted=True,
        PubliclyAccessible=False,
        BackupRetentionPeriod=0,
        AutoMinorVersionUpgrade=True,
        EnableIAMDatabaseAuthentication=True,
        EnableCloudwatchLogsExports=["postgresql"],
        CACertificateIdentifier="rds-ca-2019",
    )


def _buckets(session: Any, endpoint: str, account: str) -> None:  # noqa: ANN401 - boto3's session
    s3 = session.client("s3", endpoint_url=endpoint)
    names = {
        PROD: (PUBLIC_BUCKET, "acme-invoices", "acme-backups"),
        DATA: ("acme-lake-raw", "acme-lake-curated"),
        OLD: ("acme-attic",),
    }
    for name in names[account]:
        s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        if name != PUBLIC_BUCKET:
            s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=_ALL_BLOCKED)
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
            s3.put_bucket_encryption(
                Bucket=name, ServerSideEncryptionConfiguration=_encrypted(account)
            )
            s3.put_bucket_policy(Bucket=name, Policy=_tls_only(name))
    if account == PROD:
        s3.put_bucket_policy(
            Bucket=PUBLIC_BUCKET,
            Policy=_policy(
                {
                    "Sid": "Everyone",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:aws:s3:::{PUBLIC_BUCKET}/*",
                }
            ),
        )


_ALL_BLOCKED: Final = {
    "BlockPublicAcls": True,
    "IgnorePublicAcls": True,
    "BlockPublicPolicy": True,
    "RestrictPublicBuckets": True,
}


def _encrypted(account: str) -> dict[str, Any]:
    key = f"arn:aws:kms:eu-central-1:{account}:key/11111111-2222-3333-4444-555555555555"
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}


def _tls_only(bucket: str) -> str:
    arn = f"arn:aws:s3:::{bucket}"
    return _policy(
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def _trust(principal: str) -> str:
    return _policy({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"})


def _policy(statement: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
