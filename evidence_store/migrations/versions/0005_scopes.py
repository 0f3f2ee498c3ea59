"""The scope an observation tells may be emptied with the document it is of.

No table changes: the guards that allow it are made anew after every upgrade.
"""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Leave the tables as they are."""


def downgrade() -> None:
    """Leave the tables as they are."""
