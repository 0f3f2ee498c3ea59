"""Draw the README's picture from a real run: the demo's first sweep and its control status.

python docs/images/draw.py
"""

from __future__ import annotations

import io
import re
import sys
import tempfile
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.text import Text

COLUMNS = 110
HERE = Path(__file__).parent


def main() -> None:
    """Run the demo in a terminal of its own and draw what it showed until the second step."""
    with tempfile.TemporaryDirectory() as folder:
        keep = Path(folder) / "demo"
        shown = pexpect.spawn(
            sys.executable,
            ["-m", "annexa", "demo", "--keep", str(keep)],
            dimensions=(60, COLUMNS),
            timeout=120,
            encoding="utf-8",
        )
        shown.expect("Why is the public bucket")
        text = shown.before or ""
        shown.close()
    screen = pyte.HistoryScreen(COLUMNS, 200)
    pyte.Stream(screen).feed(text[text.index("$ annexa sweep") :].replace(str(keep), "~/acme"))
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for row in range(screen.cursor.y):
        console.print(_line(screen, row), no_wrap=True, overflow="ignore", crop=False)
    picture = console.export_svg(title="annexa")
    # Without the web font, so that looking at the picture asks nobody for anything.
    (HERE / "status.svg").write_text(re.sub(r"@font-face \{.*?\}", "", picture, flags=re.DOTALL))


def _line(screen: pyte.Screen, row: int) -> Text:
    """One line of the terminal with its colours; spaces that would be lost are kept."""
    line = Text()
    for column in range(COLUMNS):
        cell = screen.buffer[row][column]
        colour = "" if cell.fg == "default" else cell.fg.replace("brown", "yellow")
        style = f"{'bold ' if cell.bold else ''}{colour}".strip()
        line.append(cell.data.replace(" ", "\u00a0"), style=style)
    return line


if __name__ == "__main__":
    main()
