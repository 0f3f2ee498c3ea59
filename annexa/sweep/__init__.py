"""Reading every target, judging what was read, and handing it to the store."""

from annexa.sweep.judging import Bound, check_refs
from annexa.sweep.means import Job, Means
from annexa.sweep.run import Recorded, Result, Scope, Sweep, SweepError, digest_of
from annexa.sweep.unit import Unit

__all__ = [
    "Bound",
    "Job",
    "Means",
    "Recorded",
    "Result",
    "Scope",
    "Sweep",
    "SweepError",
    "Unit",
    "check_refs",
    "digest_of",
]
