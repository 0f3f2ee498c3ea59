"""Rules 5 to 14, one block per rule, each line of the truth table one case."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from mappings import ControlStatus, Judged, Population, Question, roll_up
from tests.mappings.builders import (
    AT,
    BACKUP,
    CLOUD,
    COPIES,
    DAY,
    KEPT,
    KEY,
    MAPPING,
    RULE,
    SIGNAL,
    USED,
    VISIT,
    applicability,
    attestation,
    exception,
    finding,
    findings,
    judged,
    report,
    tolerance,
)

STATES: dict[str, dict[str, int]] = {
    "met": {"passed": 9},
    "not_met": {"failed": 1},
    "unknown": {"passed": 8, "unread": 1},
    "undecided": {"undecided": 1},
    "stale": {"stale": 1},
    "not_applicable": {"na": 1},
    "": {},
}


def having(**states: str) -> list[Judged]:
    """Findings that bring each criterion into a state; names are those of the builders."""
    checks = {"copies": COPIES, "kept": KEPT, "rule": RULE, "key": KEY, "signal": SIGNAL}
    return [
        one for name, state in states.items() for one in findings(checks[name], **STATES[state])
    ]


@pytest.mark.parametrize(
    ("copies", "kept", "rule", "key", "status"),
    [
        # Rule 5
        ("not_met", "not_met", "", "", "not_met"),
        ("not_met", "", "", "", "not_met"),
        ("met", "met", "met", "not_met", "not_met"),
        ("unknown", "stale", "met", "not_met", "not_met"),
        ("not_met", "met", "", "met", "partly_met"),
        ("not_met", "met", "unknown", "", "partly_met"),
        ("not_met", "met", "stale", "unknown", "partly_met"),
        # All that could be judged is not met: an unread criterion does not make it partly met.
        ("not_met", "unknown", "", "", "not_met"),
        ("not_met", "stale", "not_applicable", "", "not_met"),
        # Rule 6
        ("unknown", "met", "met", "met", "unknown"),
        ("undecided", "met", "met", "met", "unknown"),
        ("unknown", "stale", "met", "met", "unknown"),
        ("stale", "met", "met", "met", "stale"),
        # Rule 7
        ("met", "met", "met", "met", "met"),
        ("met", "not_applicable", "", "", "met"),
        ("", "", "met", "", "partly_met"),
        ("not_applicable", "", "met", "", "partly_met"),
        # Rule 8
        ("", "", "", "", "no_evidence"),
        ("not_applicable", "", "", "", "no_evidence"),
    ],
)
def test_rules_5_to_8(copies: str, kept: str, rule: str, key: str, status: str) -> None:
    result = judged(having(copies=copies, kept=kept, rule=rule, key=key))
    assert result.status == status


def test_rule_5_what_a_certain_failure_outranks_is_printed() -> None:
    result = judged(having(copies="not_met", kept="met", rule="unknown", key="undecided"))
    assert result.status is ControlStatus.PARTLY_MET
    assert result.flags[:2] == ("+ 1 unread", "+ 1 undecided")
    assert (result.met, result.applicable) == (1, 4)
    nothing_outranked = judged(having(copies="unknown", kept="met"))
    assert not any(flag.startswith("+") for flag in nothing_outranked.flags)


def test_rule_5_the_key_criterion_is_named() -> None:
    found = [*findings(KEY, passed=40, failed=1), *findings(COPIES, failed=9)]
    result = judged(found)
    assert (result.why, result.deciding) == ("KEY key_criterion: 1 of 41 fails", KEY)


def test_rule_5_the_worst_criterion_decides_what_is_printed() -> None:
    result = judged([*findings(COPIES, failed=1), *findings(KEPT, failed=3), *having(rule="met")])
    assert (result.why, result.deciding) == ("copies_kept: 3 of 3 fail (and 1 more)", KEPT)


def test_a_met_control_says_what_stands_behind_it() -> None:
    assert judged(having(copies="met")).why == "all met"
    found = [*findings(COPIES, passed=19, failed=1), *having(kept="met")]
    excepted = judged(found, exceptions=[exception()])
    assert (excepted.status, excepted.why) == ("met", "1 excepted")
    tolerated = judged(found, tolerances=[tolerance()])
    assert (tolerated.status, tolerated.why) == ("met", "1 tolerated")


def test_rule_5_too_many_exceptions_are_partly_met_and_outrank_unread() -> None:
    found = [*findings(COPIES, passed=1, failed=1), *having(kept="unknown")]
    result = judged(found, exceptions=[exception()])
    assert (result.status, result.deciding) == ("partly_met", COPIES)


def test_rule_6_a_dead_account_is_cured_by_scope_and_not_by_a_softer_rule() -> None:
    found = findings(COPIES, passed=500)
    dead = judged(found, populations=[Population("aws.backup.", never_read=("acme-old",))])
    assert dead.status is ControlStatus.UNKNOWN
    assert judged(found).status is ControlStatus.MET


def test_rule_7_a_rule_that_nobody_saw_at_work_is_design_only() -> None:
    result = judged(having(rule="met"))
    assert "design only" in result.flags
    assert result.phases == ("design",)
    assert "design only" not in judged(having(rule="met", copies="met")).flags


def test_rule_7_a_declared_but_unconnected_target_is_unknown() -> None:
    result = judged(populations=[Population("aws.", declared=1)])
    assert (result.status, result.counts.missing) == ("unknown", 4)


@pytest.mark.parametrize("direct", ["met", "unknown", "stale", "not_met", "", "not_applicable"])
@pytest.mark.parametrize("signal", ["met", "not_met", "unknown", "stale"])
def test_rule_8_supporting_criteria_neither_raise_nor_lower(direct: str, signal: str) -> None:
    without, beside = judged(having(copies=direct)), judged(having(copies=direct, signal=signal))
    assert beside.status is without.status
    assert ("supporting signal fails" in beside.flags) == (signal == "not_met")
    assert (beside.met, beside.applicable) == (without.met, without.applicable)


def test_rule_8_no_evidence_says_what_is_missing() -> None:
    assert judged().why == "no source connected"
    assert judged(having(signal="met")).why == "signals only"
    assert judged(having(copies="not_applicable")).why == "nothing it applies to"


@pytest.mark.parametrize(
    ("attested", "status"),
    [
        ([attestation()], "attested"),
        ([attestation(item="visit"), attestation(item="plan")], "attested"),
        ([attestation(item="visit")], "no_evidence"),
        ([attestation(expires=AT)], "stale"),
        ([attestation(item="visit"), attestation(item="plan", expires=AT)], "stale"),
        ([attestation(expires=AT), attestation()], "attested"),
        ([attestation(reviewer="A. Owner")], "no_evidence"),
        ([attestation(reviewer="a. owner ")], "no_evidence"),
        ([attestation(reviewer="")], "no_evidence"),
        ([attestation(reviewed_at=AT + DAY)], "no_evidence"),
        ([attestation(observed_at=AT + DAY)], "no_evidence"),
        ([attestation(item="other")], "no_evidence"),
        ([], "no_evidence"),
    ],
)
def test_rule_9_only_manual_evidence_is_attested_while_in_force(
    attested: list[Any], status: str
) -> None:
    assert judged(number=VISIT, attestations=attested).status == status


@pytest.mark.parametrize("state", ["met", "unknown", "stale", "not_met"])
def test_rule_9_manual_evidence_is_never_merged(state: str) -> None:
    owed = judged(having(copies=state))
    shown = judged(having(copies=state), attestations=[attestation(control=BACKUP)])
    assert shown.status is owed.status
    assert ("1 owed by hand" in owed.flags, owed.hand.words) == (True, "owed 1")
    assert ("1 owed by hand" in shown.flags, shown.hand.words) == (False, "done")


def test_rule_9_an_attestation_that_does_not_count_says_why() -> None:
    alone = judged(number=VISIT, attestations=[attestation(reviewer="A. Owner")])
    assert "attestation without a second person's review" in alone.flags
    stray = judged(number=VISIT, attestations=[attestation(item="other")])
    assert "attestation for unknown item other" in stray.flags
    expired = judged(number=VISIT, attestations=[attestation(expires=AT - DAY)])
    assert (expired.hand.words, expired.hand.owed) == ("expired 2", ())


@pytest.mark.parametrize(
    ("changes", "status", "flag"),
    [
        ({}, "inherited", None),
        ({"covers_to": AT - DAY}, "stale", "report of Cloud Ltd expired"),
        ({"reviewed_by": ""}, "no_evidence", "report of Cloud Ltd not reviewed"),
        ({"reviewed_at": None}, "no_evidence", "report of Cloud Ltd not reviewed"),
        ({"reviewed_at": AT + DAY}, "no_evidence", "report of Cloud Ltd not reviewed"),
        ({"services": frozenset({"mail"})}, "no_evidence", "Ltd names no service hosting"),
        ({"regions": frozenset()}, "no_evidence", "report of Cloud Ltd names no region eu-1"),
        ({"regions": frozenset(), "regions_used": frozenset()}, "no_evidence", "no region"),
        ({"duties_mapped": False}, "no_evidence", "our own duties are not mapped"),
        ({"covers_from": AT + DAY}, "no_evidence", "report of Cloud Ltd starts later"),
        ({"shared": True}, "no_evidence", "shared with Cloud Ltd"),
    ],
)
def test_rule_10_inherited_while_the_report_holds(
    changes: dict[str, Any], status: str, flag: str | None
) -> None:
    result = judged(number=VISIT, reports=[report(**changes)])
    assert result.status == status
    assert flag is None or any(flag in one for one in result.flags)


@pytest.mark.parametrize(
    ("state", "changes", "status"),
    [
        ("met", {}, "met"),
        ("not_met", {}, "not_met"),
        ("unknown", {}, "unknown"),
        ("met", {"covers_to": AT - DAY}, "stale"),
        ("unknown", {"covers_to": AT - DAY}, "unknown"),
        ("not_met", {"covers_to": AT - DAY}, "not_met"),
        ("met", {"reviewed_by": ""}, "unknown"),
        ("stale", {"reviewed_by": ""}, "unknown"),
        ("not_met", {"reviewed_by": ""}, "not_met"),
    ],
)
@pytest.mark.parametrize("shared", [True, False])
def test_rule_10_a_control_with_our_own_population_is_shared(
    state: str, changes: dict[str, Any], status: str, *, shared: bool
) -> None:
    reports = [report(control=BACKUP, shared=shared, **changes)]
    assert judged(having(copies=state), reports=reports).status == status


def test_rule_10_our_part_of_a_shared_control_can_be_attested() -> None:
    shared = report(shared=True)
    assert judged(number=VISIT, reports=[shared], attestations=[attestation()]).status == "attested"
    lapsed = replace(shared, covers_to=AT - DAY)
    assert judged(number=VISIT, reports=[lapsed], attestations=[attestation()]).status == "stale"


def test_rule_10_of_one_provider_the_best_report_counts_and_of_several_the_worst_provider() -> None:
    old, new = report(covers_to=AT - DAY), report()
    other = report(provider="Other Inc", covers_to=AT - DAY)
    assert judged(number=VISIT, reports=[old, new]).status == "inherited"
    assert judged(number=VISIT, reports=[new, other]).status == "stale"


def test_rule_10_using_cloud_services_is_never_inherited() -> None:
    claimed = [report(control=CLOUD)]
    nothing = judged(number=CLOUD, reports=claimed)
    assert (nothing.status, nothing.flags) == ("no_evidence", ("never inherited",))
    assert judged(findings(USED, passed=1), CLOUD, reports=claimed).status == "met"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "excluded"),
        ({"approved_at": AT}, "excluded"),
        ({"approved_at": AT + DAY}, "met"),
        ({"reason": ""}, "met"),
        ({"approved_by": ""}, "met"),
        ({"applicable": True}, "met"),
    ],
)
def test_rule_11_only_an_approved_reason_excludes(changes: dict[str, Any], status: str) -> None:
    rows = [applicability(**({"applicable": False} | changes))]
    assert judged(having(copies="met"), applicability=rows).status == status


@pytest.mark.parametrize(
    ("found", "contradicts"),
    [
        (having(copies="met"), True),
        (having(copies="not_met"), True),
        (having(copies="unknown"), True),
        (having(signal="not_met"), True),
        (having(signal="met"), False),
        (having(copies="not_applicable"), False),
        ([], False),
    ],
)
def test_rule_11_an_exclusion_is_still_looked_at(
    found: Iterable[Judged], *, contradicts: bool
) -> None:
    rows = [applicability(applicable=False, reason="no such systems")]
    result = judged(found, applicability=rows)
    assert (result.status, result.why) == ("excluded", "no such systems")
    assert ("contradicts the exclusion" in result.flags) == contradicts


def test_rule_12_the_newest_approved_row_holds_and_never_backwards() -> None:
    rows = [
        applicability(applicable=False, approved_at=AT - 9 * DAY),
        applicability(applicable=True, approved_at=AT - 2 * DAY),
        applicability(applicable=False, approved_at=AT + DAY),
    ]
    assert judged(having(copies="met"), applicability=rows).status == "met"
    assert judged(having(copies="met"), applicability=rows[:1]).status == "excluded"


def test_a_control_the_statement_does_not_list_is_applicable_and_flagged() -> None:
    result = judged(having(copies="met"), applicability=[applicability(control=CLOUD)])
    assert (result.status, result.flags[0]) == (
        "met",
        "missing from the statement of applicability",
    )


@pytest.mark.parametrize(
    ("declared", "state", "contradicts"),
    [
        ("implemented", "met", False),
        ("implemented", "not_met", True),
        ("implemented", "unknown", False),
        ("implemented", "", False),
        ("partly_implemented", "met", True),
        ("planned", "met", True),
        ("planned", "not_met", False),
        ("not_implemented", "met", True),
        ("", "not_met", False),
    ],
)
def test_the_declared_status_stays_and_ours_stands_beside_it(
    declared: str, state: str, *, contradicts: bool
) -> None:
    result = judged(having(copies=state), applicability=[applicability(declared=declared)])
    assert result.declared == declared
    assert (result.disagrees, "disagrees" in result.flags) == (contradicts, contradicts)


def test_rule_14_there_is_no_percentage_of_a_control() -> None:
    result = judged(having(copies="not_met", kept="met"))
    assert not any("%" in text for text in (result.why, *result.flags))


def test_every_control_has_an_answer_and_the_totals_name_every_status() -> None:
    answer = roll_up(Question(AT, having(copies="met")), MAPPING)
    assert list(answer.controls) == [CLOUD, VISIT, BACKUP]
    assert answer.totals() == dict.fromkeys(ControlStatus, 0) | {
        ControlStatus.MET: 1,
        ControlStatus.NO_EVIDENCE: 2,
    }
    assert (answer.edition, answer.mapping_version) == (
        "ISO/IEC 27001:2022 with Amd 1:2024",
        "2026.11",
    )


def test_what_the_mapping_does_not_know_moves_nothing_and_is_named() -> None:
    answer = roll_up(
        Question(
            AT,
            [finding("acme.door.closed", "fail")],
            populations=[Population("acme.", declared=3)],
            attestations=[attestation(control="X.1"), attestation(control=BACKUP)],
        ),
        MAPPING,
    )
    assert (answer.unmapped, answer.unfed) == (("acme.door.closed",), ("acme.",))
    assert answer.unknown_controls == ("X.1",)
    assert answer.totals()[ControlStatus.NO_EVIDENCE] == 2
    assert answer.controls[BACKUP].status is ControlStatus.ATTESTED


def test_an_instant_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        roll_up(Question(datetime(2026, 11, 23)), MAPPING)  # noqa: DTZ001 - that is the point


def test_words_for_people_have_no_underscores() -> None:
    assert ControlStatus.NOT_MET.words == "not met"
