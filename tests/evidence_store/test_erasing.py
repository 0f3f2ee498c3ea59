"""Erasure of personal data: what was erased is nowhere, all else is as it was, all proofs hold."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence_store import Document, NotFoundError, PartKey, ResourceKey, RetentionError, canonical
from evidence_store.canonical import parsed
from evidence_store.codecs import ZLIB, unpacked
from evidence_store.decisions import Author
from evidence_store.digests import content_id, member_digest, members
from evidence_store.erasing import Request
from evidence_store.errors import CorruptStoreError
from evidence_store.holds import Held
from evidence_store.merkle import root_of
from evidence_store.tables import metadata
from tests.evidence_store.builders import ON_SQLITE, Bench, fails, part, passes

if TYPE_CHECKING:
    from evidence_store import Disclosure

DPO = Author("D. Prost", "request 77 under article 17")
EMAIL = "ada.lovelace@acme.example"
NAME = "arn:aws:iam::1:user/ada.lovelace"
KEY = ResourceKey("aws.s3.bucket", "", NAME)


PHONE = "+44 20 7946 0001"


def person(name: str = NAME, email: str = EMAIL, *findings: Any, **facts: Any) -> Document:
    body = canonical(
        {
            "kind": "aws.s3.bucket",
            "scope": "eu-west-1",
            "id": name,
            "listed": {"Name": name, "email": email, "age": 36},
            "facts": {
                "mfa": {"value": {"on": True, "phone": PHONE if name == NAME else "none"}},
                **facts,
            },
        }
    )
    key = ResourceKey("aws.s3.bucket", "", name)
    return Document(key, lambda: body, hashlib.sha256(body).digest(), findings)


OTHER = person("arn:aws:iam::1:user/bob", "bob@acme.example")
JOURNAL = canonical([{"op": "list"}, {"op": "get", "user": "ada.lovelace"}, {"mail": EMAIL}])
ACTIVITY = {("aws.s3", "aws.s3.bucket", ""): canonical({NAME: {"seen": "now"}, "bob": {}})}


@pytest.fixture
def used(bench: Bench) -> Bench:
    told = fails(reason=f"{EMAIL} never changed the password")
    bench.sweep([person(NAME, EMAIL, told), OTHER], journal=JOURNAL, activities=_activity())
    bench.sweep([person(NAME, EMAIL, passes(), more={"value": 1}), OTHER])
    bench.store.checkpoint()
    return bench


def _activity() -> Any:

    return {PartKey(*key): body for key, body in ACTIVITY.items()}


def nameless(bench: Bench) -> str:
    """What Ada is called once erased: by her row, whose number hangs on a digest."""
    with bench.store._database.reading() as connection:
        row = connection.exec_driver_sql("SELECT id FROM resources WHERE identity IS NULL").scalar()
    return f"(erased) {row}"


def everything(bench: Bench) -> bytes:
    """All the database tells, unpacked; on SQLite the raw bytes of its files too."""
    found = []
    with bench.store._database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(sa.select(table)):
                for value in row:
                    if isinstance(value, bytes):
                        found.append(value)
                        with suppress(CorruptStoreError):
                            found.append(unpacked(ZLIB, value))
                    else:
                        found.append(str(value).encode())
    if bench.store._database.one_writer:
        found += [path.read_bytes() for path in bench.path.parent.glob("annexa.db*")]
    return b"\n".join(found)


def recomputed(disclosure: Disclosure) -> bytes:
    """The content's id, by what is disclosed alone."""
    for member in (disclosure.key, *disclosure.members):
        if not member.erased:
            assert member_digest(member.name, member.value, member.salt) == member.digest
    return content_id({member.name: member.digest for member in disclosure.members})


