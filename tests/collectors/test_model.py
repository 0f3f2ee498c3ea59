"""Facts, what could not be read, and the one reader of times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors import (
    Absent,
    Cause,
    FactUnknown,
    MalformedError,
    Resource,
    Unread,
    fact,
    moment,
)
from collectors.reading import read_facts
from tests.acme import Person, person


def test_a_fact_that_was_read_is_its_answer() -> None:
    mia = Person(id="mia", listed=person("mia"), facts={"key": {"made": "2026-10-01"}})
    assert mia.key == {"made": "2026-10-01"}


def test_a_fact_that_is_not_configured_is_none() -> None:
    assert Person(id="mia", listed=person("mia"), facts={"key": Absent("NoKey")}).key is None


def test_an_empty_answer_is_an_answer_and_not_absent() -> None:
    assert Person(id="mia", listed=person("mia"), facts={"key": {}}).key == {}


def test_reading_an_unread_fact_raises_with_its_cause_and_permission() -> None:
    unread = Unread("AccessDenied", "people:key")
    mia = Person(id="mia", listed=person("mia"), facts={"key": unread})
    with pytest.raises(FactUnknown) as raised:
        _ = mia.key
    assert raised.value.unread == unread
    assert unread.because == "AccessDenied; needs people:key"
    assert Unread("timeout", cause=Cause.UNREACHABLE).because == "timeout"


def test_a_fact_nobody_asked_for_is_not_asked_and_names_its_permission() -> None:
    with pytest.raises(FactUnknown) as raised:
        _ = Person(id="mia", listed=person("mia")).key
    assert raised.value.unread == Unread("not asked", "people:key", Cause.NOT_ASKED)


def test_facts_are_found_in_the_order_they_are_written_also_inherited_ones() -> None:
    class Employee(Person, kind="acme.people.employee"):
        @fact("people:badge", "people:photo")
        def badge(self, _api: object) -> str:
            return "b"

    assert list(Person.fact_definitions()) == ["key", "history"]
    assert list(Employee.fact_definitions()) == ["key", "history", "badge"]
    assert Employee.badge.permission == "people:badge, people:photo"
    assert Employee.kind != Person.kind


def test_a_resource_without_facts_is_handed_on_as_it_is() -> None:
    class Plain(Resource[str], kind="acme.plain"):
        pass

    plain = Plain(id="x", listed="y")
    assert read_facts(plain, None, None) is plain  # type: ignore[arg-type]  # nothing is asked


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-11-24T09:30:00Z", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24T09:30:00+02:00", datetime(2026, 11, 24, 7, 30, tzinfo=UTC)),
        ("2026-11-24T09:30:00", datetime(2026, 11, 24, 9, 30, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        ("2026-11-24T09:30:00.123456789Z", datetime(2026, 11, 24, 9, 30, 0, 123456, UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1.5, datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)),
    ],
)
def test_a_platforms_time_is_read_as_utc(value: object, read: datetime) -> None:
    assert moment(value) == read
    assert moment(value).tzinfo is UTC


@pytest.mark.parametrize("value", ["", "yesterday", "2026-13-01", None, True, [], {}, b"2026"])
def test_what_is_no_time_is_malformed(value: object) -> None:
    with pytest.raises(MalformedError, match="not a time"):
        moment(value)


@pytest.mark.parametrize(
    "value", [1e20, -1e20, float("nan"), float("inf"), "0001-01-01T00:00:00+05:00"]
)
def test_a_time_beyond_the_calendar_is_malformed_and_no_defect(value: object) -> None:
    with pytest.raises(MalformedError, match="not a time"):
        moment(value)


@given(
    st.datetimes(
        min_value=datetime(1971, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2200, 1, 1),  # noqa: DTZ001
        timezones=st.integers(-23, 23).map(lambda hours: timezone(timedelta(hours=hours))),
    )
)
def test_a_time_is_the_same_instant_in_every_zone_and_form(at: datetime) -> None:
    assert moment(at.isoformat()) == at
    assert abs(moment(at.timestamp()) - at) < timedelta(milliseconds=1)
