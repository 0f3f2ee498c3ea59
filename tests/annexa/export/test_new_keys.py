"""Packages of a ledger whose key was changed, or that went on in a new epoch."""

from __future__ import annotations

import shutil
from pathlib import Path

import orjson
import pytest

from annexa.cli.package import keys_with_sizes
from annexa.export import Asked, evidence_package, verify_annexa
from evidence_store import Checkpoint, Store, merkle
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder
from tests.acme import Clock, small_world
from tests.annexa.bench import Bench
from tests.annexa.export.conftest import Files, Verify, listed


def packed(store: Store, since: Checkpoint | None = None) -> Files:
    targets = [row.target for row in store.targets()]
    return dict(evidence_package(store, Asked(targets, since=since, stamps=store.stamps)).files)


@pytest.fixture
def rotated(tmp_path: Path) -> tuple[Files, list[str], Checkpoint]:
    """A package from after a change of keys that proves growth since before it; all keys."""
    clock, path = Clock(), tmp_path / "store" / "evidence.db"
    with Store.open(path, clock=clock.now, origin="annexa/test") as store:
        bench = Bench(store, clock, path)
        bench.sweep(small_world())
        early = store.checkpoints()[-1]
        store.rotate_key()
        clock.forward(days=1)
        bench.sweep(small_world())
        return packed(store, early), keys_with_sizes(store.verifier_keys), early


def test_a_package_from_after_a_change_of_keys_verifies_with_both(
    rotated: tuple[Files, list[str], Checkpoint], verify: Verify
) -> None:
    files, keys, early = rotated
    said = verify(files, *keys)
    assert said.failed == said.unchecked == []
    assert any(line.endswith(", signed by the old key and the new") for line in said.checked)
    old, new = keys
    assert old.endswith(f" 1-{early.size}")
    assert new.endswith(f" {early.size + 1}-")


def test_with_one_key_alone_it_says_what_it_did_not_check(
    rotated: tuple[Files, list[str], Checkpoint], verify: Verify
) -> None:
    files, (old, new), early = rotated
    without = {n: d for n, d in files.items() if n not in {"earlier.txt", "consistency.txt"}}
    said = verify(listed(without), new)
    assert said.failed == []
    assert said.unchecked == [f"entry {early.size}: a new key; give it and the old one (--key)"]
    assert verify(listed(without), old).failed == [
        f"checkpoint.txt: no --key of annexa/test at {early.size + 4} signed it"
    ]
    (failed,) = verify(files, new).failed
    assert failed.startswith("earlier heads: no --key of annexa/test at ")


def test_sizes_that_do_not_fit_the_keys_are_refused(
    rotated: tuple[Files, list[str], Checkpoint], verify: Verify
) -> None:
    files, (old, new), _ = rotated
    swapped = [old.partition(" ")[0] + " 9-", new.partition(" ")[0] + " 1-8"]
    assert any("signs no size" in each for each in verify(files, *swapped).failed)


def test_a_change_of_keys_that_the_old_one_did_not_sign_is_refused(
    rotated: tuple[Files, list[str], Checkpoint], verify: Verify
) -> None:
    """Only who signs heads can try: the entry is proven like every other."""
    files, keys, early = rotated
    name = f"ledger/{early.size}.json"
    body = orjson.loads(files[name])
    body["signatures"]["old"] = body["signatures"]["new"]
    forged = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    assert merkle.leaf(forged) != merkle.leaf(files[name])
    said = verify(listed(files | {name: forged}), *keys)
    assert said.failed == [f"ledger/{early.size}: is not in the signed ledger"]
    check = verify({}, *keys)
    check.head = verify(files, *keys).head
    with pytest.raises(verify_annexa.Refused, match="the signature is wrong"):
        check.rotated(early.size, body)
    body = orjson.loads(files[name])
    assert check.rotated(early.size, body) == ", signed by the old key and the new"


def test_a_package_of_a_new_epoch_says_what_was_lost(tmp_path: Path, verify: Verify) -> None:
    clock, path = Clock(), tmp_path / "store" / "evidence.db"
    (tmp_path / "held").mkdir()
    outside = Outside([DirectoryHolder("share", tmp_path / "held")])
    with Store.open(path, clock=clock.now, origin="annexa/test") as store:
        Bench(store, clock, path).sweep(small_world())
        early = store.checkpoints()[-1]
    shutil.copytree(path.parent, tmp_path / "backup")
    with Store.open(path, clock=clock.now, outside=outside) as store:
        clock.forward(days=1)
        Bench(store, clock, path).sweep(small_world())
        store.hand_out()
    lost = store.checkpoints()[-1]
    shutil.rmtree(path.parent)
    (tmp_path / "backup").rename(path.parent)
    with Store.open(path, clock=clock.now, outside=outside) as store:
        assert store.new_epoch("disk failed") == "annexa/test/2"
        Bench(store, clock, path).sweep(small_world())
        files, keys = packed(store, early), keys_with_sizes(store.verifier_keys)
    assert lost.size > early.size
    assert files["checkpoint.txt"].startswith(b"annexa/test/2\n")
    said = verify(files, *keys)
    assert said.failed == said.unchecked == []
    assert any("restore" in line and "was lost" in line for line in said.checked)
    assert verify(files, keys[0].partition(" ")[0]).failed
