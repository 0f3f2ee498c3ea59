"""What PAM asks at a sign-in or a password change (pam.d(5)), includes unfolded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, TypedDict

from collectors import CallError, Cause, MalformedError
from collectors.linux.target import LinuxTarget

FOLDERS: Final = ("/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d")
"""Where services are described, the first that has one counts (Linux-PAM 1.6, openSUSE)."""

DEEPEST: Final = 16

LINE: Final = re.compile(
    r"(?i)-?(?P<type>auth|account|password|session)\s+"
    r"(?P<control>\[[^\]]*\]|\S+)\s+(?P<module>\S+)\s*(?P<rest>.*)$"
)
ARGUMENT: Final = re.compile(r"\[(?:[^\]\\]|\\.)*\]|\S+")


class Line(TypedDict):
    """One module that is asked, without its folder."""

    control: str
    module: str
    arguments: list[str]


def stack(host: LinuxTarget, service: str, kind: str) -> list[Line] | None:
    """The modules that a service asks for a kind (auth, account, password), in their order.

    None where the service has no file of its own: PAM then uses the service `other`.
    """
    text = _text(host, service)
    return None if text is None else list(_lines(host, text, kind, 0))


def arguments(line: Line) -> dict[str, str]:
    """The arguments with a value, by name; those without have an empty one."""
    pairs = (argument.strip("[]").partition("=") for argument in line["arguments"])
    return {name: value for name, _, value in pairs}


def is_required(line: Line) -> bool:
    """Whether a sign-in fails where the module fails."""
    control = line["control"].lower()
    if control.startswith("["):
        return not re.search(r"\bdefault=(?:ignore|ok|done|\d+)", control)
    return control in {"required", "requisite"}


def settings(text: str) -> dict[str, str]:
    """The names and values of a file in /etc/security; a name alone has an empty value."""
    found = {}
    for raw in text.split("\n"):
        line = raw.partition("#")[0].strip()
        name, _, value = line.partition("=")
        if name.strip():
            found[name.strip()] = value.strip()
    return found


def _text(host: LinuxTarget, service: str) -> str | None:
    for folder in FOLDERS:
        path = service if service.startswith("/") else f"{folder}/{service}"
        if (text := host.text(path)) is not None:
            return text
    return None


def _lines(host: LinuxTarget, text: str, kind: str, depth: int) -> Iterator[Line]:
    if depth > DEEPEST:
        raise CallError(Cause.MALFORMED, "PAM files include one another without end")
    for raw in text.replace("\\\n", " ").split("\n"):
        line = raw.partition("#")[0].strip()
        words = line.split()
        if words and words[0] == "@include":
            yield from _included(host, words[-1], kind, depth)
        elif (found := LINE.match(line)) and found["type"].lower() == kind:
            if found["control"].lower() in {"include", "substack"}:
                yield from _included(host, found["module"], kind, depth)
            else:
                yield {
                    "control": found["control"],
                    "module": found["module"].rpartition("/")[2],
                    "arguments": ARGUMENT.findall(found["rest"]),
                }


def _included(host: LinuxTarget, service: str, kind: str, depth: int) -> Iterator[Line]:
    text = _text(host, service)
    if text is None:
        raise MalformedError(f"PAM includes {service}, which is not there")
    yield from _lines(host, text, kind, depth + 1)
