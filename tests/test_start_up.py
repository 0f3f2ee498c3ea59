"""Starting is cheap: what a command does not need is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "alembic", "apscheduler", "boto3", "botocore", "collectors", "cryptography", "evidence_store",
    "mappings", "moto", "orjson", "pydantic", "rich", "sqlalchemy", "structlog",
}  # fmt: skip


def imported(*arguments: str) -> set[str]:
    """The top-level modules that a command has imported when it ends."""
    code = (
        "import sys\n"
        "from annexa.cli import main\n"
        "try:\n"
        "    main(sys.argv[1:])\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('\\n' + ' '.join(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return set(ended.stdout.splitlines()[-1].split())


def test_help_imports_nothing_heavy() -> None:
    assert not imported("--help") & HEAVY


def test_the_help_of_a_command_imports_no_store_and_no_sdk() -> None:
    assert not imported("sweep", "--help") & (HEAVY - {"orjson"})


def test_a_probe_imports_as_little_as_help() -> None:
    assert not imported("health") & HEAVY


@pytest.mark.parametrize("command", [("collectors",), ("permissions", "aws")])
def test_listing_what_can_be_read_imports_neither_store_nor_sdk(command: tuple[str, ...]) -> None:
    assert not imported(*command, "--format", "json") & {
        "alembic", "boto3", "botocore", "evidence_store", "pydantic", "sqlalchemy",
    }  # fmt: skip


def test_what_the_daemon_keeps_in_memory_holds_no_sdk_and_no_cryptography() -> None:
    code = (
        "import annexa.cli.apart, annexa.cli.duties, annexa.daemon, annexa.operations, sys\n"
        "print(' '.join(name.partition('.')[0] for name in sys.modules))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    kept = {"alembic", "azure", "boto3", "botocore", "cryptography", "google", "httpx", "ldap3"}
    assert not set(ended.stdout.split()) & kept
