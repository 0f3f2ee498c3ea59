"""Attacks by name: each is seen as it should be, and the page that says so is true."""

from __future__ import annotations

import pytest

from tests.evidence_store import named_attacks
from tests.evidence_store.named_attacks import ATTACKS, BEGIN, END, PAGE, Attack, Seen

Row = tuple[Attack, Seen, Seen]


@pytest.fixture(scope="module")
def found() -> list[Row]:
    return list(named_attacks.run())


def test_each_attack_is_seen_by_the_store_alone_and_with_others_as_expected(
    found: list[Row],
) -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 24
    unlike = [
        (attack.name, alone, outside)
        for attack, alone, outside in found
        if (alone.how, outside.how) != (attack.alone, attack.outside)
    ]
    assert unlike == []


def test_the_page_says_what_came_out(found: list[Row]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    said = text.partition(BEGIN)[2].partition(END)[0]
    assert said.strip() == named_attacks.table(found).strip(), (
        "run: python -m tests.evidence_store.named_attacks"
    )
