"""The SSH keys that open an account, by fingerprint, as sshd(8) reads them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypedDict

from collectors import CallError, Cause
from collectors.linux.sshd_config import Setting, configuration, settings
from collectors.linux.target import LinuxTarget
from collectors.linux.users import Account

DEFAULT_FILES: Final = (".ssh/authorized_keys", ".ssh/authorized_keys2")
"""AuthorizedKeysFile where nothing names another (sshd_config(5))."""

KEY: Final = re.compile(
    r"(?P<type>(?:sk-)?(?:ssh|ecdsa)-[\w@.-]+)[ \t]+(?P<blob>[A-Za-z0-9+/]{16,}={0,2})"
    r"(?:[ \t]+(?P<comment>.*))?$"
)

OPTION: Final = re.compile(r'([\w-]+)(?:="(?:[^"\\]|\\.)*")?(?:,|$)')


class Key(TypedDict):
    """A key that is accepted for an account; of its options only the names are kept."""

    account: str
    path: str
    type: str
    fingerprint: str
    comment: str
    options: list[str]


def keys_of(host: LinuxTarget, account: Account) -> list[Key]:
    """The keys in an account's files, each once.

    Raises:
        CallError: a file could not be read, or the keys come from elsewhere.
    """
    said = host.once("sshd settings", lambda: settings(configuration(host)))
    return [key for path in paths(said, account) for key in _keys(host, account["name"], path)]


def further_sources(host: LinuxTarget) -> None:
    """Raise where sshd asks a program for keys: those cannot be listed (sshd_config(5))."""
    for setting in host.once("sshd settings", lambda: settings(configuration(host))):
        if setting.keyword == "authorizedkeyscommand" and setting.value.lower() != "none":
            raise CallError(Cause.PARTIAL, "AuthorizedKeysCommand gives further keys")


def paths(said: Sequence[Setting], account: Account) -> list[str]:
    """Every file that may hold keys of an account: those of all Match blocks together."""
    given = [s.value for s in said if s.keyword == "authorizedkeysfile"]
    everywhere = any(s.keyword == "authorizedkeysfile" and not s.match for s in said)
    patterns = [] if everywhere else list(DEFAULT_FILES)
    patterns += [word for value in given for word in value.split() if word.lower() != "none"]
    tokens = {"%%": "%", "%h": account["home"], "%u": account["name"], "%U": str(account["uid"])}
    found = [_expanded(pattern, tokens) for pattern in patterns]
    absolute = [p if p.startswith("/") else f"{account['home'].rstrip('/')}/{p}" for p in found]
    return list(dict.fromkeys(absolute))


def parsed(text: str, account: str, path: str) -> Iterator[Key]:
    """The keys in a file; lines that are none are skipped, as sshd does.

    A line ends with a line feed only, here as in the other files: what Python would take for the
    end of a line besides is a comment to the programs that read them.
    """
    for raw in text.split("\n"):
        line = raw.strip()
        found = None if line.startswith("#") else KEY.search(line)
        if found and (fingerprint := _fingerprint(found["blob"])):
            yield Key(
                account=account,
                path=path,
                type=found["type"],
                fingerprint=fingerprint,
                comment=(found["comment"] or "").strip(),
                options=sorted(OPTION.findall(line[: found.start()].strip())),
            )


def _keys(host: LinuxTarget, account: str, path: str) -> Iterator[Key]:
    text = host.text(path)
    if text is not None:
        unique = {key["fingerprint"]: key for key in parsed(text, account, path)}
        yield from unique.values()


def _expanded(pattern: str, tokens: Mapping[str, str]) -> str:
    return re.sub(r"%[%huU]", lambda token: tokens[token.group()], pattern)


def _fingerprint(blob: str) -> str | None:
    """What `ssh-keygen -l` prints: SHA-256 in base64 without padding."""
    try:
        digest = hashlib.sha256(base64.b64decode(blob, validate=True)).digest()
    except binascii.Error:
        return None
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
