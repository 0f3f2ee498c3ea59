"""What the daemon has to remember and is no evidence: due times, runs, leadership.

It lies beside the evidence, never in it: on SQLite in a file of its own, on PostgreSQL in a schema
of its own. Losing it costs due times, never an answer.
"""

from annexa.operations.book import OperationsBook
from annexa.operations.database import (
    Operations,
    open_operations,
    operations_file,
    there_are_operations,
)
from annexa.operations.errors import FencedError, HeldError, OperationsError
from annexa.operations.hold import Hold
from annexa.operations.lease import Lease, fence
from annexa.operations.under_way import under_way

__all__ = [
    "FencedError",
    "HeldError",
    "Hold",
    "Lease",
    "Operations",
    "OperationsBook",
    "OperationsError",
    "fence",
    "open_operations",
    "operations_file",
    "there_are_operations",
    "under_way",
]
