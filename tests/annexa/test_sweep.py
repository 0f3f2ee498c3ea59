"""A sweep from plan to close: what is recorded, carried, refused, and never lost."""

from __future__ import annotations

import gc
import os
import sqlite3
import threading
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest

from annexa.sweep import Scope, SweepError
from annexa.sweep.spool import Spool
from collectors import (
    Caller,
    CallError,
    Catalog,
    Cause,
    Collector,
    Resource,
    Scene,
    Verdict,
    fails,
    passes,
)
from evidence_store import CorruptStoreError, Receipt, StoreError, UnitRecord
from evidence_store.codecs import ZLIB, unpacked
from tests.acme import (
    CANARY,
    CATALOG,
    Acme,
    AcmeConnection,
    Gate,
    Person,
    World,
    denied,
    people,
    person,
    small_world,
    team,
    teams,
)
from tests.annexa.bench import Bench, jobs

KINDS = "acme.people.person", "acme.teams.team"


def test_a_sweep_records_every_verdict_and_closes(bench: Bench) -> None:
    result = bench.sweep(small_world())
    assert (result.complete, result.stopped, result.sweep) == (True, False, 1)
    assert bench.said() == {
        ("has_key", "mia"): ("pass", "", ""),
        ("has_key", "noah"): ("fail", "", "no key"),
        ("key_is_young", "mia"): ("pass", "", ""),
        ("key_is_young", "noah"): ("not_applicable", "", "no key"),
        ("works_in_approved_city", "mia"): ("pass", "", ""),
        ("works_in_approved_city", "noah"): ("fail", "", "works in nowhere"),
        ("seen_this_year", "mia"): ("pass", "", ""),
        ("seen_this_year", "noah"): ("not_applicable", "", "never seen"),
        ("is_in_a_team", "mia"): ("pass", "", ""),
        ("is_in_a_team", "noah"): ("fail", "", "in no team"),
        ("has_lead", "ops"): ("pass", "", ""),
        ("has_lead", "south"): ("not_applicable", "", "the complete listing is empty"),
    }
    assert result.findings == {"pass": 6, "fail": 3, "not_applicable": 3}
    assert bench.store.open_sweep() is None
    assert bench.store.verify().clean
    assert bench.defects == []


def test_an_unchanged_sweep_adds_one_entry_beside_plan_and_close_and_nothing_else(
    bench: Bench,
) -> None:
    bench.sweep(small_world())
    before = _counts(bench)
    bench.clock.forward(hours=1)
    result = bench.sweep(small_world())
    assert result.recorded[0].receipt.unchanged
    after = _counts(bench)
    assert after["entries"] == before["entries"] + 3
    for table in before:
        if any(word in table for word in ("content", "observation", "verdict")):
            assert after[table] == before[table], table


def test_a_verdict_changes_with_time_though_the_state_stands_still(bench: Bench) -> None:
    bench.sweep(small_world())
    bench.clock.forward(days=30)
    (recorded,) = bench.sweep(small_world()).recorded
    assert (recorded.receipt.changed, recorded.receipt.unchanged) == (0, False)
    assert bench.said()["key_is_young", "mia"] == (
        "fail",
        "",
        "made 2026-10-15, limit 30 days",
    )
    (old, _), new = bench.store.checkpoints(), bench.store.targets()[0]
    assert old.size < bench.store.checkpoint().size
    assert new.entries == 2


def test_a_denied_listing_is_carried_with_explicit_unknowns_and_nothing_vanishes(
    bench: Bench,
) -> None:
    bench.sweep(small_world())
    world = small_world()
    world.refuse = {"people": denied()}
    bench.clock.forward(hours=1)
    bench.sweep(world)
    why = ("unknown", "denied", "AccessDenied; needs people:list")
    said = bench.said()
    for check in ("has_key", "key_is_young", "is_in_a_team", "works_in_approved_city"):
        assert said[check, "mia"] == said[check, "noah"] == why
    assert said["has_lead", "ops"][0] == "pass"
    assert {row.key.id for row in bench.store.documents("acme/hq")} == {"mia", "noah", "ops"}
    assert bench.store.verify().clean


