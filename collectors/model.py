"""What a collector reads: resources, the facts about them, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar, cast, overload

Row = TypeVar("Row")
Api = TypeVar("Api")
Raw = TypeVar("Raw")
Kind = TypeVar("Kind", bound="Resource[Any]")


class Status(StrEnum):
    """The four outcomes of a check; stored by value."""

    PASS = "pass"  # noqa: S105 - an outcome
    FAIL = "fail"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class Cause(StrEnum):
    """Why something is unknown: a closed list, so that it can be counted and cured."""

    DENIED = "denied"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    PARTIAL = "partial"
    NOT_LICENSED = "not_licensed"
    MALFORMED = "malformed"
    DEFECT = "defect"
    CRITERION_MISSING = "criterion_missing"
    NOT_ASKED = "not_asked"


@dataclass(frozen=True)
class Unread:
    """A fact or listing that was asked for and not answered.

    `code` is the platform's own word (`AccessDenied`), `permission` what would cure it.
    """

    code: str
    permission: str = ""
    cause: Cause = Cause.DENIED

    @property
    def because(self) -> str:
        """The reason as findings give it; names no request and no time, so it is stable."""
        return f"{self.code}; needs {self.permission}" if self.permission else self.code


@dataclass(frozen=True)
class Absent:
    """The platform's answer "not configured" or "not installed", with its code."""

    code: str


class FactUnknown(Exception):  # noqa: N818 - a signal to the engine, not an error
    """A check read something that could not be read; its finding becomes unknown."""

    def __init__(self, unread: Unread) -> None:
        super().__init__(unread.because)
        self.unread = unread


class CallError(Exception):
    """One call that was not answered; becomes an `Unread` where it was asked."""

    def __init__(self, cause: Cause, code: str, message: str = "", permission: str = "") -> None:
        super().__init__(message or code)
        self.cause = cause
        self.code = code
        self.permission = permission


class MalformedError(CallError):
    """An answer that does not have the form the platform documents."""

    def __init__(self, message: str) -> None:
        super().__init__(Cause.MALFORMED, "unexpected answer", message)


class NotOfferedError(CallError):
    """The platform has no such service in that place.

    A listing there is complete and empty, and says why; a fact is unread, not licensed.
    """

    def __init__(self, message: str) -> None:
        super().__init__(Cause.NOT_LICENSED, "service not offered here", message)


@dataclass(frozen=True)
class Total:
    """A total the platform itself states for a listing; yielded by the listing function.

    A total that differs from the number of resources collected makes the part partial.
    """

    number: int


@dataclass(frozen=True)
class Unlisted:
    """One kind of a listing that was not read, yielded where the listing's other kinds were."""

    kind: type[Resource[Any]]
    error: CallError


@dataclass(frozen=True, kw_only=True)
class Resource(Generic[Row]):
    """One thing in a target: `listed` is the row as the listing gave it, facts are further answers.

    `scope` is the place inside the target (a region, a subscription); left empty, it becomes the
    listing's. `volatile` names the fields
    that move by themselves (last used, counters), `secrets` those replaced by a marker before
    anything is kept; both are paths such as `listed.RoleLastUsed` or `facts.report.last_used`.
    """

    id: str
    listed: Row
    scope: str = ""
    facts: Mapping[str, object] = field(default_factory=dict, repr=False)

    kind: ClassVar[str] = ""
    volatile: ClassVar[tuple[str, ...]] = ()
    secrets: ClassVar[tuple[str, ...]] = ()
    _definitions: ClassVar[dict[str, Fact[Any, Any, Any]]] = {}

    def __init_subclass__(cls, *, kind: str, **rest: object) -> None:
        super().__init_subclass__(**rest)
        cls.kind = kind
        own = {name: made for name, made in vars(cls).items() if isinstance(made, Fact)}
        cls._definitions = {**cls._definitions, **own}

    @classmethod
    def fact_definitions(cls) -> dict[str, Fact[Any, Any, Any]]:
        """The facts of this kind by name, in the order they are written."""
        return cls._definitions


class Fact(Generic[Kind, Api, Raw]):
    """One further call about a resource; reading it in a check never calls the network.

    Without a call, it is an answer that the listing brings along, with a permission of its own.
    """

    def __init__(
        self,
        call: Callable[[Kind, Api], Raw] | None,
        permissions: tuple[str, ...],
        absent: tuple[str, ...],
        *,
        reads_from: str,
        slow: bool,
    ) -> None:
        self.call = call
        self.permissions = permissions
        self.absent = absent
        self.reads_from = reads_from
        self.slow = slow
        self.name = call.__name__ if call else ""
        self.__doc__ = call.__doc__ if call else None

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = self.name or name

    @property
    def permission(self) -> str:
        """The permissions as one text, for findings and messages."""
        return ", ".join(self.permissions)

    @overload
    def __get__(self, resource: None, owner: type[Kind]) -> Fact[Kind, Api, Raw]: ...
    @overload
    def __get__(self, resource: Kind, owner: type[Kind]) -> Raw: ...
    def __get__(self, resource: Kind | None, owner: type[Kind]) -> Fact[Kind, Api, Raw] | Raw:
        if resource is None:
            return self
        missing = Unread("not asked", self.permission, Cause.NOT_ASKED)
        value = resource.facts.get(self.name, missing)
        if isinstance(value, Unread):
            raise FactUnknown(value)
        return cast("Raw", None if isinstance(value, Absent) else value)


def fact(
    *permissions: str, absent: str | tuple[str, ...] = (), reads_from: str = "", slow: bool = False
) -> Callable[[Callable[[Kind, Api], Raw]], Fact[Kind, Api, Raw]]:
    """Declare a further call about a resource.

    Args:
        permissions: what the call needs, in the platform's own strings.
        absent: the codes that mean "not configured"; the fact is then None.
        reads_from: the service, where it is another than the collector's.
        slow: fetched only where the target asks for slow reads.
    """
    codes = (absent,) if isinstance(absent, str) else absent
    return lambda call: Fact(call, permissions, codes, reads_from=reads_from, slow=slow)


def brought(*permissions: str) -> Fact[Any, Any, Any]:
    """Declare a fact that the listing brings along in `facts`, for answers that come in bulk.

    `protection: Fact[Any, Any, Protection | None] = brought("administration:read")`. Where the
    listing leaves it out, it counts as not asked.
    """
    return Fact(None, permissions, (), reads_from="", slow=False)


def moment(value: object) -> datetime:
    """The one reader of platform times: ISO 8601 text or Unix seconds, as aware UTC.

    Text without a zone is read as UTC, which is what the platforms that omit it document.

    Raises:
        MalformedError: the value is no time.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise MalformedError(f"not a time: {value!r}") from None
