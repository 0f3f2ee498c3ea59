"""The package repositories of a host, as apt's and dnf's configuration names them."""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from typing import Final, TypedDict

from collectors import MalformedError
from collectors.linux.target import LinuxTarget

APT: Final = "/etc/apt"
YUM: Final = "/etc/yum.repos.d"
DNF: Final = "/etc/dnf/dnf.conf"

ONE_LINE: Final = re.compile(
    r"^(?:deb|deb-src)\s+(?:\[(?P<options>[^]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)"
)
"""sources.list(5), one-line style."""

USER: Final = re.compile(r"(?<=://)[^/\s@]*@")
"""A user and password in an address, which are never kept."""

YES: Final = {"yes", "true", "1", "on", "with", "enable"}


class RepositoryRow(TypedDict):
    """A repository that packages are taken from; `checked` where their signatures must be good."""

    file: str
    address: str
    suite: str
    checked: bool


def repositories(host: LinuxTarget) -> Iterator[RepositoryRow]:
    """Every enabled repository of apt and of dnf or yum, as their files stand in order."""
    main = host.text(f"{APT}/sources.list")
    if main is not None:
        yield from one_line(f"{APT}/sources.list", main)
    for path, text in host.texts(f"{APT}/sources.list.d", ".list").items():
        yield from one_line(path, text)
    for path, text in host.texts(f"{APT}/sources.list.d", ".sources").items():
        yield from deb822(path, text)
    repos = host.texts(YUM, ".repo")
    if repos:
        default = _ini(DNF, host.text(DNF) or "").get("main", {}).get("gpgcheck", "0")
        for path, text in repos.items():
            yield from ini(path, text, default)


def one_line(path: str, text: str) -> Iterator[RepositoryRow]:
    """The repositories of a sources.list; a trusted one is not checked (sources.list(5))."""
    for line in text.splitlines():
        if found := ONE_LINE.match(line.strip()):
            options = dict(
                option.lower().split("=", 1)
                for option in (found["options"] or "").split()
                if "=" in option
            )
            yield _row(path, found["uri"], found["suite"], options)


def deb822(path: str, text: str) -> Iterator[RepositoryRow]:
    """The repositories of a .sources file: paragraphs of fields, each URI with each suite."""
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in paragraph.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in {" ", "\t"} and name:
                fields[name] += f" {line.strip()}"
            else:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("enabled", "yes").lower() in YES:
            for uri in fields.get("uris", "").split():
                for suite in fields.get("suites", "").split():
                    yield _row(path, uri, suite, fields)


def ini(path: str, text: str, default: str) -> Iterator[RepositoryRow]:
    """The repositories of a .repo file; `default` is dnf.conf's gpgcheck (dnf.conf(5))."""
    for section, values in _ini(path, text).items():
        if section == "main" or values.get("enabled", "1").lower() not in YES:
            continue
        address = next(
            (values[n] for n in ("baseurl", "metalink", "mirrorlist") if values.get(n)), ""
        )
        yield {
            "file": path,
            "address": USER.sub("", address.split()[0]) if address.split() else "",
            "suite": section,
            "checked": values.get("gpgcheck", default).lower() in YES,
        }


def _row(path: str, uri: str, suite: str, options: Mapping[str, str]) -> RepositoryRow:
    weak = ("trusted", "allow-insecure", "allow-weak")
    checked = not any(options.get(name, "").lower() in YES for name in weak)
    return {"file": path, "address": USER.sub("", uri), "suite": suite, "checked": checked}


def _ini(path: str, text: str) -> dict[str, dict[str, str]]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        raise MalformedError(f"{path} is no INI file") from None
    return {name: dict(parser[name]) for name in parser.sections()}
