"""The kinds of value a setting can have, and the model all settings are built from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from config.addresses import address
from config.secrets import SCHEMES, SecretRef

# Annex A of ISO/IEC 27001:2022: how many controls each theme has; 93 together.
THEMES = {"A.5": 37, "A.6": 8, "A.7": 14, "A.8": 34}
CONTROLS = tuple(f"{theme}.{n}" for theme, size in THEMES.items() for n in range(1, size + 1))

_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"([1-9][0-9]{0,4})([smhdw])")

# Where a setting stands: keys and, inside lists, positions.
Place: TypeAlias = tuple[str | int, ...]


class ContradictionError(ValueError):
    """Values that are well formed but do not fit together; `problems` are places and messages."""

    def __init__(self, problems: list[tuple[Place, str]]) -> None:
        self.problems = problems
        super().__init__("; ".join(message for _, message in problems))


class Model(BaseModel):
    """A table of the configuration: nothing unknown, nothing converted, nothing changed later."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    def contradictions(self) -> Iterator[tuple[Place, str]]:
        """What does not fit together although each value is well formed: place and message."""
        yield from ()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        problems = list(self.contradictions())
        if problems:
            raise ContradictionError(problems)
        return self


def seconds(value: object) -> timedelta:
    """Read a duration such as "90d"; units s, m, h, d and w. Raises ValueError."""
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('write a duration such as "30m", "6h" or "90d", in quotes')
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def duration_text(value: timedelta) -> str:
    """How a duration is written in the configuration."""
    whole = int(value.total_seconds())
    # As people say it: "90d" rather than "12w", and "24h" rather than "1d".
    letters = "hms" if whole == _UNITS["d"] else "dhms"
    letter = next(letter for letter in letters if whole % _UNITS[letter] == 0)
    return f"{whole // _UNITS[letter]}{letter}"


def reference(value: object, info: ValidationInfo) -> SecretRef:
    """Read where a secret is; a relative file is relative to the configuration file."""
    if isinstance(value, SecretRef):
        return value
    return SecretRef.parse(value, info.context["folder"] if info.context else None)


def path_from(value: object, info: ValidationInfo) -> Path:
    """Read a path: `~` is the home folder, relative means relative to the configuration file."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError("write a path in quotes")
    folder = info.context["folder"] if info.context else Path()
    return Path(folder, Path(value).expanduser())


def _text_of_number(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _tuple_of_list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _known_control(value: str) -> str:
    if value not in CONTROLS:
        raise ValueError("write a control of ISO/IEC 27001:2022, A.5.1 to A.8.34")
    return value


Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Version = Annotated[Text, BeforeValidator(_text_of_number, json_schema_input_type=str | int)]
Control = Annotated[str, AfterValidator(_known_control), WithJsonSchema({"enum": list(CONTROLS)})]
Duration = Annotated[
    timedelta,
    BeforeValidator(seconds),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"}),
]
FilePath = Annotated[
    Path, BeforeValidator(path_from), WithJsonSchema({"type": "string", "minLength": 1})
]
DatabaseAddress = Annotated[
    str,
    BeforeValidator(address),
    WithJsonSchema({"type": "string", "pattern": "^postgres(ql)?://"}),
]
Secret = Annotated[
    SecretRef,
    PlainValidator(reference),
    WithJsonSchema({"type": "string", "pattern": f"^({'|'.join(SCHEMES)}):.+"}),
]
Listed = BeforeValidator(_tuple_of_list)  # a TOML array, kept as a tuple
CheckId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+){2,}$")]
TargetName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same, whatever their case and spacing."""
    return one.casefold().split() == other.casefold().split()
