"""The control status at an instant: decisions count from their day and not before or after it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from annexa import posture as posture_module
from annexa.posture import posture, question
from config import Settings
from config.load import parse
from evidence_store import FindingRow
from mappings import RollUp
from mappings.load import load_mapping
from tests.annexa.bench import Bench

FRAMEWORK = load_mapping(plugins=False)
ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
CHECK = "linux.accounts.uid0_unique"
CONTROL = "A.8.2"

TARGETS = """
[targets.web-1]
platform = "linux"
root = "/mnt/web-1"

[targets.db-1]
platform = "linux"
root = "/mnt/db-1"
freshness = "3d"
"""


def settings(more: str = "", targets: str = TARGETS) -> Settings:
    return parse(more + targets, ROOT / "annexa.toml", {})


def row(
    status: str = "pass",
    *,
    target: str = "linux/web-1",
    resource: str = "root",
    seen: timedelta = timedelta(hours=1),
    cause: str | None = None,
) -> FindingRow:
    at = AT - seen
    return FindingRow(
        target, CHECK, "v1", "high", {}, resource, "linux.accounts.account", "host", "host", status,
        cause, "because", at, at, at, 1, 1,
    )  # fmt: skip


class Read:
    """A store that read these targets."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def targets(self, _as_of: datetime | None = None) -> list[object]:
        return [type("Row", (), {"target": name}) for name in self._names]


BOTH = Read("linux/web-1", "linux/db-1")


def rolled(
    rows: Iterable[FindingRow], more: str = "", *, read: Read = BOTH, at: datetime = AT
) -> RollUp:
    return posture(read, settings(more), FRAMEWORK, at, rows)  # type: ignore[arg-type]


def said(result: RollUp) -> str:
    return result.criteria[CHECK].status.value


EXCEPTION = """
[[exceptions]]
check = "linux.accounts.uid0_unique"
target = "web-1"
resource = "to*"
reason = "vendor appliance"
risk_owner = "A. Owner"
approved_by = "M. Boss"
approved_on = 2026-11-01
expires = 2026-11-24
"""


@pytest.mark.parametrize(
    ("at", "excepted"),
    [
        (datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC), 0),
        (datetime(2026, 11, 1, tzinfo=UTC), 1),
        (AT, 1),
        (datetime(2026, 11, 24, 23, 59, 59, tzinfo=UTC), 1),
        (datetime(2026, 11, 25, tzinfo=UTC), 0),
    ],
)
def test_an_exception_counts_from_its_approval_to_the_end_of_its_last_day(
    at: datetime, excepted: int
) -> None:
    fresh = at - AT + timedelta(hours=1)
    rows = [row("fail", resource="toor", seen=timedelta(hours=2) - fresh)]
    assert rolled(rows, EXCEPTION, at=at).criteria[CHECK].counts.excepted == excepted


@pytest.mark.parametrize(
    ("target", "resource", "excepted"),
    [("linux/web-1", "toor", 1), ("linux/db-1", "toor", 0), ("linux/web-1", "root", 0)],
)
def test_an_exception_is_limited_to_its_target_and_resources(
    target: str, resource: str, excepted: int
) -> None:
    rows = [row("fail", target=target, resource=resource)]
    assert rolled(rows, EXCEPTION).criteria[CHECK].counts.excepted == excepted


def test_a_declared_target_that_was_never_read_counts_as_missing() -> None:
    result = rolled([row()], read=Read("linux/web-1"))
    assert result.criteria[CHECK].counts.missing == 1
    assert said(result) == "unknown"
    assert said(rolled([row()], read=BOTH)) == "met"


def test_a_population_larger_than_what_is_declared_counts_as_missing() -> None:
    scope = """
[scope]
name = "S"
version = "1"
approved_by = "x"
approved_on = 2026-01-01
[scope.population]
linux = 5
"""
    rows = [row(target="linux/web-1"), row(target="linux/db-1")]
    assert rolled(rows, scope).criteria[CHECK].counts.missing == 3


def test_a_target_out_of_scope_counts_neither_way() -> None:
    out = """
[[scope.out]]
target = "db-1"
reason = "r"
author = "a"
date = 2026-11-20
"""
    rows = [row(), row("fail", target="linux/db-1")]
    assert said(rolled(rows)) == "not_met"
    result = rolled(rows, out, read=Read("linux/web-1"))
    assert (said(result), result.criteria[CHECK].counts.missing) == ("met", 0)


