"""A check's four outcomes, its criteria, and what stays unknown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collectors import (
    Absent,
    Cause,
    Collector,
    FactUnknown,
    MalformedError,
    Scene,
    Status,
    Unbound,
    Unread,
    Verdict,
    criterion,
    fails,
    known,
    not_applicable,
    passes,
    unknown,
)
from collectors.testing import NOW, judge, scene
from tests.acme import (
    Person,
    Team,
    has_key,
    is_in_a_team,
    key_is_young,
    person,
    team,
    works_in_approved_city,
)


def mia(**facts: object) -> Person:
    return Person(id="mia", listed=person("mia", city="Graz"), facts=facts)


@pytest.mark.parametrize(
    ("key", "verdict"),
    [
        ({"made": (NOW - timedelta(days=30)).isoformat()}, Verdict(Status.PASS)),
        (
            {"made": (NOW - timedelta(days=30, seconds=1)).isoformat()},
            Verdict(Status.FAIL, "made 2026-10-25, limit 30 days"),
        ),
        (Absent("NoKey"), Verdict(Status.NOT_APPLICABLE, "no key")),
        (None, Verdict(Status.NOT_APPLICABLE, "no key")),
        (
            Unread("AccessDenied", "people:key"),
            Verdict(Status.UNKNOWN, "AccessDenied; needs people:key", Cause.DENIED),
        ),
        (
            Unread("slow down", cause=Cause.THROTTLED),
            Verdict(Status.UNKNOWN, "slow down", Cause.THROTTLED),
        ),
        (
            {"made": "last week"},
            Verdict(Status.UNKNOWN, "not a time: 'last week'", Cause.MALFORMED),
        ),
    ],
)
def test_a_check_passes_fails_does_not_apply_or_is_unknown(key: object, verdict: Verdict) -> None:
    assert judge(key_is_young, mia(key=key)) == verdict


def test_a_bound_number_replaces_the_default() -> None:
    old = mia(key={"made": "2026-11-01T00:00:00Z"})
    assert judge(key_is_young, old).status is Status.PASS
    assert judge(key_is_young, old, max_age=7).because == "made 2026-11-01, limit 7 days"


def test_a_list_nobody_bound_is_unknown_and_named() -> None:
    assert judge(works_in_approved_city, mia()) == Verdict(
        Status.UNKNOWN, "criterion not bound: cities", Cause.CRITERION_MISSING
    )


def test_a_bound_list_is_what_the_check_sees_also_when_it_is_empty() -> None:
    assert judge(works_in_approved_city, mia(), cities=["Graz"]).status is Status.PASS
    assert judge(works_in_approved_city, mia(), cities=[]).because == "works in Graz"


def test_a_missing_criterion_is_told_before_anything_unread() -> None:
    acme = Collector("acme.x", title="")

    @acme.check(Person, "low", remediation="")
    def asks(who: Person, _scene: Scene, *, least: int = criterion("days", of=int)) -> Verdict:
        return passes() if who.key and least else fails("x")

    verdict = judge(asks, mia(key=Unread("AccessDenied")))
    assert (verdict.cause, verdict.because) == (
        Cause.CRITERION_MISSING,
        "criterion not bound: least",
    )
    assert asks.bind() == {"least": asks.criteria["least"].default}
    assert repr(asks.criteria["least"].default) == "unbound"


@pytest.mark.parametrize(
    ("declared", "value", "accepted"),
    [
        (criterion(90, "days"), 30, True),
        (criterion(90, "days"), True, False),
        (criterion(90, "days"), "30", False),
        (criterion(90, "days"), 30.5, False),
        (criterion(0.5, "share"), 1, True),
        (criterion(0.5, "share"), 0.25, True),
        (criterion(True, "yes or no"), False, True),
        (criterion(True, "yes or no"), 1, False),
        (criterion("account ids"), ["a", "b"], True),
        (criterion("account ids"), ("a",), True),
        (criterion("account ids"), [], True),
        (criterion("account ids"), "a", False),
        (criterion("account ids"), [1], False),
        (criterion("days", of=int), 3, True),
        (criterion("days", of=int), [3], False),
        (criterion("name", of=str), "x", True),
        (criterion("plain", "text"), 3, False),
    ],
)
def test_a_criterion_takes_values_of_its_own_type_only(
    declared: object, value: object, accepted: bool
) -> None:
    assert declared.accepts(value) is accepted  # type: ignore[attr-defined]  # a Criterion inside


def test_criterion_without_a_default_is_a_list_unless_it_says_otherwise() -> None:
    given, listed = criterion("days", of=int), criterion("names")
    assert (given.of, listed.of) == (int, tuple)  # type: ignore[attr-defined]
    assert isinstance(given.default, Unbound)  # type: ignore[attr-defined]


def test_the_same_resource_and_scene_give_the_same_verdict_twice() -> None:
    who = mia(key={"made": "2026-01-01T00:00:00Z"})
    assert judge(key_is_young, who) == judge(key_is_young, who)


def test_known_yields_what_is_readable_before_it_tells_what_is_not() -> None:
    refusal = Unread("AccessDenied", "a")

    def refused() -> str:
        raise FactUnknown(refusal)

    seen = []
    with pytest.raises(FactUnknown) as raised:
        seen.extend(known(refused, lambda: "one", refused, lambda: "two"))
    assert raised.value.unread is refusal
    reads = known(refused, lambda: "one")
    assert next(reads) == "one"
    assert list(known(lambda: 1, lambda: 2)) == [1, 2]
    assert list(known()) == []


def test_known_settles_a_question_that_one_readable_fact_answers() -> None:
    acme = Collector("acme.y", title="")

    @acme.check(Person, "low", remediation="")
    def can_be_reached(who: Person, _scene: Scene) -> Verdict:
        for answer in known(lambda: who.key, lambda: who.history):
            if answer:
                return passes()
        return fails("nothing")

    unread = Unread("AccessDenied", "people:key")
    assert judge(can_be_reached, mia(key=unread, history=["hired"])).status is Status.PASS
    assert judge(can_be_reached, mia(key=unread, history=[])).cause is Cause.DENIED
    assert judge(can_be_reached, mia(key=None, history=[])).status is Status.FAIL


def test_a_cross_kind_question_sees_the_others_of_that_kind() -> None:
    ops = Team(id="ops", listed=team("ops", members=["mia"]))
    assert judge(is_in_a_team, mia(), ops).status is Status.PASS
    assert judge(is_in_a_team, mia()).because == "in no team"


def test_an_incomplete_other_listing_makes_the_cross_kind_question_unknown() -> None:
    def refuse(_kind: object, _scope: str | None) -> list[Team]:
        raise FactUnknown(Unread("AccessDenied", "teams:list"))

    verdict = is_in_a_team.judge(mia(), Scene(NOW, refuse))
    assert verdict == unknown(Cause.DENIED, "AccessDenied; needs teams:list")


def test_a_defect_in_a_check_is_not_taken_for_an_answer() -> None:
    acme = Collector("acme.z", title="")

    @acme.check(Person, "low", remediation="")
    def breaks(who: Person, _scene: Scene) -> Verdict:
        return passes(who.listed["no such field"])

    with pytest.raises(KeyError):
        judge(breaks, mia())


def test_an_answer_of_another_form_than_documented_is_malformed() -> None:
    acme = Collector("acme.m", title="")

    @acme.check(Person, "low", remediation="")
    def reads(_who: Person, _scene: Scene) -> Verdict:
        raise MalformedError("password_age is no number")

    assert judge(reads, mia()) == unknown(Cause.MALFORMED, "password_age is no number")


def test_id_title_and_version_come_from_the_function() -> None:
    assert has_key.id == "acme.people.has_key"
    assert has_key.title == "Everybody has a key."
    assert has_key.version == key_is_young.version
    assert len(has_key.version) == 12


def test_the_short_words_make_the_four_outcomes() -> None:
    assert [v.status.value for v in (passes(), fails("x"), not_applicable("x"))] == [
        "pass",
        "fail",
        "not_applicable",
    ]
    assert scene().at == NOW


def test_what_stands_in_a_place_is_found_there_also_in_one_big_listing() -> None:
    here, there = (Team(id=name, scope=name, listed=team(name)) for name in ("north", "south"))
    assert list(scene(here, there).beside(Team, "north")) == [here]
    assert list(scene(here).beside(Team, "west")) == []
