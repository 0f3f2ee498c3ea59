"""Signed heads of a ledger, and each kind of holder with what stands behind it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from moto.server import ThreadedMotoServer

from evidence_store import Checkpoint, merkle, note
from evidence_store.outside import Holder
from evidence_store.outside.directory import DirectoryHolder
from evidence_store.outside.git import GitHolder
from evidence_store.outside.s3 import S3Holder
from evidence_store.outside.webhook import WebhookHolder
from tests.evidence_store.outside.doubles import Keeper, served

LEDGER = "acme.example/annexa"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def signed(size: int, origin: str = LEDGER, seed: str = "") -> Checkpoint:
    root = merkle.root_of(f"{seed}{n}".encode() for n in range(size))
    return note.signed(origin, size, root, KEY)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh bucket with Object Lock."""
    import boto3  # noqa: PLC0415 - only where S3 is tested

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAHOLDER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    name = f"acme-evidence-{os.urandom(4).hex()}"
    client = boto3.client("s3", endpoint_url=moto_server, region_name="us-east-1")
    client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    return name


@pytest.fixture
def s3(bucket: str, moto_server: str) -> S3Holder:
    return S3Holder(
        "locker",
        bucket,
        timedelta(days=2555),
        prefix="annexa",
        region="us-east-1",
        endpoint_url=moto_server,
    )


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    """A bare repository that refuses to be rewritten."""
    path = tmp_path / "remote.git"
    for command in (
        ("git", "init", "--quiet", "--bare", str(path)),
        ("git", "-C", str(path), "config", "receive.denyNonFastForwards", "true"),
        ("git", "-C", str(path), "config", "receive.denyDeletes", "true"),
    ):
        subprocess.run(command, check=True)
    return path


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture(params=["directory", "s3", "git", "webhook"])
def holder(request: pytest.FixtureRequest, tmp_path: Path, keeper: Keeper) -> Iterator[Holder]:
    match request.param:
        case "directory":
            (tmp_path / "held").mkdir()
            yield DirectoryHolder("share", tmp_path / "held")
        case "s3":
            yield request.getfixturevalue("s3")
        case "git":
            yield GitHolder("remote", str(request.getfixturevalue("remote")))
        case _:
            with served(keeper) as url:
                yield WebhookHolder("hook", url, read_url=url, allow_http=True)