def test_a_listing_denied_from_the_start_gives_one_unknown_per_check(bench: Bench) -> None:
    world = small_world()
    world.refuse = {"people": denied()}
    bench.sweep(world)
    assert {key for key, value in bench.said().items() if value[0] == "unknown"} == {
        (check, "everywhere")
        for check in (
            "has_key",
            "key_is_young",
            "is_in_a_team",
            "works_in_approved_city",
            "seen_this_year",
        )
    }


def test_a_listing_refused_midway_keeps_what_came_and_carries_the_rest(bench: Bench) -> None:
    bench.sweep(small_world())
    world = small_world()
    world.refuse, world.refuse_after = {"people": denied()}, {"people": 1}
    bench.sweep(world)
    assert bench.said()["has_key", "mia"] == ("pass", "", "")
    assert bench.said()["has_key", "noah"][:2] == ("unknown", "denied")


def test_what_a_complete_listing_no_longer_names_is_gone(bench: Bench) -> None:
    bench.sweep(small_world())
    world = small_world()
    del world.people[1]
    (recorded,) = bench.sweep(world).recorded
    assert recorded.receipt.gone == 1
    assert {resource for _, resource in bench.said()} == {"mia", "ops", "south"}


def test_a_cross_kind_question_is_unknown_where_the_other_listing_was_refused(
    bench: Bench,
) -> None:
    world = small_world()
    world.refuse = {"teams": denied()}
    bench.sweep(world)
    assert bench.said()["is_in_a_team", "mia"] == (
        "unknown",
        "denied",
        "AccessDenied; needs teams:list",
    )
    assert bench.said()["has_key", "mia"][0] == "pass"


def test_a_defect_in_one_check_or_listing_never_ends_the_sweep(bench: Bench) -> None:
    world = small_world()
    world.people.append(person("zoe", explode=True))
    world.refuse = {"teams": ZeroDivisionError()}
    result = bench.sweep(world, small_world())
    assert result.complete
    assert bench.said()["seen_this_year", "zoe"] == ("unknown", "defect", "ZeroDivisionError")
    assert bench.said()["has_key", "zoe"] == ("fail", "", "no key")
    assert bench.said()["has_lead", "north"] == ("unknown", "defect", "ZeroDivisionError")
    assert bench.said("acme/site-2")["has_lead", "ops"][0] == "pass"
    assert any(text.startswith("check acme.people.seen_this_year") for text in bench.defects)


def test_a_document_that_is_no_json_makes_its_listing_partial_and_no_more(bench: Bench) -> None:
    world = small_world()
    world.people.append(person("zoe", photo=object()))
    assert bench.sweep(world).complete
    assert bench.states()["acme.people.person", "everywhere"] == "incomplete"
    assert bench.said()["has_key", "mia"][0] == "pass"
    assert bench.said()["has_lead", "ops"][0] == "pass"


def test_a_target_that_cannot_be_opened_says_so_for_every_check(bench: Bench) -> None:
    result = bench.sweep(World(refuse={"open": CallError(Cause.UNREACHABLE, "NoRoute", "down")}))
    assert result.complete
    assert result.recorded[0].outcome == "failed"
    assert set(bench.said().values()) == {("unknown", "unreachable", "NoRoute")}
    assert result.recorded[0].unit.refusal == "NoRoute: down", "people get the platform's words"
    assert {check for check, _ in bench.said()} == {
        check.rpartition(".")[2] for check in CATALOG.checks
    }


def test_a_target_that_answers_again_leaves_no_unknown_behind(bench: Bench) -> None:
    refused = CallError(Cause.UNREACHABLE, "NoRoute", "down")
    bench.sweep(World(refuse={"open": refused}))
    bench.sweep(small_world())
    assert {key for key, value in bench.said().items() if value[0] == "unknown"} == set()