def test_a_member_is_erased_everywhere_and_every_proof_holds(used: Bench) -> None:
    head = used.store.checkpoint()
    leaves = used.store.leaves("prod")
    plain = person(NAME, EMAIL, more={"value": 1}).sha256
    asked = Request("prod", KEY, ("listed.email",))
    assert EMAIL.encode() in everything(used)
    planned = used.store.keeping.erasable(asked)
    done, _ = used.store.keeping.erase(asked, DPO)
    assert (done.contents, done.reasons, done.lines, done.elsewhere) == (2, 1, 1, {})
    assert planned == done._replace(entry=None)
    rest = everything(used)
    assert EMAIL.encode() not in rest
    assert plain not in rest
    assert PHONE.encode() in rest
    assert used.store.leaves("prod") == leaves
    assert used.store.verify(trusted=[head]).problems == ()
    row = used.store.resource("prod", NAME)[0]
    assert row.erased == ("listed.email",)
    assert row.sha256 == b""
    disclosure = used.store.disclose("prod", KEY)
    assert [m.name for m in disclosure.members if m.erased] == ["listed.email"]
    assert (
        recomputed(disclosure) == disclosure.content_id == dict(leaves.state)[disclosure.key.digest]
    )


def test_a_resource_is_erased_with_its_name(used: Bench) -> None:
    leaves = used.store.leaves("prod")
    done, _ = used.store.keeping.erase(Request("prod", KEY), DPO)
    assert (done.contents, done.reasons, done.lines) == (2, 1, 3)
    rest = everything(used)
    for told in (NAME, "ada.lovelace", EMAIL, PHONE):
        assert told.encode() not in rest
    assert used.store.leaves("prod") == leaves
    assert used.problems() == []
    assert used.names() == ["arn:aws:iam::1:user/bob"]
    rows = {row.resource_id: row.status for row in used.store.findings()}
    assert rows == {nameless(used): "pass"}
    erased = ResourceKey("aws.s3.bucket", "", nameless(used))
    assert [row.body for row in used.store.history("prod", erased)] == [None, None]
    told = used.store.disclose_findings("prod", erased, used.clock())
    assert [item.status for item in told] == ["pass"]
    with pytest.raises(NotFoundError, match="erased already"):
        used.store.keeping.erase(Request("prod", KEY), DPO)


def test_other_lines_of_a_journal_stay_and_verify(used: Bench) -> None:
    used.store.keeping.erase(Request("prod", KEY), DPO)
    journal = used.store.attachment(3, "journal")
    assert journal.startswith(b'[{"op":"list"},{"erased":"')
    activity = next(name for name in used.store.attachments(3) if name.startswith("activity"))
    assert used.store.attachment(3, activity) == b'{"bob":{}}'
    assert used.problems() == []


def test_an_erased_reason_is_disclosed_by_its_digest(used: Bench) -> None:
    used.sweep([person(NAME, EMAIL, fails(reason=f"{EMAIL} again")), OTHER])
    before = used.store.disclose_findings("prod", KEY)[0].reason
    used.store.keeping.erase(Request("prod", KEY, ("listed.email",)), DPO)
    after = used.store.disclose_findings("prod", KEY)[0].reason
    assert (after.erased, after.value, after.salt) == (True, b"", b"")
    assert after.digest == before.digest


def test_what_is_quoted_elsewhere_is_told_and_left(used: Bench) -> None:
    used.sweep([person(), person("team", f"lead: {EMAIL}", fails(reason=f"led by {EMAIL}"))])
    done, _ = used.store.keeping.erase(Request("prod", KEY, ("listed.email",)), DPO)
    assert done.elsewhere == {
        "document aws.s3.bucket team listed.email": 1,
        "reason aws.s3.bucket team": 1,
    }


def test_what_is_held_cannot_be_erased(used: Bench) -> None:
    hold = used.store.keeping.hold(Held("prod"), Author("Counsel", "case 12"))
    with pytest.raises(RetentionError, match=r"held \(hold 1, by Counsel: case 12\)"):
        used.store.keeping.erase(Request("prod", KEY), DPO)
    used.store.keeping.lift(hold.number, Author("Counsel", "closed"))
    used.store.keeping.erase(Request("prod", KEY), DPO)


def test_what_is_not_there_cannot_be_erased(used: Bench) -> None:
    for request in (
        Request("prod", KEY._replace(id="nobody")),
        Request("prod", KEY, ("listed.phone",)),
        Request("elsewhere", KEY),
    ):
        with pytest.raises(NotFoundError):
            used.store.keeping.erase(request, DPO)
    assert "erasure" not in {row.kind for row in used.store.entries()}


