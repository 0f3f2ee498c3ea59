"""A listing taken piece by piece, and facts, with everything that can go wrong becoming data."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from collectors import (
    Absent,
    Caller,
    CallError,
    Cause,
    Collector,
    MalformedError,
    NotOfferedError,
    Resource,
    Total,
    Unlisted,
    Unread,
    fact,
)
from collectors.reading import ListingRun, PartRead, read_facts
from tests.acme import Acme, AcmeConnection, Clock, Person, Team, World, denied, person


def target(world: World | None = None) -> Acme:
    clock = Clock()
    caller = Caller(clock, clock.monotonic() + 5, threading.Event(), rate=None)
    return AcmeConnection("hq", world or World()).open(caller)


class Defects(list[str]):
    def __call__(self, error: Exception, where: str) -> None:
        self.append(f"{where}: {type(error).__name__}")


def run_of(
    rows: Any, *, world: World | None = None, slow: bool = False, kinds: Any = (Person,)
) -> tuple[ListingRun, Defects]:
    """A run over the rows that a function gives, with the listener for its defects."""
    collector = Collector("acme.people", title="", reads_from="people")
    collector.resources(*kinds, permission="people:list", slow=slow)(rows)
    defects = Defects()
    run = ListingRun(collector, collector.listings[0], target(world), "north", defects)
    return run, defects


def named(*names: str) -> Iterator[Person]:
    for name in names:
        yield Person(id=name, listed=person(name))


def everything(run: ListingRun, most: int = 2) -> list[Resource[Any]]:
    taken: list[Resource[Any]] = []
    while not run.ended:
        taken += run.take(most)
    return taken


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_a_listing_comes_whole_in_pieces_of_any_size(most: int) -> None:
    run, _ = run_of(lambda _: named("mia", "noah", "zoe"))
    pieces = []
    while not run.ended:
        pieces.append(len(run.take(most)))
    assert sum(pieces) == 3
    assert max(pieces) <= most
    assert run.parts() == [PartRead("acme.people", "acme.people.person", "north", 3)]


def test_a_resource_without_a_place_gets_the_listings_and_others_keep_theirs() -> None:
    def rows(_: Acme) -> Iterator[Person]:
        yield Person(id="mia", listed=person("mia"))
        yield Person(id="noah", listed=person("noah"), scope="south")

    run, _ = run_of(rows)
    assert [row.scope for row in everything(run)] == ["north", "south"]


def test_an_empty_listing_is_complete() -> None:
    run, _ = run_of(lambda _: iter(()))
    assert everything(run) == []
    assert [(part.collected, part.complete) for part in run.parts()] == [(0, True)]


def test_a_listing_denied_at_once_says_which_permission_would_cure_it() -> None:
    def rows(_: Acme) -> Iterator[Person]:
        raise denied()
        yield

    run, defects = run_of(rows)
    assert everything(run) == []
    assert run.parts()[0].unread == Unread("AccessDenied", "people:list", Cause.DENIED)
    assert defects == []


def test_a_listing_denied_midway_keeps_what_came_and_is_not_complete() -> None:
    def rows(_: Acme) -> Iterator[Person]:
        yield from named("mia", "noah")
        raise CallError(Cause.THROTTLED, "SlowDown")

    run, _ = run_of(rows)
    assert [row.id for row in everything(run)] == ["mia", "noah"]
    (part,) = run.parts()
    assert (part.collected, part.complete) == (2, False)
    assert part.unread == Unread("SlowDown", "", Cause.THROTTLED)


def test_only_a_denial_is_cured_by_a_permission() -> None:
    def rows(_: Acme) -> Iterator[Person]:
        raise CallError(Cause.UNREACHABLE, "timeout")
        yield

    run, _ = run_of(rows)
    everything(run)
    assert run.parts()[0].unread == Unread("timeout", "", Cause.UNREACHABLE)


def test_a_defect_in_a_listing_ends_this_listing_and_is_told() -> None:
    def rows(_: Acme) -> Iterator[Person]:
        yield from named("mia")
        raise ZeroDivisionError

    run, defects = run_of(rows)
    assert len(everything(run)) == 1
    assert run.parts()[0].unread == Unread("ZeroDivisionError", "", Cause.DEFECT)
    assert defects == ["acme.people listing acme.people.person: ZeroDivisionError"]


@pytest.mark.parametrize(("stated", "complete"), [(2, True), (3, False), (1, False), (0, False)])
def test_a_total_that_differs_from_the_rows_makes_the_part_partial(
    stated: int, complete: bool
) -> None:
    def rows(_: Acme) -> Iterator[Person | Total]:
        yield Total(stated)
        yield from named("mia", "noah")

    run, _ = run_of(rows)
    everything(run)
    (part,) = run.parts()
    assert (part.stated, part.collected, part.complete) == (stated, 2, complete)
    assert part.unread == (
        None if complete else Unread("total differs from rows", "people:list", Cause.PARTIAL)
    )


def test_totals_of_several_pages_are_added_up() -> None:
    def rows(_: Acme) -> Iterator[Person | Total]:
        yield Total(1)
        yield from named("mia")
        yield Total(1)
        yield from named("noah")

    run, _ = run_of(rows)
    everything(run)
    assert run.parts()[0].complete


def test_a_resource_listed_twice_is_malformed() -> None:
    run, defects = run_of(lambda _: named("mia", "noah", "mia"))
    assert len(everything(run)) == 2
    assert run.parts()[0].unread == Unread("unexpected answer", "", Cause.MALFORMED)
    assert defects == []


def test_two_kinds_may_share_an_id() -> None:
    class Badge(Resource[str], kind="acme.people.badge"):
        pass

    def rows(_: Acme) -> Iterator[Resource[Any]]:
        yield from named("mia")
        yield Badge(id="mia", listed="b")

    run, _ = run_of(rows, kinds=(Person, Badge))
    everything(run)
    assert [(part.kind, part.collected) for part in run.parts()] == [
        ("acme.people.person", 1),
        ("acme.people.badge", 1),
    ]


def test_a_kind_nobody_declared_is_a_defect() -> None:
    class Stranger(Resource[str], kind="acme.people.stranger"):
        pass

    run, defects = run_of(lambda _: iter([Stranger(id="x", listed="y")]))
    assert everything(run) == []
    assert run.parts()[0].unread == Unread("TypeError", "", Cause.DEFECT)
    assert len(defects) == 1


@pytest.mark.parametrize("slow", [True, False])
def test_a_slow_listing_is_read_only_where_the_target_asks_for_it(slow: bool) -> None:
    run, _ = run_of(lambda _: named("mia"), world=World(slow=slow), slow=True)
    assert len(everything(run)) == slow
    assert run.parts()[0].unread == (
        None if slow else Unread("slow reads are off", "slow = true", Cause.NOT_ASKED)
    )


def facts_of(world: World) -> tuple[dict[str, object], Defects]:
    defects = Defects()
    collector = Collector("acme.people", title="", reads_from="people")
    mia = Person(id="mia", listed=person("mia"), scope="north")
    return dict(read_facts(mia, collector, target(world), defects).facts), defects


def test_facts_come_as_they_are_answered() -> None:
    facts, _ = facts_of(World(keys={"mia": {"made": "x"}}, slow=True))
    assert facts == {"key": {"made": "x"}, "history": ["hired"]}


def test_a_slow_fact_is_not_asked_unless_the_target_wants_it() -> None:
    world = World(keys={"mia": {"made": "x"}})
    facts, _ = facts_of(world)
    assert facts["history"] == Unread("slow reads are off", "slow = true", Cause.NOT_ASKED)
    assert "history mia" not in world.calls


@pytest.mark.parametrize(
    ("error", "stored"),
    [
        (denied(), Unread("AccessDenied", "people:key", Cause.DENIED)),
        (denied("people:read"), Unread("AccessDenied", "people:read", Cause.DENIED)),
        (CallError(Cause.DENIED, "NoKey"), Absent("NoKey")),
        (CallError(Cause.NOT_LICENSED, "NoPlan"), Unread("NoPlan", "", Cause.NOT_LICENSED)),
        (MalformedError("bad"), Unread("unexpected answer", "", Cause.MALFORMED)),
    ],
)
def test_a_refused_fact_is_stored_with_its_reason(error: Exception, stored: object) -> None:
    facts, defects = facts_of(World(refuse={"key": error}))
    assert facts["key"] == stored
    assert defects == []


def test_a_fact_without_an_answer_is_absent() -> None:
    facts, _ = facts_of(World())
    assert facts["key"] == Absent("none")


def test_a_defect_in_one_fact_leaves_the_others() -> None:
    class Employee(Person, kind="acme.people.employee2"):
        @fact("people:badge")
        def badge(self, _api: Acme) -> str:
            raise RuntimeError

    defects = Defects()
    collector = Collector("acme.people", title="")
    asked = Employee(id="mia", listed=person("mia"))
    read = read_facts(asked, collector, target(World(keys={"mia": {"made": "x"}})), defects)
    assert read.facts["badge"] == Unread("RuntimeError", "", Cause.DEFECT)
    assert read.facts["key"] == {"made": "x"}
    assert defects == ["acme.people.employee2 mia fact badge: RuntimeError"]


def test_a_fact_can_read_those_before_it_which_saves_calls_that_are_settled() -> None:
    class Guest(Resource[dict[str, object]], kind="acme.people.guest"):
        @fact("people:badge")
        def badge(self, _api: Acme) -> str | None:
            return None

        @fact("people:doors")
        def doors(self, _api: Acme) -> str:
            return "none" if self.badge is None else "asked"

    asked = Guest(id="mia", listed={})
    read = read_facts(asked, Collector("acme.people", title=""), target(World()))
    assert read.facts == {"badge": Absent("none"), "doors": "none"}
    assert asked.facts == {}


def test_one_kind_of_a_listing_can_be_refused_while_the_others_are_read() -> None:
    def rows(_: Acme) -> Iterator[Person | Unlisted]:
        yield from named("mia")
        yield Unlisted(Team, CallError(Cause.DENIED, "AccessDenied", permission="teams:list"))

    run, _ = run_of(rows, kinds=(Person, Team))
    assert [each.id for each in everything(run)] == ["mia"]
    parts = {part.kind: part for part in run.parts()}
    assert parts[Person.kind].complete
    assert parts[Team.kind].unread == Unread("AccessDenied", "teams:list")


def test_a_service_that_is_not_offered_leaves_a_complete_empty_listing() -> None:
    def rows(_: Acme) -> Iterator[Person]:
        yield from named()
        raise NotOfferedError("acme offers no people here")

    run, defects = run_of(rows)
    assert everything(run) == []
    (part,) = run.parts()
    assert (part.complete, part.collected, part.empty) == (True, 0, "service not offered here")
    assert defects == []


def test_a_fact_that_the_listing_answered_is_not_asked_again() -> None:
    world = World(refuse={"key mia": denied("keys:read")})
    known = Person(id="mia", listed=person("mia"), facts={"key": {"used": None}})
    unknown = Person(id="mia", listed=person("mia"))
    people = Collector("acme.people", title="", reads_from="people")
    assert read_facts(known, people, target(world)).facts["key"] == {"used": None}
    assert isinstance(read_facts(unknown, people, target(world)).facts["key"], Unread)
