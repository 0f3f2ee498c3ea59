"""Rules 1 to 4, one block per rule, each line of the truth table one case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from mappings import Counts, CriterionStatus, Population
from tests.mappings.builders import (
    AT,
    COPIES,
    DAY,
    KEPT,
    MAPPING,
    criterion,
    exception,
    finding,
    findings,
    tolerance,
)


def test_rule_1_the_population_is_split_without_rest() -> None:
    found = findings(COPIES, passed=5, failed=3, unread=2, undecided=4, stale=1, na=6)
    result = criterion(
        found,
        exceptions=[exception(resource="failed-0")],
        populations=[Population("aws.", never_read=("acme-old",))],
    )
    assert result.counts == Counts(
        passed=5,
        failed=2,
        excepted=1,
        unread=2,
        undecided=4,
        stale=1,
        missing=1,
        not_applicable=6,
    )
    assert result.counts.judged == 8
    assert result.counts.population == 16


@pytest.mark.parametrize(
    ("numbers", "status"),
    [
        ({"failed": 1}, "not_met"),
        ({"failed": 1, "passed": 99, "unread": 9, "stale": 9}, "not_met"),
        ({"passed": 9, "unread": 1}, "unknown"),
        ({"passed": 9, "undecided": 1}, "unknown"),
        ({"passed": 9, "unread": 1, "stale": 1}, "unknown"),
        ({"na": 9, "unread": 1}, "unknown"),
        ({"passed": 9, "stale": 1}, "stale"),
        ({"na": 1}, "not_applicable"),
        ({"passed": 1, "na": 9}, "met"),
        ({"passed": 9}, "met"),
    ],
)
def test_rule_2_the_first_that_applies(numbers: dict[str, int], status: str) -> None:
    assert criterion(findings(COPIES, **numbers)).status == status


def test_rule_2_what_is_in_scope_and_was_never_read_is_unknown() -> None:
    unread = Population("aws.", never_read=("acme-old",))
    result = criterion(findings(COPIES, passed=9), populations=[unread])
    assert (result.status, result.why) == ("unknown", "1 never read of 10")
    assert criterion([], populations=[unread]).status == "unknown"


def test_rule_2_an_empty_listing_does_not_apply_unless_the_register_knows_better() -> None:
    empty = finding(COPIES, "not_applicable", resource="")
    assert criterion([empty]).status == "not_applicable"
    known = criterion([empty], populations=[Population(COPIES, declared=3)])
    assert (known.status, known.counts.missing) == ("unknown", 3)


@pytest.mark.parametrize(
    ("population", "missing"),
    [
        (Population(COPIES, declared=5), 1),
        (Population(COPIES, declared=4), 0),
        (Population(COPIES, declared=2), 0),
        (Population("aws.", declared=2), 0),
        (Population("aws.", declared=3), 1),
        (Population("aws.", never_read=("c",), declared=3), 1),
        (Population("aws.", never_read=("c",), declared=4), 2),
        (Population("linux.", never_read=("c",), declared=4), 0),
        (Population("aws.backup", never_read=("c",)), 0),
    ],
)
def test_a_declared_number_is_of_resources_for_a_check_and_of_targets_for_a_platform(
    population: Population, missing: int
) -> None:
    found = [
        finding(COPIES, resource=resource, target=target)
        for target in ("a", "b")
        for resource in ("one", "two")
    ]
    assert criterion(found, populations=[population]).counts.missing == missing


def test_two_statements_about_one_population_are_not_added_up() -> None:
    populations = [
        Population("aws.", never_read=("x", "y")),
        Population("aws.backup.", never_read=("y",), declared=5),
    ]
    result = criterion(findings(COPIES, passed=1), populations=populations)
    assert result.counts.missing == 2 + 3
    counted_twice = [Population("aws.", declared=4), Population("aws.backup.", declared=3)]
    result = criterion(findings(COPIES, passed=1), populations=counted_twice)
    assert result.counts.missing == 3


@pytest.mark.parametrize(
    ("bound", "allowed"),
    [
        ([], 0),
        ([tolerance(count=2)], 2),
        ([tolerance(count=None, share=0.29)], 2),
        ([tolerance(count=None, share=0.3)], 3),
        ([tolerance(count=2, share=0.5)], 2),
        ([tolerance(count=5), tolerance(count=1)], 1),
        ([tolerance(count=5, source="")], 0),
        ([tolerance(count=5, approved_at=AT + DAY)], 0),
        ([tolerance(count=5, check_id=KEPT)], 0),
        ([tolerance(count=None)], 0),
        ([tolerance(count=-3)], 0),
    ],
)
def test_rule_3_failures_stand_only_by_an_approved_sentence(
    bound: list[object], allowed: int
) -> None:
    result = criterion(findings(COPIES, passed=8, failed=2), tolerances=bound)
    assert result.allowed == allowed
    assert (result.status == "met_with_exceptions") == (allowed >= 2)
    assert ("BKP-02 v3 4.1" in result.why) == bool(result.tolerance_source)


@pytest.mark.parametrize(
    ("numbers", "status"), [({"unread": 1}, "unknown"), ({"stale": 1}, "stale")]
)
def test_rule_3_a_tolerance_never_covers_what_was_not_read(
    numbers: dict[str, int], status: str
) -> None:
    found = findings(COPIES, passed=50, **numbers)
    assert criterion(found, tolerances=[tolerance(count=20)]).status == status
    missing = [Population("aws.", never_read=("x",))]
    assert (
        criterion(
            findings(COPIES, passed=50), tolerances=[tolerance(count=20)], populations=missing
        ).status
        == "unknown"
    )


@pytest.mark.parametrize(
    ("passed", "failed", "share", "status"),
    [
        (9, 1, 0.10, "met_with_exceptions"),
        (8, 1, 0.10, "partly_met"),
        (27, 3, 0.10, "met_with_exceptions"),
        (7, 3, 0.30, "met_with_exceptions"),
        (9, 1, 0.05, "partly_met"),
        (0, 1, 0.10, "partly_met"),
        (0, 5, 1.0, "partly_met"),
    ],
)
def test_rule_4_many_exceptions_are_at_best_partly_met(
    passed: int, failed: int, share: float, status: str
) -> None:
    result = criterion(
        findings(COPIES, passed=passed, failed=failed),
        exceptions=[exception()],
        excepted_share=share,
    )
    assert (result.status, result.exceptions) == (status, ("EX-1",))


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": AT},
        {"expires": AT - DAY},
        {"approved_at": AT + DAY},
        {"starts": AT + DAY},
        {"approved_by": ""},
        {"approved_by": "A. Owner"},
        {"approved_by": " a.  owner"},
        {"approved_by": " "},
        {"checks": KEPT},
        {"target": "acme-data"},
        {"resource": "failed"},
    ],
)
def test_rule_4_an_exception_out_of_force_leaves_the_failure(changes: dict[str, object]) -> None:
    found = findings(COPIES, passed=19, failed=1)
    assert criterion(found, exceptions=[exception(**changes)]).status == "not_met"


def test_rule_4_an_exception_holds_until_the_instant_it_expires() -> None:
    found = findings(COPIES, passed=19, failed=1)
    held = exception(expires=AT + timedelta(seconds=1), approved_at=AT)
    assert criterion(found, exceptions=[held]).status == "met_with_exceptions"


def test_rule_4_exceptions_turn_failures_only() -> None:
    found = findings(COPIES, passed=8, unread=1, stale=1)
    wide = exception(checks="*", resource="*")
    assert criterion(found, exceptions=[wide]).counts == Counts(passed=8, unread=1, stale=1)


def test_brackets_in_names_are_no_patterns() -> None:
    name = "arn:aws:x[prod]/y"
    named = exception(resource=name)
    found = [*findings(COPIES, passed=19), finding(COPIES, "fail", resource=name)]
    assert criterion(found, exceptions=[named]).status == "met_with_exceptions"


@pytest.mark.parametrize(
    ("check", "age", "interval", "status"),
    [
        (COPIES, 90 * DAY, None, "met"),
        (COPIES, 91 * DAY, None, "stale"),
        (KEPT, 30 * DAY, None, "met"),
        (KEPT, 31 * DAY, None, "stale"),
        (COPIES, 3 * DAY, DAY, "met"),
        (COPIES, 4 * DAY, DAY, "stale"),
        (KEPT, 31 * DAY, 40 * DAY, "stale"),
    ],
)
def test_rule_13_stale_is_the_smaller_of_class_limit_and_three_intervals(
    check: str, age: timedelta, interval: timedelta | None, status: str
) -> None:
    found = finding(check, observed_at=AT - age, interval=interval)
    assert criterion([found], check).status == status


def test_rule_13_the_organisation_may_bind_another_limit() -> None:
    found = finding(COPIES, observed_at=AT - 8 * DAY)
    assert criterion([found], freshness={"configuration": 7 * DAY}).status == "stale"


def test_a_failure_does_not_fade() -> None:
    old = finding(COPIES, "fail", observed_at=AT - 400 * DAY)
    result = criterion([old])
    assert result.status is CriterionStatus.NOT_MET
    assert (result.counts.failed, result.counts.stale_failed) == (1, 1)


def test_an_old_exception_does_not_vouch_for_what_nobody_looked_at() -> None:
    old = finding(COPIES, "fail", resource="failed-0", observed_at=AT - 400 * DAY)
    assert criterion([old], exceptions=[exception()]).status == "stale"


@pytest.mark.parametrize("seen", [None, AT + 2 * DAY])
@pytest.mark.parametrize("status", ["pass", "not_applicable"])
def test_what_was_not_seen_by_then_is_unread(seen: object, status: str) -> None:
    assert criterion([finding(COPIES, status, observed_at=seen)]).counts.unread == 1


def test_a_clock_a_little_ahead_is_no_reason_to_disbelieve() -> None:
    ahead = finding(COPIES, observed_at=AT + timedelta(minutes=5))
    assert criterion([ahead]).status == "met"


def test_a_word_that_is_no_status_is_refused() -> None:
    with pytest.raises(ValueError, match=f"{COPIES}: 'passed' is no status"):
        criterion([finding(COPIES, "passed")])


def test_times_and_topic_of_a_criterion_are_those_of_its_findings() -> None:
    found = [finding(COPIES, observed_at=AT - days * DAY) for days in (3, 9, 1)]
    result = criterion(found)
    assert (result.observed_from, result.observed_to) == (AT - 9 * DAY, AT - DAY)
    assert result.topic == MAPPING.checks[COPIES]


def test_the_reason_prints_numbers_and_keeps_undecided_apart() -> None:
    assert criterion(findings(COPIES, passed=40, failed=1)).why == "1 of 41 fails"
    assert criterion(findings(COPIES, failed=2)).why == "2 of 2 fail"
    assert criterion(findings(COPIES, unread=2, undecided=3)).why == "2 unread, 3 undecided of 5"
    assert criterion(findings(COPIES, passed=2)).why == "2 of 2"
