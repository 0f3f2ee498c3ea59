# ruff: noqa: INP001, T201 - a script of its own, which prints
"""Make the lock files: names, versions and hashes for every platform, and no address at all.

usage: python requirements/lock.py [--upgrade]
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SETS = (
    "dev",
    "demo",
    "run",
    "all",
    "build",
    "uv",
)  # the widest first: the others take its versions

# Compiled for many platforms, so few hashes mean a mirror that serves only some of the files.
WIDELY_BUILT = ("cryptography", "orjson", "sqlalchemy", "uv")
FEWEST_HASHES = 10


def main() -> int:
    """Compile every list; leave the old files alone where one of them may not be committed."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        print("uv is needed: make the environment first, with python bootstrap.py test")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        for name in SETS:
            new = Path(folder, f"{name}.txt")
            old = HERE / f"{name}.txt"
            if old.exists() and "--upgrade" not in sys.argv:
                shutil.copy(old, new)  # uv keeps the versions it finds in its output file
            widest = Path(folder, "dev.txt")
            same = ["-c", str(widest)] if name not in {"dev", "uv"} else []
            subprocess.run(  # noqa: S603 - the command is ours
                [
                    uv, "pip", "compile", f"{name}.in", *same, "-o", str(new), "--quiet",
                    "--universal", "--python-version", "3.11", "--only-binary", ":all:",
                    "--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url",
                    "--no-emit-find-links", *(["--upgrade"] if "--upgrade" in sys.argv else []),
                ],
                cwd=HERE,
                check=True,
            )  # fmt: skip
            for problem in (problems := refused(new.read_text(encoding="utf-8"))):
                print(f"{name}.txt: {problem}")
            if problems:
                return 1
        for name in SETS:
            shutil.copy(Path(folder, f"{name}.txt"), HERE / f"{name}.txt")
    return 0


def packages(text: str) -> dict[str, int]:
    """The packages of a lock file and how many hashes each has; two markers, two entries."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.replace("\\\n", " ").strip())
    return {
        entry.split(" --hash")[0].strip(): entry.count("--hash=sha256:")
        for entry in entries
        if entry
    }


def refused(text: str) -> list[str]:
    """Why a lock file may not be committed; empty if it may."""
    wrong = [
        f"line {number} has an address or an option"
        for number, line in enumerate(text.splitlines(), 1)
        if ":" + "//" in line or " @ " in line or line.startswith("-")
    ]
    for package, hashes in packages(text).items():
        if "==" not in package:
            wrong.append(f"{package} has no version")
        if hashes == 0:
            wrong.append(f"{package} has no hash")
        if package.split("==")[0] in WIDELY_BUILT and hashes < FEWEST_HASHES:
            wrong.append(f"{package} has {hashes} hashes: lock against the full index")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
