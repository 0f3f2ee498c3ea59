"""When something comes due: at an interval or by a wall clock, on days of clock changes too.

Instants are UTC. A cron line is read by the wall clock of its zone, as RFC 5545 reads local times:
a time that is skipped in spring counts from before the change (02:30 is then 03:30), one that is
repeated in autumn is the first of the two.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from config.values import duration_text

MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONGEST: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""How many days each month can have."""

_HORIZON: Final = 366 * 9
"""Days within which every date that exists comes: a 29th of February is at most eight years off."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEP: Final = re.compile(r"(?P<what>[^/]+)(?:/(?P<step>[1-9][0-9]?))?")


@dataclass(frozen=True)
class Every:
    """At a fixed interval, counted from 1970 so that a restart does not move it."""

    interval: timedelta

    def next_due(self, after: datetime) -> datetime:
        """The first due time later than an instant."""
        return _EPOCH + ((after - _EPOCH) // self.interval + 1) * self.interval

    @property
    def longest_gap(self) -> timedelta:
        """The longest time from one due time to the next."""
        return self.interval

    def __str__(self) -> str:
        return f"every {duration_text(self.interval)}"


@dataclass(frozen=True)
class Cron:
    """A cron line in a time zone.

    Attributes:
        text: the line as it was written.
        times: minutes after midnight by the wall clock, sorted.
        days: days of the month.
        months: months, 1 to 12.
        weekdays: days of the week, 0 is Monday.
        zone: whose wall clock.
    """

    text: str
    times: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Cron:
        """Read five fields: minute, hour, day of the month, month, day of the week by name.

        Raises:
            ValueError: with what to write instead.
        """
        fields = text.lower().split()
        if len(fields) != 5:
            raise ValueError(
                "write five fields: minute hour day month weekday, as 30 2 * * mon-fri"
            )
        minute, hour, day, month, weekday = fields
        if day != "*" and weekday != "*":
            raise ValueError("write a day of the month or days of the week, and * for the other")
        if re.search(r"[0-9]", weekday.partition("/")[0]):
            raise ValueError("name the days of the week, as mon-fri: numbers differ between tools")
        hours = sorted(_numbers(hour, 0, 23, ()))
        minutes = sorted(_numbers(minute, 0, 59, ()))
        days, months = _numbers(day, 1, 31, ()), _numbers(month, 1, 12, MONTHS)
        if not any(number <= LONGEST[month - 1] for month in months for number in days):
            raise ValueError("no month of these has such a day: it would never come due")
        return cls(
            text=" ".join(fields),
            times=tuple(60 * hour + minute for hour in hours for minute in minutes),
            days=days,
            months=months,
            weekdays=_numbers(weekday, 0, 6, DAYS),
            zone=zone,
        )

    def next_due(self, after: datetime) -> datetime:
        """The first due time later than an instant."""
        first = after.astimezone(self.zone).date()
        for day in self._dates(first, _HORIZON):
            found = sorted(instant for instant in self._instants(day) if instant > after)
            if found:
                return found[0]
        raise ValueError(f"{self} never comes due")  # parse refuses such lines

    @property
    def longest_gap(self) -> timedelta:
        """The longest time from one due time to the next, by the wall clock."""
        within = [timedelta(minutes=late - early) for early, late in pairwise(self.times)]
        night = timedelta(minutes=self.times[0] - self.times[-1])
        dates = list(self._dates(date(2024, 1, 1), _HORIZON))
        over = [later - earlier + night for earlier, later in pairwise(dates)]
        return max(within + over)

    def _dates(self, first: date, days: int) -> Iterator[date]:
        for number in range(days):
            day = first + timedelta(days=number)
            if day.day in self.days and day.month in self.months and day.weekday() in self.weekdays:
                yield day

    def _instants(self, day: date) -> Iterator[datetime]:
        for minutes in self.times:
            wall = datetime.combine(day, time(*divmod(minutes, 60)), self.zone)
            yield wall.astimezone(UTC)

    def __str__(self) -> str:
        return f"{self.text} {self.zone.key}"


def _numbers(field: str, lowest: int, highest: int, names: tuple[str, ...]) -> frozenset[int]:
    """The numbers one field of a cron line stands for."""
    found: set[int] = set()
    for item in field.split(","):
        match = _STEP.fullmatch(item)
        if match is None:
            raise ValueError(f"{item!r} is no number, range a-b, list a,b or step */n")
        what, step = match["what"], int(match["step"] or 1)
        if what == "*":
            first, last = lowest, highest
        else:
            one, dash, other = what.partition("-")
            first = _number(one, lowest, highest, names)
            last = _number(other, lowest, highest, names) if dash else first
            if match["step"] and not dash:
                raise ValueError(f"{item!r} steps from one value; write a range a-b/n or */n")
        if last < first:
            raise ValueError(f"{item!r} runs backwards; write two ranges with a comma")
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, lowest: int, highest: int, names: tuple[str, ...]) -> int:
    if text in names:
        return names.index(text) + lowest
    if re.fullmatch(r"[0-9]{1,2}", text) and lowest <= int(text) <= highest:
        return int(text)
    known = f"{names[0]} to {names[-1]}" if names else f"{lowest} to {highest}"
    raise ValueError(f"{text!r} is not one of {known}")
