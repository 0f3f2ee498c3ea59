"""The two things asked of others: hold a signed head, and say when they saw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from evidence_store.answers import Checkpoint


class Holder(Protocol):
    """A place for signed heads that the operator of the database cannot rewrite.

    `ledger` is the ledger's name, without the number of an epoch. Every method raises
    `OutsideError` when the place cannot be asked or answers otherwise than it should.
    """

    @property
    def name(self) -> str:
        """The name the organisation gave it."""

    @property
    def kind(self) -> str:
        """What it is: directory, s3, git or webhook."""

    @property
    def place(self) -> str:
        """Where it is, in words that carry no secret."""

    @property
    def readable(self) -> bool:
        """Whether heads can be read back from it; if not, it cannot show a rollback to us."""

    def publish(self, ledger: str, head: Checkpoint) -> None:
        """Add a head; what is held is never replaced, and the same head again changes nothing."""

    def latest(self, ledger: str) -> Checkpoint | None:
        """The largest head of the last epoch; None if nothing is held of this ledger."""

    def all(self, ledger: str) -> Sequence[Checkpoint]:
        """Every head held of this ledger, in the order of epochs and sizes."""


class Authority(Protocol):
    """A time-stamping authority (RFC 3161)."""

    @property
    def name(self) -> str:
        """The name the organisation gave it."""

    @property
    def place(self) -> str:
        """Its address."""

    def stamp(self, data: bytes) -> bytes:
        """Ask for a token over the data; return the verified response, DER.

        Raises:
            OutsideError: If it cannot be asked, refuses, or its answer does not verify.
        """

    def stamped_at(self, data: bytes, response: bytes) -> datetime:
        """When a kept response says the data existed, after verifying all of it.

        Raises:
            OutsideError: If it is not over this data, or not of this authority.
        """


@dataclass(frozen=True)
class Outside:
    """Everything outside the store that was configured."""

    holders: Sequence[Holder] = field(default=())
    authorities: Sequence[Authority] = field(default=())


NOBODY: Final = Outside()
