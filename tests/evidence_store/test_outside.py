"""A store whose heads are held and stamped by others: rollbacks, forks, crashes, rotations."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from evidence_store import Checkpoint, RecordError, RolledBackError, Store, note, rotation
from evidence_store.location import Location
from evidence_store.outside import Outside
from evidence_store.outside.directory import DirectoryHolder
from tests.evidence_store.builders import ON_SQLITE, Bench, Clock, document, fails, passes
from tests.evidence_store.stamps import Stamps


@pytest.fixture
def share(tmp_path: Path) -> DirectoryHolder:
    (tmp_path / "held").mkdir()
    return DirectoryHolder("share", tmp_path / "held")


@pytest.fixture
def stamps(clock: Clock) -> Stamps:
    return Stamps(clock)


Opened = Callable[[], Bench]


@pytest.fixture
def opened(
    location: Location, clock: Clock, share: DirectoryHolder, stamps: Stamps
) -> Iterator[Opened]:
    """Opens the store, as often as a test wants."""
    stores: list[Store] = []

    def open_it() -> Bench:
        outside = Outside([share], [stamps])
        store = Store.open(
            location, clock=clock, origin="annexa/test", busy_seconds=0.2, outside=outside
        )
        stores.append(store)
        return Bench(store, clock, location)

    yield open_it
    for store in stores:
        store.close()


def swept(bench: Bench, *names: str) -> Checkpoint:
    bench.sweep([document(name, passes()) for name in names or ("a",)])
    head = bench.store.checkpoint()
    assert all(not each.error for each in bench.store.hand_out())
    return head


def copied(path: Path, name: str) -> Path:
    """The store's files, copied beside it."""
    with closing(sqlite3.connect(path)) as source:
        source.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    to = path.parent.parent / name
    shutil.copytree(path.parent, to)
    return to


def put_back(bench: Bench, copy: Path) -> None:
    bench.store.close()
    shutil.rmtree(bench.path.parent)
    shutil.copytree(copy, bench.path.parent)


def test_each_head_is_held_and_stamped_once(
    opened: Opened, share: DirectoryHolder, stamps: Stamps
) -> None:
    bench = opened()
    heads = [swept(bench), swept(bench)]
    assert bench.store.hand_out() == []
    assert list(share.all("annexa/test")) == heads
    assert stamps.over == [head.note.encode() for head in heads]
    report = bench.store.verify()
    assert report.clean
    assert report.counts["receipts"] == 4
    assert not any("cannot be excluded" in each for each in report.statements)


def test_the_report_says_where_heads_are_held_and_since_when(
    opened: Opened, clock: Clock, share: DirectoryHolder
) -> None:
    bench = opened()
    assert "cannot be excluded" in " ".join(bench.store.standing().sentences)
    swept(bench)
    since = clock()
    swept(bench)
    standing = bench.store.standing()
    (held,) = standing.held
    assert (held.name, held.since, held.size) == ("share", since, 7)
    assert f"share (directory {share.path}) since {since:%Y-%m-%d}" in standing.sentences[0]
    assert standing.short.startswith("held by share since")
    bench.sweep([])
    bench.store.checkpoint()
    assert "up to entry 7" in bench.store.standing().short


@ON_SQLITE
def test_a_store_rolled_back_signs_nothing_and_says_what_to_do(opened: Opened) -> None:
    bench = opened()
    swept(bench)
    old = copied(bench.path, "old")
    swept(bench)
    put_back(bench, old)
    bench = opened()
    with pytest.raises(RolledBackError) as told:
        bench.store.compare_outside()
    for words in ("share (directory", "over 7 entries", "there are 4 here", "annexa store"):
        assert words in str(told.value)
    with pytest.raises(RolledBackError):
        bench.store.checkpoint()
    assert [head.size for head in bench.store.checkpoints()] == [4]
    (problem,) = bench.store.verify().problems
    assert (problem.table, problem.row) == ("outside copy", "7")


@ON_SQLITE
def test_a_fork_of_the_same_length_is_told_from_a_delay(opened: Opened) -> None:
    bench = opened()
    swept(bench)
    old = copied(bench.path, "old")
    swept(bench)
    put_back(bench, old)
    bench = opened()
    bench.sweep([document("other", fails())])
    with pytest.raises(RolledBackError, match="history was rewritten"):
        bench.store.checkpoint()


def test_a_holder_that_is_down_stops_nothing_and_is_caught_up_with(
    opened: Opened, share: DirectoryHolder
) -> None:
    bench = opened()
    swept(bench)
    away = share.path.with_name("away")
    share.path.rename(away)
    bench.sweep([])
    bench.store.compare_outside()
    second = bench.store.checkpoint()
    (failed,) = [each for each in bench.store.hand_out() if each.error]
    assert (failed.name, failed.kind, failed.size) == ("share", "held", second.size)
    assert "mount or create it" in failed.error
    bench.sweep([])
    third = bench.store.checkpoint()
    away.rename(share.path)
    done = bench.store.hand_out()
    assert [each.size for each in done if each.kind == "held"] == [second.size, third.size]
    assert bench.store.verify().clean


