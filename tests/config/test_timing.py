"""Due times: at intervals, by wall clocks, and right where clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.timing import Cron, Every

BERLIN = ZoneInfo("Europe/Berlin")


def cron(text: str, zone: str = "Europe/Berlin") -> Cron:
    return Cron.parse(text, ZoneInfo(zone))


def due(timing: Cron | Every, after: datetime, times: int) -> list[str]:
    """The next due times by the wall clock of Berlin."""
    found = []
    for _ in range(times):
        after = timing.next_due(after)
        found.append(f"{after.astimezone(BERLIN):%d %H:%M %Z}")
    return found


SPRING = datetime(2026, 3, 27, 12, tzinfo=UTC)  # the clock goes forward in the night to the 29th
AUTUMN = datetime(2026, 10, 23, 12, tzinfo=UTC)  # and back in the night to the 25th


def test_a_time_that_is_skipped_in_spring_runs_an_hour_later() -> None:
    assert due(cron("30 2 * * *"), SPRING, 3) == ["28 02:30 CET", "29 03:30 CEST", "30 02:30 CEST"]


def test_a_time_that_is_repeated_in_autumn_runs_once() -> None:
    assert due(cron("30 2 * * *"), AUTUMN, 3) == ["24 02:30 CEST", "25 02:30 CEST", "26 02:30 CET"]


def test_times_of_a_skipped_hour_keep_their_order_among_the_others() -> None:
    line = cron("0,30 2,3 * * *")
    assert due(line, SPRING + timedelta(days=1), 3) == [
        "29 03:00 CEST",
        "29 03:30 CEST",
        "30 02:00 CEST",
    ]


@pytest.mark.parametrize("zone", ["US/Pacific", "Europe/Berlin", "Australia/Sydney", "UTC"])
def test_midnight_comes_every_day_of_the_year(zone: str) -> None:
    line, at = cron("0 0 * * *", zone), datetime(2022, 1, 1, 12, tzinfo=UTC)
    days = []
    for _ in range(365):
        at = line.next_due(at)
        days.append(at.astimezone(ZoneInfo(zone)).date())
    assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(days=1)}


def test_a_day_that_a_country_skipped_is_no_endless_loop() -> None:
    line = cron("30 2 * * *", "Pacific/Apia")  # there was no 30 December 2011
    at, found = datetime(2011, 12, 28, tzinfo=UTC), []
    for _ in range(4):
        at = line.next_due(at)
        found.append(at.astimezone(ZoneInfo("Pacific/Apia")).day)
    assert found == [28, 29, 31, 1]


def test_working_days_are_monday_to_friday() -> None:
    line = cron("0 6 * * mon-fri")
    found = [datetime(2026, 11, 19, 12, tzinfo=UTC)]
    for _ in range(5):
        found.append(line.next_due(found[-1]))
    assert [f"{at:%a}" for at in found[1:]] == ["Fri", "Mon", "Tue", "Wed", "Thu"]


def test_names_steps_lists_and_ranges_are_understood() -> None:
    line = cron("*/20 8-10/2 1,15 JAN-mar,dec *")
    assert line.times == (480, 500, 520, 600, 620, 640)
    assert line.days == {1, 15}
    assert line.months == {1, 2, 3, 12}
    assert str(line) == "*/20 8-10/2 1,15 jan-mar,dec * Europe/Berlin"


def test_a_leap_day_is_found_even_across_a_century_without_one() -> None:
    line = cron("0 0 29 2 *", "UTC")
    assert line.next_due(datetime(2026, 1, 1, tzinfo=UTC)).year == 2028
    assert line.next_due(datetime(2097, 1, 1, tzinfo=UTC)).year == 2104


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0 6 * *", "five fields"),
        ("0 6 * * 1-5", "name the days"),
        ("0 6 1 * mon", "and \\* for the other"),
        ("60 6 * * *", "'60' is not one of 0 to 59"),
        ("0 24 * * *", "0 to 23"),
        ("0 6 0 * *", "1 to 31"),
        ("0 6 * foo *", "jan to dec"),
        ("0 6 * * fri-mon", "backwards"),
        ("0 6 30 2 *", "never come due"),
        ("0 6/2 * * *", "steps from one value"),
        ("0 6 * * ,", "is no number"),
        ("@daily 6 * * *", "is not one of"),
    ],
)
def test_what_would_be_misread_is_refused(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        cron(text)


@pytest.mark.parametrize(
    ("text", "gap"),
    [
        ("30 2 * * *", timedelta(days=1)),
        ("0 6 * * mon-fri", timedelta(days=3)),
        ("*/5 9-17 * * *", timedelta(hours=15, minutes=5)),
        ("0 0 1 * *", timedelta(days=31)),
        ("0 0,18 * * *", timedelta(hours=18)),
    ],
)
def test_the_longest_gap_is_between_the_due_times_farthest_apart(text: str, gap: timedelta) -> None:
    assert cron(text).longest_gap == gap


def test_intervals_are_counted_from_1970_whenever_they_are_asked() -> None:
    every = Every(timedelta(hours=6))
    assert every.next_due(datetime(2026, 11, 25, 11, 59, tzinfo=UTC)).hour == 12
    assert every.next_due(datetime(2026, 11, 25, 12, tzinfo=UTC)).hour == 18
    assert str(every) == "every 6h"


lines = st.builds(
    "{} {} * * {}".format,
    st.sampled_from(["0", "*/15", "30", "5,50"]),
    st.sampled_from(["*", "2", "0-3", "2,14", "*/6"]),
    st.sampled_from(["*", "mon-fri", "sun"]),
)
zones = st.sampled_from(
    ["Europe/Berlin", "US/Pacific", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"]
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(text=lines, zone=zones, at=moments)
def test_a_due_time_is_later_and_none_is_left_out(text: str, zone: str, at: datetime) -> None:
    """Whoever asks a little earlier gets the same due time, or one that is earlier still."""
    line = cron(text, zone)
    following = line.next_due(at)
    assert following > at
    assert line.next_due(following - timedelta(microseconds=1)) == following
    assert line.next_due(at - timedelta(hours=1)) <= following
    assert following - at <= line.longest_gap + timedelta(hours=2)


@given(day=st.dates(date(2020, 1, 1), date(2030, 1, 1)), zone=zones)
def test_a_daily_line_runs_once_on_each_day_of_the_wall_clock(day: date, zone: str) -> None:
    line = cron("30 2 * * *", zone)
    start = datetime.combine(day, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    first = line.next_due(start - timedelta(microseconds=1))
    assert first.astimezone(ZoneInfo(zone)).date() == day
    assert line.next_due(first).astimezone(ZoneInfo(zone)).date() == day + timedelta(days=1)
