"""What others hold for the ledger: copies of its signed heads, and time stamps on them.

The SDKs and network clients behind them are imported when a holder is used, not before.
"""

from __future__ import annotations

from evidence_store.outside.interface import NOBODY, Authority, Holder, Outside

__all__ = ["NOBODY", "Authority", "Holder", "Outside"]
