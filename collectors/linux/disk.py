"""Files of a host or of an image below a folder: regular files only, never outside the folder."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import Final

MOST_LINKS: Final = 40
"""Symbolic links followed for one path, as the kernel does."""

MOST_BYTES: Final = 4_000_000
"""A longer file is no configuration; reading on would be a mistake."""


class TooLongError(Exception):
    """A file or output is longer than its limit."""


class NotRegularError(Exception):
    """A path names a device, a pipe or a socket, which are never opened."""


@dataclass(frozen=True)
class Disk:
    """Reads below `root`; links are followed inside it, so that an image cannot point outside."""

    root: str = "/"

    def text(self, path: str) -> tuple[str, os.stat_result]:
        """A file's text, with its state; bytes that are no UTF-8 are shown as escapes."""
        found = self._open(path)
        try:
            state = os.fstat(found)
            if not stat.S_ISREG(state.st_mode):
                raise NotRegularError(path)
            content = bytearray()
            while piece := os.read(found, 65_536):
                content += piece
                if len(content) > MOST_BYTES:
                    raise TooLongError(path)
        finally:
            os.close(found)
        return content.decode(errors="backslashreplace"), state

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted."""
        return sorted(os.listdir(self.resolve(folder)))  # noqa: PTH208 - one call, like the others

    def state(self, path: str, *, follow: bool = True) -> os.stat_result:
        """A path's state; without `follow`, of the link itself."""
        if follow:
            return os.lstat(self.resolve(path))
        folder, _, name = path.rstrip("/").rpartition("/")
        return os.lstat(os.path.join(self.resolve(folder or "/"), name))  # noqa: PTH118

    def resolve(self, path: str) -> str:
        """The real place of a path of the host, below `root`.

        Links are resolved one by one, as the host itself would: an absolute one starts at `root`
        again, and `..` ends there.
        """
        waiting = path.split("/")[::-1]
        at: list[str] = []
        links = 0
        while waiting:
            name = waiting.pop()
            if name in {"", "."}:
                continue
            if name == "..":
                at = at[:-1]
                continue
            place = self._place([*at, name])
            state = os.lstat(place)
            if stat.S_ISLNK(state.st_mode):
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                link = os.readlink(place)  # noqa: PTH115 - one call, like the others
                at = [] if link.startswith("/") else at
                waiting += link.split("/")[::-1]
            else:
                at.append(name)
        return self._place(at)

    def _open(self, path: str) -> int:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(self.resolve(path), flags)

    def _place(self, names: list[str]) -> str:
        return os.path.join(self.root, *names)  # noqa: PTH118 - a path of bytes on disk, not ours
