"""Dumping and restoring the schema of a store on PostgreSQL, by PostgreSQL's own programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from evidence_store.database import open_database
from evidence_store.errors import StoreError
from evidence_store.location import Server

SCHEMA: Final = "evidence"


def dump(server: Server, to: Path) -> None:
    """Write the schema in `pg_dump`'s own format, as one view of it.

    Raises:
        StoreError: If the program is missing or fails, with what it said.
    """
    _run(server, "pg_dump", "--format=custom", f"--schema={SCHEMA}", "--no-owner",
         "--no-privileges", f"--file={to}", f"--dbname={server.url}")  # fmt: skip
    to.chmod(0o600)


def restore(server: Server, dump: Path) -> None:
    """Put the schema into a database that has none, in one transaction.

    Raises:
        StoreError: If the program is missing or fails, with what it said; nothing is left then.
    """
    _run(server, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner",
         "--no-privileges", f"--dbname={server.url}", str(dump))  # fmt: skip


def is_there(server: Server) -> bool:
    """Whether the database has the schema."""
    database = open_database(server)
    try:
        with database.reading() as connection:
            found = connection.scalar(sa.text(f"SELECT to_regnamespace('{SCHEMA}') IS NOT NULL"))
    finally:
        database.close()
    return bool(found)


def drop(server: Server) -> None:
    """Take back what `restore` just put there."""
    database = open_database(server)
    try:
        with database.writing() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    finally:
        database.close()


def _run(server: Server, program: str, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise StoreError(
            f"{server.name}: {program} is not on PATH; install PostgreSQL's client programs of the"
            " server's version or a later one, or use the database's own backups and keep the key"
            f" files {server.keys}.* with them"
        )
    # By the environment: what stands in a command line, every list of processes shows.
    settings = dict(os.environ)
    if server.password is not None:
        settings["PGPASSWORD"] = server.password()
    ended = subprocess.run(  # noqa: S603 - PostgreSQL's own, without a shell
        [found, "--no-password", *arguments],
        env=settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode != 0:
        said = next(iter(ended.stderr.strip().splitlines()), f"exit {ended.returncode}")
        raise StoreError(f"{server.name}: {said}; nothing was changed")
