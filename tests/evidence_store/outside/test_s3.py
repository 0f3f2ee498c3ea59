from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest

from evidence_store.errors import OutsideError
from evidence_store.outside.s3 import S3Holder
from tests.evidence_store.outside.conftest import LEDGER, signed

pytestmark = pytest.mark.moto


def test_a_head_is_locked_for_the_configured_time(s3: S3Holder) -> None:
    at = datetime(2026, 11, 1, 12, tzinfo=UTC)
    fixed = replace(s3, clock=lambda: at)
    fixed.publish(LEDGER, signed(3))
    client = boto3.client("s3", endpoint_url=s3.endpoint_url, region_name="us-east-1")
    (held,) = client.list_objects_v2(Bucket=s3.bucket)["Contents"]
    assert held["Key"].startswith("annexa/acme.example~2Fannexa/0001-000000000000003-")
    lock = client.head_object(Bucket=s3.bucket, Key=held["Key"])
    assert lock["ObjectLockMode"] == "COMPLIANCE"
    assert lock["ObjectLockRetainUntilDate"] == at + s3.retention


def test_one_head_has_one_version(s3: S3Holder) -> None:
    s3.publish(LEDGER, signed(3))
    s3.publish(LEDGER, signed(3))
    client = boto3.client("s3", endpoint_url=s3.endpoint_url, region_name="us-east-1")
    assert len(client.list_object_versions(Bucket=s3.bucket)["Versions"]) == 1


def test_a_bucket_without_object_lock_is_refused(s3: S3Holder) -> None:
    client = boto3.client("s3", endpoint_url=s3.endpoint_url, region_name="us-east-1")
    client.create_bucket(Bucket="acme-plain")
    with pytest.raises(OutsideError, match="Object Lock"):
        replace(s3, bucket="acme-plain").publish(LEDGER, signed(3))


def test_a_head_that_is_there_unlocked_does_not_count_as_held(s3: S3Holder) -> None:
    client = boto3.client("s3", endpoint_url=s3.endpoint_url, region_name="us-east-1")
    s3.publish(LEDGER, signed(3))
    (held,) = client.list_objects_v2(Bucket=s3.bucket)["Contents"]
    client.create_bucket(Bucket="acme-unlocked")
    client.put_object(Bucket="acme-unlocked", Key=held["Key"], Body=signed(3).note.encode())
    with pytest.raises(OutsideError, match="not locked"):
        replace(s3, bucket="acme-unlocked").publish(LEDGER, signed(3))


def test_a_missing_bucket_says_what_is_needed(s3: S3Holder) -> None:
    with pytest.raises(OutsideError, match="s3:PutObjectRetention"):
        replace(s3, bucket="acme-nowhere").latest(LEDGER)


def test_an_address_where_nobody_listens_is_an_error_of_the_holder(s3: S3Holder) -> None:
    with pytest.raises(OutsideError, match="holder locker"):
        replace(s3, endpoint_url="http://127.0.0.1:9").latest(LEDGER)
