"""Who is told what changed: decided once, delivered at least once, with the same id.

What there is to tell is decided from the ledger and put into an outbox in the transaction in which
the cursor moves; senders empty the outbox. The evidence store knows nothing of it.
"""

from annexa.alerts.endpoints import receivers, sinks
from annexa.alerts.interface import SEVERITIES, Alert, Answer, Message, Sink
from annexa.alerts.sending import Sender

__all__ = [
    "SEVERITIES",
    "Alert",
    "Answer",
    "Message",
    "Sender",
    "Sink",
    "receivers",
    "sinks",
]
