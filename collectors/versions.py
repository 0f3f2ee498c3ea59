"""The version of judging code: a digest over the modules a check's verdict can depend on."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from functools import cache


@cache
def code_version(module: str) -> str:
    """The first 12 hex digits of SHA-256 over the module and what it imports of its own package.

    A check's helpers live beside it, so a change in a shared helper changes the version of every
    check that can call it: an old pass can never be explained by a quietly weakened check.
    """
    digest = hashlib.sha256()
    for name in sorted(_closure(module)):
        digest.update(name.encode() + b"\0" + _source(name).encode() + b"\0")
    return digest.hexdigest()[:12]


def _closure(module: str) -> set[str]:
    package = module.partition(".")[0]
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imports(name, package)
    return found


@cache
def _imports(module: str, package: str) -> tuple[str, ...]:
    """The modules of a package that a module imports; others are not even looked for."""
    names: list[str] = []
    for node in ast.walk(ast.parse(_source(module))):
        if isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            names += [origin, *(f"{origin}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    own = (name for name in names if name.partition(".")[0] == package)
    return tuple(name for name in own if _source(name))


def _origin(module: str, node: ast.ImportFrom) -> str:
    """The module an import names; one that begins with dots counts from its own package."""
    if not node.level:
        return node.module or ""
    spec = importlib.util.find_spec(module)
    package = (spec.parent if spec else "") or ""
    return importlib.util.resolve_name(f"{'.' * node.level}{node.module or ''}", package)


@cache
def _source(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return ""
    loader = spec.loader if spec else None
    read = getattr(loader, "get_source", None)
    return (read(module) or "") if read else ""
