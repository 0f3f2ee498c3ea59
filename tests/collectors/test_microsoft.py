"""Signing in to Microsoft's platforms: azure-identity itself, against an authority over TLS."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from collectors import Caller, CallError, Cause, SystemClock
from collectors.microsoft import SignIn, Tokens, installed
from tests.collectors.fake_clock import eager_caller
from tests.microsoft import APP, SECRET, TENANT, Authority

ARM = "https://management.azure.com/.default"
GRAPH = "https://graph.microsoft.com/.default"


@pytest.fixture
def authority() -> Iterator[Authority]:
    with Authority(roles=["User.Read.All"]) as made:
        yield made


def secret() -> str:
    return SECRET


def test_a_token_is_asked_once_for_each_scope_and_kept(authority: Authority) -> None:
    tokens = Tokens(authority.sign_in(client_secret=secret), eager_caller())
    first = [tokens.token(ARM) for _ in range(3)]
    tokens.token(GRAPH)
    assert len(set(first)) == 1
    assert [form["scope"] for form in authority.forms] == [ARM, GRAPH]
    assert authority.forms[0]["client_secret"] == SECRET
    assert {path.split("/")[1] for path in authority.paths} == {TENANT}


def test_what_the_token_says_of_who_reads_is_kept(authority: Authority) -> None:
    tokens = Tokens(authority.sign_in(client_secret=secret), eager_caller())
    claims = tokens.claims(GRAPH)
    assert claims == {"tid": TENANT, "appid": APP, "oid": "oid-1", "roles": ["User.Read.All"]}


class MovedClock(SystemClock):
    """The machine's clock, set forward by hand."""

    ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


def test_a_token_is_renewed_before_its_end_with_the_secret_of_that_time(
    authority: Authority,
) -> None:
    clock, secrets = MovedClock(), iter(["old", "new"])
    caller = Caller(clock, clock.monotonic() + 9999, threading.Event())
    tokens = Tokens(authority.sign_in(client_secret=lambda: next(secrets)), caller)
    first = tokens.token(ARM)
    clock.ahead = 3400
    assert tokens.token(ARM) == first
    clock.ahead = 3500
    assert tokens.token(ARM) != first
    assert [form["client_secret"] for form in authority.forms] == ["old", "new"]


def test_a_workload_sends_its_federated_token(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("federated.jwt.here")
    Tokens(authority.sign_in(token_file=str(file)), eager_caller()).token(ARM)
    assert authority.forms[0]["client_assertion"] == "federated.jwt.here"
    assert "client_secret" not in authority.forms[0]


def test_a_certificate_signs_and_never_leaves(authority: Authority) -> None:
    made = trustme.CA().issue_cert("annexa.acme.example", key_type=trustme.KeyType.RSA)
    pem = (made.private_key_pem.bytes() + made.cert_chain_pems[0].bytes()).decode()
    Tokens(authority.sign_in(certificate=lambda: pem), eager_caller()).token(ARM)
    assert authority.forms[0]["client_assertion"].count(".") == 2
    assert "PRIVATE" not in str(authority.forms)


@pytest.mark.parametrize(
    ("code", "cure"),
    [
        ("AADSTS7000215", "a valid client secret: this one is wrong"),
        ("AADSTS7000222", "a new client secret: this one has expired"),
        ("AADSTS90002", "an existing tenant_id"),
        ("AADSTS1234567", "a valid client secret"),
    ],
)
def test_a_refusal_names_the_code_and_the_cure_and_nothing_that_moves(
    authority: Authority, code: str, cure: str
) -> None:
    authority.refuse(code)
    with pytest.raises(CallError) as refused:
        Tokens(authority.sign_in(client_secret=secret), eager_caller()).token(ARM)
    error = refused.value
    assert (error.cause, error.code, error.permission) == (Cause.DENIED, code, cure)
    assert "Trace" not in str(error)


def test_a_refusal_is_not_logged_by_the_library_and_no_secret_is(
    authority: Authority, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    authority.refuse("AADSTS7000215")
    with caplog.at_level(logging.DEBUG), pytest.raises(CallError):
        Tokens(authority.sign_in(client_secret=secret), eager_caller()).token(ARM)
    printed = "".join(capfd.readouterr())
    assert "AADSTS" not in caplog.text + printed
    assert SECRET not in caplog.text + printed


def test_trouble_of_the_sign_in_service_is_tried_again(authority: Authority) -> None:
    caller = eager_caller()
    authority.refuse("AADSTS90033", 503, "temporarily_unavailable")
    authority.refuse("AADSTS50196", 400, "invalid_grant")
    assert Tokens(authority.sign_in(client_secret=secret), caller).token(ARM)
    assert [line.outcome for line in caller.journal.lines][-1] == "ok"
    assert len(authority.forms) == 3
    assert SECRET not in str(caller.journal.document())


def test_an_authority_that_is_not_there_is_unreachable() -> None:
    sign_in = SignIn(TENANT, APP, client_secret=secret, authority="https://localhost:9")
    with pytest.raises(CallError) as refused:
        Tokens(sign_in, eager_caller()).token(ARM)
    assert refused.value.cause is Cause.UNREACHABLE
    assert "localhost:9" in str(refused.value)


def test_an_authority_with_a_foreign_certificate_is_not_trusted(authority: Authority) -> None:
    sign_in = authority.sign_in(client_secret=secret, ca_file=None)
    with pytest.raises(CallError) as refused:
        Tokens(sign_in, eager_caller()).token(ARM)
    assert (refused.value.cause, refused.value.code) == (Cause.UNREACHABLE, "untrusted certificate")
    assert authority.forms == []


def test_a_certificate_that_is_none_is_said_without_repeating_it(authority: Authority) -> None:
    with pytest.raises(CallError) as refused:
        Tokens(authority.sign_in(certificate=lambda: SECRET), eager_caller()).token(ARM)
    assert refused.value.cause is Cause.DENIED
    assert refused.value.permission == "a valid certificate"
    assert SECRET not in str(refused.value)


def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    monkeypatch.setitem(sys.modules, "azure", None)
    with pytest.raises(CallError, match=r"annexa\[azure\]"):
        installed()
    with pytest.raises(CallError, match=r"annexa\[azure\]"):
        Tokens(SignIn(TENANT, APP, client_secret=secret), eager_caller()).token(ARM)


def test_a_sign_in_shows_no_secret() -> None:
    shown = repr(SignIn(TENANT, APP, client_secret=secret, proxy=f"http://u:{SECRET}@p.example"))
    assert SECRET not in shown
