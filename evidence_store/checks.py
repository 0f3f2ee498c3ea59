"""Which number each version of a check has in this store."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from evidence_store.database import database_of, insert_new
from evidence_store.digests import check_digest, check_text
from evidence_store.model import CheckRef
from evidence_store.tables import checks

ALL: Final = sa.select(checks.c.id, checks.c.code, checks.c.digest)
BY_DIGEST: Final = sa.select(checks.c.id).where(checks.c.digest == sa.bindparam("digest"))


class Known(NamedTuple):
    """A check as stored."""

    row: int
    code: str
    digest: str


class Checks:
    """The checks a transaction knows; new ones are inserted on first use."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        rows = connection.execute(ALL).all()
        self.by_row = {row: Known(row, code, digest.hex()) for row, code, digest in rows}
        self._by_digest = {known.digest: known for known in self.by_row.values()}
        # By identity, since criteria cannot be hashed; keeping the object keeps its identity.
        self._by_identity: dict[int, tuple[CheckRef, Known]] = {}

    def known(self, check: CheckRef) -> Known:
        """The stored check, inserted if it is new."""
        found = self._by_identity.get(id(check))
        if found is None:
            found = self._by_identity[id(check)] = (check, self._stored(check))
        return found[1]

    def _stored(self, check: CheckRef) -> Known:
        digest = check_digest(check)
        if (known := self._by_digest.get(digest.hex())) is not None:
            return known
        row = (None, check.id, check.version, check.severity, check_text(check), digest)
        # All targets share it: another worker may be inserting the same one just now.
        with database_of(self._connection).aside(self._connection) as connection:
            insert_new(connection, checks, [row])
        number = self._connection.execute(BY_DIGEST, {"digest": digest}).scalar_one()
        known = Known(number, check.id, digest.hex())
        self.by_row[known.row] = self._by_digest[known.digest] = known
        return known
