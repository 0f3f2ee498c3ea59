"""What sudo lets whom do, as sudoers(5) defines it, includes and aliases unfolded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

from collectors import CallError, Cause, MalformedError
from collectors.linux.target import LinuxTarget

MAIN: Final = "/etc/sudoers"
DEEPEST: Final = 128

INCLUDE: Final = re.compile(r"[@#]include(?P<folder>dir)?\s+(?P<path>\"[^\"]+\"|(?:\\.|\S)+)")
COMMENT: Final = re.compile(r"(?<!\\)#(?!-?\d).*")
DEFAULTS: Final = re.compile(r"Defaults(?P<scope>[@:!>](?:\s*,\s*|[^\s,])+)?\s+(?P<rest>.+)")
SETTING: Final = re.compile(
    r"(?P<off>!*)\s*(?P<name>\w+)\s*(?:[+-]?=\s*(?P<value>\"[^\"]*\"|(?:\\.|[^,\\])*))?(?:,|$)\s*"
)
ALIAS: Final = re.compile(r"(?P<kind>User|Runas|Host|Cmnd|Cmd)_Alias\s+(?P<rest>.+)")
ALIAS_NAME: Final = re.compile(r"(?:^|\s*:\s*)(?P<name>[A-Z][A-Z0-9_]*)\s*=\s*")
WORD: Final = re.compile(r'(?:"[^"]*"|\\.|[^\s"\\])+')

TAGS: Final = "(?:NO)?(?:PASSWD|EXEC|SETENV|LOG_INPUT|LOG_OUTPUT|MAIL|FOLLOW|INTERCEPT)"
PIECE: Final = re.compile(
    r"\s*(?:"
    r"(?P<comma>,)"
    r"|\((?P<runas>[^)]*)\)"
    rf"|(?P<tag>{TAGS})\s*:"
    r"|(?P<option>(?:ROLE|TYPE|PRIVS|LIMITPRIVS|NOTBEFORE|NOTAFTER|TIMEOUT|CWD|CHROOT"
    r"|APPARMOR_PROFILE)\s*=\s*(?:\"[^\"]*\"|\S+))"
    r"|:\s*(?P<hosts>[^=]+?)\s*="
    r"|(?P<command>(?:sha\d{3}\s*:\s*\S+\s+)*(?:\"[^\"]*\"|\\.|[^,:\\])+)"
    r")\s*"
)


class Allowed(TypedDict):
    """One command that is allowed, as whom, and whether a password is asked for."""

    command: str
    run_as: list[str]
    password: bool


class Grant(TypedDict):
    """One line that lets somebody do something; aliases of commands and users are unfolded."""

    path: str
    text: str
    who: list[str]
    allowed: list[Allowed]


class Default(TypedDict):
    """One setting; `scope` is "" where it holds for everybody, else as written (`:ada`)."""

    scope: str
    name: str
    on: bool
    value: str


@dataclass
class Sudoers:
    """All files together."""

    grants: list[Grant] = field(default_factory=list)
    defaults: list[Default] = field(default_factory=list)


def sudoers(host: LinuxTarget) -> Sudoers:
    """Everything that the files say.

    Raises:
        CallError: a file may not be read, or grants also come from a directory.
        MalformedError: a line is none of sudoers(5).
    """
    return host.once("sudoers", lambda: _read(host))


def parsed(files: list[tuple[str, str]]) -> Sudoers:
    """What the lines of these files say, in their order."""
    found = Sudoers()
    lines = [(path, line) for path, text in files for line in _lines(text)]
    aliases: dict[str, dict[str, list[str]]] = {"User": {}, "Runas": {}, "Host": {}, "Cmnd": {}}
    rest = []
    for path, line in lines:
        if alias := ALIAS.fullmatch(line):
            kind = alias["kind"].replace("Cmd", "Cmnd")
            aliases[kind] |= _aliases(alias["rest"])
        elif default := DEFAULTS.fullmatch(line):
            scope = re.sub(r"\s", "", default["scope"] or "")
            found.defaults += _settings(scope, default["rest"])
        elif not INCLUDE.fullmatch(line):
            rest.append((path, line))
    found.grants = [_grant(path, line, aliases) for path, line in rest]
    return found


def _read(host: LinuxTarget) -> Sudoers:
    switch = host.text("/etc/nsswitch.conf") or ""
    sources = re.search(r"(?m)^\s*sudoers:\s*(.*)$", switch)
    if sources and set(sources[1].partition("#")[0].split()) - {"files"}:
        raise CallError(Cause.PARTIAL, f"sudo also asks {sources[1].strip()} (nsswitch.conf)")
    return parsed(list(_files(host, MAIN, 0)))


def _files(host: LinuxTarget, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth > DEEPEST:
        raise CallError(Cause.MALFORMED, "sudoers files include one another without end")
    text = host.text(path)
    if text is None:
        return
    kept: list[str] = []
    for line in _lines(text):
        if not (found := INCLUDE.fullmatch(line)):
            kept.append(line)
            continue
        yield path, "\n".join(kept)
        kept = []
        target = re.sub(r"\\(.)", r"\1", found["path"].strip('"'))
        if "%h" in target:
            raise CallError(Cause.PARTIAL, f"the include {target} depends on the host's name")
        target = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
        names = (host.names(target) or []) if found["folder"] else None
        for place in [target] if names is None else _named(target, names):
            yield from _files(host, place, depth + 1)
    yield path, "\n".join(kept)


def _named(folder: str, names: list[str]) -> list[str]:
    """The files sudo reads in a folder: none that ends in ~ or has a dot."""
    return [f"{folder.rstrip('/')}/{n}" for n in names if "." not in n and not n.endswith("~")]


def _lines(text: str) -> Iterator[str]:
    for raw in text.replace("\\\n", " ").split("\n"):
        line = raw.strip()
        if not INCLUDE.fullmatch(line):
            line = COMMENT.sub("", line).strip()
        if line:
            yield line


def _settings(scope: str, text: str) -> Iterator[Default]:
    for found in SETTING.finditer(text):
        yield {
            "scope": scope,
            "name": found["name"],
            "on": len(found["off"]) % 2 == 0,
            "value": (found["value"] or "").strip().strip('"'),
        }


def _aliases(text: str) -> dict[str, list[str]]:
    names = list(ALIAS_NAME.finditer(text))
    ends = [name.start() for name in names[1:]] + [len(text)]
    return {
        name["name"]: _members(text[name.end() : end])
        for name, end in zip(names, ends, strict=True)
    }


def _members(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<!\\),", text) if part.strip()]


def _unfolded(name: str, aliases: Mapping[str, list[str]], depth: int = 0) -> Iterator[str]:
    if name in aliases and depth < DEEPEST:
        for member in aliases[name]:
            yield from _unfolded(member, aliases, depth + 1)
    else:
        yield name


def _grant(path: str, line: str, aliases: Mapping[str, Mapping[str, list[str]]]) -> Grant:
    left, sign, right = line.partition("=")
    words = WORD.findall(re.sub(r"\s*,\s*", ",", left.strip()))
    if not sign or len(words) < 2:
        raise MalformedError(f"{path}: a line is none of sudoers(5)")
    who = [name for name in _members(words[0])]
    return {
        "path": path,
        "text": re.sub(r"\s+", " ", line),
        "who": sorted({n for name in who for n in _unfolded(name, dict(aliases["User"]))}),
        "allowed": list(_allowed(path, right, aliases)),
    }


def _allowed(
    path: str, text: str, aliases: Mapping[str, Mapping[str, list[str]]]
) -> Iterator[Allowed]:
    """The commands; who runs them and the tags hold on until another is named."""
    run_as, password = ["root"], True
    at = 0
    while at < len(text):
        piece = PIECE.match(text, at)
        if not piece or piece.end() == at:
            raise MalformedError(f"{path}: a line is none of sudoers(5)")
        at = piece.end()
        if piece["runas"] is not None:
            names = _members(piece["runas"].partition(":")[0])
            run_as = sorted({n for m in names for n in _unfolded(m, dict(aliases["Runas"]))})
        elif piece["tag"] in {"PASSWD", "NOPASSWD"}:
            password = piece["tag"] == "PASSWD"
        elif piece["hosts"] is not None:
            run_as, password = ["root"], True
        elif piece["command"]:
            for command in _unfolded(piece["command"].strip(), dict(aliases["Cmnd"])):
                yield {"command": command, "run_as": run_as, "password": password}
