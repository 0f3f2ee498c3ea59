"""The line of every setting is found, however it is written."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from config.lines import lines
from config.values import Place

MIXED = '''\
# [not.a.table]
top = "a # b = c"
"quoted.key" = 1
a.b = 2
[one]  # a comment
text = """
[two]
x = 1 \\"""
"""
literal = \'\'\'
y = 2\'\'\'
list = [  # of numbers
    1,
    [2,
     3],
    { k = 4, m.n = 5 },
]
[[many]]
x = 1
[[many.inner]]
x = 2
[[many.inner]]
x = 3
[many.single]
x = 4
[[many]]
x = 5
[many.inner]
x = 6
['sp ace'."d.ot"]
x = 7
'''


def leaves(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*place, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from leaves(one, (*place, number))
    else:
        yield place, value


def test_every_way_to_write_a_setting_has_its_line() -> None:
    found = lines(MIXED)
    expected: dict[Place, int] = {
        ("top",): 2,
        ("quoted.key",): 3,
        ("a", "b"): 4,
        ("one",): 5,
        ("one", "text"): 6,
        ("one", "literal"): 10,
        ("one", "list"): 12,
        ("one", "list", 0): 13,
        ("one", "list", 1): 14,
        ("one", "list", 1, 1): 15,
        ("one", "list", 2, "k"): 16,
        ("one", "list", 2, "m", "n"): 16,
        ("many",): 18,
        ("many", 0, "x"): 19,
        ("many", 0, "inner", 0, "x"): 21,
        ("many", 0, "inner", 1): 22,
        ("many", 0, "inner", 1, "x"): 23,
        ("many", 0, "single", "x"): 25,
        ("many", 1): 26,
        ("many", 1, "x"): 27,
        ("many", 1, "inner", "x"): 29,
        ("sp ace", "d.ot", "x"): 31,
    }
    assert {place: found.get(place) for place in expected} == expected


def test_every_value_the_parser_reads_has_a_line() -> None:
    found = lines(MIXED)
    assert [place for place, _ in leaves(tomllib.loads(MIXED)) if place not in found] == []


KEYS = st.text("ab.\"'# =[]\\é", min_size=1, max_size=4)
QUOTED = KEYS.map(lambda key: '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"')


@st.composite
def documents(draw: st.DrawFn) -> str:
    """TOML of tables and lists of tables; each number is the line it stands on."""
    written: list[str] = []
    for name in draw(st.lists(QUOTED, unique=True, max_size=4)):
        repeats = draw(st.integers(0, 3))
        for _ in range(max(repeats, 1)):
            written += draw(st.lists(st.sampled_from(["", "# x = [1", "\t"]), max_size=2))
            written.append(f"[[{name}]]" if repeats else f"[ {name} ]")
            for key in draw(st.lists(QUOTED, unique=True, max_size=3)):
                line = len(written) + 1
                form = draw(
                    st.sampled_from(["v", "[v, v]", "{ k = v }", "[ # ]\n v ]", "[[v],{}]"])
                )
                text = f"{key} = {form}"
                written += text.replace("v", str(line + text.count("\n"))).split("\n")
    return "\n".join(written)


@given(documents())
def test_the_line_found_is_the_line_the_value_stands_on(text: str) -> None:
    found = lines(text)
    assert {place: found[place] for place, _ in leaves(tomllib.loads(text))} == dict(
        leaves(tomllib.loads(text))
    )
