"""Packages for auditors: part of the evidence, whole or redacted, with all that proves it."""

from __future__ import annotations

from annexa.export.container import write
from annexa.export.errors import ExportError
from annexa.export.package import (
    Asked,
    Package,
    evidence_package,
    growth,
    inclusion,
    verifier,
)
from annexa.export.withholding import Rule, Withholding

__all__ = [
    "Asked",
    "ExportError",
    "Package",
    "Rule",
    "Withholding",
    "evidence_package",
    "growth",
    "inclusion",
    "verifier",
    "write",
]
