"""Documents out and back: what moves is apart, secrets never come in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import Absent, Cause, Unread
from collectors.documents import (
    document_of,
    marker,
    merge,
    restore,
    split,
    without_secrets,
)
from tests.acme import CANARY, Person, person

MARK = marker(b"key of the store")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=12,
)
PATHS = st.lists(
    st.builds(
        lambda first, rest: ".".join([first, *rest]),
        st.sampled_from(["listed", "facts"]),
        st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3),
    ),
    max_size=5,
    unique=True,
)
FACTS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.one_of(
        JSON.filter(lambda value: value is not None),
        st.just(Absent("NoKey")),
        st.builds(Unread, st.text(max_size=5), st.text(max_size=5), st.sampled_from(Cause)),
    ),
    max_size=3,
)


@given(listed=JSON, facts=FACTS)
def test_a_stored_document_is_the_resource_again(listed: Any, facts: dict[str, Any]) -> None:
    before = Person(id="x", listed=listed, scope="north", facts=facts)
    assert restore(Person, json.loads(json.dumps(document_of(before)))) == before


@given(listed=JSON, facts=FACTS, paths=PATHS)
def test_splitting_and_merging_gives_the_document_again(
    listed: Any, facts: dict[str, Any], paths: list[str]
) -> None:
    whole = document_of(Person(id="x", listed=listed, facts=facts))
    copy = json.loads(json.dumps(whole))
    lasting, moving = split(whole, tuple(paths))
    assert whole == copy, "splitting changes its input"
    assert merge(lasting, moving) == whole
    assert set(moving) <= set(paths)


@given(listed=JSON, facts=FACTS, paths=PATHS)
def test_what_moves_is_in_the_lasting_part_no_more(
    listed: Any, facts: dict[str, Any], paths: list[str]
) -> None:
    whole = document_of(Person(id="x", listed=listed, facts=facts))
    lasting, _ = split(whole, tuple(paths))
    assert split(lasting, tuple(paths)) == (lasting, {})


def test_a_fact_that_moves_is_named_by_the_path_into_its_answer() -> None:
    mia = Person(id="mia", listed=person("mia"), facts={"key": {"made": "x", "used": 7}})
    lasting, moving = split(document_of(mia), Person.volatile)
    assert moving == {"facts.key.used": 7}
    assert lasting["facts"] == {"key": {"value": {"made": "x"}}}


def test_a_volatile_field_of_a_refused_fact_is_nowhere() -> None:
    mia = Person(id="mia", listed=person("mia"), facts={"key": Unread("AccessDenied", "p")})
    lasting, moving = split(document_of(mia), Person.volatile)
    assert moving == {}
    assert restore(Person, lasting) == mia


@pytest.mark.parametrize(
    "secret",
    [
        CANARY,
        "xoxb-123456789012-abcdef",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.SflKxwRJSMeKKF2QT4",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----",
        "$6$saltsalt$Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4",
        "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
    ],
)
def test_a_text_shaped_like_a_secret_is_a_marker_wherever_it_stands(secret: str) -> None:
    listed = {"note": f"see {secret} there", "deep": [{"x": (secret,)}]}
    clean = without_secrets(
        document_of(Person(id="x", listed=listed, facts={"key": {"v": secret}})), (), MARK
    )
    text = json.dumps(clean)
    assert secret not in text
    assert json.dumps(secret)[1:-1] not in text
    assert text.count(MARK(secret)) == 3


def test_a_password_in_an_address_goes_and_the_host_stays() -> None:
    clean = without_secrets({"url": "https://bot:hunter2@git.acme.example/x"}, (), MARK)
    assert clean["url"].startswith("https://[secret ")
    assert clean["url"].endswith("@git.acme.example/x")
    assert "hunter2" not in clean["url"]


@pytest.mark.parametrize(
    "harmless", ["https://acme.example/a:b@c", "ghp_short", "eyJ.x.y", "$5 for you", "a@b.example"]
)
def test_harmless_texts_stay_as_they_are(harmless: str) -> None:
    assert without_secrets({"x": harmless}, (), MARK) == {"x": harmless}


def test_declared_secrets_are_marked_whatever_they_look_like() -> None:
    document = document_of(
        Person(id="x", listed={"password": "hunter2"}, facts={"key": {"pin": 1234}})
    )
    clean = without_secrets(document, ("listed.password", "facts.key.pin", "listed.other"), MARK)
    assert clean["listed"] == {"password": MARK("hunter2")}
    assert clean["facts"]["key"]["value"] == {"pin": MARK("1234")}
    assert document["listed"]["password"] == "hunter2", "the original is left alone"


def test_a_secret_that_is_not_set_is_told_from_one_that_is() -> None:
    clean = without_secrets({"listed": {"password": None}}, ("listed.password",), MARK)
    assert clean == {"listed": {"password": None}}


@given(st.text(min_size=1), st.text(min_size=1))
def test_equal_secrets_have_equal_markers_under_one_key_only(one: str, other: str) -> None:
    assert (MARK(one) == MARK(other)) is (one == other)
    assert marker(b"another key")(one) != MARK(one)
    assert MARK(one).startswith("[secret ")
