"""Which schema an operations database has, and bringing it to ours; apart from the evidence's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from annexa.operations.errors import OperationsError
from annexa.operations.tables import SCHEMA
from evidence_store import NewerSchemaError, NotAllowedError
from evidence_store.database import Database
from evidence_store.roles import OWNER, WRITER

if TYPE_CHECKING:
    from alembic.config import Config

REVISION: Final = "0004"
"""The newest revision under `migrations/versions`."""

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def revision(connection: sa.Connection, name: str) -> str | None:
    """The schema's revision; None if the database is empty."""
    tables = set(sa.inspect(connection).get_table_names())
    if "alembic_version" in tables:
        found = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        if found is not None:
            return str(found)
    if tables - {"alembic_version"}:
        raise OperationsError(
            f"{name}: holds the tables of another program"
            f" ({', '.join(sorted(tables)[:3])}); move it away"
        )
    return None


def bring_up(database: Database) -> None:
    """Create or upgrade the schema in one transaction; without need it only reads.

    Raises:
        NewerSchemaError: If a newer release wrote it.
    """
    name = database.name
    with database.reading() as connection:
        found = revision(connection, name)
    if found == REVISION:
        return
    # Imported here: it takes longer than all else, and is needed once per release.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    try:
        _upgrade(database, config, known)
    except NotAllowedError as error:
        raise NotAllowedError(
            f"{name}: the daemon's tables are at {found or 'none yet'}, this release needs"
            f" {REVISION}, and this account may not make them; run `annexa store upgrade` as the"
            " tables' owner"
        ) from error


def _upgrade(database: Database, config: Config, known: set[str]) -> None:
    from alembic import command  # noqa: PLC0415 - as above

    name = database.name
    with database.writing() as connection:
        found = revision(connection, name)  # another process may have been faster
        if found is not None and found not in known:
            raise NewerSchemaError(
                f"{name}: written by a newer release (schema {found}, this one knows"
                f" {REVISION}); install that release or a later one"
            )
        database.prepare(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        if connection.dialect.name == "postgresql":
            _grant(connection)


def _grant(connection: sa.Connection) -> None:
    """Let those who record keep the daemon's book: the fence in their transactions needs it."""
    if connection.exec_driver_sql("SELECT to_regrole(%s)", (WRITER,)).scalar() is None:
        return
    for statement in (
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {WRITER}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO {WRITER}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {SCHEMA} TO {WRITER}",
    ):
        connection.exec_driver_sql(statement)


def script() -> str:
    """What an administrator runs once, where the owner may not make schemas."""
    return (
        "-- The daemon's book, apart from the evidence; also made by `annexa store upgrade`.\n"
        f"CREATE SCHEMA IF NOT EXISTS {SCHEMA} AUTHORIZATION {OWNER};\n"
        f"GRANT USAGE ON SCHEMA {SCHEMA} TO {WRITER};\n"
    )
