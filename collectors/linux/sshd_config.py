"""The configuration of the OpenSSH server as its files give it (sshd_config(5))."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from collectors import CallError, Cause
from collectors.linux.target import LinuxTarget

MAIN: Final = "/etc/ssh/sshd_config"
FOLDER: Final = "/etc/ssh"
DEEPEST: Final = 16
"""Include files inside one another, as OpenSSH allows (SERVCONF_MAX_DEPTH)."""

LINE: Final = re.compile(r"\s*([A-Za-z]\w*)\s*(?:=|\s)\s*(.*)")

OLD_NAMES: Final = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
}

REPEATABLE: Final = frozenset({"allowusers", "allowgroups", "denyusers", "denygroups"})
"""Keywords of which every line counts; of all others the first."""


@dataclass(frozen=True)
class Setting:
    """One line that sets something; `match` is the condition it stands under, "" for none."""

    keyword: str
    value: str
    match: str = ""


def configuration(host: LinuxTarget) -> dict[str, str]:
    """The main file and all that it includes, by path; empty where there is none."""
    return host.once("sshd configuration", lambda: dict(_files(host, MAIN, 0)))


def settings(files: Mapping[str, str]) -> list[Setting]:
    """Every setting in the order in which sshd meets it, includes unfolded in their places."""
    return list(_settings(files, MAIN, "")) if MAIN in files else []


def global_values(said: list[Setting], keyword: str) -> list[str]:
    """What is set for every connection: the first line, or all of a repeatable keyword."""
    found = [s.value for s in said if s.keyword == keyword and not s.match]
    return found if keyword in REPEATABLE else found[:1]


def included(files: Mapping[str, str], value: str) -> list[str]:
    """The files of an Include line among those read; a relative pattern starts in /etc/ssh."""
    return [path for pattern in _patterns(value) for path in sorted(files) if _fits(path, pattern)]


def _files(host: LinuxTarget, path: str, depth: int) -> Iterator[tuple[str, str]]:
    text = host.text(path)
    if text is None:
        return
    if depth > DEEPEST:
        raise CallError(Cause.MALFORMED, "Include files inside one another without end")
    yield path, text
    for keyword, value in _lines(text):
        if keyword == "include":
            for pattern in _patterns(value):
                for name in _matching(host, pattern):
                    yield from _files(host, name, depth + 1)


def _matching(host: LinuxTarget, pattern: str) -> list[str]:
    folder, _, last = pattern.rpartition("/")
    if "*" in folder or "?" in folder or "[" in folder:
        raise CallError(Cause.PARTIAL, f"Include {pattern}: a pattern of folders is not followed")
    if not any(sign in last for sign in "*?["):
        return [pattern]
    names = host.names(folder or "/") or ()
    return [f"{folder}/{name}" for name in names if _fits(f"{folder}/{name}", pattern)]


def _settings(files: Mapping[str, str], path: str, match: str) -> Iterator[Setting]:
    for keyword, value in _lines(files[path]):
        if keyword == "match":
            match = value
        elif keyword == "include":
            for name in included(files, value):
                yield from _settings(files, name, match)
        else:
            yield Setting(OLD_NAMES.get(keyword, keyword), value, match)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        if found := LINE.match(line):
            yield found[1].lower(), re.sub(r"\s+#.*$", "", found[2]).strip().replace('"', "")


def _patterns(value: str) -> list[str]:
    return [word if word.startswith("/") else f"{FOLDER}/{word}" for word in value.split()]


def _fits(path: str, pattern: str) -> bool:
    """Whether a glob(7) pattern names a path: no hidden file, no deeper folder."""
    folder, _, name = path.rpartition("/")
    wanted_folder, _, wanted = pattern.rpartition("/")
    hidden = name.startswith(".") and not wanted.startswith(".")
    return folder == wanted_folder and not hidden and fnmatch.fnmatchcase(name, wanted)
