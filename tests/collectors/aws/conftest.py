"""A simulated AWS over real HTTP, and the credential that reads it."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer

from collectors.aws import AwsConnection
from tests.collectors.aws.double import Double
from tests.collectors.aws.moto_gaps import fill
from tests.collectors.aws.moto_gaps_watching import fill as fill_watching
from tests.collectors.aws.random_account import RandomAccount

ENVIRONMENT = (
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)


@pytest.fixture(scope="session")
def moto_server() -> Iterator[str]:
    """The address of a simulated AWS; `POST <address>/moto-api/reset` empties it."""
    fill()
    fill_watching()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def credential(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A credential in the environment, and nothing of the machine's own configuration."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    nothing = tmp_path_factory.mktemp("no-aws")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(nothing / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(nothing / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAREADER")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")


@pytest.fixture(scope="module")
def company(request: pytest.FixtureRequest, moto_server: str) -> Iterator[RandomAccount]:
    """An account of chance, made by the test module's MAKERS; nothing is left of it afterwards."""
    _empty(moto_server)
    account = RandomAccount(moto_server, seed=20261125, size=request.module.SIZE)
    yield account.make(*request.module.MAKERS)
    _empty(moto_server)


def _empty(url: str) -> None:
    reset = urllib.request.Request(f"{url}/moto-api/reset", method="POST")  # noqa: S310
    urllib.request.urlopen(reset).read()  # noqa: S310 - the simulation's own address


@pytest.fixture(scope="module")
def copy(company: RandomAccount) -> Iterator[Double]:
    """A server that asks the simulation each thing once."""
    made = Double(company.url, remembers=True)
    yield made
    made.close()


@pytest.fixture
def connection(company: RandomAccount, copy: Double, credential: None) -> AwsConnection:  # noqa: ARG001
    """The account as it is declared; what was asked and refused before is forgotten."""
    copy.script = {}
    copy.seen.clear()
    return AwsConnection(
        "prod", endpoint_url=copy.url, regions=company.regions, regions_out="not used"
    )


@pytest.fixture
def double(credential: None) -> Iterator[Double]:  # noqa: ARG001 - the environment
    """A server that answers what the test scripts."""
    made = Double()
    yield made
    made.close()
