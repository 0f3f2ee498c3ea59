"""Heads held in a folder: a mounted share, a write-once volume, another team's disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evidence_store.answers import Checkpoint
from evidence_store.errors import OutsideError
from evidence_store.outside import names


@dataclass(frozen=True)
class DirectoryHolder:
    """A folder that must exist: a share that is not mounted must not look like an empty one."""

    name: str
    path: Path
    kind: str = "directory"
    readable: bool = True

    @property
    def place(self) -> str:
        """The folder."""
        return str(self.path)

    def publish(self, ledger: str, head: Checkpoint) -> None:
        """Write a file beside, make it durable, and link it to its name unless that is taken."""
        folder = self._folder(ledger)
        path = folder / names.file_name(ledger, head)
        try:
            folder.mkdir(exist_ok=True)
            if not path.exists():
                _add(path, head.note.encode())
            content = path.read_bytes()
        except OSError as error:
            raise self._unusable(error) from error
        if not names.same_head(content, head):
            raise OutsideError(f"{path}: holds something else than the head of size {head.size}")

    def latest(self, ledger: str) -> Checkpoint | None:
        """The last head by name."""
        return names.read_latest(ledger, self._names(ledger), self._reader(ledger), self.place)

    def all(self, ledger: str) -> Sequence[Checkpoint]:
        """Every head by name."""
        return names.read_all(ledger, self._names(ledger), self._reader(ledger), self.place)

    def _folder(self, ledger: str) -> Path:
        if not self.path.is_dir():
            raise OutsideError(
                f"holder {self.name}: {self.path} is no folder; mount or create it, or change "
                "[[store.outside]]"
            )
        return self.path / names.folder(ledger)

    def _names(self, ledger: str) -> list[str]:
        folder = self._folder(ledger)
        try:
            return [path.name for path in folder.iterdir()] if folder.is_dir() else []
        except OSError as error:
            raise self._unusable(error) from error

    def _reader(self, ledger: str) -> Callable[[str], bytes]:
        folder = self._folder(ledger)

        def read(name: str) -> bytes:
            try:
                with (folder / name).open("rb") as file:
                    return file.read(names.LONGEST)
            except OSError as error:
                raise self._unusable(error) from error

        return read

    def _unusable(self, error: OSError) -> OutsideError:
        return OutsideError(
            f"holder {self.name}: {error.filename or self.path}: {error.strerror}; check the "
            "folder's owner, mode and free space"
        )


def _add(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; one that is there by then stays as it is."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _claim(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    # Not every system can open a folder; the file itself is durable by now.
    with suppress(OSError):
        parent = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)


def _claim(unfinished: Path, path: Path) -> None:
    """Give the file its name. A link never replaces; where there are none, a rename is checked."""
    try:
        os.link(unfinished, path)
    except FileExistsError:
        return
    except OSError:  # a share without hard links
        if not path.exists():
            unfinished.rename(path)