def test_an_erased_member_is_not_recorded_again(used: Bench) -> None:
    used.store.keeping.erase(Request("prod", KEY, ("listed.email",)), DPO)
    told = fails(reason=f"{EMAIL} again")
    used.sweep([person(NAME, EMAIL, told, new={"value": 2}), OTHER], journal=JOURNAL)
    assert EMAIL.encode() not in everything(used)
    row = used.store.resource("prod", NAME)[0]
    assert b'"email":{"erased":"withheld"}' in row.body
    reason = next(row.reason for row in used.store.findings())
    assert reason == "withheld: it quotes what was erased"
    assert used.sweep([person(NAME, EMAIL, told, new={"value": 2}), OTHER]).unchanged
    assert used.problems() == []


@pytest.mark.parametrize("gone_before", [False, True])
def test_an_erased_resource_that_is_still_there_stays_nameless(
    used: Bench, gone_before: bool
) -> None:
    if gone_before:
        used.sweep([OTHER])
    used.store.keeping.erase(Request("prod", KEY), DPO)
    again = person(NAME, EMAIL, fails(reason=f"{NAME} has no key"))
    receipt = used.sweep([again, OTHER], journal=JOURNAL, activities=_activity())
    assert (receipt.added, receipt.changed, receipt.gone) == (
        (1, 0, 0) if gone_before else (0, 1, 0)
    )
    assert used.names() == [nameless(used), "arn:aws:iam::1:user/bob"]
    assert used.sweep([again, OTHER]).unchanged
    refused = part(complete=False, cause="denied", observed_at=used.clock().isoformat())
    used.sweep([OTHER], [refused])
    rest = everything(used)
    for told in (NAME, "ada.lovelace", EMAIL):
        assert told.encode() not in rest
    assert used.problems() == []
    used.store.rebuild_cache()
    assert used.sweep([OTHER]).gone == 1
    assert used.problems() == []


def test_a_second_erasure_adds_to_the_first(used: Bench) -> None:
    used.store.keeping.erase(Request("prod", KEY, ("listed.email",)), DPO)
    used.store.keeping.erase(Request("prod", KEY, ("facts.mfa",)), DPO)
    assert used.store.resource("prod", NAME)[0].erased == ("facts.mfa", "listed.email")
    assert PHONE.encode() not in everything(used)
    assert used.problems() == []
    used.store.keeping.erase(Request("prod", KEY), DPO)
    assert NAME.encode() not in everything(used)
    assert used.problems() == []


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE remnants SET body = zeroblob(3)", "cannot be read"),
        ("DELETE FROM erasures", "is not what the entries say"),
        ("UPDATE reasons SET reason = 'x' WHERE reason IS NULL", "was erased, and it is there"),
        ("UPDATE remnants SET body = (SELECT body FROM remnants WHERE id = 1)", "remnants of"),
    ],
)
def test_an_edit_of_what_was_left_is_found(used: Bench, statement: str, found: str) -> None:
    used.store.keeping.erase(Request("prod", KEY, ("listed.email",)), DPO)
    assert used.problems() == []
    used.tamper(statement)
    assert any(found in problem for problem in used.problems())


@ON_SQLITE
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.text(min_size=1, max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=9),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
        ),
        min_size=1,
        max_size=4,
    ),
    st.data(),
)
def test_any_member_of_any_document_can_be_erased(
    bench: Bench, listed: dict[str, Any], data: st.DataObject
) -> None:
    number = len(list(bench.store.entries()))
    body = canonical(
        {
            "kind": "k",
            "scope": "",
            "id": f"r{number}",
            "listed": listed,
            "facts": {"a": {"value": 1}},
        }
    )
    key = ResourceKey("k", "", f"r{number}")
    document = Document(key, body, hashlib.sha256(body).digest())
    bench.sweep([document], [part(kind="k", observed_at=bench.clock().isoformat())])
    leaves = bench.store.leaves("prod")
    names = sorted(name for name in members(parsed(body)) if name.startswith(("listed.", "facts.")))
    erased = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    bench.store.keeping.erase(Request("prod", key, tuple(erased)), DPO)
    disclosure = bench.store.disclose("prod", key)
    assert sorted(m.name for m in disclosure.members if m.erased) == sorted(erased)
    assert recomputed(disclosure) == disclosure.content_id
    assert bench.store.leaves("prod") == leaves
    assert root_of(a + b for a, b in leaves.state)
    assert bench.problems() == []
