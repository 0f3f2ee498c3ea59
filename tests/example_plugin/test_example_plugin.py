"""A collector of another distribution: found, listed, swept, conforming, and refused on a clash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner, Result

from annexa.cli import annexa
from collectors import CatalogError, Connection, Status, catalog
from collectors.linux import LinuxConnection
from collectors.testing import Conformance, judge

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))
try:
    import annexa_acme
finally:
    sys.path.remove(str(FOLDER))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(FOLDER)
    yield
    sys.path_importer_cache.clear()


@pytest.fixture
def host(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "etc").mkdir(parents=True)
    (root / "etc/os-release").write_text('ID=debian\nVERSION_ID="12"\n')
    (root / "etc/issue.net").write_text("Property of Acme\n")
    return root


def run(*arguments: str) -> Result:
    return CliRunner().invoke(annexa, arguments, standalone_mode=False)


class TestConformance(Conformance):
    collectors = (annexa_acme.collector,)

    @pytest.fixture
    def connection(self, host: Path) -> Connection:
        return LinuxConnection("web-1", str(host))


@pytest.mark.parametrize(
    ("text", "status"),
    [("Property of Acme\n", Status.PASS), ("Welcome\n", Status.FAIL), (None, Status.FAIL)],
)
def test_the_check_judges_the_banner(text: str | None, status: Status) -> None:
    banner = annexa_acme.Banner(id="/etc/issue.net", listed={"text": text})
    assert judge(annexa_acme.names_its_owner, banner).status is status


@pytest.mark.usefixtures("installed")
def test_it_is_found_by_its_entry_point_among_our_own() -> None:
    found = catalog()
    assert found.collector_of["linux.acme.banner"].title == "Acme's sign-in banner"
    assert "linux.acme.names_its_owner" in found.checks
    assert "linux.acme.names_its_owner" not in catalog(plugins=False).checks
    names = [collector.name for collector in found]
    assert names == sorted(names)


@pytest.mark.usefixtures("installed")
def test_the_command_lists_it_and_names_no_control_for_it() -> None:
    ended = run("collectors", "--collector", "linux.acme", "--checks", "--format", "json")
    (row,) = orjson.loads(ended.stdout)
    assert row["check_id"] == "linux.acme.names_its_owner"
    assert row["controls"] == [], "a check that is mapped to nothing says so"


def test_a_sweep_reads_with_it_and_its_evidence_outlives_it(
    host: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = str(tmp_path / "evidence.db")
    with monkeypatch.context() as patched:
        patched.syspath_prepend(FOLDER)
        swept = run("sweep", "--store", store, "--root", str(host), "--collector", "linux.acme")
    assert swept.exit_code == 0, swept.stderr
    assert "pass 1   fail 0" in swept.stdout
    monkeypatch.delitem(sys.modules, "annexa_acme")
    for command in ("status", "findings", "unknowns", "verify"):
        assert run(command, "--store", store).exit_code == 0, command
    rows = run("findings", "--store", store, "--format", "csv").stdout.splitlines()
    assert rows[1].startswith("linux/image-")
    assert "linux.acme.names_its_owner,/etc/issue.net,linux.acme.banner,host,pass" in rows[1]
    replayed = run("evidence", "replay", "--store", store).stdout
    assert "1 not compared: the check is not installed" in replayed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "from collectors import Collector\ncollector = Collector('linux.net', title='x')\n",
            "two installed collectors bring the collector 'linux.net'",
        ),
        (
            (
                "from annexa_acme import *\nfrom collectors import Collector\n"
                "collector = Collector('linux.other', 'x', listings=[])\n"
                "collector.resources(Banner, permission='p')(lambda t: iter(()))\n"
            ),
            "two installed collectors bring the kind 'linux.acme.banner'",
        ),
        ("collector = 3\n", "annexa_bad"),
        ("import no_such_module\n", "annexa_bad"),
    ],
    ids=["a name of ours", "a kind of another's", "no collector", "a broken module"],
)
def test_a_distribution_that_clashes_or_breaks_is_refused_with_its_name(
    tmp_path: Path, text: str, message: str
) -> None:
    folder = tmp_path / "bad"
    (folder / "annexa_bad-1.dist-info").mkdir(parents=True)
    (folder / "annexa_bad-1.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: annexa-bad\nVersion: 1\n"
    )
    (folder / "annexa_bad-1.dist-info/entry_points.txt").write_text(
        "[annexa.collectors]\nbad = annexa_bad:collector\n"
    )
    (folder / "annexa_bad.py").write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "annexa", "collectors"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{FOLDER}"},
    )
    assert ended.returncode == 3, ended.stderr
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_clash_is_an_error_of_the_catalogue() -> None:
    from collectors import Catalog  # noqa: PLC0415 - only here

    with pytest.raises(CatalogError, match=r"bring the collector 'linux\.acme'"):
        Catalog((annexa_acme.collector, annexa_acme.collector))
