"""The example is generated from the settings, loads as it stands, and claims nothing."""

from __future__ import annotations

import datetime as dt
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import config
from config import ConfigError, Settings, load_applicability
from config.example import example, schema, uncommented

Read = Callable[[str], Settings]
FOLDER = Path(config.__file__).parent


def as_json(value: Any) -> Any:
    """What an editor's schema checker sees: TOML dates are texts to it."""
    return json.loads(json.dumps(value, default=dt.date.isoformat))


def mistakes(text: str) -> list[str]:
    validator = Draft202012Validator(schema())
    return [error.json_path for error in validator.iter_errors(as_json(tomllib.loads(text)))]


def test_the_example_in_the_repository_is_the_generated_one() -> None:
    kept = (FOLDER / "example.toml").read_text(encoding="utf-8")
    assert kept == example(), "write it anew: annexa config example > config/example.toml"


def test_the_example_reads_this_machine_and_claims_nothing(read: Read) -> None:
    settings = read(example())
    assert list(settings.targets) == ["this-machine"]
    claims = (settings.attestations, settings.exceptions, settings.inherited, settings.soa)
    assert claims == ((), (), (), None)
    assert (dict(settings.criteria), dict(settings.tolerances)) == ({}, {})
    assert not settings.scope.declared


def test_the_example_loads_with_everything_switched_on(read: Read) -> None:
    settings = read(uncommented(example()))
    named = set(re.findall(r"^#?\[targets\.([\w-]+)\]", example(), re.MULTILINE))
    assert set(settings.in_scope(dt.date(2026, 11, 1))) == named - {"acme-old"}
    assert settings.scope.declared
    assert len(settings.exceptions) == len(settings.attestations) == len(settings.inherited) == 1


def test_what_is_off_in_the_example_is_the_default(read: Read) -> None:
    on = read(uncommented(example()))
    off = Settings()
    for section in ("freshness", "schedule", "log", "sweep"):
        assert getattr(on, section) == getattr(off, section)


def test_every_setting_stands_in_the_example_with_its_meaning() -> None:
    text = example()
    tables = schema()["$defs"].values()
    settings = [item for table in tables for item in table["properties"].items()]
    assert len(settings) > 60
    # These stand as tables of their own.
    tabled = {"out", "population", "outside", "timestamps", "endpoints"}
    assert [n for n, _ in settings if n not in tabled and f"{n} = " not in text] == []
    assert [name for name, setting in settings if not setting.get("description")] == []


def test_no_line_of_the_example_is_wider_than_a_screen() -> None:
    assert [line for line in example().splitlines() if len(line) > 120] == []


def test_the_schema_is_one_and_accepts_the_example() -> None:
    Draft202012Validator.check_schema(schema())
    assert mistakes(example()) == []
    assert mistakes(uncommented(example())) == []


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("nothing = 1", "$"),
        ('[schedule]\nevery = "6"', "$.schedule.every"),
        ('[[attestations]]\ncontrol = "A.9.1"', "$.attestations[0].control"),
        ("[sweep]\nthreads = 0", "$.sweep.threads"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(read: Read, text: str, path: str) -> None:
    assert path in mistakes(text)
    with pytest.raises(ConfigError):
        read(text)


def test_the_schema_shows_defaults_as_people_write_them() -> None:
    assert schema()["$defs"]["Schedule"]["properties"]["every"]["default"] == "6h"


def test_the_example_statement_of_applicability_has_all_controls() -> None:
    rows = load_applicability(FOLDER / "soa.example.csv")
    assert len(rows) == 93
    assert [row.control for row in rows if not row.applicable] == ["A.7.3", "A.8.30"]
