"""The rooms are top-level packages with plain names: nobody else may bring one of them."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("annexa", "collectors", "config", "evidence_store", "mappings")


@pytest.mark.parametrize("room", [*ROOMS, "scheduler"])
def test_no_other_distribution_brings_one_of_our_names(room: str) -> None:
    bringing = importlib.metadata.packages_distributions().get(room, [])
    assert set(bringing) <= {"annexa"}


@pytest.mark.parametrize("room", [*ROOMS, "scheduler"])
def test_each_room_resolves_into_this_repository(room: str) -> None:
    spec = importlib.util.find_spec(room)
    assert spec
    assert spec.origin
    assert Path(spec.origin).is_relative_to(ROOT)


@pytest.mark.parametrize("room", ROOMS)
def test_each_room_is_typed_and_says_what_is_its_surface(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()
    assert "__all__" in (ROOT / room / "__init__.py").read_text()


def test_the_scheduler_knows_nothing_of_ours() -> None:
    tree = ast.parse((ROOT / "scheduler.py").read_text())
    imported = {
        alias.name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import)
        for alias in node.names
    } | {
        (node.module or "").partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    }
    assert not imported & set(ROOMS)


def test_only_the_http_and_platform_rooms_import_an_sdk() -> None:
    """SDKs are imported where they are used, never by a module that is loaded to list checks."""
    for path in (ROOT / "collectors").rglob("*.py"):
        top = [
            alias.name if isinstance(node, ast.Import) else (node.module or "")
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        ]
        assert not [each for each in top if each.startswith(("boto3", "botocore"))], path


def test_nothing_names_a_place_of_a_machine_or_an_index() -> None:
    locks = list((ROOT / "requirements").glob("*.txt"))
    assert locks
    assert not [path.name for path in locks if "://" in path.read_text()]