def test_a_target_that_stops_answering_turns_every_finding_unknown(bench: Bench) -> None:
    bench.sweep(small_world())
    known = set(bench.said())
    bench.sweep(World(refuse={"open": CallError(Cause.UNREACHABLE, "NoRoute", "down")}))
    assert set(bench.said()) >= known
    assert {value[:2] for value in bench.said().values()} == {("unknown", "unreachable")}
    bench.sweep(small_world())
    assert set(bench.said()) == known
    assert {key for key, value in bench.said().items() if value[0] == "unknown"} == set()


def test_places_that_cannot_be_enumerated_make_their_listings_unknown_with_the_cause(
    bench: Bench,
) -> None:
    bench.sweep(small_world())
    world = small_world()
    world.refuse = {"regions": denied("regions:list")}
    bench.sweep(world)
    why = ("unknown", "denied", "AccessDenied; needs regions:list")
    assert bench.said()["has_lead", "ops"] == why
    assert bench.said()["is_in_a_team", "mia"] == why
    assert bench.said()["has_key", "mia"][0] == "pass"
    assert bench.defects == []


def test_places_never_enumerated_are_unknown_and_not_missing(bench: Bench) -> None:
    world = small_world()
    world.refuse = {"regions": denied("regions:list")}
    bench.sweep(world)
    found = {v for (check, _), v in bench.said().items() if check == "has_lead"}
    assert found == {("unknown", "denied", "AccessDenied; needs regions:list")}
    bench.sweep(small_world())
    assert {key for key, value in bench.said().items() if value[0] == "unknown"} == set()


def test_another_subject_than_before_is_refused_and_nothing_is_read(bench: Bench) -> None:
    bench.sweep(small_world())
    other = small_world()
    other.subject = "org-2"
    other.people = []
    result = bench.sweep(other)
    assert result.recorded[0].outcome == "failed"
    assert {row.key.id for row in bench.store.documents("acme/hq")} >= {"mia", "noah"}
    assert "people" not in other.calls
    assert bench.said()["has_key", "mia"][2] == "another subject than before"
    assert "org-2" in str(result.recorded[0].unit.refusal)
    bench.sweep(small_world())
    assert bench.said()["has_key", "mia"][0] == "pass"


def test_a_deadline_makes_the_rest_unknown(bench: Bench) -> None:
    world = small_world()
    clock = bench.clock

    def late(operation: str) -> None:
        if operation == "people":
            clock.monotonic = lambda: 9e9  # type: ignore[method-assign]  # the deadline is over

    world.before = late
    bench.sweep(world, threads=1)
    assert bench.said()["has_key", "mia"] == ("unknown", "unreachable", "deadline")


def test_only_the_wanted_collectors_are_asked_and_the_others_are_carried(bench: Bench) -> None:
    bench.sweep(small_world())
    world = small_world()
    bench.sweep(world, collectors=["acme.teams"])
    assert not any(call.startswith("people") for call in world.calls)
    assert bench.states() == {
        ("acme.people.person", "everywhere"): "carried",
        ("acme.teams.team", "north"): "complete",
        ("acme.teams.team", "south"): "complete",
    }
    assert bench.said()["has_key", "mia"][0] == "pass"


def test_listings_that_a_wanted_check_needs_are_read_too(bench: Bench) -> None:
    bench.sweep(small_world(), collectors=["acme.people"])
    assert bench.said()["is_in_a_team", "mia"][0] == "pass"


rosters = Collector("acme.rosters", title="Rosters of acme", reads_from="rosters")


class Roster(Resource[dict[str, Any]], kind="acme.rosters.roster"):
    """Who is on duty."""


@rosters.resources(Roster, permission="rosters:list")
def every_roster(target: Acme) -> Iterator[Roster]:
    for row in target.pages("rosters", [{"name": "night", "members": ["mia"]}]):
        yield Roster(id=row["name"], listed=row)


@rosters.check(Person, "low", remediation="Put the person on a roster.", also=(Roster,))
def is_on_a_roster(person: Person, scene: Scene) -> Verdict:
    """Everybody is on a roster."""
    on = any(person.listed["name"] in roster.listed["members"] for roster in scene.all(Roster))
    return passes() if on else fails("on no roster")


