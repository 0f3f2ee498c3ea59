"""What our own tables promise to readers, and what other packages can add."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from mappings import MappingError, Phase, Relation, frameworks, load_mapping
from mappings.load import _load

MAPPING = load_mapping(plugins=False)


def test_there_are_93_controls_in_four_themes_and_11_are_new() -> None:
    assert len(MAPPING.controls) == 93
    assert Counter(control.theme for control in MAPPING.controls.values()) == {
        "organizational": 37,
        "people": 8,
        "physical": 14,
        "technological": 34,
    }
    new = [control.id for control in MAPPING.controls.values() if control.new_in_2022]
    assert new == [
        "A.5.7",
        "A.5.23",
        "A.5.30",
        "A.7.4",
        "A.8.9",
        "A.8.10",
        "A.8.11",
        "A.8.12",
        "A.8.16",
        "A.8.23",
        "A.8.28",
    ]


def test_every_control_of_2013_goes_somewhere() -> None:
    old = {row.control_2013 for row in MAPPING.transitions if row.control_2013}
    assert len(old) == 114
    split = [row.control_2022 for row in MAPPING.transitions if row.control_2013 == "A.18.2.3"]
    assert split == ["A.5.36", "A.8.8"]
    assert sum(row.relation == "same" for row in MAPPING.transitions) == 58


def test_the_edition_is_named_in_full() -> None:
    assert MAPPING.edition.name == "ISO/IEC 27001:2022 with Amd 1:2024"


def test_clauses_are_no_controls_and_the_amendment_changes_two_of_them() -> None:
    assert not {clause.id for clause in MAPPING.clauses} & MAPPING.controls.keys()
    changed = [clause.id for clause in MAPPING.clauses if clause.amendment]
    assert changed == ["4.1", "4.2"]
    assert {clause.id.split(".")[0] for clause in MAPPING.clauses} == {
        *("4", "5", "6", "7", "8", "9", "10")
    }


def test_every_topic_speaks_about_one_to_three_controls() -> None:
    assert all(1 <= len(topic.controls) <= 3 for topic in MAPPING.topics.values())


def test_no_reason_is_given_twice_and_none_says_compliant() -> None:
    reasons = [one.rationale for topic in MAPPING.topics.values() for one in topic.controls]
    assert len(reasons) == len(set(reasons))
    texts = [*reasons, *(item.evidence for items in MAPPING.manual.values() for item in items)]
    texts += [item.not_shown for items in MAPPING.manual.values() for item in items]
    texts += [coverage.test for coverage in MAPPING.coverage.values()]
    banned = re.compile(r"\b(compliant|nonconformity|violation)\b", re.IGNORECASE)
    assert [text for text in texts if banned.search(text)] == []


def test_classes_of_automation_agree_with_the_topics() -> None:
    direct = {
        one.control
        for topic in MAPPING.topics.values()
        for one in topic.controls
        if one.relation is Relation.DIRECT
    }
    by_machine = {
        coverage.control
        for coverage in MAPPING.coverage.values()
        if coverage.automation in {"full", "substantial", "partial"}
    }
    assert direct == by_machine


def test_a_control_with_direct_evidence_can_be_seen_in_operation() -> None:
    direct: dict[str, set[Phase]] = {}
    for topic in MAPPING.topics.values():
        for one in topic.controls:
            if one.relation is Relation.DIRECT:
                direct.setdefault(one.control, set()).add(one.phase)
    assert [control for control, phases in direct.items() if Phase.OPERATION not in phases] == []


def test_key_evidence_is_rare_and_in_operation() -> None:
    keys = [one for topic in MAPPING.topics.values() for one in topic.controls if one.key]
    assert sorted((one.topic, one.control) for one in keys) == [
        ("backup_copies", "A.8.13"),
        ("mfa_privileged", "A.8.5"),
        ("public_exposure", "A.8.3"),
    ]
    assert {one.phase for one in keys} == {Phase.OPERATION}


@pytest.mark.parametrize(
    ("topic", "control", "relation"),
    [
        ("leaver_access", "A.5.18", "direct"),
        ("leaver_access", "A.6.5", "supporting"),
        ("leaver_badges", "A.7.2", "direct"),
        ("leaver_badges", "A.6.5", "supporting"),
        ("offboarding_completed", "A.6.5", "direct"),
        ("baseline_adopted", "A.5.36", "direct"),
        ("posture_score", "A.5.36", "supporting"),
        ("posture_services", "A.5.36", "supporting"),
        ("posture_services", "A.8.9", "supporting"),
        ("restore_tested", "A.5.30", "supporting"),
        ("recovery_time_met", "A.5.30", "direct"),
        ("copies_elsewhere", "A.8.13", "direct"),
        ("replication", "A.8.14", "direct"),
        ("personal_data_located", "A.5.34", "direct"),
        ("personal_data_discovery", "A.5.34", "supporting"),
        ("threat_feeds", "A.5.7", "supporting"),
        ("threat_acted_upon", "A.5.7", "direct"),
        ("code_analysis", "A.8.29", "direct"),
        ("dependency_alerts", "A.8.8", "direct"),
        ("elevation_tools", "A.8.2", "direct"),
        ("elevation_tools", "A.8.18", "supporting"),
        ("device_encryption", "A.8.24", "direct"),
        ("guest_privileges", "A.8.2", "direct"),
        ("unused_rights", "A.5.18", "direct"),
        ("request_handling", "A.8.26", "direct"),
        ("file_sharing_signed", "A.8.20", "direct"),
        ("file_sharing_signed", "A.8.24", "direct"),
        ("flood_protection", "A.8.14", "direct"),
        ("flood_protection", "A.8.20", "direct"),
        ("changes_outside_pipeline", "A.8.32", "direct"),
        ("supplier_assurance_review", "A.5.22", "supporting"),
        ("published_labels", "A.5.13", "supporting"),
    ],
)
def test_arguments_that_were_settled_stay_settled(topic: str, control: str, relation: str) -> None:
    found = {one.control: one.relation for one in MAPPING.topics[topic].controls}
    assert found[control] == Relation(relation)


@pytest.mark.parametrize(
    ("design", "operation"),
    [("branch_rules", "merges_reviewed"), ("change_approval_rules", "changes_approved")],
)
def test_the_rule_for_changes_and_the_changes_made_are_two_topics(
    design: str, operation: str
) -> None:
    for topic, phase in ((design, Phase.DESIGN), (operation, Phase.OPERATION)):
        related = {one.control: one for one in MAPPING.topics[topic].controls}["A.8.32"]
        assert (related.relation, related.phase) == (Relation.DIRECT, phase)


@pytest.mark.parametrize(
    ("check", "controls"),
    [
        ("aws.s3.bucket_mfa_delete", {"A.5.33": "supporting", "A.8.13": "supporting"}),
        ("aws.s3.bucket_policy_not_public", {"A.8.3": "direct", "A.8.12": "supporting"}),
        ("aws.iam.root_mfa_enabled", {"A.8.5": "direct", "A.8.2": "direct"}),
        ("linux.sudo.logged", {"A.8.2": "direct", "A.8.18": "supporting"}),
        ("linux.time.synchronised", {"A.8.17": "direct"}),
        ("linux.patch.os_supported", {"A.8.8": "direct"}),
        ("no.such.check", {}),
    ],
)
def test_checks_speak_about_their_controls(check: str, controls: dict[str, str]) -> None:
    assert {one.control: one.relation for one in MAPPING.controls_of(check)} == controls


def test_checks_and_controls_are_found_from_both_sides() -> None:
    both = {
        (check, related.control)
        for control in MAPPING.controls
        for check, related in MAPPING.checks_of(control)
    }
    assert both == {
        (check, related.control)
        for check in MAPPING.check_ids()
        for related in MAPPING.controls_of(check)
    }
    assert {"aws", "linux"} <= {check.split(".")[0] for check in MAPPING.check_ids()}


def test_classes_of_evidence_reach_the_checks() -> None:
    assert MAPPING.freshness_of("linux.patch.security_updates") == "vulnerability"
    assert MAPPING.freshness_of("aws.iam.user_console_mfa") == "access"
    assert MAPPING.freshness_of("aws.s3.bucket_tls_only") == "configuration"


def test_a_mapping_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        MAPPING.checks["x.y.z"] = "capacity"  # type: ignore[index]


def test_the_room_needs_nothing_but_the_standard_library() -> None:
    # -S leaves out everything that is installed.
    code = "import mappings, sys; mappings.load_mapping(); print(*sorted(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-S", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    loaded = {name.split(".")[0] for name in found.stdout.split()}
    assert not loaded & {"annexa", "collectors", "config", "evidence_store", "scheduler"}


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Another package with a framework of two controls and one check."""
    folder = tmp_path / "annexa_acme_mapping"
    (folder / "checks").mkdir(parents=True)
    texts = {
        "__init__.py": "",
        "edition.toml": 'id = "acme"\nname = "Acme rules of 2025"\nmapping_version = "1"\n'
        "controls = 2\n",
        "controls.csv": "id,title,theme,new_in_2022,control_type,properties,concepts,"
        "capabilities,domains\nR1,Doors,site,no,,,,,\nR2,Copies,site,no,,,,,\n",
        "topics.csv": "topic,control,relation,phase,method,key,rationale\n"
        "doors_closed,R1,direct,operation,test,no,A closed door keeps strangers out.\n"
        "version_history,R2,supporting,implementation,examine,no,Old versions help a little.\n",
        "checks/acme.csv": "check_id,topic\nacme.door.closed,doors_closed\n",
        "freshness.csv": "topic,freshness\ndoors_closed,access\n",
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("acme", "annexa_acme_mapping", "annexa.mappings")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [point])
    _load.cache_clear()
    yield folder
    _load.cache_clear()
    sys.modules.pop("annexa_acme_mapping", None)


