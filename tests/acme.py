"""A simulated platform named acme: people and teams, refusals, delays and defects at will."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from collectors import (
    Caller,
    Catalog,
    Cause,
    Collector,
    Identity,
    Note,
    Place,
    Resource,
    Scene,
    Total,
    Verdict,
    criterion,
    fact,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors import CallError as Refusal

T0 = datetime(2026, 11, 1, 9, 0, tzinfo=UTC)
CANARY = "ghp_" + "canary" * 6


class Clock:
    """Dates move by hand, seconds are the machine's."""

    def __init__(self) -> None:
        self.at = T0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def forward(self, **parts: float) -> None:
        self.at += timedelta(**parts)


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "created": "2026-10-01T00:00:00Z", "password": CANARY, **more}


def team(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "members": [], **more}


@dataclass
class World:
    """What the platform holds, and what goes wrong when it is asked.

    `refuse` maps an operation, or an operation and a name (`key mia`), to what is raised; `before`
    is called with each operation and may wait, raise, or count.
    """

    people: list[dict[str, Any]] = field(default_factory=list)
    teams: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"north": []})
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    refuse: dict[str, Exception] = field(default_factory=dict)
    refuse_after: dict[str, int] = field(default_factory=dict)
    total: int | None = None
    subject: str = "org-1"
    left_out: dict[str, str] = field(default_factory=dict)
    slow: bool = False
    before: Callable[[str], None] = lambda _: None
    calls: list[str] = field(default_factory=list)

    def ask(self, caller: Caller, operation: str, name: str, scope: str, answer: Any) -> Any:
        """One call through the engine's caller, which refuses or answers as it is told to."""

        def send(note: Note) -> Any:
            self.calls.append(f"{operation} {name}".strip())
            self.before(operation)
            for known in (operation, f"{operation} {name}"):
                if known in self.refuse and known not in self.refuse_after:
                    raise self.refuse[known]
            note.status = 200
            return answer

        return caller.call(
            operation, send, place=Place("acme", scope), parameters={"name": name} if name else None
        )


@dataclass
class Acme:
    """The opened target, seen from one scope."""

    key: str
    world: World
    caller: Caller
    scope: str = "everywhere"

    @property
    def slow(self) -> bool:
        return self.world.slow

    def identify(self) -> Identity:
        self.world.ask(self.caller, "identify", "", "everywhere", None)
        return Identity(self.world.subject, "auditor@acme", {"plan": "test"})

    def scopes(self, per: str) -> Sequence[str]:
        if not per:
            return ("everywhere",)
        self.world.ask(self.caller, "regions", "", "everywhere", None)
        return tuple(self.world.teams)

    def left_out(self, per: str) -> Mapping[str, str]:
        return self.world.left_out if per else {}

    def within(self, scope: str) -> Acme:
        return Acme(self.key, self.world, self.caller, scope)

    def api(self, service: str, scope: str) -> Acme:  # noqa: ARG002 - the protocol's signature
        return self.within(scope)

    def pages(self, operation: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Any]:
        self.world.ask(self.caller, operation, "", self.scope, None)
        for number, row in enumerate(rows):
            if self.world.refuse_after.get(operation) == number:
                raise self.world.refuse[operation]
            yield row


@dataclass(frozen=True)
class AcmeConnection:
    """A declared acme organisation."""

    name: str
    world: World = field(default_factory=World)
    platform: str = "acme"

    @property
    def key(self) -> str:
        return f"{self.platform}/{self.name}"

    def open(self, caller: Caller) -> Acme:
        self.world.ask(caller, "open", "", "everywhere", None)
        return Acme(self.key, self.world, caller)


people = Collector("acme.people", title="People of acme", reads_from="people")
teams = Collector("acme.teams", title="Teams of acme", reads_from="teams")