def test_a_collectors_question_about_anothers_resources_begins_with_it_and_is_never_lost(
    bench: Bench,
) -> None:
    catalog = Catalog((people, teams, rosters))
    first, again = small_world(), small_world()
    bench.sweep(first, collectors=["acme.people"], catalog=catalog)
    assert not any(call.startswith("rosters") for call in first.calls)
    assert ("is_on_a_roster", "mia") not in bench.said()
    bench.sweep(small_world(), catalog=catalog)
    assert bench.said()["is_on_a_roster", "mia"][0] == "pass"
    bench.sweep(again, collectors=["acme.people"], catalog=catalog)
    assert any(call.startswith("rosters") for call in again.calls)
    assert bench.said()["is_on_a_roster", "mia"][0] == "pass"


def test_a_slow_target_does_not_hold_up_the_others(bench: Bench) -> None:
    slow = small_world()
    slow.people = [person(f"p{n}") for n in range(40)]
    slow.before = gate = Gate("key")
    done: list[str] = []
    watched = threading.Event()

    def watch(recorded: Any) -> None:
        done.append(recorded.unit.key)
        watched.set()

    def release() -> None:
        watched.wait(60)
        gate.open.set()

    threading.Thread(target=release).start()
    result = bench.engine(threads=4, cap=2).run(jobs(slow, small_world()), Scope(), watch=watch)
    assert result.complete
    assert done == ["acme/site-2", "acme/hq"]


def test_one_thread_is_enough_for_every_sweep(bench: Bench) -> None:
    assert bench.sweep(small_world(), small_world(), threads=1, cap=1).complete


def _stop_at(operation: str, stop: threading.Event) -> Callable[[str], None]:
    def before(asked: str) -> None:
        if asked == operation:
            stop.set()

    return before


def test_a_stopped_sweep_keeps_what_was_finished_and_resume_asks_only_for_the_rest(
    bench: Bench,
) -> None:
    stop = threading.Event()
    world = small_world()
    world.teams = {"north": [team("ops", members=["mia"], lead="mia")]}
    first = small_world()
    second = small_world()
    second.before = _stop_at("open", stop)
    result = bench.sweep(first, second, threads=1, stop=stop)
    assert (result.stopped, result.complete) == (True, False)
    unfinished = bench.store.open_sweep()
    assert unfinished is not None
    assert bench.store.verify().clean
    again = [small_world(), small_world()]
    resumed = bench.engine().resume(jobs(*again))
    assert (resumed.sweep, resumed.complete) == (result.sweep, True)
    assert bench.store.open_sweep() is None
    assert bench.said("acme/hq").keys() == bench.said("acme/site-2").keys()
    for target in ("acme/hq", "acme/site-2"):
        assert not [v for v in bench.said(target).values() if v[0] == "unknown"]
    assert bench.store.verify().clean


def test_a_listing_stopped_in_one_place_is_read_again_in_all(bench: Bench) -> None:
    """A first region that was finished must not make the second one look read."""
    stop = threading.Event()
    world = small_world()
    world.teams = {"north": [team("ops", lead="mia")], "south": [team("shop")]}
    asked: list[str] = []

    def before(operation: str) -> None:
        asked.append(operation)
        if asked.count("teams") == 2:
            stop.set()

    world.before = before
    assert bench.sweep(world, collectors=["acme.teams"], threads=1, stop=stop).stopped
    again = small_world()
    again.teams = world.teams
    assert bench.engine().resume(jobs(again)).complete
    assert bench.said()["has_lead", "shop"] == ("fail", "", "no lead")
    assert bench.said()["has_lead", "ops"] == ("pass", "", "")


