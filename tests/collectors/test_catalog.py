"""What is installed: looked up by name, and clashes refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from collectors import Catalog, CatalogError, Collector, Resource, Scene, Verdict, passes
from collectors.catalog import catalog
from tests.acme import CATALOG, Person, Team, has_key, people, teams


def a_collector(name: str, kind: str, check: str = "is_there") -> Collector:
    made = Collector(name, title="x")

    class Thing(Resource[str], kind=kind):
        pass

    @made.resources(Thing, permission="p")
    def things(_: object) -> Any:
        yield Thing(id="x", listed="x")

    def ask(_thing: Thing, _scene: Scene) -> Verdict:
        return passes()

    ask.__name__ = check
    made.check(Thing, "low", remediation="x")(ask)
    return made


def test_everything_is_found_by_its_name() -> None:
    assert CATALOG.checks["acme.people.has_key"] is has_key
    assert list(CATALOG.checks) == sorted(CATALOG.checks)
    assert CATALOG.kinds["acme.teams.team"] is Team
    assert CATALOG.collector_of["acme.people.person"] is people
    assert CATALOG.listing_of["acme.teams.team"] is teams.listings[0]
    assert CATALOG.of("acme") == (people, teams)
    assert CATALOG.of("aws") == ()
    assert list(CATALOG) == [people, teams]
    assert people.kinds == (Person,)
    assert people.platform == "acme"


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        (("acme.a", "acme.a.x"), ("acme.a", "acme.a.y", "other"), "the collector 'acme.a'"),
        (("acme.a", "acme.a.x"), ("acme.b", "acme.a.x"), "the kind 'acme.a.x'"),
        (("acme.a", "acme.a.x"), ("acme.a", "acme.a.y"), "'acme.a"),
    ],
)
def test_two_that_claim_one_name_are_refused(
    one: tuple[str, ...], other: tuple[str, ...], what: str
) -> None:
    with pytest.raises(CatalogError, match=re.escape(what)):
        Catalog((a_collector(*one), a_collector(*other)))


def test_our_own_collectors_are_found_once_each_and_in_order() -> None:
    found = catalog(plugins=False)
    names = [collector.name for collector in found]
    assert names == sorted(set(names))
    assert all(collector.listings or collector.checks for collector in found)
    assert all(re.fullmatch(r"[a-z_0-9]+\.[a-z_0-9]+", name) for name in names)
    assert {collector.platform for collector in found} >= {"linux"}


def test_a_check_belongs_to_a_kind_that_is_listed() -> None:
    found = catalog(plugins=False)
    for check in found.checks.values():
        for kind in (check.kind, *check.also):
            assert found.kinds[kind.kind] is kind, check.id
