"""What is withheld or erased: proofs go on holding, and nothing of it can be read or guessed."""

from __future__ import annotations

import hmac
import itertools
import json
import re
from base64 import b64decode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from annexa.export import Asked, ExportError, Withholding, evidence_package
from annexa.export.withholding import MEANING
from evidence_store import ResourceKey, Store, canonical
from evidence_store.decisions import Author
from evidence_store.digests import MEMBER
from evidence_store.erasing import Request
from tests.acme import Clock
from tests.annexa.bench import Bench
from tests.annexa.export.conftest import CITY, Evidence, Files, Verify, world

CITIES = ["Graz", "Wien", "Linz", "Salzburg", "Innsbruck"]
MEMBERS = [
    "facts.history", "facts.key", "id", "kind", "listed.city", "listed.created", "listed.name",
    "listed.password", "scope", "facts", "listed.lead", "listed.members",
]  # fmt: skip


def documents(files: Files) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in sorted(files):
        if re.fullmatch("items/[0-9]+[.]json", name):
            yield name, json.loads(files[name])


@pytest.mark.parametrize("member", MEMBERS)
def test_any_member_can_be_withheld_and_everything_still_verifies(
    evidence: Evidence, verify: Verify, member: str
) -> None:
    made = evidence.package(member)
    said = verify(made.files)
    assert said.failed == said.unchecked == []
    found = [item["document"][member] for _, item in documents(dict(made.files))
             if item["document"] and member in item["document"]]  # fmt: skip
    assert found
    assert {tuple(sorted(box)) for box in found} == {("digest", "why")}
    assert {box["why"] for box in found} == {"withheld"}


def test_everything_can_be_withheld_at_once(evidence: Evidence, verify: Verify) -> None:
    made = evidence.package("key", "document", "reason")
    said = verify(made.files)
    assert said.failed == said.unchecked == []
    shown = b"".join(data for name, data in made.files.items() if name.startswith("items/"))
    for text in (b"mia", b"noah", b"[secret "):
        assert text not in shown
    assert b"(kind kept back)" in shown
    kept_back = [next(item.told()) for item in said.items if item.key.why]
    assert len(kept_back) == 12
    assert all(line.startswith("(kind withheld)  resource-") for line in kept_back)


def test_a_withheld_name_is_the_same_pseudonym_in_every_package(evidence: Evidence) -> None:
    rules = ("acme.people.person:key", "listed.city")
    one, other = evidence.package(*rules), evidence.package(*rules, leaves=False)
    assert one.files["index.txt"] == other.files["index.txt"]
    names = re.findall(rb"acme.people.person  (resource-[0-9a-f]{12})", one.files["index.txt"])
    assert len(names) == len(set(names)) == 8


def test_a_withheld_name_stands_nowhere_else_in_the_package(evidence: Evidence) -> None:
    """Neither in members that quote it, nor in reasons, calls, sheets, index or README."""
    made = evidence.package("acme.people.person:key", reasons=True)
    for name, data in made.files.items():
        if name != "verify_annexa.py":
            for person in (b"mia", b"noah", b"jon"):
                assert not re.search(rb"\b" + person + rb"\b", data), (name, person)
    teams = [i["document"] for _, i in documents(dict(made.files)) if i["document"]]
    assert {"why": "withheld"}.items() <= next(t for t in teams if "listed.lead" in t)[
        "listed.lead"
    ].items()


def test_what_is_withheld_takes_its_reasons_along_unless_they_are_asked_for(
    evidence: Evidence,
) -> None:
    for reasons in (False, True):
        made = evidence.package("listed.city", reasons=reasons)
        told = [item["findings"] for _, item in documents(dict(made.files))
                if item["document"] and "listed.city" in item["document"]]  # fmt: skip
        shown = {"value" in f["reason"] for each in told for f in each if f["reason"]}
        assert shown == {reasons}


def test_the_operator_is_told_where_a_withheld_text_can_still_be_read(evidence: Evidence) -> None:
    made = evidence.package("listed.name")
    assert any("what listed.name says still stands in key" in line for line in made.warnings)


def tokens(files: Iterable[bytes]) -> set[bytes]:
    """Every hash or salt that stands in a package."""
    found = set()
    for data in files:
        found |= {bytes.fromhex(text.decode()) for text in re.findall(rb"[0-9a-f]{64}", data)}
        found |= {b64decode(text) for text in re.findall(rb"\b[A-Za-z0-9+/]{43}=", data)}
    return found