@ON_SQLITE
def test_a_holder_that_was_down_during_a_rollback_finds_it_when_it_is_back(
    opened: Opened, share: DirectoryHolder
) -> None:
    bench = opened()
    swept(bench)
    old = copied(bench.path, "old")
    swept(bench)
    put_back(bench, old)
    away = share.path.with_name("away")
    share.path.rename(away)
    bench = opened()
    bench.sweep([document("other", fails())])
    bench.store.checkpoint()
    away.rename(share.path)
    with pytest.raises(RolledBackError):
        bench.store.hand_out()


def test_a_kill_between_signing_publishing_and_noting_heals_without_an_alarm(
    opened: Opened, share: DirectoryHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = opened()
    swept(bench)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    for place in ("evidence_store.outside.directory.DirectoryHolder.publish",
                  "evidence_store.handing_out.Desk._keep"):  # fmt: skip
        bench.sweep([])
        head = bench.store.checkpoint()
        with monkeypatch.context() as patch:
            patch.setattr(place, killed)
            with pytest.raises(KeyboardInterrupt):
                bench.store.hand_out()
        bench.store.close()
        bench = opened()
        bench.store.compare_outside()
        assert bench.store.checkpoint() == head
        assert not [each for each in bench.store.hand_out() if each.error]
        assert share.latest("annexa/test") == head
    assert bench.store.verify().clean


def test_an_authority_that_is_down_owes_its_stamp(opened: Opened, stamps: Stamps) -> None:
    bench = opened()
    swept(bench)
    stamps.down = True
    bench.sweep([])
    head = bench.store.checkpoint()
    (failed,) = [each for each in bench.store.hand_out() if each.error]
    assert (failed.name, failed.kind, failed.size) == ("tsa", "stamped", head.size)
    stamps.down = False
    (done,) = bench.store.hand_out()
    assert (done.size, done.error) == (head.size, "")
    assert bench.store.verify().clean


def test_time_is_bounded_from_both_sides_by_stamps(opened: Opened) -> None:
    bench = opened()
    swept(bench)
    swept(bench)
    said = " ".join(bench.store.verify().statements)
    assert "1 sweeps are bounded from both sides, 1 only from above" in said
    assert "Sweep 2 lies between 2026-11-02 00:00:00 UTC" in said
    assert "and 2026-11-03 00:00:00 UTC" in said


def test_a_clock_that_was_set_back_or_forward_is_found(opened: Opened, clock: Clock) -> None:
    bench = opened()
    swept(bench)
    swept(bench)
    clock.forward(days=-30)
    bench.sweep([])
    clock.forward(days=60)
    bench.store.checkpoint()
    bench.store.hand_out()
    found = [each.what for each in bench.store.verify().problems]
    assert len(found) == 3  # plan, unit and close
    assert all("follows a time stamp of" in each for each in found)


def test_an_entry_of_the_future_is_found(opened: Opened, stamps: Stamps) -> None:
    bench = opened()
    swept(bench)
    stamps.shift = timedelta(days=-3)
    swept(bench)
    assert any("was stamped at" in each.what for each in bench.store.verify().problems)


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE receipts SET at = at - 1 WHERE size = 4",
        "UPDATE receipts SET name = 'other' WHERE size = 4",
        "UPDATE receipts SET kind = 3 WHERE size = 7 AND kind = 1",
        "UPDATE receipts SET size = 5 WHERE size = 7",
        "UPDATE receipts SET body = CAST(replace(body, 'held', 'hell') AS BLOB) WHERE kind = 1",
        "UPDATE receipts SET body = CAST(replace(body, '2026', '2025') AS BLOB) WHERE kind = 2",
        "UPDATE receipts SET seal = zeroblob(32)",
        "DELETE FROM receipts WHERE size = 4 AND kind = 1",
        "DELETE FROM receipts WHERE size = 4 AND kind = 2",
    ],
)
def test_an_edited_receipt_is_found(opened: Opened, attack: str) -> None:
    bench = opened()
    swept(bench)
    swept(bench)
    bench.tamper(attack)
    assert any(problem.table == "receipts" for problem in bench.store.verify().problems)


@ON_SQLITE
def test_receipts_refuse_to_be_changed(opened: Opened) -> None:
    bench = opened()
    swept(bench)
    for statement in ("UPDATE receipts SET at = 1", "DELETE FROM receipts"):
        with (
            closing(sqlite3.connect(bench.path)) as connection,
            pytest.raises(sqlite3.IntegrityError, match="append-only"),
        ):
            connection.execute(statement)


