"""Nothing changed where a unit tells again what gave the last entry's roots, and only there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from evidence_store import Document, recording
from evidence_store.draft import Draft
from tests.evidence_store.builders import Bench, document, fails, part, passes, unknown

NAMES = "abcdefg"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The targets whose documents were compared one by one with what is cached."""
    compared = []
    whole = Draft.read_documents

    def noted(self: Draft, documents: Iterator[Document]) -> None:
        compared.append(self.unit.target)
        whole(self, documents)

    monkeypatch.setattr(Draft, "read_documents", noted)
    return compared


def told(bench: Bench) -> bytes:
    with bench.store._database.reading() as connection:
        return bytes(connection.exec_driver_sql("SELECT told FROM current_seals").scalar_one())


def all_of(*, reason: str = "off: BlockPublicAcls") -> list[Document]:
    return [document(name, fails(reason=f"{reason} of {name}")) for name in NAMES]


def test_what_is_told_again_in_any_order_needs_no_cache(bench: Bench, quick: list[str]) -> None:
    first = bench.sweep(all_of())
    bench.tamper("UPDATE current_state SET sha256 = :value", value=bytes(32))
    again = bench.sweep([*reversed(all_of()), all_of()[0]])
    assert quick == ["prod"]
    assert (again.unchanged, again.resources) == (True, len(NAMES))
    assert (again.state_root, again.verdict_root) == (first.state_root, first.verdict_root)
    assert bench.store.rebuild_cache() == 1
    assert bench.problems() == []


def test_any_difference_is_looked_at(bench: Bench, quick: list[str]) -> None:
    whole = all_of()
    on_part = part(findings_on_part=[passes()])
    others = [
        whole[:-1],
        [*whole, document("h", fails())],
        [*whole[:-1], document("g", fails(reason="another"))],
        [*whole[:-1], document("g", passes(reason="off: BlockPublicAcls of g"))],
        [*whole[:-1], document("g", *whole[-1].findings, versioning="off")],
    ]
    for documents in others:
        bench.sweep(whole)
        assert not bench.sweep(documents).unchanged
    bench.sweep(whole)
    assert not bench.sweep(whole, [on_part]).unchanged
    assert len(quick) == 2 * len(others) + 2
    assert bench.sweep(whole, [on_part]).unchanged
    assert bench.problems() == []


def test_an_incomplete_listing_tells_nothing_of_what_it_did_not_name(
    bench: Bench, quick: list[str]
) -> None:
    refused = part(complete=False, cause="denied", carried_findings=[unknown()])
    bench.sweep(all_of())
    assert not bench.sweep([], [refused]).unchanged
    assert not bench.sweep(all_of()).unchanged
    assert bench.sweep(all_of()).unchanged
    assert bench.sweep([], []).unchanged  # nothing was asked
    assert len(quick) == 4
    assert bench.problems() == []


def test_an_old_seal_put_back_hides_no_change(bench: Bench) -> None:
    bench.sweep([document("a", passes())])
    old = told(bench)
    bench.sweep([document("a", fails())])
    bench.tamper("UPDATE current_seals SET told = :value", value=old)
    assert any("current_state prod" in problem for problem in bench.problems())
    assert not bench.sweep([document("a", passes())]).unchanged
    assert bench.statuses() == {("a", "bucket_public_access_blocked"): "pass"}
    assert bench.problems() == []


def test_without_a_seal_the_cache_is_compared_and_sealed_anew(
    bench: Bench, quick: list[str]
) -> None:
    bench.sweep(all_of())
    sealed = told(bench)
    bench.store.rebuild_cache()
    assert told(bench) == bytes(32)
    assert bench.sweep(all_of()).unchanged
    assert told(bench) == sealed
    assert bench.sweep(all_of()).unchanged
    assert len(quick) == 2
    assert bench.problems() == []


def test_a_generator_larger_than_what_is_held_is_gone_through_once(
    bench: Bench, quick: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "HELD", len(NAMES))
    bench.sweep(iter(all_of()))
    assert bench.sweep(iter(all_of())).unchanged
    monkeypatch.setattr(recording, "HELD", len(NAMES) + 1)
    assert bench.sweep(iter(all_of())).unchanged
    assert len(quick) == 2
    assert bench.names() == list(NAMES)