def guesses(value: bytes, name: str, item: dict[str, Any], known: set[bytes]) -> Iterator[bytes]:
    """Every digest somebody without the secret could compute for a guess, and look for."""
    field = len(name.encode()).to_bytes(4, "big") + name.encode()
    texts = [value, field + value, canonical([name, json.loads(value)])]
    shown = {n: json.loads(box["value"]) for n, box in item["document"].items() if "value" in box}
    whole: dict[str, Any] = {"facts": {}, "listed": {}, "id": None}
    for each, found in (shown | {name: json.loads(value)}).items():
        group, _, rest = each.partition(".")
        (whole[group] if rest else whole)[rest or group] = found
    texts += [canonical(whole), canonical(whole["listed"])]
    for text in texts:
        yield sha256(text).digest()
        yield sha256(b"\x00" + text).digest()
        yield sha256(MEMBER + text).digest()
    for salt in known | {bytes(32), b""}:
        yield sha256(MEMBER + salt + field + value).digest()
        yield sha256(salt + value).digest()
        yield hmac.digest(salt, value, "sha256")
        yield hmac.digest(salt, field + value, "sha256")


def opened(box: dict[str, str]) -> bytes:
    """The digest of a city that is shown with its salt."""
    field = b"\x00\x00\x00\x0blisted.city"
    return sha256(MEMBER + bytes.fromhex(box["salt"]) + field + box["value"].encode()).digest()


def test_a_withheld_value_of_few_possibilities_cannot_be_guessed(evidence: Evidence) -> None:
    """An exhaustive search over all cities finds nothing; where the salt is shown, it does."""
    for rules, expected in ((("listed.city",), set()), ((), {CITY, "Wien"})):
        files = dict(evidence.package(*rules).files)
        known, found = tokens(files.values()), set()
        digests = {bytes.fromhex(box["digest"]) for _, item in documents(files)
                   for box in (item["document"] or {}).values() if "digest" in box}  # fmt: skip
        if not rules:  # what the verifier computes from what is shown
            shown = [item["document"] or {} for _, item in documents(files)]
            digests = {opened(each["listed.city"]) for each in shown if "listed.city" in each}
        for (_, item), city in itertools.product(documents(files), CITIES):
            if item["document"] and "listed.city" in item["document"]:
                value = canonical(city)
                made = set(guesses(value, "listed.city", item, known))
                if made & (digests | (known if rules else set())):
                    found.add(city)
        assert found == expected


def test_no_secret_and_no_plain_digest_of_a_document_is_in_a_package(evidence: Evidence) -> None:
    files = evidence.package("listed.city").files
    whole = b"".join(files.values())
    keys = evidence.store._keys
    for secret in (keys.secret, keys.signing.private_bytes_raw()):
        for form in (secret, secret.hex().encode(), secret[:16].hex().encode()):
            assert form not in whole
    for target in evidence.store.targets():
        for row in evidence.store.documents(target.target):
            assert row.sha256.hex().encode() not in whole
            assert sha256(row.body).digest() not in tokens(files.values())


@pytest.mark.parametrize("rule", ["listed.nmae", "acme.people.people:key", "kind:facts.nothing"])
def test_a_rule_that_fits_nothing_is_refused(evidence: Evidence, rule: str) -> None:
    with pytest.raises(ExportError, match=re.escape(f"has '{rule}'; nothing was written")):
        evidence.package(rule)


@pytest.mark.parametrize("rule", ["listed name", ":key", "a;b"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ExportError, match=re.escape(MEANING)):
        Withholding.read([rule])


DPO = Author("dpo@acme", "request 7 under Art. 17")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    clock = Clock()
    path = tmp_path / "store" / "evidence.db"
    with Store.open(path, clock=clock.now, origin="annexa/test") as store:
        made = Bench(store, clock, path)
        made.sweep(world())
        yield made


@pytest.mark.parametrize("members", [("listed.city",), ("listed.city", "facts.key"), ()])
@pytest.mark.parametrize("again", [False, True], ids=["", "and swept again"])
def test_what_was_erased_is_told_apart_from_what_is_withheld_and_still_proven(
    bench: Bench, verify: Verify, members: tuple[str, ...], *, again: bool
) -> None:
    key = ResourceKey("acme.people.person", "everywhere", "mia")
    bench.store.keeping.erase(Request("acme/hq", key, members), DPO)
    bench.store.checkpoint()
    if again:
        bench.clock.forward(days=1)
        bench.sweep(world())
    rules = Withholding.read(["listed.created"])
    made = evidence_package(bench.store, Asked(["acme/hq"], withholding=rules))
    said = verify(made.files, bench.store.verifier_key)
    assert said.failed == said.unchecked == []
    items = dict(documents(dict(made.files)))
    marked = [name for name, item in items.items() if "erased" in json.dumps(item)]
    assert len(marked) == 1
    found = items[marked[0]]
    if not members:
        assert found["key"]["why"] == "erased"
        assert b"mia" not in made.files[marked[0]] + made.files[marked[0][:-4] + "txt"]
    elif again:  # the sweep after it did not record them, and its document says so
        values = {found["document"][name]["value"] for name in members}
        assert values == {'{"erased":"withheld"}'}
    else:
        boxes = {n: box["why"] for n, box in found["document"].items() if "why" in box}
        assert boxes == dict.fromkeys(members, "erased") | {"listed.created": "withheld"}
