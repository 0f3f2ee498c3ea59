"""From a fresh clone to a running command, with nothing but Python: `python bootstrap.py demo`.

Makes `.venv` from the hash-locked lists in `requirements/`, with uv where it can be had (about
fifteen times faster), else with pip. No index address is ever written: your own pip and uv
configuration (mirror, proxy, certificates) stays in charge. NO_UV=1 forces pip.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".venv"
LOCKS = ROOT / "requirements"
OLDEST = (3, 11)
HEARTBEAT = 5.0  # seconds between two signs of life
ROUNDS = os.environ.get("ANNEXA_CRASH_ROUNDS", "100")  # how often `prove` repeats a crash

# What each command needs installed; "dev" holds all of "demo", so it serves both.
NEEDS = {
    "demo": ("demo", "dev"),
    "test": ("dev",),
    "check": ("dev",),
    "prove": ("dev",),
    "docs": ("dev",),
    "lock": ("dev",),
}
CACHES = (
    ".venv", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache",
    "build", "dist",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One command line, with what it adds to the environment."""

    name: str
    command: list[str]
    settings: Mapping[str, str] = field(default_factory=dict)


class BootstrapError(Exception):
    """The environment cannot be made; says what to do."""


def main(arguments: Sequence[str]) -> int:
    """Make the environment the command needs, then run the command; returns its exit code."""
    command = arguments[0] if arguments else ""
    if command == "clean":
        clean()
        return 0
    if command not in NEEDS:
        say(f"usage: python bootstrap.py {'|'.join([*NEEDS, 'clean'])} [arguments]")
        return 3
    if sys.version_info < OLDEST:
        return with_newer_python(arguments)
    try:
        prepare(NEEDS[command])
    except BootstrapError as error:
        say(str(error))
        return 3
    steps = steps_of(command, arguments[1:])
    codes = [run(step, named=len(steps) > 1) for step in steps]
    if len(steps) == 1:
        return codes[0]
    failed = [step.name for step, code in zip(steps, codes, strict=True) if code]
    say(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


def steps_of(command: str, extra: Sequence[str]) -> list[Step]:
    """The command lines behind a command, in their order."""
    python = str(program("python"))
    pytest = [python, "-m", "pytest"]
    test = Step("tests", [*pytest, "-n", "2", "-m", "not prove", *extra])
    checks = [
        Step("ruff", [python, "-m", "ruff", "check"]),
        Step("format", [python, "-m", "ruff", "format", "--check"]),
        Step("types", [python, "-m", "mypy"]),
        Step("rooms", [str(program("lint-imports"))]),
        Step("dependencies", [python, "-m", "deptry", "."]),
        test,
        Step("docs", [python, "-m", "annexa.docs", "--check"]),
    ]
    return {
        "demo": [Step("demo", [str(program("annexa")), "demo", *extra])],
        "test": [test],
        "check": checks,
        "prove": [
            Step("proofs", [*pytest, "-m", "prove", *extra], {"ANNEXA_CRASH_ROUNDS": ROUNDS})
        ],
        "docs": [
            Step("docs", [python, "-m", "annexa.docs", *extra]),
            Step("conformance", [python, "-m", "tests.conformance_matrix", *extra]),
        ],
        "lock": [Step("lock", [python, str(LOCKS / "lock.py"), *extra])],
    }[command]


def run(step: Step, *, named: bool) -> int:
    """Run one step with its output shown, under its name where there are several."""
    if named:
        say(step.name)
    settings = {**os.environ, **step.settings}
    if settings.pop("PYTHONDONTWRITEBYTECODE", ""):  # beside sources that is; thousands of starts
        settings.setdefault("PYTHONPYCACHEPREFIX", str(HOME / "compiled"))  # need them compiled
    return subprocess.run(step.command, cwd=ROOT, env=settings, check=False).returncode  # noqa: S603 - the commands are ours


def prepare(sets: Sequence[str]) -> None:
    """Make the environment hold the first of the sets; any of them, up to date, is enough."""
    if any(stamp(name).is_file() and stamp(name).read_text() == state(name) for name in sets):
        return
    began = time.monotonic()
    name = sets[0]
    make_environment()
    install(name)
    stamp(name).write_text(state(name))
    say(f"ready after {time.monotonic() - began:.0f} s")


def make_environment() -> None:
    """Make `.venv`, or make it anew where its Python is gone."""
    python = program("python")
    if python.exists() and quiet([str(python), "-c", "import sys"]):
        return
    # With uv at hand no pip is needed in there, which saves most of the time.
    with_pip = known_uv() is None
    if with_pip and importlib.util.find_spec("ensurepip") is None:
        raise BootstrapError(
            "this Python cannot make virtual environments: the module ensurepip is missing; "
            "on Debian and Ubuntu: apt install python3-venv"
        )
    say(f"making {HOME.name} with Python {sys.version.split()[0]}")
    try:
        venv.EnvBuilder(with_pip=with_pip, clear=HOME.exists()).create(HOME)
    except (subprocess.CalledProcessError, OSError) as error:
        raise BootstrapError(f"cannot make {HOME}: {error}; see python3 -m venv") from None


def install(name: str) -> None:
    """Install a locked set and the project itself: by uv if that works, else by pip."""
    listed = ["--only-binary", ":all:", "--require-hashes", "-r", str(LOCKS / f"{name}.txt")]
    # The project may not pull anything that is not in the list, its build tool included.
    itself = ["--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    installers = [uv_installer, pip_installer] if wants_uv() else [pip_installer]
    for installer in installers:
        prefix = installer()
        if prefix is None:
            continue
        by = "pip" if installer is pip_installer else "uv"
        count = (LOCKS / f"{name}.txt").read_text(encoding="utf-8").count("==")
        if works(f"installing up to {count} packages by {by}", [*prefix, *listed]) and works(
            "installing annexa itself", [*prefix, *itself]
        ):
            return
        say(f"{by} did not manage")
    raise BootstrapError(
        "nothing could be installed; the lines above say why. Often it is the network, or a "
        "mirror or certificate that pip's configuration lacks (python3 -m pip config list)"
    )


def uv_installer() -> list[str] | None:
    """The command line uv installs with, or None where there is no uv and none can be had."""
    uv = known_uv()
    if uv is None:
        lock = ["--only-binary", ":all:", "--require-hashes", "-r", str(LOCKS / "uv.txt")]
        pip = pip_installer()
        if pip is None or not works("installing uv", [*pip, *lock]):
            return None
        uv = str(program("uv"))
    return [uv, "pip", "install", "--quiet", "--python", str(program("python"))]


def pip_installer() -> list[str] | None:
    """The command line pip installs with, or None where the environment cannot have pip."""
    python = str(program("python"))
    has_pip = quiet([python, "-m", "pip", "--version"])
    if not has_pip and not quiet([python, "-m", "ensurepip", "--default-pip"]):
        return None
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]


def wants_uv() -> bool:
    """Whether uv may be used at all."""
    return os.environ.get("NO_UV", "") in {"", "0"}


def known_uv() -> str | None:
    """The uv that is there already: the environment's own, or one on the path."""
    if not wants_uv():
        return None
    own = program("uv")
    return str(own) if own.is_file() else shutil.which("uv")


def program(name: str) -> Path:
    """Where the environment keeps a program."""
    return HOME / "Scripts" / f"{name}.exe" if os.name == "nt" else HOME / "bin" / name


def stamp(name: str) -> Path:
    """The file that says for which lists the environment was made."""
    return HOME / f".annexa-{name}"


def state(name: str) -> str:
    """What the environment depends on, as one digest."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for path in (LOCKS / f"{name}.txt", ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def works(words: str, command: Sequence[str]) -> bool:
    """Run an installer with a sign of life every few seconds; show its output if it fails."""
    say(words)
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603 - the commands are ours
            command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        while True:
            try:
                code = process.wait(HEARTBEAT)
                break
            except subprocess.TimeoutExpired:
                say(f"  … {time.monotonic() - began:.0f} s")
            except KeyboardInterrupt:
                process.terminate()
                process.wait()
                raise
        if code:
            output.seek(0)
            lines = output.read().decode(errors="replace").splitlines()
            sys.stdout.write("".join(f"  {line}\n" for line in lines[-15:]))
    return code == 0


def quiet(command: Sequence[str]) -> bool:
    """Whether a command runs and ends well, its output aside."""
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - the commands are ours
    except OSError:
        return False


def with_newer_python(arguments: Sequence[str]) -> int:
    """Start again with a Python that is new enough, if there is one beside this one."""
    for minor in range(19, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer is not None:
            return subprocess.run([newer, __file__, *arguments], check=False).returncode  # noqa: S603 - Python itself
    say(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    return 3


def clean() -> None:
    """Remove the environment and what tools left behind; nothing a person made."""
    for name in CACHES:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    rooms = [path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    for folder in [cache for room in rooms for cache in room.rglob("__pycache__")]:
        shutil.rmtree(folder, ignore_errors=True)


def say(words: str) -> None:
    """One line of progress."""
    print(f"annexa: {words}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
