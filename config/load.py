"""Read `annexa.toml`: every problem at once, each with its line, none with the value refused."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from config import find
from config.errors import ConfigError
from config.lines import lines
from config.secrets import looks_secret
from config.settings import Settings
from config.suggestions import meant, suggestion
from config.values import ContradictionError, Place

# What pydantic means, in the words of someone who edits a TOML file.
_WORDS = {
    "missing": "is missing",
    "extra_forbidden": "unknown setting",
    "string_type": "write a text in quotes",
    "string_too_short": "is empty",
    "int_type": "write a whole number, without quotes",
    "float_type": "write a number, without quotes",
    "bool_type": "write true or false, without quotes",
    "date_type": "write a date such as 2026-05-01, without quotes",
    "tuple_type": "write a list in square brackets, or [[…]] tables",
    "dict_type": "write a table, [name] or {{…}}",
    "model_type": "write a table, [name] or {{…}}",
    "model_attributes_type": "write a table, [name] or {{…}}",
    "too_short": "the list is empty",
    "greater_than": "must be more than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "write {expected}",
    "union_tag_not_found": "is missing",
    "union_tag_invalid": "unknown; this release knows {expected_tags}",
}

# What a pattern asks for, by the setting that has it.
_PATTERNS = {
    "account": "write the 12 digits of the account, in quotes",
    "role_arn": "write a role's ARN, arn:aws:iam::…:role/…",
    "region": 'write a region such as "eu-central-1"',
    "regions": 'write regions such as "eu-central-1"',
    "accounts": "write the 12 digits of each account, in quotes",
    "role_name": "write the name of a role, not its ARN",
    "endpoint_url": "write an http or https address without a password",
    "name": "name it with letters, digits, dot, dash and underscore, at most 64",
    "bucket": "write a bucket's name",
    "url": "write an address without a password",
    "read_url": "write an address without a password",
    "branch": "write a branch's name",
    "events": 'write types of event such as "control.*"',
    "sender": "write an e-mail address, in ASCII",
    "recipients": "write e-mail addresses, in ASCII",
    "user": "write the account's e-mail address",
    "host": "write a host's name",
    "project": "write a project's key, in capitals",
    "link": "write an address without a password",
    "origin": "write a name without blanks and plus signs",
    "scope": "write organizations/NUMBER, folders/NUMBER or projects/ID",
    "endpoint": "write a host's name, with a port where it is another than 443",
    "target": "write a target's name: letters, digits, dot, dash and underscore",
    "targets": "name it with letters, digits, dot, dash and underscore, at most 64",
    "check": 'write a check\'s id such as "aws.iam.access_key_rotated"',
    "criteria": 'write a check\'s id in quotes, such as "aws.iam.access_key_rotated"',
    "tolerances": 'write a check\'s id in quotes, such as "aws.iam.access_key_rotated"',
}

# Lists of tables of several kinds.
_TAGGED = {("store", "outside"), ("alerts", "endpoints")}

_AT = re.compile(r"(?P<message>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)")


def load(
    given: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    here: Path | None = None,
) -> Settings:
    """Find and read the configuration; without any file, the defaults.

    Args:
        given: the file named on the command line, if any.
        environ: the environment, for $ANNEXA_CONFIG and $ANNEXA_STORE; default the process's own.
        here: the folder looked into for `annexa.toml`; default the current one.

    Raises:
        ConfigError: with all problems of the file, `file:line: setting: message`.
    """
    environ = os.environ if environ is None else environ
    path = find.config_file(given, environ=environ, here=here)
    text = "" if path is None else _text(path)
    return parse(text, path or Path(find.NAME), environ)


def parse(text: str, path: Path, environ: Mapping[str, str]) -> Settings:
    """Read a configuration's text; `path` is what messages name and relative paths start from.

    Raises ConfigError, with all problems in the order of their lines.
    """
    raw = _toml(text, path)
    problems = [(place, "looks like a secret; write a reference to it") for place in _pasted(raw)]
    try:
        settings = Settings.model_validate(
            _with_store(raw, environ), context={"folder": path.absolute().parent}
        )
    except ValidationError as error:
        settings = None
        problems += _problems(error)
    # Outside of the handler, so that no traceback carries the values.
    if settings is None or problems:
        raise ConfigError(_messages(problems, text, path))
    return settings


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not UTF-8 text"]) from None


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        match = _AT.fullmatch(str(error))
        message = match["message"] if match else "is no TOML"
        line = int(match["line"]) if match and match["line"] else text.count("\n") + 1
    raise ConfigError([f"{path}:{line}: not TOML: {message[:1].lower()}{message[1:]}"])


def _with_store(raw: dict[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """What the file says, with the store $ANNEXA_STORE names or, if neither does, the default."""
    table = raw.get("store", {})
    if not isinstance(table, dict):
        return raw
    table = dict(table)
    if environ.get("ANNEXA_STORE"):
        server = find.store_address(environ)
        table.pop("path", None)
        table["url"] = server
        if server is None:
            # A file has no account, and its keys lie beside it.
            table = {name: table[name] for name in table if name not in {"password", "keys"}}
    elif "path" in table:
        table.setdefault("url", None)
    if table.get("url") is None and "path" not in table:
        table["path"] = str(find.store_file(environ))
    if table.get("url") is not None and "keys" not in table:
        table["keys"] = str(find.keys_folder(environ))
    return {**raw, "store": table}


def _pasted(raw: object, place: Place = ()) -> Iterator[Place]:
    """The places of values that have the shape of a secret."""
    if isinstance(raw, dict):
        for key, value in raw.items():
            yield from _pasted(value, (*place, key))
    elif isinstance(raw, list):
        for number, value in enumerate(raw):
            yield from _pasted(value, (*place, number))
    elif isinstance(raw, str) and looks_secret(raw):
        yield place


def _problems(error: ValidationError) -> Iterator[tuple[Place, str]]:
    for problem in error.errors(include_url=False):
        place, kind, context = problem["loc"], problem["type"], problem.get("ctx", {})
        cause = context.get("error")
        if isinstance(cause, ContradictionError):
            for inner, message in cause.problems:
                yield (*_without_tag(place), *inner), message
            continue
        if place and place[-1] == "[key]":  # the name of a table, not its content
            place = place[:-1]
        message = _words(place, kind, context) or problem["msg"].removeprefix("Value error, ")
        setting: Place = ()
        # Pydantic names the table where the platform is wrong; people look for the setting.
        if kind.startswith("union_tag"):
            tag = _tag_name(place)
            setting = (tag,)
            given = problem["input"] if isinstance(problem["input"], dict) else {}
            if kind == "union_tag_not_found" and (close := meant(tag, given)):
                setting, message = (close,), _WORDS["extra_forbidden"] + suggestion(close, (tag,))
        yield (*_without_tag(place), *setting), message


def _words(place: Place, kind: str, context: Mapping[str, Any]) -> str | None:
    """The message for one of pydantic's errors, or None to take its own."""
    if kind == "extra_forbidden":
        return _WORDS[kind] + suggestion(str(place[-1]), _settings_at(place[:-1]))
    named = place[-2] if isinstance(place[-1], int) and len(place) > 1 else place[-1]
    if kind in {"string_type", "string_pattern_mismatch"} and named in _PATTERNS:
        return _PATTERNS[str(named)]
    if kind == "string_pattern_mismatch":  # the name of a table
        return _PATTERNS.get(str(place[0]))
    return _WORDS[kind].format_map(context) if kind in _WORDS else None


