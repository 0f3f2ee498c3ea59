"""Tables in the room there is: nothing is cut off, at any width."""

from __future__ import annotations

import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inline_snapshot import snapshot
from rich.console import Console

from annexa.cli.layout import laid_out
from annexa.cli.render import Column

COLUMNS = (
    Column("status", "STATUS"),
    Column("check", "CHECK"),
    Column("count", "N", right=True),
    Column("why", "WHY", wide=True),
)
ROWS = (
    (
        "not met",
        "linux.auth.password_quality",
        "12",
        "common-password does not require pam_pwquality",
    ),
    ("met", "linux.auth.lockout", "3", ""),
)


def drawn(width: int, columns: tuple[Column, ...] = COLUMNS, rows: object = ROWS) -> list[str]:
    console = Console(width=width, file=io.StringIO())
    return [line.plain for line in laid_out(console, columns, list(rows), {})]  # type: ignore[call-overload]


def test_what_has_room_stands_side_by_side() -> None:
    assert "\n".join(drawn(100)) == snapshot("""\
STATUS   CHECK                         N  WHY
not met  linux.auth.password_quality  12  common-password does not require pam_pwquality
met      linux.auth.lockout            3\
""")


def test_a_wide_column_wraps_by_words() -> None:
    assert "\n".join(drawn(80)) == snapshot("""\
STATUS   CHECK                         N  WHY
not met  linux.auth.password_quality  12  common-password does not require
                                          pam_pwquality
met      linux.auth.lockout            3\
""")


def test_where_a_wide_column_has_no_room_it_stands_below_its_row() -> None:
    assert "\n".join(drawn(60)) == snapshot("""\
STATUS   CHECK                         N
not met  linux.auth.password_quality  12
    common-password does not require pam_pwquality
met      linux.auth.lockout            3\
""")


def test_a_wide_first_column_is_the_title_of_its_row() -> None:
    columns = (Column("fix", "FIX", wide=True), Column("fail", "FAIL", right=True))
    assert "\n".join(drawn(30, columns, [("Lock accounts nobody uses, or remove them.", "3")])) == (
        snapshot("""\
Lock accounts nobody uses,
    or remove them.
    fail 3\
""")
    )


@given(
    st.lists(st.tuples(*[st.text("abc déf漢-_.", max_size=40)] * 4), max_size=4),
    st.integers(20, 130),
)
def test_nothing_is_cut_off_at_any_width(rows: list[tuple[str, ...]], width: int) -> None:
    lines = drawn(width, rows=rows)
    wanted = Counter("".join(text for row in rows for text in row))
    del wanted[" "]
    assert wanted <= Counter("".join(lines))


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_is_longer_than_the_terminal_or_ends_in_blanks(width: int) -> None:
    for line in drawn(width):
        assert len(line) <= width
        assert line == line.rstrip()
