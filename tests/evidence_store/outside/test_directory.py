from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from evidence_store.errors import OutsideError
from evidence_store.outside.directory import DirectoryHolder
from tests.evidence_store.outside.conftest import LEDGER, signed


@pytest.fixture
def share(tmp_path: Path) -> DirectoryHolder:
    (tmp_path / "held").mkdir()
    return DirectoryHolder("share", tmp_path / "held")


def files(share: DirectoryHolder) -> list[Path]:
    return sorted(path for path in share.path.rglob("*") if path.is_file())


def test_a_share_that_is_not_mounted_is_no_empty_one(tmp_path: Path) -> None:
    holder = DirectoryHolder("share", tmp_path / "gone")
    with pytest.raises(OutsideError, match="is no folder; mount or create it"):
        holder.latest(LEDGER)
    with pytest.raises(OutsideError, match="is no folder"):
        holder.publish(LEDGER, signed(3))


def test_what_was_edited_where_it_is_held_is_said(share: DirectoryHolder) -> None:
    share.publish(LEDGER, signed(3))
    (path,) = files(share)
    path.chmod(0o644)
    path.write_text(signed(4).note)
    with pytest.raises(OutsideError, match="edited where it is held"):
        share.latest(LEDGER)
    with pytest.raises(OutsideError, match="holds something else"):
        share.publish(LEDGER, signed(3))


@pytest.mark.parametrize("call", ["os.fsync", "os.link"])
def test_a_failed_write_leaves_nothing_half_written(
    share: DirectoryHolder, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(call, fails)
        if call == "os.link":
            patch.setattr(Path, "rename", fails)
        with pytest.raises(OutsideError, match="No space left"):
            share.publish(LEDGER, signed(3))
    assert files(share) == []
    share.publish(LEDGER, signed(3))
    assert share.latest(LEDGER) == signed(3)


def test_a_share_without_hard_links_is_written_by_renaming(
    share: DirectoryHolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr("os.link", unsupported)
    share.publish(LEDGER, signed(3))
    assert share.latest(LEDGER) == signed(3)
    assert len(files(share)) == 1


def test_other_files_beside_are_left_alone(share: DirectoryHolder) -> None:
    share.publish(LEDGER, signed(3))
    (files(share)[0].parent / "README.md").write_text("heads of our ledger")
    assert list(share.all(LEDGER)) == [signed(3)]
