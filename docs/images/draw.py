"""Draw the README's picture from a real run: the demo's first sweep and its control status.

python docs/images/draw.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pexpect
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
    start = text.index("$ annexa sweep")
    text = text[start:].replace(str(keep), "~/.local/share/annexa").replace("\r\n", "\n")
    lines = [line.rpartition("\r")[2] for line in text.split("\n")]
    console = Console(record=True, width=COLUMNS, file=Path("/dev/null").open("w"))  # noqa: SIM115
    console.print(Text.from_ansi("\n".join(lines).strip()))
    console.save_svg(str(HERE / "status.svg"), title="annexa")


if __name__ == "__main__":
    main()