def test_a_target_says_itself_how_soon_its_evidence_is_stale() -> None:
    two, four = timedelta(days=2), timedelta(days=4)
    rows = [row(target="linux/db-1", seen=two), row(seen=four)]
    assert rolled(rows).criteria[CHECK].counts.stale == 0
    rows = [row(target="linux/db-1", seen=four), row(seen=four)]
    assert rolled(rows).criteria[CHECK].counts.stale == 1


def test_a_schedule_makes_evidence_stale_after_three_missed_sweeps() -> None:
    every = '[schedule]\nevery = "6h"\n'
    assert rolled([row(seen=timedelta(hours=17))], every).criteria[CHECK].counts.stale == 0
    assert rolled([row(seen=timedelta(hours=19))], every).criteria[CHECK].counts.stale == 1


def test_a_tolerance_counts_from_its_approval() -> None:
    tolerance = (
        f'[tolerances."{CHECK}"]\ncount = 1\nsource = {{ document = "P", version = "1", '
        'section = "2", approved_by = "x", approved_on = {} }\n'
    )
    rows = [row(), row("fail", resource="toor")]
    assert said(rolled(rows, tolerance.replace("{}", "2026-11-25"))) == "not_met"
    allowed = rolled(rows, tolerance.replace("{}", "2026-11-24")).criteria[CHECK]
    assert allowed.status.value != "not_met"
    assert allowed.tolerance_source == "P v1 §2"


def test_what_is_unread_is_never_met() -> None:
    result = rolled([row(), row("unknown", resource="toor", cause="denied")])
    assert (said(result), result.criteria[CHECK].counts.unread) == ("unknown", 1)
    undecided = rolled([row("unknown", cause="criterion_missing")])
    assert undecided.criteria[CHECK].counts.undecided == 1


def test_an_excluded_control_is_excluded_from_the_day_of_its_approval(tmp_path: Path) -> None:
    example = (ROOT / "config/soa.example.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(example.splitlines()))
    for each in rows:
        if each["control"] == CONTROL:
            each |= {"applicable": "no", "declared_status": "", "approved_on": "2026-11-24"}
    file = tmp_path / "soa.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    soa = f'[soa]\nfile = "{file}"\nversion = "1"\napproved_by = "x"\napproved_on = 2026-11-24\n'
    found = [row()]
    assert rolled(found, soa).controls[CONTROL].status.value == "excluded"
    before = rolled([row(seen=timedelta(days=2))], soa, at=AT - timedelta(days=1))
    assert before.controls[CONTROL].status.value != "excluded"


def test_every_control_has_a_status_even_without_any_evidence(bench: Bench) -> None:
    empty = parse("", ROOT / "annexa.toml", {})
    result = posture(bench.store, empty, FRAMEWORK, AT)
    assert len(result.controls) == 93
    assert "met" not in {each.status.value for each in result.controls.values()}


def test_attestations_and_reports_are_taken_over_with_their_last_day() -> None:
    more = """
[[attestations]]
control = "A.7.4"
statement = "cameras run"
owner = "A. Owner"
observed_on = 2026-11-01
expires_on = 2026-11-24
reviewer = "M. Boss"
reviewed_on = 2026-11-02

[[inherited]]
control = "A.7.1"
provider = "Cloud"
report = "SOC 2"
services = ["compute"]
services_used = ["compute"]
regions = ["eu"]
regions_used = ["eu"]
covers_from = 2026-01-01
covers_to = 2026-12-31
reviewed_by = "M. Boss"
reviewed_on = 2026-02-01
duties_mapped = true
"""
    asked = question(BOTH, settings(more), AT, [])  # type: ignore[arg-type]
    (stated,), (report,) = asked.attestations, asked.reports
    assert stated.expires == datetime(2026, 11, 25, tzinfo=UTC)
    assert (report.provider, report.covers_to) == ("Cloud", datetime(2027, 1, 1, tzinfo=UTC))
    result = rolled([], more)
    assert result.controls["A.7.4"].status.value == "attested"
    assert result.controls["A.7.1"].status.value == "inherited"
    later = rolled([], more, at=datetime(2026, 11, 25, tzinfo=UTC))
    assert later.controls["A.7.4"].status.value != "attested"


def test_the_findings_handed_in_are_not_read_again(bench: Bench) -> None:
    empty = parse("", ROOT / "annexa.toml", {})
    rows = [row("fail")]
    result = posture(bench.store, empty, FRAMEWORK, AT, rows)
    assert said(result) == "not_met"
    assert posture_module.exceptions(empty) == []