@pytest.mark.usefixtures("acme")
def test_another_package_brings_a_framework_and_its_checks() -> None:
    assert frameworks() == ("iso27001_2022", "acme")
    mapping = load_mapping("acme")
    assert mapping.edition.name == "Acme rules of 2025"
    # Our checks serve it where it uses their topic; the others stay out of its way.
    assert mapping.check_ids() == {
        "acme.door.closed",
        "aws.s3.bucket_versioning_enabled",
        "gcp.storage.versioning_or_soft_delete",
    }
    assert mapping.freshness_of("acme.door.closed") == "access"
    assert load_mapping().check_ids() == MAPPING.check_ids()


def test_another_package_can_add_checks_to_annex_a(acme: Path) -> None:
    for name in ("edition.toml", "controls.csv", "topics.csv", "freshness.csv"):
        (acme / name).unlink()
    (acme / "checks" / "acme.csv").write_text("check_id,topic\nacme.disk.used,capacity\n")
    added = load_mapping().check_ids() - MAPPING.check_ids()
    assert added == {"acme.disk.used"}
    assert frameworks() == ("iso27001_2022",)


def test_a_fault_in_another_package_is_named_with_its_line(acme: Path) -> None:
    (acme / "checks" / "acme.csv").write_text("check_id,topic\nacme.disk.used,no_such\n")
    with pytest.raises(MappingError, match=r"checks/acme\.csv:2: unknown topic 'no_such'"):
        load_mapping()


@pytest.mark.usefixtures("acme")
def test_a_framework_nobody_installed_is_refused_with_those_that_are() -> None:
    with pytest.raises(MappingError, match="nist: no such framework; there are: iso27001_2022, ac"):
        load_mapping("nist")


def test_a_module_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("gone", "annexa_gone", "annexa.mappings")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **_: [point])
    _load.cache_clear()
    with pytest.raises(MappingError, match=r"entry point gone of annexa\.mappings: annexa_gone"):
        load_mapping()
    _load.cache_clear()
