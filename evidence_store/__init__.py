"""Append-only memory of what was read, judged and when, in a form others can check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evidence_store.answers import (
    Changes,
    Checkpoint,
    Disclosure,
    DocumentRow,
    EntryRow,
    FindingChange,
    FindingRow,
    HistoryRow,
    InclusionProof,
    Member,
    OpenSweep,
    PartRow,
    Problem,
    Receipt,
    Report,
    ResourceChange,
    SweepRow,
    TargetRow,
    UnitLeaves,
    VerdictItem,
)
from evidence_store.canonical import canonical
from evidence_store.errors import (
    CacheError,
    CorruptStoreError,
    DiskFullError,
    KeyMissingError,
    LockedError,
    NewerSchemaError,
    NotFoundError,
    ReadOnlyError,
    RecordError,
    StaleSweepError,
    StoreError,
    StoreMissingError,
)
from evidence_store.interface import Clock, EvidenceStore, Progress
from evidence_store.model import (
    CAUSES,
    OUTCOMES,
    STATUSES,
    CheckRef,
    Document,
    Finding,
    PartKey,
    PartRecord,
    Plan,
    PlannedTarget,
    ResourceKey,
    UnitRecord,
)

if TYPE_CHECKING:
    from evidence_store.store import Store

__all__ = [
    "CAUSES",
    "OUTCOMES",
    "STATUSES",
    "CacheError",
    "Changes",
    "CheckRef",
    "Checkpoint",
    "Clock",
    "CorruptStoreError",
    "Disclosure",
    "DiskFullError",
    "Document",
    "DocumentRow",
    "EntryRow",
    "EvidenceStore",
    "Finding",
    "FindingChange",
    "FindingRow",
    "HistoryRow",
    "InclusionProof",
    "KeyMissingError",
    "LockedError",
    "Member",
    "NewerSchemaError",
    "NotFoundError",
    "OpenSweep",
    "PartKey",
    "PartRecord",
    "PartRow",
    "Plan",
    "PlannedTarget",
    "Problem",
    "Progress",
    "ReadOnlyError",
    "Receipt",
    "RecordError",
    "Report",
    "ResourceChange",
    "ResourceKey",
    "StaleSweepError",
    "Store",
    "StoreError",
    "StoreMissingError",
    "SweepRow",
    "TargetRow",
    "UnitLeaves",
    "UnitRecord",
    "VerdictItem",
    "canonical",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type checker sees the import above
    """Import the database only when the store is used: `annexa --help` has no need of it."""
    if name == "Store":
        from evidence_store.store import Store  # noqa: PLC0415 - that is the point

        return Store
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
