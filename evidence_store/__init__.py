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
    OpenedLine,
    OpenedResource,
    OpenedUnit,
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
from evidence_store.database import Database, open_database
from evidence_store.errors import (
    CacheError,
    CorruptStoreError,
    DiskFullError,
    DriverMissingError,
    KeyMissingError,
    LockedError,
    NewerSchemaError,
    NotAllowedError,
    NotFoundError,
    OutsideError,
    ReadOnlyError,
    RecordError,
    RetentionError,
    RolledBackError,
    StaleSweepError,
    StoreError,
    StoreMissingError,
    UnreachableError,
)
from evidence_store.interface import Clock, EvidenceStore, Progress
from evidence_store.location import File, Location, Server, is_server
from evidence_store.model import (
    CAUSES,
    OUTCOMES,
    STATUSES,
    CheckRef,
    Document,
    Finding,
    Lines,
    PartKey,
    PartRecord,
    Plan,
    PlannedTarget,
    ResourceKey,
    UnitRecord,
)

if TYPE_CHECKING:
    from evidence_store.remnants import erased_members
    from evidence_store.schema import upgrade
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
    "Database",
    "Disclosure",
    "DiskFullError",
    "Document",
    "DocumentRow",
    "DriverMissingError",
    "EntryRow",
    "EvidenceStore",
    "File",
    "Finding",
    "FindingChange",
    "FindingRow",
    "HistoryRow",
    "InclusionProof",
    "KeyMissingError",
    "Lines",
    "Location",
    "LockedError",
    "Member",
    "NewerSchemaError",
    "NotAllowedError",
    "NotFoundError",
    "OpenSweep",
    "OpenedLine",
    "OpenedResource",
    "OpenedUnit",
    "OutsideError",
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
    "RetentionError",
    "RolledBackError",
    "Server",
    "StaleSweepError",
    "Store",
    "StoreError",
    "StoreMissingError",
    "SweepRow",
    "TargetRow",
    "UnitLeaves",
    "UnitRecord",
    "UnreachableError",
    "VerdictItem",
    "canonical",
    "erased_members",
    "is_server",
    "open_database",
    "upgrade",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type checker sees the imports above
    """Import the database only when the store is used: `annexa --help` has no need of it."""
    if name == "Store":
        from evidence_store.store import Store  # noqa: PLC0415 - that is the point

        return Store
    if name == "upgrade":
        from evidence_store.schema import upgrade  # noqa: PLC0415 - as above

        return upgrade
    if name == "erased_members":
        from evidence_store.remnants import erased_members  # noqa: PLC0415 - as above

        return erased_members
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
