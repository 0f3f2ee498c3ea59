"""The version of judging code: it changes with what a verdict can depend on, and with no more."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collectors import versions

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes modules of two packages that can be imported; forgets what was read before."""
    monkeypatch.syspath_prepend(tmp_path)

    def put(module: str, text: str) -> None:
        path = tmp_path / Path(*module.split(".")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        (path.parent / "__init__.py").touch()
        path.write_text(text)
        _forget()

    yield put
    _forget()


def _forget() -> None:
    for cached in (versions.code_version, versions._imports, versions._source):
        cached.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] in {"ours_v", "theirs_v"}]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def packages(write: Write) -> Write:
    write("theirs_v.foreign", "limit = 1\n")
    write("ours_v.other", "x = 1\n")
    write("ours_v.deep", "y = 1\n")
    write("ours_v.helper", "import ours_v.deep\n")
    write(
        "ours_v.checks",
        "from ours_v.helper import thing\nfrom theirs_v import foreign\nimport os\n",
    )
    return write


def test_the_same_code_has_the_same_version(packages: Write) -> None:
    before = versions.code_version("ours_v.checks")
    packages(
        "ours_v.checks",
        "from ours_v.helper import thing\nfrom theirs_v import foreign\nimport os\n",
    )
    assert versions.code_version("ours_v.checks") == before
    assert len(before) == 12


@pytest.mark.parametrize("module", ["ours_v.checks", "ours_v.helper", "ours_v.deep"])
def test_a_change_of_a_helper_changes_the_version(packages: Write, module: str) -> None:
    before = versions.code_version("ours_v.checks")
    packages(module, "import ours_v.deep\nfrom ours_v import helper\nz = 2\n")
    assert versions.code_version("ours_v.checks") != before


@pytest.mark.parametrize("module", ["ours_v.other", "theirs_v.foreign"])
def test_what_a_check_cannot_call_or_others_wrote_does_not(packages: Write, module: str) -> None:
    before = versions.code_version("ours_v.checks")
    packages(module, "limit = 2\n")
    assert versions.code_version("ours_v.checks") == before


def test_modules_that_import_each_other_have_a_version(packages: Write) -> None:
    packages("ours_v.helper", "import ours_v.checks\n")
    assert versions.code_version("ours_v.checks") != versions.code_version("ours_v.deep")


def test_a_relative_import_counts_as_well(packages: Write) -> None:
    packages("ours_v.checks", "from .helper import thing\n")
    before = versions.code_version("ours_v.checks")
    packages("ours_v.helper", "thing = 'weaker'\n")
    assert versions.code_version("ours_v.checks") != before