def test_a_finished_listing_is_not_asked_again_on_resume(bench: Bench) -> None:
    stop = threading.Event()
    world = small_world()
    world.before = _stop_at("people", stop)
    assert bench.sweep(world, threads=1, stop=stop).stopped
    again = small_world()
    assert bench.engine().resume(jobs(again)).complete
    assert again.calls.count("people") == 1
    assert bench.said()["is_in_a_team", "mia"][0] == "pass"


def test_resume_without_a_stopped_sweep_says_what_to_do(bench: Bench) -> None:
    bench.sweep(small_world())
    with pytest.raises(SweepError, match="nothing to resume"):
        bench.engine().resume(jobs(small_world()))


def test_resume_refuses_a_target_that_is_no_longer_declared(bench: Bench) -> None:
    stop = threading.Event()
    world = small_world()
    world.before = _stop_at("open", stop)
    bench.sweep(world, small_world(), stop=stop, threads=1)
    with pytest.raises(SweepError, match="acme/site-2, which is no longer declared"):
        bench.engine().resume(jobs(small_world()))


def test_a_new_sweep_closes_the_stopped_one_as_abandoned(bench: Bench) -> None:
    stop = threading.Event()
    world = small_world()
    world.before = _stop_at("open", stop)
    bench.sweep(world, stop=stop)
    assert bench.sweep(small_world()).complete
    summaries = {row.sweep: row.summary for row in bench.store.sweeps()}
    assert (summaries[1] or {})["outcome"] == "abandoned"
    assert (summaries[1] or {})["missing"] == ["acme/hq"]
    assert (summaries[2] or {})["outcome"] == "complete"


def test_a_sweep_that_ended_leaves_the_callers_stop_event_alone(bench: Bench) -> None:
    """The daemon hands in the event that ends it."""
    stop = threading.Event()
    bench.sweep(small_world(), stop=stop)
    assert not stop.is_set()


def test_a_store_that_fails_ends_the_sweep_with_its_error_and_no_thread_stays(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_record: object) -> None:
        raise StoreError("disk gone")

    monkeypatch.setattr(bench.store, "record", broken)
    stop = threading.Event()
    with pytest.raises(StoreError, match="disk gone"):
        bench.sweep(*(small_world() for _ in range(12)), stop=stop, threads=4)
    for thread in threading.enumerate():
        if thread.name.startswith("annexa-"):
            thread.join(5)
            assert not thread.is_alive()
    assert not stop.is_set()


def test_no_canary_secret_reaches_the_store(bench: Bench) -> None:
    """Not in documents, ids, activity, journal, parts, provenance, reasons, nor the raw file."""
    world = small_world()
    world.people = [
        person("mia", id=f"https://mia:{CANARY}@acme.example", last_seen=CANARY, note=CANARY),
        person(f"noah {CANARY}"),
    ]
    world.keys = {"mia": {"made": CANARY, "used": CANARY}}
    world.subject = f"org {CANARY}"
    broken = World(refuse={"open": CallError(Cause.UNREACHABLE, "NoRoute", f"via {CANARY}")})
    denying = World(refuse={"people": CallError(Cause.DENIED, CANARY, "", CANARY)})
    bench.sweep(world, broken, denying)
    bench.store.close()
    stored = list(_everything(bench))
    assert len(stored) > 30
    assert [place for place, value in stored if CANARY.encode() in value] == []


