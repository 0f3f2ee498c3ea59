"""Our tables pass every lint; each lint finds a planted fault, with file and line."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from mappings.lint import banned, lint
from mappings.tables import MappingError, Tables, read_checks, read_framework, read_freshness

Fault = Callable[[Tables], None]


def ours() -> Tables:
    here = files("mappings")
    tables = read_framework(here.joinpath("iso27001_2022"))
    tables.checks, tables.freshness = read_checks(here), read_freshness(here)
    return tables


def put(table: str, column: str, value: str, row: int = 0) -> Fault:
    def fault(tables: Tables) -> None:
        getattr(tables, table)[row].cells[column] = value

    return fault


def again(table: str, row: int = 0) -> Fault:
    def fault(tables: Tables) -> None:
        rows = getattr(tables, table)
        rows.append(rows[row])
        rows[-1] = type(rows[0])(rows[row].file, 999, dict(rows[row].cells))

    return fault


def without(table: str, row: int = 0) -> Fault:
    def fault(tables: Tables) -> None:
        del getattr(tables, table)[row]

    return fault


def edition(name: str, value: object) -> Fault:
    def fault(tables: Tables) -> None:
        tables.edition[name] = value

    return fault


def a_fourth_control(tables: Tables) -> None:
    rows = [row for row in tables.topics if row["topic"] == "leaver_access"]
    for number in ("A.8.2", "A.8.3"):
        cells = rows[0].cells | {"control": number}
        tables.topics.append(type(rows[0])(rows[0].file, 999, cells))


def a_key_signal(tables: Tables) -> None:
    row = next(row for row in tables.topics if row["relation"] == "supporting")
    row.cells["key"] = "yes"


def test_our_tables_have_no_fault() -> None:
    assert lint(ours()) == []


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        (without("controls", 3), "controls.csv: A.5.4 is missing"),
        (without("controls", 3), "controls.csv: 92 controls, the edition has 93"),
        (again("controls"), "controls.csv:999: control A.5.1 stands already in iso27001_2022/"),
        (put("controls", "id", "A.5.99"), "controls.csv:2: A.5.99 is no control of Annex A"),
        (put("controls", "title", ""), "controls.csv:2: title is empty"),
        (put("controls", "theme", "people"), "controls.csv:2: A.5.1 is organizational, not people"),
        (put("controls", "properties", "C;X"), "controls.csv:2: unknown properties: X"),
        (put("controls", "capabilities", ""), "controls.csv:2: A.5.1 has no capabilities"),
        (put("controls", "new_in_2022", "yes"), "12 controls are new in 2022"),
        (put("controls", "new_in_2022", "1"), "controls.csv:2: new_in_2022 is '1'"),
        (put("topics", "control", "A.9.1"), "topics.csv:2: unknown control 'A.9.1'"),
        (put("topics", "rationale", ""), "topics.csv:2: topic 'acceptable_use' says nothing of"),
        (put("topics", "rationale", "good"), "without a reason"),
        (put("topics", "relation", "equal"), "topics.csv:2: relation is 'equal', not one of"),
        (put("topics", "phase", "later"), "topics.csv:2: phase is 'later', not one of"),
        (put("topics", "method", "guess"), "topics.csv:2: method is 'guess', not one of"),
        (put("topics", "key", "maybe"), "topics.csv:2: key is 'maybe', not one of yes, no"),
        (put("topics", "topic", "mfa-users"), "is not plain words joined by _"),
        (put("topics", "topic", "priv_rule"), "'priv' is short or ambiguous"),
        (put("topics", "topic", "restore_s"), "'s' is short or ambiguous"),
        (put("topics", "topic", "restore_dir"), "'dir' is short or ambiguous"),
        (put("topics", "topic", "endpoints_seen"), "'endpoints' is short or ambiguous"),
        (again("topics"), "topics.csv:999: row for acceptable_use and A.5.10 stands already"),
        (a_fourth_control, "topic 'leaver_access' has 5 controls, at most 3"),
        (a_key_signal, "only direct evidence can be key"),
        (put("checks", "topic", "no_such_topic"), ".csv:2: unknown topic 'no_such_topic'"),
        (put("checks", "check_id", "aws.s3"), "is not platform.service.condition"),
        (put("checks", "check_id", "gcp.s3.x"), ".csv:2: check 'gcp.s3.x' does not belong"),
        (again("checks"), ".csv:999: check active_directory.accounts.delegation_restricted stands"),
        (put("freshness", "topic", "no_such_topic"), "freshness.csv:2: unknown topic"),
        (put("freshness", "freshness", "weekly"), "freshness.csv:2: freshness is 'weekly'"),
        (again("freshness"), "freshness.csv:999: topic"),
        (put("manual", "control", "A.9.1"), "manual.csv:2: unknown control 'A.9.1'"),
        (put("manual", "not_shown", ""), "manual.csv:2: not_shown is empty"),
        (again("manual"), "manual.csv:999: item A.5.1 and management_approval stands already"),
        (without("manual", -1), "manual.csv: nothing says what A.8.34 leaves to people"),
        (put("coverage", "automation", "all"), "coverage.csv:2: automation is 'all'"),
        (without("coverage"), "coverage.csv: A.5.1 is missing"),
        (put("transitions", "control_2022", "A.9.1"), "transition_2013.csv:2: unknown control"),
        (put("transitions", "relation", "new"), "a control without predecessor is new"),
        (without("transitions"), "113 controls of 2013; that edition had 114"),
        (without("transitions", -1), "transition_2013.csv: A.8.28 is missing"),
        (put("clauses", "id", "A.5.1"), "clauses.csv:2: 'A.5.1' is no clause of 4 to 10"),
        (put("clauses", "id", "11"), "clauses.csv:2: '11' is no clause of 4 to 10"),
        (again("clauses"), "clauses.csv:999: clause 4 stands already"),
        (edition("name", "ISO 27001"), "the edition is not named with its year"),
        (edition("name", "ISO/IEC 27001:2022"), "the edition must be named in full"),
        (edition("mapping_version", ""), "mapping_version is missing"),
        (edition("author", "x"), "unknown entry 'author'"),
    ],
)
def test_each_lint_finds_its_fault(fault: Fault, problem: str) -> None:
    tables = ours()
    fault(tables)
    assert any(problem in line for line in lint(tables)), lint(tables)


def test_a_check_may_give_evidence_another_framework_uses() -> None:
    tables = ours()
    tables.checks[0].cells["topic"] = "door_closed"
    assert lint(tables, other_topics={"door_closed"}) == []


@pytest.mark.parametrize(
    ("topic", "word"),
    [
        ("privileged_access", None),
        ("certificate_validity", None),
        ("signed_artefacts", None),
        ("compliance_score", "compliance"),
        ("screening", "screening"),
        ("event_reporting", "reporting"),
        ("records_kept", "records"),
        ("user_cert", "cert"),
    ],
)
def test_whole_words_pass_and_stems_do_not(topic: str, word: str | None) -> None:
    assert banned(topic) == word


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("topic;control\n", "topics.csv:1: the header is topic;control; it must be topic,control,"),
        ("{header}\na,b\n", "topics.csv:2: 2 cells, 7 expected"),
        ('{header}\n"a\n', "topics.csv:2: unexpected end of data"),
        ("{header}\n\n\xff", "topics.csv:3: 1 cells"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_line(
    tmp_path: Path, text: str, problem: str
) -> None:
    header = "topic,control,relation,phase,method,key,rationale"
    (tmp_path / "edition.toml").write_text('id = "x"')
    (tmp_path / "controls.csv").write_text(
        "id,title,theme,new_in_2022,control_type,properties,concepts,capabilities,domains\n"
    )
    (tmp_path / "topics.csv").write_text(text.replace("{header}", header), encoding="utf-8")
    with pytest.raises(MappingError) as caught:
        read_framework(tmp_path)
    assert problem in caught.value.problems[0]


def test_other_encodings_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"edition\.toml: missing"):
        read_framework(tmp_path)
    for name in ("edition.toml", "controls.csv", "topics.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe")
    with pytest.raises(MappingError, match=r"edition\.toml: 'utf-8' codec"):
        read_framework(tmp_path)
    (tmp_path / "edition.toml").write_text("")
    with pytest.raises(MappingError, match=r"controls\.csv: not UTF-8"):
        read_framework(tmp_path)