@ON_SQLITE
def test_stamps_of_an_authority_that_is_not_configured_are_not_called_good(
    opened: Opened, share: DirectoryHolder, clock: Clock
) -> None:
    bench = opened()
    swept(bench)
    bench.store.close()
    with Store.open(bench.location, clock=clock, outside=Outside([share])) as store:
        report = store.verify()
    assert report.clean
    assert any("1 time stamps of tsa were not checked" in each for each in report.statements)
    assert not any("Time, by stamps" in each for each in report.statements)


@ON_SQLITE
def test_heads_before_and_after_a_new_key_verify(opened: Opened, share: DirectoryHolder) -> None:
    bench = opened()
    swept(bench)
    first = bench.store.verifier_key
    assert bench.store.rotate_key() == bench.store.verifier_key != first
    swept(bench)
    bench.store.close()
    bench = opened()
    report = bench.store.verify()
    assert report.problems == ()
    assert any("The signing key was changed" in each for each in report.statements)
    assert [above for above, _ in bench.store.verifier_keys] == [0, 4]
    sizes = [head.size for head in share.all("annexa/test")]
    assert sizes == [4, 5, 8]
    assert not list(bench.path.parent.glob("*.next"))


@pytest.mark.parametrize("place", ["rotation.name", "rotation.settle"])
def test_a_kill_during_a_rotation_heals(
    opened: Opened, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = opened()
    swept(bench)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(f"evidence_store.{place}", killed)
        with pytest.raises(KeyboardInterrupt):
            bench.store.rotate_key()
    bench.store.close()
    bench = opened()
    swept(bench)
    assert bench.store.verify().problems == ()
    bench.store.rotate_key()
    swept(bench)
    assert bench.store.verify().problems == ()


def test_another_process_follows_a_new_key(opened: Opened) -> None:
    one, other = opened(), opened()
    swept(one)
    one.store.rotate_key()
    swept(other)
    assert other.store.verify().problems == ()


def test_a_key_the_old_one_did_not_sign_is_found(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = opened()
    swept(bench)
    stranger = Ed25519PrivateKey.generate()
    plain = rotation.name
    monkeypatch.setattr(
        "evidence_store.rotation.name",
        lambda connection, lineage, _old, new, at: plain(connection, lineage, stranger, new, at),
    )
    bench.store.rotate_key()
    assert any("the old one did not sign" in each for each in bench.problems())


@ON_SQLITE
def test_a_restore_that_lacks_leaves_opens_an_epoch_and_says_so(
    opened: Opened, share: DirectoryHolder
) -> None:
    bench = opened()
    swept(bench)
    old = copied(bench.path, "old")
    lost = swept(bench)
    put_back(bench, old)
    bench = opened()
    assert bench.store.new_epoch("disk failed") == "annexa/test/2"
    bench.store.compare_outside()
    head = swept(bench)
    assert note.origin(head.note) == "annexa/test/2"
    assert share.latest("annexa/test") == head
    bench.store.close()
    bench = opened()
    report = bench.store.verify()
    assert report.problems == ()
    (said,) = [each for each in report.statements if each.startswith("Epoch 2")]
    for words in ("had 4 leaves", f"held a head over {lost.size}", "disk failed"):
        assert words in said
    assert any("but 1 over leaves that a restore lost" in each for each in report.statements)
    restore = next(row for row in bench.store.entries() if row.kind == "restore")
    assert restore.index == 4
    assert lost.note.encode() in restore.body.replace(b"\\n", b"\n")


@ON_SQLITE
def test_the_lost_part_cannot_grow_after_the_restore(
    opened: Opened, share: DirectoryHolder
) -> None:
    bench = opened()
    swept(bench)
    old = copied(bench.path, "old")
    swept(bench)
    newer = copied(bench.path, "newer")
    put_back(bench, old)
    bench = opened()
    bench.store.new_epoch("disk failed")
    restored = copied(bench.path, "restored")
    put_back(bench, newer)
    bench = opened()
    bench.sweep([])
    share.publish("annexa/test", bench.store.checkpoint())
    put_back(bench, restored)
    bench = opened()
    assert any("there are 5 here" in each.what for each in bench.store.verify().problems)


def test_no_epoch_begins_while_nothing_is_lost(opened: Opened) -> None:
    bench = opened()
    swept(bench)
    with pytest.raises(RecordError, match="nothing is known to be lost"):
        bench.store.new_epoch("a mistake")


@ON_SQLITE
def test_a_restore_that_went_on_before_it_was_noticed_opens_an_epoch_too(
    opened: Opened, share: DirectoryHolder
) -> None:
    bench = opened()
    swept(bench)
    old = copied(bench.path, "old")
    swept(bench)
    swept(bench)
    put_back(bench, old)
    bench = opened()
    bench.sweep([document("other", fails())])
    assert bench.store.new_epoch("restored on the 4th") == "annexa/test/2"
    swept(bench)
    assert bench.store.verify().problems == ()
    sizes: Sequence[int] = [head.size for head in share.all("annexa/test")]
    assert sizes[:3] == [4, 7, 10]
