"""What surrounds the scheduler in a running daemon: what is due, what is told, what is served."""

from annexa.daemon.endpoints import Endpoints
from annexa.daemon.mailroom import Mailroom
from annexa.daemon.metrics import Metrics
from annexa.daemon.notify import notify
from annexa.daemon.planned import PlannedSweep, planned
from annexa.daemon.watch import DaemonWatch

__all__ = [
    "DaemonWatch",
    "Endpoints",
    "Mailroom",
    "Metrics",
    "PlannedSweep",
    "notify",
    "planned",
]
