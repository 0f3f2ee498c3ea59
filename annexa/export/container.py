"""Writing a package: a folder or a zip, the same bytes for the same evidence."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from annexa.export.errors import ExportError

EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""Zip knows no time before."""


def write(files: Mapping[str, bytes], output: Path, dated: datetime) -> None:
    """Write a package to a new folder, or to a file that ends in `.zip`.

    Args:
        files: by name.
        output: must not exist: a package is never mixed with another.
        dated: the time files in a zip carry; that of the evidence, so that bytes repeat.

    Raises:
        ExportError: if it exists or cannot be written.
    """
    if output.exists():
        raise ExportError(f"{output} is there already; name another --output or remove it")
    unfinished = output.with_name(f"{output.name}.unfinished")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        if output.suffix == ".zip":
            _zip(files, unfinished, dated)
        else:
            _folder(files, unfinished)
        unfinished.rename(output)
    except OSError as error:
        raise ExportError(f"{error.filename}: {error.strerror}; name another --output") from error


def _zip(files: Mapping[str, bytes], path: Path, dated: datetime) -> None:
    when = max(dated.timetuple()[:6], EARLIEST)
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, when)
            info.external_attr, info.create_system = 0o100644 << 16, 3
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, files[name])


def _folder(files: Mapping[str, bytes], path: Path) -> None:
    for name in sorted(files):
        at = path / name
        at.parent.mkdir(parents=True, exist_ok=True)
        at.write_bytes(files[name])
