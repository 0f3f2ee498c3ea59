"""Rule 13: over a window the parts add up and gaps stay in."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings import CriterionStatus, Lived, Observation, lengths, over_window
from tests.mappings.builders import AT, DAY

MET, NOT_MET = CriterionStatus.MET, CriterionStatus.NOT_MET


def seen(**days: str) -> list[Observation]:
    """`seen(d0="met", d3="not_met")`: a status by day after the window's start."""
    return [
        Observation(AT + int(day[1:]) * DAY, CriterionStatus(status))
        for day, status in days.items()
    ]


@pytest.mark.parametrize(
    ("observed", "met", "not_met", "unknown", "not_observed"),
    [
        (seen(d0="met", d10="met"), 10, 0, 0, 0),
        (seen(d0="met", d4="met"), 4, 0, 0, 6),
        (seen(d0="met", d4="not_met", d10="met"), 0, 10, 0, 0),
        (seen(d0="met", d4="unknown", d10="unknown"), 0, 0, 10, 0),
        (seen(d0="not_met", d4="unknown", d10="met"), 0, 4, 6, 0),
        (seen(d0="stale", d10="met"), 0, 0, 10, 0),
        (seen(d0="partly_met", d10="partly_met"), 0, 10, 0, 0),
        (seen(d0="met_with_exceptions", d10="met"), 10, 0, 0, 0),
        (seen(d0="not_applicable", d2="met", d10="met"), 8, 0, 0, 2),
        (seen(d5="met"), 0, 0, 0, 10),
        ([], 0, 0, 0, 10),
    ],
)
def test_a_stretch_counts_as_the_worse_of_its_ends(
    observed: list[Observation], met: int, not_met: int, unknown: int, not_observed: int
) -> None:
    found = lengths(over_window(observed, AT, AT + 10 * DAY, longest=30 * DAY))
    assert found == {
        Lived.MET: met * DAY,
        Lived.NOT_MET: not_met * DAY,
        Lived.UNKNOWN: unknown * DAY,
        Lived.NOT_OBSERVED: not_observed * DAY,
    }


def test_met_never_spans_a_gap() -> None:
    spans = over_window(seen(d0="met", d3="met", d10="met"), AT, AT + 10 * DAY, longest=3 * DAY)
    assert [(span.lived, span.length) for span in spans] == [
        (Lived.MET, 3 * DAY),
        (Lived.NOT_OBSERVED, 7 * DAY),
    ]


def test_observations_outside_bound_the_first_and_last_stretch() -> None:
    around = [Observation(AT - DAY, MET), Observation(AT + 11 * DAY, MET)]
    (span,) = over_window(around, AT, AT + 10 * DAY, longest=30 * DAY)
    assert (span.lived, span.same_at_both_ends, span.length) == (Lived.MET, True, 10 * DAY)


def test_a_window_that_does_not_end_after_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        over_window([], AT, AT, longest=DAY)


def test_of_two_observations_at_one_instant_the_worse_holds_on_both_sides() -> None:
    observed = [*seen(d0="met", d5="met", d10="met"), *seen(d5="not_met")]
    found = lengths(over_window(observed, AT, AT + 10 * DAY, longest=30 * DAY))
    assert found[Lived.NOT_MET] == 10 * DAY


observations = st.lists(
    st.builds(
        Observation,
        at=st.integers(-200, 1200).map(lambda hours: AT + timedelta(hours=hours)),
        status=st.sampled_from(CriterionStatus),
    )
)


@given(observations, st.integers(1, 500).map(lambda hours: timedelta(hours=hours)))
def test_the_parts_are_the_whole_window_without_overlap(
    observed: list[Observation], longest: timedelta
) -> None:
    end = AT + timedelta(hours=1000)
    spans = over_window(observed, AT, end, longest)
    assert spans[0].start == AT
    assert spans[-1].end == end
    assert all(one.end == two.start for one, two in pairwise(spans))
    assert sum(lengths(spans).values(), timedelta()) == end - AT


@given(observations)
def test_the_order_of_observations_does_not_matter(observed: list[Observation]) -> None:
    end = AT + timedelta(hours=1000)
    assert over_window(observed, AT, end, DAY) == over_window(observed[::-1], AT, end, DAY)
