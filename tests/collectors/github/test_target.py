"""GitHub as a target: who we are, how we sign in, and what no request does."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from collectors import CallError, Cause
from collectors.github import AppKey, GithubConnection
from collectors.github.app import TOKENS
from collectors.github.site import ALLOWED, only_reads
from collectors.github.target import graphql_address
from collectors.http import Address, NotAllowedError
from tests.collectors.fake_clock import eager_caller
from tests.collectors.github.double import TOKEN, connection
from tests.spec_server import Scripted, SpecServer, load_spec, operations

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
).decode()


def test_every_read_on_the_list_is_in_githubs_own_description() -> None:
    assert set(ALLOWED) - {"POST /graphql"} <= operations("github-ghec")
    assert TOKENS in operations("github-ghec")


def test_every_permission_is_one_that_githubs_description_names() -> None:
    from collectors import catalog  # noqa: PLC0415 - all of GitHub's collectors

    known = load_spec("github-ghec")["components"]["schemas"]["app-permissions"]["properties"]
    for collector in catalog(plugins=False).of("github"):
        for permission in collector.permissions:
            name, _, access = permission.partition(":")
            assert access in known[name]["enum"]


@pytest.mark.parametrize(
    "text",
    [
        "mutation Do($org: String!) { x }",
        "query A($org: String!) { x } mutation B { y }",
        "subscription S($org: String!) { x }",
        "{ viewer { login } }",
        "",
    ],
)
def test_a_graphql_request_that_is_not_one_query_is_refused_unsent(
    double: SpecServer, text: str
) -> None:
    assert not only_reads({"query": text})
    with pytest.raises(NotAllowedError):
        connection(double).open(eager_caller()).query(text)
    assert double.journal == []


@pytest.mark.parametrize(
    ("rest", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com"),
        ("https://api.acme.ghe.com/", "https://api.acme.ghe.com"),
        ("https://git.acme.example/api/v3", "https://git.acme.example/api"),
    ],
)
def test_graphql_lies_beside_rest(rest: str, graphql: str) -> None:
    assert graphql_address(Address(rest)).base_url == graphql


def test_a_token_that_does_not_see_the_organisation_says_so(double: SpecServer) -> None:
    other = GithubConnection("code", "other", token=lambda: TOKEN, base_url=double.url)
    with pytest.raises(CallError) as raised:
        other.open(eager_caller()).identify()
    assert raised.value.cause is Cause.DENIED


def test_a_wrong_token_is_refused_and_not_repeated(double: SpecServer) -> None:
    wrong = connection(double, token=lambda: "github_pat_wrong")
    with pytest.raises(CallError) as raised:
        wrong.open(eager_caller()).identify()
    assert (raised.value.code, raised.value.permission) == ("Bad credentials", "a valid credential")
    assert "github_pat_wrong" not in str(raised.value)


def test_without_a_credential_it_says_what_is_missing() -> None:
    with pytest.raises(CallError, match="neither a token nor an app"):
        GithubConnection("code", "acme").open(eager_caller())


def test_an_app_signs_its_word_and_reads_with_the_installations_token(double: SpecServer) -> None:
    given = {
        "token": TOKEN,
        "expires_at": "2999-01-01T00:00:00Z",
        "permissions": {"members": "read"},
        "repository_selection": "all",
    }
    double.script(TOKENS, Scripted(201, body=given))
    app = AppKey("42", "77", lambda: PEM)
    caller = eager_caller()
    declared = connection(double, token=None, app=app)
    target = declared.open(caller)
    target.identify()
    target.get("")
    asked = double.asked(TOKENS)
    assert [each.names for each in asked] == [{"installation_id": "77"}]
    word = asked[0].headers["authorization"].removeprefix("Bearer ")
    header, claims, signature = word.split(".")
    KEY.public_key().verify(
        padded(signature),
        f"{header}.{claims}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    said: dict[str, Any] = json.loads(padded(claims))
    assert said["iss"] == "42"
    assert said["exp"] - said["iat"] == 600
    journal = repr(caller.journal.document())
    assert TOKEN not in journal
    assert word not in journal
    assert "PRIVATE" not in repr((declared, target.connection, app))


def padded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
