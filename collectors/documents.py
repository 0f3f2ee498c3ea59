"""Resources as stored documents and back: volatile fields apart, secrets never in."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from collectors.model import Absent, Cause, Resource, Unread

SECRET_SHAPES = re.compile(
    r"gh[pousr]_\w{20,}|xox[abpr]-[\w-]{10,}|whsec_[\w+/=]{16,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
    r"|\$(?:[0-9a-z]{1,8})\$[./0-9A-Za-z$,=+-]{20,}"
)
"""Texts that are secrets wherever they stand: tokens, keys, passwords in addresses, hashes."""

Document = dict[str, Any]
Marker = Callable[[str], str]


def marker(key: bytes) -> Marker:
    """Replace a secret by a keyed marker: equal secrets stay comparable, none can be guessed."""

    def mark(secret: str) -> str:
        tag = hmac.digest(key, secret.encode(), hashlib.sha256).hex()[:12]
        return f"[secret {tag}]"

    return mark


def document_of(resource: Resource[Any]) -> Document:
    """The resource as one plain document: identity, the listed row, the facts."""
    return {
        "kind": resource.kind,
        "scope": resource.scope,
        "id": resource.id,
        "listed": resource.listed,
        "facts": {name: _stored(value) for name, value in resource.facts.items()},
    }


def restore(kind: type[Resource[Any]], document: Mapping[str, Any]) -> Resource[Any]:
    """The resource that a stored document describes."""
    return kind(
        id=document["id"],
        scope=document["scope"],
        listed=document["listed"],
        facts={name: _read(value) for name, value in document["facts"].items()},
    )


def without_secrets(document: Document, paths: tuple[str, ...], mark: Marker) -> Document:
    """The document with declared secrets and texts shaped like secrets replaced by markers.

    Most documents hold none: one look at the whole text spares looking at each value.
    """
    if not paths and not SECRET_SHAPES.search(orjson.dumps(document).decode()):
        return document
    clean: Document = _sweep(document, mark)
    for path in paths:
        holder, name = _holder(clean, path)
        if holder is not None and name in holder and holder[name] is not None:
            holder[name] = mark(str(holder[name]))
    return clean


def split(document: Document, volatile: tuple[str, ...]) -> tuple[Document, dict[str, Any]]:
    """The lasting part of a document, and what moves by itself, by path."""
    lasting = document
    moving: dict[str, Any] = {}
    for path in volatile:
        holder, name = _holder(lasting, path)
        if holder is not None and name in holder:
            lasting, holder = _opened(lasting, path)
            moving[path] = holder.pop(name)
    return lasting, moving


def merge(document: Document, moving: Mapping[str, Any]) -> Document:
    """The document as it was read: the lasting part with the moving fields put back."""
    whole = document
    for path, value in moving.items():
        holder, name = _holder(whole, path)
        if holder is not None:
            whole, holder = _opened(whole, path)
            holder[name] = value
    return whole


def _steps(path: str) -> tuple[list[str], str]:
    """The way to the object that holds a path's last name; a fact's answer is its `value`."""
    first, *middle, last = path.split(".")
    if first == "facts" and middle:
        return [first, middle[0], "value", *middle[1:]], last
    return [first, *middle], last


def _holder(document: Document, path: str) -> tuple[dict[str, Any] | None, str]:
    """The object that holds the path's last name, and that name; None where there is none."""
    steps, last = _steps(path)
    at: Any = document
    for name in steps:
        at = at.get(name) if isinstance(at, dict) else None
    return (at, last) if isinstance(at, dict) else (None, last)


def _opened(document: Document, path: str) -> tuple[Document, dict[str, Any]]:
    """A copy that shares everything but the objects on the way to a path, and the last of them."""
    whole = at = dict(document)
    for name in _steps(path)[0]:
        at[name] = dict(at[name])
        at = at[name]
    return whole, at


def _stored(value: object) -> dict[str, object]:
    if isinstance(value, Unread):
        return {
            "unread": {
                "cause": value.cause.value,
                "code": value.code,
                "permission": value.permission,
            }
        }
    if isinstance(value, Absent):
        return {"absent": value.code}
    return {"value": value}


def _read(stored: Mapping[str, Any]) -> object:
    if "unread" in stored:
        why = stored["unread"]
        return Unread(why["code"], why["permission"], Cause(why["cause"]))
    if "absent" in stored:
        return Absent(stored["absent"])
    return stored["value"]


def _sweep(value: Any, mark: Marker) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str):
        return SECRET_SHAPES.sub(lambda found: mark(found.group()), value)
    if isinstance(value, Mapping):
        return {name: _sweep(item, mark) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_sweep(item, mark) for item in value]
    return value
