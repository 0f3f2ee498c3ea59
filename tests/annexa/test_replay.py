"""Re-performance: stored documents give the stored verdicts again, or the difference is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from annexa.sweep.replay import replay
from collectors import CallError, Catalog, Cause, Collector, Verdict, passes
from tests.acme import CATALOG, World, denied, people, person, small_world, teams
from tests.annexa.bench import Bench, jobs
from tests.annexa.test_unit import asking_for_teams


def explosive() -> World:
    world = small_world()
    world.people.append(person("zoe", explode=True, last_seen="2025-01-01T00:00:00Z"))
    world.people.append(person("adam", last_seen="2025-12-31T23:59:59Z"))
    return world


def refusing(**refuse: Exception) -> World:
    world = explosive()
    world.refuse = dict(refuse)
    return world


def midway() -> World:
    world = refusing(people=denied())
    world.refuse_after = {"people": 1}
    return world


def partial() -> World:
    world = explosive()
    world.total = 9
    return world


@pytest.mark.parametrize(
    "world",
    [
        explosive,
        midway,
        partial,
        lambda: refusing(people=denied()),
        lambda: refusing(teams=denied()),
        lambda: refusing(teams=ZeroDivisionError()),
        lambda: refusing(regions=denied("regions:list")),
        lambda: refusing(key=denied()),
        lambda: refusing(key=CallError(Cause.DENIED, "NoKey")),
        lambda: refusing(open=CallError(Cause.UNREACHABLE, "NoRoute", "down")),
    ],
    ids=[
        "all read, volatile fields and a defect",
        "a listing refused midway",
        "a total that disagrees",
        "a listing denied",
        "another kind's listing denied",
        "a listing with a defect",
        "places denied",
        "a fact denied",
        "a fact absent",
        "a target not reached",
    ],
)
@pytest.mark.parametrize("known_before", [False, True])
def test_stored_documents_give_the_stored_verdicts(
    bench: Bench, world: Callable[[], World], known_before: bool
) -> None:
    if known_before:
        bench.sweep(explosive())
        bench.clock.forward(days=40)
    bench.sweep(world())
    again = replay(bench.store, CATALOG, "acme/hq")
    assert again.differences == []
    assert again.compared + sum(again.skipped.values()) == len(bench.rows())
    assert again.compared > 0
    assert "the stored finding has no document" not in again.skipped


def test_what_was_not_asked_in_the_last_sweep_is_told_and_not_compared(bench: Bench) -> None:
    bench.sweep(explosive())
    bench.sweep(explosive(), collectors=["acme.teams"])
    again = replay(bench.store, CATALOG, "acme/hq")
    assert again.same
    assert again.skipped == {"carried: judged at the sweep that read it": 20}


def test_a_resumed_sweep_can_be_re_performed(bench: Bench) -> None:
    stop = threading.Event()
    world = explosive()
    world.before = lambda operation: stop.set() if operation == "people" else None
    bench.sweep(world, stop=stop, threads=1)
    bench.engine().resume(jobs(explosive()))
    assert replay(bench.store, CATALOG, "acme/hq").same


def test_a_check_that_asks_for_what_it_did_not_name_is_the_same_defect_again(
    bench: Bench,
) -> None:
    catalog = asking_for_teams()
    bench.sweep(small_world(), catalog=catalog)
    again = replay(bench.store, catalog, "acme/hq")
    assert (again.differences, again.compared) == ([], 4)


def test_the_criteria_are_those_of_the_entry_not_todays(bench: Bench) -> None:
    bound = {"acme.people.key_is_young": {"max_age": 5}}
    bench.sweep(small_world(), bound=bound)
    assert bench.said()["key_is_young", "mia"][2] == "made 2026-10-15, limit 5 days"
    assert bench.said()["works_in_approved_city", "mia"][1] == "criterion_missing"
    assert replay(bench.store, CATALOG, "acme/hq").same


def test_an_earlier_sweep_is_re_performed_with_its_own_clock(bench: Bench) -> None:
    bench.sweep(small_world())
    then = bench.clock.now()
    bench.clock.forward(days=60)
    bench.sweep(small_world())
    assert bench.said()["key_is_young", "mia"][0] == "fail"
    old = replay(bench.store, CATALOG, "acme/hq", then)
    assert (old.same, old.sweep) == (True, 1)
    assert replay(bench.store, CATALOG, "acme/hq").sweep == 2


def test_a_weakened_check_is_told_with_both_verdicts(bench: Bench) -> None:
    bench.sweep(small_world())
    weakened = Collector("acme.people", people.title, "people", people.listings)

    def has_key(_person: object, _scene: object) -> Verdict:
        """Everybody has a key."""
        return passes()

    kind = people.kinds[0]
    weakened.check(kind, "high", remediation="x")(has_key)
    again = replay(bench.store, Catalog((weakened, teams)), "acme/hq")
    (difference,) = again.differences
    assert (difference.resource_id, difference.stored, difference.replayed) == (
        "noah",
        "fail no key",
        "pass",
    )
    assert not difference.same_code
    assert not again.same
    assert again.skipped == {"the check is not installed": 8}
