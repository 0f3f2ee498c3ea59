"""Time stamps: an authority over a real socket, and every way in which its answer can be false."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from evidence_store.errors import OutsideError
from evidence_store.outside.authority import TimeStampAuthority
from tests.evidence_store.outside.conftest import signed
from tests.evidence_store.outside.doubles import Reply, Signer, authority

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the double of the authority is `openssl ts`"
)

NOTE = signed(9).note.encode()
KIND = "application/timestamp-reply"


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return Signer(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def tsa(signer: Signer) -> Iterator[TimeStampAuthority]:
    with authority(signer) as url:
        yield TimeStampAuthority("tsa", url, signer.ca_file, allow_http=True)


def asking(signer: Signer, answer: Reply) -> str:
    """Why an answer was refused."""
    with authority(signer, lambda _query: answer) as url:
        made = TimeStampAuthority("tsa", url, signer.ca_file, allow_http=True)
        with pytest.raises(OutsideError) as told:
            made.stamp(NOTE)
    return str(told.value)


def query(data: bytes, *, nonce: bool = False) -> bytes:
    builder = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256)
    return builder.nonce(nonce=nonce).build().as_bytes()


def test_a_token_says_when_the_head_was_there(tsa: TimeStampAuthority) -> None:
    token = tsa.stamp(NOTE)
    assert abs(tsa.stamped_at(NOTE, token) - datetime.now(UTC)) < timedelta(seconds=10)


def test_a_token_over_another_head_is_refused(tsa: TimeStampAuthority) -> None:
    token = tsa.stamp(NOTE)
    with pytest.raises(OutsideError, match="Mismatch between messages"):
        tsa.stamped_at(signed(8).note.encode(), token)


def test_an_answer_to_another_query_is_refused(signer: Signer) -> None:
    assert "Nonce mismatch" in asking(signer, (200, KIND, signer.reply(query(NOTE, nonce=True))))


def test_a_token_of_another_authority_is_refused(signer: Signer, tmp_path: Path) -> None:
    stranger = Signer(tmp_path, "Stranger")

    def other(body: bytes) -> Reply:
        return 200, KIND, stranger.reply(body)

    with authority(stranger, other) as url:
        made = TimeStampAuthority("tsa", url, signer.ca_file, allow_http=True)
        with pytest.raises(OutsideError, match="does not verify"):
            made.stamp(NOTE)


def test_an_injected_certificate_of_the_true_authority_does_not_help(
    signer: Signer, tmp_path: Path
) -> None:
    stranger = Signer(tmp_path, "Stranger")

    mine, theirs = (
        x509.load_pem_x509_certificate(one.certificate.read_bytes()).public_bytes(Encoding.DER)
        for one in (stranger, signer)
    )

    def other(body: bytes) -> Reply:
        made = stranger.reply(body, "-chain", str(signer.certificate))
        assert mine + theirs in made or theirs + mine in made
        # openssl does not sort the set, as DER asks for
        for pair in (mine + theirs, theirs + mine):
            made = made.replace(pair, b"".join(sorted((mine, theirs))))
        return 200, KIND, made

    with authority(stranger, other) as url:
        made = TimeStampAuthority("tsa", url, signer.ca_file, allow_http=True)
        with pytest.raises(OutsideError, match="does not verify"):
            made.stamp(NOTE)


def test_a_certificate_that_had_expired_when_it_stamped_is_refused(tmp_path: Path) -> None:
    expired = Signer(tmp_path, not_after=datetime.now(UTC) - timedelta(days=1))
    with authority(expired) as url:
        made = TimeStampAuthority("tsa", url, expired.ca_file, allow_http=True)
        with pytest.raises(OutsideError, match="does not verify"):
            made.stamp(NOTE)


def test_every_flipped_byte_is_refused_or_changes_no_time(
    tsa: TimeStampAuthority,
) -> None:
    token = tsa.stamp(NOTE)
    at = tsa.stamped_at(NOTE, token)
    refused = 0
    for place in range(0, len(token), 3):
        broken = token[:place] + bytes([token[place] ^ 1]) + token[place + 1 :]
        try:
            assert tsa.stamped_at(NOTE, broken) == at
        except OutsideError:
            refused += 1
    assert refused > len(token) // 3 * 0.9
    with pytest.raises(OutsideError):
        tsa.stamped_at(NOTE, token[:-1] + bytes([token[-1] ^ 1]))  # the signature's last byte


@pytest.mark.parametrize(
    "answer",
    [(500, "text/plain", b"down"), (200, "text/html", b"<html>"), (200, KIND, b"\x30\x00")],
)
def test_an_answer_that_is_no_time_stamp_is_refused(signer: Signer, answer: Reply) -> None:
    assert "authority tsa" in asking(signer, answer)


def test_a_refusal_of_the_authority_is_no_token(signer: Signer) -> None:
    # SHA-512 in name, which the authority does not take
    sha256, sha512 = (bytes.fromhex(f"06096086480165030402{end}") for end in ("01", "03"))
    wrong = query(NOTE).replace(sha256, sha512, 1)
    assert "authority tsa" in asking(signer, (200, KIND, signer.reply(wrong)))


def test_without_its_root_the_authority_is_not_asked_in_vain(tmp_path: Path) -> None:
    made = TimeStampAuthority("tsa", "https://127.0.0.1:9", tmp_path / "none.pem")
    with pytest.raises(OutsideError, match=r"none\.pem"):
        made.stamped_at(NOTE, b"")


def test_only_https_is_spoken_unless_it_is_allowed(signer: Signer) -> None:
    with pytest.raises(OutsideError, match="only https"):
        TimeStampAuthority("tsa", "http://127.0.0.1:9", signer.ca_file).stamp(NOTE)