class Person(Resource[dict[str, Any]], kind="acme.people.person"):
    """Somebody: `listed` is the directory's row."""

    volatile = ("listed.last_seen", "facts.key.used")
    secrets = ("listed.password",)

    @fact("people:key", absent="NoKey")
    def key(self, api: Acme) -> dict[str, Any] | None:
        found: dict[str, Any] | None = api.world.keys.get(self.listed["name"])
        answer: dict[str, Any] | None = api.world.ask(
            api.caller, "key", self.listed["name"], api.scope, found
        )
        return answer

    @fact("people:history", slow=True)
    def history(self, api: Acme) -> list[str]:
        answer: list[str] = api.world.ask(
            api.caller, "history", self.listed["name"], api.scope, ["hired"]
        )
        return answer


class Team(Resource[dict[str, Any]], kind="acme.teams.team"):
    """A team in one region."""


@people.resources(Person, permission="people:list")
def every_person(target: Acme) -> Iterator[Person | Total]:
    for row in target.pages("people", target.world.people):
        yield Person(id=row.get("id", row["name"]), listed=row)
    if target.world.total is not None:
        yield Total(target.world.total)


@teams.resources(Team, permission="teams:list", per="region")
def every_team(target: Acme) -> Iterator[Team]:
    for row in target.pages("teams", target.world.teams[target.scope]):
        yield Team(id=row["name"], listed=row)


@people.check(Person, "high", remediation="Give the person a key.")
def has_key(person: Person, _scene: Scene) -> Verdict:
    """Everybody has a key."""
    return passes() if person.key else fails("no key")


@people.check(Person, "medium", remediation="Make a new key.")
def key_is_young(person: Person, scene: Scene, *, max_age: int = criterion(30, "days")) -> Verdict:
    """Keys are replaced in time."""
    if not person.key:
        return not_applicable("no key")
    made = moment(person.key["made"])
    old = scene.at - made > timedelta(days=max_age)
    return fails(f"made {made:%Y-%m-%d}, limit {max_age} days") if old else passes()


@people.check(Person, "low", remediation="Move the person to an approved city.")
def works_in_approved_city(
    person: Person, _scene: Scene, *, cities: tuple[str, ...] = criterion("city names")
) -> Verdict:
    """People work in approved cities."""
    city = person.listed.get("city", "nowhere")
    return passes() if city in cities else fails(f"works in {city}")


@people.check(Person, "critical", remediation="Lock the account.")
def seen_this_year(person: Person, scene: Scene) -> Verdict:
    """Everybody was seen this year."""
    if "explode" in person.listed:
        raise ZeroDivisionError
    seen = person.listed.get("last_seen")
    if seen is None:
        return not_applicable("never seen")
    return passes() if moment(seen).year == scene.at.year else fails(f"last seen in {seen[:4]}")


@people.check(Person, "medium", remediation="Add the person to a team.", also=(Team,))
def is_in_a_team(person: Person, scene: Scene) -> Verdict:
    """Everybody is in a team."""
    member = any(person.listed["name"] in team.listed["members"] for team in scene.all(Team))
    return passes() if member else fails("in no team")


@teams.check(Team, "low", remediation="Name a lead.")
def has_lead(team: Team, _scene: Scene) -> Verdict:
    """Every team has a lead."""
    return passes() if team.listed.get("lead") else fails("no lead")


CATALOG = Catalog((people, teams))


def denied(permission: str = "") -> Refusal:
    return Refusal(Cause.DENIED, "AccessDenied", "no", permission)


def small_world() -> World:
    """Two people, one team; Mia has a key and Noah has none."""
    return World(
        people=[person("mia", city="Graz", last_seen="2026-10-31T12:00:00Z"), person("noah")],
        teams={"north": [team("ops", members=["mia"], lead="mia")], "south": []},
        keys={"mia": {"made": "2026-10-15T00:00:00Z", "used": 7}},
    )


class Gate:
    """Stops every call of one operation until it is opened; tells when one has arrived."""

    def __init__(self, operation: str) -> None:
        self.operation = operation
        self.arrived = threading.Event()
        self.open = threading.Event()

    def __call__(self, operation: str) -> None:
        if operation == self.operation:
            self.arrived.set()
            assert self.open.wait(10), "the gate was never opened"
