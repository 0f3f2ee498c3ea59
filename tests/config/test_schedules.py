"""Schedules as people write them: what is refused, and how often things are read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from config import Settings

Read = Callable[[str], Settings]
Refused = Callable[[str], list[str]]

TARGETS = """
[targets.prod]
platform = "aws"
account = "111122223333"
[targets.web]
platform = "linux"
"""


def test_an_interval_is_put_off_a_little_and_a_wall_clock_is_not(read: Read) -> None:
    assert read("").schedule.largest_jitter == timedelta(minutes=10)
    assert read('[schedule]\nevery = "20m"').schedule.largest_jitter == timedelta(minutes=1)
    assert read('[schedule]\ncron = "0 6 * * *"').schedule.largest_jitter == timedelta(0)
    said = read('[schedule]\ncron = "0 6 * * *"\njitter = "5m"').schedule
    assert said.largest_jitter == timedelta(minutes=5)


def test_a_wall_clock_has_a_zone(read: Read) -> None:
    said = read('[schedule]\ncron = "0 6 * * mon-fri"\nzone = "Europe/Berlin"').schedule
    assert str(said.timing) == "0 6 * * mon-fri Europe/Berlin"
    assert str(read('[schedule]\ncron = "0 6 * * *"').schedule.timing) == "0 6 * * * UTC"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[schedule]\nevery = "1h"\ncron = "0 6 * * *"', "write every or cron, not both"),
        ('[schedule]\nzone = "UTC"', "an interval has none"),
        ('[schedule]\ncron = "0 6 * * 1-5"', "name the days of the week"),
        ('[schedule]\ncron = "0 6 * * *"\nzone = "Mars/Olympus"', "write a time zone"),
        ('[schedule]\nevery = "1h"\njitter = "1h"', "as long as the time between"),
        ('[schedules.a]\ntargets = ["web"]', "write every or cron"),
        ('[schedules.a]\nevery = "1h"', "name targets or collectors"),
        ('[schedules.default]\ntargets = ["web"]\nevery = "1h"', "[schedule] itself"),
        ('[schedules.a]\ntargets = ["wep"]\nevery = "1h"', "did you mean 'web'?"),
        ('[daemon]\nlease = "2s"', "shorter than 3s"),
        ('[daemon]\nlisten = "127.0.0.1:99999"', "no port from 1 to 65535"),
    ],
)
def test_what_does_not_fit_together_is_refused_in_words(
    refused: Refused, text: str, says: str
) -> None:
    messages = refused(TARGETS + text)
    assert len(messages) == 1
    assert says in messages[0]


def test_something_is_read_as_often_as_its_schedules_say(read: Read) -> None:
    settings = read(
        TARGETS
        + '[schedule]\nevery = "6h"\n'
        + '[schedules.keys]\ncollectors = ["aws.iam"]\nevery = "1h"\n'
        + '[schedules.web]\ntargets = ["web"]\ncron = "0 6 * * mon-fri"\n'
    )
    assert settings.read_every("prod", "aws.s3") == timedelta(hours=6)
    assert settings.read_every("prod", "aws.iam") == timedelta(hours=1)
    assert settings.read_every("web", "linux.auth") == timedelta(days=3)
