"""The grammar of sudoers: what each form means, held against sudoers(5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.linux import sudoers
from collectors.linux.sudoers import CALLER, Default, Grant


def grants(text: str) -> list[Grant]:
    return sudoers.grants(list(sudoers.lines(text)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("root ALL=(ALL:ALL) ALL", [Grant(("root",), ("ALL",), "ALL", None)]),
        ("%admin ALL=(ALL) NOPASSWD:ALL", [Grant(("%admin",), ("ALL",), "ALL", False)]),
        ("a ALL=ALL", [Grant(("a",), ("root",), "ALL", None)]),
        ("a ALL=(:wheel) ALL", [Grant(("a",), (CALLER,), "ALL", None)]),
        ("a ALL=() ALL", [Grant(("a",), ("root",), "ALL", None)]),
        ("#1000 ALL=ALL # comment", [Grant(("#1000",), ("root",), "ALL", None)]),
        ("a, %b\\ c ,!d ALL=ALL", [Grant(("a", "%b\\ c", "!d"), ("root",), "ALL", None)]),
        ('"a b" ALL=ALL', [Grant(("a b",), ("root",), "ALL", None)]),
        ("a web1, db1 = ALL", [Grant(("a",), ("root",), "ALL", None)]),
        (
            "a ALL=(www, root) NOPASSWD: /bin/ls -l, PASSWD: /bin/cat, ALL",
            [
                Grant(("a",), ("www", "root"), "/bin/ls -l", False),
                Grant(("a",), ("www", "root"), "/bin/cat", True),
                Grant(("a",), ("www", "root"), "ALL", True),
            ],
        ),
        (
            "a ALL=NOEXEC:NOPASSWD: /bin/ls, (www) ALL",
            [
                Grant(("a",), ("root",), "/bin/ls", False),
                Grant(("a",), ("www",), "ALL", False),
            ],
        ),
        (
            "a ALL=(root) CWD=/tmp TIMEOUT=5m NOPASSWD: ALL",
            [Grant(("a",), ("root",), "ALL", False)],
        ),
        (
            "a ALL=\\\n  NOPASSWD: \\\n /bin/l\\,s",
            [Grant(("a",), ("root",), "/bin/l\\,s", False)],
        ),
        (
            "a web=/bin/ls : db=NOPASSWD: ALL",
            [Grant(("a",), ("root",), "/bin/ls", None), Grant(("a",), ("root",), "ALL", False)],
        ),
        ("# a ALL=ALL\n\nDefaults env_reset\nUser_Alias A = b\n@include /x", []),
    ],
)
def test_a_rule_grants_what_the_manual_says(text: str, expected: list[Grant]) -> None:
    assert grants(text) == expected


def test_several_aliases_may_stand_in_one_line() -> None:
    found = sudoers.aliases(["User_Alias A = b, c : D = %e, A", "Cmnd_Alias X = /bin/a, ALL"])
    assert found == {"A": ("b", "c"), "D": ("%e", "A"), "X": ("/bin/a", "ALL")}
    assert sudoers.expanded(("D", "f"), found) == ("%e", "b", "c", "f")


def test_an_excluded_name_is_not_meant() -> None:
    assert sudoers.expanded(("ALL", "!root"), {}) == ("ALL",)


def test_aliases_that_name_one_another_end() -> None:
    assert sudoers.expanded(("A",), {"A": ("B",), "B": ("A", "c")}) == ("A", "c")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Defaults !syslog", [Default("", "syslog", "", on=False)]),
        ("Defaults syslog=auth, log_output", [
            Default("", "syslog", "auth", on=True), Default("", "log_output", "", on=True)
        ]),
        ('Defaults logfile="/var/log/a b"', [Default("", "logfile", "/var/log/a b", on=True)]),
        ("Defaults:a, %b !authenticate", [Default(":a,%b", "authenticate", "", on=False)]),
        ("Defaults!/bin/ls !log_allowed", [Default("!/bin/ls", "log_allowed", "", on=False)]),
        ("Defaults@web1 !syslog", [Default("@web1", "syslog", "", on=False)]),
        ('Defaults env_keep += "A B"', [Default("", "env_keep", "A B", on=True)]),
    ],
)  # fmt: skip
def test_defaults_are_read_with_their_scope(line: str, expected: list[Default]) -> None:
    assert sudoers.defaults([line]) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("@include /etc/a", ("include", "/etc/a")),
        ("#include b", ("include", "/etc/b")),
        ("#includedir /etc/sudoers.d", ("includedir", "/etc/sudoers.d")),
        ('@includedir "/etc/a b"', ("includedir", "/etc/a b")),
        ("@include /etc/a\\ b", ("include", "/etc/a b")),
        ("# include /etc/a", None),
        ("#including", None),
    ],
)
def test_an_include_is_told_from_a_comment(line: str, expected: tuple[str, str] | None) -> None:
    assert sudoers.included(line, "/etc") == expected


@pytest.mark.parametrize(
    ("name", "read"), [("deploy", True), ("90-cloud", True), ("a.bak", False), ("a~", False)]
)
def test_backups_and_packages_files_are_not_read(name: str, *, read: bool) -> None:
    assert sudoers.counts(name) is read


def test_includes_stand_where_they_are_written() -> None:
    texts = {
        "/etc/sudoers": "one\n@includedir /etc/sudoers.d\nfour\n@include s.%h",
        "/etc/sudoers.d/b": "three",
        "/etc/sudoers.d/a": "two\n@include /etc/sudoers",
        "/etc/s.web1": "five",
    }
    assert list(sudoers.in_order(texts, "/etc/sudoers")) == ["one", "two", "three", "four", "five"]


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
COMMANDS = st.from_regex(r"/usr/bin/[a-z]{1,8}( [a-z]{1,5})?", fullmatch=True)


@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(COMMANDS, min_size=1, max_size=5))
def test_every_command_of_a_list_is_granted_to_every_name(
    names: list[str], commands: list[str]
) -> None:
    text = f"{', '.join(names)} ALL = NOPASSWD: {', '.join(commands)}"
    expected = [Grant(tuple(names), ("root",), command, False) for command in commands]
    assert grants(text) == expected


@given(st.text(alphabet='aAL=:,!#@%()\\"\n NOPSWD_Defaultsrinc/', max_size=120))
def test_no_text_breaks_the_reader_and_no_excluded_name_is_meant(text: str) -> None:
    logical = list(sudoers.lines(text))
    known = sudoers.aliases(logical)
    meant = [sudoers.expanded(grant.who, known) for grant in sudoers.grants(logical)]
    assert not [name for names in meant for name in names if name.startswith("!")]
    assert not [each.name for each in sudoers.defaults(logical) if each.name.startswith("!")]
