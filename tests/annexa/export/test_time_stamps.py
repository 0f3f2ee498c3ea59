"""Time stamps in a package: the imprint is checked here, the signature by openssl or not at all."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from annexa.export import Asked, evidence_package, verify_annexa
from evidence_store import Store
from evidence_store.outside import Outside
from tests.acme import Clock, small_world
from tests.annexa.bench import Bench
from tests.annexa.export.conftest import Evidence, Files, Verify, listed
from tests.evidence_store.outside.doubles import Signer

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the double of the authority is `openssl ts`"
)
NAME = "timestamps/the-authority.tsr"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("tsa"))


def stamped(signer: Signer, data: bytes) -> bytes:
    builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    return signer.reply(builder.cert_request(cert_request=True).build().as_bytes())


@pytest.fixture(scope="module")
def files(evidence: Evidence, signer: Signer) -> Files:
    made = evidence.package(
        stamps=lambda head: {"the authority": stamped(signer, head.note.encode())}
    )
    return dict(made.files)


def test_a_time_stamp_is_checked_with_the_authoritys_root(
    files: Files, verify: Verify, signer: Signer
) -> None:
    said = verify(files, tsa_ca=str(signer.ca_file))
    assert said.failed == said.unchecked == []
    assert any(line.startswith(f"{NAME[:-4]}: the head was there at 20") for line in said.checked)


def test_without_the_root_or_openssl_it_says_that_the_signature_was_not_checked(
    files: Files, verify: Verify, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = [f"{NAME[:-4]}: its signature, for lack of openssl or --tsa-ca"]
    assert verify(files).unchecked == lacking
    monkeypatch.setattr(verify_annexa.shutil, "which", lambda _: None)
    said = verify(files, tsa_ca=str(signer.ca_file))
    assert (said.failed, said.unchecked) == ([], lacking)


def test_a_time_stamp_over_something_else_is_refused_even_without_openssl(
    files: Files, verify: Verify, signer: Signer
) -> None:
    said = verify(listed(files | {NAME: stamped(signer, b"another head")}))
    assert said.failed == [f"{NAME[:-4]}: is over something else than checkpoint.txt"]


def test_another_authority_or_a_changed_token_is_refused(
    files: Files, verify: Verify, signer: Signer, tmp_path: Path
) -> None:
    other = Signer(tmp_path / "other")
    assert verify(files, tsa_ca=str(other.ca_file)).failed
    at = files[NAME].index(b"\x18\x0f20") + 4
    changed = files[NAME][:at] + b"19" + files[NAME][at + 2 :]
    assert verify(listed(files | {NAME: changed}), tsa_ca=str(signer.ca_file)).failed
    assert verify(listed(files | {NAME: b"0" * 900}), tsa_ca=str(signer.ca_file)).failed


@dataclass(frozen=True)
class Authority:
    """The double as the store asks it."""

    signer: Signer
    clock: Clock
    name: str = "the authority"
    place: str = "https://tsa.example"

    def stamp(self, data: bytes) -> bytes:
        return stamped(self.signer, data)

    def stamped_at(self, _data: bytes, _response: bytes) -> datetime:
        return self.clock.now()


def test_the_stamps_a_store_has_of_its_head_are_in_every_package(
    signer: Signer, verify: Verify, tmp_path: Path
) -> None:
    clock, path = Clock(), tmp_path / "evidence.db"
    outside = Outside([], [Authority(signer, clock)])
    with Store.open(path, clock=clock.now, origin="annexa/test", outside=outside) as store:
        Bench(store, clock, path).sweep(small_world())
        store.hand_out()
        assert [each.name for each in store.standing().stamps] == ["the authority"]
        targets = [row.target for row in store.targets()]
        made = evidence_package(store, Asked(targets, stamps=store.stamps))
        said = verify(made.files, store.verifier_key, tsa_ca=str(signer.ca_file))
    assert said.failed == said.unchecked == []
    assert any(line.startswith(f"{NAME[:-4]}: the head was there") for line in said.checked)
