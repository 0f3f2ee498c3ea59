"""What the settings decide: scope, exceptions, durations, and that nothing is changed later."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import config
from config import Settings
from config.values import CONTROLS, duration_text, seconds

Read = Callable[[str], Settings]
Refused = Callable[[str], list[str]]

TARGETS = """
[targets.prod]
platform = "aws"
account = "111122223333"
[targets.old]
platform = "aws"
account = "777788889999"
"""
OUT = """
[[scope.out]]
target = "old"
reason = "suspended"
author = "J. Roth"
date = 2026-10-05
"""
EXCEPTION = """
[[exceptions]]
check = "aws.iam.access_key_rotated"
target = "prod"
resource = "arn:*:user/svc-*"
reason = "r"
risk_owner = "A"
approved_by = "B"
approved_on = 2026-01-10
expires = 2026-02-10
"""


def test_a_target_out_of_scope_is_not_read_from_the_day_of_the_decision(read: Read) -> None:
    settings = read(TARGETS + OUT)
    assert set(settings.in_scope(dt.date(2026, 10, 4))) == {"prod", "old"}
    assert set(settings.in_scope(dt.date(2026, 10, 5))) == {"prod"}
    assert settings.decided_out(dt.date(2026, 10, 5))["old"].reason == "suspended"


def test_an_exclusion_that_names_no_target_is_refused_because_it_would_exclude_nothing(
    refused: Refused,
) -> None:
    message = "no such target; declare it under [targets], out of scope or not"
    assert refused(TARGETS + OUT.replace('"old"', '"odl"')) == [
        f"annexa.toml:10: scope.out[1].target: {message}; did you mean 'old'?"
    ]


def test_an_excluded_account_cannot_be_read_under_another_name(refused: Refused) -> None:
    again = '[targets.again]\nplatform = "aws"\nrole_arn = "arn:aws:iam::777788889999:role/r"'
    assert refused(TARGETS + again + OUT) == [
        "annexa.toml:10: targets.again.role_arn: is read as target 'old' already"
    ]


def test_one_host_is_not_two_targets(refused: Refused) -> None:
    two = '[targets.a]\nplatform = "linux"\n[targets.b]\nplatform = "linux"\nroot = "/"'
    assert refused(two) == ["annexa.toml:5: targets.b.root: is read as target 'a' already"]


@pytest.mark.parametrize(
    ("target", "resource", "day", "excepted"),
    [
        ("prod", "arn:x:user/svc-1", dt.date(2026, 1, 10), True),
        ("prod", "arn:x:user/svc-1", dt.date(2026, 2, 10), True),
        ("prod", "arn:x:user/svc-1", dt.date(2026, 1, 9), False),
        ("prod", "arn:x:user/svc-1", dt.date(2026, 2, 11), False),
        ("prod", "arn:x:user/eve", dt.date(2026, 1, 20), False),
        ("old", "arn:x:user/svc-1", dt.date(2026, 1, 20), False),
    ],
)
def test_an_exception_holds_for_its_target_its_resources_and_its_days(
    read: Read, target: str, resource: str, day: dt.date, *, excepted: bool
) -> None:
    settings = read(TARGETS + EXCEPTION)
    found = settings.exception_for("aws.iam.access_key_rotated", target, resource, day)
    assert (found is not None) is excepted
    assert settings.exception_for("aws.iam.other", target, resource, day) is None


def test_a_criterion_keeps_its_type_and_its_source(read: Read) -> None:
    source = (
        'source = {document = "KEY-01", version = 3, section = "4.2", '
        'approved_by = "J", approved_on = 2026-01-01}\n'
    )
    settings = read(
        f'[criteria."a.b.c".days]\nvalue = 60\nunit = "days"\n{source}'
        f'[criteria."a.b.c".regions]\nvalue = ["eu-west-1"]\n{source}'
        f'[criteria."a.b.c".strict]\nvalue = true\n{source}'
    )
    criteria = settings.criteria["a.b.c"]
    assert [one.value for one in criteria.values()] == [60, ("eu-west-1",), True]
    assert isinstance(criteria["strict"].value, bool)
    assert criteria["days"].source.version == "3"


def test_settings_cannot_be_changed_after_they_were_read(read: Read) -> None:
    settings = read(TARGETS)
    with pytest.raises(ValidationError, match="frozen"):
        settings.organisation = "other"


def test_a_scope_is_declared_only_by_a_complete_statement(read: Read) -> None:
    assert not read("[scope.population]\naws = 2").scope.declared
    statement = '[scope]\nname = "x"\nversion = 3\napproved_by = "J"\napproved_on = 2026-01-01'
    scope = read(statement).scope
    assert scope.declared
    assert scope.version == "3"


@given(st.integers(1, 99_999), st.sampled_from("smhdw"))
def test_a_duration_written_and_read_again_is_the_same(count: int, unit: str) -> None:
    duration = seconds(f"{count}{unit}")
    text = duration_text(duration)
    # What took five digits in weeks may take six in days: that is written, but not read.
    if len(text) <= 6:
        assert seconds(text) == duration
    assert duration == dt.timedelta(**{_NAMES[unit]: count})


_NAMES = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@pytest.mark.parametrize("text", ["", "0d", "-1d", "1.5h", "90", "90 d", "1y", "999999d", "٣d"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="write a duration"):
        seconds(text)


@pytest.mark.parametrize("text", ["24h", "90d", "30m", "6h", "45s", "2d"])
def test_a_duration_is_written_as_people_say_it(text: str) -> None:
    assert duration_text(seconds(text)) == text


def test_there_are_93_controls() -> None:
    assert len(set(CONTROLS)) == 93
    assert (CONTROLS[0], CONTROLS[-1]) == ("A.5.1", "A.8.34")


def test_every_public_name_of_the_room_is_there() -> None:
    assert [name for name in config.__all__ if not hasattr(config, name)] == []
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = config.nothing


def test_importing_the_room_does_not_import_pydantic() -> None:
    code = "import sys, config; config.config_file; sys.exit('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode == 0
