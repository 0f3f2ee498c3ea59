"""What every kind of holder promises."""

from __future__ import annotations

import pytest

from evidence_store.errors import OutsideError
from evidence_store.outside import Holder
from evidence_store.outside.names import epoch, folder
from tests.evidence_store.outside.conftest import LEDGER, signed


def test_heads_are_held_and_read_back_in_order(holder: Holder) -> None:
    assert holder.latest(LEDGER) is None
    assert list(holder.all(LEDGER)) == []
    for size in (3, 11, 7):
        holder.publish(LEDGER, signed(size))
    assert holder.latest(LEDGER) == signed(11)
    assert list(holder.all(LEDGER)) == [signed(3), signed(7), signed(11)]


def test_the_same_head_again_changes_nothing(holder: Holder) -> None:
    holder.publish(LEDGER, signed(3))
    holder.publish(LEDGER, signed(3))
    assert list(holder.all(LEDGER)) == [signed(3)]


def test_a_fork_of_one_size_is_kept_beside_and_not_instead(holder: Holder) -> None:
    holder.publish(LEDGER, signed(3))
    holder.publish(LEDGER, signed(3, seed="other"))
    roots = {head.root for head in holder.all(LEDGER)}
    assert roots == {signed(3).root, signed(3, seed="other").root}


def test_the_last_epoch_comes_last_although_it_is_smaller(holder: Holder) -> None:
    holder.publish(LEDGER, signed(9))
    second = signed(5, f"{LEDGER}/2")
    holder.publish(LEDGER, second)
    assert holder.latest(LEDGER) == second
    assert list(holder.all(LEDGER)) == [signed(9), second]


def test_another_ledgers_head_is_refused(holder: Holder) -> None:
    with pytest.raises(OutsideError, match=r"no head of the ledger"):
        holder.publish(LEDGER, signed(3, "globex.example/annexa"))


@pytest.mark.parametrize("name", ["..", ".", "a/../../b", "x y", "å\u2028"])
def test_a_ledgers_name_never_leads_out_of_its_folder(name: str) -> None:
    assert "/" not in folder(name)
    assert folder(name).strip(".")


@pytest.mark.parametrize(
    "origin", ["acme", "acme/0", "acme/02", "acme/x", "acme/2/3", "acme/12345"]
)
def test_only_plain_numbers_name_epochs(origin: str) -> None:
    if origin == "acme":
        assert (epoch("acme", origin), epoch("acme", "acme/2")) == (1, 2)
    else:
        with pytest.raises(OutsideError):
            epoch("acme", origin)
