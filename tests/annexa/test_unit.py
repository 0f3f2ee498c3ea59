"""What one unit hands over: outcome, parts, journal, activity, provenance."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from collectors import CallError, Catalog, Cause, Collector, Scene, Verdict, fails, passes
from tests.acme import (
    Person,
    Team,
    World,
    denied,
    every_person,
    every_team,
    person,
    small_world,
    team,
)
from tests.annexa.bench import Bench


def body(bench: Bench) -> dict[str, Any]:
    entry = bench.store.targets()[0].last_entry
    read: dict[str, Any] = orjson.loads(bench.store.entry(entry).body)
    return read


def test_the_journal_has_a_line_for_every_call(bench: Bench) -> None:
    world = small_world()
    bench.sweep(world)
    entry = bench.store.targets()[0].last_entry
    lines = orjson.loads(bench.store.attachment(entry, "journal"))
    said = sorted(f"{x['operation']} {x['parameters'].get('name', '')}".strip() for x in lines)
    assert said == sorted(world.calls)
    assert {line["outcome"] for line in lines} == {"ok"}


def test_each_line_of_the_journal_says_what_its_call_was_made_for(bench: Bench) -> None:
    bench.sweep(small_world())
    entry = bench.store.targets()[0].last_entry
    lines = orjson.loads(bench.store.attachment(entry, "journal"))
    made_for = {(x["operation"], x["collector"], x["listing"], x["resource"]) for x in lines}
    assert made_for >= {
        ("identify", "", "", None),
        ("people", "acme.people", "everywhere", None),
        ("key", "acme.people", "everywhere", "mia"),
        ("key", "acme.people", "everywhere", "noah"),
        ("teams", "acme.teams", "south", None),
    }


def test_what_moves_is_kept_apart_and_does_not_change_the_state(bench: Bench) -> None:
    bench.sweep(small_world())
    world = small_world()
    world.people[0]["last_seen"] = "2026-11-01T00:00:00Z"
    world.keys["mia"]["used"] = 8
    (recorded,) = bench.sweep(world).recorded
    assert recorded.receipt.unchanged
    entry = recorded.receipt.entry
    (name,) = [n for n in bench.store.attachments(entry) if n.startswith("activity")]
    assert orjson.loads(name.partition(" ")[2]) == [
        "acme.people",
        "acme.people.person",
        "everywhere",
    ]
    assert orjson.loads(bench.store.attachment(entry, name)) == {
        "mia": {"listed.last_seen": "2026-11-01T00:00:00Z", "facts.key.used": 8}
    }


def test_an_entry_says_who_read_with_what_and_when(bench: Bench) -> None:
    bench.sweep(small_world())
    said = body(bench)["provenance"]
    assert said["identity"] == {
        "subject": "org-1",
        "principal": "auditor@acme",
        "details": {"plan": "test"},
    }
    assert said["at"] == "2026-11-01T09:00:00.000+00:00"
    assert said["permissions"]["needed"] == [
        "people:history",
        "people:key",
        "people:list",
        "teams:list",
    ]
    assert said["refused"] is None
    assert said["calls"] == len(small_world().people) + 6


def test_a_refused_target_keeps_the_subject_it_had(bench: Bench) -> None:
    bench.sweep(small_world())
    bench.sweep(World(refuse={"identify": CallError(Cause.DENIED, "Forbidden", "no")}))
    said = body(bench)["provenance"]
    assert said["subject"] == "org-1"
    assert said["refused"] == "Forbidden: no"
    assert said["identity"] is None


def test_a_refused_fact_is_unknown_for_its_checks_only(bench: Bench) -> None:
    world = small_world()
    world.refuse = {"key mia": denied()}
    result = bench.sweep(world)
    assert result.recorded[0].outcome == "complete"
    assert bench.said()["has_key", "mia"] == (
        "unknown",
        "denied",
        "AccessDenied; needs people:key",
    )
    assert bench.said()["works_in_approved_city", "mia"][0] == "pass"
    assert bench.said()["has_key", "noah"][0] == "fail"


def test_a_total_that_disagrees_keeps_the_rows_and_is_partial(bench: Bench) -> None:
    world = small_world()
    world.total = 3
    result = bench.sweep(world)
    assert result.recorded[0].outcome == "incomplete"
    part = next(p for p in bench.store.parts() if p.key.kind == "acme.people.person")
    assert (part.state, part.cause, part.collected, part.stated_total) == (
        "incomplete",
        "partial",
        2,
        3,
    )
    assert bench.said()["has_key", "mia"][0] == "pass"


def test_a_resource_listed_twice_makes_the_part_malformed(bench: Bench) -> None:
    world = small_world()
    world.people.append(person("mia"))
    bench.sweep(world)
    part = next(p for p in bench.store.parts() if p.key.kind == "acme.people.person")
    assert (part.state, part.cause) == ("incomplete", "malformed")


def asking_for_teams(*named: type[Team]) -> Catalog:
    """A catalogue whose one check asks for teams, and names them in `also` or not."""
    people = Collector("acme.people", title="", reads_from="people")
    people.resources(Person, permission="people:list")(every_person)
    teams = Collector("acme.teams", title="", reads_from="teams")
    teams.resources(Team, permission="teams:list", per="region")(every_team)

    @people.check(Person, "low", remediation="x", also=(Person, *named))
    def in_team(_person: Person, scene: Scene) -> Verdict:
        return passes() if scene.all(Team) else fails("no team")

    @people.check(Person, "low", remediation="x")
    def alone(_person: Person, scene: Scene) -> Verdict:
        return passes() if scene.all(Team) else fails("no team")

    return Catalog((people, teams))


def test_a_check_that_asks_for_a_kind_it_does_not_name_is_a_defect_never_a_fail(
    bench: Bench,
) -> None:
    bench.sweep(small_world(), catalog=asking_for_teams())
    assert bench.said()["in_team", "mia"] == ("unknown", "defect", "TypeError")
    assert bench.said()["alone", "mia"] == ("unknown", "defect", "TypeError")
    assert "without naming it in `also`" in bench.defects[0]


def test_a_check_that_names_the_kind_sees_it(bench: Bench) -> None:
    bench.sweep(small_world(), catalog=asking_for_teams(Team))
    assert bench.said()["in_team", "mia"] == ("pass", "", "")


def test_resources_keep_the_place_of_their_listing(bench: Bench) -> None:
    world = small_world()
    world.teams = {"north": [team("ops")], "south": [team("ops", lead="mia")]}
    bench.sweep(world)
    said = {row.listing_scope: row.status for row in bench.rows() if row.check_id.endswith("lead")}
    assert said == {"north": "fail", "south": "pass"}


def test_a_unit_knows_how_long_it_may_take(bench: Bench) -> None:
    from annexa.sweep import Job  # noqa: PLC0415 - the default of a declared target
    from tests.acme import AcmeConnection  # noqa: PLC0415

    assert Job(AcmeConnection("hq")).deadline == timedelta(minutes=30)
    bench.clock.forward(days=1)
    bench.sweep(small_world())
    assert body(bench)["started"] == "2026-11-02T09:00:00.000+00:00"
