"""The grammar of sudoers(5): who may run what, and which defaults are in force."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

INCLUDE: Final = re.compile(r'[@#](include|includedir)\s+(?:"([^"]+)"|((?:\\.|\S)+))\s*$')
ALIAS: Final = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\s+(.*)$")
DEFAULTS: Final = re.compile(
    r"Defaults(?P<scope>[@:!>]\s*[^\s,]+(?:\s*,\s*[^\s,]+)*)?(?:\s+(?P<settings>.*))?$"
)
COMMENT: Final = re.compile(r"(?<!\\)#(?!-?\d).*$")
"""A number after the sign is a user's, not a comment."""

OPTION: Final = re.compile(
    r"(?:ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS|CWD|CHROOT|TIMEOUT|NOTBEFORE|NOTAFTER)"
    r'\s*=\s*(?:"[^"]*"|\S+)\s*'
)
TAG: Final = re.compile(r"([A-Z_]+)\s*:(?!:)\s*")
WORD: Final = r'(?:!?\s*"[^"]*"|(?:\\.|[^\s,\\])+)'
"""A name in a list, with blanks in it only where quoted or escaped."""

CALLER: Final = "the caller"
"""Who a command runs as where a rule names groups only."""

Names = tuple[str, ...]


@dataclass(frozen=True)
class Grant:
    """One command of a rule: who it runs as, and whether its tag settles the password."""

    who: Names
    run_as: Names
    command: str
    password: bool | None


@dataclass(frozen=True)
class Default:
    """One setting; `scope` is "" for all, else as written: `:deploy`, `!/usr/bin/ls`."""

    scope: str
    name: str
    value: str
    on: bool


def included(line: str, folder: str) -> tuple[str, str] | None:
    """What a line includes: `include` or `includedir`, and the path; None for other lines."""
    found = INCLUDE.match(line.strip())
    if not found:
        return None
    path = (found[2] or found[3]).replace("\\", "")
    return found[1], path if path.startswith("/") else f"{folder}/{path}"


def counts(name: str) -> bool:
    """Whether sudo reads a file of this name in a folder: backups and packages' files not."""
    return "." not in name and not name.endswith("~")


def lines(text: str) -> Iterator[str]:
    """The logical lines: continued ones joined, comments gone, includes kept."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        stripped = line.strip()
        kept = stripped if INCLUDE.match(stripped) else COMMENT.sub("", stripped).strip()
        if kept:
            yield kept


def in_order(texts: Mapping[str, str], path: str, *within: str) -> Iterator[str]:
    """The logical lines of a file with its includes in their places, as far as they are there.

    A file that includes itself, directly or not, is taken once; sudo refuses to work with it.
    """
    if path in within:
        return
    for line in lines(texts.get(path, "")):
        include = included(line, path.rpartition("/")[0])
        if include is None:
            yield line
        elif include[0] == "include":
            # The host's own name stands for %h; only the file that it gives was read.
            pattern = include[1].replace("%h", "*")
            for each in sorted(texts):
                if fnmatchcase(each, pattern):
                    yield from in_order(texts, each, path, *within)
        else:
            for each in sorted(texts):
                if each.rpartition("/")[0] == include[1]:
                    yield from in_order(texts, each, path, *within)


def aliases(logical: Sequence[str]) -> dict[str, Names]:
    """What every alias stands for, by its name."""
    found: dict[str, Names] = {}
    for line in logical:
        if match := ALIAS.match(line):
            for definition in _split(match[2], ":"):
                name, sign, members = definition.partition("=")
                if sign:
                    found[name.strip()] = _names(members)
    return found


def expanded(names: Names, known: Mapping[str, Names], depth: int = 0) -> Names:
    """The names with aliases replaced by what they stand for; excluded ones are left out."""
    found: list[str] = []
    for name in names:
        if name.startswith("!"):
            continue
        inner = known.get(name) if depth < len(known) else None
        found += [name] if inner is None else expanded(inner, known, depth + 1)
    return tuple(dict.fromkeys(found))


def defaults(logical: Sequence[str]) -> list[Default]:
    """Every setting of the Defaults lines, in their order."""
    found: list[Default] = []
    for line in logical:
        match = DEFAULTS.match(line)
        if not match:
            continue
        scope = re.sub(r"\s+", "", match["scope"] or "")
        for setting in _split(match["settings"] or "", ","):
            name, _, value = setting.partition("=")
            bare = name.rstrip("+- ").strip()
            on = not bare.startswith("!")
            found.append(Default(scope, bare.lstrip("! "), value.strip().strip('"'), on))
    return found


def grants(logical: Sequence[str]) -> list[Grant]:
    """Every command of every user specification."""
    found: list[Grant] = []
    for line in logical:
        if ALIAS.match(line) or DEFAULTS.match(line) or INCLUDE.match(line):
            continue
        head, sign, rest = line.partition("=")
        if sign:
            who = _users(head)
            # further hosts follow after a colon: `web = ls : db = cat`
            for commands in re.split(r"(?<!\\)\s:\s[^=:]+=", rest):
                found += _granted(who, commands)
    return found


def _granted(who: Names, commands: str) -> Iterator[Grant]:
    """The commands of one list; what they run as and their tags hold for those that follow."""
    run_as: Names = ("root",)
    password: bool | None = None
    for written in _split(commands, ","):
        command = written
        if match := re.match(r"\(([^)]*)\)\s*", command):
            users, colon, _ = match[1].partition(":")
            run_as = _names(users) or ((CALLER,) if colon else ("root",))
            command = command[match.end() :]
        while match := OPTION.match(command) or TAG.match(command):
            tag = match[1] if match.re is TAG else ""
            password = {"NOPASSWD": False, "PASSWD": True}.get(tag, password)
            command = command[match.end() :]
        yield Grant(who, run_as, command.strip(), password)


def _users(head: str) -> Names:
    """The users before the hosts: the list ends where no comma joins the next word."""
    match = re.match(rf"\s*({WORD}(?:\s*,\s*{WORD})*)", head)
    return _names(match[1]) if match else ()


def _names(text: str) -> Names:
    return tuple(re.sub(r"^(!?)\s*", r"\1", each).replace('"', "") for each in _split(text, ","))


def _split(text: str, separator: str) -> list[str]:
    """The parts between separators that are neither escaped, quoted nor in parentheses."""
    parts = [""]
    quoted = False
    depth = 0
    skip = False
    for sign in text:
        if not skip and not quoted and depth == 0 and sign == separator:
            parts.append("")
            continue
        if not skip:
            quoted ^= sign == '"'
            depth += 0 if quoted else (sign == "(") - (sign == ")")
        skip = sign == "\\" and not skip
        parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]
