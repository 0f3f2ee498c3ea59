"""Who is told what changed: decided once, delivered at least once, with the same id.

What there is to tell is decided from the ledger and put into an outbox in the transaction in which
the cursor moves; senders empty the outbox. The evidence store knows nothing of it.
"""

from annexa.alerts.endpoints import receivers, sinks
from annexa.alerts.interface import SEVERITIES, Alert, Answer, Message, Sink
from annexa.alerts.looking import Lookout, tell_at_once
from annexa.alerts.reading import Unread
from annexa.alerts.sending import Sender
from annexa.alerts.standing import Now

__all__ = [
    "SEVERITIES",
    "Alert",
    "Answer",
    "Lookout",
    "Message",
    "Now",
    "Sender",
    "Sink",
    "Unread",
    "receivers",
    "sinks",
    "tell_at_once",
]
