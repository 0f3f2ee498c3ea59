"""What every platform offers the engine: a target that can be listed, asked and identified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from collectors.calls import Caller


@dataclass(frozen=True)
class Identity:
    """Who reads and what is read, as the platform itself says it; part of every evidence item.

    `subject` is the platform's own id of the target (an account number, a machine id): it may not
    change between sweeps. `principal` is the credential's identity.
    """

    subject: str
    principal: str
    details: Mapping[str, str] = field(default_factory=dict)


class Target(Protocol):
    """What one credential and one bulk listing reach: an account, a tenant, a host.

    A target is opened once per unit, with a `Caller` that carries the unit's deadline, rates and
    journal. Everything it does goes through that caller.
    """

    @property
    def key(self) -> str:
        """`<platform>/<name>`: how the organisation names the target, in all evidence."""

    @property
    def slow(self) -> bool:
        """Whether facts and listings marked slow are read."""

    def identify(self) -> Identity:
        """Ask the platform who we are; raises CallError where it does not answer."""

    def scopes(self, per: str) -> Sequence[str]:
        """The places a listing is asked in; `per` is what its collector declared, "" for one."""

    def left_out(self, per: str) -> Mapping[str, str]:
        """The places it has and is not asked in, each with why: turned off, out by decision.

        Nothing is unread there: what was known from before is carried, and the places are named in
        the evidence and by the summary.
        """

    def within(self, scope: str) -> Target:
        """The same target, seen from one of its scopes; what a listing function is given."""

    def api(self, service: str, scope: str) -> object:
        """What a fact is given: the service's read calls, at that scope."""


class Connection(Protocol):
    """A declared target before it is opened: cheap, holds references to credentials only."""

    @property
    def key(self) -> str:
        """See `Target.key`."""

    @property
    def platform(self) -> str:
        """The first word of the ids of its collectors."""

    def open(self, caller: Caller) -> Target:
        """Connect; raises CallError with what to do where that is impossible."""


@dataclass(frozen=True)
class Member:
    """One target of a group; `title` is what people call it, its key does not change with it."""

    connection: Connection
    title: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A target of a group that is not read, and why: the platform's state of it, or a decision."""

    key: str
    reason: str
    title: str = ""


@dataclass(frozen=True)
class Expansion:
    """What a group stands for now.

    `details` is kept with the plan and handed back when a stopped sweep goes on, so that the
    members need not be asked for again.
    """

    members: tuple[Member, ...]
    left_out: tuple[LeftOut, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Group(Connection, Protocol):
    """A declaration that stands for many targets; it is expanded before a sweep is planned.

    The keys of its members begin with its own key and a dot. Opened itself, it is the target
    that knows the others.
    """

    def expand(self, caller: Caller) -> Expansion:
        """Ask the platform for the members; raises CallError where it does not answer."""

    def member(self, key: str, details: Mapping[str, str]) -> Connection:
        """The member of that key, with what its expansion remembered; nothing is asked."""