def _without_tag(place: Place) -> Place:
    """A place as the file has it: pydantic names the kind of a table after its name or number."""
    if place[:1] == ("targets",):
        return place[:2] + place[3:]
    return place[:3] + place[4:] if place[:2] in _TAGGED else place


def _tag_name(place: Place) -> str:
    """The setting that says of which kind a table is."""
    return "platform" if place[0] == "targets" else "kind"


def _settings_at(place: Place) -> list[str]:
    """The names of the settings a table may have, for suggestions."""
    kind: Any = Settings
    for step in place:
        kind = _inside(kind, step)
    return list(kind.model_fields) if _is_model(kind) else []


def _inside(kind: Any, step: str | int) -> Any:  # noqa: ANN401 - annotations are of any kind
    """The type of what is one step below a type."""
    if _is_model(kind):
        field = kind.model_fields.get(step)
        return _plain(field.annotation) if field else None
    if get_origin(kind) is Union or type(kind).__name__ == "UnionType":
        # A table's step is its platform or kind; any other union is of a model and None.
        tagged = (one for one in get_args(kind) if _is_model(one) and _tag(one) == step)
        return next(tagged, None)
    arguments = [_plain(one) for one in get_args(kind) if one is not Ellipsis]
    return arguments[-1] if arguments else None


def _plain(kind: Any) -> Any:  # noqa: ANN401 - annotations are of any kind
    """A type without its annotations and without None."""
    while get_origin(kind) is not None and hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    models = [one for one in get_args(kind) if one is not type(None)]
    return models[0] if len(models) == 1 and type(None) in get_args(kind) else kind


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _tag(model: type[BaseModel]) -> object:
    field = model.model_fields.get("platform") or model.model_fields.get("kind")
    tag = get_args(field.annotation) if field and get_origin(field.annotation) is Literal else ()
    return tag[0] if tag else None


def _messages(problems: list[tuple[Place, str]], text: str, path: Path) -> list[str]:
    """The problems as a person reads them, in the order of the file."""
    where = lines(text)
    rows = []
    for place, message in problems:
        nearest = next(place[:n] for n in range(len(place), -1, -1) if place[:n] in where)
        rows.append((where[nearest], f"{path}:{where[nearest]}: {_dotted(place)}: {message}"))
    return list(dict.fromkeys(row for _, row in sorted(rows)))


def _dotted(place: Place) -> str:
    """A place as TOML would write it, list positions in brackets counted from 1."""
    words = ""
    for step in place:
        if isinstance(step, int):
            words += f"[{step + 1}]"
        else:
            name = step if re.fullmatch(r"[A-Za-z0-9_-]+", step) else f'"{step}"'
            words += f".{name}" if words else name
    return words or "the file"
