"""Heads held in an S3 bucket with Object Lock: nobody shortens a compliance retention."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from evidence_store.answers import Checkpoint
from evidence_store.errors import OutsideError
from evidence_store.outside import names

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class S3Holder:
    """A bucket made with Object Lock; its credential needs to put and read, never to delete.

    Attributes:
        mode: COMPLIANCE cannot be shortened by anyone, GOVERNANCE by those with a permission.
        retention: How long each head is locked, from when it is put.
    """

    name: str
    bucket: str
    retention: timedelta
    prefix: str = ""
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    ca_file: str | None = None
    mode: Literal["COMPLIANCE", "GOVERNANCE"] = "COMPLIANCE"
    clock: Callable[[], datetime] = field(default=_now, repr=False)
    kind: str = "s3"
    readable: bool = True

    @property
    def place(self) -> str:
        """Bucket and prefix."""
        return f"s3://{self.bucket}/{self.prefix}"

    def publish(self, ledger: str, head: Checkpoint) -> None:
        """Put the head under its own name with a retention, then read back what is held."""
        key = self._key(ledger) + names.file_name(ledger, head)
        content = head.note.encode()
        with self._named_errors():
            if not self._there(key):
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=content,
                    ContentType="text/plain; charset=utf-8",
                    ChecksumAlgorithm="SHA256",
                    # Refused by the bucket if another writer was faster: never a second version.
                    IfNoneMatch="*",
                    ObjectLockMode=self.mode,
                    ObjectLockRetainUntilDate=self.clock() + self.retention,
                )
            held = self._client.get_object(Bucket=self.bucket, Key=key)
            if not names.same_head(held["Body"].read(names.LONGEST), head):
                raise OutsideError(
                    f"holder {self.name}: {self.place}: {key} holds something else than the head "
                    f"of size {head.size}"
                )
            if "ObjectLockRetainUntilDate" not in held:
                raise OutsideError(
                    f"holder {self.name}: {key} is there but not locked; make the bucket with "
                    "Object Lock, and let the credential read it (s3:GetObjectRetention)"
                )

    def latest(self, ledger: str) -> Checkpoint | None:
        """The last head by name."""
        with self._named_errors():
            found = self._names(ledger)
            return names.read_latest(ledger, found, self._reader(ledger), self.place)

    def all(self, ledger: str) -> Sequence[Checkpoint]:
        """Every head by name."""
        with self._named_errors():
            found = self._names(ledger)
            return names.read_all(ledger, found, self._reader(ledger), self.place)

    def _key(self, ledger: str) -> str:
        prefix = f"{self.prefix.strip('/')}/" if self.prefix.strip("/") else ""
        return f"{prefix}{names.folder(ledger)}/"

    def _there(self, key: str) -> bool:
        found = self._client.list_objects_v2(Bucket=self.bucket, Prefix=key, MaxKeys=1)
        return any(each["Key"] == key for each in found.get("Contents", []))

    def _names(self, ledger: str) -> Iterator[str]:
        prefix = self._key(ledger)
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self.bucket, Prefix=prefix):
            for each in page.get("Contents", []):
                yield each["Key"].removeprefix(prefix)

    def _reader(self, ledger: str) -> Callable[[str], bytes]:
        prefix = self._key(ledger)

        def read(name: str) -> bytes:
            held = self._client.get_object(Bucket=self.bucket, Key=prefix + name)
            return held["Body"].read(names.LONGEST)

        return read

    @cached_property
    def _client(self) -> S3Client:
        import boto3  # noqa: PLC0415 - only where a bucket is configured
        from botocore.config import Config  # noqa: PLC0415

        return boto3.Session(profile_name=self.profile).client(
            "s3",
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            verify=self.ca_file,
            config=Config(connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 3}),
        )

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
        except ImportError as error:
            raise OutsideError(
                f"holder {self.name}: the AWS SDK is not installed; install annexa[aws]"
            ) from error
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise OutsideError(
                f"holder {self.name}: {self.place}: {error}; it needs a bucket with Object Lock "
                "and s3:ListBucket, s3:GetObject, s3:GetObjectRetention, s3:PutObject, "
                "s3:PutObjectRetention"
            ) from error
