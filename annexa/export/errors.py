"""What can go wrong with an export."""

from __future__ import annotations


class ExportError(Exception):
    """What was asked for cannot be exported; nothing was written."""
