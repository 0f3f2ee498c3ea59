"""One heap for all threads, where the C library would give several to them."""

from __future__ import annotations

import ctypes
import sys
from typing import Final

ARENA_MAX: Final = -8
"""`M_ARENA_MAX` of glibc's malloc.h; see mallopt(3)."""


def share_one_heap() -> bool:
    """Let threads that are started from now on allocate from one heap; whether that could be said.

    glibc gives up to eight heaps a core to threads, against waiting for each other's locks, and
    each keeps what was freed in it. Python's own lock lets one thread run at a time anyway: a fifth
    of the memory of a sweep with 32 threads was there for nothing. `MALLOC_ARENA_MAX` in the
    environment says the same. Other C libraries have one heap, or know no such word.
    """
    if sys.platform != "linux":
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(ARENA_MAX, 1) == 1
