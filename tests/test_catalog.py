"""Every collector at once: what a new one must satisfy before it has tests of its own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from collectors import Check, Collector, Resource, Unbound, catalog
from mappings.load import load_mapping

CATALOG = catalog(plugins=False)
FRAMEWORK = load_mapping(plugins=False)
CHECKS = list(CATALOG.checks.values())
KINDS = [kind for collector in CATALOG.collectors for kind in collector.kinds]
IDS = Path(__file__).parent / "check_ids.txt"

AWS_READ = re.compile(r"[a-z0-9-]+:(Get|List|Describe|Lookup|Search)[A-Za-z0-9]*")
DIRECTORY_READ = re.compile(r"Read .+")
HOST_READ = re.compile(r"(read|list|stat|run):\S.*")
GITHUB_READ = re.compile(r"[a-z_]+:read")
GRAPH_READ = re.compile(r"[A-Za-z]+\.Read(Basic)?\.(All|Directory)")
READS = {
    "active_directory": DIRECTORY_READ,
    "aws": AWS_READ,
    "azure": re.compile(r"Microsoft\.[A-Za-z.]+(/[A-Za-z]+)+/read"),
    "gcp": re.compile(r"cloudasset\.assets\.list[A-Za-z]+"),
    "entra": GRAPH_READ,
    "github": GITHUB_READ,
    "intune": GRAPH_READ,
    "linux": HOST_READ,
    "okta": re.compile(r"okta\.[A-Za-z]+\.read"),
}
NAMED_EXCEPTION = "iam:GenerateCredentialReport"


def name(thing: Check[Any] | Collector | type[Resource[Any]]) -> str:
    if isinstance(thing, Check):
        return thing.id
    return thing.kind if isinstance(thing, type) else thing.name


@pytest.mark.parametrize("check", CHECKS, ids=name)
def test_a_check_reads_well_in_a_report(check: Check[Any]) -> None:
    assert 10 < len(check.title) <= 100, "the docstring's first line is the title"
    assert check.title[0].isupper()
    assert check.title.endswith(".")
    assert 10 < len(check.remediation) <= 160
    assert check.remediation.endswith(".")
    assert check.severity in {"critical", "high", "medium", "low"}
    assert not re.search(r"\b(compliant|nonconformity|violation)\b", check.title)


@pytest.mark.parametrize("check", CHECKS, ids=name)
def test_a_check_belongs_to_a_collector_and_asks_about_its_platform(check: Check[Any]) -> None:
    name, _, condition = check.id.rpartition(".")
    collector = next(each for each in CATALOG.collectors if each.name == name)
    assert check in collector.checks
    assert condition.isidentifier()
    assert CATALOG.collector_of[check.kind.kind].platform == collector.platform
    assert all(other.kind in CATALOG.collector_of for other in check.also)


@pytest.mark.parametrize("check", CHECKS, ids=name)
def test_a_list_that_only_the_organisation_knows_has_no_default(check: Check[Any]) -> None:
    for criterion in check.criteria.values():
        assert criterion.unit
        if criterion.of is tuple and not isinstance(criterion.default, Unbound):
            assert "approved" not in check.id, "a list of what is approved is never ours to guess"


@pytest.mark.parametrize("kind", KINDS, ids=name)
def test_a_kind_is_named_by_its_collector_and_its_paths_are_well_formed(
    kind: type[Resource[Any]],
) -> None:
    collector = CATALOG.collector_of[kind.kind]
    assert kind.kind == collector.name or kind.kind.startswith(f"{collector.platform}.")
    for path in (*kind.volatile, *kind.secrets):
        first, _, rest = path.partition(".")
        assert first in {"listed", "facts"}
        assert rest
        if first == "facts":
            assert rest.partition(".")[0] in kind.fact_definitions()


@pytest.mark.parametrize("collector", CATALOG.collectors, ids=name)
def test_a_collector_only_reads(collector: Collector) -> None:
    form = READS[collector.platform]
    assert collector.permissions or not collector.listings, "every call needs a permission"
    strange = {p for p in collector.permissions if not form.fullmatch(p)}
    assert strange <= {NAMED_EXCEPTION}


def test_every_check_is_mapped_and_every_mapped_check_exists() -> None:
    assert FRAMEWORK.check_ids() == CATALOG.checks.keys()


def test_every_control_that_a_check_feeds_is_one_of_the_93() -> None:
    fed = {r.control for check in CHECKS for r in FRAMEWORK.controls_of(check.id)}
    assert fed <= FRAMEWORK.controls.keys()
    assert len(FRAMEWORK.controls) == 93


def test_check_ids_are_a_promise() -> None:
    """A removed or renamed id breaks criteria, exceptions and history: say so in the changelog.

    To accept new ids: python -c "from collectors import catalog; print('\\n'.join(
    catalog(plugins=False).checks))" > tests/check_ids.txt
    """
    assert list(CATALOG.checks) == IDS.read_text().split()


def test_every_platform_has_its_own_version_of_judging_code() -> None:
    versions = {check.version for check in CHECKS}
    assert len(versions) > 1
    assert all(re.fullmatch(r"[0-9a-f]{12}", version) for version in versions)