def test_ten_thousand_resources_do_not_stay_in_memory_while_they_are_read(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "x" * 2_000
    world = World(teams={"north": _Rows(10_000, body)})
    peaks: list[tuple[int, int]] = []

    def measured(unit: UnitRecord) -> Receipt:
        peak = tracemalloc.get_traced_memory()[1]
        peaks.append((len(list(unit.documents)), peak))
        raise StoreError("measured")

    monkeypatch.setattr(bench.store, "record", measured)
    gc.collect()
    tracemalloc.start()
    try:
        with pytest.raises(StoreError, match="measured"):
            bench.engine().run(jobs(world), Scope(), collectors=["acme.teams"])
    finally:
        tracemalloc.stop()
    ((resources, peak),) = peaks
    assert resources == 10_000
    assert peak < 10_000 * len(body) * 0.75, f"{peak / 1e6:.0f} MB"


class _Rows(list[Any]):
    """Rows that are made when they are asked for, as pages are."""

    def __init__(self, count: int, body: str) -> None:
        self._count = count
        self._body = body

    def __iter__(self) -> Any:
        return (team(f"t{n}", lead="mia", note=f"{n}{self._body}") for n in range(self._count))


def _counts(bench: Bench) -> dict[str, int]:
    with sqlite3.connect(bench.path) as database:
        tables = [name for (name,) in database.execute(_TABLES)]
        return {
            name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608
            for name in tables
        }


_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table'"


def _everything(bench: Bench) -> Any:
    """Every value of every table, unpacked, and the raw bytes of every file."""
    for file in bench.path.parent.iterdir():
        yield file.name, file.read_bytes()
    with sqlite3.connect(bench.path) as database:
        for (table,) in database.execute(_TABLES):
            for row in database.execute(f'SELECT * FROM "{table}"'):  # noqa: S608
                for value in row:
                    raw = value if isinstance(value, bytes) else str(value).encode()
                    yield table, raw
                    for skip in range(min(4, len(raw))):
                        with suppress(CorruptStoreError):
                            yield table, unpacked(ZLIB, raw[skip:])


def test_a_place_that_is_left_out_is_named_and_what_was_known_there_is_carried(
    bench: Bench,
) -> None:
    world = small_world()
    bench.sweep(world)
    assert bench.said()["has_lead", "ops"] == ("pass", "", "")
    del world.teams["north"], world.teams["south"]
    world.left_out = {"north": "turned off", "south": "turned off", "west": "no use"}
    result = bench.sweep(world)
    assert bench.said()["has_lead", "ops"] == ("unknown", "not_asked", "turned off")
    assert bench.said()["has_lead", "south"] == (
        "not_applicable",
        "",
        "the complete listing is empty",
    )
    parts = {p.key.scope: p for p in bench.store.parts("acme/hq") if "team" in p.key.kind}
    assert {scope: (part.state, part.code) for scope, part in parts.items()} == {
        "north": ("incomplete", "turned off"),
        "south": ("complete", "turned off"),
    }
    body = orjson.loads(bench.store.entry(result.recorded[0].receipt.entry).body)
    assert body["provenance"]["places_left_out"] == world.left_out
    assert bench.store.verify().clean
    world.left_out, world.teams["north"] = {}, [team("ops", lead="mia")]
    bench.sweep(world)
    assert bench.said()["has_lead", "ops"][0] == "pass"


def test_the_calls_that_were_made_stand_beside_the_permissions_that_were_needed(
    bench: Bench,
) -> None:
    result = bench.sweep(small_world())
    body = orjson.loads(bench.store.entry(result.recorded[0].receipt.entry).body)
    told = body["provenance"]["permissions"]
    assert told["needed"]
    assert len(told["needed_sha256"]) == 64
    assert {"people", "teams", "identify"} <= set(told["used"]["acme"])


def test_a_recorded_unit_lets_go_of_its_target(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    really = AcmeConnection.open

    def remembered(connection: AcmeConnection, caller: Caller) -> Acme:
        target = really(connection, caller)
        opened.append(weakref.ref(target))
        return target

    monkeypatch.setattr(AcmeConnection, "open", remembered)
    result = bench.sweep(small_world(), small_world())
    gc.collect()
    assert len(result.recorded) == 2
    assert [target() for target in opened] == [None, None]


def test_what_waits_to_be_recorded_has_no_name_and_is_its_owners(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        first, second = spool.put(b"lasts"), spool.put(b"lasts too", b"moves")
        assert [spool.get(each) for each in (second, first)] == [b"lasts too", b"lasts"]
        assert [spool.moving(each) for each in (second, first)] == [b"moves", b""]
        assert list(tmp_path.iterdir()) == []
        status = os.fstat(spool._file.fileno())
        assert (status.st_dev, status.st_mode & 0o777) == (tmp_path.stat().st_dev, 0o600)
