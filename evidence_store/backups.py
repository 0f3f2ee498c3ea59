"""Backup and restore: a folder with evidence and keys, verified, whole or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Final

from evidence_store import copying, dumping, keys, schema
from evidence_store.canonical import canonical, parsed
from evidence_store.errors import (
    CorruptStoreError,
    KeyMissingError,
    NewerSchemaError,
    ReadOnlyError,
    StoreError,
)
from evidence_store.location import File, Location, Server
from evidence_store.store import Store
from evidence_store.times import written

VERSION: Final = 1
ABOUT: Final = "backup.json"
KEY_FILES: Final = (keys.secret_path, keys.signing_path)
NAMES: Final = {"sqlite": "evidence.db", "postgresql": "evidence.dump"}


@dataclass(frozen=True)
class Backup:
    """What a backup says of itself.

    Attributes:
        version: Of this form.
        kind: "sqlite" or "postgresql": it is restored to the same.
        schema: Revision of its tables.
        ledger: The ledger's name.
        size: Entries in the ledger.
        made: When, ISO 8601.
        sha256: Of the file with the evidence, in hex.
    """

    version: int
    kind: str
    schema: str
    ledger: str
    size: int
    made: str
    sha256: str


def back_up(location: Location, folder: Path, clock: Callable[[], datetime]) -> Backup:
    """Write evidence and keys to a new folder that only its owner may read.

    A file is copied in one unmoving view and the copy verified as a whole. A server's store is
    verified, then dumped by `pg_dump`; the dump itself is verified when it is restored.

    Raises:
        ReadOnlyError: If the folder is there or cannot be written.
        CorruptStoreError: If what was copied does not verify.
        StoreError: If `pg_dump` is missing or fails.
    """
    kind = "sqlite" if isinstance(location, File) else "postgresql"
    with _made(folder) as unfinished:
        beside = unfinished / NAMES[kind]
        with _failing(folder, ReadOnlyError):
            for path in KEY_FILES:
                keys.create_file(path(beside), _key(path(location.keys)))
        if isinstance(location, File):
            copying.copy(location.path, beside)
            copied: Location = File(beside)
        else:
            copied = location
        with Store.open(copied, clock=clock, create=False) as store:
            _refuse_unclean(store, copied.name)
            ledger = store.ledger
            size = max((head.size for head in store.checkpoints()), default=0)
        if isinstance(location, Server):
            dumping.dump(location, beside)
        told = Backup(
            VERSION, kind, schema.REVISION, ledger, size, written(clock()), _digest(beside)
        )
        with _failing(folder, ReadOnlyError):
            keys.create_file(unfinished / ABOUT, canonical(asdict(told)) + b"\n")
    return told


def restore(folder: Path, location: Location, clock: Callable[[], datetime]) -> Backup:
    """Put a backup where no store is; what does not verify is not left there.

    Raises:
        ReadOnlyError: If a store, or a key of one, is there already.
        KeyMissingError: If the backup lacks a key.
        CorruptStoreError: If it is damaged, is none, or does not verify.
        StoreError: If it is of the other kind of database, or `pg_restore` is missing or fails.
    """
    told = _about(folder)
    kind = "sqlite" if isinstance(location, File) else "postgresql"
    if told.kind != kind:
        raise StoreError(
            f"{folder} is a backup of a store on {told.kind}, {location.name} is none; name such a"
            " store with --store"
        )
    beside = folder / NAMES[kind]
    held = [_key(path(beside)) for path in KEY_FILES]
    _refuse_occupied(location)
    if _digest(beside) != told.sha256:
        raise CorruptStoreError(f"{beside}: is not what was backed up; take another backup")
    made: list[Path] = []
    try:
        if isinstance(location, File):
            _put_file(beside, held, location, clock, made)
        else:
            _put_dump(beside, held, location, clock, made)
    except BaseException:
        for path in made:
            path.unlink(missing_ok=True)
        raise
    return told


def _put_file(
    copy: Path, held: list[bytes], location: File, clock: Callable[[], datetime], made: list[Path]
) -> None:
    """Verify a copy beside the place; then the keys, and last the file, so that none is half."""
    with _made(location.path.with_name(f"{location.path.name}.restoring"), keep=False) as folder:
        own = File(folder / location.path.name)
        with _failing(location.path, ReadOnlyError):
            shutil.copyfile(copy, own.path)
            own.path.chmod(0o600)
            _create_keys(held, own, [])
        with Store.open(own, clock=clock, create=False) as store:
            _refuse_unclean(store, str(copy))
        with _failing(location.path, ReadOnlyError):
            copying.flush(own.path)
            _create_keys(held, location, made)
            own.path.rename(location.path)
            copying.flush(location.path.parent)


def _put_dump(
    dump: Path, held: list[bytes], location: Server, clock: Callable[[], datetime], made: list[Path]
) -> None:
    with _failing(location.folder, ReadOnlyError):
        _create_keys(held, location, made)
    dumping.restore(location, dump)
    try:
        schema.upgrade(location)
        with Store.open(location, clock=clock, create=False) as store:
            _refuse_unclean(store, str(dump))
    except BaseException:
        dumping.drop(location)
        raise


def _create_keys(held: list[bytes], location: Location, made: list[Path]) -> None:
    location.keys.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, key in zip(KEY_FILES, held, strict=True):
        keys.create_file(path(location.keys), key)
        made.append(path(location.keys))


def _refuse_occupied(location: Location) -> None:
    there = [str(path(location.keys)) for path in KEY_FILES if path(location.keys).exists()]
    if isinstance(location, File):
        there += [str(location.path)] if location.path.exists() else []
    elif dumping.is_there(location):
        there.append(f"{location.name}, schema evidence")
    if there:
        raise ReadOnlyError(
            f"{', '.join(there)}: there already, and nothing is overwritten; move it away, or"
            " restore to another place"
        )


def _refuse_unclean(store: Store, name: str) -> None:
    problems = store.verify().problems
    if problems:
        first = problems[0]
        raise CorruptStoreError(
            f"{name}: does not verify ({len(problems)} problems, the first: {first.table}"
            f" {first.row}: {first.what}); nothing was kept of it. Run annexa verify on the store,"
            " and keep it and older backups as they are"
        )


def _about(folder: Path) -> Backup:
    path = folder / ABOUT
    try:
        told = parsed(path.read_bytes())
        if told["version"] > VERSION:
            raise NewerSchemaError(f"{path}: written by a newer release; install that one")
        return Backup(**told)
    except OSError as error:
        raise CorruptStoreError(f"{path}: {error.strerror}; name a folder that"
                                " `annexa store backup` made") from error  # fmt: skip
    except (ValueError, TypeError, KeyError) as error:
        raise CorruptStoreError(f"{path}: damaged ({error!r}); take another backup") from error


def _key(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KeyMissingError(
            f"{path}: {error.strerror}; evidence without its keys cannot be proven or added to:"
            " put the key file there, from wherever the keys are kept"
        ) from error


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CorruptStoreError(f"{path}: {error.strerror}; take another backup") from error


@contextmanager
def _made(folder: Path, *, keep: bool = True) -> Iterator[Path]:
    """A folder for its owner alone, with its name only once it is whole; else it is removed."""
    unfinished = folder.with_name(f"{folder.name}.unfinished") if keep else folder
    with _failing(folder, ReadOnlyError):
        if keep and folder.exists():
            raise ReadOnlyError(f"{folder} is there already; nothing is overwritten")
        shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished.mkdir(mode=0o700)
    try:
        yield unfinished
        if keep:
            with _failing(folder, ReadOnlyError):
                unfinished.rename(folder)
                copying.flush(folder.parent)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def _failing(place: Path, kind: type[StoreError]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        said = error.strerror or str(error)
        raise kind(f"{error.filename or place}: {said}; free space, or name a folder you may write"
                   ) from error  # fmt: skip
