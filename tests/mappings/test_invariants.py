"""What holds for any findings and any decisions."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mappings import (
    ControlStatus,
    CriterionStatus,
    Judged,
    Population,
    Question,
    load_mapping,
    roll_up,
)
from tests.mappings.builders import (
    AT,
    BACKUP,
    COPIES,
    DAY,
    KEPT,
    KEY,
    MAPPING,
    RULE,
    SIGNAL,
    USED,
    applicability,
    attestation,
    exception,
    finding,
    report,
    tolerance,
)

CLAIM = {ControlStatus.MET: 2, ControlStatus.PARTLY_MET: 1}
"""How much is claimed of a control by automated evidence; everything else claims nothing."""

checks = st.sampled_from([COPIES, KEPT, RULE, KEY, SIGNAL, USED])
any_finding = st.builds(
    Judged,
    check_id=checks,
    target=st.sampled_from(["acme-prod", "acme-data"]),
    resource=st.sampled_from(["failed-0", "one", "two", ""]),
    status=st.sampled_from(["pass", "fail", "not_applicable", "unknown"]),
    cause=st.sampled_from(["denied", "criterion_missing"]),
    observed_at=st.sampled_from([AT, AT - 40 * DAY, AT - 400 * DAY]),
    interval=st.sampled_from([None, DAY]),
)
some_findings = st.lists(any_finding, max_size=12)
decisions = st.fixed_dictionaries(
    {},
    optional={
        "populations": st.just((Population("aws.", never_read=("acme-old",)),)),
        "tolerances": st.just((tolerance(count=1), tolerance(check_id=KEY, share=0.5, count=None))),
        "exceptions": st.just((exception(checks="*"),)),
        "attestations": st.just((attestation(control=BACKUP),)),
        "reports": st.sampled_from([(report(control=BACKUP),), (report(reviewed_by=""),)]),
        "applicability": st.just((applicability(declared="implemented"),)),
    },
)
unknowns = st.builds(
    finding,
    checks,
    st.just("unknown"),
    st.just("never read before"),
    cause=st.sampled_from(["denied", "criterion_missing", "throttled"]),
    observed_at=st.just(None),
)


@given(some_findings, decisions)
def test_every_control_gets_exactly_one_status(found: list[Judged], said: dict[str, Any]) -> None:
    answer = roll_up(Question(AT, found, **said), MAPPING)
    assert list(answer.controls) == list(MAPPING.controls)
    assert sum(answer.totals().values()) == len(MAPPING.controls)


@given(some_findings, decisions, st.randoms())
def test_the_order_of_findings_does_not_matter(
    found: list[Judged], said: dict[str, Any], random: Any
) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)
    first = roll_up(Question(AT, found, **said), MAPPING)
    assert roll_up(Question(AT, shuffled, **said), MAPPING) == first


@given(some_findings, decisions, unknowns)
def test_an_unknown_never_raises_a_status(
    found: list[Judged], said: dict[str, Any], unknown: Judged
) -> None:
    before = roll_up(Question(AT, found, **said), MAPPING).controls
    after = roll_up(Question(AT, [*found, unknown], **said), MAPPING).controls
    for control, result in after.items():
        was = before[control].status
        assert CLAIM.get(result.status, 0) <= CLAIM.get(was, 0)
        if was is ControlStatus.NOT_MET:
            assert result.status is ControlStatus.NOT_MET
        if was is not result.status:
            assert result.status in {ControlStatus.UNKNOWN, ControlStatus.NOT_MET}


@given(some_findings, st.lists(unknowns, max_size=5))
def test_a_certain_failure_is_never_hidden_by_unknowns(
    found: list[Judged], more: list[Judged]
) -> None:
    failing = finding(COPIES, "fail", "broken")
    answer = roll_up(Question(AT, [*found, *more, failing]), MAPPING)
    assert answer.criteria[COPIES].status is CriterionStatus.NOT_MET
    assert answer.controls[BACKUP].status in {ControlStatus.NOT_MET, ControlStatus.PARTLY_MET}
    assert answer.controls[BACKUP].counts.failed >= 1


@given(some_findings, decisions, any_finding)
def test_supporting_findings_never_move_a_status(
    found: list[Judged], said: dict[str, Any], signal: Judged
) -> None:
    before = roll_up(Question(AT, found, **said), MAPPING).controls[BACKUP].status
    more = [*found, replace(signal, check_id=SIGNAL)]
    assert roll_up(Question(AT, more, **said), MAPPING).controls[BACKUP].status is before


@given(some_findings, decisions)
def test_met_means_everything_in_scope_was_seen_in_time_and_stood(
    found: list[Judged], said: dict[str, Any]
) -> None:
    for result in roll_up(Question(AT, found, **said), MAPPING).controls.values():
        if result.status is ControlStatus.MET:
            counts = result.counts
            assert counts.population == counts.judged > 0
            assert result.met == result.applicable > 0
            assert "operation" in result.phases


@given(some_findings)
def test_the_counts_are_all_the_findings(found: list[Judged]) -> None:
    criteria = roll_up(Question(AT, found), MAPPING).criteria
    for check in {one.check_id for one in found}:
        counts = criteria[check].counts
        number = sum(one.check_id == check for one in found)
        assert counts.population + counts.not_applicable == number


@settings(max_examples=20)
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_passes_alone_never_lower_a_criterion(passed: int, failed: int, more: int) -> None:
    def status(number: int) -> CriterionStatus | None:
        found = [finding(COPIES, resource=f"p{n}") for n in range(number)]
        found += [finding(COPIES, "fail", f"failed-{n}") for n in range(failed)]
        answer = roll_up(Question(AT, found, exceptions=[exception()]), MAPPING)
        return answer.criteria[COPIES].status if COPIES in answer.criteria else None

    order = [None, "partly_met", "met_with_exceptions", "met"]
    assert order.index(status(passed + more)) >= order.index(status(passed)) or not passed + failed


def test_a_hundred_thousand_findings_take_a_moment() -> None:
    mapping = load_mapping(plugins=False)
    names = sorted(mapping.check_ids())
    found = [
        finding(names[n % len(names)], "fail" if n % 97 == 0 else "pass", f"resource-{n}")
        for n in range(100_000)
    ]
    started = time.perf_counter()
    answer = roll_up(Question(AT, found, exceptions=[exception(checks="*")]), mapping)
    assert time.perf_counter() - started < 5
    assert sum(result.counts.population for result in answer.criteria.values()) == 100_000
